#include "connector/gateway/coding.h"
#include "connector/gateway/conn_internal.h"
#include "lib/base/log.h"

static const struct gwconf *conf_of(const struct exchange *x)
{
    return gw_app_conf(x->x.app);
}

/* ---- the end of an answer ------------------------------------------------------------------ */

static void answer_over(struct exchange *x)
{
    x->leg->done(x);
    /* an answer before the end of the request: what follows of it has no reader */
    exchange_over(x, x->x.request.keep_alive && x->request_ended && !x->raw);
}

bool answer_broken(struct exchange *x, enum gw_reason reason)
{
    log_event(LOG_WARN, "gateway.answer", gw_reasons[reason].title, "app", app_name(x->x.app),
              "decision", x->x.decision, NULL);
    exchange_refuse(x, gw_refuse(reason));
    return false;
}

static void write_body(struct exchange *x, struct view data)
{
    if (data.len > 0)
        x->asker->io->body(x->asker, data);
}

/* The head goes to the client; from here on the status can't change. */
static void write_head(struct exchange *x)
{
    struct gw_exchange *gx = &x->x;
    struct view decision = {(const uint8_t *)gx->decision, GW_DECISION_TEXT - 1};

    sp_ignore(gw_answer_field(gx, view_str("sallyport-decision"), decision) ? SP_OK : SP_ERR_LIMIT);
    x->head_out = true;
    gx->first_byte = clock_boot();
    if (x->asker->io->head(
            x->asker, x, (struct write_fields){gx->answer_fields, gx->answer_field_count}) != SP_OK)
        x->asker->io->abort(x->asker, SP_ERR_LIMIT);
}

/* ---- inspected answers --------------------------------------------------------------------- */

/* Held back no longer: the head, and what came until now. */
static void let_go(struct exchange *x)
{
    struct view held = collected_view(&x->content);

    x->answer_collecting = false;
    write_head(x);
    write_body(x, held);
}

/* false: it was refused, and x is gone. */
static bool content_passes(struct exchange *x)
{
    struct gw_message_body *b = &x->x.response.body;

    if (b->inspected == GW_NOT_INSPECTED)
        coding_read(b, collected_view(&x->content), (size_t)conf_of(x)->limits.inspect, x->arena);
    struct gw_verdict v = pipeline_run(&x->x, GW_PHASE_CONTENT);
    if (v.outcome == GW_PASS) {
        let_go(x);
        return true;
    }
    exchange_refuse(x, v);
    return false;
}

/* The answer has left, but for its end; rules that block would have held it back. */
static void read_copy(struct exchange *x)
{
    struct gw_message_body *b = &x->x.response.body;

    x->answer_copying = false;
    if (b->inspected == GW_NOT_INSPECTED)
        coding_read(b, collected_view(&x->content), (size_t)conf_of(x)->limits.inspect, x->arena);
    struct gw_verdict v = pipeline_run(&x->x, GW_PHASE_CONTENT);
    if (v.outcome == GW_PASS)
        return;
    x->x.refusal = gw_pass(); /* no memory to read it: nothing was refused */
    log_event(LOG_WARN, "gateway.answer", gw_reasons[v.reason].title, "app", app_name(x->x.app),
              "decision", x->x.decision, NULL);
}

static void copy(struct exchange *x, struct view data)
{
    if (collected_add(&x->content, x->arena, data, (size_t)conf_of(x)->limits.inspect))
        return;
    x->x.response.body.inspected = GW_OVERSIZE;
    read_copy(x);
}

bool answer_piece(struct exchange *x, struct view data)
{
    struct gw_message_body *b = &x->x.response.body;

    b->seen += data.len;
    if (x->x.request.grpc && grpc_is_type(b->content_type) &&
        grpc_read(&x->answered, data, UINT32_MAX) != SP_OK)
        return answer_broken(x, GW_REASON_UPSTREAM_FRAMING);
    if (x->answer_copying)
        copy(x, data);
    if (!x->answer_collecting) {
        write_body(x, data);
        return true;
    }
    if (collected_add(&x->content, x->arena, data, (size_t)conf_of(x)->limits.inspect))
        return true;
    b->inspected = GW_OVERSIZE;
    if (!content_passes(x))
        return false;
    write_body(x, data);
    return true;
}

/* Where nobody asks for them they are dropped, as those of requests are. */
static bool carries_trailers(const struct exchange *x)
{
    return x->x.request.grpc && grpc_is_type(x->x.response.body.content_type);
}

/* A call says in its trailers how it went, or in its head when it has no other. */
static void hear_status(struct exchange *x, struct write_fields trailers)
{
    struct gw_response *r = &x->x.response;
    struct view said = gw_field_find(trailers.at, trailers.n, "grpc-status", NULL);

    if (said.len == 0)
        said = gw_field_find(r->fields, r->field_count, "grpc-status", NULL);
    if (r->status == 200)
        r->meaning = grpc_http_status(said);
}

bool answer_ends(struct exchange *x, struct write_fields trailers)
{
    if (carries_trailers(x))
        hear_status(x, trailers);
    if (x->answer_collecting && !content_passes(x))
        return false;
    if (x->answer_copying)
        read_copy(x);
    if (!x->raw)
        x->asker->io->end(x->asker, carries_trailers(x) ? trailers : (struct write_fields){0});
    answer_over(x);
    return false;
}

/* ---- the head ------------------------------------------------------------------------------ */

bool exchange_streams(const struct gw_message_body *b)
{
    static const char *const types[] = {"text/event-stream", "application/octet-stream"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (view_is(b->content_type, types[i]))
            return true;
    if (grpc_is_type(b->content_type))
        return true;
    return b->content_type.len >= 10 && memcmp(b->content_type.at, "multipart/", 10) == 0;
}

static bool to_be_collected(struct exchange *x)
{
    struct gw_message_body *b = &x->x.response.body;

    if (!x->x.inspect_answer)
        return false;
    if (exchange_streams(b))
        b->inspected = GW_STREAMING;
    else if (b->kind == GW_BODY_LENGTH && b->length > (uint64_t)conf_of(x)->limits.inspect)
        b->inspected = GW_OVERSIZE;
    return b->inspected == GW_NOT_INSPECTED;
}

static bool switch_over(struct exchange *x)
{
    if (!x->x.request.websocket || !x->x.response.switched)
        return answer_broken(x, GW_REASON_UPSTREAM_FRAMING);
    x->raw = true;
    x->until_close = true;
    x->x.request.keep_alive = false;
    write_head(x);
    asker_wait_for(x->asker, ASKER_WAIT_NONE, 0);
    x->asker->io->wake(x->asker);
    return true;
}

/* false: x is gone. */
static bool final_head(struct exchange *x)
{
    if (x->request_ended && !x->x.request.grpc)
        asker_wait_for(x->asker, ASKER_WAIT_NONE, 0);
    if (x->sent_us != 0)
        x->x.upstream_us = clock_boot_us() - x->sent_us;
    x->x.response.body.inspected = GW_NOT_INSPECTED;
    struct gw_verdict v = pipeline_run(&x->x, GW_PHASE_ANSWER);
    if (v.outcome != GW_PASS) {
        exchange_refuse(x, v);
        return false;
    }
    bool read = to_be_collected(x);
    x->answer_collecting = read && x->x.hold_answer;
    x->answer_copying = read && !x->x.hold_answer;
    if (!x->answer_collecting) {
        if (x->x.inspect_answer && !read) {
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

bool answer_begins(struct exchange *x)
{
    return x->x.response.status == 101 ? switch_over(x) : final_head(x);
}
