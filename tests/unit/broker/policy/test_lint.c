/* What a policy document says but probably does not mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/policy/lint.h"
#include "broker/policy/parse.h"

#define HEAD "version: 1\npolicies:\n  - name: a\n    apps: {all: true}\n"
#define ALLOW HEAD "    allow:\n      - name: r\n        when:\n          "

enum { NOW_S = 1795597200 };
static const sp_unix_ms now = INT64_C(1000) * NOW_S;
static const struct lint_app apps[] = {{"y", NULL, 0}};

static const struct {
    const char *text;
    enum lint_kind kind;
    const char *rule;
} lints[] = {
    {HEAD "    allow:\n      - {name: r, when: {network: {in: [198.18.0.0/15]}}}\n", LINT_ALLOW_ALL,
     "r"},
    {HEAD "    allow:\n      - {name: r, when: {users: [x]}}\n      - {name: s, when: {users: [y], "
          "device: {state: approved}}}\n",
     LINT_ALLOW_BARE, "r"},
    {HEAD "    allow:\n      - {name: r, when: {users: [x]}}\n      - {name: s, when: {users: [x], "
          "mfa: {max_age: 1h}}}\n",
     LINT_SHADOWED, "s"},
    {"version: 1\npolicies:\n  - {name: a, apps: {names: [gone]}}\n", LINT_UNUSED, ""},
    {ALLOW "users: [x]\n          time: {until: \"2026-01-01T00:00:00Z\"}\n", LINT_NEVER, "r"},
    {HEAD "    deny:\n      - {name: d, when: {country: {in: [AQ]}}}\n", LINT_DENY_OVER_UNKNOWN,
     "d"},
    {HEAD "    deny:\n      - {name: d, when: {country: {in: [AQ]}}, or_unknown: true}\n",
     LINT_NONE, ""},
    {HEAD "    require:\n      - {country: {not_in: [AQ]}}\n    deny:\n      - {name: d, when: "
          "{country: {in: [AQ]}}}\n",
     LINT_NONE, ""},
    {HEAD "    allow:\n      - {name: r, when: {users: [x], device: {state: approved}}}\n",
     LINT_NONE, ""},
};

static void the_lint_finds_what_is_probably_not_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lints / sizeof *lints; i++) {
        struct policy_doc *doc = NULL;
        struct sp_why why = {0};
        struct lint_finding f[4] = {{0}};

        if (policy_parse(view_str(lints[i].text), NULL, &why, &doc) != SP_OK)
            fail_msg("case %zu: %s", i, why.text);
        size_t n = policy_lint(doc, apps, 1, now, f, 4);
        if (n != (lints[i].kind != LINT_NONE) || f[0].kind != lints[i].kind ||
            strcmp(f[0].rule, lints[i].rule) != 0)
            fail_msg("case %zu: %zu findings, first %s %s", i, n, lint_word(f[0].kind), f[0].text);
        policy_doc_free(doc);
    }
}

/* A rule with every condition of another one lets nobody in whom that does not: the two conditions
 * beside `users` are the same, or they are not. */
