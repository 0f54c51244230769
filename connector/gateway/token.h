#ifndef SP_GATEWAY_TOKEN_H
#define SP_GATEWAY_TOKEN_H

/*
 * token: what an access token says, once its signature (token_verify) or its issuer's word
 * (introspect.h) vouches for it: RFC 9068 and RFC 7662 section 2.2.
 *
 * A token is made once, never changes, and is shared by the requests that carry it: token_share
 * and token_free count. Not here: keys (keyring.h), proofs (dpop.h), what is done about a fault
 * (authorize.h). Pure but for the memory. One thread.
 */

#include "lib/base/clock.h"
#include "lib/crypto/jwt.h"
#include "lib/gateway/config.h"

enum { TOKEN_SCOPES_MAX = 4096, TOKEN_SUBJECT_MAX = 255 };
#define TOKEN_LIFE_MS_MAX (INT64_C(86400000) * 366)

struct token {
    size_t users;
    struct json *claims;                        /* owned */
    struct view issuer, subject, email, client; /* in claims; empty: absent */
    struct buf scopes;                          /* owned; "a b c", one blank between */
    sp_unix_ms expires, not_before;             /* 0: none */
    bool has_jkt, has_x5t; /* bound to a key (RFC 9449) or certificate (RFC 8705) */
    struct hash jkt, x5t;
};

/* NULL is allowed for both. */
struct token *token_share(struct token *t);
void token_free(struct token *t);

/*
 * A JWT of `issuer`, whose key set is `keys`. The faults in the order in which they are looked for;
 * `why` says each in words for error_description.
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED, SP_ERR_INVALID, SP_ERR_UNSUPPORTED, SP_ERR_SIGNATURE
 *                     as jwt_verify
 *   SP_ERR_NOT_FOUND  no key of the set fits: fetch the set again, once
 *   SP_ERR_MALFORMED  a claim missing or of another type: iss, aud, exp, iat, sub, cnf, scope
 *   SP_ERR_AUDIENCE   another issuer, or none of the audiences is ours
 *   SP_ERR_EXPIRED    exp, nbf or iat, 30 s of skew allowed
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error token_verify(struct view text, const struct jwks *keys,
                              const struct gwconf_issuer *issuer, sp_unix_ms now,
                              struct sp_why *why, struct token **out);

/*
 * The answer of an introspection endpoint. `*out` stays NULL with SP_OK for `active: false`.
 *   SP_ERR_PROTOCOL   no answer of that kind
 *   SP_ERR_AUDIENCE, SP_ERR_EXPIRED  as above: an active token that is not for us
 */
SP_MUST sp_error token_from_answer(struct view body, const struct gwconf_introspection *conf,
                                   sp_unix_ms now, struct sp_why *why, struct token **out);

/* Again for each request: its time may be over since.   SP_ERR_EXPIRED */
SP_MUST sp_error token_in_time(const struct token *t, sp_unix_ms now, struct sp_why *why);

/* All of `wanted` ("a b") are among its scopes. */
bool token_has_scopes(const struct token *t, struct view wanted);

#endif
