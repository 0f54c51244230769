/* Every service of the broker, up in the order of struct broker and down from its end. */
#include "broker/run_internal.h"

#include "broker/api/feed.h"
#include "broker/control/control.h"
#include "broker/front.h"
#include "broker/identity/signin.h"
#include "broker/ops.h"
#include "broker/pages/pages.h"
#include "broker/posture/judge.h"
#include "broker/registry/apps.h"
#include "broker/session/live.h"
#include "broker/session/rules.h"
#include "broker/store/changes.h"
#include "lib/crypto/random.h"
#include "lib/http/live.h"
#include "lib/http/server.h"
#include "lib/os/file.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/service.h"

#include <stdio.h>
#include <unistd.h>

enum { DRAIN_MS = 5 * 1000 };

static sp_error start_store(struct broker *b, struct sp_why *why)
{
    struct secret *master = NULL;
    struct buf path;
    sp_error e;

    buf_init(&path, 1024);
    if ((e = file_make_dir(b->config->state, why)) != SP_OK)
        goto out;
    const char *lock = file_path(&path, b->config->state, "lock");
    if (lock == NULL || (e = file_lock(lock, &b->lock_fd, why)) != SP_OK) {
        e = lock == NULL ? SP_ERR_LIMIT : e;
        goto out;
    }
    if ((e = keyring_master(b->config->state, true, &master, why)) != SP_OK)
        goto out;
    const struct store_config config = {.path = file_path(&path, b->config->state, "store.db"),
                                        .holder = random_id()};
    if ((e = store_open(&config, why, &b->store)) == SP_OK) {
        e = keyring_load(b->store, master, &b->keys);
        master = NULL; /* taken */
    }
out:
    secret_free(master);
    buf_deinit(&path);
    return e;
}

static sp_error start_machine(struct broker *b)
{
    sp_error e;

    if ((e = loop_new(&b->loop)) != SP_OK ||
        (e = pool_new(b->loop, (unsigned)b->config->workers, &b->pool)) != SP_OK)
        return e;
    return engine_new(b->loop, &b->engine);
}

static sp_error follow(struct broker *b)
{
    const struct changes_listener all[] = {registry_listener(b->registry), rules_listener(b->rules),
                                           sessions_listener(b->sessions),
                                           control_listener(b->control), feed_listener(&b->api)};
    sp_error e = changes_new(b->store, false, &b->changes);

    for (size_t l = 0; e == SP_OK && l < sizeof all / sizeof *all; l++)
        e = changes_listen(b->changes, &all[l]);
    return e == SP_OK ? changes_start(b->changes) : e;
}

static sp_error start_decisions(struct broker *b)
{
    sp_error e = registry_new(b->store, &b->registry);

    if (e == SP_OK && b->keys.times.sign_records &&
        (e = apps_sign_all(b->registry, b->keys.record)) == SP_OK)
        e = keyring_signed(b->store, &b->keys);
    if (e != SP_OK || (e = rules_new(b->registry, &b->rules)) != SP_OK ||
        (e = judge_new(b->store, &b->judge)) != SP_OK || (e = edges_new(&b->edges)) != SP_OK ||
        (e = live_new(&b->live)) != SP_OK)
        return e;
    const struct sessions_config config = {.registry = b->registry,
                                           .rules = b->rules,
                                           .judge = b->judge,
                                           .edges = b->edges,
                                           .live = b->live,
                                           .grant_key = b->keys.grant,
                                           .record_key = b->keys.record,
                                           .pairwise_key = b->keys.pairwise,
                                           .cut_through_off = b->config->tunnel.cut_through};
    return sessions_new(&config, &b->sessions);
}

/* On every page, the built-in provider's too; NULL: none. */
static const char *banner(const struct broker *b)
{
    return b->hooks->evaluation ? "Evaluation mode: not for production." : NULL;
}

static sp_error start_provider(struct broker *b)
{
    char redirect[IDP_TEXT_MAX];
    const struct idp_config config = {.origin = b->config->public_url,
                                      .redirect_uri = redirect,
                                      .organisation = b->config->organisation,
                                      .banner = banner(b)};
    sp_error e;

    if (!b->config->idp.enabled)
        return SP_OK;
    snprintf(redirect, sizeof redirect, "%s/login/callback/builtin", b->config->public_url);
    if ((e = accounts_new(b->store, &b->accounts)) != SP_OK)
        return e;
    return idp_new(&config, b->store, b->accounts, b->keys.master, &b->idp);
}

