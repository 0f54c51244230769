#include "connector/gateway/app.h"

#include "connector/gateway/document.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/guard.h"
#include "connector/gateway/renew.h"
#include "connector/gateway/upstream.h"
#include "connector/gateway/watch.h"
#include "lib/base/log.h"
#include "lib/os/resolve.h"
#include "lib/proto/gateway.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { GAUGE_WHOLE = 1000000 };

struct gw_app {
    unsigned holders;
    struct gateway *gateway; /* borrowed */
    struct sp_id id;
    int64_t version;
    char name[APPREC_NAME_MAX + 1];
    char first_host[APPREC_HOST_TEXT + 1];
    struct gwconf *conf;         /* owned */
    struct guard *guard;         /* owned */
    struct document_place place; /* of the document */
    struct document *document;   /* owned */
    struct watch *watch;         /* borrowed from the gateway: it outlives versions of the record */
    struct http1_limits request, answer;
    struct renew *renew;                      /* one share; NULL: no TLS */
    char upstream_name[RESOLVE_NAME_MAX + 1]; /* in the application's certificate */
    struct view prefix;                       /* borrowed from conf */
};

static void take_limits(struct gw_app *a)
{
    const struct gwconf_limits *l = &a->conf->limits;

    a->request =
        (struct http1_limits){(size_t)l->line, (size_t)l->header_block, (size_t)l->headers};
    a->answer = (struct http1_limits){8192, 128 * 1024, GW_HEADERS_MAX};
}

/* Those of the version before, where it is of the same files. They are not read here. */
SP_MUST static sp_error name_certs(struct gw_app *a, const struct gw_app *before,
                                   struct sp_why *why)
{
    struct certs_spec *spec = calloc(1, sizeof *spec);
    const struct renew_source from = {.files = spec,
                                      .pool = gateway_pool(a->gateway),
                                      .generation = gateway_generation(a->gateway),
                                      .app = a->name};
    sp_error e =
        spec == NULL ? SP_ERR_NOMEM : certs_name(a->conf, gateway_files(a->gateway), spec, why);

    if (e == SP_OK && (spec->front || spec->app)) {
        if (before != NULL && before->renew != NULL && renew_is(before->renew, &from))
            a->renew = renew_hold(before->renew);
        else
            e = renew_new(&from, &a->renew);
    }
    free(spec);
    return e;
}

SP_MUST static sp_error start(struct gw_app *a, const struct apprec *record,
                              const struct gw_app *before, struct sp_why *why)
{
    struct view host = {0};
    uint16_t port;
    sp_error e;

    if ((e = gwconf_parse(view_str(record->gateway), why, &a->conf)) != SP_OK)
        return e;
    if ((a->watch = gateway_watch(a->gateway, a->id)) == NULL)
        return SP_ERR_NOMEM;
    const struct guard_options guard = {.conf = a->conf, .outside = gateway_outside(a->gateway)};
    if ((e = guard_new(&guard, why, &a->guard)) != SP_OK)
        return e;
    take_limits(a);
    if (gwconf_upstream_at(a->conf, &host, &port, &a->prefix) && a->conf->upstream.https)
        view_copy(a->upstream_name, sizeof a->upstream_name,
                  a->conf->upstream.server_name != NULL ? view_str(a->conf->upstream.server_name)
                                                        : host);
    a->place = (struct document_place){.files = gateway_files(a->gateway),
                                       .documents = gateway_documents(a->gateway),
                                       .prefix = a->prefix,
                                       .generation = gateway_generation(a->gateway)};
    e = document_new(a->conf, &a->place, before != NULL ? before->document : NULL, &a->document);
    return e != SP_OK ? e : name_certs(a, before, why);
}

bool app_is_loaded(const struct gw_app *a)
{
    return a->renew == NULL || renew_is_ready(a->renew);
}

sp_error app_load(struct gw_app *a, app_loaded *loaded, void *arg)
{
    return renew_load(a->renew, loaded, arg);
}

bool app_renew(struct gw_app *a)
{
    return a->renew != NULL && renew_tick(a->renew, clock_boot());
}

struct renew_ends app_ends(const struct gw_app *a)
{
    return a->renew != NULL ? renew_ends(a->renew) : (struct renew_ends){0, 0};
}

void app_begin(struct gw_app *a)
{
    watch_configure(a->watch, a->conf);
    watch_document(a->watch, document_api(a->document), a->prefix);
}

sp_error app_new(struct gateway *gateway, const struct apprec *record, const struct gw_app *before,
                 struct sp_why *why, struct gw_app **out)
{
    struct gw_app *a = calloc(1, sizeof *a);
    sp_error e;

