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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_modes_carry_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
