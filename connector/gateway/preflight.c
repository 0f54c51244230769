#include "connector/gateway/preflight_internal.h"

#include "connector/gateway/app.h"
#include "connector/gateway/coding.h"
#include "connector/gateway/fields.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/identity.h"
#include "connector/gateway/message2.h"
#include "connector/gateway/target.h"
#include "connector/gateway/upstream.h"
#include "lib/base/ascii.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum {
    MEMORY_MAX = 512 * 1024, /* of the arena; the body stands beside it */
    HEAD_MAX = 256 * 1024,   /* the request's */
    READS_A_TURN = 8
};

static const struct gwconf *conf_of(const struct preflight *p)
{
    return gw_app_conf(p->x->app);
}

static void preflight_free(struct preflight *p)
{
    if (p == NULL)
        return;
    timer_cancel(p->late);
    preflight2_drop(p);
    upstream_free(p->up);
    http1_free(p->answer);
    arena_free(p->arena);
    buf_wipe(&p->request); /* credentials */
    free(p);
}

/* ---- the path ------------------------------------------------------------------------------ */

/* Empty: the request has no such value. */
static struct view value_of(const struct gw_exchange *x, const struct gwmatch *match,
                            struct view name)
{
    for (size_t i = 0; i < match->segment_count && i < x->request.target.segment_count; i++)
        if (view_equal(gwmatch_name(view_str(match->path), i), name))
            return x->request.target.segments[i];
    for (size_t i = 0; i < x->route.parameter_count; i++)
        if (view_equal(x->route.parameters[i].name, name))
            return x->route.parameters[i].value;
    return (struct view){0};
}

static void add_escaped(struct view segment, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < segment.len; i++) {
        buf_add_byte(out, '%');
        buf_add_byte(out, (uint8_t)digits[segment.at[i] >> 4]);
        buf_add_byte(out, (uint8_t)digits[segment.at[i] & 15]);
    }
}

