#include "lib/os/loop_internal.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct timer {
    struct loop *loop; /* borrowed */
    sp_boot_ms at;
    size_t slot; /* in the heap */
    void (*fn)(void *arg);
    void *arg;
};

/* Tests may set the clock; the timerfd knows only the real one, so the wait is relative. A timer
 * that came and went may leave it set too soon: that costs one wake-up, a call each turn more. */
void timers_arm(struct loop *l)
{
    struct timers *t = &l->timers;
    sp_boot_ms at = t->len == 0 ? INT64_MAX : t->heap[0]->at;

    if (at >= t->armed)
        return;
    t->armed = at;

    int64_t wait = at - clock_boot();
    struct itimerspec when = {.it_value = {0, 1}}; /* zero would disarm */
    if (wait > 0)
        when.it_value = (struct timespec){.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
    timerfd_settime(t->fd, 0, &when, NULL);
}

static void place(struct timers *t, size_t slot, struct timer *timer)
{
    t->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct timers *t, size_t slot)
{
    struct timer *moving = t->heap[slot];

    while (slot > 0 && t->heap[(slot - 1) / 2]->at > moving->at) {
        place(t, slot, t->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    place(t, slot, moving);
}

static void sift_down(struct timers *t, size_t slot)
{
    struct timer *moving = t->heap[slot];

    for (;;) {
        size_t child = 2 * slot + 1;
        if (child + 1 < t->len && t->heap[child + 1]->at < t->heap[child]->at)
            child++;
        if (child >= t->len || t->heap[child]->at >= moving->at)
            break;
        place(t, slot, t->heap[child]);
        slot = child;
    }
    place(t, slot, moving);
}

static void settle(struct timers *t, size_t slot)
{
    sift_up(t, slot);
    sift_down(t, t->heap[slot]->slot);
}

static void take_out(struct timer *timer)
{
    struct timers *t = &timer->loop->timers;
    size_t slot = timer->slot;
    struct timer *last = t->heap[--t->len];

    if (last != timer) {
        place(t, slot, last);
        settle(t, slot);
    }
}

/* Fires what is due now; timers that a callback starts for now wait for the next turn. */
static void on_tick(uv_poll_t *poll, int status, int events)
{
    struct loop *l = poll->loop->data;
    struct timers *t = &l->timers;
    sp_boot_ms now = clock_boot();
    uint64_t ticks;
    size_t due = t->len;

    (void)status;
    (void)events;
    if (read(t->fd, &ticks, sizeof ticks) < 0)
        ticks = 0; /* nothing but a stale wake-up: the heap says what is due */
    t->armed = INT64_MAX;
    while (due-- > 0 && t->len > 0 && t->heap[0]->at <= now) {
        struct timer *timer = t->heap[0];
        void (*fn)(void *) = timer->fn;
        void *arg = timer->arg;

        take_out(timer);
        free(timer);
        fn(arg);
    }
}

sp_error timers_init(struct loop *l)
{
    struct timers *t = &l->timers;

    t->armed = INT64_MAX;
    t->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (t->fd < 0)
        return SP_ERR_IO;
    t->poll = calloc(1, sizeof *t->poll);
    if (t->poll == NULL)
        return SP_ERR_NOMEM;
    if (uv_poll_init(&l->uv, t->poll, t->fd) != 0) {
        free(t->poll);
        t->poll = NULL;
        return SP_ERR_IO;
    }
    t->poll->data = t->poll;
    uv_poll_start(t->poll, UV_READABLE, on_tick);
    return SP_OK;
}

void timers_deinit(struct loop *l)
{
    struct timers *t = &l->timers;

    if (t->poll != NULL)
        uv_poll_stop(t->poll);
    handle_close((uv_handle_t *)t->poll);
    if (t->fd >= 0)
        close(t->fd);
    free(t->heap);
    *t = (struct timers){.fd = -1};
}

static sp_error grow(struct timers *t)
{
    if (t->len < t->cap)
        return SP_OK;

    size_t cap = t->cap == 0 ? 16 : 2 * t->cap;
    struct timer **heap = reallocarray(t->heap, cap, sizeof(struct timer *));
    if (heap == NULL)
        return SP_ERR_NOMEM;
    t->heap = heap;
    t->cap = cap;
    return SP_OK;
}

sp_error timer_start(struct loop *l, sp_boot_ms at, void (*fn)(void *arg), void *arg,
                     struct timer **out)
{
    struct timer *timer = calloc(1, sizeof *timer);

    if (timer == NULL || grow(&l->timers) != SP_OK) {
        free(timer);
        return SP_ERR_NOMEM;
    }
    *timer = (struct timer){.loop = l, .at = at, .fn = fn, .arg = arg};
    place(&l->timers, l->timers.len++, timer);
    sift_up(&l->timers, timer->slot);
    *out = timer;
    return SP_OK;
}

void timer_move(struct timer *timer, sp_boot_ms at)
{
    timer->at = at;
    settle(&timer->loop->timers, timer->slot);
}

void timer_cancel(struct timer *timer)
{
    if (timer == NULL)
        return;
    take_out(timer);
    free(timer);
}
