#include "connector/gateway/conn_internal.h"
#include "connector/gateway/write.h"
#include "lib/base/log.h"

enum { READS_A_TURN = 8 };

static const struct gwconf *conf_of(const struct exchange *x)
{
    return gw_app_conf(x->conn->app);
}

/* ---- the end of an answer ------------------------------------------------------------------ */

static void answer_over(struct exchange *x)
{
    struct upstream *up = x->up;
    bool reusable = x->x.response.keep_alive && !x->dirty && !x->raw && x->request_ended &&
                    x->to_app_at == x->to_app.len && !x->app_deaf;

    x->up = NULL;
    if (reusable)
        upstream_give_back(up);
    else
        upstream_free(up);
    /* an answer before the end of the request: what follows of it has no reader */
    exchange_over(x, x->x.request.keep_alive && x->request_ended && !x->raw &&
                         !(x->until_close && x->out_kind == GW_BODY_NONE));
}

static void refuse(struct exchange *x, enum gw_reason reason)
{
    log_event(LOG_WARN, "gateway.answer", gw_reasons[reason].title, "app", app_name(x->conn->app),
              "decision", x->x.decision, NULL);
    exchange_refuse(x, gw_refuse(reason));
}

static void write_body(struct exchange *x, struct view data)
{
    struct buf *out = &x->conn->out;

    if (data.len == 0)
        return;
    if (x->out_kind == GW_BODY_CHUNKED)
        write_chunk_head(data.len, out);
    buf_add(out, data);
    if (x->out_kind == GW_BODY_CHUNKED)
        write_chunk_tail(out);
}

/* The head goes to the client; from here on the status can't change. */
static void write_head(struct exchange *x)
{
    struct gw_exchange *gx = &x->x;
    struct write_answer to = {.method = gx->request.method,
                              .minor = gx->request.version_minor,
                              .close = !gx->request.keep_alive || !x->request_ended};
    struct view decision = {(const uint8_t *)gx->decision, GW_DECISION_TEXT - 1};

    sp_ignore(gw_answer_field(gx, view_str("sallyport-decision"), decision) ? SP_OK : SP_ERR_LIMIT);
    x->out_kind = write_body_kind(&gx->response, &to, x->until_close);
    to.close = to.close || (x->until_close && x->out_kind == GW_BODY_NONE);
    x->head_out = true;
    gx->first_byte = clock_boot();
    if (write_response(&gx->response, &to, x->out_kind,
                       (struct write_fields){gx->answer_fields, gx->answer_field_count},
                       &x->conn->out) != SP_OK)
        conn_abort(x->conn, SP_ERR_LIMIT);
}

/* ---- inspected answers --------------------------------------------------------------------- */

/* Held back no longer: the head, and what came until now. */
static void let_go(struct exchange *x)
{
    struct view held = {x->content.at, x->content.len};

    x->answer_collecting = false;
    write_head(x);
    x->conn->out.max += held.len + 64;
    write_body(x, held);
}

/* false: it was refused, and x is gone. */
static bool content_passes(struct exchange *x)
{
    struct gw_message_body *b = &x->x.response.body;

    if (b->inspected == GW_NOT_INSPECTED)
        b->inspected = b->coding.len > 0 ? GW_CODING : GW_INSPECTED;
    if (b->inspected == GW_INSPECTED)
        b->bytes = (struct view){x->content.at, x->content.len};
    struct gw_verdict v = pipeline_run(&x->x, GW_PHASE_CONTENT);
    if (v.outcome == GW_PASS) {
        let_go(x);
        return true;
    }
    x->x.response.body.bytes = (struct view){0};
    exchange_refuse(x, v);
    return false;
}

static bool take_data(struct exchange *x, struct view data)
{
    struct gw_message_body *b = &x->x.response.body;

    b->seen += data.len;
    if (!x->answer_collecting) {
        write_body(x, data);
        return true;
    }
    if (exchange_collect(x, &x->content, data, (size_t)conf_of(x)->limits.inspect))
        return true;
    b->inspected = GW_OVERSIZE;
    if (!content_passes(x))
        return false;
    write_body(x, data);
    return true;
}

/* false: x is gone. */
static bool end_of_body(struct exchange *x)
{
    if (x->answer_collecting && !content_passes(x))
        return false;
    if (x->out_kind == GW_BODY_CHUNKED && x->x.request.method != GW_HEAD)
        write_chunk_last(&x->conn->out);
    answer_over(x);
    return false;
}

/* ---- the head ------------------------------------------------------------------------------ */

