#include "lib/http/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NAME "__Host-sallyport"

static void the_named_cookie_is_found_among_others(void **state)
{
    (void)state;
    struct view v;

    assert_int_equal(cookie_find(view_str("a=1; " NAME "=abc-_.~; b=2"), NAME, &v), SP_OK);
    assert_true(view_is(v, "abc-_.~"));
    assert_int_equal(cookie_find(view_str(NAME "="), NAME, &v), SP_OK);
    assert_int_equal(v.len, 0);
    assert_int_equal(cookie_find(view_str(NAME "=a=b"), NAME, &v), SP_OK);
    assert_true(view_is(v, "a=b"));
}

static void other_names_and_cases_do_not_match(void **state)
{
    (void)state;
    struct view v;
    static const char *const headers[] = {
        "", ";", ";;;", "x" NAME "=1", "__host-sallyport=1", NAME, NAME "2=1"};

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(cookie_find(view_str(headers[i]), NAME, &v), SP_ERR_NOT_FOUND);
}

static void a_planted_second_cookie_refuses_both(void **state)
{
    (void)state;
    struct view v;

    assert_int_equal(cookie_find(view_str(NAME "=1; " NAME "=2"), NAME, &v), SP_ERR_MALFORMED);
    assert_int_equal(cookie_find(view_str(NAME "=1;" NAME "=1"), NAME, &v), SP_ERR_MALFORMED);
}

static void a_value_with_other_bytes_is_refused(void **state)
{
    (void)state;
    struct view v;
    static const char *const headers[] = {NAME "=a b",  NAME "=\"a\"", NAME "=a,b",
                                          NAME "=a\\b", NAME "=a\x7f", NAME "=\xc3\xb6"};

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(cookie_find(view_str(headers[i]), NAME, &v), SP_ERR_MALFORMED);
}

static void a_value_has_at_most_3072_bytes(void **state)
{
    (void)state;
    struct buf b;
    struct view v;

    buf_init(&b, 8192);
    buf_add_str(&b, NAME "=");
    for (int i = 0; i < COOKIE_VALUE_MAX; i++)
        buf_add_byte(&b, 'x');
    assert_int_equal(cookie_find(buf_view(&b), NAME, &v), SP_OK);
    buf_add_byte(&b, 'x');
    assert_int_equal(cookie_find(buf_view(&b), NAME, &v), SP_ERR_LIMIT);
    buf_deinit(&b);
}

static void every_cookie_is_host_only_secure_and_out_of_reach_of_scripts(void **state)
{
    (void)state;
    struct response res;

    response_init(&res);
    cookie_set(&res, NAME, view_str("v1"), 900, COOKIE_LAX);
    cookie_set(&res, "__Host-flow", view_str("v2"), 0, COOKIE_STRICT);
    cookie_clear(&res, NAME);
    assert_int_equal(response_error(&res), SP_OK);
    assert_string_equal(
        buf_cstr(&res.head),
        "set-cookie: " NAME "=v1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=900\r\n"
        "set-cookie: __Host-flow=v2; Path=/; Secure; HttpOnly; SameSite=Strict\r\n"
        "set-cookie: " NAME "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
    response_deinit(&res);
}

static void a_cookie_that_could_break_out_fails_the_response(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } rows[] = {{NAME, "a; Domain=evil"}, {NAME, "a\r\nx: y"}, {"sallyport", "a"},
                {"__Host-a b", "a"},      {"__Host-a=b", "a"}, {"__Host-a;b", "a"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response res;
        response_init(&res);
        cookie_set(&res, rows[i].name, view_str(rows[i].value), 1, COOKIE_LAX);
        assert_int_equal(response_error(&res), SP_ERR_INVALID);
        assert_int_equal(res.head.len, 0);
        response_deinit(&res);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_named_cookie_is_found_among_others),
        cmocka_unit_test(other_names_and_cases_do_not_match),
        cmocka_unit_test(a_planted_second_cookie_refuses_both),
        cmocka_unit_test(a_value_with_other_bytes_is_refused),
        cmocka_unit_test(a_value_has_at_most_3072_bytes),
        cmocka_unit_test(every_cookie_is_host_only_secure_and_out_of_reach_of_scripts),
        cmocka_unit_test(a_cookie_that_could_break_out_fails_the_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
