#ifndef SP_OS_LOOP_H
#define SP_OS_LOOP_H

/*
 * loop: one thread that waits for sockets, timers, signals and other threads. libuv ends here.
 *
 * Everything here belongs to the loop's own thread, but for loop_post and loop_stop. Callbacks
 * come from loop_run, never from inside a call of this header. Timers run on the boot clock
 * (CLOCK_BOOTTIME), so that a deadline passes while the machine sleeps.
 * Each _start hands out one owned pointer; the callback of a one-shot thing finds it gone: clear
 * your pointer in the first line.
 */

#include "lib/base/clock.h"
#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
struct watch;
struct signal_watch;

/* What a loop watches may be thousands: the soft limit of descriptors is raised to the hard one, at
 * most to this; most systems begin with 1,024. lib/os/child.h gives it back to other programs. */
enum { LOOP_DESCRIPTORS_MAX = 65536 };

/*   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error loop_new(struct loop **out);
/* Everything started on it must be stopped before; what was posted and not run is dropped. NULL
 * is allowed. */
void loop_free(struct loop *l);

/* Runs until loop_stop. May be called again afterwards. */
void loop_run(struct loop *l);
/* One turn; waits for an event when `wait`. For tests. */
void loop_turn(struct loop *l, bool wait);
/* Any thread; loop_run returns after the turn under way. */
void loop_stop(struct loop *l);

/* Any thread: `fn(arg)` runs on the loop, in the order of the posts of one thread.
 *   SP_ERR_NOMEM */
SP_MUST sp_error loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* True on the thread that runs the loop (or made it, before the first run). */
bool loop_here(const struct loop *l);

/* The uv_loop_t, for libwebsockets, which shares it. */
void *loop_native(struct loop *l);

/*
 * Timers: one shot, at a time of the boot clock; a time in the past fires in the next turn.
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error timer_start(struct loop *l, sp_boot_ms at, void (*fn)(void *arg), void *arg,
                             struct timer **out);
/* Still running: fires at `at` instead. Cheap: for deadlines that move with every byte. */
void timer_move(struct timer *t, sp_boot_ms at);
void timer_cancel(struct timer *t); /* NULL is allowed */

/* Sockets, level-triggered. */
enum watch_events {
    WATCH_READ = 1,
    WATCH_WRITE = 2,
    WATCH_HANGUP = 4, /* the peer's FIN or RST (EPOLLRDHUP), also while READ is not watched */
    WATCH_FAILED = 8  /* told only, never asked for */
};

/* `events` may be 0: set later. An error of the socket is told once, as READ | WRITE | FAILED
 * whatever was asked for: the next call on it says which. Nothing more is told until the next
 * watch_set, of the same events too.
 *   SP_ERR_IO (not a descriptor that can be watched), SP_ERR_NOMEM */
SP_MUST sp_error watch_start(struct loop *l, int fd, unsigned events,
                             void (*fn)(void *arg, unsigned events), void *arg, struct watch **out);
void watch_set(struct watch *w, unsigned events); /* nothing happens when they are the same */
/* The descriptor stays the owner's and may be closed right afterwards. NULL is allowed. */
void watch_stop(struct watch *w);

/*
 * Work for the end of this turn, before the loop waits again: one flush for many small writes.
 * Embed one in your object; it queues at most once. Cancel it before the object goes. What is
 * queued while deferred work runs is done in the same turn, behind it; what that queues again waits
 * for the next turn, which then does not sleep: work that queues itself again never keeps the loop
 * from its sockets.
 */
struct deferred {
    void (*fn)(void *arg);
    void *arg;
    struct deferred *next, **at; /* at: NULL when not queued */
    uint64_t turn;
};
void deferred_init(struct deferred *d, void (*fn)(void *arg), void *arg);
void deferred_queue(struct loop *l, struct deferred *d);
void deferred_cancel(struct loop *l, struct deferred *d);

/* The loop library's own version: "1.44.2". For `version`. Any thread. */
const char *loop_library(void);

/* SIGTERM, SIGHUP, SIGINT, SIGCHLD, …, each time they come.   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error signal_start(struct loop *l, int signo, void (*fn)(void *arg, int signo),
                              void *arg, struct signal_watch **out);
void signal_stop(struct signal_watch *s); /* NULL is allowed */

#endif
