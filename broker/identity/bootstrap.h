#ifndef SP_IDENTITY_BOOTSTRAP_H
#define SP_IDENTITY_BOOTSTRAP_H

/*
 * bootstrap: the token that makes the first administrator (INC-15). A fresh installation has no
 * login that is usable; whoever may write the broker's state folder, which is who owns the machine,
 * gets one administrator's token for an hour.
 *
 * Form      "spt_" and base64url of 32 random bytes, sent as `Authorization: Bearer spt_…`.
 * Kept      as SHA-256 in STATE/bootstrap, mode 0600: "HASH EXPIRES FIRST_USED", times in ms. A
 * file and not a row of the store, so that the command works beside a running broker, which alone
 * may write its store (DEP-3). One       at a time: a new token ends the one before it; `end`
 * leaves none. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/why.h"

enum { BOOTSTRAP_LIFE_MS = 60 * 60 * 1000, BOOTSTRAP_TEXT = 47 };

/* A new token, appended to `out`, which the caller wipes. Errors of file_write_secret. */
SP_MUST sp_error bootstrap_make(const char *state, sp_unix_ms now, struct buf *out,
                                struct sp_why *why);

/* Ends the token that is there.   SP_ERR_NOT_FOUND  there is none */
SP_MUST sp_error bootstrap_end(const char *state, struct sp_why *why);

struct bootstrap_token {
    sp_unix_ms expires;
    bool first; /* nobody used it before: that is written down before this returns */
};

/*
 * Is it the token, and does it live?
 *   SP_ERR_UNAUTHENTICATED  another text, no token, or it is over
 *   errors of file_write_secret: that it is used can't be written down, so it is not taken
 */
SP_MUST sp_error bootstrap_find(const char *state, struct view text, sp_unix_ms now,
                                struct bootstrap_token *out);

#endif