static bool streams_by_nature(const struct gw_message_body *b)
{
    static const char *const types[] = {"text/event-stream", "application/grpc",
                                        "application/octet-stream"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (view_is(b->content_type, types[i]))
            return true;
    return b->content_type.len >= 10 && memcmp(b->content_type.at, "multipart/", 10) == 0;
}

static bool to_be_collected(struct exchange *x)
{
    struct gw_message_body *b = &x->x.response.body;

    if (!x->x.inspect_answer)
        return false;
    if (streams_by_nature(b))
        b->inspected = GW_STREAMING;
    else if (b->kind == GW_BODY_LENGTH && b->length > (uint64_t)conf_of(x)->limits.inspect)
        b->inspected = GW_OVERSIZE;
    return b->inspected == GW_NOT_INSPECTED;
}

static bool switch_over(struct exchange *x)
{
    if (!x->x.request.websocket || !x->x.response.switched) {
        refuse(x, GW_REASON_UPSTREAM_FRAMING);
        return false;
    }
    x->raw = true;
    x->until_close = true;
    x->x.request.keep_alive = false;
    write_head(x);
    buf_reset(&x->to_app);
    x->to_app_at = 0;
    conn_wait_for(x->conn, CONN_WAIT_NONE, 0);
    conn_wake(x->conn);
    return true;
}

/* false: x is gone. */
static bool final_head(struct exchange *x)
{
    if (x->request_ended)
        conn_wait_for(x->conn, CONN_WAIT_NONE, 0);
    if (x->sent_us != 0)
        x->x.upstream_us = clock_boot_us() - x->sent_us;
    x->x.response.body.inspected = GW_NOT_INSPECTED;
    struct gw_verdict v = pipeline_run(&x->x, GW_PHASE_ANSWER);
    if (v.outcome != GW_PASS) {
        exchange_refuse(x, v);
        return false;
    }
    x->answer_collecting = to_be_collected(x);
    if (!x->answer_collecting) {
        if (x->x.inspect_answer) {
            v = pipeline_run(&x->x, GW_PHASE_CONTENT); /* it says that nothing was inspected */
            if (v.outcome != GW_PASS) {
                exchange_refuse(x, v);
                return false;
            }
        }
        write_head(x);
    }
    return true;
}

/* false: x is gone. */
static bool take_head(struct exchange *x, struct view *in)
{
    size_t used;
    sp_error e = http1_head(x->answer, *in, &used);

    if (e == SP_ERR_AGAIN) {
        *in = (struct view){0};
        return true;
    }
    if (e != SP_OK || http1_response(x->answer, x->arena, x->x.request.method, &x->x.response,
                                     &x->until_close) != SP_OK) {
        refuse(x, GW_REASON_UPSTREAM_FRAMING);
        return false;
    }
    *in = view_slice(*in, used, in->len);
    if (x->x.response.status == 101)
        return switch_over(x);
    if (x->x.response.status >= 200)
        return final_head(x);
    x->x.response = (struct gw_response){0}; /* what we promise we have promised ourselves */
    if (++x->interim > EXCHANGE_INTERIM_MAX) {
        refuse(x, GW_REASON_UPSTREAM_FRAMING);
        return false;
    }
    http1_next(x->answer);
    return true;
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* false: x is gone. */
static bool take(struct exchange *x, struct view in)
{
    struct view data;
    size_t used;

    while (in.len > 0 || (x->x.response.status >= 200 && http1_ended(x->answer))) {
        if (x->raw) {
            buf_add(&x->conn->out, in);
            return true;
        }
        if (x->x.response.status < 200) {
            if (!take_head(x, &in))
                return false;
            continue;
        }
        if (http1_ended(x->answer)) {
            x->dirty = in.len > 0;
            return end_of_body(x);
        }
        if (http1_body(x->answer, in, &used, &data) != SP_OK) {
            refuse(x, GW_REASON_UPSTREAM_FRAMING);
            return false;
        }
        in = view_slice(in, used, in.len);
        if (!take_data(x, data))
            return false;
    }
    return true;
}

/* The application has closed its side. */
static void closed(struct exchange *x, sp_error e)
{
    if (!x->heard && exchange_again(x))
        return;
    if (x->raw) {
        answer_over(x);
        return;
    }
    if (e == SP_ERR_CLOSED && x->x.response.status >= 200 && http1_close(x->answer) == SP_OK) {
        x->x.response.keep_alive = false;
        sp_ignore(end_of_body(x) ? SP_OK : SP_ERR_CLOSED);
        return;
    }
    refuse(x, x->heard ? GW_REASON_UPSTREAM_FRAMING : GW_REASON_UPSTREAM_DOWN);
}

void answer_pump(struct exchange *x)
{
    struct gw_conn *c = x->conn;
    uint8_t *scratch = gateway_scratch(c->gateway);
    size_t got = 0;

    for (unsigned reads = 0; reads < READS_A_TURN; reads++) {
        size_t room = conn_out_room(c);
        if (room == 0) {
            upstream_want(x->up, false); /* exchange_client_took() */
            break;
        }
        sp_error e =
            upstream_read(x->up, scratch, room < GATEWAY_SCRATCH ? room : GATEWAY_SCRATCH, &got);
        if (e == SP_ERR_AGAIN)
            break;
        if (e != SP_OK) {
            closed(x, e);
            return;
        }
        x->heard = true;
        if (!take(x, (struct view){scratch, got}))
            return;
    }
    conn_flush(c);
}
