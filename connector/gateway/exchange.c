#include "connector/gateway/coding.h"
#include "connector/gateway/conn_internal.h"
#include "connector/gateway/identity.h"
#include "connector/gateway/target.h"

#include "lib/base/log.h"
#include "lib/crypto/random.h"

#include <stdlib.h>

enum { OVERLOAD_RETRY_MS = 1000 };

static void on_resumed(struct gw_exchange *x, struct gw_verdict v);
static void on_impatient(void *arg);

static const struct gwconf *conf_of(const struct exchange *x)
{
    return gw_app_conf(x->x.app);
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

SP_MUST static sp_error new_exchange(struct asker *a, struct exchange **out)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct gw_conn *c = a->conn;
    size_t max = EXCHANGE_HEAD_MEMORY + 8 * (size_t)gw_app_conf(c->app)->limits.inspect;
    sp_error e = SP_ERR_NOMEM;

    if (x == NULL || (e = arena_new(gateway_arenas(c->gateway), max, &x->arena)) != SP_OK) {
        free(x);
        return e;
    }
    x->asker = a;
    x->conn = c;
    x->x.app = app_hold(c->app);
    x->x.caller = c->person == NULL ? &nobody : person_caller(c->person);
    x->x.to = &c->to;
    x->x.request.arena = x->arena;
    x->x.request.version_minor = 1;
    x->x.began = clock_boot();
    x->x.began_us = clock_boot_us();
    x->x.refusal = gw_pass();
    x->x.resumed = on_resumed;
    x->x.owner = x;
    deferred_init(&x->impatient, on_impatient, x);
    name_decision(x->x.decision);
    *out = x;
    return SP_OK;
}

/* Their end did not come: nobody reads them. */
static void drop_copies(struct exchange *x)
{
    if (x->copying)
        x->x.request.body.inspected = GW_STREAMING;
    if (x->answer_copying)
        x->x.response.body.inspected = GW_STREAMING;
    x->copying = x->answer_copying = false;
}

static void account(struct exchange *x)
{
    drop_copies(x);
    x->x.ended = clock_boot();
    (void)pipeline_run(&x->x, GW_PHASE_ACCOUNT);
}

static void drop_leg(struct exchange *x)
{
    if (x->leg != NULL)
        x->leg->drop(x);
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    pipeline_forget(&x->x);
    deferred_cancel(gateway_loop(x->conn->gateway), &x->impatient);
    if (x->x.ended == 0) /* cut off: no exchange goes without its account */
        account(x);
    drop_leg(x);
    place_leave(gateway_streams(x->conn->gateway), &x->place);
    arena_free(x->arena);
    app_free(x->x.app);
    free(x);
}

