/* A kill on real services: the edges are this file's, and answer when they are told to. */
#include "broker/session/cut.h"

#include "broker/session/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct sp_id relay_id = {{1}}, connector_id = {{2}}, device_id = {{3}};
static const struct sp_id user_id = {{4}}, app_id = {{5}}, session_id = {{6}};

struct edge {
    size_t orders;
    struct sp_id session;
    enum cut_why why;
    char text[64];
};

static void on_cut(void *arg, const struct cut_order *order)
{
    struct edge *e = arg;

    e->orders++;
    e->session = order->session;
    e->why = order->why;
    snprintf(e->text, sizeof e->text, "%s", order->text != NULL ? order->text : "");
}

static void on_close(void *arg, int code, const char *reason)
{
    (void)arg, (void)code, (void)reason;
}

static const struct edge_ops ops = {.cut = on_cut, .close = on_close};

struct fixture {
    struct temp t;
    struct registry *registry;
    struct rules *rules;
    struct judge *judge;
    struct edges *edges;
    struct live *live;
    struct sessions *sessions;
    struct edge relay, connector;
    uint64_t handles[2];
};

static void attach(struct fixture *f, enum edge_kind kind, struct sp_id id, struct edge *edge,
                   uint64_t *handle)
{
    struct edge_info info = {.kind = kind, .id = id, .since = clock_unix()};

    assert_int_equal(edges_attach(f->edges, &info, &ops, edge, handle), SP_OK);
}

static void begin(struct fixture *f, bool with_connector)
{
    struct session s = {.id = session_id,
                        .user = user_id,
                        .device = device_id,
                        .app = app_id,
                        .relay = relay_id,
                        .connector = connector_id,
                        .state = SESSION_RUNNING,
                        .opened = clock_unix(),
                        .deadline = clock_unix() + 3600000,
                        .user_name = "anna",
                        .app_name = "wiki"};

    memset(f, 0, sizeof *f);
    temp_new(&f->t);
    assert_int_equal(registry_new(f->t.st, &f->registry), SP_OK);
    assert_int_equal(rules_new(f->registry, &f->rules), SP_OK);
    assert_int_equal(judge_new(f->t.st, &f->judge), SP_OK);
    assert_int_equal(edges_new(&f->edges), SP_OK);
    assert_int_equal(live_new(&f->live), SP_OK);
    struct sessions_config config = {.registry = f->registry,
                                     .rules = f->rules,
                                     .judge = f->judge,
                                     .edges = f->edges,
                                     .live = f->live};
    assert_int_equal(sessions_new(&config, &f->sessions), SP_OK);
    attach(f, EDGE_RELAY, relay_id, &f->relay, &f->handles[0]);
    if (with_connector)
        attach(f, EDGE_CONNECTOR, connector_id, &f->connector, &f->handles[1]);
    assert_int_equal(live_add(f->live, &s), SP_OK);
}

static void end(struct fixture *f)
{
    sessions_free(f->sessions);
    live_free(f->live);
    edges_free(f->edges);
    judge_free(f->judge);
    rules_free(f->rules);
    registry_free(f->registry);
    temp_free(&f->t);
}

struct found {
    const char *action;
    size_t count;
};

