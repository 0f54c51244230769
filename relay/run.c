#include "relay/run.h"

#include "lib/base/log.h"
#include "lib/edge/status.h"
#include "lib/http/engine.h"
#include "lib/os/pool.h"
#include "lib/os/sandbox.h"
#include "lib/os/service.h"
#include "lib/tls/hello.h"
#include "relay/accept.h"
#include "relay/control.h"
#include "relay/orphan.h"
#include "relay/pair.h"
#include "relay/report.h"
#include "relay/stand.h"

enum { WORKERS = 2, DRAIN_LOOK_MS = 200 };

struct running {
    struct relay relay;
    struct relay_state state;
    struct service *service;
    struct status *status;
    struct timer *drained; /* owned; NULL: not running */
};

static void on_drain_look(void *arg)
{
    struct running *r = arg;

    r->drained = NULL;
    if (pairs_count(r->relay.pairs) == 0 || timer_start(r->relay.loop, clock_boot() + DRAIN_LOOK_MS,
                                                        on_drain_look, r, &r->drained) != SP_OK)
        service_done(r->service);
}

/* No new tunnels; the old ones end by themselves, or when the service's time is over. */
static void on_drain(void *arg)
{
    struct running *r = arg;

    r->relay.draining = true;
    log_event(LOG_INFO, "relay.drain", "no new sessions", "sessions",
              LOG_INT((int64_t)pairs_count(r->relay.pairs)), NULL);
    accepts_stop(r->relay.accepts);
    stands_drain(r->relay.stands, relay_now(&r->relay) + r->relay.config->drain_max_ms);
    on_drain_look(r);
}

/* ---- what it says of itself --------------------------------------------------------------- */

static bool facts(void *arg, struct json *out)
{
    struct running *r = arg;
    const struct relay *relay = &r->relay;
    bool up = control_up(relay->control) && control_enrolled(relay->control);
    bool ready = up && !relay->draining && accepts_open(relay->accepts);

    json_set_cstr(out, "status", ready ? "ready" : relay->draining ? "draining" : "not ready");
    json_set_cstr(out, "control", up ? "connected" : "lost");
    json_set_cstr(out, "trouble", control_trouble(relay->control));
    json_set_bool(out, "enrolled", control_enrolled(relay->control));
    json_set_id(out, "relayId", relay->state->id);
    json_set_cstr(out, "broker", relay->state->broker.url);
    json_set_bool(out, "accepting", accepts_open(relay->accepts));
    json_set_int(out, "connectors", (int64_t)stands_count(relay->stands));
    json_set_int(out, "spares", (int64_t)stands_spares(relay->stands));
    json_set_int(out, "sessions", (int64_t)pairs_count(relay->pairs));
    json_set_int(out, "bytes", (int64_t)pairs_bytes(relay->pairs));
    return ready;
}

static bool order(void *arg, const char *what, struct json *out)
{
    struct running *r = arg;

    if (strcmp(what, "drain") != 0)
        return false;
    if (!r->relay.draining || r->drained == NULL)
        on_drain(r);
    json_set_cstr(out, "status", "draining");
    json_set_int(out, "sessions", (int64_t)pairs_count(r->relay.pairs));
    return true;
}

/* ---- life --------------------------------------------------------------------------------- */

SP_MUST static sp_error start(struct running *r, struct sp_why *why)
{
    struct relay *relay = &r->relay;
    const struct service_spec service = {
        .drain = on_drain, .arg = r, .drain_ms = relay->config->drain_max_ms};
    sp_error e;

    if ((e = relay_state_open(relay->config->state, true, &r->state, why)) != SP_OK)
        return e;
    relay->state = &r->state;
    if ((e = loop_new(&relay->loop)) != SP_OK ||
        (e = pool_new(relay->loop, WORKERS, &relay->pool)) != SP_OK ||
        (e = engine_new(relay->loop, &relay->engine)) != SP_OK ||
        (e = service_start(relay->loop, &service, &r->service)) != SP_OK ||
        (e = tunnel_thread_new(&relay->thread)) != SP_OK ||
        (e = tls_pinned_server(r->state.key, HELLO_TUNNEL_ALPN, &relay->tls)) != SP_OK ||
        (e = pairs_new(relay, &relay->pairs)) != SP_OK ||
        (e = stands_new(relay, &relay->stands)) != SP_OK ||
        (e = report_new(relay, &relay->report)) != SP_OK ||
        (e = control_new(relay, why, &relay->control)) != SP_OK ||
        (e = accepts_new(relay, control_enrol, why, &relay->accepts)) != SP_OK)
        return e;
    const struct status_spec status = {.facts = facts, .order = order, .arg = r};
    e = status_new(relay->loop, relay->config->health_socket, &status, &r->status);
    return e == SP_OK
               ? e
               : sp_why_say(why, e, "%s: %s", relay->config->health_socket, sp_error_text(e));
}

static void stop(struct running *r)
{
    struct relay *relay = &r->relay;

    status_free(r->status);
    timer_cancel(r->drained);
    accepts_free(relay->accepts);
    control_free(relay->control);
    relay->control = NULL;
    pairs_free(relay->pairs);
    stands_free(relay->stands);
    orphans_free(relay);
    report_free(relay->report);
    tls_context_free(relay->tls);
    service_free(r->service);
    engine_free(relay->engine);
    pool_free(relay->pool);
    loop_free(relay->loop);
    tunnel_thread_free(relay->thread);
    relay_state_close(&r->state);
}

sp_error relay_run(const struct relay_config *config, struct sp_why *why)
{
    struct running r = {.relay = {.config = config}, .state = {.lock = -1}};
    struct sp_why unsealed = {0};

    if (sandbox_syscalls(0, &unsealed) != SP_OK)
        log_event(LOG_WARN, "relay.sandbox", unsealed.text, NULL);
    sp_error e = start(&r, why);
    if (e == SP_OK) {
        service_ready(r.service, "moves bytes");
        loop_run(r.relay.loop);
    }
    stop(&r);
    return e == SP_OK || (why != NULL && why->text[0] != '\0')
               ? e
               : sp_why_say(why, e, "the relay can't start: %s", sp_error_text(e));
}