void exchange_over(struct exchange *x, bool keep)
{
    struct asker *a = x->asker;

    account(x);
    a->exchange = NULL;
    exchange_free(x);
    a->io->over(a, keep);
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

/* The first refusal stands; nothing of the application goes on. */
static void note_refusal(struct exchange *x, const struct gw_verdict *v)
{
    pipeline_forget(&x->x);
    drop_leg(x);
    drop_copies(x);
    if (x->x.refusal.outcome != GW_REFUSE)
        x->x.refusal = *v;
    x->x.own_answer = true;
    x->x.withheld = x->x.response.body;
    x->x.response = (struct gw_response){.status = problem_status(v)};
}

/* A call that has begun to be answered ends with a status all the same. */
static void end_call(struct exchange *x, const struct gw_verdict *v)
{
    char status[8];
    const struct gw_field trailers[] = {
        {view_str("grpc-status"), gw_problem_grpc_status(v, status)},
        {view_str("grpc-message"), view_str(gw_reasons[v->reason].title)},
    };

    x->asker->io->end(x->asker, (struct write_fields){trailers, 2});
    x->asker->io->flush(x->asker);
}

void exchange_refuse(struct exchange *x, struct gw_verdict v)
{
    struct asker *a = x->asker;
    struct gw_request *r = &x->x.request;
    bool whole = a->io->whole(a);
    /* who was promised nothing yet may go on with the body or without it: nobody can tell */
    bool keep = !x->raw && r->keep_alive && (whole || (!r->expect_continue || x->forwarding)) &&
                v.reason != GW_REASON_FRAMING && v.reason != GW_REASON_SLOW &&
                v.reason != GW_REASON_SESSION_ENDED;
    struct gw_problem p;

    note_refusal(x, &v);
    if (x->head_out) { /* too late for another answer */
        if (r->grpc)
            end_call(x, &v);
        else
            a->io->abort(a, SP_ERR_RESET);
        exchange_over(x, false);
        return;
    }
    const struct problem_options o = {
        .html = problem_prefers_html(gw_field_find(r->fields, r->field_count, "accept", NULL)),
        .head = r->method == GW_HEAD,
        .grpc = r->grpc,
        .allowed = x->x.route.allowed,
        .origin = readable_origin(x)};
    x->head_out = true;
    if (gw_problem_make(&v, x->x.decision, &o, &p) != SP_OK || a->io->refuse(a, &p, keep) != SP_OK)
        a->io->abort(a, SP_ERR_NOMEM);
    gw_problem_deinit(&p);
    exchange_over(x, keep);
}

/* Nobody has the memory for a request: the least that can be said. */
static void refuse_without_memory(struct asker *a)
{
    struct gw_verdict v = gw_refuse(GW_REASON_OVERLOAD);
    const struct problem_options o = {0};
    char decision[GW_DECISION_TEXT];
    struct gw_problem p;

    v.retry_after_ms = OVERLOAD_RETRY_MS;
    name_decision(decision);
    if (gw_problem_make(&v, decision, &o, &p) != SP_OK || a->io->refuse(a, &p, false) != SP_OK)
        a->io->abort(a, SP_ERR_NOMEM);
    gw_problem_deinit(&p);
    a->io->over(a, false);
}

/* ---- to the application -------------------------------------------------------------------- */

static void say_continue(struct exchange *x)
{
    struct gw_request *r = &x->x.request;

    if (!r->expect_continue || x->request_ended)
        return;
    r->expect_continue = false;
    x->asker->io->go_on(x->asker);
}

void exchange_sent(struct exchange *x)
{
    if (x->forwarding && x->request_ended && x->sent_us == 0) {
        x->sent_us = clock_boot_us();
        if (!x->head_out && !x->x.request.grpc)
            asker_wait_for(x->asker, ASKER_WAIT_ANSWER, conf_of(x)->limits.response_ms);
    }
    x->asker->io->wake(x->asker);
}

void exchange_unreachable(struct exchange *x, sp_error e, const char *text)
{
    log_event(LOG_WARN, "gateway.upstream", "the application could not be reached", "app",
              app_name(x->x.app), "address", address_text(&x->conn->to).s, "error", text,
              "decision", x->x.decision, NULL);
    struct gw_verdict v = gw_refuse(e == SP_ERR_TLS       ? GW_REASON_UPSTREAM_TLS
                                    : e == SP_ERR_TIMEOUT ? GW_REASON_UPSTREAM_TIMEOUT
                                    : e == SP_ERR_LIMIT   ? GW_REASON_OVERLOAD
                                                          : GW_REASON_UPSTREAM_DOWN);
    v.retry_after_ms = e == SP_ERR_LIMIT ? OVERLOAD_RETRY_MS : 0;
    exchange_refuse(x, v);
}

/* Messages of a call may be far apart, in both directions; only its own deadline ends it. The
 * application, which knows it too, has the first word. */
static void wait_for_deadline(struct exchange *x)
{
    const struct gw_request *r = &x->x.request;
    struct view text = gw_field_find(r->fields, r->field_count, "grpc-timeout", NULL);
    int64_t ms;

    if (grpc_timeout(text, &ms) == SP_OK)
        asker_wait_for(x->asker, ASKER_WAIT_DEADLINE, ms + EXCHANGE_DEADLINE_GRACE_MS);
    else
        asker_wait_for(x->asker, ASKER_WAIT_NONE, 0);
}

/* The body has left; rules that block would have held it back. */
static void read_copy(struct exchange *x)
{
    struct gw_message_body *b = &x->x.request.body;

    x->copying = false;
    if (b->inspected == GW_NOT_INSPECTED)
        coding_read(b, collected_view(&x->body), (size_t)conf_of(x)->limits.inspect, x->arena);
    struct gw_verdict v = pipeline_run(&x->x, GW_PHASE_COPY);
    if (v.outcome == GW_PASS)
        return;
    x->x.refusal = gw_pass(); /* no memory to read it: nothing was refused */
    log_event(LOG_WARN, "gateway.request", gw_reasons[v.reason].title, "app", app_name(x->x.app),
              "decision", x->x.decision, NULL);
}

/* Step 12: our own fields, in x->own. */
SP_MUST static sp_error say_who(struct exchange *x, struct view host, const struct view *body)
{
    const struct identity *i = gateway_identity(x->conn->gateway);
    sp_unix_ms now = app_now(x->x.app);
    sp_error e = identity_fields(i, &x->x, now, &x->own);

    return e != SP_OK || conf_of(x)->identity.signature == GW_SIGNATURE_NONE
               ? e
               : identity_signature(i, &x->x, host, body, now, &x->own);
}

/* Step 12, 13: the request is written anew and goes to the application. */
static void forward(struct exchange *x)
{
    struct gw_request *r = &x->x.request;
    const struct gwconf *conf = conf_of(x);
    struct view host = conf->upstream.host == NULL ? r->host : view_str(conf->upstream.host);
    struct view body = collected_view(&x->body);
    bool whole = x->collecting || r->body.kind == GW_BODY_NONE;
    sp_error e;

    x->forwarding = true;
    if (x->collecting) { /* whole */
        x->collecting = false;
        r->body.kind = x->body.len > 0 ? GW_BODY_LENGTH : GW_BODY_NONE;
        r->body.length = x->body.len;
    }
    x->leg = conf->upstream.http2 ? &leg2_io : &leg1_io;
    if ((e = say_who(x, host, whole ? &body : NULL)) != SP_OK ||
        (e = x->leg->start(x, host, (struct write_fields){x->own.at, x->own.n}, body)) != SP_OK) {
        bool busy = e == SP_ERR_NOMEM || e == SP_ERR_LIMIT;
        struct gw_verdict v = gw_refuse(busy ? GW_REASON_OVERLOAD : GW_REASON_UPSTREAM_DOWN);
        v.retry_after_ms = busy ? OVERLOAD_RETRY_MS : 0;
        exchange_refuse(x, v);
        return;
    }
    x->rate_at = clock_boot();
    x->rate_mark = r->body.seen;
    if (r->grpc)
        wait_for_deadline(x);
    else if (!x->request_ended)
        asker_wait_for(x->asker, ASKER_WAIT_BODY, EXCHANGE_RATE_MS);
    say_continue(x);
    if (x->copying && x->request_ended)
        read_copy(x);
    x->asker->io->wake(x->asker);
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

/* A signature says what the body is, where it does not stream. */
static bool is_to_be_signed(const struct exchange *x)
{
    return conf_of(x)->identity.signature != GW_SIGNATURE_NONE &&
           !exchange_streams(&x->x.request.body);
}

/* A body that rules or the signature want to read, and may. */
static bool to_be_collected(struct exchange *x)
{
    struct gw_message_body *b = &x->x.request.body;

    if (x->x.request.grpc)
        b->inspected = GW_STREAMING;
    if (b->kind == GW_BODY_NONE || x->x.request.grpc ||
        (!x->x.inspect_request && !is_to_be_signed(x)))
        return false;
    if (b->kind == GW_BODY_LENGTH && b->length > (uint64_t)conf_of(x)->limits.inspect) {
        b->inspected = GW_OVERSIZE;
        return false;
    }
    return true;
}

/* What of limits.request_time is left to a body that is waited for; one that streams may take as
 * long as it comes fast enough. */
static int64_t patience(const struct exchange *x)
{
    int64_t left = x->x.began + conf_of(x)->limits.request_ms - clock_boot();

    if (!x->collecting || left > EXCHANGE_RATE_MS)
        return EXCHANGE_RATE_MS;
    return left > 0 ? left : 0;
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
    x->rate_at = clock_boot();
    asker_wait_for(x->asker, ASKER_WAIT_BODY, patience(x));
    if (x->x.hold_request || is_to_be_signed(x))
        say_continue(x);
    else
        deferred_queue(gateway_loop(x->conn->gateway), &x->impatient);
    x->asker->io->wake(x->asker);
}

/* What came in one turn of the loop is read at once and leaves in one piece; nobody waits for the
 * rest of a body for a rule that only monitors. */
static void on_impatient(void *arg)
{
    struct exchange *x = arg;

    if (!x->collecting)
        return;
    x->collecting = false;
    x->copying = x->x.copies_request = true;
    run_body(x);
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

    if ((e = x->asker->io->read(x->asker, x, &target, reason)) != SP_OK) {
        if (arena_error(x->arena) != SP_OK)
            *reason = GW_REASON_HEADER_SIZE;
        return e;
    }
    r->websocket = r->websocket && conf_of(x)->websocket;
    r->grpc = r->grpc && conf_of(x)->grpc;
    e = target_parse(target, r->host, r->method, &o, x->arena, &r->target);
    *reason = e == SP_ERR_LIMIT ? GW_REASON_TARGET_SIZE : GW_REASON_FRAMING;
    return e;
}

/* limits.streams_per_user: one above them is told so, until another one ends. */
static bool has_place(struct exchange *x)
{
    const struct gw_conn *c = x->conn;

    if (c->person == NULL) /* nobody's requests are refused at the next step */
        return true;
    const struct place_limit of = {.key =
                                       places_key(app_id(x->x.app), person_caller(c->person)->user),
                                   .max = (size_t)conf_of(x)->limits.streams_per_user};
    return place_enter(gateway_streams(c->gateway), &of, NULL, NULL, &x->place) == SP_OK;
}

void exchange_begin(struct asker *a, sp_error e, enum gw_reason reason)
{
    struct exchange *x;

    if (new_exchange(a, &x) != SP_OK) {
        refuse_without_memory(a);
        return;
    }
    a->exchange = x;
    if (e != SP_OK || (e = read_request(x, &reason)) != SP_OK) {
        x->x.request.keep_alive = false;
        exchange_refuse(x, gw_refuse(reason));
        return;
    }
    x->request_ended = a->io->whole(a);
    if (!has_place(x)) {
        struct gw_verdict v = gw_refuse(GW_REASON_IN_FLIGHT);
        v.retry_after_ms = OVERLOAD_RETRY_MS;
        view_copy(v.rule, sizeof v.rule, view_str("streams_per_user"));
        exchange_refuse(x, v);
        return;
    }
    after_head(x, pipeline_run(&x->x, GW_PHASE_HEAD));
}

/* ---- the body ------------------------------------------------------------------------------ */

size_t exchange_room(const struct exchange *x)
{
    if (x->collecting)
        return LEG_OUT_MAX;
    return x->forwarding ? x->leg->room(x) : 0;
}

int64_t exchange_patience(struct exchange *x)
{
    uint64_t seen = x->x.request.body.seen;
    uint64_t least = (uint64_t)conf_of(x)->limits.body_rate * (EXCHANGE_RATE_MS / 1000);
    bool looked = clock_boot() - x->rate_at >= EXCHANGE_RATE_MS;

    /* who waits for the application is not slow */
    if (looked && seen - x->rate_mark < least && exchange_room(x) > 0)
        return 0;
    if (looked) {
        x->rate_mark = seen;
        x->rate_at = clock_boot();
    }
    return patience(x);
}

/* limits.body is that of one message: a call has no end that anybody knows. */
static void take_messages(struct exchange *x, struct view data)
{
    sp_error e = grpc_read(&x->asked, data, (uint64_t)conf_of(x)->limits.body);

    if (e != SP_OK)
        exchange_refuse(x, gw_refuse(e == SP_ERR_LIMIT ? GW_REASON_BODY_SIZE : GW_REASON_FRAMING));
    else
        x->leg->body(x, data);
}

static void copy(struct exchange *x, struct view data)
{
    if (!x->copying || collected_add(&x->body, x->arena, data, (size_t)conf_of(x)->limits.inspect))
        return;
    x->x.request.body.inspected = GW_OVERSIZE;
    read_copy(x);
}

void exchange_take(struct exchange *x, struct view data)
{
    struct gw_message_body *b = &x->x.request.body;

    b->seen += data.len;
    if (x->x.request.grpc) {
        take_messages(x, data);
        return;
    }
    if (!x->raw && b->seen > (uint64_t)conf_of(x)->limits.body) {
        exchange_refuse(x, gw_refuse(GW_REASON_BODY_SIZE));
        return;
    }
    if (!x->collecting) {
        copy(x, data);
        x->leg->body(x, data);
        return;
    }
    if (!collected_add(&x->body, x->arena, data, SIZE_MAX)) {
        exchange_refuse(x, gw_refuse(GW_REASON_OVERLOAD));
    } else if (x->body.len > (size_t)conf_of(x)->limits.inspect) {
        b->inspected = GW_OVERSIZE; /* from here on it streams */
        x->collecting = false;
        run_body(x);
    }
}

void exchange_request_ended(struct exchange *x)
{
    struct gw_message_body *b = &x->x.request.body;

    x->request_ended = true;
    if (x->collecting) {
        asker_wait_for(x->asker, ASKER_WAIT_NONE, 0);
        if (x->x.inspect_request)
            coding_read(b, collected_view(&x->body), (size_t)conf_of(x)->limits.inspect, x->arena);
        run_body(x);
        return;
    }
    if (!x->forwarding)
        return; /* a step is parked: forward() sees that it ended */
    if (x->copying)
        read_copy(x);
    x->leg->end(x);
}

void exchange_raw_ended(struct exchange *x)
{
    x->leg->end(x);
}

void exchange_client_took(struct exchange *x)
{
    if (x->forwarding)
        x->leg->resume(x);
}

void exchange_late(struct exchange *x, enum asker_wait what)
{
    exchange_refuse(x, gw_refuse(what == ASKER_WAIT_ANSWER || what == ASKER_WAIT_DEADLINE
                                     ? GW_REASON_UPSTREAM_TIMEOUT
                                     : GW_REASON_SLOW));
}
