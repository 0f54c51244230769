#include "lib/config/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void yaml_becomes_the_json_that_it_means(void **state)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"", "null"},
        {"a: 1\nb: [x, 'y', {c: d}]\n", "{\"a\":1,\"b\":[\"x\",\"y\",{\"c\":\"d\"}]}"},
        {"{}", "{}"},
        {"- - 1\n  - 2\n- []\n", "[[1,2],[]]"},
        {"200: {x: 1}\n'404': null\ntrue: yes\n",
         "{\"200\":{\"x\":1},\"404\":null,\"true\":\"yes\"}"},
        {"a: |\n  two\n  \"lines\"\n", "{\"a\":\"two\\u000a\\\"lines\\\"\\u000a\"}"},
        {"v: 3.0.1\nd: 2026-11-25\nn: 1.5e3\nt: True\n",
         "{\"v\":\"3.0.1\",\"d\":\"2026-11-25\",\"n\":1500.0,\"t\":true}"},
        {"a: 1\na: 2\n", "{\"a\":1,\"a\":2}"}, /* left to the reader of the JSON */
        {"? a\n: b\n", "{\"a\":\"b\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct buf out;
        buf_init(&out, 4096);
        if (stream_to_json(view_str(cases[i].yaml), &why, &out) != SP_OK)
            fail_msg("%s: %s", cases[i].yaml, why.text);
        assert_string_equal(buf_cstr(&out), cases[i].json);
        buf_deinit(&out);
    }
}

static void refusals_say_where(void **state)
{
    static const struct {
        const char *yaml;
        unsigned line;
        const char *says;
    } cases[] = {
        {"a: 1\nb: &x 1\n", 2, "anchors"},
        {"a: *x\n", 1, "aliases"},
        {"a: !!str 1\n", 1, "tags"},
        {"a:\n  <<: {b: 1}\n", 2, "merge"},
        {"%YAML 1.1\n---\na: 1\n", 1, "directives"},
        {"a: 1\n---\nb: 2\n", 2, "second document"},
        {"{[1]: 2}", 1, "name"},
        {"a: [1, 2\n", 2, "not valid YAML"},
        {"a: .inf\n", 1, "nfinity"},
        {"a: \"\\0\"\n", 1, "NUL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct buf out;
        buf_init(&out, 4096);
        sp_error e = stream_to_json(view_str(cases[i].yaml), &why, &out);
        if (e != SP_ERR_MALFORMED || why.line != cases[i].line ||
            strstr(why.text, cases[i].says) == NULL)
            fail_msg("%s: %s, line %u: %s", cases[i].yaml, sp_error_text(e), why.line, why.text);
        buf_deinit(&out);
    }
}

static void limits_hold(void **state)
{
    char deep[2 * STREAM_DEPTH_MAX + 3];
    struct buf out;

    (void)state;
    for (size_t levels = STREAM_DEPTH_MAX; levels <= STREAM_DEPTH_MAX + 1; levels++) {
        memset(deep, '[', levels);
        memset(deep + levels, ']', levels);
        deep[2 * levels] = '\0';
        buf_init(&out, 4096);
        assert_int_equal(stream_to_json(view_str(deep), NULL, &out),
                         levels == STREAM_DEPTH_MAX ? SP_OK : SP_ERR_LIMIT);
        buf_deinit(&out);
    }
    buf_init(&out, 8);
    assert_int_equal(stream_to_json(view_str("a: a text"), NULL, &out), SP_ERR_LIMIT);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_becomes_the_json_that_it_means),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
