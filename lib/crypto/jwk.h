#ifndef SP_CRYPTO_JWK_H
#define SP_CRYPTO_JWK_H

/*
 * jwk: a provider's key set (RFC 7517, 7518, 8037), read from untrusted bytes.
 *
 * Understood  RSA of 2,048 to 4,096 bits with an odd exponent of 3 or more; EC P-256 on the
 *             curve; OKP Ed25519.
 * Ignored     everything else, entry by entry (RFC 7517 section 5): other types and curves,
 *             missing members, `use` other than sig, entries that are no objects. Each is listed
 *             with its reason, and found again by its kid, so that a token signed with it is
 *             refused in words (C-004).
 * x5c, x5u, jku and private members are never read (IDT-04).
 * Pure. Fuzzed by tests/fuzz/fuzz_jwt.c. A parsed set is read by any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"

enum {
    JWKS_BYTES_MAX = 256 * 1024,
    JWKS_KEYS_MAX = 100, /* entries, ignored ones included */
    JWK_KID_MAX = 256,
    JWK_NAME_MAX = 32,
    JWK_RSA_BYTES_MAX = 512,
    JWK_RSA_BITS_MIN = 2048
};

enum jwk_kind { JWK_IGNORED = 0, JWK_RSA, JWK_P256, JWK_ED25519 };

/* The four algorithms of ID tokens (IDT-03), as bits of a set. Zero allows nothing. */
enum jwt_alg {
    JWT_ALG_NONE = 0,
    JWT_RS256 = 1,
    JWT_PS256 = 2,
    JWT_ES256 = 4,
    JWT_EDDSA = 8,
    JWT_ALG_ALL = 15
};

struct jwk {
    enum jwk_kind kind;
    unsigned algs;              /* jwt_alg bits this key may verify: by type, narrowed by `alg` */
    char kid[JWK_KID_MAX + 1];  /* "" when absent */
    char kty[JWK_NAME_MAX + 1]; /* as written, or "" */
    char crv[JWK_NAME_MAX + 1];
    const char *ignored;   /* JWK_IGNORED: the reason, static storage */
    struct key_public key; /* JWK_P256, JWK_ED25519 */
    uint8_t *n;            /* JWK_RSA: owned by the set, big-endian without leading zeros */
    size_t n_len;          /* bytes */
    uint8_t e[8];          /* big-endian */
    size_t e_len;          /* bytes */
};

struct jwks {
    struct jwk *keys; /* owned */
    size_t count, usable;
};

/*
 * `*out` is the caller's. A set without a usable key is a result, not an error.
 *   SP_ERR_LIMIT      over JWKS_BYTES_MAX or JWKS_KEYS_MAX
 *   SP_ERR_MALFORMED  not JSON, no object, no list `keys`
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error jwks_parse(struct view text, struct sp_why *why, struct jwks **out);
void jwks_free(struct jwks *s); /* NULL is fine */

/*
 * A set of the one key of `entry`, as proofs carry their own (RFC 9449 section 4.2). `*out` is the
 * caller's.
 *   SP_ERR_MALFORMED    no object, or with a private member (RFC 9449 section 4.3, item 7)
 *   SP_ERR_UNSUPPORTED  of a kind that would be ignored in a set
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error jwks_of_one(const struct json *entry, struct sp_why *why, struct jwks **out);

/* RFC 7638, SHA-256: the name of a key in `cnf.jkt`.   SP_ERR_INVALID: an ignored key */
SP_MUST sp_error jwk_thumbprint(const struct jwk *k, struct hash *out);

/* One sentence that names the ignored entries, appended; nothing when none was ignored. */
void jwks_warning(const struct jwks *s, struct buf *out);

/* Appends a set of one public key as JSON text, for providers: {"keys":[{…}]}. */
SP_MUST sp_error jwks_write(const struct key_public *keys, const char *const kids[], size_t count,
                            struct buf *out);

/* "RS256" and so on; JWT_ALG_NONE for any other text. Exact case. */
enum jwt_alg jwt_alg_parse(struct view name);
const char *jwt_alg_name(enum jwt_alg alg); /* never NULL */

#endif
