#include "connector/gateway/conn_internal.h"
#include "connector/gateway/upstream.h"

/* The way to an application that speaks HTTP/1: one connection of the pool for one exchange. */

enum { READS_A_TURN = 8, USUAL_HEAD = 1024 };

struct leg1 {
    struct upstream *up;  /* owned; NULL: none */
    struct http1 *answer; /* owned */
    struct buf out;       /* for the application */
    size_t out_at;
    bool fresh, connected, heard; /* heard: the application said something */
    bool retried;
    bool deaf;  /* the application takes nothing more */
    bool ended; /* the client's side of a websocket */
    bool dirty; /* bytes behind the answer */
    unsigned interim;
};

static struct leg1 *leg1_of(const struct exchange *x)
{
    return x->leg_state;
}

static void pump(struct exchange *x);

/* ---- to the application -------------------------------------------------------------------- */

/* A request without a body is kept until the answer begins: for a second try. */
static bool keeps_nothing(const struct exchange *x)
{
    return leg1_of(x)->heard || x->x.request.body.kind != GW_BODY_NONE || x->raw;
}

static void push(struct exchange *x)
{
    struct leg1 *l = leg1_of(x);
    size_t took = 0;

    while (l->connected && !l->deaf && l->out_at < l->out.len) {
        struct view rest = view_slice(buf_view(&l->out), l->out_at, l->out.len);
        if (upstream_write(l->up, rest, &took) != SP_OK)
            l->deaf = true; /* it may have answered before: its end tells */
        l->out_at += took;
        if (took < rest.len)
            break;
    }
    if (l->deaf)
        l->out_at = l->out.len;
    if (l->out_at < l->out.len)
        return;
    if (keeps_nothing(x)) {
        buf_reset(&l->out);
        l->out_at = 0;
    }
    if (l->ended && l->connected && !l->deaf) {
        l->deaf = true;
        upstream_finish(l->up);
    }
    exchange_sent(x);
}

static void on_connected(void *arg)
{
    struct exchange *x = arg;
    struct leg1 *l = leg1_of(x);

    l->connected = true;
    upstream_want(l->up, true);
    push(x);
}

static void on_readable(void *arg)
{
    pump(arg);
}

static void on_writable(void *arg)
{
    push(arg);
}

static void on_failed(void *arg, sp_error e, enum tls_refusal refusal)
{
    exchange_unreachable(arg, e, e == SP_ERR_TLS ? tls_refusal_text(refusal) : sp_error_text(e));
}

static void on_given(void *arg, struct upstream *up)
{
    struct leg1 *l = leg1_of(arg);

    l->up = up;
    l->fresh = false;
}

static const struct upstream_events events = {.connected = on_connected,
                                              .readable = on_readable,
                                              .writable = on_writable,
                                              .failed = on_failed,
                                              .given = on_given};

SP_MUST static sp_error connect_app(struct exchange *x)
{
    struct upstream_to to = {.address = x->conn->to, .user = x->x.caller->user};
    struct leg1 *l = leg1_of(x);
    sp_error e;

    app_upstream(x->x.app, &to);
    if ((e = upstream_get(gateway_upstreams(x->conn->gateway), &to, &events, x, &l->fresh,
                          &l->up)) != SP_OK)
        return e;
    l->connected = !l->fresh;
    if (l->connected)
        upstream_want(l->up, true);
    return SP_OK;
}

/* A waiting connection that the application had given up just now: once more, on a new one, when
 * nothing can have been done twice. */
static bool again(struct exchange *x)
{
    const struct gw_request *r = &x->x.request;
    struct leg1 *l = leg1_of(x);

    if (l->fresh || l->heard || l->retried || r->body.kind != GW_BODY_NONE || x->raw ||
        (r->method != GW_GET && r->method != GW_HEAD && r->method != GW_OPTIONS))
        return false;
    upstream_free(l->up);
    l->up = NULL;
    l->retried = true;
    l->connected = l->deaf = false;
    l->out_at = 0;
    if (connect_app(x) != SP_OK)
        return false;
    push(x);
    return true;
}

SP_MUST static sp_error start(struct exchange *x, struct view host, struct write_fields own,
                              struct view body)
{
    const struct write_to to = {.prefix = app_prefix(x->x.app), .host = host};
    struct gw_request *r = &x->x.request;
    struct leg1 *l = arena_take(x->arena, sizeof *l);
    sp_error e;

    if (l == NULL)
        return arena_error(x->arena);
    *l = (struct leg1){0};
    buf_init(&l->out, (size_t)LEG_OUT_MAX * 4);
    x->leg_state = l;
    if ((e = buf_reserve(&l->out, USUAL_HEAD)) != SP_OK ||
        (e = write_request(r, &to, own, &l->out)) != SP_OK ||
        (e = http1_new(HTTP1_RESPONSES, app_answer_limits(x->x.app), &l->answer)) != SP_OK ||
        (e = connect_app(x)) != SP_OK)
        return e;
    if (body.len > 0) {
        if (r->body.kind == GW_BODY_CHUNKED)
            write_chunk_head(body.len, &l->out);
        l->out.max += body.len + 64;
        buf_add(&l->out, body);
        if (r->body.kind == GW_BODY_CHUNKED)
            write_chunk_tail(&l->out);
    }
    push(x);
    return SP_OK;
}

static size_t room(const struct exchange *x)
{
    const struct leg1 *l = leg1_of(x);
    size_t held = l->out.len - l->out_at;

    return l->deaf ? LEG_OUT_MAX : held < LEG_OUT_MAX ? LEG_OUT_MAX - held : 0;
}

static size_t socket_room(const struct exchange *x)
{
    const struct leg1 *l = leg1_of(x);

    return l->up == NULL ? 0 : upstream_room(l->up);
}