    if (a == NULL)
        return SP_ERR_NOMEM;
    a->holders = 1;
    a->gateway = gateway;
    a->id = record->id;
    a->version = record->version;
    view_copy(a->name, sizeof a->name, view_str(record->name));
    view_copy(a->first_host, sizeof a->first_host, view_str(record->hosts[0]));
    if ((e = start(a, record, before, why)) != SP_OK) {
        app_free(a);
        return e;
    }
    *out = a;
    return SP_OK;
}

struct gw_app *app_hold(struct gw_app *a)
{
    a->holders++;
    return a;
}

void app_free(struct gw_app *a)
{
    if (a == NULL || --a->holders > 0)
        return;
    guard_free(a->guard);
    document_free(a->document);
    renew_free(a->renew);
    gwconf_free(a->conf);
    free(a);
}

struct sp_id app_id(const struct gw_app *a)
{
    return a->id;
}

int64_t app_version(const struct gw_app *a)
{
    return a->version;
}

const char *app_name(const struct gw_app *a)
{
    return a->name;
}

const struct gwconf *gw_app_conf(const struct gw_app *a)
{
    return a->conf;
}

struct watch *gw_app_watch(const struct gw_app *a)
{
    return a->watch;
}

struct guard *gw_app_guard(const struct gw_app *a)
{
    return a->guard;
}

struct document *gw_app_document(const struct gw_app *a)
{
    return a->document;
}

const struct http1_limits *app_request_limits(const struct gw_app *a)
{
    return &a->request;
}

const struct http1_limits *app_answer_limits(const struct gw_app *a)
{
    return &a->answer;
}

struct tls_context *app_front(const struct gw_app *a)
{
    return a->renew != NULL ? renew_certs(a->renew)->front : NULL;
}

struct gateway *app_gateway(const struct gw_app *a)
{
    return a->gateway;
}

struct view app_prefix(const struct gw_app *a)
{
    return a->prefix;
}

sp_unix_ms app_now(const struct gw_app *a)
{
    return gateway_now(a->gateway);
}

void app_gauges(const struct gw_app *a, struct api_gauges *out)
{
    struct rate_stats r = rate_stats(guard_rate(a->guard));

    out->limits = (int64_t)r.bytes;
    out->limits_used = (int64_t)(r.live * GAUGE_WHOLE / r.entries);
    out->tokens = (int64_t)guard_token_bytes(a->guard);
    out->document = (int64_t)document_bytes(a->document);
    out->load_us = document_load_us(a->document);
}

void app_upstream(const struct gw_app *a, struct upstream_to *to)
{
    to->app = a->id;
    to->tls = a->renew != NULL ? renew_certs(a->renew)->app : NULL;
    to->name = a->upstream_name;
    to->connect_ms = a->conf->upstream.connect_ms;
    to->idle_ms = a->conf->upstream.idle_ms;
    to->connections = (size_t)a->conf->upstream.connections;
}

struct trace app_trace(const struct gw_app *a, const struct gw_exchange *x)
{
    const uint8_t *document = document_version(a->document);
    struct trace t = {.policy_version = x->caller->policy_version,
                      .app_version = a->version,
                      .documented = document != NULL,
                      .request_bytes = x->request.body.seen,
                      .response_bytes = x->own_answer ? x->withheld.seen : x->response.body.seen,
                      .latency_us = x->began_us > 0 ? clock_boot_us() - x->began_us : 0};

    memcpy(t.decision, x->decision, sizeof t.decision);
    if (document != NULL)
        memcpy(t.document, document, sizeof t.document);
    return t;
}

static void tell_one(struct gw_app *a, const struct gw_exchange *x, const struct gw_verdict *v,
                     bool blocked)
{
    const struct gw_told told = {.caller = x->caller,
                                 .app = a->id,
                                 .blocked = blocked,
                                 .status =
                                     v->status != 0 ? v->status : gw_reasons[v->reason].status,
                                 .reason = gw_reasons[v->reason].name,
                                 .rule = v->rule,
                                 .detector = gw_detector(v),
                                 .text = gw_reasons[v->reason].title,
                                 .trace = app_trace(a, x),
                                 .method = x->request.method_text,
                                 .template = x->route.template};

    gateway_tell(a->gateway, &told);
}

void app_tell(struct gw_app *a, const struct gw_exchange *x)
{
    for (size_t i = 0; i < x->hit_count; i++)
        tell_one(a, x, &x->hits[i].verdict, false);
    if (x->refusal.outcome == GW_REFUSE)
        tell_one(a, x, &x->refusal, true);
}
