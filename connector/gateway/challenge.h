#ifndef SP_GATEWAY_CHALLENGE_H
#define SP_GATEWAY_CHALLENGE_H

/*
 * challenge: where the access token of a request is, and what is said when it does not do: RFC
 * 6750 (bearer) and RFC 9449 section 7 (DPoP).
 *
 * A token is in one Authorization field and nowhere else: in the query it would stand in every
 * log between here and the application (RFC 9700 section 4.3.2), so there it is 400.
 * Pure. Fuzzed by tests/fuzz/fuzz_challenge.c.
 */

#include "connector/gateway/verdict.h"
#include "lib/gateway/config.h"

enum { CHALLENGE_TOKEN_MAX = 16 * 1024, CHALLENGE_NONCE_TEXT = 43 };

enum bearer_scheme { BEARER_NONE = 0, BEARER_BEARER, BEARER_DPOP };

struct bearer {
    enum bearer_scheme scheme;
    struct view token; /* borrowed from the request */
};

/* BEARER_NONE when there is none. Not SP_OK: `why` says it for error_description.
 *   SP_ERR_MALFORMED  a token in the query, two Authorization fields, no token68 behind the scheme
 *   SP_ERR_LIMIT      longer than CHALLENGE_TOKEN_MAX */
SP_MUST sp_error bearer_find(const struct gw_request *r, struct sp_why *why, struct bearer *out);

/* What is wrong, as the word of `error`. */
enum challenge_error {
    CHALLENGE_NONE = 0, /* no token: no error either (RFC 6750 section 3.1) */
    CHALLENGE_INVALID_REQUEST,
    CHALLENGE_INVALID_TOKEN,
    CHALLENGE_INSUFFICIENT_SCOPE,
    CHALLENGE_INVALID_PROOF, /* DPoP */
    CHALLENGE_USE_NONCE      /* DPoP: answer with DPoP-Nonce */
};

/*
 * The refusal with status and WWW-Authenticate. `text`: for error_description; what may not stand
 * in a quoted string is replaced. `scope`: what would be needed; "" or NULL: nothing is said.
 * Borrows `words` for as long as the verdict lives; NULL: there is no memory, nothing is said.
 */
struct gw_verdict challenge(const struct gwconf_oauth *conf, enum challenge_error error,
                            const char *text, const char *scope, struct gw_words *words);

#endif
