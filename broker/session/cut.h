#ifndef SP_SESSION_CUT_H
#define SP_SESSION_CUT_H

/*
 * cut: ends sessions at relay and connector, and measures how long that takes.
 *
 * An order goes to every edge of the session at once; repeats are harmless (a cut is idempotent).
 * Time to cut = (answer's arrival - decision) - the edge's "ms since last byte", by this broker's
 * clock; the later of relay and connector counts (PROTOCOL.md section 8). Any thread.
 */

#include "broker/session/live.h"

struct sessions;
struct audit_record;

/* What matches is cut; an unknown session is "cut" too. Audited (session.kill) with `by` and
 * `reason`. `*count` is how many were live. */
struct kill_target {
    struct sp_id session, user, device, connector, app; /* exactly one is not zero */
};
/* SP_ERR_INVALID: no target, or several. Errors of the store: nothing was cut. */
SP_MUST sp_error sessions_kill(struct sessions *s, const struct kill_target *target,
                               const char *reason, const struct audit_record *by, size_t *count);

/* The system's own cut of one session: by revise.c and schedule.c. */
void session_cut(struct sessions *s, struct sp_id session, enum cut_why why, const char *text);

/* An edge's answer to a cut: `ms` since the last byte there. */
void session_cut_answered(struct sessions *s, enum edge_kind kind, struct sp_id from,
                          struct sp_id session, int64_t ms);

/* The agent ends its own session. SP_ERR_NOT_FOUND: not a session of this device. */
SP_MUST sp_error session_end(struct sessions *s, struct sp_id device, struct sp_id session);

#endif