static const struct {
    const char *one, *other;
    bool same;
} twice[] = {
    {"groups: [corp/a, corp/b]", "groups: [corp/a, corp/b]", true},
    {"groups: [corp/a, corp/b]", "groups: [corp/a, corp/c]", false},
    {"groups: [corp/a, corp/b]", "groups: [corp/a]", false},
    {"mfa: {max_age: 1h, kind: otp}", "mfa: {kind: otp, max_age: 1h}", true},
    {"mfa: {max_age: 1h}", "mfa: {max_age: 2h}", false},
    {"mfa: {max_age: 1h, amr: [pwd, otp]}", "mfa: {max_age: 1h, amr: [pwd, otp]}", true},
    {"mfa: {max_age: 1h, amr: [pwd]}", "mfa: {max_age: 1h, amr: [otp]}", false},
    {"mfa: {max_age: 1h, acr: [high]}", "mfa: {max_age: 1h, acr: [low]}", false},
    {"mfa: {max_age: 1h, kind: otp}", "mfa: {max_age: 1h, kind: phishing_resistant}", false},
    {"device: {state: approved, owner: organisation}",
     "device: {owner: organisation, state: approved}", true},
    {"device: {state: approved, owner: organisation}", "device: {state: approved, owner: user}",
     false},
    {"device: {state: approved}", "device: {state: pending}", false},
    {"device: {key: hardware}", "device: {key: software}", false},
    {"posture: [{signal: firewall, max_age: 1h}]", "posture: [{signal: firewall, max_age: 1h}]",
     true},
    {"posture: [{signal: firewall, max_age: 1h}]", "posture: [{signal: firewall, max_age: 2h}]",
     false},
    {"posture: [{signal: firewall, max_age: 1h}]", "posture: [{signal: screen_lock, max_age: 1h}]",
     false},
    {"posture: [{signal: firewall, max_age: 1h}]",
     "posture: [{signal: firewall, max_age: 1h}, {signal: screen_lock, max_age: 1h}]", false},
    {"posture: [{signal: os, one_of: [debian, ubuntu], max_age: 1h}]",
     "posture: [{signal: os, one_of: [debian, ubuntu], max_age: 1h}]", true},
    {"posture: [{signal: os, one_of: [debian, ubuntu], max_age: 1h}]",
     "posture: [{signal: os, one_of: [debian, fedora], max_age: 1h}]", false},
    {"posture: [{signal: os, one_of: [debian, ubuntu], max_age: 1h}]",
     "posture: [{signal: os, one_of: [debian], max_age: 1h}]", false},
    {"score: {feed: falcon, field: overall, at_least: 60, max_age: 24h}",
     "score: {feed: falcon, field: overall, at_least: 60, max_age: 24h}", true},
    {"score: {feed: falcon, field: overall, at_least: 60, max_age: 24h}",
     "score: {feed: falcon, field: overall, at_least: 70, max_age: 24h}", false},
    {"score: {feed: falcon, field: overall, at_least: 60, max_age: 24h}",
     "score: {feed: falcon, field: overall, at_most: 60, max_age: 24h}", false},
    {"network: {in: [198.18.0.0/15]}", "network: {in: [198.18.0.0/15]}", true},
    {"network: {in: [198.18.0.0/15]}", "network: {in: [198.18.0.0/16]}", false},
    {"network: {in: [198.18.0.0/16]}", "network: {in: [198.19.0.0/16]}", false},
    {"network: {in: [198.18.0.0/15]}", "network: {in: [198.18.0.0/15, 203.0.113.0/24]}", false},
    {"network: {in: [198.18.0.0/15]}", "network: {not_in: [198.18.0.0/15]}", false},
    {"network: {not_in: [198.18.0.0/15]}", "network: {not_in: [198.18.0.0/15]}", true},
    {"country: {in: [CH, NO]}", "country: {in: [CH, NO]}", true},
    {"country: {in: [CH]}", "country: {in: [NO]}", false},
    {"country: {in: [CH]}", "country: {not_in: [CH]}", false},
    {"time: {days: [mon, fri], from: \"07:00\", to: \"19:00\", zone: Europe/Oslo}",
     "time: {days: [mon, fri], from: \"07:00\", to: \"19:00\", zone: Europe/Oslo}", true},
    {"time: {days: [mon, fri], from: \"07:00\", to: \"19:00\", zone: Europe/Oslo}",
     "time: {days: [mon], from: \"07:00\", to: \"19:00\", zone: Europe/Oslo}", false},
    {"time: {days: [mon], from: \"07:00\", to: \"19:00\", zone: Europe/Oslo}",
     "time: {days: [mon], from: \"08:00\", to: \"19:00\", zone: Europe/Oslo}", false},
    {"time: {until: \"2030-01-01T00:00:00Z\"}", "time: {until: \"2030-01-01T00:00:00Z\"}", true},
    {"time: {until: \"2030-01-01T00:00:00Z\"}", "time: {until: \"2031-01-01T00:00:00Z\"}", false},
    {"app: {labels: {tier: internal}}", "app: {labels: {tier: internal}}", true},
    {"app: {labels: {tier: internal}}", "app: {labels: {tier: public}}", false},
    {"app: {labels: {tier: internal}}", "app: {labels: {tier: internal, team: a}}", false},
    {"risk: {at_most: medium}", "risk: {at_most: medium}", true},
    {"risk: {at_most: medium}", "risk: {at_most: low}", false},
    {"any: [{groups: [corp/a]}, {users: [z]}]", "any: [{groups: [corp/a]}, {users: [z]}]", true},
    {"any: [{groups: [corp/a]}, {users: [z]}]", "any: [{groups: [corp/b]}, {users: [z]}]", false},
    {"any: [{groups: [corp/a]}, {users: [z]}]",
     "any: [{groups: [corp/a]}, {users: [z]}, {users: [w]}]", false},
    {"not: {groups: [corp/a]}", "not: {groups: [corp/a]}", true},
    {"not: {groups: [corp/a]}", "not: {groups: [corp/b]}", false},
    {"groups: [corp/a]", "mfa: {max_age: 1h}", false},
};

static void a_rule_whose_conditions_another_one_has_is_shadowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        struct policy_doc *doc = NULL;
        struct sp_why why = {0};
        struct lint_finding f[4] = {{0}};
        char text[1024];

        (void)snprintf(text, sizeof text,
                       HEAD "    allow:\n      - {name: r, when: {users: [x], %s}}\n"
                            "      - {name: s, when: {users: [x], %s}}\n",
                       twice[i].one, twice[i].other);
        if (policy_parse(view_str(text), NULL, &why, &doc) != SP_OK)
            fail_msg("case %zu: %s", i, why.text);
        size_t n = policy_lint(doc, apps, 1, now, f, 4);
        if (n != twice[i].same ||
            (n > 0 && (f[0].kind != LINT_SHADOWED || strcmp(f[0].rule, "s") != 0)))
            fail_msg("case %zu: %zu findings, first %s %s", i, n, lint_word(f[0].kind), f[0].text);
        policy_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lint_finds_what_is_probably_not_meant),
        cmocka_unit_test(a_rule_whose_conditions_another_one_has_is_shadowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
