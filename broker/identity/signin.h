#ifndef SP_IDENTITY_SIGNIN_H
#define SP_IDENTITY_SIGNIN_H

/*
 * signin: the browser's ticket, cookie __Host-sallyport: 32 random bytes, known to the store by
 * SHA-256 only, rolled each SIGNIN_ROLL_MS (AAL-7; SECURITY "browser ticket").
 *
 * The value before the last roll is read for SIGNIN_GRACE_MS more, so that requests under way and
 * a crash between roll and answer sign nobody out; later it is a stolen one: the login ends, and
 * the audit log says so (OA-8).
 * The cookie is SameSite=Strict and ends with the browser (AAL-7, TM-15): a link from elsewhere
 * arrives without it and meets the login page.
 * Worker threads. Errors besides those listed: the store's.
 */

#include "broker/audit/chain.h"
#include "broker/store/store.h"
#include "lib/http/message.h"

struct signin;

#define SIGNIN_COOKIE "__Host-sallyport"

enum { SIGNIN_ROLL_MS = 15 * 60 * 1000, SIGNIN_GRACE_MS = 30 * 1000, SIGNIN_TICKET_BYTES = 32 };

/* `idle_ms`: a ticket that was not used for so long is over; it is measured by rolls.
 * Borrows `store`. SP_ERR_NOMEM */
SP_MUST sp_error signin_new(struct store *store, int64_t session_ms, int64_t idle_ms,
                            struct signin **out);
void signin_free(struct signin *s);

/*
 * Makes a new login from `row` (user, auth_at, mfa_at, mfa_kind, amr, acr, idp_sid are the
 * caller's; hash, times, address and agent are filled here) and sets its cookie. An earlier
 * ticket of the same browser ends (TM-21).
 */
SP_MUST sp_error signin_start(struct signin *s, const struct request *req, struct response *res,
                              struct login_row *row);

/*
 * Who sends this request. Rolls the ticket when it is due and then sets the cookie in `res`
 * (NULL: never rolls, for websockets).
 *   SP_ERR_UNAUTHENTICATED  no ticket, unknown, over, or a value from before the last roll
 */
SP_MUST sp_error signin_find(struct signin *s, const struct request *req, struct response *res,
                             struct login_row *out);

/* Ends the login of this request, if any, and clears the cookie. */
SP_MUST sp_error signin_end(struct signin *s, const struct request *req, struct response *res,
                            const struct audit_record *by);

/* This browser login has proved the second factor now: stores mfa_at and kind, and gives it a new
 * ticket (TM-21). SP_ERR_UNAUTHENTICATED */
SP_MUST sp_error signin_factor(struct signin *s, const struct request *req, struct response *res,
                               sp_unix_ms at, enum mfa_row_kind kind, struct login_row *out);

#endif
