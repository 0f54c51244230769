#include "connector/gateway/gateway.h"

#include "connector/gateway/conn_internal.h"
#include "connector/gateway/identity.h"
#include "connector/gateway/lease.h"
#include "connector/gateway/link2.h"
#include "connector/gateway/siblings.h"
#include "connector/gateway/slot.h"
#include "connector/gateway/upstream.h"
#include "connector/gateway/watch.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/os/loop.h"
#include "lib/proto/gateway.h"

#include <stdlib.h>

enum { ARENAS_MAX = 128 * 1024 * 1024, SECOND_MS = 1000 };

struct gateway {
    struct gateway_options o;
    struct identity *identity;       /* owned */
    struct secret *site;             /* owned; NULL: the connectors of the site have no key */
    struct upstream_pool *upstreams; /* owned */
    struct link2_pool *links;        /* owned */
    struct places streams;
    struct arena_pool arenas;
    uint8_t *scratch; /* owned */
    struct map apps;  /* struct slot *; owned */
    unsigned generation;
    struct timer *second;
};

void gateway_tell_demand(const struct gateway *g, struct lease *l, struct gw_app *app)
{
    struct json *demand = g->o.demand == NULL ? NULL : lease_demand(l, app);

    if (demand != NULL && !g->o.demand(g->o.arg, demand))
        l->asked = true; /* no broker now: again in a second */
}

static void on_second(void *arg)
{
    struct gateway *g = arg;
    size_t at = 0;

    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        slot_tick(s, gateway_now(g));
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
        (e = siblings_key(o->files, why, &g->site)) != SP_OK ||
        (e = upstream_pool_new(o->loop, &g->upstreams)) != SP_OK ||
        (e = link2_pool_new(o->loop, g->upstreams, &g->links)) != SP_OK ||
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
    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        slot_free(s);
    map_deinit(&g->apps);
    link2_pool_free(g->links);
    upstream_pool_free(g->upstreams);
    places_deinit(&g->streams);
    identity_free(g->identity);
    secret_free(g->site);
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

const char *gateway_documents(const struct gateway *g)
{
    return g->o.documents != NULL ? g->o.documents : g->o.files;
}

unsigned gateway_generation(const struct gateway *g)
{
    return g->generation;
}

struct pool *gateway_pool(const struct gateway *g)
{
    return g->o.pool;
}

void gateway_fetch(const struct gateway *g, const uint8_t sha256[32])
{
    if (g->o.fetch != NULL)
        g->o.fetch(g->o.arg, sha256);
}

bool gateway_shares(const struct gateway *g)
{
    return g->o.demand != NULL;
}

/* ---- apps ---------------------------------------------------------------------------------- */

static void on_gauges(void *arg, struct sp_id app, struct api_gauges *out)
{
    struct gw_app *a = gateway_app_now(arg, app);

    if (a != NULL)
        app_gauges(a, out);
}

struct watch *gateway_watch_new(struct gateway *g, struct sp_id app)
{
    const struct watch_options o = {.app = app,
                                    .state = g->o.state,
                                    .pool = g->o.pool,
                                    .incident = g->o.incident,
                                    .report = g->o.report,
                                    .self = g->o.connector,
                                    .site = g->o.siblings != NULL ? g->site : NULL,
                                    .siblings = g->o.siblings,
                                    .gauges = on_gauges,
                                    .arg = g->o.arg,
                                    .gauges_arg = g,
                                    .now = gateway_now(g)};
    struct watch *w = NULL;

    return watch_new(&o, &w) == SP_OK ? w : NULL;
}

struct watch *gateway_watch(struct gateway *g, struct sp_id app)
{
    struct slot *s = map_get(&g->apps, app);

    return s == NULL ? NULL : slot_watch(s, true);
}

/* NULL: no memory. */
static struct slot *slot_of(struct gateway *g, struct sp_id app)
{
    struct slot *s = map_get(&g->apps, app);

    if (s != NULL)
        return s;
    if (slot_new(g, app, &s) != SP_OK || map_put(&g->apps, app, s) != SP_OK) {
        slot_free(s);
        return NULL;
    }
    return s;
}

void gateway_put(struct gateway *g, const struct apprec *app)
{
    struct slot *s = gateway_serves(app) ? slot_of(g, app->id) : NULL;

    if (s != NULL)
        slot_put(s, app);
}

void gateway_document(struct gateway *g, const uint8_t sha256[32])
{
    size_t at = 0;

    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        slot_document(s, sha256);
}

void gateway_reload(struct gateway *g)
{
    size_t at = 0;

    g->generation++;
    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        slot_reload(s);
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
    struct gw_app *app = gateway_app_now(g, shares->app);

    if (app != NULL)
        lease_take(app, shares);
}

void gateway_told(struct gateway *g, enum api_sealed_kind kind, const struct api_sealed *m)
{
    struct slot *s = map_get(&g->apps, m->app);
    struct watch *w = s == NULL ? NULL : slot_watch(s, false);

    if (w != NULL)
        watch_learn(w, kind, m, gateway_now(g));
}

void gateway_tell_again(struct gateway *g)
{
    size_t at = 0;

    for (struct slot *s; (s = map_next(&g->apps, &at, NULL)) != NULL;)
        if (slot_watch(s, false) != NULL)
            watch_tell_again(slot_watch(s, false));
}

struct gw_app *gateway_app_now(const struct gateway *g, struct sp_id app)
{
    struct slot *s = map_get(&g->apps, app);

    return s == NULL ? NULL : slot_app(s);
}

sp_error gateway_serve(struct gateway *g, const struct apprec *app, const struct gw_person *person,
                       struct stream *stream, const struct gateway_serving *serving,
                       struct gw_conn **out)
{
    struct slot *s = slot_of(g, app->id);

    if (s != NULL)
        slot_put(s, app);
    if (s != NULL && slot_app(s) != NULL)
        return conn_new(g, slot_app(s), person, stream, serving, out);
    if (s != NULL && conn_park(g, s, person, stream, serving, out) == SP_OK)
        return SP_OK;
    stream_refuse(stream, 502);
    stream_free(stream);
    return SP_ERR_INVALID;
}
