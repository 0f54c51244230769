#include "connector/gateway/conn_internal.h"
#include "connector/gateway/identity.h"
#include "connector/gateway/problem.h"
#include "connector/gateway/target.h"
#include "connector/gateway/write.h"

#include "lib/base/log.h"
#include "lib/crypto/random.h"

#include <stdlib.h>

static void on_resumed(struct gw_exchange *x, struct gw_verdict v);

static const struct gwconf *conf_of(const struct exchange *x)
{
    return gw_app_conf(x->conn->app);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void name_decision(char out[GW_DECISION_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[8];

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[GW_DECISION_TEXT - 1] = '\0';
}

static const struct gw_caller nobody; /* not alive */

SP_MUST static sp_error new_exchange(struct gw_conn *c, struct exchange **out)
{
    struct exchange *x = calloc(1, sizeof *x);
    size_t max = EXCHANGE_HEAD_MEMORY + 4 * (size_t)gw_app_conf(c->app)->limits.inspect;
    sp_error e = SP_ERR_NOMEM;

    if (x == NULL || (e = arena_new(gateway_arenas(c->gateway), max, &x->arena)) != SP_OK) {
        free(x);
        return e;
    }
    x->conn = c;
    x->x.app = c->app;
    x->x.caller = c->person == NULL ? &nobody : person_caller(c->person);
    x->x.to = &c->to;
    x->x.request.arena = x->arena;
    x->x.request.version_minor = 1;
    x->x.began = clock_boot();
    x->x.refusal = gw_pass();
    x->x.resumed = on_resumed;
    x->x.owner = x;
    buf_init(&x->to_app, (size_t)CONN_APP_MAX * 4);
    name_decision(x->x.decision);
    *out = x;
    return SP_OK;
}

static void account(struct exchange *x)
{
    x->x.ended = clock_boot();
    (void)pipeline_run(&x->x, GW_PHASE_ACCOUNT);
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    pipeline_forget(&x->x);
    if (x->x.ended == 0) /* cut off: no exchange goes without its account */
        account(x);
    upstream_free(x->up);
    http1_free(x->answer);
    buf_deinit(&x->to_app);
    arena_free(x->arena);
    free(x);
}

void exchange_over(struct exchange *x, bool keep)
{
    struct gw_conn *c = x->conn;

    account(x);
    c->exchange = NULL;
    exchange_free(x);
    conn_next(c, keep);
}

/* ---- our own answers ----------------------------------------------------------------------- */

/* The origin of the script that asks, when the app's scripts may read refusals. */
static struct view readable_origin(const struct exchange *x)
{
    const struct config_strings *allowed = &conf_of(x)->cors_origins;
    struct view origin =
        gw_field_find(x->x.request.fields, x->x.request.field_count, "origin", NULL);

    for (size_t i = 0; i < allowed->count; i++)
        if (view_is(origin, allowed->items[i]))
            return origin;
    return (struct view){0};
}

void exchange_refuse(struct exchange *x, struct gw_verdict v)
{
    struct gw_conn *c = x->conn;
    struct gw_request *r = &x->x.request;
    bool whole = http1_ended(c->requests);
    /* who was promised nothing yet may go on with the body or without it: nobody can tell */
    bool keep = !x->raw && r->keep_alive && (whole || (!r->expect_continue || x->forwarding)) &&
                v.reason != GW_REASON_FRAMING && v.reason != GW_REASON_SLOW &&
                v.reason != GW_REASON_SESSION_ENDED;

    pipeline_forget(&x->x);
    upstream_free(x->up);
    x->up = NULL;
    if (x->x.refusal.outcome != GW_REFUSE)
        x->x.refusal = v;
    x->x.own_answer = true;
    x->x.response = (struct gw_response){.status = problem_status(&v)};
    if (x->head_out) { /* too late for another answer */
        conn_abort(c, SP_ERR_RESET);
        exchange_over(x, false);
        return;
    }
    const struct problem_options o = {
        .html = problem_prefers_html(gw_field_find(r->fields, r->field_count, "accept", NULL)),
        .close = !keep,
        .head = r->method == GW_HEAD,
        .minor = r->version_minor,
        .allowed = x->x.route.allowed,
        .origin = readable_origin(x)};
    x->head_out = true;
    if (gw_problem_write(&v, x->x.decision, &o, &c->out) != SP_OK)
        conn_abort(c, SP_ERR_NOMEM);
    exchange_over(x, keep);
}

/* Nobody has the memory for a request: the least that can be said. */
static void refuse_without_memory(struct gw_conn *c)
{
    struct gw_verdict v = gw_refuse(GW_REASON_OVERLOAD);
    const struct problem_options o = {.close = true, .minor = 1};
    char decision[GW_DECISION_TEXT];

    v.retry_after_ms = 1000;
    name_decision(decision);
    if (gw_problem_write(&v, decision, &o, &c->out) != SP_OK)
        conn_abort(c, SP_ERR_NOMEM);
    conn_next(c, false);
}

/* ---- to the application -------------------------------------------------------------------- */

static void say_continue(struct exchange *x)
{
    struct gw_request *r = &x->x.request;

    if (!r->expect_continue || x->request_ended)
        return;
    r->expect_continue = false;
    buf_add_str(&x->conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
    conn_flush(x->conn);
}

static void sent_all(struct exchange *x)
{
    if (x->request_ended && x->sent_us == 0) {
        x->sent_us = clock_boot_us();
        if (!x->head_out)
            conn_wait_for(x->conn, CONN_WAIT_ANSWER, conf_of(x)->limits.response_ms);
    }
}

void exchange_push(struct exchange *x)
{
    size_t took = 0;

    while (x->connected && !x->app_deaf && x->to_app_at < x->to_app.len) {
        struct view rest = view_slice(buf_view(&x->to_app), x->to_app_at, x->to_app.len);
        if (upstream_write(x->up, rest, &took) != SP_OK)
            x->app_deaf = true; /* it may have answered before: its end tells */
        x->to_app_at += took;
        if (took < rest.len)
            break;
    }
    if (x->app_deaf)
        x->to_app_at = x->to_app.len;
    if (x->to_app_at < x->to_app.len)
        return;
    /* a request without a body is kept until the answer begins: for a second try */
    if (x->heard || x->x.request.body.kind != GW_BODY_NONE || x->raw) {
        buf_reset(&x->to_app);
        x->to_app_at = 0;
    }
    if (x->raw_ended && x->connected && !x->app_deaf) {
        x->app_deaf = true;
        upstream_finish(x->up);
    }
    if (x->forwarding)
        sent_all(x);
    conn_wake(x->conn);
}

static void on_connected(void *arg)
{
    struct exchange *x = arg;

    x->connected = true;
    upstream_want(x->up, true);
    exchange_push(x);
}

static void on_readable(void *arg)
{
    answer_pump(arg);
}

static void on_writable(void *arg)
{
    exchange_push(arg);
}

static void on_failed(void *arg, sp_error e, enum tls_refusal refusal)
{
    struct exchange *x = arg;
    struct gw_verdict v = gw_refuse(e == SP_ERR_TLS       ? GW_REASON_UPSTREAM_TLS
                                    : e == SP_ERR_TIMEOUT ? GW_REASON_UPSTREAM_TIMEOUT
                                                          : GW_REASON_UPSTREAM_DOWN);

    log_event(LOG_WARN, "gateway.upstream", "the application could not be reached", "app",
              app_name(x->conn->app), "address", address_text(&x->conn->to).s, "error",
              e == SP_ERR_TLS ? tls_refusal_text(refusal) : sp_error_text(e), "decision",
              x->x.decision, NULL);
    exchange_refuse(x, v);
}

static const struct upstream_events upstream_events = {on_connected, on_readable, on_writable,
                                                       on_failed};

SP_MUST static sp_error connect_app(struct exchange *x)
{
    struct upstream_to to = {.address = x->conn->to, .user = x->x.caller->user};
    sp_error e;

    app_upstream(x->conn->app, &to);
    if ((e = upstream_get(gateway_upstreams(x->conn->gateway), &to, &upstream_events, x, &x->fresh,
                          &x->up)) != SP_OK)
        return e;
    x->connected = !x->fresh;
    if (x->connected)
        upstream_want(x->up, true);
    return SP_OK;
}

/* A waiting connection that the application had given up just now: once more, on a new one, when
 * nothing can have been done twice. */
bool exchange_again(struct exchange *x)
{
    const struct gw_request *r = &x->x.request;

    if (x->fresh || x->heard || x->retried || r->body.kind != GW_BODY_NONE || x->raw ||
        (r->method != GW_GET && r->method != GW_HEAD && r->method != GW_OPTIONS))
        return false;
    upstream_free(x->up);
    x->up = NULL;
    x->retried = true;
    x->connected = x->app_deaf = false;
    x->to_app_at = 0;
    if (connect_app(x) != SP_OK)
        return false;
    exchange_push(x);
    return true;
}

/* Step 12, 13: the request is written anew and goes to the application. */
static void forward(struct exchange *x)
{
    struct gw_request *r = &x->x.request;
    const struct gwconf *conf = conf_of(x);
    struct write_fields own = {x->own, 0};
    struct view host = conf->upstream.host == NULL ? r->host : view_str(conf->upstream.host);
    sp_error e;

    x->forwarding = true;
    if (x->collecting) {
        x->collecting = false;
        if (x->request_ended)
            r->body.kind = x->body.len > 0 ? GW_BODY_LENGTH : GW_BODY_NONE;
        r->body.length = x->request_ended ? x->body.len : r->body.length;
    }
    if ((e = identity_fields(gateway_identity(x->conn->gateway), &x->x, app_now(x->conn->app),
                             x->own, &own.n)) != SP_OK ||
        (e = write_request(r, app_prefix(x->conn->app), host, own, &x->to_app)) != SP_OK ||
        (e = http1_new(HTTP1_RESPONSES, app_answer_limits(x->conn->app), &x->answer)) != SP_OK ||
        (e = connect_app(x)) != SP_OK) {
        exchange_refuse(x, gw_refuse(e == SP_ERR_NOMEM || e == SP_ERR_LIMIT
                                         ? GW_REASON_OVERLOAD
                                         : GW_REASON_UPSTREAM_DOWN));
        return;
    }
    if (x->body.len > 0) {
        struct view whole = {x->body.at, x->body.len};
        if (r->body.kind == GW_BODY_CHUNKED)
            write_chunk_head(whole.len, &x->to_app);
        x->to_app.max += whole.len + 64;
        buf_add(&x->to_app, whole);
        if (r->body.kind == GW_BODY_CHUNKED)
            write_chunk_tail(&x->to_app);
    }
    if (!x->request_ended)
        conn_wait_for(x->conn, CONN_WAIT_BODY, CONN_RATE_MS);
    say_continue(x);
    exchange_push(x);
    conn_wake(x->conn);
}

/* ---- the steps ----------------------------------------------------------------------------- */

static void after_body(struct exchange *x, struct gw_verdict v)
{
    if (v.outcome == GW_REFUSE)
        exchange_refuse(x, v);
    else if (v.outcome == GW_PASS)
        forward(x);
}

static void run_body(struct exchange *x)
{
    after_body(x, pipeline_run(&x->x, GW_PHASE_BODY));
}

/* A body that rules want to read, and may. */
static bool to_be_collected(struct exchange *x)
{
    struct gw_message_body *b = &x->x.request.body;

    if (!x->x.inspect_request || b->kind == GW_BODY_NONE)
        return false;
    if (b->kind == GW_BODY_LENGTH && b->length > (uint64_t)conf_of(x)->limits.inspect) {
        b->inspected = GW_OVERSIZE;
        return false;
    }
    return true;
}

static void after_head(struct exchange *x, struct gw_verdict v)
{
    if (v.outcome == GW_PARK)
        return;
    if (v.outcome == GW_REFUSE) {
        exchange_refuse(x, v);
        return;
    }
    x->collecting = to_be_collected(x);
    if (!x->collecting) {
        run_body(x);
        return;
    }
    conn_wait_for(x->conn, CONN_WAIT_BODY, CONN_RATE_MS);
    say_continue(x);
    conn_wake(x->conn);
}

static void on_resumed(struct gw_exchange *gx, struct gw_verdict v)
{
    struct exchange *x = gx->owner;

    if (gx->phase == GW_PHASE_HEAD)
        after_head(x, v);
    else
        after_body(x, v);
}

SP_MUST static sp_error read_request(struct exchange *x, enum gw_reason *reason)
{
    const struct target_options o = {.allow_encoded_slash = conf_of(x)->allow_encoded_slash};
    struct gw_request *r = &x->x.request;
    struct view target;
    sp_error e;

    if ((e = http1_request(x->conn->requests, x->arena, r, &target)) != SP_OK) {
        *reason = arena_error(x->arena) != SP_OK ? GW_REASON_HEADER_SIZE
                                                 : http1_reason(x->conn->requests);
        return e;
    }
    r->websocket = r->websocket && conf_of(x)->websocket;
    e = target_parse(target, r->host, r->method, &o, x->arena, &r->target);
    *reason = e == SP_ERR_LIMIT ? GW_REASON_TARGET_SIZE : GW_REASON_FRAMING;
    return e;
}

void exchange_begin(struct gw_conn *c, sp_error e)
{
    enum gw_reason reason = e == SP_ERR_TIMEOUT ? GW_REASON_SLOW
                            : e == SP_ERR_NOMEM ? GW_REASON_OVERLOAD
                            : e == SP_OK        ? GW_REASON_POLICY
                                                : http1_reason(c->requests);
    struct exchange *x;

    if (new_exchange(c, &x) != SP_OK) {
        refuse_without_memory(c);
        return;
    }
    c->exchange = x;
    c->rate_mark = 0;
    if (e != SP_OK || (e = read_request(x, &reason)) != SP_OK) {
        x->x.request.keep_alive = false;
        exchange_refuse(x, gw_refuse(reason));
        return;
    }
    x->request_ended = http1_ended(c->requests);
    after_head(x, pipeline_run(&x->x, GW_PHASE_HEAD));
}

/* ---- the body ------------------------------------------------------------------------------ */

size_t exchange_room(const struct exchange *x)
{
    size_t held = x->to_app.len - x->to_app_at;

    if (x->collecting && x->x.request.body.inspected == GW_NOT_INSPECTED)
        return CONN_APP_MAX;
    if (!x->forwarding)
        return 0;
    return x->app_deaf ? CONN_APP_MAX : held < CONN_APP_MAX ? CONN_APP_MAX - held : 0;
}

bool exchange_collect(struct exchange *x, struct collected *to, struct view data, size_t max)
{
    if (data.len > max || to->len > max - data.len)
        return false;
    if (to->len + data.len > to->cap) {
        size_t cap = to->cap == 0 ? 4096 : 2 * to->cap;
        while (cap < to->len + data.len)
            cap *= 2;
        uint8_t *more = arena_take(x->arena, cap);
        if (more == NULL)
            return false;
        if (to->len > 0)
            memcpy(more, to->at, to->len);
        to->at = more;
        to->cap = cap;
    }
    memcpy(to->at + to->len, data.at, data.len);
    to->len += data.len;
    return true;
}

static void pass_on(struct exchange *x, struct view data)
{
    bool chunked = !x->raw && x->x.request.body.kind == GW_BODY_CHUNKED;

    if (x->app_deaf)
        return;
    if (chunked)
        write_chunk_head(data.len, &x->to_app);
    buf_add(&x->to_app, data);
    if (chunked)
        write_chunk_tail(&x->to_app);
    if (buf_error(&x->to_app) != SP_OK)
        conn_abort(x->conn, SP_ERR_NOMEM);
    exchange_push(x);
}

void exchange_take(struct exchange *x, struct view data)
{
    struct gw_message_body *b = &x->x.request.body;

    b->seen += data.len;
    if (!x->raw && b->seen > (uint64_t)conf_of(x)->limits.body) {
        exchange_refuse(x, gw_refuse(GW_REASON_BODY_SIZE));
        return;
    }
    if (!x->collecting) {
        pass_on(x, data);
        return;
    }
    if (!exchange_collect(x, &x->body, data, SIZE_MAX)) {
        exchange_refuse(x, gw_refuse(GW_REASON_OVERLOAD));
    } else if (x->body.len > (size_t)conf_of(x)->limits.inspect) {
        b->inspected = GW_OVERSIZE; /* from here on it streams */
        run_body(x);
    }
}

void exchange_request_ended(struct exchange *x)
{
    struct gw_message_body *b = &x->x.request.body;

    x->request_ended = true;
    if (x->collecting) {
        conn_wait_for(x->conn, CONN_WAIT_NONE, 0);
        b->inspected = b->coding.len > 0 ? GW_CODING : GW_INSPECTED;
        if (b->inspected == GW_INSPECTED)
            b->bytes = (struct view){x->body.at, x->body.len};
        run_body(x);
        return;
    }
    if (x->forwarding && b->kind == GW_BODY_CHUNKED && !x->app_deaf)
        write_chunk_last(&x->to_app);
    if (x->forwarding)
        exchange_push(x);
}

void exchange_client_took(struct exchange *x)
{
    if (x->up != NULL && x->connected)
        upstream_want(x->up, true);
}

void exchange_late(struct exchange *x, enum conn_wait what)
{
    exchange_refuse(
        x, gw_refuse(what == CONN_WAIT_ANSWER ? GW_REASON_UPSTREAM_TIMEOUT : GW_REASON_SLOW));
}
