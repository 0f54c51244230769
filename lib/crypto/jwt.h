#ifndef SP_CRYPTO_JWT_H
#define SP_CRYPTO_JWT_H

/*
 * jwt: ID tokens of providers (RFC 7515, 7519; OpenID Connect Core 3.1.3.7), verified through
 * wolfCrypt and judged by pure checks.
 *
 * jwt_verify    form and signature (IDT-01 to IDT-08, IDT-16; JWT-1, JWT-6, JWT-7)
 * jwt_id_check  the claims, without clock or store (IDT-08 to IDT-15; C-005, C-006)
 * Not here      fetching keys (broker/identity/discovery), single use of nonce and state (logins).
 * Fuzzed by tests/fuzz/fuzz_jwt.c. Any thread.
 */

#include "lib/base/clock.h"
#include "lib/crypto/jwk.h"

enum {
    JWT_BYTES_MAX = 32 * 1024,
    JWT_LEEWAY_MS = 60 * 1000,
    JWT_IAT_AGE_MS_MAX = 10 * 60 * 1000,
    JWT_SUB_MAX = 255,
    JWT_AUDIENCES_MAX = 16
};

/* What `typ` may say. A zeroed kind accepts nothing. */
enum jwt_kind {
    JWT_KIND_NONE = 0,
    JWT_KIND_ID, /* typ absent, "JWT" or "application/jwt", any case */
};

/*
 * Checks the form, chooses the key, checks the signature, and only then gives the claims, an
 * object that the caller frees. `algs`: jwt_alg bits allowed for this client.
 *   SP_ERR_LIMIT        over JWT_BYTES_MAX; `why` names limit and size (C-007)
 *   SP_ERR_MALFORMED    not three non-empty parts of strict base64url; header or claims no JSON
 *                       object, duplicate members, `crit`, `zip`, or a nested token
 *   SP_ERR_INVALID      `typ` is of another kind (IDT-16)
 *   SP_ERR_UNSUPPORTED  `alg` not allowed, or `kid` names a key of an ignored kind (C-004)
 *   SP_ERR_NOT_FOUND    no key of the set fits: fetch the set once more, then refuse (IDT-06)
 *   SP_ERR_SIGNATURE
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error jwt_verify(struct view token, enum jwt_kind kind, const struct jwks *keys,
                            unsigned algs, struct sp_why *why, struct json **claims);

/*
 * One signature with one key: what jwt_verify does with each key that is left over.
 *   SP_ERR_UNSUPPORTED  the key does not do `alg`
 *   SP_ERR_SIGNATURE
 */
SP_MUST sp_error jwk_verify(const struct jwk *k, enum jwt_alg alg, struct view text,
                            struct view signature);

/* What an ID token has to say. All views are borrowed for the call. */
struct jwt_expect {
    struct view issuer;         /* byte for byte */
    struct view client_id;      /* must be in `aud` */
    const struct view *trusted; /* further audiences that the configuration lists */
    size_t trusted_count;
    struct view nonce;        /* never empty: an empty one refuses */
    struct view access_token; /* empty: at_hash is not compared */
    sp_unix_ms now;
    int64_t max_age_ms; /* 0: not asked for; else auth_time must be present and this fresh */
};

/* Borrowed from the claims. Times in ms; 0: the claim is absent. */
struct jwt_id {
    struct view subject;
    sp_unix_ms issued, expires, auth_time;
    struct view acr;        /* empty: absent, the weakest (IDT-14) */
    const struct json *amr; /* NULL or an array */
};

/*
 *   SP_ERR_MALFORMED  a claim missing or of a wrong type; times as string, negative, above 2^53
 *   SP_ERR_AUDIENCE   `iss`, `aud` or `azp`
 *   SP_ERR_EXPIRED    a time outside its window; `why` says which clock seems wrong and by how
 *                     many seconds
 *   SP_ERR_REPLAY     `nonce` missing or another
 *   SP_ERR_INTEGRITY  `at_hash` does not fit
 *   SP_ERR_STEP_UP    `auth_time` missing or too old for max_age
 */
SP_MUST sp_error jwt_id_check(const struct json *claims, const struct jwt_expect *expect,
                              struct sp_why *why, struct jwt_id *out);

/* Signs `claims` (compact JSON) as a provider does: EdDSA or ES256 by the key's kind, typ JWT.
 *   SP_ERR_NOMEM, SP_ERR_LIMIT, SP_ERR_INTERNAL */
SP_MUST sp_error jwt_sign(const struct key_secret *k, const char *kid, const struct json *claims,
                          struct buf *out);

/* at_hash of an access token: base64url of the left half of its SHA-256, appended. */
void jwt_half_hash(struct view token, struct buf *out);

#endif
