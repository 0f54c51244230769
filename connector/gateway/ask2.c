#include "connector/gateway/conn_internal.h"
#include "connector/gateway/message2.h"

#include <stdlib.h>

/* A client that speaks HTTP/2: every stream is an asker of its own. What an exchange can't take
 * yet piles up here, within the window of its stream. */

enum { FILL_MAX = 32 * 1024 };

struct ask2 {
    struct gw_conn *conn; /* borrowed */
    struct http2 *h2;     /* owned */
    struct http2_limits limits;
    struct asker keeper; /* without exchanges: the time of the connection */
    struct ask2_stream *streams;
    bool waking; /* piles may be taken */
};

struct ask2_stream {
    struct asker asker;
    struct ask2 *ask;       /* borrowed */
    struct http2_stream *s; /* NULL: closed */
    struct ask2_stream *next, **from;
    struct buf pile;
    size_t pile_at;
    uint64_t seen, length; /* body bytes; of the length that was promised */
    bool promised;         /* there is such a length */
    bool begun;            /* there is or was an exchange */
    bool ended, whole;     /* END_STREAM came; and all before it was taken */
};

static struct ask2 *ask2_of(const struct gw_conn *c)
{
    return c->speaker;
}

static struct ask2_stream *owner(struct asker *a)
{
    return (struct ask2_stream *)a; /* its first member */
}

static const struct gwconf_limits *limits_of(const struct gw_conn *c)
{
    return &gw_app_conf(c->app)->limits;
}

static const struct write_fields none;

/* ---- what the exchange asks of it ---------------------------------------------------------- */

static sp_error read_request(struct asker *a, struct exchange *x, struct view *target,
                             enum gw_reason *reason)
{
    struct ask2_stream *st = owner(a);
    struct gw_request *r = &x->x.request;
    struct message2_head head = {.end = st->ended};
    sp_error e;

    *reason = GW_REASON_FRAMING;
    r->version_minor = 2;
    r->keep_alive = true;
    if ((e = http2_fields(st->s, x->arena, &head.fields, &head.n)) != SP_OK) {
        *reason = e == SP_ERR_LIMIT ? GW_REASON_HEADER_SIZE : GW_REASON_FRAMING;
        return e;
    }
    e = message2_request(&head, a->conn->front != NULL, x->arena, r, target, reason);
    st->promised = r->body.kind == GW_BODY_LENGTH;
    st->length = r->body.length;
    return e;
}

static bool whole(const struct asker *a)
{
    return ((const struct ask2_stream *)a)->whole;
}

static void flush(struct asker *a)
{
    conn_turn(a->conn);
}

static void abort_answer(struct asker *a, sp_error why)
{
    struct ask2_stream *st = owner(a);

    if (st->s != NULL)
        http2_reset(st->s, why == SP_ERR_NOMEM ? HTTP2_INTERNAL_ERROR : HTTP2_CANCEL);
    conn_turn(a->conn);
}

static void go_on(struct asker *a)
{
    struct ask2_stream *st = owner(a);

    if (st->s != NULL && http2_answer(st->s, 100, none, none, false) != SP_OK)
        abort_answer(a, SP_ERR_NOMEM);
    conn_turn(a->conn);
}

static size_t room(const struct asker *a)
{
    const struct ask2_stream *st = (const struct ask2_stream *)a;
    size_t held = st->s == NULL ? 0 : http2_held(st->s);

    return held < ASKER_OUT_MAX ? ASKER_OUT_MAX - held : 0;
}

static sp_error head(struct asker *a, struct exchange *x, struct write_fields own)
{
    struct ask2_stream *st = owner(a);
    const struct gw_response *r = &x->x.response;
    struct gw_field more[GW_OWN_FIELDS_MAX + 1];
    char length[24];
    size_t n = 0;

    if (r->body.kind == GW_BODY_LENGTH && r->status != 204)
        more[n++] =
            (struct gw_field){view_str("content-length"), message2_number(r->body.length, length)};
    for (size_t i = 0; i < own.n && i < GW_OWN_FIELDS_MAX; i++)
        more[n++] = own.at[i];
    bool bare = x->x.request.method == GW_HEAD || r->status == 204 || r->status == 304 ||
                (r->body.kind == GW_BODY_NONE && !x->until_close);
    if (st->s == NULL)
        return SP_OK;
    return http2_answer(st->s, r->status, (struct write_fields){r->fields, r->field_count},
                        (struct write_fields){more, n}, bare);
}

