#ifndef SP_FEEDS_SCHEDULE_H
#define SP_FEEDS_SCHEDULE_H

/*
 * schedule: when a feed is asked again (FLT-12). Pure.
 *
 * After a success in its interval; after failures sooner, and later with each, never later than
 * its interval unless the vendor asked for more (Retry-After). A tenth of the time is jitter, so
 * that many installations do not ask at once.
 */

#include "lib/base/clock.h"

enum {
    FEED_INTERVAL_MS_MIN = 5 * 60 * 1000,
    FEED_INTERVAL_MS_MAX = 24 * 60 * 60 * 1000,
    FEED_INTERVAL_MS = 15 * 60 * 1000,
    FEED_BACK_OFF_MS = 30 * 1000 /* after the first failure; doubles */
};

struct feed_pace {
    int64_t interval_ms;
    unsigned failures;     /* in a row; 0: the last call was good */
    int64_t retry_after_s; /* that the vendor asked for; -1: it did not */
};
/* `chance` is even over 0 .. 999. */
sp_unix_ms schedule_next(const struct feed_pace *p, sp_unix_ms now, unsigned chance);

#endif
