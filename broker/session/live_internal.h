#ifndef SP_SESSION_LIVE_INTERNAL_H
#define SP_SESSION_LIVE_INTERNAL_H

/*
 * live_internal: changing and removing live sessions, for the files of this room.
 */

#include "broker/session/live.h"

/* Changes a session under the lock; true: listeners are told. Touches nothing else. */
typedef bool live_changer(struct session *s, void *arg);
/* `out` (or NULL) gets the copy afterwards. SP_ERR_NOT_FOUND */
SP_MUST sp_error live_change(struct live *l, struct sp_id id, live_changer *change, void *arg,
                             enum live_event event, const char *why, struct session *out);
/* A session that is not there is removed already. */
void live_remove(struct live *l, struct sp_id id, enum live_event event, const char *why);

/* Whether it is one of the last few thousand that were removed. */
bool live_ended(struct live *l, struct sp_id id);

/* An edge reports a session that nobody here granted: LIVE_EVENT_UNKNOWN with what it said. */
void live_tell_unknown(struct live *l, const struct session *s);

/* All that match, also those that are just being granted (SESSION_NONE). Owned by the caller;
 * NULL and 0: out of memory. */
struct session *live_snapshot(struct live *l, enum live_key by, struct sp_id id, size_t *count);

#endif
