#include "connector/gateway/conn_internal.h"

#include <stdlib.h>

/* ---- what is told to the stream ------------------------------------------------------------ */

size_t conn_out_room(const struct gw_conn *c)
{
    size_t held = c->out.len - c->out_at;

    return held < CONN_OUT_MAX ? CONN_OUT_MAX - held : 0;
}

static void take_plain(struct gw_conn *c);

static void on_news(void *arg)
{
    struct gw_conn *c = arg;

    if (c->over) {
        if (!c->told) {
            c->told = true;
            c->ended(c->arg, c); /* c may be gone from here on */
        }
        return;
    }
    if (c->front != NULL && !c->held) {
        c->inside++;
        take_plain(c);
        c->inside--;
    }
    stream_readable(c->stream);
    if (c->waiting && !c->over && !c->held) {
        c->waiting = false;
        stream_writable(c->stream);
    }
}

/* From inside of a call of the stream its others can't be called: at the end of the turn. */
static void tell(struct gw_conn *c)
{
    deferred_queue(gateway_loop(c->gateway), &c->news);
}

void conn_flush(struct gw_conn *c)
{
    if (c->inside > 0)
        tell(c);
    else if (!c->over)
        stream_readable(c->stream);
}

void conn_wake(struct gw_conn *c)
{
    if (c->waiting || c->front != NULL)
        tell(c);
}

void conn_abort(struct gw_conn *c, sp_error why)
{
    c->ending = true;
    if (!c->over && c->inside == 0)
        stream_abort(c->stream, why);
    else
        c->why = why; /* the next call of the stream hears it */
}

/* ---- time ---------------------------------------------------------------------------------- */

static void on_time(void *arg)
{
    struct gw_conn *c = arg;
    enum conn_wait what = c->wait;
    const struct gwconf_limits *limits = &gw_app_conf(c->app)->limits;

    c->timer = NULL;
    c->wait = CONN_WAIT_NONE;
    if (what == CONN_WAIT_NONE || c->over)
        return;
    if (what == CONN_WAIT_BODY && c->exchange != NULL) {
        /* who waits for the application is not slow */
        uint64_t seen = c->exchange->x.request.body.seen;
        uint64_t least = (uint64_t)limits->body_rate * (CONN_RATE_MS / 1000);
        if (seen - c->rate_mark >= least || exchange_room(c->exchange) == 0) {
            c->rate_mark = seen;
            conn_wait_for(c, CONN_WAIT_BODY, CONN_RATE_MS);
            return;
        }
    }
    if (c->exchange != NULL) {
        exchange_late(c->exchange, what);
        return;
    }
    if (what == CONN_WAIT_HEAD && !http1_idle(c->requests)) {
        exchange_begin(c, SP_ERR_TIMEOUT);
        return;
    }
    c->ending = true;
    conn_flush(c);
}

void conn_wait_for(struct gw_conn *c, enum conn_wait what, int64_t ms)
{
    c->wait = what;
    if (what == CONN_WAIT_NONE) /* cheaper than to cancel: it finds nothing to do */
        return;
    if (c->timer != NULL)
        timer_move(c->timer, clock_boot() + ms);
    else if (timer_start(gateway_loop(c->gateway), clock_boot() + ms, on_time, c, &c->timer) !=
             SP_OK)
        conn_abort(c, SP_ERR_NOMEM);
}

/* ---- bytes of the client ------------------------------------------------------------------- */

/* Each request is judged by the configuration that is in force when it begins. */
static bool up_to_date(struct gw_conn *c)
{
    struct gw_app *now = gateway_app_now(c->gateway, app_id(c->app));

    if (now == NULL)
        return false;
    if (now != c->app) {
        http1_limit(c->requests, app_request_limits(now));
        app_free(c->app);
        c->app = app_hold(now);
    }
    return true;
}

static size_t take_head(struct gw_conn *c, struct view in)
{
    bool first = http1_idle(c->requests);
    size_t used = 0;

    if (first && !up_to_date(c)) {
        c->ending = true;
        conn_flush(c);
        return in.len;
    }
    sp_error e = http1_head(c->requests, in, &used);

    if (e == SP_ERR_AGAIN) {
        if (first)
            conn_wait_for(c, CONN_WAIT_HEAD, gw_app_conf(c->app)->limits.header_ms);
        return in.len;
    }
    conn_wait_for(c, CONN_WAIT_NONE, 0);
    exchange_begin(c, e);
    return e == SP_OK ? used : in.len;
}

