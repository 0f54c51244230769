#include "connector/gate.h"

static sp_unix_ms on_time(void *arg)
{
    struct gate *gate = arg;

    return gate->broker_time(gate->arg);
}

/* Never a value of the request: the template of its path, not the path. */
static void on_tell(void *arg, const struct gw_told *t)
{
    struct gate *gate = arg;
    struct json *detail = json_object();

    json_set_cstr(detail, "decision", t->decision);
    json_set_int(detail, "status", t->status);
    json_set_bool(detail, "blocked", t->blocked);
    json_set_str(detail, "method", t->method);
    if (t->template.len > 0)
        json_set_str(detail, "endpoint", t->template);
    if (t->rule[0] != '\0')
        json_set_cstr(detail, "rule", t->rule);
    const struct edge_audit a = {.action = view_str("refuse"),
                                 .session = t->caller->session,
                                 .app = t->app,
                                 .why = view_str(t->reason),
                                 .text = view_str(t->text),
                                 .detail = detail};
    log_event(t->blocked ? LOG_WARN : LOG_INFO, "gateway.refuse", t->text, "session",
              LOG_ID(t->caller->session), "app", LOG_ID(t->app), "reason", t->reason, "blocked",
              t->blocked ? "yes" : "no", "decision", t->decision, NULL);
    tell_audit(gate->tell, &a);
    json_free(detail);
}

static bool on_issuer(void *arg, struct view host, uint16_t port)
{
    struct gate *gate = arg;

    return floor_takes_issuer(*gate->floor, host, port);
}

sp_error gate_start(struct gate *gate, const struct connector_config *config,
                    const struct connector_state *state, struct loop *loop, struct pool *pool,
                    struct sp_why *why)
{
    const struct gateway_options o = {.loop = loop,
                                      .pool = pool,
                                      .state = state->dir,
                                      .files = config->gateway,
                                      .connector = state->id,
                                      .broker_time = on_time,
                                      .tell = on_tell,
                                      .client = gate->client,
                                      .issuer_allowed = on_issuer,
                                      .arg = gate};

    return gateway_new(&o, why, &gate->gateway);
}

void gate_end(struct gate *gate)
{
    gateway_free(gate->gateway);
    gate->gateway = NULL;
}
