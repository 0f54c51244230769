/* What bounds a decision that allows, and which of several rules a person hears of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/decide.h"
#include "broker/policy/parse.h"
#include "lib/base/buf.h"

enum { MIN = 60 * 1000, HOUR = 60 * MIN };
static const sp_unix_ms NOW = 1795597200000;

#define POLICY(rules) \
    "version: 1\npolicies:\n  - name: p\n    apps: {names: [wiki]}\n    allow:\n" rules

static struct policy_doc *parsed(const char *text)
{
    struct policy_doc *doc = NULL;
    struct sp_why why = {0};

    if (policy_parse(view_str(text), NULL, &why, &doc) != SP_OK)
        fail_msg("%u:%u %s", why.line, why.column, why.text);
    return doc;
}

static struct facts anna(void)
{
    return (struct facts){.now = NOW,
                          .mfa_now = NOW,
                          .user = "anna",
                          .app = "wiki",
                          .app_exists = true,
                          .groups_known = true};
}

/* HRD-20: the strictest of two limits, whichever comes first. */
static void HRD_20_the_stricter_of_two_limits_counts_in_either_order(void **state)
{
    static const struct limits a = {.session_max_ms = HOUR,
                                    .idle_ms = 5 * MIN,
                                    .reverify_ms = 0,
                                    .step_up = MFA_OTP,
                                    .step_up_every_ms = 10 * MIN},
                               b = {.session_max_ms = 2 * HOUR,
                                    .idle_ms = 3 * MIN,
                                    .reverify_ms = 7 * MIN,
                                    .step_up = MFA_OTP,
                                    .step_up_every_ms = 20 * MIN},
                               none = {0};

    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        struct limits l = turned ? limits_strictest(b, a) : limits_strictest(a, b);
        assert_int_equal(l.session_max_ms, HOUR);
        assert_int_equal(l.idle_ms, 3 * MIN);
        assert_int_equal(l.reverify_ms, 7 * MIN); /* 0 is no limit */
        assert_int_equal(l.step_up, MFA_OTP);
        assert_int_equal(l.step_up_every_ms, 10 * MIN);
        l = turned ? limits_strictest(none, b) : limits_strictest(b, none);
        assert_int_equal(l.step_up, MFA_OTP);
        assert_int_equal(l.step_up_every_ms, 20 * MIN);
    }
}

static void HRD_20_a_deadline_never_wraps_and_never_outlives_its_request(void **state)
{
    struct policy_doc *doc = parsed(POLICY("      - {name: a, when: {users: [anna]}}\n")),
                      *nobody = parsed(POLICY("      - {name: a, when: {users: [ben]}}\n"));
    struct facts f = anna();

    (void)state;
    f.now = INT64_MAX - 1;
    struct decision d = decide(doc, NULL, &f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_true(d.deadline == INT64_MAX);

    f = anna();
    f.access_until = NOW + MIN;
    d = decide(nobody, NULL, &f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_true(d.deadline == NOW + MIN);
    f.access_until = NOW + INT64_C(100) * HOUR; /* and a session is no longer for a long request */
    d = decide(nobody, NULL, &f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_true(d.deadline == NOW + DEFAULT_SESSION_MAX_MS);
    policy_doc_free(nobody);
    policy_doc_free(doc);
}

/* Two rules that lack equally much: the one that comes first by its name is told, in any order. */
static void ZT_7_the_nearest_rule_does_not_depend_on_order(void **state)
{
    static const char *const rules[] = {
        "      - {name: early, when: {users: [anna], device: {owner: user}}}\n",
        "      - {name: late, when: {users: [anna], device: {owner: user}}}\n",
        "      - {name: far, when: {users: [anna], device: {owner: user}, country: {in: [DE]}}}\n"};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct facts f = anna();
        struct buf text;

        buf_init(&text, 2048);
        buf_add_str(&text, POLICY(""));
        for (int n = 0; n < 3; n++)
            buf_add_str(&text, rules[orders[i][n]]);
        struct policy_doc *doc = parsed(buf_cstr(&text));
        struct decision d = decide(doc, NULL, &f);
        assert_int_equal(d.verdict, VERDICT_DENY);
        assert_non_null(d.rule);
        assert_string_equal(d.rule->name, "early");
        policy_doc_free(doc);
        buf_deinit(&text);
    }
}

static void ZT_7_the_nearest_rule_is_that_of_the_first_policy_by_name(void **state)
{
    static const char *const policies[] = {
        "  - name: a\n    apps: {names: [wiki]}\n"
        "    allow: [{name: r, when: {users: [anna], device: {owner: user}}}]\n",
        "  - name: b\n    apps: {names: [wiki]}\n"
        "    allow: [{name: r, when: {users: [anna], device: {owner: user}}}]\n"};
    struct facts f = anna();

    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        struct buf text;

        buf_init(&text, 2048);
        buf_addf(&text, "version: 1\npolicies:\n%s%s", policies[turned], policies[!turned]);
        struct policy_doc *doc = parsed(buf_cstr(&text));
        struct decision d = decide(doc, NULL, &f);
        assert_non_null(d.policy);
        assert_string_equal(d.policy->name, "a");
        policy_doc_free(doc);
        buf_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_20_the_stricter_of_two_limits_counts_in_either_order),
        cmocka_unit_test(HRD_20_a_deadline_never_wraps_and_never_outlives_its_request),
        cmocka_unit_test(ZT_7_the_nearest_rule_does_not_depend_on_order),
        cmocka_unit_test(ZT_7_the_nearest_rule_is_that_of_the_first_policy_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
