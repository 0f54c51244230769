#include "connector/run.h"

#include "connector/control.h"
#include "connector/documents.h"
#include "connector/floor.h"
#include "connector/gate.h"
#include "connector/tell.h"
#include "connector/tests.h"

#include "lib/edge/status.h"
#include "lib/http/client.h"
#include "lib/http/engine.h"
#include "lib/os/file.h"
#include "lib/os/filewatch.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/sandbox.h"
#include "lib/os/service.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { WORKERS = 4, DRAIN_LOOK_MS = 200, DIALS_MAX = 256 };

struct running {
    const struct connector_config *config;
    struct connector_state state;
    struct proxy_env proxy;
    struct tls_named tls;
    struct buf ca_path;
    struct floor *floor; /* NULL: nothing may be dialled */
    struct keyset keys;
    struct records records;
    struct loop *loop;
    struct pool *pool;
    struct engine *engine;
    struct client *client; /* of the gateway's tokens */
    struct service *service;
    struct control *control;
    struct gate gate;
    struct sessions *sessions;
    struct stands *stands;
    struct tell *tell;
    struct documents *documents;
    struct buf documents_path, spool_path;
    struct status *status;
    struct filewatch *floor_watch, *config_watch; /* owned; NULL: SIGHUP only */
    struct timer *drained;                        /* owned; NULL: not running */
    bool ready;
    int lock; /* of the state folder */
};

/* A new floor only when the whole file reads well; a broken one changes nothing. */
static void load_floor(struct running *r)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct floor *floor = NULL;

    if (floor_load(r->config->floor, &why, &floor) != SP_OK) {
        log_event(LOG_ERROR, "floor.load", why.text, "in_force",
                  r->floor == NULL ? "none: nothing may be dialled" : "the one from before", NULL);
        return;
    }
    floor_free(r->floor);
    r->floor = floor;
    log_event(LOG_INFO, "floor.load", "the floor is in force", "file", r->config->floor, NULL);
}

static void on_floor(void *arg)
{
    struct running *r = arg;

    load_floor(r);
    gateway_reload(r->gate.gateway);
    sessions_rules_changed(r->sessions);
}

static bool offers_cut_through(const struct running *r, const struct connector_config *c)
{
    return c->tunnel.cut_through == CUT_THROUGH_AUTO && !r->state.front_l7;
}

/* What may change while sessions run: how much is logged, and what new spares offer. The rest is
 * read at the start only. A file with a mistake changes nothing. */
static void on_config(void *arg)
{
    struct running *r = arg;
    struct connector_config fresh;
    struct sp_why why = {{0}, {0}, 0, 0};
    sp_error e = connector_config_load(r->config->path, r->config->state, &fresh, &why);

    if (e != SP_OK) {
        log_event(LOG_ERROR, "config.load", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "in_force", "what was before", NULL);
    } else {
        log_setup("sallyport-connector", (enum log_level)fresh.log);
        stands_offer(r->stands, offers_cut_through(r, &fresh));
        log_event(LOG_INFO, "config.load", "log and tunnel.cut_through are in force", "file",
                  r->config->path, "others", "need a restart", NULL);
    }
    connector_config_end(&fresh);
}

static void on_reload(void *arg)
{
    struct running *r = arg;

    if (r->config->path != NULL)
        on_config(r);
    on_floor(r);
}

/* Where a folder can't be watched, its file is still read at each start and SIGHUP. */
static void watch_file(struct running *r, const char *path, void (*changed)(void *arg),
                       struct filewatch **out)
{
    sp_error e = filewatch_start(r->loop, path, changed, r, out);

    if (e != SP_OK)
        log_event(LOG_WARN, "file.watch", sp_error_text(e), "file", path, "until",
                  "SIGHUP reads it anew", NULL);
}

