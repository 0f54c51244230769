#include "connector/gateway/conn_internal.h"

#include <stdlib.h>

/* A client that speaks HTTP/1: one request at a time, the next one waits in the window of the
 * stream. */

enum {
    DISCARD_MAX = 64 * 1024, /* of a refused body, so that the connection may live on */
    USUAL_ANSWER = 2048      /* more grows */
};

struct ask1 {
    struct asker asker;
    struct http1 *requests; /* owned */
    size_t discard;         /* bytes of a refused body that may still come */
    bool discarding;        /* the rest of a refused body */
    bool closes;            /* the answer's head said that the connection ends with it */
    bool without_body;      /* the answer to a HEAD */
    enum gw_body_kind kind; /* how the answer's body is framed */
};

static struct ask1 *ask1_of(const struct gw_conn *c)
{
    return c->speaker;
}

static struct ask1 *owner(const struct asker *a)
{
    return a->conn->speaker;
}

static const struct gwconf_limits *limits_of(const struct gw_conn *c)
{
    return &gw_app_conf(c->app)->limits;
}

/* ---- bytes of the client ------------------------------------------------------------------- */

static bool up_to_date(struct gw_conn *c)
{
    struct ask1 *s = ask1_of(c);

    if (!conn_up_to_date(c))
        return false;
    http1_limit(s->requests, app_request_limits(c->app));
    return true;
}

static void begin(struct ask1 *s, sp_error e)
{
    enum gw_reason reason = e == SP_ERR_TIMEOUT ? GW_REASON_SLOW
                            : e == SP_ERR_NOMEM ? GW_REASON_OVERLOAD
                            : e == SP_OK        ? GW_REASON_POLICY
                                                : http1_reason(s->requests);

    exchange_begin(&s->asker, e, reason);
}

static size_t take_head(struct gw_conn *c, struct view in)
{
    struct ask1 *s = ask1_of(c);
    bool first = http1_idle(s->requests);
    size_t used = 0;

    if (first && !up_to_date(c)) {
        conn_end(c);
        return in.len;
    }
    sp_error e = http1_head(s->requests, in, &used);

    if (e == SP_ERR_AGAIN) {
        if (first)
            asker_wait_for(&s->asker, ASKER_WAIT_HEAD, limits_of(c)->header_ms);
        return in.len;
    }
    asker_wait_for(&s->asker, ASKER_WAIT_NONE, 0);
    begin(s, e);
    return e == SP_OK ? used : in.len;
}

static void next(struct ask1 *s, bool keep);

static size_t take_body(struct gw_conn *c, struct view in)
{
    struct ask1 *s = ask1_of(c);
    struct exchange *x = s->asker.exchange;
    size_t room = s->discarding ? in.len : exchange_room(x), used = 0;
    struct view data;

    if (room == 0)
        return 0;
    if (http1_body(s->requests, view_slice(in, 0, room), &used, &data) != SP_OK) {
        if (s->discarding)
            conn_end(c);
        else
            exchange_refuse(x, gw_refuse(http1_reason(s->requests)));
        return in.len;
    }
    if (s->discarding && used > s->discard)
        conn_end(c);
    s->discard -= used < s->discard ? used : s->discard;
    if (!s->discarding && data.len > 0)
        exchange_take(x, data);
    if (http1_ended(s->requests)) {
        if (s->discarding)
            next(s, true);
        else if (s->asker.exchange != NULL)
            exchange_request_ended(s->asker.exchange);
    }
    return used;
}

static size_t take_raw(struct exchange *x, struct view in)
{
    struct view data = view_slice(in, 0, exchange_room(x));

    exchange_take(x, data);
    return data.len;
}

static size_t take(struct gw_conn *c, struct view in)
{
    struct ask1 *s = ask1_of(c);
    struct exchange *x = s->asker.exchange;

    if (s->discarding)
        return take_body(c, in);
    if (x == NULL)
        return take_head(c, in);
    if (x->raw)
        return take_raw(x, in);
    return x->request_ended ? 0 : take_body(c, in);
}

static void finished(struct gw_conn *c)
{
    struct ask1 *s = ask1_of(c);
    struct exchange *x = s->asker.exchange;

    if (x != NULL && x->raw)
        exchange_raw_ended(x);
    else if (x == NULL || s->discarding)
        conn_end(c);
    else if (!x->request_ended)
        conn_abort(c, SP_ERR_RESET); /* cut off in the middle */
}

static size_t room_beyond(const struct gw_conn *c)
{
    const struct exchange *x = ask1_of(c)->asker.exchange;

    return x != NULL && x->forwarding ? x->leg->socket_room(x) : 0;
}

/* ---- what the exchange asks of it ---------------------------------------------------------- */

static sp_error read_request(struct asker *a, struct exchange *x, struct view *target,
                             enum gw_reason *reason)
{
    struct ask1 *s = owner(a);
    sp_error e = http1_request(s->requests, x->arena, &x->x.request, target);

    if (e != SP_OK)
        *reason = http1_reason(s->requests);
    return e;
}

static bool whole(const struct asker *a)
{
    return http1_ended(owner(a)->requests);
}

