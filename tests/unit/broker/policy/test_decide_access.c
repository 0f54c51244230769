/* What an approved request for access opens, and when it ends. */
#include "tests/unit/broker/policy/rows.h"

/* An approved request is an allow rule for its person, app and time; it beats nothing. */
static void a_request_adds_an_allow_and_nothing_else(void **state)
{
    const struct policy_doc *doc = *state;
    static const struct {
        const char *name;
        void (*change)(struct person *p);
        enum verdict without, with;
    } cases[] = {
        {"closed at this time", row7_closed, VERDICT_DENY, VERDICT_ALLOW},
        {"closed from this network", row8_elsewhere, VERDICT_DENY, VERDICT_ALLOW},
        {"an app of other groups", row4_staff_only, VERDICT_DENY, VERDICT_ALLOW},
        {"a deny rule", row3_contractor, VERDICT_DENY, VERDICT_DENY},
        {"a failing requirement", row5_vendor_says_fail, VERDICT_DENY, VERDICT_DENY},
        {"an unknown requirement", row6_never_reported, VERDICT_DENY, VERDICT_DENY},
        {"a device that waits", row11_pending, VERDICT_DENY, VERDICT_DENY},
        {"unreadable groups", row14_groups_unreadable, VERDICT_DENY, VERDICT_DENY},
        {"an app that is not there", row4_no_such_app, VERDICT_DENY, VERDICT_DENY},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct person p;
        anna(&p);
        on_payroll(&p);
        cases[i].change(&p);
        assert_int_equal(decide(doc, NULL, &p.f).verdict, cases[i].without);
        p.f.access_until = p.f.now; /* over */
        p.f.access_ref = "R-1";
        assert_int_equal(decide(doc, NULL, &p.f).verdict, cases[i].without);
        p.f.access_until = p.f.now + 5 * MIN;
        struct decision d = decide(doc, NULL, &p.f);
        if (d.verdict != cases[i].with)
            fail_msg("%s: %s", cases[i].name, reason_word(d.reason));
        if (d.verdict == VERDICT_ALLOW) {
            assert_true(d.by_access && d.rule == NULL);
            assert_int_equal(d.deadline, p.f.now + 5 * MIN);
            assert_int_equal(decide_again_at(doc, &p.f), p.f.now + 5 * MIN);
        }
    }
}

/* Beside a rule that allows, its end is nobody's deadline. */
static void a_request_beside_a_rule_that_allows_ends_nothing(void **state)
{
    const struct policy_doc *doc = *state;
    struct person p;
    struct buf line;

    anna(&p);
    on_payroll(&p);
    p.f.access_until = NOW + 5 * MIN;
    p.f.access_ref = "R-1";
    struct decision d = decide(doc, NULL, &p.f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_false(d.by_access);
    assert_int_equal(d.deadline, NOW + HOUR);
    buf_init(&line, 256);
    explain_line(doc, &p.f, &d, &line);
    assert_string_equal(buf_cstr(&line), "allow via payroll/hr and request R-1");
    buf_deinit(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_adds_an_allow_and_nothing_else),
        cmocka_unit_test(a_request_beside_a_rule_that_allows_ends_nothing),
    };
    return cmocka_run_group_tests(tests, document_set_up, document_tear_down);
}
