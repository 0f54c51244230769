/* A kill on real services: the edges are this file's, and answer when they are told to. */
#include "tests/unit/broker/session/scene.h"

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
    const struct live_report closed = {.session = session_id};
    struct fixture f;
    struct session s;

    begin(&f, true);
    kill_it(&f, 1);
    live_closed(f.live, EDGE_RELAY, relay_id, &closed, "cut");
    live_closed(f.live, EDGE_CONNECTOR, connector_id, &closed, "cut");
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    session_cut_answered(f.sessions, EDGE_CONNECTOR, connector_id, session_id, 0);
    session_cut_answered(f.sessions, EDGE_RELAY, relay_id, session_id, 0);
    assert_int_equal(live_get(f.live, session_id, &s), SP_ERR_NOT_FOUND);
    assert_int_equal(sessions_stats(f.sessions).cuts, 1);
    end(&f);
}

/* Another connector and another relay, both enrolled, say what they like of a session that is not
 * theirs: it stays, with its edges and its bytes, and a kill still finds it where it runs. */
static void TM_03_INC_14_an_edge_s_word_about_a_session_of_another_edge_counts_for_nothing(
    void **state)
{
    (void)state;
    static const struct sp_id evil = {{66}};
    const struct live_report lie = {.session = session_id,
                                    .app = app_id,
                                    .relay = evil,
                                    .connector = evil,
                                    .bytes_up = 1u << 30,
                                    .bytes_down = 1u << 30,
                                    .opened = clock_unix(),
                                    .deadline = clock_unix() + 1};
    struct fixture f;
    struct session s;

    begin(&f, true);
    for (enum edge_kind k = EDGE_CONNECTOR; k <= EDGE_RELAY; k++) {
        live_opened(f.live, k, evil, &lie);
        live_list(f.live, k, evil, &lie, 1, true);
        live_bytes(f.live, k, evil, session_id, 1u << 30, 1u << 30);
        live_closed(f.live, k, evil, &lie, "end");
        live_list(f.live, k, evil, NULL, 0, true);
    }
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    assert_true(id_equal(s.connector, connector_id) && id_equal(s.relay, relay_id));
    assert_true(s.bytes_up == 0 && s.bytes_down == 0 && s.state == SESSION_RUNNING);
    kill_it(&f, 1);
    assert_true(f.relay.orders >= 1 && f.connector.orders >= 1);
    end(&f);
}

/* FLT-14: it ended while the connector's channel was gone. A list in two pages names the others. */
static void FLT_14_what_a_connector_that_is_back_does_not_name_has_ended(void **state)
{
    (void)state;
    const struct live_report r = {.session = session_id,
                                  .app = app_id,
                                  .relay = relay_id,
                                  .connector = connector_id,
                                  .opened = clock_unix(),
                                  .deadline = clock_unix() + 3600000};
    struct fixture f;
    struct session s;

    begin(&f, true);
    live_opened(f.live, EDGE_RELAY, relay_id, &r);
    live_opened(f.live, EDGE_CONNECTOR, connector_id, &r);
    live_closed(f.live, EDGE_RELAY, relay_id, &r, "lost"); /* a tunnel of it */
    live_list_begins(f.live, EDGE_CONNECTOR, connector_id);
    live_list(f.live, EDGE_CONNECTOR, connector_id, &r, 1, false);
    live_list(f.live, EDGE_CONNECTOR, connector_id, NULL, 0, true);
    assert_int_equal(live_get(f.live, session_id, &s), SP_OK);
    assert_true(s.at_connector && !s.at_relay);
    live_list_begins(f.live, EDGE_CONNECTOR, connector_id);
    live_list(f.live, EDGE_CONNECTOR, connector_id, NULL, 0, true);
    assert_int_equal(live_get(f.live, session_id, &s), SP_ERR_NOT_FOUND);
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
        cmocka_unit_test(FLT_14_what_a_connector_that_is_back_does_not_name_has_ended),
        cmocka_unit_test(a_kill_goes_to_both_edges_and_is_over_when_both_have_answered),
        cmocka_unit_test(
            an_end_that_is_reported_during_a_cut_does_not_end_the_wait_for_its_answers),
        cmocka_unit_test(
            TM_03_INC_14_an_edge_s_word_about_a_session_of_another_edge_counts_for_nothing),
        cmocka_unit_test(a_kill_says_its_reason_whoever_cuts_first),
        cmocka_unit_test(the_newest_report_of_a_connector_is_where_it_stands),
        cmocka_unit_test(an_answer_of_another_edge_confirms_nothing),
        cmocka_unit_test(an_edge_that_does_not_hang_here_is_not_waited_for),
        cmocka_unit_test(killing_what_is_not_live_is_a_success_and_still_goes_out),
        cmocka_unit_test(a_session_whose_device_has_no_login_any_more_is_cut_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
