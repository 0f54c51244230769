/* trace.c, facts_trace.c: a decision as it is written down, and taken again from that. */
#include "tests/unit/broker/policy/rows.h"

#include "broker/policy/tests.h"

/* The trace is JSON, and its facts are enough to decide again (ZT-7). */
static void ZT_7_the_trace_holds_the_decision(void **state)
{
    const struct policy_doc *doc = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int form = TRACE_RECORD; form <= TRACE_PEOPLE; form++) {
            struct person p;
            anna(&p);
            rows[i].change(&p);
            struct decision d = decide(doc, NULL, &p.f);
            struct json *t = explain_trace(doc, &p.f, &d, (enum trace_form)form);
            assert_non_null(t);
            struct view decided = {0};
            assert_int_equal(json_get_str(t, "decided", 4096, &decided), SP_OK);
            assert_int_equal(decided.len, strlen(rows[i].line));
            assert_memory_equal(decided.at, rows[i].line, decided.len);
            assert_non_null(json_get(t, "facts"));
            assert_int_equal(json_kind(json_get(t, "allow")), JSON_ARRAY);
            json_free(t);
        }
}

/* What was written down is enough to take the decision again: replay rests on it. */
static void ZT_7_a_decision_taken_again_from_its_record_is_the_same(void **state)
{
    const struct policy_doc *doc = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct person p;
        struct facts *f = NULL;
        anna(&p);
        rows[i].change(&p);
        p.f.access_until = i % 2 == 0 ? 0 : p.f.now + MIN;
        p.f.access_ref = "R-1";
        struct decision then = decide(doc, NULL, &p.f);
        struct json *t = explain_trace(doc, &p.f, &then, TRACE_RECORD);
        assert_int_equal(facts_from_trace(t, &f), SP_OK);
        f->app_exists = p.f.app_exists; /* the record's own app says it */
        struct decision again = decide(doc, NULL, f);
        if (again.verdict != then.verdict || again.reason != then.reason ||
            again.policy != then.policy || again.rule != then.rule ||
            again.lacking != then.lacking || again.deadline != then.deadline)
            fail_msg("%s: %s, then %s", rows[i].name, reason_word(again.reason),
                     reason_word(then.reason));
        same_limits(rows[i].name, again.limits, then.limits);
        facts_free(f);
        json_free(t);
    }
}

static void a_record_without_facts_is_no_decision(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"facts\":{}}", "{\"facts\":{\"app\":\"x\"}}",
                                        "{\"facts\":7}",
                                        ("{\"facts\":{\"app\":\"x\",\"now\":1,\"mfa_now\":1,"
                                         "\"posture\":[{\"signal\":7}]}}")};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json *t = NULL;
        struct facts *f = NULL;
        assert_int_equal(json_parse(view_str(texts[i]), 4096, NULL, &t), SP_OK);
        assert_int_equal(facts_from_trace(t, &f), SP_ERR_MALFORMED);
        json_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ZT_7_the_trace_holds_the_decision),
        cmocka_unit_test(ZT_7_a_decision_taken_again_from_its_record_is_the_same),
        cmocka_unit_test(a_record_without_facts_is_no_decision),
    };
    return cmocka_run_group_tests(tests, document_set_up, document_tear_down);
}
