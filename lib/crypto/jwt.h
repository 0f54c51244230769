#ifndef SP_CRYPTO_JWT_H
#define SP_CRYPTO_JWT_H

/*
 * jwt: signed tokens (RFC 7515, 7519): ID tokens of providers (OpenID Connect Core 3.1.3.7), access
 * tokens (RFC 9068) and proofs of possession (RFC 9449), verified through wolfCrypt. The claims of
 * ID tokens are judged here by pure checks, those of the others in connector/gateway.
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
    JWT_KIND_ID,     /* typ absent, "JWT" or "application/jwt", any case */
    JWT_KIND_ACCESS, /* "at+jwt" (RFC 9068) or "JWT", with or without "application/" */
    JWT_KIND_DPOP,   /* "dpop+jwt" (RFC 9449) */
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
 * The same for a token that carries its own key in the header (`jwk`): it proves that its maker
 * holds that key and nothing else. `thumbprint` gets the key's RFC 7638 name.
 * Errors as jwt_verify; SP_ERR_MALFORMED also for no key or a private one.
 */
SP_MUST sp_error jwt_verify_own(struct view token, enum jwt_kind kind, unsigned algs,
                                struct sp_why *why, struct hash *thumbprint, struct json **claims);

/*
 * The claim `iss` of a token whose signature was NOT checked, appended: to choose the key set that
 * jwt_verify then judges it by, and for nothing else. Errors as jwt_verify's first two;
 * SP_ERR_NOT_FOUND when there is none.
 */
SP_MUST sp_error jwt_unverified_issuer(struct view token, struct sp_why *why, struct buf *out);

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
    struct view code;         /* empty: c_hash is not compared */
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
 *   SP_ERR_INTEGRITY  `at_hash` or `c_hash` does not fit
 *   SP_ERR_STEP_UP    `auth_time` missing or too old for max_age
 */
SP_MUST sp_error jwt_id_check(const struct json *claims, const struct jwt_expect *expect,
                              struct sp_why *why, struct jwt_id *out);

/* Signs `claims` (compact JSON) as a provider does: EdDSA or ES256 by the key's kind, typ JWT.
 *   SP_ERR_NOMEM, SP_ERR_LIMIT, SP_ERR_INTERNAL */
SP_MUST sp_error jwt_sign(const struct key_secret *k, const char *kid, const struct json *claims,
                          struct buf *out);

/* at_hash of an access token, c_hash of a code: base64url of the left half of its SHA-256,
 * appended. */
void jwt_half_hash(struct view token, struct buf *out);

#endif