static bool count_action(void *arg, const struct audit_row *row)
{
    struct found *f = arg;
    struct json *j = NULL;

    assert_int_equal(json_parse(row->text, AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    f->count += strcmp(json_cstr(json_get(j, "action")), f->action) == 0;
    json_free(j);
    return true;
}

static size_t records(struct fixture *f, const char *action)
{
    struct found found = {action, 0};

    assert_int_equal(f->t.s->audit->walk(f->t.st, 1, 1, 1000, count_action, &found), SP_OK);
    return found.count;
}

static void wait_for_record(struct fixture *f, const char *action)
{
    for (int i = 0; i < 500 && records(f, action) == 0; i++)
        usleep(10000);
    assert_int_equal(records(f, action), 1);
}

static void kill_it(struct fixture *f, size_t expected)
{
    struct kill_target target = {.user = user_id};
    size_t count = 99;

    assert_int_equal(sessions_kill(f->sessions, &target, "ticket 8810", NULL, &count), SP_OK);
    assert_int_equal(count, expected);
    assert_int_equal(records(f, "session.kill"), 1);
}

static void a_kill_goes_to_both_edges_and_is_over_when_both_have_answered(void **state)
{
    (void)state;
    struct fixture f;
    struct session s;

    begin(&f, true);
    kill_it(&f, 1);
    assert_true(f.relay.orders >= 1 && f.connector.orders >= 1);
    assert_int_equal(f.relay.why, CUT_KILLED);
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    assert_int_equal(s.state, SESSION_CUTTING);
    session_cut_answered(f.sessions, EDGE_RELAY, relay_id, session_id, 0);
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    assert_true(s.cut_relay_ms >= 0);
    assert_int_equal(s.cut_connector_ms, -1);
    session_cut_answered(f.sessions, EDGE_CONNECTOR, connector_id, session_id, 0);
    assert_int_equal(live_get(f.live, session_id, &s), SP_ERR_NOT_FOUND);
    assert_int_equal(sessions_stats(f.sessions).cuts, 1);
    wait_for_record(&f, "session.cut");
    end(&f);
}

/* Edges report a session's end and then answer the order; the time to cut is in the answers. */
static void an_end_that_is_reported_during_a_cut_does_not_end_the_wait_for_its_answers(void **state)
{
    (void)state;
    struct fixture f;
    struct session s;

    begin(&f, true);
    kill_it(&f, 1);
    live_closed(f.live, EDGE_RELAY, relay_id, session_id, 0, 0, "cut");
    live_closed(f.live, EDGE_CONNECTOR, connector_id, session_id, 0, 0, "cut");
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    session_cut_answered(f.sessions, EDGE_CONNECTOR, connector_id, session_id, 0);
    session_cut_answered(f.sessions, EDGE_RELAY, relay_id, session_id, 0);
    assert_int_equal(live_get(f.live, session_id, &s), SP_ERR_NOT_FOUND);
    assert_int_equal(sessions_stats(f.sessions).cuts, 1);
    end(&f);
}

static bool keep_body(void *arg, const struct change_row *row)
{
    struct change_row *kept = arg;
    static uint8_t body[1024];

    assert_true(row->body.len <= sizeof body);
    memcpy(body, row->body.at, row->body.len);
    *kept = *row;
    kept->body.at = body;
    return true;
}

/* The change log may be read, here or by another broker, before the order's own loop. */
static void a_kill_says_its_reason_whoever_cuts_first(void **state)
{
    (void)state;
    struct fixture f, other;
    struct change_row row = {0};

    begin(&f, true);
    begin(&other, true);
    kill_it(&f, 1);
    assert_string_equal(f.relay.text, "ticket 8810");
    for (uint32_t scope = 0; scope < CHANGE_SCOPES && row.kind != CHANGE_KILL; scope++)
        assert_int_equal(f.t.s->changes->since(f.t.st, scope, 0, keep_body, &row), SP_OK);
    assert_int_equal(row.kind, CHANGE_KILL);
    struct changes_listener l = sessions_listener(other.sessions);
    l.row(l.arg, &row);
    assert_string_equal(other.relay.text, "ticket 8810");
    end(&other);
    end(&f);
}

static void the_newest_report_of_a_connector_is_where_it_stands(void **state)
{
    (void)state;
    struct fixture f;
    struct sp_id at[EDGE_STANDS_MAX], two[] = {{{1}}, {{7}}};
    uint64_t old;

    begin(&f, true);
    edges_stand_at(f.edges, f.handles[1], two, 2);
    assert_int_equal(edges_stands(f.edges, connector_id, at), 2);
    edges_stand_at(f.edges, f.handles[1], &two[1], 1); /* the first relay is gone */
    assert_int_equal(edges_stands(f.edges, connector_id, at), 1);
    assert_true(id_equal(at[0], two[1]));
    edges_stand_at(f.edges, f.handles[0], two, 2); /* a relay stands nowhere */
    assert_int_equal(edges_stands(f.edges, relay_id, at), 0);
    old = f.handles[1];
    attach(&f, EDGE_CONNECTOR, connector_id, &f.connector, &f.handles[1]);
    edges_stand_at(f.edges, old, two, 2); /* late, of a channel that was replaced */
    assert_int_equal(edges_stands(f.edges, connector_id, at), 0);
    end(&f);
}

static void an_answer_of_another_edge_confirms_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct session s;

    begin(&f, true);
    kill_it(&f, 1);
    session_cut_answered(f.sessions, EDGE_RELAY, connector_id, session_id, 0);
    session_cut_answered(f.sessions, EDGE_CONNECTOR, relay_id, session_id, 0);
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    assert_int_equal(s.cut_relay_ms, -1);
    assert_int_equal(s.cut_connector_ms, -1);
    end(&f);
}

static void an_edge_that_does_not_hang_here_is_not_waited_for(void **state)
{
    (void)state;
    struct fixture f;
    struct session s;

    begin(&f, false);
    kill_it(&f, 1);
    session_cut_answered(f.sessions, EDGE_RELAY, relay_id, session_id, 0);
    assert_int_equal(live_get(f.live, session_id, &s), SP_ERR_NOT_FOUND);
    end(&f);
}

static void killing_what_is_not_live_is_a_success_and_still_goes_out(void **state)
{
    (void)state;
    struct kill_target target = {.session = {{77}}}, none = {0},
                       two = {.user = user_id, .app = app_id};
    struct fixture f;
    size_t count = 99;

    begin(&f, true);
    assert_int_equal(sessions_kill(f.sessions, &target, "x", NULL, &count), SP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(f.relay.orders, 1);
    assert_int_equal(sessions_kill(f.sessions, &none, "x", NULL, &count), SP_ERR_INVALID);
    assert_int_equal(sessions_kill(f.sessions, &two, "x", NULL, &count), SP_ERR_INVALID);
    end(&f);
}

static void a_session_whose_device_has_no_login_any_more_is_cut_by_itself(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f, true);
    sessions_touch(f.sessions, LIVE_DEVICE, device_id);
    for (int i = 0; i < 500 && f.connector.orders == 0; i++)
        usleep(10000);
    assert_true(f.relay.orders == 1 && f.connector.orders == 1);
    assert_int_equal(f.connector.why, CUT_REVOKED);
    assert_true(id_equal(f.connector.session, session_id));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_goes_to_both_edges_and_is_over_when_both_have_answered),
        cmocka_unit_test(
            an_end_that_is_reported_during_a_cut_does_not_end_the_wait_for_its_answers),
        cmocka_unit_test(a_kill_says_its_reason_whoever_cuts_first),
        cmocka_unit_test(the_newest_report_of_a_connector_is_where_it_stands),
        cmocka_unit_test(an_answer_of_another_edge_confirms_nothing),
        cmocka_unit_test(an_edge_that_does_not_hang_here_is_not_waited_for),
        cmocka_unit_test(killing_what_is_not_live_is_a_success_and_still_goes_out),
        cmocka_unit_test(a_session_whose_device_has_no_login_any_more_is_cut_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