static sp_error start_identity(struct broker *b, struct sp_why *why)
{
    const struct broker_config *c = b->config;
    sp_error e;

    if ((e = broker_proxy(c, &b->proxy, why)) != SP_OK)
        return e;
    proxy_login_warn(&b->proxy, "broker.proxy");
    if ((e = mfa_new(b->store, b->keys.master, &b->mfa)) != SP_OK ||
        (e = signin_new(b->store, c->login.session_ms, c->login.idle_ms, &b->signin)) != SP_OK ||
        (e = tickets_new(&b->tickets)) != SP_OK || (e = start_provider(b)) != SP_OK ||
        (e = wire_oidc(c, b->idp, &b->proxy, why, &b->oidc)) != SP_OK)
        return e;
    return SP_OK;
}

static sp_error start_feeds(struct broker *b, struct sp_why *why)
{
    const struct feeds_options o = {.store = b->store,
                                    .judge = b->judge,
                                    .master = b->keys.master,
                                    .ca_file = b->config->ca_file,
                                    .proxy = &b->proxy};

    return feeds_new(&o, why, &b->feeds);
}

static void login_moved(void *arg, const struct key_public *device, const char *state,
                        const char *text)
{
    struct broker *b = arg;

    control_login_moved(b->control, device, state, text);
}

static sp_error start_pages(struct broker *b)
{
    const struct logins_options logins = {.store = b->store,
                                          .registry = b->registry,
                                          .oidc = b->oidc,
                                          .mfa = b->mfa,
                                          .signin = b->signin,
                                          .cookie_key = b->keys.cookie,
                                          .cookie_old = b->keys.cookie_old,
                                          .cookie_old_until =
                                              b->keys.times.old_until[KEYRING_COOKIE],
                                          .origin = b->config->public_url,
                                          .session_ms = b->config->login.session_ms,
                                          .approve_devices = b->config->approve_devices,
                                          .device_code = b->config->device_code,
                                          .moved = login_moved,
                                          .arg = b};
    sp_error e = logins_new(&logins, &b->logins);

    if (e != SP_OK)
        return e;
    const struct pages_options pages = {.organisation = b->config->organisation,
                                        .banner = banner(b),
                                        .enrol_at_login = b->config->enrol_at_login,
                                        .logins = b->logins,
                                        .oidc = b->oidc,
                                        .mfa = b->mfa,
                                        .signin = b->signin,
                                        .sessions = b->sessions,
                                        .live = b->live};
    return pages_new(&pages, &b->pages);
}

static sp_error start_api(struct broker *b, struct sp_why *why)
{
    const struct broker_config *c = b->config;
    const struct key_public *identity = key_secret_public(b->keys.identity);
    sp_error e = wire_enrol_address(c, identity, why, &b->enrol);

    b->fingerprint = key_fingerprint(identity);
    b->api = (struct api){
        .registry = b->registry,
        .rules = b->rules,
        .sessions = b->sessions,
        .live = b->live,
        .edges = b->edges,
        .judge = b->judge,
        .signin = b->signin,
        .mfa = b->mfa,
        .oidc = b->oidc,
        .tickets = b->tickets,
        .feeds = b->feeds,
        .feed = b->feed,
        .record_key = b->keys.record,
        .enrol = &b->enrol,
        .about = {.name = c->organisation,
                  .public_url = c->public_url,
                  .fingerprint = b->fingerprint.s,
                  .state = c->state,
                  .evaluation = b->hooks->evaluation,
                  .front_l7 = c->front == FRONT_L7,
                  .cut_through_off = c->tunnel.cut_through == CUT_THROUGH_OFF,
                  .second_approval = c->second_approval,
                  .login_life_ms = c->login.session_ms,
                  .login_idle_ms = c->login.idle_ms,
                  .roles = b->roles,
                  .role_count = wire_roles(c, b->roles)},
        .ports = {.arg = b,
                  .app_test = port_app_test,
                  .ask_report = port_ask_report,
                  .expect = port_expect,
                  .checks = port_checks,
                  .certificate_ends = port_certificate_ends,
                  .keys = port_keys},
    };
    return e;
}

