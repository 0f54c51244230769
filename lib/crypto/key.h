#ifndef SP_CRYPTO_KEY_H
#define SP_CRYPTO_KEY_H

/*
 * key: signing keys of devices, connectors, relays and brokers.
 *
 * Kinds      Ed25519 (RFC 8032) in software; P-256 with SHA-256 (relay TLS keys, TPMs).
 * Text form  `ed25519:` + base64url of 32 bytes, `p256:` + base64url of the 33-byte compressed
 *            point (SEC 1 section 2.3.3). One key has one text.
 * Signature  64 bytes: Ed25519, or r || s of ECDSA, both big-endian of 32 bytes. DER is refused.
 * Made       where they live; a secret key leaves its process only as key_secret_encode's text
 *            into a file of mode 0600 that lib/os/file writes, never to the wire.
 * Not here   certificates (lib/tls makes the envelope of DATAPATH F1 from key_secret_der).
 * Any thread. A zeroed key_public is KEY_NONE: it verifies nothing and equals nothing.
 */

#include "lib/base/buf.h"
#include "lib/crypto/hash.h"

enum key_kind { KEY_NONE = 0, KEY_ED25519, KEY_P256 };

enum {
    KEY_BYTES_MAX = 33,
    KEY_TEXT_MAX = 51, /* "ed25519:" and 43 characters */
    KEY_SIGNATURE_BYTES = 64,
    KEY_KID_TEXT = 16,
    KEY_FINGERPRINT_TEXT = 43, /* "SP1:" and eight groups of four hex digits, joined by '-' */
    KEY_DER_MAX = 160
};

struct key_public {
    enum key_kind kind;
    uint8_t bytes[KEY_BYTES_MAX]; /* Ed25519: 32, rest zero; P-256: compressed point */
};

struct key_secret; /* opaque; its bytes are in a struct secret */

/* --- public keys --- */

/* False when either is KEY_NONE. */
bool key_equal(const struct key_public *a, const struct key_public *b);
size_t key_len(const struct key_public *k); /* 0, 32 or 33 */

/* Text for printf within the full expression; "" for KEY_NONE. */
struct key_text {
    char s[KEY_TEXT_MAX + 1];
};
struct key_text key_text(const struct key_public *k);

/*
 *   SP_ERR_MALFORMED  not one of the two text forms; P-256: not on the curve; Ed25519: a point
 *                     of small order or not in its only encoding
 */
SP_MUST sp_error key_parse(struct view text, struct key_public *out);
/* The same checks on the bytes alone. */
SP_MUST sp_error key_from_bytes(enum key_kind kind, struct view bytes, struct key_public *out);

/* Key id in footers: 16 hex digits = first 8 bytes of SHA-256 of the key's text. */
struct key_kid {
    char s[KEY_KID_TEXT + 1];
};
struct key_kid key_kid(const struct key_public *k);

/* What people compare: `SP1:9f2a-71c7-…`, the first 16 bytes of SHA-256 of the key's text. */
struct key_fingerprint {
    char s[KEY_FINGERPRINT_TEXT + 1];
};
struct key_fingerprint key_fingerprint(const struct key_public *k);

/*
 * Appends the SubjectPublicKeyInfo (RFC 5280; RFC 8410; P-256 uncompressed, as certificates
 * carry it). key_spki_hash is its SHA-256: the relay's pin in grants' answers and stands.
 *   SP_ERR_INVALID  KEY_NONE
 */
SP_MUST sp_error key_spki(const struct key_public *k, struct buf *out);
SP_MUST sp_error key_spki_hash(const struct key_public *k, struct hash *out);

/*
 * Whether `signature` of `message` is `k`'s. Strict: Ed25519 refuses non-canonical S and points
 * of small order, ECDSA refuses r or s of 0 or beyond the order.
 *   SP_ERR_SIGNATURE  it is not; also for KEY_NONE and any other length than 64
 */
SP_MUST sp_error key_verify(const struct key_public *k, struct view message, struct view signature);

/* --- secret keys --- */

/*
 * Makes a pair. `*out` is the caller's.
 *   SP_ERR_INVALID  KEY_NONE
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error key_secret_new(enum key_kind kind, struct key_secret **out);
void key_secret_free(struct key_secret *k); /* NULL is fine */

/* Borrowed until key_secret_free. */
const struct key_public *key_secret_public(const struct key_secret *k);

/* P-256: a fresh nonce from the generator, so two signatures differ.
 *   SP_ERR_INTERNAL  the library failed */
SP_MUST sp_error key_sign(const struct key_secret *k, struct view message,
                          uint8_t signature[KEY_SIGNATURE_BYTES]);

/*
 * File form, one line: `sallyport-secret-key-1 ed25519 BASE64URL-OF-32-BYTES\n` (`p256` for the
 * other). The writer appends to `out`, which the caller wipes (buf_wipe).
 */
SP_MUST sp_error key_secret_encode(const struct key_secret *k, struct buf *out);
/*   SP_ERR_MALFORMED  not that form, or no valid scalar
 *   SP_ERR_NOMEM */
SP_MUST sp_error key_secret_decode(struct view text, struct key_secret **out);

/* PKCS#8 DER (RFC 5958; P-256 with its curve and public point) for lib/tls. At most KEY_DER_MAX
 * bytes; the caller wipes `out`. */
SP_MUST sp_error key_secret_der(const struct key_secret *k, struct buf *out);

#endif
