#include "lib/gateway/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Splits "/a/b" as the target does. */
static size_t split(const char *path, struct view *out)
{
    size_t n = 0;

    for (const char *at = path; *at == '/' && at[1] != '\0'; n++) {
        size_t len = strcspn(at + 1, "/");
        out[n] = (struct view){(const uint8_t *)at + 1, len};
        at += 1 + len;
    }
    return n;
}

static void test_what_a_rule_speaks_of(void **state)
{
    static const struct {
        const char *rule;
        enum gw_method method;
        const char *path;
        bool holds;
    } cases[] = {
        {"/v1/accounts", GW_GET, "/v1/accounts", true},
        {"/v1/accounts", GW_DELETE, "/v1/accounts", true},
        {"/v1/accounts", GW_GET, "/v1/accounts/1", false},
        {"/v1/accounts", GW_GET, "/v1", false},
        {"/v1/accounts", GW_GET, "/v1/Accounts", false},
        {"/v1/accounts", GW_GET, "/v1/accountsx", false},
        {"GET /v1/accounts/{id}", GW_GET, "/v1/accounts/7", true},
        {"GET /v1/accounts/{id}", GW_HEAD, "/v1/accounts/7", true},
        {"GET /v1/accounts/{id}", GW_PUT, "/v1/accounts/7", false},
        {"HEAD /x", GW_GET, "/x", false},
        {"* /x", GW_PATCH, "/x", true},
        {"/v1/*/items", GW_GET, "/v1/a/items", true},
        {"/v1/*/items", GW_GET, "/v1/items", false},
        {"/v1/**", GW_GET, "/v1", true},
        {"/v1/**", GW_GET, "/v1/a/b/c", true},
        {"/v1/**", GW_GET, "/v2/a", false},
        {"/**", GW_OPTIONS, "/", true},
        {"/**", GW_OPTIONS, "/x/y", true},
        {"/", GW_GET, "/", true},
        {"/", GW_GET, "/x", false},
        {"/v1/accounts/", GW_GET, "/v1/accounts", true},
        {"GET /v1/x", GW_METHOD_NONE, "/v1/x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gwmatch m;
        struct sp_why why = {{0}, {0}, 0, 0};
        struct view segments[16];
        struct gwmatch_subject s = {.method = cases[i].method, .segments = segments};

        if (gwmatch_parse(view_str(cases[i].rule), &why, &m) != SP_OK)
            fail_msg("%s: %s", cases[i].rule, why.text);
        s.segment_count = split(cases[i].path, segments);
        if (gwmatch_holds(&m, &s) != cases[i].holds)
            fail_msg("%s and %d %s", cases[i].rule, cases[i].method, cases[i].path);
    }
}

static void test_what_is_no_rule(void **state)
{
    static const char *const bad[] = {
        "",      "v1",      "GET",    "GET v1", "get /v1", "FETCH /v1", "GET  /v1",
        "/a//b", "/a/../b", "/./a",   "/**/a",  "/a*",     "/{id",      "/id}",
        "/{}",   "/{a}{b}", "/x{id}", "/a?b=c", "/a#b",    "/a%2fb",    "/a\\b",
        "/a b",  "/a/\x7f", "/***",   "/a/** ", "//",      " /a",       "/{a{b}}",
    };
    struct sp_why why;
    struct gwmatch m;
    char deep[2 * GWMATCH_SEGMENTS_MAX + 3] = "", wide[GWMATCH_TEXT_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why = (struct sp_why){{0}, {0}, 0, 0};
        if (gwmatch_parse(view_str(bad[i]), &why, &m) != SP_ERR_INVALID || why.text[0] == '\0')
            fail_msg("\"%s\" was accepted", bad[i]);
    }
    for (size_t i = 0; i < 2 * (GWMATCH_SEGMENTS_MAX + 1); i += 2)
        memcpy(deep + i, "/a", 3);
    assert_int_equal(
        gwmatch_parse(view_slice(view_str(deep), 0, 2 * GWMATCH_SEGMENTS_MAX), NULL, &m), SP_OK);
    assert_int_equal(gwmatch_parse(view_str(deep), NULL, &m), SP_ERR_INVALID);
    memset(wide, 'a', sizeof wide);
    wide[0] = '/';
    assert_int_equal(gwmatch_parse((struct view){(uint8_t *)wide, GWMATCH_TEXT_MAX}, NULL, &m),
                     SP_OK);
    assert_int_equal(gwmatch_parse((struct view){(uint8_t *)wide, GWMATCH_TEXT_MAX + 1}, NULL, &m),
                     SP_ERR_LIMIT);
}

static void test_the_written_forms(void **state)
{
    static const struct {
        const char *json;
        sp_error e;
        const char *path, *operation;
        unsigned methods;
    } cases[] = {
        {"\"GET /a\"", SP_OK, "/a", "", 1u << GW_GET | 1u << GW_HEAD},
        {"{\"operation\":\"login\"}", SP_OK, "", "login", 0},
        {"{\"path\":\"/a/**\"}", SP_OK, "/a/**", "", 0},
        {"{\"path\":\"/a\",\"method\":\"POST\"}", SP_OK, "/a", "", 1u << GW_POST},
        {"{\"method\":\"DELETE\"}", SP_OK, "", "", 1u << GW_DELETE},
        {"{\"method\":\"*\"}", SP_ERR_INVALID, "", "", 0},
        {"{}", SP_ERR_INVALID, "", "", 0},
        {"{\"operation\":\"a\",\"path\":\"/a\"}", SP_ERR_INVALID, "", "", 0},
        {"{\"operation\":\"\"}", SP_ERR_INVALID, "", "", 0},
        {"{\"operation\":1}", SP_ERR_INVALID, "", "", 0},
        {"{\"way\":\"/a\"}", SP_ERR_INVALID, "", "", 0},
        {"[\"/a\"]", SP_ERR_INVALID, "", "", 0},
        {"7", SP_ERR_INVALID, "", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *j = NULL;
        struct sp_why why = {{0}, {0}, 0, 0};
        struct gwmatch m = {0};
        struct buf wrapped;

        buf_init(&wrapped, 256);
        buf_addf(&wrapped, "[%s]", cases[i].json);
        assert_int_equal(json_parse(buf_view(&wrapped), 256, NULL, &j), SP_OK);
        if (gwmatch_read(json_at(j, 0), &m, &why) != cases[i].e)
            fail_msg("%s: %s", cases[i].json, why.text);
        assert_string_equal(m.path, cases[i].path);
        assert_string_equal(m.operation, cases[i].operation);
        assert_int_equal(m.methods, cases[i].methods);
        assert_int_equal(gwmatch_is_set(&m), cases[i].e == SP_OK);
        json_free(j);
        buf_deinit(&wrapped);
    }
}

static void test_an_operation_is_compared_by_its_name(void **state)
{
    struct gwmatch login = {.operation = "login"}, all = {0};
    struct gwmatch_subject s = {.method = GW_POST};

    (void)state;
    assert_true(gwmatch_holds(&all, &s));
    assert_false(gwmatch_holds(&login, &s)); /* not documented: nobody's operation */
    s.operation = view_str("login2");
    assert_false(gwmatch_holds(&login, &s));
    s.operation = view_str("login");
    assert_true(gwmatch_holds(&login, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_rule_speaks_of),
        cmocka_unit_test(test_what_is_no_rule),
        cmocka_unit_test(test_the_written_forms),
        cmocka_unit_test(test_an_operation_is_compared_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
