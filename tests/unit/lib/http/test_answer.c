#include "lib/http/answer.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char head[8192];

static void write_head(struct response *res, bool tls, bool close)
{
    struct buf out;

    buf_init(&out, sizeof head);
    assert_int_equal(answer_head(res, tls, close, &out), SP_OK);
    snprintf(head, sizeof head, "%s", buf_cstr(&out));
    buf_deinit(&out);
}

static void the_policy_fits_the_kind_of_answer(void **state)
{
    (void)state;
    struct response res;

    response_init(&res);
    response_text(&res, 200, "text/plain", view_str("x"));
    write_head(&res, false, false);
    assert_non_null(strstr(head, "default-src 'none'; base-uri 'none'; form-action 'none'"));
    res.policy = RESPONSE_PAGE;
    res.form_action = "http://127.0.0.1:4711";
    write_head(&res, false, false);
    assert_non_null(strstr(head, "form-action 'self' http://127.0.0.1:4711\r\n"));
    res.policy = RESPONSE_CONSOLE;
    write_head(&res, false, false);
    assert_non_null(strstr(head, "content-security-policy: default-src 'self'"));
    assert_null(strstr(head, "unsafe"));
    response_deinit(&res);
}

static void hsts_only_over_tls(void **state)
{
    (void)state;
    struct response res;

    response_init(&res);
    response_empty(&res, 204);
    write_head(&res, true, false);
    assert_non_null(strstr(head, "strict-transport-security: max-age="));
    write_head(&res, false, false);
    assert_null(strstr(head, "strict-transport-security"));
    response_deinit(&res);
}

static void what_is_cacheable_has_no_no_store(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3};
    struct response res;

    response_init(&res);
    response_fixed(&res, 200, "text/css", (struct view){bytes, 3}, "\"abc\"", "gzip");
    res.cacheable = true;
    response_header(&res, "cache-control", view_str("public, max-age=60"));
    write_head(&res, true, true);
    assert_null(strstr(head, "no-store"));
    assert_non_null(strstr(head, "etag: \"abc\"\r\n"));
    assert_non_null(strstr(head, "content-encoding: gzip\r\n"));
    assert_non_null(strstr(head, "content-length: 3\r\n"));
    assert_non_null(strstr(head, "connection: close\r\n"));
    assert_int_equal(answer_body(&res).len, 3);
    response_deinit(&res);
}

static void statuses_without_a_body_have_no_length(void **state)
{
    (void)state;
    struct response res;
    static const int statuses[] = {204, 304};

    for (int i = 0; i < 2; i++) {
        response_init(&res);
        response_empty(&res, statuses[i]);
        write_head(&res, true, false);
        assert_null(strstr(head, "content-length"));
        response_deinit(&res);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_fits_the_kind_of_answer),
        cmocka_unit_test(hsts_only_over_tls),
        cmocka_unit_test(what_is_cacheable_has_no_no_store),
        cmocka_unit_test(statuses_without_a_body_have_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
