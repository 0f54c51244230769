#ifndef SP_POLICY_WINDOW_H
#define SP_POLICY_WINDOW_H

/*
 * window: times of the week in a zone (C-036).
 *
 * A window belongs to the day on which it starts; one whose end is not after its start spans
 * midnight. What counts is the wall clock of the zone: a start inside the spring gap becomes the
 * end of the gap, and in the repeated hour of autumn both passes are inside. Pure.
 */

#include "broker/policy/policy.h"

/* `until` is not looked at. */
bool window_holds(const struct time_window *w, sp_unix_ms now);
/* A moment after `now` before which window_holds() cannot change; 0: never. It may not change
 * there either. */
sp_unix_ms window_next_edge(const struct time_window *w, sp_unix_ms now);
/* The next moment at which it opens; 0: none within 8 days. */
sp_unix_ms window_next_opening(const struct time_window *w, sp_unix_ms now);

#endif