sp_error preflight_path(const struct gw_exchange *x, const struct gwconf_owner *rule,
                        bool encoded_slash, struct view *path)
{
    const struct gwmatch *m = &rule->from.asked;
    const struct target_options o = {.allow_encoded_slash = encoded_slash};
    struct gw_target target = {0};
    sp_error e = SP_OK;
    struct buf text;

    buf_init(&text, HEAD_MAX);
    for (size_t i = 0; e == SP_OK && i < m->segment_count; i++) {
        struct view name = gwmatch_name(view_str(m->path), i);
        struct view value = name.len == 0 ? (struct view){0} : value_of(x, &rule->match, name);
        buf_add_byte(&text, '/');
        if (name.len == 0)
            add_escaped(view_slice(view_str(m->path), m->segments[i].from, m->segments[i].len),
                        &text);
        else
            add_escaped(value, &text);
        e = name.len > 0 && value.len == 0 ? SP_ERR_NOT_FOUND : SP_OK;
    }
    if (m->segment_count == 0 || m->path[strlen(m->path) - 1] == '/')
        buf_add_byte(&text, '/');
    if (e == SP_OK && (e = buf_error(&text)) == SP_OK)
        e = target_parse(arena_copy(x->request.arena, buf_view(&text)), x->request.host, GW_GET, &o,
                         x->request.arena, &target);
    *path = target.path;
    buf_deinit(&text);
    return e;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* p is gone; x may be. */
static void finish(struct preflight *p, const struct preflight_answer *a)
{
    struct gw_exchange *x = p->x;

    p->said(x, a);
    x->parked = NULL;
    preflight_free(p);
    pipeline_resume(x);
}

void preflight_fail(struct preflight *p, enum gw_reason reason, const char *why)
{
    const struct preflight_answer a = {.refusal = gw_refuse(reason)};

    log_event(LOG_WARN, "gateway.preflight", "the application could not be asked whose it is",
              "app", app_name(p->x->app), "error", why, "decision", p->x->decision, NULL);
    finish(p, &a);
}

static void on_forget(struct gw_exchange *x)
{
    preflight_free(x->parked);
    x->parked = NULL;
}

void preflight_answered(struct preflight *p)
{
    const struct gw_response *r = &p->asked.response;
    struct preflight_answer a = {.refusal = gw_pass(), .content_type = r->body.content_type};

    if (r->status / 100 != 2) {
        a.refusal = gw_refuse(GW_REASON_PREFLIGHT);
        a.refusal.status = r->status >= 400 ? r->status : 0;
        if (gw_words_new(&a.refusal, p->x->request.arena) != NULL)
            view_copy(a.refusal.words->challenge, sizeof a.refusal.words->challenge,
                      gw_field_find(r->fields, r->field_count, "www-authenticate", NULL));
    } else if (!p->oversize &&
               coding_undo(r->body.coding, collected_view(&p->body),
                           (size_t)conf_of(p)->limits.inspect, p->arena, &a.body) != SP_OK) {
        a.body = (struct view){0};
    }
    if (p->up != NULL && r->keep_alive && !p->until_close && !p->dirty) {
        upstream_give_back(p->up);
        p->up = NULL;
    }
    finish(p, &a);
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* false: p is gone. */
static bool take_head(struct preflight *p, struct view *in)
{
    size_t used = 0;
    sp_error e = http1_head(p->answer, *in, &used);

    if (e == SP_ERR_AGAIN) {
        *in = (struct view){0};
        return true;
    }
    if (e == SP_OK)
        e = http1_response(p->answer, p->arena, GW_GET, &p->asked.response, &p->until_close);
    int status = p->asked.response.status;
    if (e == SP_OK && status >= 200) {
        *in = view_slice(*in, used, in->len);
        return true;
    }
    if (e != SP_OK || status == 101 || ++p->interim > PREFLIGHT_INTERIM) {
        preflight_fail(p, GW_REASON_UPSTREAM_FRAMING, "its answer is not valid");
        return false;
    }
    *in = view_slice(*in, used, in->len);
    p->asked.response = (struct gw_response){0};
    http1_next(p->answer);
    return true;
}

/* What is over the limit is not read by anybody, but its end frees the connection. */
void preflight_keep(struct preflight *p, struct view data)
{
    p->oversize =
        p->oversize || !collected_add(&p->body, p->arena, data, (size_t)conf_of(p)->limits.inspect);
}

/* false: p is gone. */
static bool take(struct preflight *p, struct view in)
{
    struct view data;
    size_t used;

    while (in.len > 0 || (p->asked.response.status >= 200 && http1_ended(p->answer))) {
        if (p->asked.response.status < 200) {
            if (!take_head(p, &in))
                return false;
            continue;
        }
        if (http1_ended(p->answer)) {
            p->dirty = in.len > 0;
            preflight_answered(p);
            return false;
        }
        if (http1_body(p->answer, in, &used, &data) != SP_OK) {
            preflight_fail(p, GW_REASON_UPSTREAM_FRAMING, "its answer is not valid");
            return false;
        }
        in = view_slice(in, used, in.len);
        preflight_keep(p, data);
    }
    return true;
}

/* ---- the connection ------------------------------------------------------------------------ */

SP_MUST static sp_error dial(struct preflight *p);

static void push(struct preflight *p)
{
    size_t took = 0;

    if (!p->connected || p->sent == p->request.len)
        return;
    if (upstream_write(p->up, view_slice(buf_view(&p->request), p->sent, p->request.len), &took) !=
        SP_OK)
        took = p->request.len - p->sent; /* the next read says what is wrong with it */
    p->sent += took;
}

static void on_connected(void *arg)
{
    struct preflight *p = arg;

    p->connected = true;
    upstream_want(p->up, true);
    push(p);
}

static void on_writable(void *arg)
{
    push(arg);
}

/* A connection that had waited and was given up just now: a GET may be asked twice. */
static bool again(struct preflight *p)
{
    if (p->fresh || p->heard || p->retried)
        return false;
    upstream_free(p->up);
    p->up = NULL;
    p->retried = true;
    p->connected = false;
    p->sent = 0;
    return dial(p) == SP_OK;
}

static void closed(struct preflight *p, sp_error e)
{
    if (!p->heard && again(p))
        return;
    if (e == SP_ERR_CLOSED && p->asked.response.status >= 200 && http1_close(p->answer) == SP_OK) {
        p->dirty = true;
        preflight_answered(p);
        return;
    }
    preflight_fail(p, p->heard ? GW_REASON_UPSTREAM_FRAMING : GW_REASON_UPSTREAM_DOWN,
                   "it ended the connection");
}

static void on_readable(void *arg)
{
    struct preflight *p = arg;
    uint8_t *scratch = gateway_scratch(app_gateway(p->x->app));
    size_t got = 0;

    for (unsigned reads = 0; reads < READS_A_TURN; reads++) {
        sp_error e = upstream_read(p->up, scratch, GATEWAY_SCRATCH, &got);
        if (e == SP_ERR_AGAIN)
            return;
        if (e != SP_OK) {
            closed(p, e);
            return;
        }
        p->heard = true;
        if (!take(p, (struct view){scratch, got}))
            return;
    }
    upstream_want(p->up, true);
}

static void on_failed(void *arg, sp_error e, enum tls_refusal refusal)
{
    preflight_fail(arg,
                   e == SP_ERR_TLS       ? GW_REASON_UPSTREAM_TLS
                   : e == SP_ERR_TIMEOUT ? GW_REASON_UPSTREAM_TIMEOUT
                   : e == SP_ERR_LIMIT   ? GW_REASON_OVERLOAD
                                         : GW_REASON_UPSTREAM_DOWN,
                   e == SP_ERR_TLS ? tls_refusal_text(refusal) : sp_error_text(e));
}

static void on_late(void *arg)
{
    struct preflight *p = arg;

    p->late = NULL;
    preflight_fail(p, GW_REASON_UPSTREAM_TIMEOUT, "it did not answer in time");
}

static void on_given(void *arg, struct upstream *up)
{
    struct preflight *p = arg;

    p->up = up;
    p->fresh = false;
}

static const struct upstream_events events = {.connected = on_connected,
                                              .readable = on_readable,
                                              .writable = on_writable,
                                              .failed = on_failed,
                                              .given = on_given};

static sp_error dial(struct preflight *p)
{
    struct upstream_to to = {.address = *p->x->to, .user = p->x->caller->user};
    struct upstream_pool *pool = gateway_upstreams(app_gateway(p->x->app));
    sp_error e;

    app_upstream(p->x->app, &to);
    if ((e = upstream_get(pool, &to, &events, p, &p->fresh, &p->up)) != SP_OK)
        return e;
    if (!p->fresh)
        on_connected(p);
    return SP_OK;
}

/* ---- the request --------------------------------------------------------------------------- */

static bool goes_along(struct view name)
{
    static const char *const begins[] = {"content-", "accept", "if-"};
    static const char *const whole[] = {"range",
                                        "prefer",
                                        "dpop",
                                        "idempotency-key",
                                        "x-http-method",
                                        "x-http-method-override",
                                        "te",
                                        "x-method-override"};

    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (field_name_begins(name, begins[i]))
            return false;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (ascii_is(name, whole[i]))
            return false;
    return true;
}

/* The GET, as if the caller had asked it: the same fields, the same identity. */
SP_MUST static sp_error write_get(struct preflight *p, struct view path)
{
    const struct gwconf *conf = conf_of(p);
    const struct gw_request *from = &p->x->request;
    struct gw_request *r = &p->asked.request;
    struct gw_own own;
    const struct identity *identity = gateway_identity(app_gateway(p->x->app));
    const struct write_to to = {.prefix = app_prefix(p->x->app),
                                .host = conf->upstream.host == NULL ? from->host
                                                                    : view_str(conf->upstream.host),
                                .secure = conf->upstream.https};
    const struct view no_body = {0};
    sp_error e;

    r->arena = p->arena;
    r->method = GW_GET;
    r->method_text = view_str("GET");
    r->host = from->host;
    r->target.path = path;
    r->version_minor = 1;
    r->fields = arena_array(p->arena, from->field_count + 2, sizeof *r->fields);
    if (r->fields == NULL)
        return arena_error(p->arena);
    for (size_t i = 0; i < from->field_count; i++)
        if (goes_along(from->fields[i].name))
            r->fields[r->field_count++] = from->fields[i];
    r->fields[r->field_count++] =
        (struct gw_field){view_str("accept"), view_str("application/json")};
    r->fields[r->field_count++] =
        (struct gw_field){view_str("accept-encoding"), view_str("identity")};
    if ((e = identity_fields(identity, &p->asked, app_now(p->x->app), &own)) != SP_OK ||
        (conf->identity.signature != GW_SIGNATURE_NONE &&
         (e = identity_signature(identity, &p->asked, to.host, &no_body, app_now(p->x->app),
                                 &own)) != SP_OK))
        return e;
    const struct write_fields mine = {own.at, own.n};
    if (conf->upstream.http2)
        return message2_write(r, &to, mine, p->arena, &p->two.fields);
    return write_request(r, &to, mine, &p->request);
}

SP_MUST static sp_error start(struct preflight *p, struct view path)
{
    struct gateway *g = app_gateway(p->x->app);
    const struct gwconf *conf = conf_of(p);
    sp_boot_ms until = clock_boot() + conf->upstream.connect_ms + conf->limits.response_ms;
    sp_error e;

    buf_init(&p->request, HEAD_MAX);
    if ((e = arena_new(gateway_arenas(g), MEMORY_MAX + 8 * (size_t)conf->limits.inspect,
                       &p->arena)) != SP_OK ||
        (e = write_get(p, path)) != SP_OK ||
        (e = http1_new(HTTP1_RESPONSES, app_answer_limits(p->x->app), &p->answer)) != SP_OK ||
        (e = timer_start(gateway_loop(g), until, on_late, p, &p->late)) != SP_OK)
        return e;
    return conf->upstream.http2 ? preflight2_start(p) : dial(p);
}

struct gw_verdict preflight_ask(struct gw_exchange *x, struct view path, preflight_said *said)
{
    struct preflight *p = calloc(1, sizeof *p);
    sp_error e;

    if (p == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    p->x = x;
    p->said = said;
    p->asked = (struct gw_exchange){
        .app = x->app, .caller = x->caller, .token = x->token, .drop_bearer = x->drop_bearer};
    memcpy(p->asked.decision, x->decision, sizeof p->asked.decision);
    if ((e = start(p, path)) != SP_OK) {
        preflight_free(p);
        return gw_refuse(e == SP_ERR_NOMEM || e == SP_ERR_LIMIT ? GW_REASON_OVERLOAD
                                                                : GW_REASON_UPSTREAM_DOWN);
    }
    x->parked = p;
    x->forget = on_forget;
    return (struct gw_verdict){.outcome = GW_PARK};
}
