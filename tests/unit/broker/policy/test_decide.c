/* decide.c: each row of the decision table, in every order, with the sentences that people see. */
#include "tests/unit/broker/policy/rows.h"

#include "broker/policy/parse.h"

#include <stdio.h>

static void check_row(const struct row *r, const struct policy_doc *d)
{
    struct person p;
    struct sentences said;
    struct buf line;

    anna(&p);
    r->change(&p);
    struct decision got = decide(d, NULL, &p.f);
    explain_sentences(d, &p.f, &got, "R-7Q2M4K", &said);
    buf_init(&line, 4096);
    explain_line(d, &p.f, &got, &line);
    if (strcmp(buf_cstr(&line), r->line) != 0 && got.verdict != VERDICT_ALLOW)
        fail_msg("%s: %s", r->name, buf_cstr(&line));
    bool has = false; /* with shuffled rules the same pairs stand in another order */
    for (size_t i = 0; i < said.count; i++)
        has = has || (r->reason != NULL && strcmp(said.at[i].reason, r->reason) == 0 &&
                      strcmp(said.at[i].remedy, r->remedy) == 0);
    if (has != (r->reason != NULL) || (said.count > 0) != (r->reason != NULL))
        fail_msg("%s: %zu sentences, first: %s / %s", r->name, said.count, said.at[0].reason,
                 said.at[0].remedy);
    same_limits(r->name, got.limits, r->limits);
    assert_int_equal(explain_exit_code(&got), r->exit_code);
    assert_int_equal(got.deadline,
                     got.verdict == VERDICT_ALLOW ? p.f.now + r->limits.session_max_ms : 0);
    buf_deinit(&line);
}

static void HRD_22_the_fifteen_rows(void **state)
{
    const struct policy_doc *doc = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct person p;
        struct buf line;

        check_row(&rows[i], doc);
        anna(&p);
        rows[i].change(&p);
        struct decision d = decide(doc, NULL, &p.f);
        buf_init(&line, 4096);
        explain_line(doc, &p.f, &d, &line);
        assert_string_equal(buf_cstr(&line), rows[i].line);
        buf_deinit(&line);
    }
}

/* All orders of the three policies, with the rules of each as they stand and reversed. */
static void HRD_22_order_never_matters(void **state)
{
    const struct policy_doc *doc = *state;
    static const int order[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t o = 0; o < 12; o++) {
        struct policy shuffled[3];
        struct rule turned[3][2][8];
        for (size_t i = 0; i < 3; i++) {
            struct policy *p = &shuffled[i];
            *p = doc->policies[order[o % 6][i]];
            for (size_t k = 0; k < p->deny_count; k++)
                turned[i][0][k] = p->deny[p->deny_count - 1 - k];
            for (size_t k = 0; k < p->allow_count; k++)
                turned[i][1][k] = p->allow[p->allow_count - 1 - k];
            if (o >= 6) {
                p->deny = turned[i][0];
                p->allow = turned[i][1];
            }
        }
        struct policy_doc d = *doc;
        d.policies = shuffled;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            check_row(&rows[i], &d);
    }
}

static void HRD_8_a_zeroed_question_is_denied(void **state)
{
    const struct policy_doc *doc = *state;
    struct facts nothing = {0};
    struct decision d = decide(doc, NULL, &nothing);

    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_int_equal(((struct decision){0}).verdict, VERDICT_DENY);
    struct policy_doc empty = {0};
    struct person p;
    anna(&p);
    d = decide(&empty, NULL, &p.f);
    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_int_equal(d.reason, REASON_NOT_VISIBLE);
}

/* Documents of one policy each, and what anna gets from them: every check of decide() takes part in
 * one of these (tests/mutants). */
static void HRD_20_each_check_of_a_decision_counts(void **state)
{
    static const struct {
        const char *name, *policy; /* behind `name` and `apps` */
        enum verdict enforced, shadowed;
        enum reason reason;
    } cases[] = {
        {"a deny rule over what nobody knows",
         "    deny: [{name: d, when: {score: {feed: falcon, field: overall, at_least: 70, max_age: "
         "1h}}, or_unknown: true}]\n"
         "    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_DENY, VERDICT_DENY, REASON_DENY_RULE},
        {"the same without or_unknown",
         "    deny: [{name: d, when: {score: {feed: falcon, field: overall, at_least: 70, max_age: "
         "1h}}}]\n"
         "    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_ALLOW, VERDICT_ALLOW, REASON_NONE},
        {"a required proof that is too old",
         "    require: [{mfa: {max_age: 1m}}]\n    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_STEP_UP, VERDICT_STEP_UP, REASON_STEP_UP},
        {"a proof, or what nobody knows",
         "    allow: [{name: a, when: {any: [{mfa: {max_age: 1m}}, {score: {feed: falcon, field: "
         "overall, at_least: 70, max_age: 1h}}]}}]\n",
         VERDICT_STEP_UP, VERDICT_STEP_UP, REASON_STEP_UP},
        {"a policy that only watches",
         "    mode: shadow\n    allow: [{name: a, when: {users: [anna]}}]\n", VERDICT_DENY,
         VERDICT_ALLOW, REASON_NOT_VISIBLE},
        {"a policy that is off", "    mode: off\n    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_DENY, VERDICT_DENY, REASON_NOT_VISIBLE},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_doc *one = NULL;
        struct sp_why why = {0};
        struct person p;
        char text[1024];

        snprintf(text, sizeof text,
                 "version: 1\npolicies:\n  - name: p\n    apps: {names: [payroll]}\n%s",
                 cases[i].policy);
        if (policy_parse(view_str(text), NULL, &why, &one) != SP_OK)
            fail_msg("%s: line %u: %s", cases[i].name, why.line, why.text);
        anna(&p);
        struct decision d = decide(one, NULL, &p.f);
        if (d.verdict != cases[i].enforced || d.reason != cases[i].reason)
            fail_msg("%s: %s", cases[i].name, reason_word(d.reason));
        assert_int_equal(decide_with_shadow(one, NULL, &p.f).verdict, cases[i].shadowed);
        policy_doc_free(one);
    }
}

static void TM_05_no_reason_for_what_is_not_visible(void **state)
{
    const struct policy_doc *doc = *state;
    struct person p;
    struct sentences a, b;

    anna(&p);
    row4_staff_only(&p);
    p.f.device_state = DEVICE_BLOCKED;
    struct decision d = decide(doc, NULL, &p.f);
    explain_sentences(doc, &p.f, &d, "R-1", &a);
    row4_no_such_app(&p);
    d = decide(doc, NULL, &p.f);
    explain_sentences(doc, &p.f, &d, "R-1", &b);
    assert_memory_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_22_the_fifteen_rows),
        cmocka_unit_test(HRD_22_order_never_matters),
        cmocka_unit_test(HRD_8_a_zeroed_question_is_denied),
        cmocka_unit_test(HRD_20_each_check_of_a_decision_counts),
        cmocka_unit_test(TM_05_no_reason_for_what_is_not_visible),
    };
    return cmocka_run_group_tests(tests, document_set_up, document_tear_down);
}
