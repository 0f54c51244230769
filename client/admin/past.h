#ifndef SP_ADMIN_PAST_H
#define SP_ADMIN_PAST_H

/* past: the decision that was made last before a moment, from the audit records. */

#include "client/admin/names.h"
#include "lib/base/clock.h"

/*
 * A moment as people write it: 2026-11-26T09:42:17Z (or with +01:00), 2026-11-26 09:42[:17] and
 * 09:42[:17] in the zone of this machine, the last two of today as `now` is in it. Pure but for the
 * zone.   SP_ERR_MALFORMED
 */
SP_MUST sp_error past_time(const char *text, sp_unix_ms now, sp_unix_ms *out);

/* Appends the request id of the newest decision about user and app that was made at `at`, to the
 * second, or before. Exit code; when there is none, EXIT_ERROR and said. */
int past_request(struct broker *b, const char *user, const char *app, sp_unix_ms at,
                 struct buf *request);

#endif
