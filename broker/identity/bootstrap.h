#ifndef SP_IDENTITY_BOOTSTRAP_H
#define SP_IDENTITY_BOOTSTRAP_H

/*
 * bootstrap: the token that makes the first administrator (INC-15). A fresh installation has no
 * login that is usable; whoever may write the broker's state folder, which is who owns the machine,
 * gets one token, and the token is good for one thing, once: to be exchanged for an administrator's
 * session. Token and session end together, an hour after the token was made.
 *
 * Form      "spt_" (token) and "sas_" (session), and base64url of 32 random bytes.
 * Kept      as SHA-256 in STATE/bootstrap, mode 0600: "token HASH EXPIRES", and once it is spent
 *           "session HASH EXPIRES SPENT", SPENT the hash of the token that is over. A file and not
 *           a row of the store, so that the command works beside a running broker, which alone may
 *           write its store (DEP-3). STATE/bootstrap.lock is held while it is changed.
 * One at a time: a new token ends the token or session before it; `end` leaves none. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/why.h"

enum { BOOTSTRAP_LIFE_MS = 60 * 60 * 1000, BOOTSTRAP_TEXT = 47 };

/* A new token, appended to `out`, which the caller wipes.
 *   SP_ERR_BUSY  it is being exchanged or made just now
 *   errors of file_write_secret */
SP_MUST sp_error bootstrap_make(const char *state, sp_unix_ms now, struct buf *out,
                                struct sp_why *why);

/* Ends the token or the session that is there.   SP_ERR_NOT_FOUND  there is none */
SP_MUST sp_error bootstrap_end(const char *state, struct sp_why *why);

/*
 * Spends the token: of any number of callers with the same token one gets a session, appended to
 * `session`, which the caller wipes. That the token is over is durable before this returns.
 *   SP_ERR_UNAUTHENTICATED  another text, no token, or its hour is over
 *   SP_ERR_REPLAY           it was the token, and somebody spent it before
 *   SP_ERR_BUSY             another one is spending or making it just now: ask again
 *   errors of file_write_secret: that it is spent can't be written down, so it is not
 */
SP_MUST sp_error bootstrap_spend(const char *state, struct view token, sp_unix_ms now,
                                 struct buf *session, sp_unix_ms *expires);

/*
 * Is it the session, and does it live?
 *   SP_ERR_UNAUTHENTICATED  another text, no session, or it is over
 */
SP_MUST sp_error bootstrap_find(const char *state, struct view session, sp_unix_ms now,
                                sp_unix_ms *expires);

#endif