static sp_error start_server(struct broker *b, struct sp_why *why)
{
    const struct broker_config *c = b->config;
    const struct control_services control = {.engine = b->engine,
                                             .pool = b->pool,
                                             .registry = b->registry,
                                             .sessions = b->sessions,
                                             .edges = b->edges,
                                             .live = b->live,
                                             .judge = b->judge,
                                             .logins = b->logins,
                                             .tickets = b->tickets,
                                             .identity = b->keys.identity,
                                             .record = b->keys.record,
                                             .keys = buf_view(&b->keys.keys),
                                             .public_address = b->public_address,
                                             .l7 = c->front == FRONT_L7};
    sp_error e;

    if ((e = wire_public_address(c->public_url, b->public_address, sizeof b->public_address)) !=
            SP_OK ||
        (e = control_new(&control, &b->control)) != SP_OK || (e = follow(b)) != SP_OK)
        return e;
    control_follows(b->control, b->changes);
    b->api.changes = b->changes;
    if ((e = api_start(&b->api)) != SP_OK)
        return e;
    const struct lws_protocols *const endpoints[] = {control_endpoint(b->control),
                                                     live_protocol(b->feed)};
    const struct server_options server = {.pool = b->pool,
                                          .cert_file = c->certificate,
                                          .key_file = c->key,
                                          .handle = port_request,
                                          .outbound = port_calls_out,
                                          .arg = b,
                                          .proxies = c->front == FRONT_L7 ? &b->proxies : NULL,
                                          .endpoints = endpoints,
                                          .endpoint_count = 2};
    return server_new(b->engine, &server, why, &b->server);
}

static sp_error start_feed(struct broker *b)
{
    const struct live_options o = {
        .pool = b->pool, .origin = b->config->public_url, .admit = api_live_admit, .arg = &b->api};

    return live_feed_new(b->engine, &o, &b->feed);
}

static sp_error start_front(struct broker *b, struct sp_why *why)
{
    const struct front_targets targets = {.proxies =
                                              b->config->front == FRONT_L7 ? NULL : &b->proxies,
                                          .tunnel = port_tunnel,
                                          .http = port_http,
                                          .arg = b};
    const struct handoff_options handoff = {.path = b->config->front_socket,
                                            .relay_user = b->config->relay_user,
                                            .relay_group = b->config->relay_group,
                                            .connected = enrolment_offer,
                                            .arg = b};
    sp_error e = SP_OK;

    if (b->config->front_socket != NULL)
        e = handoff_new(b->loop, &handoff, why, &b->handoff);
    return e != SP_OK ? e : front_new(b->loop, &b->config->listen, &targets, why, &b->front);
}

static void on_drain(void *arg)
{
    struct broker *b = arg;

    service_done(b->service); /* tunnels are the relay's: nobody is cut by our end */
}

static sp_error start_ops(struct broker *b, struct sp_why *why)
{
    const struct ops_sources of = {b->store, b->sessions, b->live,  b->edges,  b->judge,
                                   b->feeds, b->server,   b->front, b->control};

    return ops_new(b->loop, b->pool, b->config->operations, &of, why, &b->ops);
}

sp_error broker_start_all(struct broker *b, struct sp_why *why)
{
    const struct service_spec service = {.drain = on_drain, .arg = b, .drain_ms = DRAIN_MS};
    sp_error e;

    if ((e = broker_config_proxies(b->config, &b->proxies, why)) != SP_OK ||
        (e = start_store(b, why)) != SP_OK || (e = start_machine(b)) != SP_OK ||
        (e = start_decisions(b)) != SP_OK || (e = start_identity(b, why)) != SP_OK ||
        (e = start_feeds(b, why)) != SP_OK || (e = start_pages(b)) != SP_OK ||
        (e = start_feed(b)) != SP_OK || (e = start_api(b, why)) != SP_OK ||
        (e = start_server(b, why)) != SP_OK || (e = start_front(b, why)) != SP_OK ||
        (b->config->operations != NULL && (e = start_ops(b, why)) != SP_OK))
        return e;
    return service_start(b->loop, &service, &b->service);
}

void broker_stop_all(struct broker *b)
{
    service_free(b->service);
    front_free(b->front);
    pool_stop(b->pool); /* no handler runs from here on; requests that still come find it busy */
    ops_free(b->ops);
    server_free(b->server);
    control_free(b->control);
    handoff_free(b->handoff);
    live_feed_free(b->feed);
    changes_free(b->changes);
    api_stop(&b->api);
    pages_free(b->pages);
    logins_free(b->logins);
    feeds_free(b->feeds);
    oidc_free(b->oidc);
    idp_free(b->idp);
    accounts_free(b->accounts);
    tickets_free(b->tickets);
    signin_free(b->signin);
    mfa_free(b->mfa);
    sessions_free(b->sessions);
    live_free(b->live);
    edges_free(b->edges);
    judge_free(b->judge);
    rules_free(b->rules);
    registry_free(b->registry);
    engine_free(b->engine);
    pool_free(b->pool);
    loop_free(b->loop);
    keyring_deinit(&b->keys);
    secret_wipe(&b->proxy, sizeof b->proxy);
    store_close(b->store);
    if (b->lock_fd >= 0)
        close(b->lock_fd);
}
