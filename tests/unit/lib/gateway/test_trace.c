#include "lib/gateway/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t number(const struct json *o, const char *name)
{
    int64_t n = -1;

    return json_get_int(o, name, 0, INT64_MAX, &n) == SP_OK ? n : -1;
}

static void test_it_says_all_that_is_known(void **state)
{
    (void)state;
    struct trace t = {.decision = "0123456789abcdef",
                      .policy_version = 4,
                      .app_version = 9,
                      .documented = true,
                      .document = {0xab, 0xcd},
                      .request_bytes = 3,
                      .response_bytes = UINT64_MAX,
                      .latency_us = 77};
    struct json *o = json_object();

    trace_write(&t, o);
    assert_string_equal(json_cstr(json_get(o, "decision")), "0123456789abcdef");
    assert_int_equal(number(o, "policy_version"), 4);
    assert_int_equal(number(o, "app_version"), 9);
    assert_int_equal(json_str(json_get(o, "document")).len, 64);
    assert_memory_equal(json_cstr(json_get(o, "document")), "abcd00", 6);
    assert_int_equal(number(o, "request_bytes"), 3);
    assert_int_equal(number(o, "response_bytes"), INT64_MAX);
    assert_int_equal(number(o, "latency_us"), 77);
    json_free(o);
}

static void test_what_is_not_known_is_left_out(void **state)
{
    (void)state;
    const struct trace t = {.latency_us = -1};
    struct json *o = json_object();

    trace_write(&t, o);
    assert_null(json_get(o, "decision"));
    assert_null(json_get(o, "policy_version"));
    assert_null(json_get(o, "app_version"));
    assert_null(json_get(o, "document"));
    assert_int_equal(number(o, "latency_us"), 0);
    json_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_all_that_is_known),
        cmocka_unit_test(test_what_is_not_known_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