static void on_drain_look(void *arg)
{
    struct running *r = arg;

    r->drained = NULL;
    if (sessions_count(r->sessions) == 0 ||
        timer_start(r->loop, clock_boot() + DRAIN_LOOK_MS, on_drain_look, r, &r->drained) != SP_OK)
        service_done(r->service);
}

static void on_drain(void *arg)
{
    struct running *r = arg;

    log_event(LOG_INFO, "drain", "no new sessions; the old ones may end by themselves", "sessions",
              LOG_INT((int64_t)sessions_count(r->sessions)), NULL);
    stands_drain(r->stands);
    sessions_drain(r->sessions);
    on_drain_look(r);
}

static void on_control(void *arg)
{
    struct running *r = arg;

    gate_broker_back(&r->gate);
    if (!r->ready)
        service_ready(r->service, "connected");
    r->ready = true;
}

static void on_document(void *arg, const uint8_t sha256[32])
{
    struct running *r = arg;

    gateway_document(r->gate.gateway, sha256);
}

static void on_share(void *arg, const struct api_rules *shares)
{
    struct running *r = arg;

    gateway_share(r->gate.gateway, shares);
}

static void on_told(void *arg, enum api_sealed_kind kind, const struct api_sealed *told)
{
    struct running *r = arg;

    gateway_told(r->gate.gateway, kind, told);
}

static void on_expect(void *arg, const struct api_expect *e)
{
    struct running *r = arg;

    gateway_expect(r->gate.gateway, e);
}

/* The apps, DIALS_MAX at most, and how the last dial of each ended. */
static struct json *dials(const struct running *r)
{
    struct json *list = json_array();
    const struct record *record;
    size_t at = 0;

    for (size_t n = 0; n < DIALS_MAX && (record = map_next(&r->records.by_app, &at, NULL)) != NULL;
         n++) {
        struct json *j;
        if (record->dropped)
            continue;
        j = json_object();
        json_set_id(j, "app", record->app.id);
        json_set_cstr(j, "name", record->app.name);
        json_set_cstr(j, "last", record->last != NULL ? record->last : "none yet");
        json_set_int(j, "at", record->last_at);
        json_push(list, j);
    }
    return list;
}

/* What waits for the broker's audit log. */
static struct json *audit_facts(const struct running *r)
{
    struct json *j = json_object();
    struct courier_facts f;

    tell_look(r->tell, &f);
    json_set_int(j, "waiting", f.waiting);
    json_set_int(j, "bytes", f.bytes);
    json_set_int(j, "bytes_max", f.bytes_max);
    json_set_int(j, "oldest", f.oldest);
    json_set_int(j, "dropped", f.dropped);
    json_set_int(j, "unread", f.unread);
    json_set_cstr(j, "disk", f.disk == SP_OK ? "ok" : sp_error_text(f.disk));
    json_set_bool(j, "refusing", f.tight);
    return j;
}

static bool facts(void *arg, struct json *out)
{
    struct running *r = arg;
    struct json *relays = json_array();
    struct stand_at *at = calloc(1, sizeof *at);
    bool control = control_is_open(r->control);

    if (at != NULL)
        stands_report(r->stands, at);
    for (size_t i = 0; at != NULL && i < at->at_count; i++) {
        struct json *relay = json_object();
        json_set_id(relay, "id", at->at[i].id);
        json_set_int(relay, "rtt_us", at->at[i].rtt_us);
        json_set_int(relay, "spares", at->at[i].spares);
        json_push(relays, relay);
    }
    free(at);
    json_set(out, "dials", dials(r));
    json_set(out, "audit", audit_facts(r));
    json_set_bool(out, "testing", tests_round_runs(control_tests(r->control)));
    json_set_cstr(out, "status", control ? "ready" : "not ready");
    json_set_cstr(out, "control", control ? "connected" : "lost");
    json_set(out, "relays", relays);
    json_set_id(out, "connectorId", r->state.id);
    json_set_cstr(out, "site", r->state.site_name);
    json_set_cstr(out, "broker", r->state.host);
    json_set_cstr(out, "floor", r->floor != NULL ? "in force" : "missing: nothing may be dialled");
    json_set_int(out, "apps", (int64_t)map_len(&r->records.by_app));
    json_set_int(out, "sessions", (int64_t)sessions_count(r->sessions));
    return control;
}

