/* What a policy document may not say: each refusal with its line and field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/parse.h"
#include "broker/policy/tests.h"
#include "tests/unit/broker/policy/example.h"

#define HEAD "version: 1\npolicies:\n  - name: a\n    apps: {all: true}\n"
#define ALLOW HEAD "    allow:\n      - name: r\n        when:\n          "

static const struct {
    const char *name, *text;
    unsigned line;
    const char *field;
} bad[] = {
    {"unknown key", "version: 1\npolicys: []\n", 2, ""},
    {"no version", "policies: []\n", 0, ""},
    {"another version", "version: 2\n", 1, ""},
    {"unknown condition", ALLOW "gruops: [a/b]\n", 8, "policies[0].allow[0].when"},
    {"unknown key in a policy", HEAD "    alow: []\n", 5, "policies[0]"},
    {"no apps", "version: 1\npolicies:\n  - {name: a}\n", 0, "policies[0].apps"},
    {"empty apps", "version: 1\npolicies:\n  - {name: a, apps: {}}\n", 3, "policies[0].apps"},
    {"empty names", "version: 1\npolicies:\n  - {name: a, apps: {names: []}}\n", 3,
     "policies[0].apps"},
    {"empty labels", "version: 1\npolicies:\n  - {name: a, apps: {labels: {}}}\n", 3,
     "policies[0].apps"},
    {"two policies of one name",
     "version: 1\npolicies:\n  - {name: a, apps: {all: true}}\n  - {name: a, apps: {all: true}}\n",
     4, "policies[1]"},
    {"two rules of one name",
     HEAD "    allow:\n      - {name: r, when: {users: [x]}}\n      - {name: r, when: {users: "
          "[y]}}\n",
     7, "policies[0].allow[1]"},
    {"mfa inside not", ALLOW "not: {mfa: {max_age: 1h}}\n", 8, "policies[0].allow[0].when.not.mfa"},
    {"mfa inside any inside not", ALLOW "not: {any: [{mfa: {}}]}\n", 8,
     "policies[0].allow[0].when.not.any[0].mfa"},
    {"mfa inside not inside any", ALLOW "any: [{not: {mfa: {}}}]\n", 8,
     "policies[0].allow[0].when.any[0].not.mfa"},
    {"group without provider", ALLOW "groups: [staff]\n", 8, "policies[0].allow[0].when.groups"},
    {"empty list", ALLOW "users: []\n", 8, "policies[0].allow[0].when.users"},
    {"equal ends", ALLOW "time: {from: \"09:00\", to: \"09:00\", zone: UTC}\n", 8,
     "policies[0].allow[0].when.time"},
    {"no zone", ALLOW "time: {from: \"09:00\", to: \"10:00\"}\n", 8,
     "policies[0].allow[0].when.time"},
    {"unknown zone", ALLOW "time: {days: mon, zone: Europe/Atlantis}\n", 8,
     "policies[0].allow[0].when.time"},
    {"zone outside the folder", ALLOW "time: {days: mon, zone: ../../etc/passwd}\n", 8,
     "policies[0].allow[0].when.time"},
    {"hour 24 as a start", ALLOW "time: {from: \"24:00\", to: \"10:00\", zone: UTC}\n", 8,
     "policies[0].allow[0].when.time"},
    {"bad day", ALLOW "time: {days: mon-fry, zone: UTC}\n", 8, "policies[0].allow[0].when.time"},
    {"31 February", ALLOW "time: {until: \"2027-02-31T00:00:00Z\"}\n", 8,
     "policies[0].allow[0].when.time"},
    {"a version as a number", ALLOW "posture: [{signal: agent_version, at_least: 1.10}]\n", 8,
     "policies[0].allow[0].when.posture[0].at_least"},
    {"no version at all", ALLOW "posture: [{signal: agent_version, at_least: \"new\"}]\n", 8,
     "policies[0].allow[0].when.posture[0].at_least"},
    {"two tests in one", ALLOW "posture: [{signal: x, is: pass, equals: y}]\n", 8,
     "policies[0].allow[0].when.posture[0]"},
    {"bits behind the prefix", ALLOW "network: {in: [198.18.66.5/24]}\n", 8,
     "policies[0].allow[0].when.network"},
    {"prefix too long", ALLOW "network: {in: [198.18.66.0/33]}\n", 8,
     "policies[0].allow[0].when.network"},
    {"octal address", ALLOW "network: {in: [0198.18.66.0/24]}\n", 8,
     "policies[0].allow[0].when.network"},
    {"country in small letters", ALLOW "country: {in: [de]}\n", 8,
     "policies[0].allow[0].when.country"},
    {"bad duration", ALLOW "mfa: {max_age: 12}\n", 8, "policies[0].allow[0].when.mfa"},
    {"negative duration", ALLOW "mfa: {max_age: -12h}\n", 8, "policies[0].allow[0].when.mfa"},
    {"unknown risk", ALLOW "risk: {at_least: huge}\n", 8, "policies[0].allow[0].when.risk"},
    {"unknown mode", HEAD "    mode: dry\n", 5, "policies[0]"},
    {"deny of everything", HEAD "    deny:\n      - {name: d, when: {}}\n", 6,
     "policies[0].deny[0].when"},
    {"or_unknown of an allow rule",
     HEAD "    allow:\n      - {name: r, when: {users: [x]}, or_unknown: true}\n", 0,
     "policies[0].allow[0]"},
    {"a test without expect", "version: 1\ntests:\n  - {user: x, app: y}\n", 3, "tests[0]"},
    {"anchors", "version: 1\npolicies: &a []\n", 2, ""},
    {"duplicate key", "version: 1\nversion: 1\n", 2, ""},
};

static void everything_unclear_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sp_why why = {0};
        struct policy_doc *doc = NULL;
        sp_error e = policy_parse(view_str(bad[i].text), NULL, &why, &doc);
        if (e != SP_ERR_INVALID && e != SP_ERR_MALFORMED)
            fail_msg("%s: %s", bad[i].name, sp_error_code(e));
        assert_null(doc);
        if (why.text[0] == '\0' || (bad[i].line != 0 && why.line != bad[i].line) ||
            strcmp(why.field, bad[i].field) != 0)
            fail_msg("%s: line %u, field %s: %s", bad[i].name, why.line, why.field, why.text);
    }
}

static void an_empty_text_denies_everything(void **state)
{
    (void)state;
    struct policy_doc *doc = NULL;

    assert_int_equal(policy_parse(view_str(""), NULL, NULL, &doc), SP_OK);
    assert_int_equal(doc->count, 0);
    policy_doc_free(doc);
}

static void lines_and_tests_of_the_example(void **state)
{
    (void)state;
    struct policy_doc *doc = NULL;
    struct sp_why why = {0};
    const struct label labels[] = {{"env", "prod"}, {"data", "salary"}};
    const struct lint_app apps[] = {{"payroll", labels, 2}};

    assert_int_equal(policy_parse(view_str(example_text), NULL, &why, &doc), SP_OK);
    assert_int_equal(doc->count, 3);
    assert_int_equal(doc->policies[1].line, 14);
    assert_int_equal(doc->policies[2].allow[0].line, 25);
    assert_int_equal(doc->test_count, 1);
    assert_int_equal(policy_tests_run(doc, apps, 1, 1795597200000, &why), SP_OK);
    policy_doc_free(doc);
}

static void a_failing_test_names_its_line(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "    allow:\n      - {name: r, when: {users: [x]}}\n"
             "tests:\n  - {user: x, app: y, expect: allow}\n  - {user: z, app: y, expect: allow}\n"
             "  - {user: z, app: y, expect: deny, reason: not_visible}\n";
    const struct lint_app apps[] = {{"y", NULL, 0}};
    struct policy_doc *doc = NULL;
    struct sp_why why = {0};

    assert_int_equal(policy_parse(view_str(text), NULL, &why, &doc), SP_OK);
    assert_int_equal(policy_tests_run(doc, apps, 1, 1795597200000, &why), SP_ERR_INVALID);
    assert_int_equal(why.line, 9);
    assert_string_equal(why.field, "tests[1]");
    policy_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_unclear_is_refused_with_its_place),
        cmocka_unit_test(an_empty_text_denies_everything),
        cmocka_unit_test(lines_and_tests_of_the_example),
        cmocka_unit_test(a_failing_test_names_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
