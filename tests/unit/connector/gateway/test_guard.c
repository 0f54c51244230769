/* guard.c, retire.c, input_step.c: who may, how often, whether still, and with what input. */
#include "tests/unit/connector/gateway/ward.h"

/* ---- steps 4, 5, 6 -------------------------------------------------------------------------- */

static void test_rows_of_operations_decide_who_may(void **state)
{
    struct ward *w = *state;

    ward_configure(w, "operations:\n"
                      " - { match: 'DELETE /v1/**', deny: on }\n"
                      " - { match: '/admin/**', groups: [idp/admins, idp/root], step_up: 5m }\n"
                      " - { match: '/staff/**', groups: [idp/staff], step_up: 5m }\n"
                      " - { match: 'GET /v1/**' }\n"
                      "otherwise: deny\n");
    ward_request(w, GW_DELETE, "/v1/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
    ward_request(w, GW_GET, "/v1/x");
    passed(guard_access(w->guard, &w->x, NOW));
    ward_request(w, GW_POST, "/v1/x"); /* no row: otherwise */
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
    ward_request(w, GW_GET, "/admin/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
    ward_request(w, GW_GET, "/staff/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_STEP_UP, 401, ""); /* unknown */
    static const struct {
        const char *at;
        bool fresh;
    } factors[] = {{"1764038100", true}, {"1764038099", false}, {"1764038401", false},
                   {"-1", false},        {"soon", false},       {"", false}};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        w->attribute = (struct gw_pair){view_str("mfa_at"), view_str(factors[i].at)};
        struct gw_verdict v = guard_access(w->guard, &w->x, NOW);
        if ((v.outcome == GW_PASS) != factors[i].fresh)
            fail_msg("mfa_at %s", factors[i].at);
    }
}

static void test_otherwise_deny_without_a_row_denies_all(void **state)
{
    struct ward *w = *state;

    ward_configure(w, "otherwise: deny\n");
    ward_request(w, GW_GET, "/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
}

static void test_otherwise_allow_without_a_row_allows_all(void **state)
{
    struct ward *w = *state;

    ward_configure(w, "otherwise: allow\n");
    ward_request(w, GW_GET, "/x");
    passed(guard_access(w->guard, &w->x, NOW));
}

static void GW_31_a_429_has_its_fields(void **state)
{
    struct ward *w = *state;

    clock_set_for_test(NOW, 1000000);
    ward_configure(w, "rate:\n - { name: per-user, key: [user], rate: 10/m, burst: 2 }\n"
                      " - { name: open, key: [user], in_flight: 1, match: 'POST /**' }\n"
                      " - { name: seen, key: [user], rate: 1/h, mode: monitor }\n");
    ward_request(w, GW_GET, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
    assert_int_equal(w->x.hit_count, 0);
    ward_request(w, GW_GET, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
    assert_int_equal(w->x.hit_count, 1);
    assert_string_equal(w->x.hits[0].verdict.rule, "seen");
    ward_request(w, GW_GET, "/x");
    struct gw_verdict v = guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000);
    refused(v, GW_REASON_RATE, 429, "");
    assert_int_equal(v.retry_after_ms, 6000);
    assert_string_equal(v.rule, "per-user");
    assert_string_equal(gw_words(&v)->limit_fields[0], "\"per-user\";r=0;t=6");
    assert_string_equal(gw_words(&v)->limit_fields[1], "\"per-user\";q=10;w=60");
    clock_set_for_test(NOW, 1012000);
    ward_request(w, GW_POST, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
    struct gw_exchange first = w->x; /* stays open */
    w->x.request.arena = NULL;
    ward_request(w, GW_POST, "/x");
    refused(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000),
            GW_REASON_IN_FLIGHT, 429, "");
    ward_end(w);
    guard_account(w->guard, &first, clock_boot_us() * 1000);
    guard_account(w->guard, &first, clock_boot_us() * 1000); /* twice does no harm */
    arena_free(first.request.arena);
    ward_request(w, GW_POST, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
}

static const char *answer_field(const struct ward *w, const char *name)
{
    for (size_t i = 0; i < w->x.answer_field_count; i++) {
        if (view_is(w->x.answer_fields[i].name, name))
            return (const char *)w->x.answer_fields[i].value.at;
    }
    return "";
}

static void GW_43_deprecation_sunset_and_410(void **state)
{
    struct ward *w = *state;

    ward_configure(
        w, "retire:\n"
           " - { match: '/v1/**', deprecated: 2025-06-01, sunset: 2025-11-26, successor: /v2, "
           "after: block }\n"
           " - { match: '/v0/**', sunset: 2025-01-01, after: monitor }\n");
    ward_request(w, GW_GET, "/v1/x");
    passed(guard_retired(w->guard, &w->x, NOW));
    guard_answer(w->guard, &w->x);
    assert_string_equal(answer_field(w, "deprecation"), "@1748736000");
    assert_string_equal(answer_field(w, "sunset"), "Wed, 26 Nov 2025 00:00:00 GMT");
    assert_string_equal(answer_field(w, "link"), "</v2>; rel=\"successor-version\"");
    passed(guard_retired(w->guard, &w->x, INT64_C(1764115199999)));
    refused(guard_retired(w->guard, &w->x, INT64_C(1764115200000)), GW_REASON_GONE, 410, "");
    ward_request(w, GW_GET, "/v0/x");
    passed(guard_retired(w->guard, &w->x, NOW));
    assert_int_equal(w->x.hit_count, 1);
    ward_request(w, GW_GET, "/v2/x");
    passed(guard_retired(w->guard, &w->x, NOW));
    guard_answer(w->guard, &w->x);
    assert_int_equal(w->x.answer_field_count, 0);
}

/* ---- step 10 -------------------------------------------------------------------------------- */

static void test_input_rules_of_parameters_and_bodies(void **state)
{
    struct ward *w = *state;
    static const struct {
        const char *type, *body, *rule, *pointer;
    } bodies[] = {
        {"application/json", "{\"a\":{\"callback_url\":\"http://169.254.169.254/\"}}", "ssrf",
         "/callback_url"},
        {"application/json", "{\"note\":[\"fine\",\"1' or '1'='1\"]}", "sqli", "/note"},
        {"application/vnd.x+json", "{\"file\":\"../../etc/passwd\"}", "path_traversal", "/file"},
        {"application/x-www-form-urlencoded", "a=b&callback_url=http%3A%2F%2F127.1%2F", "ssrf",
         "/callback_url"},
        {"application/json", "{\"note\":\"O'Brien or somebody else\"}", "", ""},
        {"text/plain", "1' or '1'='1", "", ""},
    };

    ward_configure(w, "input_rules: { mode: block, sqli: free-text, ssrf: [callback_url], "
                      "path_traversal: block }\n");
    ward_request(w, GW_GET, "/files/x");
    w->pair = (struct gw_pair){view_str("name"), view_str("..%2f..%2fetc")};
    w->x.request.target.pairs = &w->pair;
    w->x.request.target.query_count = 1;
    struct gw_verdict v = guard_input(w->guard, &w->x);
    refused(v, GW_REASON_INPUT, 403, "");
    assert_string_equal(v.rule, "path_traversal");
    assert_string_equal(gw_words(&v)->details[0].pointer, "name");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        ward_request(w, GW_POST, "/x");
        w->x.request.body = (struct gw_message_body){.kind = GW_BODY_LENGTH,
                                                     .content_type = view_str(bodies[i].type)};
        passed(guard_input(w->guard, &w->x));
        assert_int_equal(w->x.inspect_request, i != 5);
        w->x.phase = GW_PHASE_BODY;
        w->x.request.body.bytes = view_str(bodies[i].body);
        w->x.request.body.inspected = GW_INSPECTED;
        v = guard_input(w->guard, &w->x);
        if (bodies[i].rule[0] == '\0') {
            passed(v);
            continue;
        }
        refused(v, GW_REASON_INPUT, 403, "");
        assert_string_equal(v.rule, bodies[i].rule);
        assert_string_equal(gw_words(&v)->details[0].pointer, bodies[i].pointer);
    }
}

static void GW_63_monitor_passes_what_block_refuses_and_says_the_same(void **state)
{
    struct ward *w = *state;

    ward_configure(w, "input_rules: { path_traversal: monitor }\n");
    ward_request(w, GW_GET, "/files/x");
    w->pair = (struct gw_pair){view_str("name"), view_str("../../etc")};
    w->x.request.target.pairs = &w->pair;
    w->x.request.target.query_count = 1;
    passed(guard_input(w->guard, &w->x));
    assert_int_equal(w->x.hit_count, 1);
    assert_int_equal(w->x.hits[0].verdict.reason, GW_REASON_INPUT);
    assert_string_equal(w->x.hits[0].verdict.rule, "path_traversal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WARD_TEST(test_rows_of_operations_decide_who_may),
        WARD_TEST(test_otherwise_deny_without_a_row_denies_all),
        WARD_TEST(test_otherwise_allow_without_a_row_allows_all),
        WARD_TEST(GW_31_a_429_has_its_fields),
        WARD_TEST(GW_43_deprecation_sunset_and_410),
        WARD_TEST(test_input_rules_of_parameters_and_bodies),
        WARD_TEST(GW_63_monitor_passes_what_block_refuses_and_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
