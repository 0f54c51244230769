#include "lib/http/message.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct request request_to(const char *path)
{
    return (struct request){.method = METHOD_GET, .path = view_str(path)};
}

static void methods_have_one_spelling(void **state)
{
    (void)state;
    static const char *const none[] = {"", "get", "GETT", "TRACE", "CONNECT"};

    for (int m = METHOD_GET; m <= METHOD_DELETE; m++)
        assert_int_equal(http_method_parse(view_str(http_method_name((enum http_method)m))), m);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(http_method_parse(view_str(none[i])), METHOD_NONE);
}

static void a_pattern_takes_exactly_its_segments(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        {"/", "/", true},
        {"/api/v1/apps", "/api/v1/apps", true},
        {"/api/v1/apps", "/api/v1/apps/", false},
        {"/api/v1/apps", "/api/v1/app", false},
        {"/api/v1/apps/{id}", "/api/v1/apps/x", true},
        {"/api/v1/apps/{id}", "/api/v1/apps/", false},
        {"/api/v1/apps/{id}", "/api/v1/apps/x/y", false},
        {"/api/v1/apps/{id}/test", "/api/v1/apps/x/test", true},
        {"/api/v1/apps/{id}/test", "/api/v1/apps/x/text", false},
        {"/{a}/{b}", "/1/2", true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r = request_to(rows[i].path);
        if (request_match(&r, rows[i].pattern) != rows[i].match)
            fail_msg("%s on %s", rows[i].pattern, rows[i].path);
    }
}

static void parameters_are_read_by_name(void **state)
{
    (void)state;
    struct sp_id id = {{1, 2, 3}}, got = {0};
    char path[64];

    snprintf(path, sizeof path, "/apps/wiki/sessions/%s", id_text(id).s);
    struct request r = request_to(path);
    assert_true(request_match(&r, "/apps/{name}/sessions/{id}"));
    assert_true(view_is(request_param(&r, "name"), "wiki"));
    assert_int_equal(request_id(&r, "id", &got), SP_OK);
    assert_true(id_equal(id, got));
    assert_int_equal(request_id(&r, "name", &got), SP_ERR_NOT_FOUND);
    assert_int_equal(request_id(&r, "nothing", &got), SP_ERR_NOT_FOUND);
}

static void a_failed_match_leaves_the_parameters(void **state)
{
    (void)state;
    struct request r = request_to("/a/1");

    assert_true(request_match(&r, "/a/{x}"));
    assert_false(request_match(&r, "/b/{y}"));
    assert_true(view_is(request_param(&r, "x"), "1"));
}

static void query_values_are_strict(void **state)
{
    (void)state;
    struct request r = request_to("/");
    struct buf b;

    buf_init(&b, 8);
    r.query = view_str("q=a%20b&n=");
    assert_int_equal(request_query(&r, "q", &b), SP_OK);
    assert_string_equal(buf_cstr(&b), "a b");
    assert_int_equal(request_query(&r, "x", &b), SP_ERR_NOT_FOUND);
    r.query = view_str("q=1&q=2");
    assert_int_equal(request_query(&r, "q", &b), SP_ERR_MALFORMED);
    r.query = view_str("q=123456789");
    assert_int_equal(request_query(&r, "q", &b), SP_ERR_LIMIT);
    buf_deinit(&b);
}

static void a_json_body_needs_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        sp_error e;
    } rows[] = {
        {"application/json", SP_OK},
        {"Application/JSON; charset=UTF-8", SP_OK},
        {"application/json;charset=\"utf-8\"", SP_OK},
        {"application/json; charset=latin1", SP_ERR_UNSUPPORTED},
        {"text/plain", SP_ERR_UNSUPPORTED},
        {"application/jsonx", SP_ERR_UNSUPPORTED},
        {"", SP_ERR_UNSUPPORTED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_header h = {view_str("content-type"), view_str(rows[i].type)};
        struct request r = {.headers = &h, .header_count = 1, .body = view_str("{\"a\":1}")};
        struct sp_why why = {0};
        struct json *j = NULL;
        assert_int_equal(request_json(&r, 100, &why, &j), rows[i].e);
        assert_int_equal(j != NULL, rows[i].e == SP_OK);
        json_free(j);
    }
}

static void nothing_can_end_a_header_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } rows[] = {{"x-a", "b\r\nset-cookie: c=d"},
                {"x-a", "b\n"},
                {"x a", "b"},
                {"", "b"},
                {"x-a\r\n", "b"},
                {"x:a", "b"},
                {"x-a", "\x7f"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response res;
        response_init(&res);
        response_header(&res, rows[i].name, view_str(rows[i].value));
        assert_int_equal(response_error(&res), SP_ERR_INVALID);
        assert_int_equal(res.head.len, 0);
        response_deinit(&res);
    }
}

static void OA_5_redirects_are_303(void **state)
{
    (void)state;
    struct response res;

    response_init(&res);
    response_redirect(&res, view_str("/login?next=%2F"));
    assert_int_equal(res.status, 303);
    assert_string_equal(buf_cstr(&res.head), "location: /login?next=%2F\r\n");
    response_deinit(&res);
}

static void a_page_gets_the_policy_of_pages(void **state)
{
    (void)state;
    struct response res;
    struct buf page;

    buf_init(&page, 100);
    buf_add_str(&page, "<p>x</p>");
    response_init(&res);
    response_html(&res, 200, &page);
    assert_int_equal(res.policy, RESPONSE_PAGE);
    assert_int_equal(page.len, 0);
    assert_string_equal(buf_cstr(&res.body), "<p>x</p>");
    response_deinit(&res);
    buf_deinit(&page);
}

static void a_json_that_could_not_be_made_is_an_error(void **state)
{
    (void)state;
    struct response res;

    response_init(&res);
    response_json(&res, 200, NULL);
    assert_int_not_equal(response_error(&res), SP_OK);
    response_deinit(&res);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_have_one_spelling),
        cmocka_unit_test(a_pattern_takes_exactly_its_segments),
        cmocka_unit_test(parameters_are_read_by_name),
        cmocka_unit_test(a_failed_match_leaves_the_parameters),
        cmocka_unit_test(query_values_are_strict),
        cmocka_unit_test(a_json_body_needs_its_type),
        cmocka_unit_test(nothing_can_end_a_header_line),
        cmocka_unit_test(OA_5_redirects_are_303),
        cmocka_unit_test(a_page_gets_the_policy_of_pages),
        cmocka_unit_test(a_json_that_could_not_be_made_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
