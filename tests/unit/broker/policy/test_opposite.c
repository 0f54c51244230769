/* The smallest set of facts that turns a decision: what is said of it, and that it does turn it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/explain.h"
#include "broker/policy/parse.h"
#include "broker/policy/tests.h"

#include <stdio.h>
#include <string.h>

static const sp_unix_ms NOW = 1795597200000;

static const char text[] =
    "version: 1\n"
    "policies:\n"
    "  - name: base\n"
    "    apps: {all: true}\n"
    "    deny:\n"
    "      - {name: risky, when: {risk: {at_least: high}, users: [anna, bert]}, or_unknown: true}\n"
    "    require:\n"
    "      - {posture: [{signal: disk}, {signal: lock}]}\n"
    "  - name: wiki\n"
    "    apps: {names: [wiki]}\n"
    "    allow:\n"
    "      - {name: far, when: {groups: [corp/a], device: {state: [approved]}, users: [bert]}}\n"
    "      - {name: near, when: {groups: [corp/a], country: {in: [DE]}}}\n"
    "  - name: shelf\n"
    "    apps: {names: [shelf]}\n"
    "    mode: shadow\n"
    "    allow:\n"
    "      - {name: all, when: {users: [anna]}}\n";

#define POSTURE(disk, lock)                               \
    "\"posture\":[{\"signal\":\"disk\",\"value\":\"" disk \
    "\"},{\"signal\":\"lock\",\"value\":\"" lock "\"}]"
#define PERSON(user, app) \
    "\"user\":\"" user "\",\"app\":\"" app "\",\"risk\":\"low\",\"groups\":[\"corp/a\"]"

static const struct {
    const char *what, *facts,
        *changed; /* changed: the same with the opposite applied; NULL: none */
    size_t count;
    const char *first; /* begins so; NULL: not looked at */
} rows[] = {
    {"two signals, each on its own, and the nearer rule's country",
     "{" PERSON("anna", "wiki") "," POSTURE("fail", "fail") "}",
     "{" PERSON("anna", "wiki") ",\"country\":\"DE\"," POSTURE("pass", "pass") "}", 3, NULL},
    {"only what is not met", "{" PERSON("anna", "wiki") "," POSTURE("pass", "pass") "}",
     "{" PERSON("anna", "wiki") ",\"country\":\"DE\"," POSTURE("pass", "pass") "}", 1, ""},
    {"a deny rule has to end first",
     "{\"user\":\"anna\",\"app\":\"wiki\",\"risk\":\"high\",\"groups\":[\"corp/a\"],\"country\":"
     "\"DE\"," POSTURE("pass", "pass") "}",
     "{" PERSON("anna", "wiki") ",\"country\":\"DE\"," POSTURE("pass", "pass") "}", 1,
     "no longer: "},
    {"of an allowance: one requirement missed",
     "{" PERSON("anna", "wiki") ",\"country\":\"DE\"," POSTURE("pass", "pass") "}",
     "{" PERSON("anna", "wiki") ",\"country\":\"DE\"," POSTURE("fail", "pass") "}", 1,
     "no longer: "},
    {"no enforced rule lets anyone in", "{" PERSON("anna", "shelf") "," POSTURE("pass", "pass") "}",
     NULL, 0, NULL},
};

static enum verdict decided(const struct policy_doc *doc, const char *facts, struct json **trace)
{
    struct json *o = NULL;
    struct facts *f = NULL;
    struct sp_why why = {0};

    assert_int_equal(json_parse(view_str(facts), 4096, NULL, &o), SP_OK);
    if (facts_from_json(o, NOW, &why, &f) != SP_OK)
        fail_msg("%s: %s", facts, why.text);
    f->app_exists = true;
    struct decision d = decide(doc, NULL, f);
    *trace = explain_trace(doc, f, &d, TRACE_PEOPLE);
    assert_non_null(*trace);
    facts_free(f);
    json_free(o);
    return d.verdict;
}

static void what_is_named_turns_the_decision(void **state)
{
    struct policy_doc *doc = NULL;
    struct sp_why why = {0};

    (void)state;
    if (policy_parse(view_str(text), NULL, &why, &doc) != SP_OK)
        fail_msg("line %u: %s", why.line, why.text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *trace, *after = NULL;
        enum verdict was = decided(doc, rows[i].facts, &trace);
        const struct json *list = json_get(trace, "opposite");
        if (json_len(list) != rows[i].count)
            fail_msg("%s: %zu facts", rows[i].what, json_len(list));
        if (rows[i].first != NULL &&
            strncmp(json_cstr(json_at(list, 0)), rows[i].first, strlen(rows[i].first)) != 0)
            fail_msg("%s: %s", rows[i].what, json_cstr(json_at(list, 0)));
        if (rows[i].changed != NULL &&
            (decided(doc, rows[i].changed, &after) == VERDICT_ALLOW) == (was == VERDICT_ALLOW))
            fail_msg("%s: it stays as it was", rows[i].what);
        json_free(after);
        json_free(trace);
    }
    policy_doc_free(doc);
}

static void a_record_does_not_hold_it(void **state)
{
    struct policy_doc *doc = NULL;
    struct sp_why why = {0};
    struct facts f = {
        .now = NOW, .mfa_now = NOW, .user = "anna", .app = "wiki", .app_exists = true};

    (void)state;
    assert_int_equal(policy_parse(view_str(text), NULL, &why, &doc), SP_OK);
    struct decision d = decide(doc, NULL, &f);
    struct json *trace = explain_trace(doc, &f, &d, TRACE_RECORD);
    assert_null(json_get(trace, "opposite"));
    json_free(trace);
    policy_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_turns_the_decision),
        cmocka_unit_test(a_record_does_not_hold_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