static void body(struct asker *a, struct view data)
{
    struct ask2_stream *st = owner(a);

    if (st->s != NULL && http2_write(st->s, data) != SP_OK)
        conn_turn(a->conn);
}

static void end(struct asker *a, struct write_fields trailers)
{
    struct ask2_stream *st = owner(a);

    if (st->s != NULL && http2_end(st->s, trailers) != SP_OK)
        conn_turn(a->conn);
}

static sp_error refuse(struct asker *a, const struct gw_problem *p, bool keep)
{
    const struct write_fields fields = {p->fields, p->field_count};
    struct ask2_stream *st = owner(a);
    bool bare = p->head || p->body.len == 0;
    sp_error e;

    (void)keep; /* the other streams had no part in it */
    if (st->s == NULL)
        return SP_OK;
    if ((e = http2_answer(st->s, p->status, fields, none, bare)) != SP_OK || bare)
        return e;
    if ((e = http2_write(st->s, buf_view(&p->body))) != SP_OK)
        return e;
    return http2_end(st->s, none);
}

static void wake(struct asker *a)
{
    struct ask2_stream *st = owner(a);

    if (st->pile_at == st->pile.len && !(st->ended && !st->whole))
        return;
    st->ask->waking = true;
    conn_turn(a->conn);
}

/* What comes of the request from here on has no reader. */
static void over(struct asker *a, bool keep)
{
    struct ask2_stream *st = owner(a);

    (void)keep;
    asker_wait_for(a, ASKER_WAIT_NONE, 0);
    buf_deinit(&st->pile);
    st->pile_at = 0;
    if (st->s != NULL)
        http2_took(st->s, SIZE_MAX);
    conn_turn(a->conn);
}

