#include "broker/feeds/schedule.h"

#include "lib/base/num.h"

static int64_t back_off(const struct feed_pace *p)
{
    int64_t wait = FEED_BACK_OFF_MS;

    for (unsigned i = 1; i < p->failures && wait < p->interval_ms; i++)
        wait *= 2;
    return num_min(wait, p->interval_ms);
}

sp_unix_ms schedule_next(const struct feed_pace *p, sp_unix_ms now, unsigned chance)
{
    int64_t wait = p->failures == 0 ? p->interval_ms : back_off(p);
    int64_t asked = 0;

    if (p->failures > 0 && p->retry_after_s > 0)
        asked = p->retry_after_s < FEED_INTERVAL_MS_MAX / 1000 ? p->retry_after_s * 1000
                                                               : FEED_INTERVAL_MS_MAX;
    if (asked > wait)
        wait = asked; /* and the jitter comes on top: never sooner than it asked */
    else if (p->failures == 0)
        wait -= wait / 10;
    return num_add_sat(now, wait + wait / 10 * (int64_t)(chance % 1000) / 1000);
}
