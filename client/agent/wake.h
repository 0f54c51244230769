#ifndef SP_CLIENT_AGENT_WAKE_H
#define SP_CLIENT_AGENT_WAKE_H

/*
 * wake: notices that the machine slept, or changed its network (C-038).
 *
 * Sleep: CLOCK_BOOTTIME goes on, CLOCK_MONOTONIC stands still; the difference grows by exactly the
 * time slept. A wall clock that jumps is neither. Network: netlink messages about links, addresses
 * and routes, told once WAKE_QUIET_MS after the last of a burst. Loop thread.
 */

#include "lib/base/clock.h"
#include "lib/base/error.h"

struct loop;
struct wake;

enum { WAKE_LOOK_MS = 1000, WAKE_SLEPT_MS = 3000, WAKE_QUIET_MS = 250 };

struct wake_events {
    void (*slept)(void *arg, int64_t ms);
    void (*network)(void *arg);
};

/* Where netlink is refused (a sandbox), only sleep is noticed.   SP_ERR_NOMEM */
SP_MUST sp_error wake_new(struct loop *loop, const struct wake_events *events, void *arg,
                          struct wake **out);
void wake_free(struct wake *w); /* NULL is allowed */

/* How long the machine slept between two looks, from both clocks in ms; pure, for tests. */
int64_t wake_slept(int64_t boot_before, int64_t mono_before, int64_t boot_now, int64_t mono_now);

#endif