/* A header block without its end: no other frame may come between (section 6.10). */
static void late(struct asker *a, enum asker_wait what)
{
    struct ask2_stream *st = owner(a);

    (void)what;
    st->begun = true;
    exchange_begin(a, SP_ERR_TIMEOUT, GW_REASON_SLOW);
    http2_goaway(st->ask->h2, HTTP2_ENHANCE_YOUR_CALM);
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

/* ---- the time of the connection ------------------------------------------------------------ */

static void keeper_late(struct asker *a, enum asker_wait what)
{
    struct ask2 *ask = ask2_of(a->conn);

    (void)what;
    http2_goaway(ask->h2, HTTP2_NO_ERROR);
    conn_end(a->conn);
}

static void keeper_abort(struct asker *a, sp_error why)
{
    conn_abort(a->conn, why);
}

static const struct asker_io keeper_io = {.abort = keeper_abort, .late = keeper_late};

/* ---- what the frames say ------------------------------------------------------------------- */

static bool on_begins(void *arg, struct http2_stream *s)
{
    struct ask2 *ask = arg;
    struct ask2_stream *st = calloc(1, sizeof *st);

    if (st == NULL)
        return false;
    st->ask = ask;
    st->s = s;
    asker_init(&st->asker, &io, ask->conn);
    buf_init(&st->pile, HTTP2_CONNECTION_WINDOW);
    st->next = ask->streams;
    st->from = &ask->streams;
    if (st->next != NULL)
        st->next->from = &st->next;
    ask->streams = st;
    http2_use(s, st);
    asker_wait_for(&ask->keeper, ASKER_WAIT_NONE, 0);
    asker_wait_for(&st->asker, ASKER_WAIT_HEAD, limits_of(ask->conn)->header_ms);
    return true;
}

static void on_head(void *arg, void *user, struct http2_stream *s, bool at_end)
{
    struct ask2 *ask = arg;
    struct ask2_stream *st = user;

    asker_wait_for(&st->asker, ASKER_WAIT_NONE, 0);
    st->ended = st->whole = at_end;
    if (!conn_up_to_date(ask->conn)) {
        http2_reset(s, HTTP2_REFUSED_STREAM);
        http2_goaway(ask->h2, HTTP2_NO_ERROR);
        return;
    }
    st->begun = true;
    exchange_begin(&st->asker, SP_OK, GW_REASON_POLICY);
}

static void take_piled(struct ask2_stream *st);

static void on_data(void *arg, void *user, struct view data)
{
    struct ask2_stream *st = user;
    struct exchange *x = st->asker.exchange;

    (void)arg;
    st->seen += data.len;
    if (x == NULL || (st->promised && st->seen > st->length)) {
        http2_took(st->s, data.len);
        if (x != NULL)
            exchange_refuse(x, gw_refuse(GW_REASON_FRAMING));
        return;
    }
    if (st->pile.len == 0 && exchange_room(x) >= data.len) {
        http2_took(st->s, data.len);
        exchange_take(x, data);
    } else if (buf_append(&st->pile, data) != SP_OK) {
        abort_answer(&st->asker, SP_ERR_NOMEM);
    } else {
        take_piled(st);
    }
}

static void request_ended(struct ask2_stream *st)
{
    if (!st->ended || st->whole || st->pile_at < st->pile.len)
        return;
    st->whole = true;
    if (st->asker.exchange == NULL)
        return;
    if (st->promised && st->seen != st->length)
        exchange_refuse(st->asker.exchange, gw_refuse(GW_REASON_FRAMING));
    else
        exchange_request_ended(st->asker.exchange);
}

/* As much of the pile as the exchange takes now. */
static void take_piled(struct ask2_stream *st)
{
    size_t n;

    while (st->asker.exchange != NULL && st->pile_at < st->pile.len &&
           (n = exchange_room(st->asker.exchange)) > 0) {
        struct view piece = view_slice(buf_view(&st->pile), st->pile_at, n);
        st->pile_at += piece.len;
        if (st->s != NULL)
            http2_took(st->s, piece.len);
        exchange_take(st->asker.exchange, piece); /* `over` may have freed the pile */
    }
    if (st->pile_at == st->pile.len) {
        buf_deinit(&st->pile);
        st->pile_at = 0;
    }
    request_ended(st);
}

static void on_end(void *arg, void *user, struct http2_stream *s)
{
    struct ask2_stream *st = user;

    (void)arg, (void)s; /* trailers of a request go nowhere: nobody speaks of them */
    st->ended = true;
    request_ended(st);
}

static void on_drained(void *arg, void *user)
{
    struct ask2_stream *st = user;

    (void)arg;
    if (st->asker.exchange != NULL)
        exchange_client_took(st->asker.exchange);
}

/* It is told to the audit as any refusal of a head; the client sees the reset. */
static void on_broken(void *arg, void *user)
{
    struct ask2_stream *st = user;

    (void)arg;
    if (!st->begun) {
        st->begun = true;
        exchange_begin(&st->asker, SP_ERR_MALFORMED, GW_REASON_FRAMING);
    } else if (st->asker.exchange != NULL) {
        exchange_refuse(st->asker.exchange, gw_refuse(GW_REASON_FRAMING));
    }
}

static void on_closed(void *arg, void *user, uint32_t code)
{
    struct ask2 *ask = arg;
    struct ask2_stream *st = user;

    (void)code;
    st->s = NULL;
    *st->from = st->next;
    if (st->next != NULL)
        st->next->from = st->from;
    asker_deinit(&st->asker);
    buf_deinit(&st->pile);
    free(st);
    if (ask->streams != NULL)
        return;
    if (ask->conn->client_ended || http2_leaving(ask->h2))
        conn_end(ask->conn);
    else
        asker_wait_for(&ask->keeper, ASKER_WAIT_NEXT, limits_of(ask->conn)->idle_ms);
}

static const struct http2_events events = {.begins = on_begins,
                                           .head = on_head,
                                           .data = on_data,
                                           .end = on_end,
                                           .drained = on_drained,
                                           .broken = on_broken,
                                           .closed = on_closed};

/* ---- the connection ------------------------------------------------------------------------ */

/* Nothing of the connection is believed any more. */
static void drop_all(struct ask2 *ask)
{
    for (struct ask2_stream *st = ask->streams; st != NULL; st = st->next) {
        asker_deinit(&st->asker);
        buf_deinit(&st->pile);
        st->pile_at = 0;
        st->whole = true;
    }
}

static size_t take(struct gw_conn *c, struct view in)
{
    struct ask2 *ask = ask2_of(c);

    if (http2_take(ask->h2, in) != SP_OK) {
        drop_all(ask);
        conn_end(c);
    }
    if (http2_wants_to_give(ask->h2))
        conn_turn(c);
    return in.len;
}

static void fill(struct gw_conn *c)
{
    struct ask2 *ask = ask2_of(c);
    struct view some;

    while (c->out.len - c->out_at < FILL_MAX) {
        if (http2_give(ask->h2, &some) != SP_OK) {
            c->why = SP_ERR_NOMEM;
            return;
        }
        if (some.len == 0)
            return;
        buf_add(&c->out, some);
        if (buf_error(&c->out) != SP_OK)
            c->why = SP_ERR_NOMEM;
    }
}

static void took(struct gw_conn *c)
{
    (void)c;
}

static void turn(struct gw_conn *c)
{
    struct ask2 *ask = ask2_of(c);

    if (!ask->waking)
        return;
    ask->waking = false;
    for (struct ask2_stream *st = ask->streams, *next; st != NULL; st = next) {
        next = st->next; /* an exchange that ends leaves its stream alive */
        take_piled(st);
    }
}

static void finished(struct gw_conn *c)
{
    struct ask2 *ask = ask2_of(c);

    for (struct ask2_stream *st = ask->streams; st != NULL; st = st->next)
        if (!st->ended && st->s != NULL)
            http2_reset(st->s, HTTP2_CANCEL); /* cut off in the middle */
    if (ask->streams == NULL)
        conn_end(c);
    conn_turn(c);
}

static size_t room_beyond(const struct gw_conn *c)
{
    (void)c; /* the windows of the streams grow by themselves */
    return HTTP2_STREAM_WINDOW_MAX;
}

static bool idle(const struct gw_conn *c)
{
    return ask2_of(c)->streams == NULL;
}

static sp_error open_speaker(struct gw_conn *c)
{
    struct ask2 *ask = calloc(1, sizeof *ask);
    const struct http1_limits *l = app_request_limits(c->app);
    sp_error e;

    if (ask == NULL)
        return SP_ERR_NOMEM;
    ask->conn = c;
    ask->limits = (struct http2_limits){l->line + l->block, l->fields};
    if ((e = http2_new(HTTP2_SERVER, &ask->limits, &events, ask, &ask->h2)) != SP_OK) {
        free(ask);
        return e;
    }
    c->speaker = ask;
    asker_init(&ask->keeper, &keeper_io, c);
    asker_wait_for(&ask->keeper, ASKER_WAIT_NEXT, limits_of(c)->idle_ms);
    return SP_OK;
}

static void close_speaker(struct gw_conn *c)
{
    struct ask2 *ask = ask2_of(c);

    c->over = true; /* what the ends of streams want to say reaches nobody */
    http2_free(ask->h2);
    asker_deinit(&ask->keeper);
    free(ask);
    c->speaker = NULL;
}

const struct conn_protocol ask2_protocol = {.open = open_speaker,
                                            .take = take,
                                            .fill = fill,
                                            .took = took,
                                            .turn = turn,
                                            .finished = finished,
                                            .room = room_beyond,
                                            .idle = idle,
                                            .close = close_speaker};
