#include "connector/gateway/upstream.h"

#include "connector/gateway/places.h"
#include "lib/os/loop.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CIPHER_IN_MAX = TLS_RECORD_MAX, CIPHER_OUT_MAX = 4 * TLS_RECORD_MAX + TLS_FLIGHT_MAX };

struct upstream {
    struct upstream_pool *pool; /* borrowed */
    struct sp_id app, user;
    struct address address;
    struct tls_context *context; /* held; NULL: plain */
    int64_t connect_ms, idle_ms;
    struct place place;            /* one of the user's connections, or its stand in line for one */
    struct upstream *instead;      /* owned; NULL: none came back for it */
    struct deferred handing, held; /* held: bytes that the socket will not tell of */
    struct connecting *target;     /* owned; NULL: not running */
    int fd;                        /* owned; -1: none */
    struct watch *watch;           /* owned; NULL: not connected */
    unsigned watched;
    bool reading, blocked; /* blocked: a write took less than all */
    bool ready;            /* connected, and TLS is done */
    struct tls_conn *tls;  /* owned; NULL: plain */
    struct timer *late;    /* owned: the TLS handshake's end, or that of waiting */
    struct buf in, out;    /* ciphertext */
    size_t in_at;
    bool at_end; /* the socket has no more bytes */
    const struct upstream_events *events;
    void *arg;                     /* borrowed */
    struct upstream *next, **from; /* from: NULL while it is used */
};

struct upstream_pool {
    struct loop *loop;
    struct upstream *waiting; /* owned; the youngest first */
    size_t count;
    struct places places; /* of one user at one app */
};

static sp_error error_of(int err)
{
    return err == ECONNRESET || err == EPIPE ? SP_ERR_RESET
           : err == ETIMEDOUT                ? SP_ERR_TIMEOUT
                                             : SP_ERR_IO;
}

static void watch_now(struct upstream *u)
{
    unsigned events = (u->reading || !u->ready ? (unsigned)WATCH_READ : 0) |
                      (u->blocked || u->out.len > 0 ? (unsigned)WATCH_WRITE : 0);

    if (u->watch != NULL && events != u->watched)
        watch_set(u->watch, events);
    u->watched = events;
}

/* ---- the socket ---------------------------------------------------------------------------- */

