#ifndef SP_CRYPTO_HASH_H
#define SP_CRYPTO_HASH_H

/*
 * hash: SHA-256, the audit chain's BLAKE2b step, keyed BLAKE2b for pairwise ids.
 *
 * Nothing here fails. Any thread. Passwords are lib/crypto/password.h, never these.
 */

#include "lib/base/id.h"

enum { HASH_BYTES = 32, HASH_SHA1_BYTES = 20 };

struct hash {
    uint8_t bytes[HASH_BYTES];
};

static inline struct view hash_view(const struct hash *h)
{
    return (struct view){h->bytes, HASH_BYTES};
}

/* FIPS 180-4. How tokens, tickets and recovery codes are stored, and blobs are named. */
struct hash hash_sha256(struct view v);

/* The same over pieces. A zeroed struct is not started. */
struct hash_stream {
    uint64_t state[16]; /* room for the library's state, checked at compile time */
};
void hash_sha256_start(struct hash_stream *s);
void hash_sha256_more(struct hash_stream *s, struct view v);
struct hash hash_sha256_end(struct hash_stream *s);

/* One step of the audit chain (LOG-5): BLAKE2b-256(previous || record). */
struct hash hash_chain(const struct hash *previous, struct view record);

/* Keyed BLAKE2b-256; the key has 16 to 64 bytes, another length is a bug of the caller's and
 * gives a zeroed hash. */
struct hash hash_keyed(struct view key, struct view v);

/* SipHash-2-4 (Aumasson, Bernstein): 64 bits for tables and sketches in memory, so that nobody who
 * does not know the key can choose what falls together. Not a name, not a signature. */
enum { HASH_SHORT_KEY_BYTES = 16 };
uint64_t hash_short(const uint8_t key[HASH_SHORT_KEY_BYTES], struct view v);

/* The user's name at one site: first 16 bytes of hash_keyed(site's pairwise key, user id). */
struct sp_id hash_pairwise(const uint8_t site_key[32], struct sp_id user);

/* SHA-1, for the two places where a standard fixes it and nothing rests on its strength:
 * Sec-WebSocket-Accept (RFC 6455 section 4.2.2). TOTP has its own HMAC in totp.h. */
void hash_sha1(struct view v, uint8_t out[HASH_SHA1_BYTES]);

#endif
