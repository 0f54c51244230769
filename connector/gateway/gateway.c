#include "connector/gateway/gateway.h"

#include "connector/gateway/conn_internal.h"
#include "connector/gateway/expiry.h"
#include "connector/gateway/identity.h"
#include "connector/gateway/lease.h"
#include "connector/gateway/link2.h"
#include "connector/gateway/upstream.h"
#include "connector/gateway/watch.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/os/loop.h"
#include "lib/proto/gateway.h"

#include <stdlib.h>

enum { ARENAS_MAX = 128 * 1024 * 1024, SECOND_MS = 1000 };

/* What is known of an app; `broken` keeps a configuration that can't be in force from being
 * loaded at each stream. */
struct slot {
    struct gw_app *app;  /* one share; NULL: broken */
    struct watch *watch; /* owned; NULL: not yet asked for */
    struct lease lease;
    sp_unix_ms looked; /* for certificates that end soon; 0: at the next second */
    int64_t version;
};

struct gateway {
    struct gateway_options o;
    struct identity *identity;       /* owned */
    struct upstream_pool *upstreams; /* owned */
    struct link2_pool *links;        /* owned */
    struct places streams;
    struct arena_pool arenas;
    uint8_t *scratch; /* owned */
    struct map apps;  /* struct slot *; owned */
    struct timer *second;
};

static void tell_demand(struct gateway *g, struct slot *s)
{
    struct json *demand =
        s->app == NULL || g->o.demand == NULL ? NULL : lease_demand(&s->lease, s->app);

    if (demand != NULL && !g->o.demand(g->o.arg, demand))
        s->lease.asked = true; /* no broker now: again in a second */
}

static void on_second(void *arg)
{
    struct gateway *g = arg;
    size_t at = 0;

    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;) {
        if (s->watch != NULL)
            watch_tick(s->watch, gateway_now(g));
        tell_demand(g, s);
        if (s->app != NULL && gateway_now(g) - s->looked >= EXPIRY_EACH_MS) {
            s->looked = gateway_now(g);
            (void)expiry_warn(s->app, s->looked);
        }
    }
    g->second = NULL; /* a timer that has fired is gone */
    if (timer_start(g->o.loop, clock_boot() + SECOND_MS, on_second, g, &g->second) != SP_OK)
        log_event(LOG_ERROR, "gateway.second", "out of memory: detectors stand still", NULL);
}

sp_error gateway_new(const struct gateway_options *o, struct sp_why *why, struct gateway **out)
{
    struct gateway *g = calloc(1, sizeof *g);
    sp_error e;

    if (g == NULL)
        return SP_ERR_NOMEM;
    g->o = *o;
    g->arenas.max = ARENAS_MAX;
    places_init(&g->streams, o->loop);
    g->scratch = malloc(GATEWAY_SCRATCH);
    if ((e = g->scratch == NULL ? SP_ERR_NOMEM : SP_OK) != SP_OK ||
        (e = identity_new(o->state, o->connector, why, &g->identity)) != SP_OK ||
        (e = upstream_pool_new(o->loop, &g->upstreams)) != SP_OK ||
        (e = link2_pool_new(o->loop, g->upstreams, &leg2_events, &g->links)) != SP_OK ||
        (e = timer_start(o->loop, clock_boot() + SECOND_MS, on_second, g, &g->second)) != SP_OK) {
        gateway_free(g);
        return e;
    }
    *out = g;
    return SP_OK;
}

void gateway_free(struct gateway *g)
{
    size_t at = 0;

    if (g == NULL)
        return;
    timer_cancel(g->second);
    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;) {
        app_free(s->app);
        watch_free(s->watch);
        free(s);
    }
    map_deinit(&g->apps);
    link2_pool_free(g->links);
    upstream_pool_free(g->upstreams);
    places_deinit(&g->streams);
    identity_free(g->identity);
    free(g->scratch);
    free(g);
}

struct view gateway_jwks(const struct gateway *g)
{
    return identity_jwks(g->identity);
}

bool gateway_serves(const struct apprec *app)
{
    return app->type == APPREC_HTTP && app->gateway != NULL;
}

struct loop *gateway_loop(const struct gateway *g)
{
    return g->o.loop;
}

struct upstream_pool *gateway_upstreams(const struct gateway *g)
{
    return g->upstreams;
}

struct places *gateway_streams(struct gateway *g)
{
    return &g->streams;
}

struct link2_pool *gateway_links(const struct gateway *g)
{
    return g->links;
}

struct arena_pool *gateway_arenas(struct gateway *g)
{
    return &g->arenas;
}

uint8_t *gateway_scratch(const struct gateway *g)
{
    return g->scratch;
}