SP_MUST static sp_error receive(struct upstream *u, uint8_t *to, size_t room, size_t *got)
{
    ssize_t n;

    do
        n = recv(u->fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return SP_ERR_CLOSED;
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? SP_ERR_AGAIN : error_of(errno);
    *got = (size_t)n;
    return SP_OK;
}

SP_MUST static sp_error send_some(struct upstream *u, struct view bytes, size_t *took)
{
    ssize_t n;

    do
        n = send(u->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return error_of(errno);
    *took = n < 0 ? 0 : (size_t)n;
    return SP_OK;
}

/* ---- TLS ----------------------------------------------------------------------------------- */

static size_t wire_take(void *arg, uint8_t *to, size_t n)
{
    struct upstream *u = arg;
    size_t have = u->in.len - u->in_at;

    n = n < have ? n : have;
    if (n > 0)
        memcpy(to, u->in.at + u->in_at, n);
    u->in_at += n;
    if (u->in_at == u->in.len) {
        buf_reset(&u->in);
        u->in_at = 0;
    }
    return n;
}

static bool wire_give(void *arg, struct view record)
{
    struct upstream *u = arg;

    return buf_append(&u->out, record) == SP_OK;
}

SP_MUST static sp_error flush(struct upstream *u)
{
    size_t took = 0;
    sp_error e = SP_OK;

    while (u->out.len > 0 && (e = send_some(u, buf_view(&u->out), &took)) == SP_OK && took > 0)
        buf_consume(&u->out, took);
    if (u->out.len == 0)
        buf_deinit(&u->out); /* an idle connection keeps no buffer */
    watch_now(u);
    return e;
}

/* More ciphertext from the socket.   SP_ERR_AGAIN: none now */
SP_MUST static sp_error fill(struct upstream *u)
{
    size_t got = 0;
    sp_error e;

    if (u->at_end)
        return SP_ERR_CLOSED;
    if (u->in_at > 0) {
        buf_consume(&u->in, u->in_at);
        u->in_at = 0;
    }
    if ((e = buf_reserve(&u->in, CIPHER_IN_MAX - u->in.len)) != SP_OK)
        return e;
    e = receive(u, u->in.at + u->in.len, CIPHER_IN_MAX - u->in.len, &got);
    u->in.len += e == SP_OK ? got : 0;
    u->at_end = e == SP_ERR_CLOSED;
    return e;
}

SP_MUST static sp_error read_tls(struct upstream *u, uint8_t *to, size_t room, size_t *got)
{
    sp_error e;

    while ((e = tls_conn_read(u->tls, to, room, got)) == SP_ERR_AGAIN) {
        sp_error f = fill(u);
        if (f == SP_ERR_CLOSED)
            return SP_ERR_RESET; /* the end without a close_notify: cut short */
        if (f != SP_OK) {
            if (u->in.len == 0)
                buf_deinit(&u->in);
            return f;
        }
    }
    return e;
}

/* ---- life ---------------------------------------------------------------------------------- */

static void fail(struct upstream *u, sp_error e)
{
    enum tls_refusal why = u->tls == NULL ? TLS_REFUSAL_NONE : tls_conn_refusal(u->tls);

    u->events->failed(u->arg, e, why); /* u is gone from here on */
}

static void become_ready(struct upstream *u)
{
    timer_cancel(u->late);
    u->late = NULL;
    u->ready = true;
    watch_now(u);
    u->events->connected(u->arg);
}

static void on_handshake(struct upstream *u)
{
    sp_error e, f;

    for (;;) {
        e = tls_conn_handshake(u->tls);
        f = flush(u);
        if (e == SP_OK && f == SP_OK) {
            become_ready(u);
            return;
        }
        if (e == SP_ERR_AGAIN && f == SP_OK)
            f = fill(u);
        if (f == SP_ERR_AGAIN)
            return;
        if (e != SP_ERR_AGAIN || f != SP_OK) {
            fail(u, e != SP_OK && e != SP_ERR_AGAIN ? e : f);
            return;
        }
    }
}

/* One that waits has nothing to say; its end is the usual case. */
static bool dropped(struct upstream *u)
{
    if (u->from == NULL)
        return false;
    upstream_free(u);
    return true;
}

static void on_event(void *arg, unsigned events)
{
    struct upstream *u = arg;

    if (dropped(u))
        return;
    if ((events & WATCH_FAILED) != 0)
        u->watched = WATCH_FAILED; /* told once: the next watch_now() asks again */
    if (!u->ready) {
        on_handshake(u);
        return;
    }
    if ((events & WATCH_WRITE) != 0 && u->tls != NULL && u->out.len > 0 && flush(u) != SP_OK)
        buf_deinit(&u->out); /* it will never leave: the next read says what is wrong */
    if ((events & WATCH_WRITE) != 0 && u->blocked && u->out.len < UPSTREAM_PLAIN_MAX) {
        u->blocked = false;
        watch_now(u);
        u->events->writable(u->arg);
        return; /* u may be gone; a level-triggered loop comes again for the rest */
    }
    if ((events & WATCH_READ) != 0 && u->reading)
        u->events->readable(u->arg);
}

/* Decrypted, or received and not decrypted: the socket may have nothing more to say of them. */
static bool holds_bytes(const struct upstream *u)
{
    return u->tls != NULL && (tls_conn_pending(u->tls) > 0 || u->in_at < u->in.len);
}

static void on_held(void *arg)
{
    struct upstream *u = arg;

    if (u->ready && u->reading)
        u->events->readable(u->arg);
}

static void on_late(void *arg)
{
    struct upstream *u = arg;

    u->late = NULL;
    if (!dropped(u))
        fail(u, u->place.held ? SP_ERR_TIMEOUT : SP_ERR_LIMIT);
}

static void on_connected(void *arg, int fd, sp_error e)
{
    struct upstream *u = arg;

    u->target = NULL;
    u->fd = fd;
    if (e == SP_OK) {
        sock_nodelay(fd);
        e = watch_start(u->pool->loop, fd, 0, on_event, u, &u->watch);
    }
    if (e != SP_OK)
        fail(u, e);
    else if (u->tls == NULL)
        become_ready(u);
    else
        on_handshake(u);
}

static bool same_person(const struct upstream *u, const struct upstream_to *to)
{
    return id_equal(u->app, to->app) && id_equal(u->user, to->user);
}

/* Out of the list; it is in use again. */
static void take_out(struct upstream *u)
{
    *u->from = u->next;
    if (u->next != NULL)
        u->next->from = u->from;
    u->from = NULL;
    u->next = NULL;
    u->pool->count--;
    timer_cancel(u->late);
    u->late = NULL;
}

static struct upstream *take_waiting(struct upstream_pool *p, const struct upstream_to *to)
{
    for (struct upstream *u = p->waiting; u != NULL; u = u->next) {
        if (!same_person(u, to) || u->context != to->tls ||
            !address_equal(&u->address, &to->address))
            continue;
        take_out(u);
        return u;
    }
    return NULL;
}

/* One that waits for another address or under another certificate than is wanted now. */
static void close_one_of(struct upstream_pool *p, const struct upstream_to *to)
{
    struct upstream *oldest = NULL;

    for (struct upstream *u = p->waiting; u != NULL; u = u->next)
        if (same_person(u, to))
            oldest = u;
    upstream_free(oldest);
}

SP_MUST static sp_error dial(struct upstream *u)
{
    sp_boot_ms until = clock_boot() + u->connect_ms;
    sp_error e;

    timer_cancel(u->late);
    u->late = NULL;
    if (u->tls != NULL && (e = timer_start(u->pool->loop, until, on_late, u, &u->late)) != SP_OK)
        return e;
    return connect_start(u->pool->loop, &u->address, until, on_connected, u, &u->target);
}

static void on_turn(void *arg)
{
    struct upstream *u = arg;
    sp_error e = dial(u);

    if (e != SP_OK)
        fail(u, e);
}

SP_MUST static sp_error start(struct upstream *u, const struct upstream_to *to)
{
    const struct tls_expect expect = {.name = to->name};
    const struct tls_wire wire = {wire_take, wire_give, u};
    struct places *places = &u->pool->places;
    const struct place_limit of = {.key = places_key(to->app, to->user),
                                   .max = to->connections,
                                   .line_max = UPSTREAM_LINE_MAX};
    sp_error e;

    if (to->tls != NULL) {
        u->context = tls_context_hold(to->tls);
        if ((e = tls_conn_new(to->tls, &expect, &wire, &u->tls)) != SP_OK)
            return e;
    }
    if (places_held(places, of.key) >= of.max)
        close_one_of(u->pool, to);
    e = place_enter(places, &of, on_turn, u, &u->place);
    if (e == SP_ERR_AGAIN)
        return timer_start(u->pool->loop, clock_boot() + u->connect_ms, on_late, u, &u->late);
    return e == SP_OK ? dial(u) : e == SP_ERR_FULL ? SP_ERR_LIMIT : e;
}

static void on_handing(void *arg)
{
    struct upstream *u = arg, *instead = u->instead;

    instead->events = u->events;
    instead->arg = u->arg;
    u->instead = NULL;
    upstream_free(u);
    instead->events->given(instead->arg, instead);
    instead->events->connected(instead->arg);
}

/* To the first in line, when it wants just this one. */
static bool handed_over(struct upstream *u)
{
    struct upstream *first = place_first(&u->place);

    if (first == NULL || first->context != u->context ||
        !address_equal(&first->address, &u->address))
        return false;
    place_leave(&u->pool->places, &first->place);
    timer_cancel(first->late);
    first->late = NULL;
    first->instead = u;
    u->blocked = u->reading = false;
    watch_now(u);
    deferred_queue(u->pool->loop, &first->handing);
    return true;
}

sp_error upstream_get(struct upstream_pool *p, const struct upstream_to *to,
                      const struct upstream_events *events, void *arg, bool *fresh,
                      struct upstream **out)
{
    struct upstream *u = take_waiting(p, to);
    sp_error e;

    *fresh = u == NULL;
    if (u == NULL) {
        if ((u = calloc(1, sizeof *u)) == NULL)
            return SP_ERR_NOMEM;
        *u = (struct upstream){.pool = p,
                               .app = to->app,
                               .user = to->user,
                               .address = to->address,
                               .connect_ms = to->connect_ms,
                               .idle_ms = to->idle_ms,
                               .fd = -1};
        buf_init(&u->in, CIPHER_IN_MAX);
        buf_init(&u->out, CIPHER_OUT_MAX);
        deferred_init(&u->handing, on_handing, u);
        deferred_init(&u->held, on_held, u);
        if ((e = start(u, to)) != SP_OK) {
            upstream_free(u);
            return e;
        }
    }
    u->events = events;
    u->arg = arg;
    *out = u;
    return SP_OK;
}

sp_error upstream_read(struct upstream *u, uint8_t *to, size_t room, size_t *got)
{
    return u->tls == NULL ? receive(u, to, room, got) : read_tls(u, to, room, got);
}

sp_error upstream_write(struct upstream *u, struct view bytes, size_t *took)
{
    sp_error e = SP_OK;

    *took = 0;
    if (u->tls == NULL) {
        e = send_some(u, bytes, took);
    } else {
        while (e == SP_OK && *took < bytes.len && u->out.len < UPSTREAM_PLAIN_MAX) {
            struct view piece = view_slice(bytes, *took, UPSTREAM_PLAIN_MAX);
            if ((e = tls_conn_write(u->tls, piece)) == SP_OK) {
                *took += piece.len;
                e = flush(u);
            }
        }
    }
    u->blocked = *took < bytes.len;
    watch_now(u);
    return e;
}

void upstream_want(struct upstream *u, bool reading)
{
    u->reading = reading;
    watch_now(u);
    if (reading && holds_bytes(u))
        deferred_queue(u->pool->loop, &u->held);
}

void upstream_finish(struct upstream *u)
{
    if (u->tls != NULL) {
        tls_conn_close_notify(u->tls);
        sp_ignore(flush(u)); /* the peer's end follows, or the session's */
    }
    (void)shutdown(u->fd, SHUT_WR);
}

const char *upstream_alpn(const struct upstream *u)
{
    return u->tls == NULL ? "" : tls_conn_alpn(u->tls);
}

size_t upstream_room(const struct upstream *u)
{
    int size = 0, queued = 0;
    socklen_t len = sizeof size;

    if (!u->ready || u->blocked || getsockopt(u->fd, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0 ||
        ioctl(u->fd, SIOCOUTQ, &queued) != 0)
        return 0;
    return size / 2 > queued ? (size_t)(size / 2 - queued) : 0;
}

/* It may serve another request: nothing of the last one is left in it. */
static bool is_clean(const struct upstream *u)
{
    return u->out.len == 0 && u->in.len == 0 && (u->tls == NULL || tls_conn_pending(u->tls) == 0);
}

void upstream_give_back(struct upstream *u)
{
    struct upstream_pool *p = u->pool;

    deferred_cancel(p->loop, &u->held);
    if (is_clean(u) && handed_over(u))
        return;
    if (u->idle_ms == 0 || p->count >= UPSTREAM_WAITING_MAX || !is_clean(u) ||
        place_first(&u->place) != NULL || /* who wants another one gets its place */
        timer_start(p->loop, clock_boot() + u->idle_ms, on_late, u, &u->late) != SP_OK) {
        upstream_free(u);
        return;
    }
    buf_deinit(&u->in);
    u->next = p->waiting;
    u->from = &p->waiting;
    if (u->next != NULL)
        u->next->from = &u->next;
    p->waiting = u;
    p->count++;
    u->blocked = false;
    u->reading = true; /* its end, or a word too many */
    watch_now(u);
}

void upstream_free(struct upstream *u)
{
    if (u == NULL)
        return;
    if (u->from != NULL)
        take_out(u);
    if (u->instead != NULL)
        upstream_give_back(u->instead);
    deferred_cancel(u->pool->loop, &u->handing);
    deferred_cancel(u->pool->loop, &u->held);
    connect_cancel(u->target);
    timer_cancel(u->late);
    watch_stop(u->watch);
    tls_conn_free(u->tls);
    tls_context_free(u->context);
    if (u->fd >= 0)
        sock_reset(u->fd);
    buf_wipe(&u->in);
    buf_wipe(&u->out);
    place_leave(&u->pool->places, &u->place);
    free(u);
}

/* ---- the pool ------------------------------------------------------------------------------ */

sp_error upstream_pool_new(struct loop *loop, struct upstream_pool **out)
{
    struct upstream_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->loop = loop;
    places_init(&p->places, loop);
    *out = p;
    return SP_OK;
}

void upstream_pool_free(struct upstream_pool *p)
{
    if (p == NULL)
        return;
    while (p->waiting != NULL)
        upstream_free(p->waiting);
    places_deinit(&p->places);
    free(p);
}

void upstream_pool_forget(struct upstream_pool *p, struct sp_id app, struct sp_id user)
{
    for (struct upstream *u = p->waiting, *next; u != NULL; u = next) {
        next = u->next;
        if (id_equal(u->app, app) && id_equal(u->user, user))
            upstream_free(u);
    }
}

size_t upstream_pool_waiting(const struct upstream_pool *p)
{
    return p->count;
}
