#ifndef SP_IDP_TICKET_H
#define SP_IDP_TICKET_H

/*
 * ticket: what the built-in provider hands out to get back, sealed so that only it can read it.
 *
 *   request  the authorization request, in a hidden field of the login form       10 min
 *   code     the authorization code                                               60 s, once
 *   access   the access token, good for userinfo only                             5 min
 * PASETO v4.local; the kind is the implicit assertion, so that none serves as another (JWT-3).
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/crypto/secret.h"

enum ticket_kind { TICKET_NONE = 0, TICKET_REQUEST, TICKET_CODE, TICKET_ACCESS, TICKET_KINDS };
enum { TICKET_TEXT_MAX = 512, TICKET_TOKEN_MAX = 4096 };

struct ticket {
    struct sp_id id;      /* the code's own: spent once */
    struct sp_id account; /* code, access */
    sp_unix_ms expires, auth_at;
    char browser[SP_ID_TEXT + 1]; /* request: the cookie that the form was given with */
    char challenge[44];           /* request, code: PKCE S256 */
    char nonce[TICKET_TEXT_MAX], state[TICKET_TEXT_MAX]; /* request; nonce also in a code */
};

int64_t ticket_life_ms(enum ticket_kind k);

/* Appends the text; sets nothing in `t`.   SP_ERR_LIMIT, SP_ERR_NOMEM */
SP_MUST sp_error ticket_seal(const struct secret *key, enum ticket_kind kind,
                             const struct ticket *t, struct buf *out);
/*
 *   SP_ERR_MALFORMED, SP_ERR_INTEGRITY  not one of ours, or of another kind
 *   SP_ERR_EXPIRED
 */
SP_MUST sp_error ticket_open(const struct secret *key, enum ticket_kind kind, struct view token,
                             sp_unix_ms now, struct ticket *out);

#endif