static bool order(void *arg, const char *what, struct json *out)
{
    struct running *r = arg;

    if (strcmp(what, "test") != 0)
        return false;
    tests_round(control_tests(r->control), control_broker_time(r->control));
    json_set_cstr(out, "status", "testing");
    return true;
}

static sp_error prepare(struct running *r, struct sp_why *why)
{
    struct buf path = {0};
    size_t n = 0;
    sp_error e;

    if ((e = state_load(r->config->state, &r->state, why)) != SP_OK ||
        (e = connector_proxy(r->config, &r->proxy, why)) != SP_OK)
        return e;
    proxy_login_warn(&r->proxy, "connector.proxy");
    const char *lock = state_path(&r->state, &path, "lock");
    e = lock == NULL ? SP_ERR_LIMIT : file_lock(lock, &r->lock, why);
    buf_deinit(&path);
    if (r->state.has_ca)
        r->tls.ca_files[n++] = state_path(&r->state, &r->ca_path, "ca.pem");
    for (size_t i = 0; i < r->config->ca.count && n < TLS_CA_FILES_MAX; i++)
        r->tls.ca_files[n++] = r->config->ca.items[i];
    load_floor(r);
    return e;
}

static sp_error start_tell(struct running *r, struct sp_why *why)
{
    const struct courier_options o = {.loop = r->loop,
                                      .pool = r->pool,
                                      .folder = state_path(&r->state, &r->spool_path, "audit"),
                                      .max = r->config->audit_spool};

    return o.folder == NULL ? SP_ERR_LIMIT : tell_new(&o, why, &r->tell);
}

static sp_error start_documents(struct running *r, struct sp_why *why)
{
    const char *folder = state_path(&r->state, &r->documents_path, "documents");
    const struct documents_options o = {
        .pool = r->pool, .folder = folder, .came = on_document, .arg = r};
    sp_error e = folder == NULL ? SP_ERR_LIMIT : file_make_dir(folder, why);

    return e == SP_OK ? documents_new(&o, &r->documents) : e;
}