static void go_on(struct asker *a)
{
    buf_add_str(&a->conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
    conn_flush(a->conn);
}

static size_t room(const struct asker *a)
{
    size_t held = a->conn->out.len - a->conn->out_at;

    return held < ASKER_OUT_MAX ? ASKER_OUT_MAX - held : 0;
}

static sp_error head(struct asker *a, struct exchange *x, struct write_fields own)
{
    const struct gw_exchange *gx = &x->x;
    struct ask1 *s = owner(a);
    struct write_answer to = {.method = gx->request.method,
                              .minor = gx->request.version_minor,
                              .close = !gx->request.keep_alive || !x->request_ended};

    if (buf_reserve(&a->conn->out, USUAL_ANSWER) != SP_OK)
        return buf_error(&a->conn->out);
    s->kind =
        gx->response.switched ? GW_BODY_NONE : write_body_kind(&gx->response, &to, x->until_close);
    to.close = to.close || (x->until_close && s->kind == GW_BODY_NONE);
    s->closes = to.close;
    s->without_body = to.method == GW_HEAD;
    return write_response(&gx->response, &to, s->kind, own, &a->conn->out);
}

static void body(struct asker *a, struct view data)
{
    struct ask1 *s = owner(a);
    struct buf *out = &a->conn->out;

    /* what is gone makes room, though a slow client never takes the last byte */
    buf_consume(out, a->conn->out_at);
    a->conn->out_at = 0;
    if (data.len > ASKER_OUT_MAX) /* it was held back to be inspected */
        out->max = out->len + data.len + (size_t)ASKER_OUT_MAX * 4;
    if (s->kind == GW_BODY_CHUNKED)
        write_chunk_head(data.len, out);
    buf_add(out, data);
    if (s->kind == GW_BODY_CHUNKED)
        write_chunk_tail(out);
    if (buf_error(out) != SP_OK) /* an answer with a gap must not look whole */
        conn_abort(a->conn, SP_ERR_NOMEM);
}

/* Trailers stay here: few clients of HTTP/1 read any. */
static void end(struct asker *a, struct write_fields trailers)
{
    struct ask1 *s = owner(a);

    (void)trailers;
    if (s->kind == GW_BODY_CHUNKED && !s->without_body)
        write_chunk_last(&a->conn->out);
}

static sp_error refuse(struct asker *a, const struct gw_problem *p, bool keep)
{
    const struct exchange *x = a->exchange;

    return gw_problem_write(p, !keep, x == NULL ? 1 : x->x.request.version_minor, &a->conn->out);
}

static void flush(struct asker *a)
{
    conn_flush(a->conn);
}

static void wake(struct asker *a)
{
    conn_wake(a->conn);
}

static void abort_answer(struct asker *a, sp_error why)
{
    conn_abort(a->conn, why);
}

static void next(struct ask1 *s, bool keep)
{
    struct gw_conn *c = s->asker.conn;

    s->discarding = false;
    if (keep && !http1_ended(s->requests)) {
        s->discarding = true;
        s->discard = DISCARD_MAX;
        asker_wait_for(&s->asker, ASKER_WAIT_HEAD, limits_of(c)->header_ms);
    } else if (!keep || c->client_ended) {
        c->ending = true;
        asker_wait_for(&s->asker, ASKER_WAIT_NONE, 0);
    } else {
        http1_next(s->requests);
        asker_wait_for(&s->asker, ASKER_WAIT_NEXT, limits_of(c)->idle_ms);
    }
    conn_flush(c);
    conn_wake(c);
}

static void over(struct asker *a, bool keep)
{
    struct ask1 *s = owner(a);
    bool closes = s->closes;

    s->closes = false;
    next(s, keep && !closes);
}

static void late(struct asker *a, enum asker_wait what)
{
    struct ask1 *s = owner(a);

    if (what == ASKER_WAIT_HEAD && !s->discarding && !http1_idle(s->requests))
        begin(s, SP_ERR_TIMEOUT);
    else
        conn_end(a->conn);
}

static const struct asker_io io = {.read = read_request,
                                   .whole = whole,
                                   .go_on = go_on,
                                   .room = room,
                                   .head = head,
                                   .body = body,
                                   .end = end,
                                   .refuse = refuse,
                                   .flush = flush,
                                   .wake = wake,
                                   .abort = abort_answer,
                                   .over = over,
                                   .late = late};

/* ---- life ---------------------------------------------------------------------------------- */

static void took(struct gw_conn *c)
{
    struct exchange *x = ask1_of(c)->asker.exchange;

    if (x != NULL && c->out.len - c->out_at <= ASKER_OUT_MAX / 2)
        exchange_client_took(x);
}

static bool idle(const struct gw_conn *c)
{
    return ask1_of(c)->asker.exchange == NULL;
}

static sp_error open_speaker(struct gw_conn *c)
{
    struct ask1 *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    if ((e = http1_new(HTTP1_REQUESTS, app_request_limits(c->app), &s->requests)) != SP_OK) {
        free(s);
        return e;
    }
    c->speaker = s;
    asker_init(&s->asker, &io, c);
    asker_wait_for(&s->asker, ASKER_WAIT_NEXT, limits_of(c)->idle_ms);
    return SP_OK;
}

static void close_speaker(struct gw_conn *c)
{
    struct ask1 *s = ask1_of(c);

    asker_deinit(&s->asker);
    http1_free(s->requests);
    free(s);
    c->speaker = NULL;
}

const struct conn_protocol ask1_protocol = {.open = open_speaker,
                                            .take = take,
                                            .took = took,
                                            .finished = finished,
                                            .room = room_beyond,
                                            .idle = idle,
                                            .close = close_speaker};
