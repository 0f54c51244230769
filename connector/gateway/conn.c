#include "connector/gateway/conn_internal.h"

#include <stdlib.h>

/* ---- what is told to the stream ------------------------------------------------------------ */

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
    if (c->app == NULL) /* parked */
        return;
    c->inside++;
    if (c->protocol->turn != NULL && !c->held)
        c->protocol->turn(c);
    if (c->front != NULL && !c->held)
        take_plain(c);
    c->inside--;
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

void conn_turn(struct gw_conn *c)
{
    tell(c);
}

void conn_end(struct gw_conn *c)
{
    c->ending = true;
    conn_flush(c);
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
    struct asker *a = arg;
    enum asker_wait what = a->wait;
    int64_t more;

    a->timer = NULL;
    a->wait = ASKER_WAIT_NONE;
    if (what == ASKER_WAIT_NONE || a->conn->over)
        return;
    if (a->exchange == NULL)
        a->io->late(a, what);
    else if (what == ASKER_WAIT_BODY && (more = exchange_patience(a->exchange)) > 0)
        asker_wait_for(a, ASKER_WAIT_BODY, more);
    else
        exchange_late(a->exchange, what);
}

void asker_init(struct asker *a, const struct asker_io *io, struct gw_conn *c)
{
    *a = (struct asker){.io = io, .conn = c};
}

void asker_deinit(struct asker *a)
{
    timer_cancel(a->timer);
    exchange_free(a->exchange);
    a->timer = NULL;
    a->exchange = NULL;
}

void asker_wait_for(struct asker *a, enum asker_wait what, int64_t ms)
{
    a->wait = what;
    if (what == ASKER_WAIT_NONE) /* cheaper than to cancel: it finds nothing to do */
        return;
    if (a->timer != NULL)
        timer_move(a->timer, clock_boot() + ms);
    else if (timer_start(gateway_loop(a->conn->gateway), clock_boot() + ms, on_time, a,
                         &a->timer) != SP_OK)
        a->io->abort(a, SP_ERR_NOMEM);
}

/* ---- bytes of the client ------------------------------------------------------------------- */

bool conn_up_to_date(struct gw_conn *c)
{
    struct gw_app *now = gateway_app_now(c->gateway, app_id(c->app));

    if (now == NULL)
        return false;
    if (now != c->app) {
        app_free(c->app);
        c->app = app_hold(now);
    }
    return true;
}

static size_t take_all(struct gw_conn *c, struct view in)
{
    size_t took = 0;

    while (took < in.len && c->why == SP_OK && !c->held) {
        /* nothing of it is read any more once the connection is ending */
        size_t n = c->ending ? in.len - took : c->protocol->take(c, view_slice(in, took, in.len));
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
        c->ending = c->ending || c->protocol->idle(c);
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
    const struct gw_conn *c = arg;

    return c->protocol->room(c);
}

/* ---- bytes for the client ------------------------------------------------------------------ */

/* What is to go now; more is put in when there is none. */
static struct view held_out(struct gw_conn *c)
{
    if (c->out_at == c->out.len && c->protocol->fill != NULL) {
        c->inside++;
        c->protocol->fill(c);
        c->inside--;
    }
    return view_slice(buf_view(&c->out), c->out_at, c->out.len);
}

/* `n` bytes of `out` have gone; the application may be read again when there is room. */
static void took_out(struct gw_conn *c, size_t n)
{
    c->out_at += n;
    if (c->out_at == c->out.len) {
        c->out_at = 0;
        if (c->protocol->idle(c))
            buf_deinit(&c->out);
        else
            buf_reset(&c->out);
    }
    c->inside++;
    c->protocol->took(c);
    c->inside--;
}

static sp_error read_sealed(struct gw_conn *c, uint8_t *to, size_t room, size_t *got)
{
    struct view held = held_out(c);
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

    if (c->why != SP_OK)
        return c->why;
    if (c->held)
        return SP_ERR_AGAIN;
    if (c->front != NULL)
        return read_sealed(c, to, room, got);
    struct view held = held_out(c);
    if (held.len == 0)
        return c->ending ? SP_ERR_CLOSED : SP_ERR_AGAIN;
    *got = held.len < room ? held.len : room;
    memcpy(to, held.at, *got);
    took_out(c, *got);
    return SP_OK;
}

static void on_finished(void *arg)
{
    struct gw_conn *c = arg;

    c->client_ended = true;
    c->protocol->finished(c);
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

static void free_conn(struct gw_conn *c)
{
    if (c->protocol != NULL && c->speaker != NULL)
        c->protocol->close(c);
    front_free(c->front);
    buf_deinit(&c->out);
    app_free(c->app);
    free(c);
}

static void refuse_stream(struct stream *stream)
{
    stream_refuse(stream, 502);
    stream_free(stream);
}

SP_MUST static sp_error begin(struct gw_conn *c, struct gw_app *app)
{
    sp_error e = SP_OK;

    c->app = app_hold(app);
    c->protocol = gw_app_conf(app)->http2 ? &choose_protocol : &ask1_protocol;
    c->inside++;
    if (app_front(app) != NULL)
        e = front_new(app_front(app), &c->front);
    if (e == SP_OK)
        e = c->protocol->open(c);
    c->inside--;
    if (e != SP_OK)
        return e;
    stream_accept(c->stream);
    stream_attach(c->stream, &conn_io, c);
    c->waiting = true; /* what came before this is taken from the loop */
    tell(c);
    return SP_OK;
}

static struct gw_conn *make(struct gateway *g, const struct gw_person *person,
                            struct stream *stream, const struct gateway_serving *serving)
{
    struct gw_conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->gateway = g;
    c->person = person;
    c->stream = stream;
    c->to = serving->to;
    c->ended = serving->ended;
    c->arg = serving->arg;
    deferred_init(&c->news, on_news, c);
    buf_init(&c->out, (size_t)ASKER_OUT_MAX * 4);
    return c;
}

sp_error conn_new(struct gateway *g, struct gw_app *app, const struct gw_person *person,
                  struct stream *stream, const struct gateway_serving *serving,
                  struct gw_conn **out)
{
    struct gw_conn *c = make(g, person, stream, serving);
    sp_error e = c == NULL ? SP_ERR_NOMEM : begin(c, app);

    if (e != SP_OK) {
        if (c != NULL)
            free_conn(c);
        refuse_stream(stream);
        return e;
    }
    *out = c;
    return SP_OK;
}

/* The app is in force now, or will not be soon. */
static void on_in_force(void *arg)
{
    struct gw_conn *c = arg;
    struct gw_app *app = slot_app(c->slot);
    sp_error e = app == NULL ? SP_ERR_INVALID : begin(c, app);

    if (e != SP_OK) {
        stream_refuse(c->stream, 502);
        c->over = true;
        c->why = e;
        tell(c);
    }
}

sp_error conn_park(struct gateway *g, struct slot *s, const struct gw_person *person,
                   struct stream *stream, const struct gateway_serving *serving,
                   struct gw_conn **out)
{
    struct gw_conn *c = make(g, person, stream, serving);

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->slot = s;
    c->parked = (struct waiter){.fn = on_in_force, .arg = c};
    if (!slot_park(s, &c->parked)) {
        free_conn(c);
        return SP_ERR_INVALID;
    }
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
    waiter_cancel(&c->parked);
    stream_free(c->stream);
    free_conn(c);
}
