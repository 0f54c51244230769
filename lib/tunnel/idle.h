#ifndef SP_TUNNEL_IDLE_H
#define SP_TUNNEL_IDLE_H

/*
 * idle: the timers of one end of a tunnel: how long opening may take, when to ping, when the peer
 * is lost, when a session without application bytes is over (PROTOCOL sections 8 and 10).
 *
 * Callers say what happened; only idle.c knows which timer follows. Boot clock. Pure.
 */

#include "lib/base/clock.h"
#include "lib/tunnel/limits.h"

#include <stdbool.h>

enum idle_stage { IDLE_OPENING, IDLE_WAITING, IDLE_BINDING, IDLE_LIVE };

struct idle {
    enum idle_stage stage;
    sp_boot_ms since;  /* of the stage */
    sp_boot_ms heard;  /* the peer, last */
    sp_boot_ms pinged; /* our last ping, or the stage's begin */
    unsigned missed;   /* pings in a row that nothing answered */
    sp_boot_ms moved;  /* last application byte, or the session's begin */
    int64_t idle_ms;   /* 0: the session has no idle limit */
};

/* A tunnel of an agent goes from OPENING to LIVE: its limit covers outer and inner. */
void idle_begin(struct idle *i, sp_boot_ms now);
void idle_waiting(struct idle *i, sp_boot_ms now);                  /* a spare stands */
void idle_serving(struct idle *i, sp_boot_ms now, int64_t idle_ms); /* its session begins */
void idle_up(struct idle *i, sp_boot_ms now);
void idle_heard(struct idle *i, sp_boot_ms when);
void idle_bytes_moved(struct idle *i, sp_boot_ms when);

enum idle_verdict { IDLE_NOTHING, IDLE_PING, IDLE_LATE, IDLE_LOST, IDLE_OVER };

/* What is due now; a ping that is due counts as sent. */
enum idle_verdict idle_due(struct idle *i, sp_boot_ms now);
/* When to ask again. */
sp_boot_ms idle_next(const struct idle *i);

#endif
