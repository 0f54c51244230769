/* How long a decision holds: the limits of who allows, the proofs they ask for, the next look. */
#include "tests/unit/broker/policy/rows.h"

#include "broker/policy/parse.h"

/* Where nobody says anything the defaults count; where two say something, the stricter. */
static void HRD_20_limits_are_never_absent_and_never_widened(void **state)
{
    static const char plain[] = "version: 1\npolicies:\n  - name: p\n    apps: {names: [payroll]}\n"
                                "    allow: [{name: a, when: {users: [anna]}}]\n";
    static const char limited[] = "version: 1\nlimits: {session_max: 1h, idle: 5m}\npolicies:\n"
                                  "  - name: p\n    apps: {names: [payroll]}\n"
                                  "    allow: [{name: a, when: {users: [anna]}}]\n";
    const struct limits wide = {.session_max_ms = 9 * HOUR, .idle_ms = 3 * HOUR};
    struct policy_doc *one = NULL;
    struct person p;
    (void)state;

    anna(&p);
    assert_int_equal(policy_parse(view_str(plain), NULL, NULL, &one), SP_OK);
    struct decision d = decide(one, NULL, &p.f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_int_equal(d.limits.session_max_ms, DEFAULT_SESSION_MAX_MS);
    assert_int_equal(d.limits.idle_ms, DEFAULT_IDLE_MS);
    assert_int_equal(d.deadline, p.f.now + DEFAULT_SESSION_MAX_MS);
    const struct limits each = {.step_up = MFA_OTP};
    p.f.proof_is_for_session = true;
    assert_int_equal(decide(one, &each, &p.f).verdict, VERDICT_ALLOW);
    p.f.proofs[0].at = 0; /* no proof at all, whatever it is said to be for */
    assert_int_equal(decide(one, &each, &p.f).verdict, VERDICT_STEP_UP);
    policy_doc_free(one);

    assert_int_equal(policy_parse(view_str(limited), NULL, NULL, &one), SP_OK);
    d = decide(one, &wide, &p.f);
    assert_int_equal(d.limits.session_max_ms, HOUR);
    assert_int_equal(d.limits.idle_ms, 5 * MIN);
    policy_doc_free(one);
}

static void an_app_can_only_narrow(void **state)
{
    const struct policy_doc *doc = *state;
    struct person p;
    struct limits app = {.session_max_ms = 5 * MIN, .idle_ms = 99 * HOUR};

    anna(&p);
    struct decision d = decide(doc, &app, &p.f);
    assert_int_equal(d.limits.session_max_ms, 5 * MIN);
    assert_int_equal(d.limits.idle_ms, 10 * MIN);
}

static void a_proof_for_each_session(void **state)
{
    const struct policy_doc *doc = *state;
    struct person p;
    struct limits app = {.step_up = MFA_OTP, .step_up_every_ms = 0};

    anna(&p);
    struct decision d = decide(doc, &app, &p.f);
    assert_int_equal(d.verdict, VERDICT_STEP_UP);
    p.f.proof_is_for_session = true;
    d = decide(doc, &app, &p.f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    p.f.proofs[0].kind = MFA_ANY; /* too weak for the limit, whatever session it is for */
    d = decide(doc, &app, &p.f);
    assert_int_equal(d.verdict, VERDICT_STEP_UP);
}

/* Posture expires 13 min from now (2 min old of 15), before the window closes at 20:00. */
static void the_next_look_is_at_the_first_change_of_time(void **state)
{
    const struct policy_doc *doc = *state;
    struct person p;

    anna(&p);
    assert_int_equal(decide_again_at(doc, &p.f), NOW + 13 * MIN);
    for (size_t i = 0; i < 3; i++)
        ((struct fact_value *)p.signals[i].values)->expires_at = NOW + 100 * HOUR;
    assert_int_equal(decide_again_at(doc, &p.f), NOW + 58 * MIN + 1); /* max_age 1h of the disk */
    p.f.signal_count = 0;
    assert_int_equal(decide_again_at(doc, &p.f), NOW + 10 * HOUR); /* 20:00 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_20_limits_are_never_absent_and_never_widened),
        cmocka_unit_test(an_app_can_only_narrow),
        cmocka_unit_test(a_proof_for_each_session),
        cmocka_unit_test(the_next_look_is_at_the_first_change_of_time),
    };
    return cmocka_run_group_tests(tests, document_set_up, document_tear_down);
}
