#include "connector/gate.h"

#include "connector/documents.h"
#include "lib/proto/gateway.h"

static sp_unix_ms on_time(void *arg)
{
    struct gate *gate = arg;

    return gate->broker_time(gate->arg);
}

/* Never a value of the request: the template of its path, not the path. */
static void on_tell(void *arg, const struct gw_told *t)
{
    struct gate *gate = arg;
    int64_t left_out = 0;

    if (!t->blocked && !hits_take(&gate->hits, t->app, clock_boot(), &left_out))
        return;
    struct json *detail = json_object();
    trace_write(&t->trace, detail);
    json_set_int(detail, "status", t->status);
    json_set_bool(detail, "blocked", t->blocked);
    json_set_cstr(detail, "mode", t->blocked ? "block" : "monitor");
    if (t->detector[0] != '\0')
        json_set_cstr(detail, "detector", t->detector);
    json_set_str(detail, "method", t->method);
    if (t->template.len > 0)
        json_set_str(detail, "endpoint", t->template);
    if (t->rule[0] != '\0')
        json_set_cstr(detail, "rule", t->rule);
    if (left_out > 0)
        json_set_int(detail, "left_out", left_out);
    const struct edge_audit a = {.action = view_str("gateway"),
                                 .session = t->caller->session,
                                 .app = t->app,
                                 .why = view_str(t->reason),
                                 .text = view_str(t->text),
                                 .detail = detail};
    log_event(t->blocked ? LOG_WARN : LOG_INFO, "gateway.refuse", t->text, "session",
              LOG_ID(t->caller->session), "app", LOG_ID(t->app), "reason", t->reason, "blocked",
              t->blocked ? "yes" : "no", "decision", t->trace.decision, NULL);
    if (t->blocked)
        tell_bounded(gate->tell, &a);
    else
        tell_audit(gate->tell, &a);
    json_free(detail);
}

static bool on_issuer(void *arg, struct view host, uint16_t port)
{
    struct gate *gate = arg;

    return floor_takes_issuer(*gate->floor, host, port);
}

/* The app's memory found something: the broker keeps it for people (PROTOCOL section 5). */
static bool on_incident(void *arg, struct sp_id app, const struct json *incident)
{
    struct gate *gate = arg;
    struct json *detail = json_copy(incident);
    struct view evidence = json_str(json_at(json_get(incident, "evidence"), 0));
    struct edge_audit a = {.action = view_str("incident"),
                           .app = app,
                           .why = json_str(json_get(incident, "detector")),
                           .text = evidence,
                           .detail = detail};

    if (json_get_id(incident, "session", &a.session) != SP_OK)
        a.session = (struct sp_id){0};
    bool taken = tell_incident(gate->tell, &a);
    if (taken)
        log_event(LOG_WARN, "gateway.incident",
                  json_cstr(json_at(json_get(incident, "evidence"), 0)), "app", LOG_ID(app),
                  "detector", json_cstr(json_get(incident, "detector")), NULL);
    json_free(detail);
    return taken;
}

static bool on_report(void *arg, struct json *report)
{
    struct gate *gate = arg;

    return tell_now(gate->tell, "api.report", report);
}

static void on_fetch(void *arg, const uint8_t sha256[32])
{
    documents_want(((struct gate *)arg)->documents, sha256);
}

static bool on_demand(void *arg, struct json *demand)
{
    struct gate *gate = arg;

    return tell_now(gate->tell, "api.demand", demand);
}

static bool on_siblings(void *arg, enum api_sealed_kind kind, struct json *told)
{
    struct gate *gate = arg;

    return tell_now(gate->tell, api_sealed_types[kind].type, told);
}

void gate_broker_back(struct gate *gate)
{
    struct json *jwks = NULL, *members = json_object();

    if (json_parse(gateway_jwks(gate->gateway), API_KEYS_MAX, NULL, &jwks) == SP_OK) {
        json_set(members, "jwks", jwks);
        (void)tell_now(gate->tell, "api.keys", members); /* the next channel says it again */
    } else {
        json_free(members);
    }
    gateway_tell_again(gate->gateway);
}

sp_error gate_start(struct gate *gate, const struct connector_config *config,
                    const struct connector_state *state, struct loop *loop, struct pool *pool,
                    struct sp_why *why)
{
    const struct gateway_options o = {.loop = loop,
                                      .pool = pool,
                                      .state = state->dir,
                                      .files = config->gateway,
                                      .documents = gate->folder,
                                      .fetch = on_fetch,
                                      .connector = state->id,
                                      .broker_time = on_time,
                                      .tell = on_tell,
                                      .incident = on_incident,
                                      .report = on_report,
                                      .demand = on_demand,
                                      .siblings = on_siblings,
                                      .client = gate->client,
                                      .issuer_allowed = on_issuer,
                                      .arg = gate};

    hits_init(&gate->hits);
    return gateway_new(&o, why, &gate->gateway);
}

void gate_end(struct gate *gate)
{
    gateway_free(gate->gateway);
    gate->gateway = NULL;
    hits_deinit(&gate->hits);
}
