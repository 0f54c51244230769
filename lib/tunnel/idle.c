#include "lib/tunnel/idle.h"

enum { OPENING_MS = OUTER_TLS_MS + OUTER_UPGRADE_MS + INNER_BIND_MS };

void idle_begin(struct idle *i, sp_boot_ms now)
{
    *i = (struct idle){.stage = IDLE_OPENING, .since = now, .heard = now, .moved = now};
}

static void enter(struct idle *i, enum idle_stage stage, sp_boot_ms now)
{
    i->stage = stage;
    i->since = i->heard = i->pinged = now;
    i->missed = 0;
}

void idle_waiting(struct idle *i, sp_boot_ms now)
{
    enter(i, IDLE_WAITING, now);
}

void idle_serving(struct idle *i, sp_boot_ms now, int64_t idle_ms)
{
    enter(i, IDLE_BINDING, now);
    i->idle_ms = idle_ms;
    i->moved = now;
}

void idle_up(struct idle *i, sp_boot_ms now)
{
    enter(i, IDLE_LIVE, now);
    i->moved = now;
}

void idle_heard(struct idle *i, sp_boot_ms when)
{
    if (when <= i->heard)
        return;
    i->heard = when;
    if (when >= i->pinged)
        i->missed = 0;
}

void idle_bytes_moved(struct idle *i, sp_boot_ms when)
{
    if (when > i->moved)
        i->moved = when;
}

static int64_t ping_every(const struct idle *i)
{
    return i->stage == IDLE_LIVE ? PING_LIVE_MS : PING_WAITING_MS;
}

/* The stage's own end; 0: it has none. */
static sp_boot_ms stage_ends(const struct idle *i)
{
    switch (i->stage) {
    case IDLE_OPENING:
        return i->since + OPENING_MS;
    case IDLE_BINDING:
        return i->since + INNER_BIND_MS;
    default:
        return 0;
    }
}

/* The next ping; when enough of them were missed, the end. */
static sp_boot_ms ping_at(const struct idle *i)
{
    return i->pinged + (i->missed > 0 ? PING_AGAIN_MS : ping_every(i));
}

enum idle_verdict idle_due(struct idle *i, sp_boot_ms now)
{
    sp_boot_ms ends = stage_ends(i);

    if (ends != 0)
        return now >= ends ? IDLE_LATE : IDLE_NOTHING;
    if (i->missed >= PINGS_MISSED_MAX && now >= ping_at(i))
        return IDLE_LOST;
    if (i->stage == IDLE_LIVE && i->idle_ms > 0 && now >= i->moved + i->idle_ms)
        return IDLE_OVER;
    if (now >= ping_at(i)) {
        i->pinged = now;
        i->missed++;
        return IDLE_PING;
    }
    return IDLE_NOTHING;
}

sp_boot_ms idle_next(const struct idle *i)
{
    sp_boot_ms at = stage_ends(i);

    if (at != 0)
        return at;
    at = ping_at(i);
    if (i->stage == IDLE_LIVE && i->idle_ms > 0 && i->moved + i->idle_ms < at)
        at = i->moved + i->idle_ms;
    return at;
}