static void pass_on(struct exchange *x, struct view data)
{
    bool chunked = !x->raw && x->x.request.body.kind == GW_BODY_CHUNKED;
    struct leg1 *l = leg1_of(x);

    if (l->deaf)
        return;
    /* what is gone makes room, though a slow application never takes the last byte */
    buf_consume(&l->out, l->out_at);
    l->out_at = 0;
    if (chunked)
        write_chunk_head(data.len, &l->out);
    buf_add(&l->out, data);
    if (chunked)
        write_chunk_tail(&l->out);
    if (buf_error(&l->out) != SP_OK)
        x->asker->io->abort(x->asker, SP_ERR_NOMEM);
    push(x);
}

static void end(struct exchange *x)
{
    struct leg1 *l = leg1_of(x);

    if (x->raw)
        l->ended = true;
    else if (x->x.request.body.kind == GW_BODY_CHUNKED && !l->deaf)
        write_chunk_last(&l->out);
    push(x);
}

static void resume(struct exchange *x)
{
    struct leg1 *l = leg1_of(x);

    if (l->up != NULL && l->connected)
        upstream_want(l->up, true);
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* false: x is gone. */
static bool take_head(struct exchange *x, struct view *in)
{
    struct leg1 *l = leg1_of(x);
    size_t used;
    sp_error e = http1_head(l->answer, *in, &used);

    if (e == SP_ERR_AGAIN) {
        *in = (struct view){0};
        return true;
    }
    if (e != SP_OK || http1_response(l->answer, x->arena, x->x.request.method, &x->x.response,
                                     &x->until_close) != SP_OK)
        return answer_broken(x, GW_REASON_UPSTREAM_FRAMING);
    *in = view_slice(*in, used, in->len);
    if (x->x.response.status == 101) {
        buf_reset(&l->out);
        l->out_at = 0;
    }
    if (x->x.response.status == 101 || x->x.response.status >= 200)
        return answer_begins(x);
    x->x.response = (struct gw_response){0}; /* what we promise we have promised ourselves */
    if (++l->interim > EXCHANGE_INTERIM_MAX)
        return answer_broken(x, GW_REASON_UPSTREAM_FRAMING);
    http1_next(l->answer);
    return true;
}

/* false: x is gone. */
static bool take(struct exchange *x, struct view in)
{
    static const struct write_fields no_trailers = {0};
    struct leg1 *l = leg1_of(x);
    struct view data;
    size_t used;

    while (in.len > 0 || (x->x.response.status >= 200 && http1_ended(l->answer))) {
        if (x->raw) {
            x->asker->io->body(x->asker, in);
            return true;
        }
        if (x->x.response.status < 200) {
            if (!take_head(x, &in))
                return false;
            continue;
        }
        if (http1_ended(l->answer)) {
            l->dirty = in.len > 0;
            return answer_ends(x, no_trailers);
        }
        if (http1_body(l->answer, in, &used, &data) != SP_OK)
            return answer_broken(x, GW_REASON_UPSTREAM_FRAMING);
        in = view_slice(in, used, in.len);
        if (!answer_piece(x, data))
            return false;
    }
    return true;
}

/* The application has closed its side. */
static void closed(struct exchange *x, sp_error e)
{
    static const struct write_fields no_trailers = {0};
    struct leg1 *l = leg1_of(x);

    if (!l->heard && again(x))
        return;
    if (x->raw ||
        (e == SP_ERR_CLOSED && x->x.response.status >= 200 && http1_close(l->answer) == SP_OK)) {
        x->x.response.keep_alive = false;
        sp_ignore(answer_ends(x, no_trailers) ? SP_OK : SP_ERR_CLOSED);
        return;
    }
    sp_ignore(answer_broken(x, l->heard ? GW_REASON_UPSTREAM_FRAMING : GW_REASON_UPSTREAM_DOWN)
                  ? SP_OK
                  : SP_ERR_CLOSED);
}

static void pump(struct exchange *x)
{
    struct asker *a = x->asker;
    struct leg1 *l = leg1_of(x);
    uint8_t *scratch = gateway_scratch(x->conn->gateway);
    size_t got = 0;
    unsigned reads;

    for (reads = 0; reads < READS_A_TURN; reads++) {
        size_t n = a->io->room(a);
        if (n == 0) {
            upstream_want(l->up, false); /* exchange_client_took() */
            break;
        }
        sp_error e = upstream_read(l->up, scratch, n < GATEWAY_SCRATCH ? n : GATEWAY_SCRATCH, &got);
        if (e == SP_ERR_AGAIN)
            break;
        if (e != SP_OK) {
            closed(x, e);
            return;
        }
        l->heard = true;
        if (!take(x, (struct view){scratch, got}))
            return;
    }
    if (reads == READS_A_TURN)
        upstream_want(l->up, true);
    a->io->flush(a);
}

/* ---- its end ------------------------------------------------------------------------------- */

static void drop(struct exchange *x)
{
    struct leg1 *l = leg1_of(x);

    if (l == NULL)
        return;
    upstream_free(l->up);
    http1_free(l->answer);
    buf_deinit(&l->out);
    l->up = NULL;
    l->answer = NULL;
    l->connected = false;
}

static void done(struct exchange *x)
{
    struct leg1 *l = leg1_of(x);

    if (x->x.response.keep_alive && !l->dirty && !x->raw && x->request_ended &&
        l->out_at == l->out.len && !l->deaf) {
        upstream_give_back(l->up);
        l->up = NULL;
    }
    drop(x);
}

const struct leg_io leg1_io = {.start = start,
                               .body = pass_on,
                               .end = end,
                               .room = room,
                               .socket_room = socket_room,
                               .resume = resume,
                               .done = done,
                               .drop = drop};
