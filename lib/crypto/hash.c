#include "lib/crypto/hash.h"

#include <sodium.h>
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/sha.h>

_Static_assert(sizeof(struct hash_stream) >= sizeof(crypto_hash_sha256_state),
               "hash_stream holds the library's state");
_Static_assert(_Alignof(struct hash_stream) >= _Alignof(crypto_hash_sha256_state),
               "hash_stream is aligned for the library's state");

struct hash hash_sha256(struct view v)
{
    struct hash h;

    crypto_hash_sha256(h.bytes, v.at, v.len);
    return h;
}

void hash_sha256_start(struct hash_stream *s)
{
    crypto_hash_sha256_init((crypto_hash_sha256_state *)(void *)s);
}

void hash_sha256_more(struct hash_stream *s, struct view v)
{
    crypto_hash_sha256_update((crypto_hash_sha256_state *)(void *)s, v.at, v.len);
}

struct hash hash_sha256_end(struct hash_stream *s)
{
    struct hash h;

    crypto_hash_sha256_final((crypto_hash_sha256_state *)(void *)s, h.bytes);
    return h;
}

struct hash hash_chain(const struct hash *previous, struct view record)
{
    crypto_generichash_state state;
    struct hash h;

    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&state, previous->bytes, HASH_BYTES);
    crypto_generichash_update(&state, record.at, record.len);
    crypto_generichash_final(&state, h.bytes, HASH_BYTES);
    return h;
}

struct hash hash_keyed(struct view key, struct view v)
{
    struct hash h = {{0}};

    if (key.len < crypto_generichash_KEYBYTES_MIN || key.len > crypto_generichash_KEYBYTES_MAX)
        return h;
    crypto_generichash(h.bytes, HASH_BYTES, v.at, v.len, key.at, key.len);
    return h;
}

_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t) &&
                   crypto_shorthash_KEYBYTES == HASH_SHORT_KEY_BYTES,
               "SipHash-2-4 as the header says");

uint64_t hash_short(const uint8_t key[HASH_SHORT_KEY_BYTES], struct view v)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t h = 0;

    crypto_shorthash(out, v.at, v.len, key);
    for (size_t i = 0; i < sizeof out; i++)
        h |= (uint64_t)out[i] << 8 * i; /* little-endian, as its authors give it */
    return h;
}

struct sp_id hash_pairwise(const uint8_t site_key[32], struct sp_id user)
{
    struct hash h = hash_keyed((struct view){site_key, 32}, id_view(&user));
    struct sp_id id;

    memcpy(id.bytes, h.bytes, sizeof id.bytes);
    return id;
}

void hash_sha1(struct view v, uint8_t out[HASH_SHA1_BYTES])
{
    wc_Sha sha;

    /* The software SHA-1 of wolfCrypt has no way to fail on valid arguments; its results are
     * looked at because its prototype allows it. */
    if (wc_InitSha(&sha) != 0 || wc_ShaUpdate(&sha, v.at, (word32)v.len) != 0 ||
        wc_ShaFinal(&sha, out) != 0)
        memset(out, 0, HASH_SHA1_BYTES);
    wc_ShaFree(&sha);
}