static sp_error start(struct running *r, struct sp_why *why)
{
    const struct floor *const *floor = (const struct floor *const *)&r->floor;
    const struct service_spec service = {on_drain, on_reload, r, r->config->drain_ms};
    const struct control_options control = {.tls = &r->tls,
                                            .proxy = &r->proxy,
                                            .state = &r->state,
                                            .keys = &r->keys,
                                            .records = &r->records,
                                            .floor = floor,
                                            .expect = on_expect,
                                            .share = on_share,
                                            .told = on_told,
                                            .opened = on_control,
                                            .arg = r};
    struct control_options c = control;
    sp_error e;

    if ((e = loop_new(&r->loop)) != SP_OK || (e = pool_new(r->loop, WORKERS, &r->pool)) != SP_OK ||
        (e = start_tell(r, why)) != SP_OK || (e = engine_new(r->loop, &r->engine)) != SP_OK ||
        (e = service_start(r->loop, &service, &r->service)) != SP_OK)
        return e;
    const struct client_options client = {
        .ca_file = r->config->ca.count > 0 ? r->config->ca.items[0] : NULL,
        .proxy = &r->proxy,
        .at_once = WORKERS / 2};
    if ((e = client_new(&client, why, &r->client)) != SP_OK)
        return e;
    if ((e = start_documents(r, why)) != SP_OK)
        return e;
    c.documents = r->documents;
    c.loop = r->loop;
    c.tell = r->tell;
    c.engine = r->engine;
    c.pool = r->pool;
    if ((e = control_new(&c, why, &r->control)) != SP_OK)
        return e;
    r->gate = (struct gate){.tell = r->tell,
                            .broker_time = control_broker_time,
                            .arg = r->control,
                            .floor = floor,
                            .client = r->client,
                            .documents = r->documents,
                            .folder = buf_cstr(&r->documents_path)};
    if ((e = gate_start(&r->gate, r->config, &r->state, r->loop, r->pool, why)) != SP_OK)
        return e;
    const struct sessions_options sessions = {.loop = r->loop,
                                              .gateway = r->gate.gateway,
                                              .keys = &r->keys,
                                              .pool = r->pool,
                                              .records = &r->records,
                                              .floor = floor,
                                              .broker_time = control_broker_time,
                                              .tell = r->tell,
                                              .events = &control_sessions_events,
                                              .arg = r->control};
    if ((e = sessions_new(&sessions, &r->sessions)) != SP_OK)
        return e;
    const struct stands_options stands = {.loop = r->loop,
                                          .pool = r->pool,
                                          .proxy = &r->proxy,
                                          .key = r->state.key,
                                          .id = &r->state.id,
                                          .cut_through = offers_cut_through(r, r->config),
                                          .sessions = r->sessions,
                                          .tell = r->tell,
                                          .records = &r->records,
                                          .keys = &r->keys,
                                          .floor = floor,
                                          .broker_time = control_broker_time,
                                          .changed = control_stands_changed,
                                          .arg = r->control};
    if ((e = stands_new(&stands, &r->stands)) != SP_OK)
        return e;
    control_join(r->control, r->sessions, r->stands);
    const struct status_spec status = {.facts = facts, .order = order, .arg = r};
    watch_file(r, r->config->floor, on_floor, &r->floor_watch);
    if (r->config->path != NULL)
        watch_file(r, r->config->path, on_config, &r->config_watch);
    e = status_new(r->loop, r->config->health, &status, &r->status);
    return e == SP_OK ? e : sp_why_say(why, e, "%s: %s", r->config->health, sp_error_text(e));
}

/* In the order in which the parts stop hearing of each other. */
static void stop(struct running *r)
{
    status_free(r->status);
    filewatch_stop(r->floor_watch);
    filewatch_stop(r->config_watch);
    timer_cancel(r->drained);
    stands_free(r->stands);
    control_free(r->control);
    sessions_free(r->sessions);
    gate_end(&r->gate);
    documents_free(r->documents);
    service_free(r->service);
    if (r->engine != NULL)
        engine_free(r->engine);
    pool_free(r->pool);
    tell_free(r->tell);     /* the pool's last job wrote for it; what is left is written now */
    client_free(r->client); /* the pool's last jobs used it */
    loop_free(r->loop);
    records_deinit(&r->records);
    floor_free(r->floor);
    state_end(&r->state);
    buf_deinit(&r->ca_path);
    buf_deinit(&r->documents_path);
    buf_deinit(&r->spool_path);
    if (r->lock >= 0)
        close(r->lock);
    explicit_bzero(&r->proxy, sizeof r->proxy);
}

sp_error connector_run(const struct connector_config *config, struct sp_why *why)
{
    struct running *r = calloc(1, sizeof *r);
    struct sp_why filter = {{0}, {0}, 0, 0};
    sp_error e;

    if (r == NULL)
        return SP_ERR_NOMEM;
    r->config = config;
    r->lock = -1;
    log_setup("sallyport-connector", (enum log_level)config->log);
    e = prepare(r, why);
    if (e == SP_OK && sandbox_syscalls(0, &filter) != SP_OK)
        log_event(LOG_WARN, "sandbox", filter.text, NULL);
    if (e == SP_OK && (e = start(r, why)) == SP_OK)
        loop_run(r->loop);
    stop(r);
    free(r);
    return e;
}