const struct identity *gateway_identity(const struct gateway *g)
{
    return g->identity;
}

const char *gateway_files(const struct gateway *g)
{
    return g->o.files;
}

struct outside gateway_outside(const struct gateway *g)
{
    return (struct outside){.loop = g->o.loop,
                            .pool = g->o.pool,
                            .client = g->o.client,
                            .folder = g->o.files,
                            .issuer_allowed = g->o.issuer_allowed,
                            .arg = g->o.arg};
}

sp_unix_ms gateway_now(const struct gateway *g)
{
    return g->o.broker_time(g->o.arg);
}

void gateway_tell(const struct gateway *g, const struct gw_told *t)
{
    g->o.tell(g->o.arg, t);
}

void gateway_forget(struct gateway *g, struct sp_id app, struct sp_id user)
{
    link2_pool_forget(g->links, app, user);
    upstream_pool_forget(g->upstreams, app, user);
}

/* ---- apps ---------------------------------------------------------------------------------- */

struct watch *gateway_watch(struct gateway *g, struct sp_id app)
{
    struct slot *s = map_get(&g->apps, app);
    const struct watch_options o = {.app = app,
                                    .state = g->o.state,
                                    .pool = g->o.pool,
                                    .incident = g->o.incident,
                                    .report = g->o.report,
                                    .arg = g->o.arg,
                                    .now = gateway_now(g)};

    if (s == NULL || (s->watch == NULL && watch_new(&o, &s->watch) != SP_OK))
        return NULL;
    return s->watch;
}

static void load(struct gateway *g, struct slot *s, const struct apprec *record)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct gw_app *app = NULL;
    sp_error e = app_new(g, record, &why, &app);

    if (e != SP_OK)
        log_event(LOG_ERROR, "gateway.load", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "app", record->name, "version", LOG_INT(record->version), NULL);
    else
        log_event(LOG_INFO, "gateway.load", "the app's gateway is in force", "app", record->name,
                  "version", LOG_INT(record->version), NULL);
    if (app != NULL && g->o.demand != NULL)
        lease_begin(app, s->app);
    s->looked = 0;
    s->lease.asked = true; /* it is told within the second */
    app_free(s->app); /* a configuration that is not understood refuses: it does not fall back */
    s->app = app;
    s->version = record->version;
}

/* NULL: no memory. */
static struct slot *slot_of(struct gateway *g, struct sp_id app)
{
    struct slot *s = map_get(&g->apps, app);

    if (s != NULL)
        return s;
    s = calloc(1, sizeof *s);
    if (s == NULL || map_put(&g->apps, app, s) != SP_OK) {
        free(s);
        return NULL;
    }
    return s;
}

/* NULL: it can't be in force. Borrowed until the next call. */
static struct gw_app *app_of(struct gateway *g, const struct apprec *record)
{
    struct slot *s = slot_of(g, record->id);

    if (s == NULL)
        return NULL;
    if (s->version != record->version)
        load(g, s, record);
    return s->app;
}

void gateway_put(struct gateway *g, const struct apprec *app)
{
    if (gateway_serves(app))
        (void)app_of(g, app);
}

void gateway_reload(struct gateway *g)
{
    size_t at = 0;

    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        s->version = 0;
}

void gateway_expect(struct gateway *g, const struct api_expect *e)
{
    struct watch *w = NULL;

    /* An app that nobody has asked for yet: kept for when somebody does. */
    if (map_get(&g->apps, e->app) != NULL || e->count > 0)
        w = slot_of(g, e->app) == NULL ? NULL : gateway_watch(g, e->app);
    if (w != NULL)
        watch_expect(w, e, gateway_now(g));
}

void gateway_share(struct gateway *g, const struct api_rules *shares)
{
    struct slot *s = map_get(&g->apps, shares->app);

    if (s != NULL && s->app != NULL)
        lease_take(s->app, shares);
}

void gateway_tell_again(struct gateway *g)
{
    size_t at = 0;

    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        if (s->watch != NULL)
            watch_tell_again(s->watch);
}

struct gw_app *gateway_app_now(const struct gateway *g, struct sp_id app)
{
    struct slot *s = map_get(&g->apps, app);

    return s == NULL ? NULL : s->app;
}

sp_error gateway_serve(struct gateway *g, const struct apprec *app, const struct gw_person *person,
                       struct stream *stream, const struct gateway_serving *serving,
                       struct gw_conn **out)
{
    struct gw_app *a = app_of(g, app);

    if (a == NULL) {
        stream_refuse(stream, 502);
        stream_free(stream);
        return SP_ERR_INVALID;
    }
    return conn_new(g, a, person, stream, serving, out);
}
