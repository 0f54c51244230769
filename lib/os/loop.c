#include "lib/os/loop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

struct watch {
    uv_poll_t poll;
    unsigned events; /* of enum watch_events, as last set */
    void (*fn)(void *arg, unsigned events);
    void *arg;
};

struct signal_watch {
    uv_signal_t signal;
    void (*fn)(void *arg, int signo);
    void *arg;
};

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void handle_close(uv_handle_t *h)
{
    if (h != NULL)
        uv_close(h, on_closed);
}

static void run_posts(uv_async_t *a)
{
    struct loop *l = a->loop->data;

    pthread_mutex_lock(&l->lock);
    struct posted *p = l->posts;
    l->posts = NULL;
    l->posts_end = &l->posts;
    pthread_mutex_unlock(&l->lock);

    while (p != NULL) {
        struct posted *next = p->next;
        p->fn(p->arg);
        free(p);
        p = next;
    }
}

static void on_hurry(uv_idle_t *hurry)
{
    (void)hurry; /* being active is all: the loop then polls without waiting */
}

/* What a call hands out, and then the flush of what came of it. */
enum { DEFERRED_ROUNDS = 2 };

/* Just before the loop waits: what was deferred before now, what that deferred, and what is left to
 * wait for. */
static void run_deferred(uv_prepare_t *prepare)
{
    struct loop *l = prepare->loop->data;

    for (int round = 0; round < DEFERRED_ROUNDS; round++) {
        l->turn++;
        while (l->first != NULL && l->first->turn != l->turn) {
            struct deferred *d = l->first;
            deferred_cancel(l, d);
            d->fn(d->arg);
        }
    }
    if (l->first != NULL)
        uv_idle_start(l->hurry, on_hurry);
    else
        uv_idle_stop(l->hurry);
    timers_arm(l);
}

static sp_error start_helpers(struct loop *l)
{
    l->wake = calloc(1, sizeof *l->wake);
    l->hurry = calloc(1, sizeof *l->hurry);
    l->prepare = calloc(1, sizeof *l->prepare);
    if (l->wake == NULL || l->hurry == NULL || l->prepare == NULL ||
        uv_async_init(&l->uv, l->wake, run_posts) != 0) {
        free(l->wake);
        free(l->hurry);
        free(l->prepare);
        l->wake = NULL;
        l->hurry = NULL;
        l->prepare = NULL;
        return SP_ERR_NOMEM;
    }
    l->wake->data = l->wake;
    uv_idle_init(&l->uv, l->hurry);
    l->hurry->data = l->hurry;
    uv_prepare_init(&l->uv, l->prepare);
    l->prepare->data = l->prepare;
    uv_prepare_start(l->prepare, run_deferred);
    return timers_init(l);
}

/* The low limit is for programs with select(2), which is never called here. */
static void allow_descriptors(void)
{
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= LOOP_DESCRIPTORS_MAX)
        return;
    now.rlim_cur = now.rlim_max < LOOP_DESCRIPTORS_MAX ? now.rlim_max : LOOP_DESCRIPTORS_MAX;
    (void)setrlimit(RLIMIT_NOFILE, &now); /* where it stays, there are fewer */
}