static size_t take_body(struct gw_conn *c, struct view in)
{
    size_t room = c->discarding ? in.len : exchange_room(c->exchange), used = 0;
    struct view data;

    if (room == 0)
        return 0;
    if (http1_body(c->requests, view_slice(in, 0, room), &used, &data) != SP_OK) {
        if (c->discarding) {
            c->ending = true;
            conn_flush(c);
        } else {
            exchange_refuse(c->exchange, gw_refuse(http1_reason(c->requests)));
        }
        return in.len;
    }
    if (c->discarding && used > c->discard) {
        c->ending = true;
        conn_flush(c);
    }
    c->discard -= used < c->discard ? used : c->discard;
    if (!c->discarding && data.len > 0)
        exchange_take(c->exchange, data);
    if (http1_ended(c->requests)) {
        if (c->discarding)
            conn_next(c, true);
        else if (c->exchange != NULL && !c->discarding)
            exchange_request_ended(c->exchange);
    }
    return used;
}

static size_t take_raw(struct gw_conn *c, struct view in)
{
    size_t room = exchange_room(c->exchange);
    struct view data = view_slice(in, 0, room);

    exchange_take(c->exchange, data);
    return data.len;
}

/* The next piece of what the client sends; 0: it has to wait. */
static size_t take_some(struct gw_conn *c, struct view in)
{
    if (c->ending)
        return in.len; /* nothing of it is read any more */
    if (c->discarding)
        return take_body(c, in);
    if (c->exchange == NULL)
        return take_head(c, in);
    if (c->exchange->raw)
        return take_raw(c, in);
    return c->exchange->request_ended ? 0 : take_body(c, in);
}

static size_t take_all(struct gw_conn *c, struct view in)
{
    size_t took = 0;

    while (took < in.len && c->why == SP_OK && !c->held) {
        size_t n = take_some(c, view_slice(in, took, in.len));
        if (n == 0)
            break;
        took += n;
    }
    return took;
}

/* What the client's TLS holds; what nobody can take now stays in it. */
static void take_plain(struct gw_conn *c)
{
    struct view plain;
    sp_error e = SP_OK;

    while (c->why == SP_OK && (e = front_plain(c->front, &plain)) == SP_OK) {
        size_t n = take_all(c, plain);
        front_took(c->front, n);
        if (n == 0)
            break;
    }
    if (e == SP_ERR_CLOSED)
        c->ending = c->ending || c->exchange == NULL;
    else if (e != SP_OK && e != SP_ERR_AGAIN)
        c->why = e;
}

static sp_error on_write(void *arg, struct view bytes, size_t *took)
{
    struct gw_conn *c = arg;
    size_t n = 0;

    c->inside++;
    *took = 0;
    if (c->front == NULL) {
        *took = take_all(c, bytes);
    } else {
        do {
            if (front_put(c->front, view_slice(bytes, *took, bytes.len), &n) != SP_OK)
                c->why = SP_ERR_NOMEM;
            *took += n;
            take_plain(c);
        } while (n > 0 && *took < bytes.len && c->why == SP_OK);
        conn_flush(c); /* the handshake's part, or the end */
    }
    c->waiting = *took < bytes.len;
    c->inside--;
    return c->why;
}

static size_t on_room(void *arg)
{
    struct gw_conn *c = arg;

    return c->exchange != NULL && c->exchange->up != NULL ? upstream_room(c->exchange->up) : 0;
}

/* ---- bytes for the client ------------------------------------------------------------------ */

/* `n` bytes of `out` have gone; the application may be read again when there is room. */
static void took_out(struct gw_conn *c, size_t n)
{
    c->out_at += n;
    if (c->out_at == c->out.len) {
        c->out_at = 0;
        if (c->exchange == NULL)
            buf_deinit(&c->out);
        else
            buf_reset(&c->out);
    }
    if (c->exchange != NULL && c->out.len - c->out_at <= CONN_OUT_MAX / 2) {
        c->inside++;
        exchange_client_took(c->exchange);
        c->inside--;
    }
}

static sp_error read_sealed(struct gw_conn *c, uint8_t *to, size_t room, size_t *got)
{
    struct view held = view_slice(buf_view(&c->out), c->out_at, c->out.len);
    size_t said = 0;

    if (held.len > 0) {
        if (front_say(c->front, held, &said) != SP_OK)
            return SP_ERR_TLS;
        took_out(c, said);
    } else if (c->ending) {
        front_end(c->front);
    }
    *got = front_get(c->front, to, room);
    if (*got > 0)
        return SP_OK;
    return c->ending && held.len == 0 ? SP_ERR_CLOSED : SP_ERR_AGAIN;
}

