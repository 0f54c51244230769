#ifndef SP_IDENTITY_LOGINS_INTERNAL_H
#define SP_IDENTITY_LOGINS_INTERNAL_H

/* What the files of logins share: logins.c meets the browser, logins_device.c the device's
 * channel, logins_cookie.c keeps a login sealed between two requests, logins_codes.c holds what
 * was approved until the device fetches it, logins_waits.c the logins whose code is entered on
 * another device. */

#include "broker/identity/logins.h"

#include <pthread.h>

struct codes;
struct waits;

struct logins {
    struct logins_options o; /* borrowed pointers */
    const struct store_services *services;
    struct codes *codes; /* owned */
    struct waits *waits; /* owned */
};

/* ---- sealing: v4.local of the login's members (logins_cookie.c) */
#define SEAL_START "sallyport/login-start/1"   /* the address that a device opens */
#define SEAL_COOKIE "sallyport/login-cookie/1" /* between two pages */

SP_MUST sp_error login_seal(const struct logins *l, const struct login *login, const char *purpose,
                            struct buf *out);
/*   SP_ERR_DENIED   not one of ours
 *   SP_ERR_EXPIRED  older than LOGINS_LIFE_MS */
SP_MUST sp_error login_open(const struct logins *l, struct view token, const char *purpose,
                            struct login *out);

/* Each pending login of this browser, in the cookies' order; false from `each` stops. */
typedef bool each_pending(void *arg, const struct login *login);
void logins_each(const struct logins *l, const struct request *req, each_pending *each, void *arg);

/* ---- once: an id of a login works one time; `what` tells its uses apart.
 *   SP_ERR_REPLAY  used before */
SP_MUST sp_error login_spend(struct logins *l, const char *what, struct view id);

/* ---- codes: approved in the browser, not yet fetched by the device (logins_codes.c) */
SP_MUST sp_error codes_new(struct codes **out);
void codes_free(struct codes *c);
/* Keeps a copy of `login` under a new code, whose text is written. `typed`: short enough for a
 * person to type. SP_ERR_BUSY: LOGINS_CODES_MAX wait. */
SP_MUST sp_error codes_put(struct codes *c, const struct login *login, bool typed, sp_unix_ms now,
                           char text[LOGINS_CODE_TEXT + 1]);
/* Takes the login of a code, which works once. `reused`: it was taken before, by this device.
 *   SP_ERR_DENIED */
SP_MUST sp_error codes_take(struct codes *c, struct view text, sp_unix_ms now, struct login *out,
                            struct sp_id *reused);
/* The device that a taken code logged in, for the case that it comes again (OA-6). */
void codes_used(struct codes *c, struct view text, struct sp_id device);

/* ---- waits: a login whose code is entered in a browser elsewhere (RFC 8628, OA-10). Its device
 * holds a secret with which it asks whether somebody answered; the code says only which login is
 * meant, and ends with the answer. (logins_waits.c) */
SP_MUST sp_error waits_new(struct waits **out);
void waits_free(struct waits *w);
/* Keeps a copy under a new code, which becomes login->match. SP_ERR_BUSY: LOGINS_CODES_MAX wait. */
SP_MUST sp_error waits_put(struct waits *w, struct login *login, char poll[LOGINS_POLL_TEXT + 1]);
/* What somebody at `address` typed.
 *   SP_ERR_NOT_FOUND  no such code waits, or it was opened LOGINS_OPEN_TRIES times
 *   SP_ERR_LIMIT      too many wrong ones from there */
SP_MUST sp_error waits_open(struct waits *w, struct view typed, const char *address, sp_unix_ms now,
                            struct login *out);
/* The answer, with the login as it is by now. SP_ERR_EXPIRED: nobody waits for it any more. */
SP_MUST sp_error waits_decide(struct waits *w, const struct login *login, bool approved);
/* "waiting", "approved", "refused", or "expired" for all else; and when to ask again. */
const char *waits_poll(struct waits *w, struct view poll, const struct key_public *key,
                       sp_unix_ms now, int64_t *interval_ms);
bool waits_poll_text(struct view text); /* has the form of such a secret */
/* As codes_take and codes_used. SP_ERR_DENIED also before the answer, and for another key. */
SP_MUST sp_error waits_take(struct waits *w, struct view poll, const struct key_public *key,
                            sp_unix_ms now, struct login *out, struct sp_id *reused);
void waits_used(struct waits *w, struct sp_id login, struct sp_id device);

/* ---- audit */
struct audit_record login_record(const struct login *login, enum audit_event event,
                                 enum audit_result result, const char *address, const char *request,
                                 const char *text);

#endif
