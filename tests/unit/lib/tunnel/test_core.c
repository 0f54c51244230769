#include "tests/unit/check.h"
#include "tests/unit/lib/tunnel/rig.h"

static void run_both_ways(bool offer, bool accept_cut, size_t piece, size_t bytes)
{
    struct rig r;

    rig_init(&r, offer, accept_cut);
    r.piece = piece;
    rig_open(&r);
    rig_stream(&r, bytes, bytes + 1000);
    rig_settle(&r);
    check(r.agent_up && r.connector_up);
    assert_int_equal(r.said.deadline, 4711);
    assert_int_equal(r.at_connector.got, bytes);
    assert_int_equal(r.at_agent.got, bytes + 1000);
    check(!r.at_agent.wrong && !r.at_connector.wrong);
    check(r.at_agent.finished && r.at_connector.finished);
    check(r.at_agent.ended && r.at_connector.ended);
    check_ok(r.at_agent.why);
    check_ok(r.at_connector.why);
    assert_int_equal(r.at_agent.status, 200);
    check(rig_bare(&r) == (offer && accept_cut));
    rig_deinit(&r);
}

static void both_modes_carry_the_same_bytes(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes <= 3000000; bytes = bytes * 9 + 100) {
        run_both_ways(false, false, 0, bytes);
        run_both_ways(true, true, 0, bytes);
    }
}

/* An agent shakes hands with the relay while its broker still decides. */
static void a_session_may_come_after_the_handshake(void **state)
{
    struct rig r;

    (void)state;
    for (size_t piece = 0; piece <= 700; piece += 700) {
        rig_init(&r, true, true);
        r.piece = piece;
        rig_open_ahead(&r);
        rig_settle(&r);
        check(!r.agent_up && core_state(r.agent) == CORE_OUTER);
        check(outer_state(r.ra) == OUTER_UPGRADE); /* TLS is up, and nothing was asked */
        rig_begin(&r);
        rig_stream(&r, 5000, 7000);
        rig_settle(&r);
        check(r.agent_up && r.connector_up && rig_bare(&r));
        assert_int_equal(r.at_connector.got, 5000);
        assert_int_equal(r.at_agent.got, 7000);
        const struct upgrade_request again = {.path = UPGRADE_TUNNEL, .host = view_str("x")};
        assert_int_equal(SP_ERR_CLOSED, core_begin(r.agent, &again, &r.session,
                                                   &(struct tunnel_agent_says){{0}, {0}}));
        rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_modes_carry_the_same_bytes),
        cmocka_unit_test(a_session_may_come_after_the_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
