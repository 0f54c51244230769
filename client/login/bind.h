#ifndef SP_CLIENT_LOGIN_BIND_H
#define SP_CLIENT_LOGIN_BIND_H

/*
 * bind: what ties one login to this device: PKCE (RFC 7636, S256 only) and the loopback's state.
 *
 * The device key itself never comes here: the agent holds it, and the code that ends a login is
 * worth something on that key's channel only (PROTOCOL section 11). Fresh for each login; wiped.
 */

#include "lib/base/view.h"

enum { BIND_TEXT = 43 }; /* base64url of 32 bytes */

struct bind {
    char verifier[BIND_TEXT + 1];  /* secret until login.finish */
    char challenge[BIND_TEXT + 1]; /* base64url(SHA-256(verifier)) */
    char state[BIND_TEXT + 1];     /* what the redirect must bring back */
    char path[BIND_TEXT + 1];      /* of the loopback address, without '/' */
};

void bind_new(struct bind *b);
void bind_wipe(struct bind *b);
/* For tests: the challenge of a verifier (RFC 7636 appendix B). */
void bind_challenge(struct view verifier, char out[BIND_TEXT + 1]);

#endif
