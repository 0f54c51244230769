#include "connector/gateway/app.h"

#include "connector/gateway/document.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/guard.h"
#include "connector/gateway/upstream.h"
#include "connector/gateway/watch.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/os/file.h"
#include "lib/os/resolve.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

struct gw_app {
    unsigned holders;
    struct gateway *gateway; /* borrowed */
    struct sp_id id;
    int64_t version;
    char name[APPREC_NAME_MAX + 1];
    char first_host[APPREC_HOST_TEXT + 1];
    struct gwconf *conf;       /* owned */
    struct guard *guard;       /* owned */
    struct document *document; /* owned */
    struct watch *watch;       /* borrowed from the gateway: it outlives versions of the record */
    struct http1_limits request, answer;
    struct tls_context *front;                /* one share; NULL: clients speak http */
    struct tls_context *tls;                  /* one share; NULL: plain */
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

/* "DIR/NAME" of a file that the configuration names; "" for none. */
SP_MUST static sp_error file_of(const char *files, const char *name, char *out, size_t room,
                                struct sp_why *why)
{
    out[0] = '\0';
    if (name == NULL)
        return SP_OK;
    int n = snprintf(out, room, "%s/%s", files, name);
    return n > 0 && (size_t)n < room
               ? SP_OK
               : sp_why_say(why, SP_ERR_LIMIT, "the path of %s is too long", name);
}

/* "sha256/BASE64" */
SP_MUST static sp_error read_pin(const char *text, uint8_t out[TLS_PIN_BYTES])
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, TLS_PIN_BYTES);
    if ((e = decode_base64(view_str(text + strlen("sha256/")), &bytes)) == SP_OK &&
        bytes.len != TLS_PIN_BYTES)
        e = SP_ERR_MALFORMED;
    if (e == SP_OK)
        memcpy(out, bytes.at, TLS_PIN_BYTES);
    buf_deinit(&bytes);
    return e;
}

SP_MUST static sp_error load_tls(struct gw_app *a, struct sp_why *why)
{
    static const char *const alpn[] = {"h2", NULL};
    const struct gwconf_upstream *u = &a->conf->upstream;
    const char *files = gateway_files(a->gateway);
    char ca[1200], cert[1200], key[1200];
    uint8_t pin[TLS_PIN_BYTES];
    struct tls_named named = {0};
    sp_error e;

    if (!u->https)
        return SP_OK;
    if ((e = file_of(files, u->ca, ca, sizeof ca, why)) != SP_OK ||
        (e = file_of(files, u->client_cert, cert, sizeof cert, why)) != SP_OK ||
        (e = file_of(files, u->client_key, key, sizeof key, why)) != SP_OK)
        return e;
    if (u->pin != NULL && (e = read_pin(u->pin, pin)) != SP_OK)
        return sp_why_say(why, e, "pin is sha256/ and the base64 of a public key's SHA-256");
    named.alpn = u->http2 ? alpn : NULL;
    named.pin = u->pin != NULL ? pin : NULL;
    named.chain_file = cert[0] != '\0' ? cert : NULL;
    named.key_file = key[0] != '\0' ? key : NULL;
    named.without_system_store = ca[0] != '\0' || u->pin != NULL;
    named.ca_files[0] = ca[0] != '\0' ? ca : NULL;
    return tls_named_client(&named, why, &a->tls);
}

/* The certificate that clients see; key and chain never leave this machine. */
SP_MUST static sp_error load_front(struct gw_app *a, struct sp_why *why)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    const char *files = gateway_files(a->gateway);
    char cert[1200], key[1200];
    sp_error e;

    if (a->conf->frontend != GW_FRONTEND_TLS)
        return SP_OK;
    if ((e = file_of(files, a->conf->tls.cert, cert, sizeof cert, why)) != SP_OK ||
        (e = file_of(files, a->conf->tls.key, key, sizeof key, why)) != SP_OK)
        return e;
    return tls_served(cert, key, alpn + (a->conf->http2 ? 0 : 1), why, &a->front);
}

/* What the configuration may say and this connector does not do is no reason to do less. */
SP_MUST static sp_error refuse_unserved(const struct gwconf *c, struct sp_why *why)
{
    if (c->identity.signature != GW_SIGNATURE_NONE)
        return sp_why_say(why, SP_ERR_UNSUPPORTED,
                          "identity.signature is not made by this connector; use assertion");
    for (size_t i = 0; c->upstream.http2 && i < c->owners.count; i++)
        if (gwconf_owner_at(c, i)->from.source == GW_OWNER_PREFLIGHT)
            return sp_why_say(why, SP_ERR_UNSUPPORTED,
                              "a preflight is asked in HTTP/1: upstream.http2 and an owner rule "
                              "from a preflight do not go together");
    return SP_OK;
}

SP_MUST static sp_error start(struct gw_app *a, const struct apprec *record, struct sp_why *why)
{
    struct view host = {0};
    uint16_t port;
    sp_error e;

    if ((e = gwconf_parse(view_str(record->gateway), why, &a->conf)) != SP_OK)
        return e;
    if ((a->watch = gateway_watch(a->gateway, a->id)) == NULL)
        return SP_ERR_NOMEM;
    watch_configure(a->watch, a->conf);
    const struct guard_options guard = {.conf = a->conf, .outside = gateway_outside(a->gateway)};
    if ((e = guard_new(&guard, why, &a->guard)) != SP_OK)
        return e;
    if ((e = refuse_unserved(a->conf, why)) != SP_OK || (e = load_front(a, why)) != SP_OK)
        return e;
    take_limits(a);
    if (gwconf_upstream_at(a->conf, &host, &port, &a->prefix) && a->conf->upstream.https)
        view_copy(a->upstream_name, sizeof a->upstream_name,
                  a->conf->upstream.server_name != NULL ? view_str(a->conf->upstream.server_name)
                                                        : host);
    if ((e = document_new(a->conf, gateway_files(a->gateway), a->prefix, why, &a->document)) !=
        SP_OK)
        return e;
    watch_document(a->watch, document_api(a->document), a->prefix);
    return load_tls(a, why);
}

sp_error app_new(struct gateway *gateway, const struct apprec *record, struct sp_why *why,
                 struct gw_app **out)
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
    if ((e = start(a, record, why)) != SP_OK) {
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
    tls_context_free(a->tls);
    tls_context_free(a->front);
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
    return a->front;
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

void app_upstream(const struct gw_app *a, struct upstream_to *to)
{
    to->app = a->id;
    to->tls = a->tls;
    to->name = a->upstream_name;
    to->connect_ms = a->conf->upstream.connect_ms;
    to->idle_ms = a->conf->upstream.idle_ms;
    to->connections = (size_t)a->conf->upstream.connections;
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
                                 .text = gw_reasons[v->reason].title,
                                 .decision = x->decision,
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
