#include "broker/policy/window.h"

#include "broker/policy/zone.h"

enum { MINUTE_MS = 60 * 1000 };

static bool starts_on(const struct time_window *w, int weekday)
{
    return (w->days >> weekday & 1) != 0;
}

bool window_holds(const struct time_window *w, sp_unix_ms now)
{
    if (!w->has_window)
        return true;

    struct local_time at = zone_local(w->zone, now);
    int64_t from = (int64_t)w->from_min * MINUTE_MS, to = (int64_t)w->to_min * MINUTE_MS;
    bool today = starts_on(w, at.weekday), yesterday = starts_on(w, (at.weekday + 6) % 7);

    if (from < to)
        return today && at.ms >= from && at.ms < to;
    return (today && at.ms >= from) || (yesterday && at.ms < to);
}

static void earliest(sp_unix_ms *best, sp_unix_ms candidate, sp_unix_ms after)
{
    if (candidate > after && (*best == 0 || candidate < *best))
        *best = candidate;
}

sp_unix_ms window_next_edge(const struct time_window *w, sp_unix_ms now)
{
    sp_unix_ms best = 0;

    if (!w->has_window)
        return 0;
    struct local_time at = zone_local(w->zone, now);
    for (int64_t d = at.day - 1; d <= at.day + 8; d++) {
        int64_t from = (int64_t)w->from_min * MINUTE_MS, to = (int64_t)w->to_min * MINUTE_MS;
        earliest(&best, zone_moment(w->zone, d, from), now);
        earliest(&best, zone_moment_last(w->zone, d, from), now);
        earliest(&best, zone_moment(w->zone, d, to), now);
        earliest(&best, zone_moment_last(w->zone, d, to), now);
    }
    earliest(&best, zone_next_change(w->zone, now), now);
    return best;
}

sp_unix_ms window_next_opening(const struct time_window *w, sp_unix_ms now)
{
    sp_unix_ms at = now;
    bool inside = window_holds(w, now);

    for (int edges = 0; edges < 64; edges++) {
        at = window_next_edge(w, at);
        if (at == 0 || at - now > (int64_t)9 * 24 * 60 * MINUTE_MS)
            return 0;
        bool holds = window_holds(w, at);
        if (holds && !inside)
            return at;
        inside = holds;
    }
    return 0;
}