static sp_error on_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    struct gw_conn *c = arg;
    size_t held = c->out.len - c->out_at;

    if (c->why != SP_OK)
        return c->why;
    if (c->held)
        return SP_ERR_AGAIN;
    if (c->front != NULL)
        return read_sealed(c, to, room, got);
    if (held == 0)
        return c->ending ? SP_ERR_CLOSED : SP_ERR_AGAIN;
    *got = held < room ? held : room;
    memcpy(to, c->out.at + c->out_at, *got);
    took_out(c, *got);
    return SP_OK;
}

static void on_finished(void *arg)
{
    struct gw_conn *c = arg;

    c->client_ended = true;
    if (c->exchange != NULL && c->exchange->raw) {
        c->exchange->raw_ended = true;
        exchange_push(c->exchange);
        return;
    }
    if (c->exchange == NULL || c->discarding) {
        c->ending = true;
        conn_flush(c);
    } else if (!c->exchange->request_ended) {
        conn_abort(c, SP_ERR_RESET); /* cut off in the middle */
    }
}

static void on_answered(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static void on_over(void *arg, sp_error why)
{
    struct gw_conn *c = arg;

    c->over = true;
    c->why = why;
    tell(c);
}

static const struct stream_io conn_io = {.read = on_read,
                                         .write = on_write,
                                         .room = on_room,
                                         .finished = on_finished,
                                         .answered = on_answered,
                                         .ended = on_over};

/* ---- life ---------------------------------------------------------------------------------- */

void conn_next(struct gw_conn *c, bool keep)
{
    c->discarding = false;
    if (keep && !http1_ended(c->requests)) {
        c->discarding = true; /* the rest of a body that was refused */
        c->discard = CONN_DISCARD_MAX;
        conn_wait_for(c, CONN_WAIT_HEAD, gw_app_conf(c->app)->limits.header_ms);
        conn_flush(c);
        conn_wake(c);
        return;
    }
    if (!keep || c->client_ended) {
        c->ending = true;
        conn_wait_for(c, CONN_WAIT_NONE, 0);
    } else {
        http1_next(c->requests);
        conn_wait_for(c, CONN_WAIT_NEXT, gw_app_conf(c->app)->limits.idle_ms);
    }
    conn_flush(c);
    conn_wake(c);
}

sp_error conn_new(struct gateway *g, struct gw_app *app, const struct gw_person *person,
                  struct stream *stream, const struct gateway_serving *serving,
                  struct gw_conn **out)
{
    struct gw_conn *c = calloc(1, sizeof *c);
    sp_error e = SP_ERR_NOMEM;

    if (c == NULL ||
        (e = http1_new(HTTP1_REQUESTS, app_request_limits(app), &c->requests)) != SP_OK) {
        free(c);
        stream_refuse(stream, 502);
        stream_free(stream);
        return e;
    }
    if (app_front(app) != NULL && (e = front_new(app_front(app), &c->front)) != SP_OK) {
        http1_free(c->requests);
        free(c);
        stream_refuse(stream, 502);
        stream_free(stream);
        return e;
    }
    c->gateway = g;
    c->app = app_hold(app);
    c->person = person;
    c->to = serving->to;
    c->ended = serving->ended;
    c->arg = serving->arg;
    c->stream = stream;
    deferred_init(&c->news, on_news, c);
    buf_init(&c->out, (size_t)CONN_OUT_MAX * 4);
    stream_accept(stream);
    stream_attach(stream, &conn_io, c);
    c->waiting = true; /* what came before this is taken from the loop */
    tell(c);
    conn_wait_for(c, CONN_WAIT_NEXT, gw_app_conf(app)->limits.idle_ms);
    *out = c;
    return SP_OK;
}

void gateway_hold(struct gw_conn *c, bool held)
{
    c->held = held;
    if (!held)
        tell(c);
}

void gateway_leave(struct gw_conn *c)
{
    if (c == NULL)
        return;
    deferred_cancel(gateway_loop(c->gateway), &c->news);
    timer_cancel(c->timer);
    exchange_free(c->exchange);
    http1_free(c->requests);
    front_free(c->front);
    stream_free(c->stream);
    buf_deinit(&c->out);
    app_free(c->app);
    free(c);
}
