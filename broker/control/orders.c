/*
 * Orders of broker/session to edges, as messages. They come from any thread and only leave a note
 * for the loop; cuts of connectors and relays are calls, since their answers tell when the last
 * byte passed.
 */
#include "broker/control/control_internal.h"
#include "broker/session/cut.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/proto/registry.h"
#include "lib/proto/relay.h"
#include "lib/proto/session.h"

#include <stdio.h>
#include <stdlib.h>

enum { CUT_ANSWER_MS = 5 * 1000 };

/* ---- cuts ---- */

struct cut {
    struct control *control;
    uint64_t edge;
    enum edge_kind kind;
    struct sp_id from, session;
    struct json *members; /* owned until sent */
    int64_t ms;           /* of the answer */
};

static struct json *cut_members(const struct cut_order *order, bool for_person)
{
    const struct session_cut m = {
        .session = order->session,
        .connector = order->connector,
        .app = order->app,
        .why = view_str(cut_word(order->why)),
        .text = view_str(for_person && order->text != NULL ? order->text : ""),
        .version = (int64_t)order->version};
    return fields_write(session_cut_fields, &m);
}

static void cut_free(struct cut *k)
{
    json_free(k->members);
    free(k);
}

static void tell_answered(void *arg)
{
    struct cut *k = arg;

    session_cut_answered(k->control->o.sessions, k->kind, k->from, k->session, k->ms);
    cut_free(k);
}

static void on_cut_answered(void *arg, sp_error e, const struct envelope *m)
{
    struct session_cut_answer answer;
    struct cut *k = arg;

    if (e != SP_OK || fields_read(m->members, session_cut_answer_fields, NULL, &answer) != SP_OK ||
        id_is_zero(k->session)) {
        cut_free(k); /* the side stays unconfirmed, which the console shows */
        return;
    }
    k->ms = answer.ms;
    if (pool_submit(k->control->o.pool, POOL_PLAIN, tell_answered, NULL, k) != SP_OK)
        cut_free(k);
}

static void send_cut(void *arg)
{
    struct cut *k = arg;
    struct channel *channel = listener_channel(k->control->listener, k->edge);
    const struct call_ask ask = {"session.cut", k->members, CUT_ANSWER_MS};
    struct call *call;

    k->members = NULL;
    if (channel == NULL) {
        json_free(ask.members);
        cut_free(k);
    } else if (channel_call(channel, &ask, on_cut_answered, k, &call) != SP_OK) {
        cut_free(k);
    }
}

static void edge_cut(void *arg, const struct cut_order *order)
{
    const struct link *l = arg;
    struct cut *k = calloc(1, sizeof *k);

    if (k == NULL)
        return;
    *k = (struct cut){.control = l->control,
                      .edge = l->edge,
                      .kind = l->kind,
                      .from = l->id,
                      .session = order->session,
                      .members = cut_members(order, false)};
    if (k->members == NULL || loop_post(l->control->loop, send_cut, k) != SP_OK)
        cut_free(k);
}

/* ---- events ---- */

static void send(const struct link *l, const char *type, struct json *members)
{
    if (members != NULL)
        listener_send(l->control->listener, l->edge, type, members);
}

static void agent_cut(void *arg, const struct cut_order *order)
{
    send(arg, "session.cut", cut_members(order, true));
}

static void edge_limit(void *arg, const struct limit_order *order)
{
    const struct session_limit m = {
        .session = order->session, .until = order->deadline, .why = view_str("policy")};

    send(arg, "session.limit", fields_write(session_limit_fields, &m));
}

static void edge_pause(void *arg, const struct pause_order *order)
{
    const struct session_limit pause = {.session = order->session,
                                        .until = order->until,
                                        .why = view_str("step_up"),
                                        .step_up = view_str("otp")};
    const struct session_name resume = {.session = order->session};

    if (order->paused)
        send(arg, "session.pause", fields_write(session_limit_fields, &pause));
    else
        send(arg, "session.resume", fields_write(session_name_fields, &resume));
}

/* ---- what an edge should know anew ---- */

struct note {
    struct control *control;
    uint64_t edge;
    struct sp_id connector, app;
};

static void greet_again(void *arg)
{
    struct note *n = arg;

    connector_greet(n->control, n->edge, n->connector);
    free(n);
}

static void connector_again(void *arg)
{
    const struct link *l = arg;
    struct note *n = calloc(1, sizeof *n);

    if (n == NULL)
        return;
    *n = (struct note){.control = l->control, .edge = l->edge, .connector = l->id};
    if (pool_submit(l->control->o.pool, POOL_PLAIN, greet_again, NULL, n) != SP_OK)
        free(n);
}

static void connector_app_put(void *arg, struct sp_id app)
{
    const struct link *l = arg;
    const struct snapshot *s = registry_hold(l->control->o.registry);
    const struct app_row *row = snapshot_app_by_id(s, app);

    if (row != NULL) {
        const struct statement_put m = {.statement = row->record};
        send(l, "app.put", fields_write(statement_put_fields, &m));
    }
    registry_release(l->control->o.registry, s);
}

static void connector_app_drop(void *arg, struct sp_id app)
{
    const struct app_drop m = {.app = app, .version = INT64_MAX};

    send(arg, "app.drop", fields_write(app_drop_fields, &m));
}

struct keys_note {
    struct control *control;
    uint64_t edge;
};

static void send_keys(void *arg)
{
    struct keys_note *n = arg;
    const struct statement_put m = {.statement = n->control->server.keys};
    struct json *members = fields_write(statement_put_fields, &m);

    if (members != NULL)
        listener_send(n->control->listener, n->edge, "keys", members);
    free(n);
}

static void edge_keys(void *arg)
{
    const struct link *l = arg;
    struct keys_note *n = calloc(1, sizeof *n);

    if (n == NULL)
        return;
    *n = (struct keys_note){.control = l->control, .edge = l->edge};
    if (loop_post(l->control->loop, send_keys, n) != SP_OK)
        free(n);
}

static void edge_drain(void *arg, sp_unix_ms until)
{
    const struct drain m = {.until = until};

    send(arg, "drain", fields_write(drain_fields, &m));
}

struct closing {
    struct control *control;
    uint64_t edge;
    int code;
    char reason[64];
};

static void close_on_loop(void *arg)
{
    struct closing *k = arg;

    listener_close(k->control->listener, k->edge, (enum channel_close)k->code, k->reason);
    free(k);
}

static void edge_close(void *arg, int code, const char *reason)
{
    const struct link *l = arg;
    struct closing *k = calloc(1, sizeof *k);

    if (k == NULL)
        return;
    *k = (struct closing){.control = l->control, .edge = l->edge, .code = code};
    snprintf(k->reason, sizeof k->reason, "%s", reason);
    if (loop_post(l->control->loop, close_on_loop, k) != SP_OK)
        free(k);
}

const struct edge_ops agent_ops = {
    .cut = agent_cut, .limit = edge_limit, .pause = edge_pause, .close = edge_close};
const struct edge_ops connector_ops = {.cut = edge_cut,
                                       .limit = edge_limit,
                                       .pause = edge_pause,
                                       .keys = edge_keys,
                                       .app_put = connector_app_put,
                                       .app_drop = connector_app_drop,
                                       .relays = connector_again,
                                       .drain = edge_drain,
                                       .close = edge_close};
const struct edge_ops relay_ops = {.cut = edge_cut,
                                   .limit = edge_limit,
                                   .keys = edge_keys,
                                   .drain = edge_drain,
                                   .close = edge_close};
