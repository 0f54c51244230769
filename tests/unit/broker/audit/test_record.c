#include "broker/audit/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct json *written(const struct audit_record *r)
{
    struct json *j = NULL;
    struct buf out;

    buf_init(&out, AUDIT_RECORD_MAX);
    audit_write(r, &out);
    assert_int_equal(buf_error(&out), SP_OK);
    assert_int_equal(json_parse(buf_view(&out), AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    buf_deinit(&out);
    return j;
}

static void every_event_has_a_name_and_a_number_of_its_own(void **state)
{
    (void)state;
    for (int e = AUDIT_UNNAMED + 1; e < AUDIT_EVENT_COUNT; e++) {
        enum audit_event back;
        assert_int_equal(audit_event_parse(view_str(audit_event_name((enum audit_event)e)), &back),
                         SP_OK);
        assert_int_equal(back, e);
        for (int other = AUDIT_UNNAMED + 1; other < e; other++)
            assert_string_not_equal(audit_event_code((enum audit_event)e, AUDIT_OK).s,
                                    audit_event_code((enum audit_event)other, AUDIT_OK).s);
    }
    enum audit_event none;
    assert_int_equal(audit_event_parse(view_str("unnamed"), &none), SP_ERR_NOT_FOUND);
    assert_string_equal(audit_event_code(AUDIT_SESSION_DENY, AUDIT_DENIED).s, "SP-A011W");
    assert_string_equal(audit_event_code(AUDIT_BROKER_START, AUDIT_ERROR).s, "SP-A120E");
}

static void a_record_says_who_did_what_to_whom_and_leaves_out_what_is_not_known(void **state)
{
    (void)state;
    struct audit_record r = {.event = AUDIT_APP_CREATE,
                             .at = 1764043506789,
                             .actor_kind = AUDIT_ACTOR_ADMIN,
                             .actor = {{1}},
                             .actor_name = "ines",
                             .app = {{2}},
                             .object_kind = "app",
                             .object_name = "wiki",
                             .object = {{2}},
                             .request = "R-7Q2M4K",
                             .detail = view_str("{\"a\":1}")};
    struct json *j = written(&r);

    assert_string_equal(json_cstr(json_get(j, "time")), "2025-11-25T04:05:06.789Z");
    assert_string_equal(json_cstr(json_get(j, "action")), "app.create");
    assert_string_equal(json_cstr(json_get(j, "result")), "ok");
    assert_string_equal(json_cstr(json_get(json_get(j, "actor"), "kind")), "admin");
    assert_string_equal(json_cstr(json_get(json_get(j, "object"), "name")), "wiki");
    assert_null(json_get(j, "user"));
    assert_null(json_get(j, "address"));
    assert_null(json_get(j, "text"));
    assert_int_equal(json_len(json_get(j, "detail")), 1);
    json_free(j);
}

static void LOG_2_no_name_ends_a_record_or_hides_in_it(void **state)
{
    (void)state;
    struct audit_record r = {.event = AUDIT_LOGIN_FAIL,
                             .actor_name = "a\r\n{\"action\":\"forged\"}\x1b[31m\xc2\x85"
                                           "\xe2\x80\xae"
                                           "gnp.exe\"",
                             .text = "\xff\xfe"};
    struct buf out;

    buf_init(&out, AUDIT_RECORD_MAX);
    audit_write(&r, &out);
    assert_int_equal(buf_error(&out), SP_OK);
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.at[i] >= 0x20 && out.at[i] < 0x7f);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "\\u202e"));
    assert_non_null(strstr(text, "\\u0085"));
    assert_non_null(strstr(text, "\\r\\n") || strstr(text, "\\u000d\\u000a") ? text : NULL);
    struct json *j = NULL;
    assert_int_equal(json_parse(buf_view(&out), AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    assert_string_equal(json_cstr(json_get(j, "action")), "login.fail");
    json_free(j);
    buf_deinit(&out);
}

static void a_detail_that_is_too_long_is_replaced_and_the_record_stays(void **state)
{
    (void)state;
    static char detail[AUDIT_RECORD_MAX];
    memset(detail, ' ', sizeof detail);
    detail[0] = '{';
    detail[sizeof detail - 1] = '}';
    struct audit_record r = {.event = AUDIT_SESSION_OPEN,
                             .detail = {(const uint8_t *)detail, sizeof detail}};
    struct json *j = written(&r);

    assert_true(json_is_true(json_get(json_get(j, "detail"), "cut")));
    json_free(j);
}

static void C_035_a_csv_cell_is_never_a_formula_and_never_two_lines(void **state)
{
    (void)state;
    static const struct {
        const char *name, *cell;
    } cases[] = {
        {"=HYPERLINK(\"https://x.example.test\",\"ok\")",
         "\"'=HYPERLINK(\"\"https://x.example.test\"\",\"\"ok\"\")\""},
        {"+1+1", "\"'+1+1\""},
        {"-2", "\"'-2\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"ordinary@example.test", "\"ordinary@example.test\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct audit_record r = {.event = AUDIT_LOGIN_OK, .actor_name = cases[i].name};
        struct json *j = written(&r);
        struct buf out;
        buf_init(&out, AUDIT_RECORD_MAX);
        audit_csv(j, audit_actor_name(NULL, j, NULL), 1, 7, &out);
        assert_non_null(strstr(buf_cstr(&out), cases[i].cell));
        buf_deinit(&out);
        json_free(j);
    }
    struct audit_record r = {.event = AUDIT_LOGIN_OK, .actor_name = "\t=1", .text = "a\"b\r\nc,d"};
    struct json *j = written(&r);
    struct buf out;
    buf_init(&out, AUDIT_RECORD_MAX);
    audit_csv(j, audit_actor_name(NULL, j, NULL), 1, 7, &out);
    assert_int_equal(strchr(buf_cstr(&out), '\n') - buf_cstr(&out), (ptrdiff_t)out.len - 1);
    assert_non_null(strstr(buf_cstr(&out), "a\"\"b"));
    buf_deinit(&out);
    json_free(j);
}

static void ocsf_has_the_members_that_its_base_class_requires(void **state)
{
    (void)state;
    static const char *const required[] = {"activity_id", "category_uid", "class_uid", "metadata",
                                           "severity_id", "time",         "type_uid"};
    uint8_t hash[32] = {0xab};

    for (int e = AUDIT_UNNAMED + 1; e < AUDIT_EVENT_COUNT; e++) {
        struct audit_record r = {.event = (enum audit_event)e, .result = AUDIT_DENIED};
        struct json *j = written(&r), *o = audit_ocsf(j, "", 1, 9, hash);
        int64_t class, category, type, activity;
        for (size_t i = 0; i < sizeof required / sizeof *required; i++)
            assert_non_null(json_get(o, required[i]));
        assert_int_equal(json_get_int(o, "class_uid", 1, 9999, &class), SP_OK);
        assert_int_equal(json_get_int(o, "category_uid", 1, 9, &category), SP_OK);
        assert_int_equal(json_get_int(o, "type_uid", 1, 999999, &type), SP_OK);
        assert_int_equal(json_get_int(o, "activity_id", 1, 99, &activity), SP_OK);
        assert_int_equal(class / 1000, category);
        assert_int_equal(type, class * 100 + activity);
        json_free(o);
        json_free(j);
    }
}

/* What a connector says of a refused request has its place in OCSF's own members. */
static void ocsf_of_a_gateway_names_rule_versions_sizes_and_time(void **state)
{
    (void)state;
    static const char refused[] =
        "{\"why\":\"owner\",\"connector\":{\"decision\":\"0123456789abcdef\",\"policy_version\":7,"
        "\"app_version\":3,\"document\":\"aa\",\"request_bytes\":12,\"response_bytes\":345,"
        "\"latency_us\":6789,\"status\":403,\"blocked\":true,\"mode\":\"block\","
        "\"detector\":\"owner\",\"method\":\"GET\",\"endpoint\":\"/a/{id}\",\"rule\":\"mine\"}}";
    static const char found[] =
        "{\"why\":\"bola\",\"connector\":{\"detector\":\"bola\",\"evidence\":[\"two of others\"],"
        "\"first\":5,\"last\":6,\"count\":2,\"mode\":\"monitor\",\"policy_version\":7}}";
    uint8_t hash[32] = {0xab};
    int64_t n = 0;
    struct audit_record r = {
        .event = AUDIT_GATEWAY_REFUSE, .result = AUDIT_DENIED, .detail = view_str(refused)};
    struct json *j = written(&r), *o = audit_ocsf(j, "", 1, 9, hash);
    const struct json *rule = json_get(o, "firewall_rule"), *answer = json_get(o, "http_response");

    assert_string_equal(json_cstr(json_get(rule, "name")), "mine");
    assert_string_equal(json_cstr(json_get(rule, "uid")), "owner");
    assert_string_equal(json_cstr(json_get(rule, "category")), "owner");
    assert_string_equal(json_cstr(json_get(rule, "version")), "aa");
    assert_string_equal(json_cstr(json_get(json_get(o, "policy"), "version")), "7");
    assert_int_equal(json_get_int(json_get(o, "http_request"), "body_length", 0, INT64_MAX, &n),
                     SP_OK);
    assert_int_equal(n, 12);
    assert_int_equal(json_get_int(answer, "latency", 0, INT64_MAX, &n), SP_OK);
    assert_int_equal(n, 6);
    assert_int_equal(json_get_int(o, "duration", 0, INT64_MAX, &n), SP_OK);
    json_free(o);
    json_free(j);

    r = (struct audit_record){.event = AUDIT_GATEWAY_INCIDENT, .detail = view_str(found)};
    j = written(&r);
    o = audit_ocsf(j, "", 1, 9, hash);
    const struct json *info = json_get(o, "finding_info");
    assert_string_equal(json_cstr(json_get(info, "title")), "two of others");
    assert_string_equal(json_cstr(json_at(json_get(info, "types"), 0)), "bola");
    assert_int_equal(json_get_int(info, "last_seen_time", 0, INT64_MAX, &n), SP_OK);
    assert_int_equal(n, 6);
    assert_int_equal(json_get_int(o, "action_id", 0, 9, &n), SP_OK);
    assert_int_equal(n, 1);
    assert_string_equal(json_cstr(json_get(json_get(o, "firewall_rule"), "name")), "bola");
    json_free(o);
    json_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_has_a_name_and_a_number_of_its_own),
        cmocka_unit_test(a_record_says_who_did_what_to_whom_and_leaves_out_what_is_not_known),
        cmocka_unit_test(LOG_2_no_name_ends_a_record_or_hides_in_it),
        cmocka_unit_test(a_detail_that_is_too_long_is_replaced_and_the_record_stays),
        cmocka_unit_test(C_035_a_csv_cell_is_never_a_formula_and_never_two_lines),
        cmocka_unit_test(ocsf_has_the_members_that_its_base_class_requires),
        cmocka_unit_test(ocsf_of_a_gateway_names_rule_versions_sizes_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
