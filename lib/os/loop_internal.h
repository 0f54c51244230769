#ifndef SP_OS_LOOP_INTERNAL_H
#define SP_OS_LOOP_INTERNAL_H

/* What loop.c and timer.c share. */

#include "lib/os/loop.h"

#include <pthread.h>
#include <stddef.h>
#include <uv.h>

struct posted {
    void (*fn)(void *arg);
    void *arg;
    struct posted *next;
};

/* A heap of timers, soonest first, above one timerfd on CLOCK_BOOTTIME. */
struct timers {
    struct timer **heap; /* owned; the timers in it are their starters' until they fire */
    size_t len, cap;
    int fd;
    uv_poll_t *poll;  /* owned; NULL: not running */
    sp_boot_ms armed; /* what the timerfd is set to; INT64_MAX: not at all. Set once a turn */
};

struct loop {
    uv_loop_t uv;
    _Atomic pthread_t thread; /* read by any thread, in loop_here() */
    uv_async_t *wake;         /* owned */
    uv_idle_t *hurry;         /* owned; active: the next turn does not sleep */
    uv_prepare_t *prepare;    /* owned */
    struct timers timers;
    struct deferred *first; /* queued, borrowed */
    struct deferred **last;
    uint64_t turn;        /* of deferred work */
    pthread_mutex_t lock; /* guards the two below */
    struct posted *posts, **posts_end;
};

SP_MUST sp_error timers_init(struct loop *l);
void timers_deinit(struct loop *l);
/* Just before the loop waits: sees to it that the soonest timer wakes it. */
void timers_arm(struct loop *l);

/* uv frees a handle when its close is done, in a later turn. */
void handle_close(uv_handle_t *h);

#endif