sp_error loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SP_ERR_NOMEM;
    if (uv_loop_init(&l->uv) != 0) {
        free(l);
        return SP_ERR_IO;
    }
    allow_descriptors();
    l->uv.data = l;
    l->thread = pthread_self();
    l->last = &l->first;
    l->posts_end = &l->posts;
    l->timers.fd = -1;
    pthread_mutex_init(&l->lock, NULL);

    sp_error e = start_helpers(l);
    if (e != SP_OK) {
        loop_free(l);
        return e;
    }
    *out = l;
    return SP_OK;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    timers_deinit(l);
    handle_close((uv_handle_t *)l->prepare);
    handle_close((uv_handle_t *)l->hurry);
    handle_close((uv_handle_t *)l->wake);
    l->thread = pthread_self();
    for (int turn = 0; turn < 16 && uv_loop_alive(&l->uv); turn++)
        uv_run(&l->uv, UV_RUN_NOWAIT); /* lets the closes finish */
    while (l->posts != NULL) {
        struct posted *p = l->posts;
        l->posts = p->next;
        free(p);
    }
    uv_loop_close(&l->uv);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void loop_run(struct loop *l)
{
    l->thread = pthread_self();
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_turn(struct loop *l, bool wait)
{
    l->thread = pthread_self();
    uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

static void stop_here(void *arg)
{
    struct loop *l = arg;

    uv_stop(&l->uv);
}

void loop_stop(struct loop *l)
{
    if (loop_here(l))
        uv_stop(&l->uv);
    else
        sp_ignore(loop_post(l, stop_here, l)); /* without memory for this, nothing else goes on */
}

sp_error loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct posted *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->fn = fn;
    p->arg = arg;
    pthread_mutex_lock(&l->lock);
    *l->posts_end = p;
    l->posts_end = &p->next;
    pthread_mutex_unlock(&l->lock);
    uv_async_send(l->wake);
    return SP_OK;
}

bool loop_here(const struct loop *l)
{
    return pthread_equal(l->thread, pthread_self());
}

void *loop_native(struct loop *l)
{
    return &l->uv;
}

static int uv_events(unsigned events)
{
    return ((events & WATCH_READ) != 0 ? UV_READABLE : 0) |
           ((events & WATCH_WRITE) != 0 ? UV_WRITABLE : 0) |
           ((events & WATCH_HANGUP) != 0 ? UV_DISCONNECT : 0);
}

static void on_poll(uv_poll_t *poll, int status, int got)
{
    struct watch *w = poll->data;
    unsigned events = ((got & UV_READABLE) != 0 ? WATCH_READ : 0u) |
                      ((got & UV_WRITABLE) != 0 ? WATCH_WRITE : 0u) |
                      ((got & UV_DISCONNECT) != 0 ? WATCH_HANGUP : 0u);

    if (status != 0) { /* libuv has stopped the handle */
        events = WATCH_READ | WATCH_WRITE | WATCH_FAILED;
        w->events = 0;
    }
    w->fn(w->arg, events);
}

sp_error watch_start(struct loop *l, int fd, unsigned events, void (*fn)(void *, unsigned),
                     void *arg, struct watch **out)
{
    struct watch *w = calloc(1, sizeof *w);

    if (w == NULL)
        return SP_ERR_NOMEM;
    if (uv_poll_init(&l->uv, &w->poll, fd) != 0) {
        free(w);
        return SP_ERR_IO;
    }
    w->poll.data = w;
    w->fn = fn;
    w->arg = arg;
    *out = w;
    watch_set(w, events);
    return SP_OK;
}

void watch_set(struct watch *w, unsigned events)
{
    if (events == w->events)
        return;
    w->events = events;
    if (events == 0)
        uv_poll_stop(&w->poll);
    else
        uv_poll_start(&w->poll, uv_events(events), on_poll);
}

void watch_stop(struct watch *w)
{
    if (w == NULL)
        return;
    uv_poll_stop(&w->poll);
    handle_close((uv_handle_t *)&w->poll);
}

void deferred_init(struct deferred *d, void (*fn)(void *arg), void *arg)
{
    *d = (struct deferred){.fn = fn, .arg = arg};
}

void deferred_queue(struct loop *l, struct deferred *d)
{
    if (d->at != NULL)
        return;
    d->next = NULL;
    d->turn = l->turn;
    d->at = l->last;
    *l->last = d;
    l->last = &d->next;
}

void deferred_cancel(struct loop *l, struct deferred *d)
{
    if (d->at == NULL)
        return;
    *d->at = d->next;
    if (d->next != NULL)
        d->next->at = d->at;
    else
        l->last = d->at;
    d->next = NULL;
    d->at = NULL;
}

static void on_signal(uv_signal_t *signal, int signo)
{
    struct signal_watch *s = signal->data;

    s->fn(s->arg, signo);
}

sp_error signal_start(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg,
                      struct signal_watch **out)
{
    struct signal_watch *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    if (uv_signal_init(&l->uv, &s->signal) != 0) {
        free(s);
        return SP_ERR_IO;
    }
    s->signal.data = s;
    s->fn = fn;
    s->arg = arg;
    if (uv_signal_start(&s->signal, on_signal, signo) != 0) {
        signal_stop(s);
        return SP_ERR_IO;
    }
    *out = s;
    return SP_OK;
}

void signal_stop(struct signal_watch *s)
{
    if (s == NULL)
        return;
    uv_signal_stop(&s->signal);
    handle_close((uv_handle_t *)&s->signal);
}

const char *loop_library(void)
{
    return uv_version_string();
}
