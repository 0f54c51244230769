#include "lib/config/tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A text and the compact JSON that it means. */
static void test_values(void **state)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"", "null"},
        {"# nothing but a comment\n", "null"},
        {"---\na: 1\n...\n", "{\"a\":1}"},
        {"b: 1\na: [x, 'y', \"z\"]\n", "{\"b\":1,\"a\":[\"x\",\"y\",\"z\"]}"},
        {"a: no\nb: yes\nc: on\n", "{\"a\":\"no\",\"b\":\"yes\",\"c\":\"on\"}"},
        {"a: true\nb: False\nc: ~\nd:\n", "{\"a\":true,\"b\":false,\"c\":null,\"d\":null}"},
        {"[12h, 07:00, mon-fri, 2026-11-25]", "[\"12h\",\"07:00\",\"mon-fri\",\"2026-11-25\"]"},
        {"[007, +1, 1., .5, 1_000, 08]", "[\"007\",\"+1\",\"1.\",\".5\",\"1_000\",\"08\"]"},
        {"[0x1F, 0o17, 0x, -0, -5, 0]", "[31,15,\"0x\",\"-0\",-5,0]"},
        {"[1.5, -2e3, 1e]", "[1.5,-2000.0,\"1e\"]"},
        {"['1', \"true\", 'null']", "[\"1\",\"true\",\"null\"]"},
        {"a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}"},
        {"a: '*'\n", "{\"a\":\"*\"}"},
        {"[9223372036854775807, -9223372036854775808]",
         "[9223372036854775807,-9223372036854775808]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tree *t = NULL;
        struct sp_why why = {{0}, {0}, 0, 0};
        struct buf out;

        buf_init(&out, 4096);
        if (tree_parse(view_str(cases[i].yaml), 4096, &why, &t) != SP_OK)
            fail_msg("%s: %s", cases[i].yaml, why.text);
        assert_int_equal(json_write(tree_root(t), &out), SP_OK);
        assert_string_equal(buf_cstr(&out), cases[i].json);
        buf_deinit(&out);
        tree_free(t);
    }
}

static void test_refusals_say_where(void **state)
{
    static const struct {
        const char *yaml;
        sp_error e;
        unsigned line, column;
        const char *says;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", SP_ERR_MALFORMED, 3, 1, "second time"},
        {"a: &x 1\n", SP_ERR_MALFORMED, 1, 4, "anchors"},
        {"a: *x\n", SP_ERR_MALFORMED, 1, 4, "aliases"},
        {"a: !!str 1\n", SP_ERR_MALFORMED, 1, 4, "tags"},
        {"a:\n  <<: {b: 1}\n", SP_ERR_MALFORMED, 2, 3, "merge"},
        {"%YAML 1.1\n---\na: 1\n", SP_ERR_MALFORMED, 1, 1, "directives"},
        {"a: 1\n---\nb: 2\n", SP_ERR_MALFORMED, 2, 1, "second document"},
        {"? [a, b]\n: 1\n", SP_ERR_MALFORMED, 1, 3, "plain text"},
        {"'': 1\n", SP_ERR_MALFORMED, 1, 1, "name is missing"},
        {"a: .inf\n", SP_ERR_MALFORMED, 1, 4, "infinity"},
        {"a: 1e999\n", SP_ERR_MALFORMED, 1, 4, "out of range"},
        {"a: 9223372036854775808\n", SP_ERR_MALFORMED, 1, 4, "out of range"},
        {"a: 0x8000000000000000\n", SP_ERR_MALFORMED, 1, 4, "out of range"},
        {"a: \"\\0\"\n", SP_ERR_MALFORMED, 1, 4, "NUL"},
        {"ok: 1\na: \xff\n", SP_ERR_MALFORMED, 2, 1, "UTF-8"},
        {"a: [1, 2\nb: 3\n", SP_ERR_MALFORMED, 2, 2, "YAML"},
        {"a: 'open\n", SP_ERR_MALFORMED, 2, 1, "YAML"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tree *t = NULL;
        struct sp_why why = {{0}, {0}, 0, 0};

        assert_int_equal(tree_parse(view_str(cases[i].yaml), 4096, &why, &t), cases[i].e);
        assert_null(t);
        if (why.line != cases[i].line || why.column != cases[i].column ||
            strstr(why.text, cases[i].says) == NULL)
            fail_msg("%s: %u:%u %s", cases[i].yaml, why.line, why.column, why.text);
    }
}

static void test_limits(void **state)
{
    struct tree *t = NULL;
    struct buf b;

    (void)state;
    for (int depth = TREE_DEPTH_MAX; depth <= TREE_DEPTH_MAX + 1; depth++) {
        buf_init(&b, 4096);
        for (int i = 0; i < depth; i++)
            buf_add_byte(&b, '[');
        for (int i = 0; i < depth; i++)
            buf_add_byte(&b, ']');
        assert_int_equal(tree_parse(buf_view(&b), 4096, NULL, &t),
                         depth <= TREE_DEPTH_MAX ? SP_OK : SP_ERR_LIMIT);
        tree_free(t);
        t = NULL;
        buf_deinit(&b);
    }
    assert_int_equal(tree_parse(view_str("abcd"), 4, NULL, &t), SP_OK);
    tree_free(t);
    t = NULL;
    assert_int_equal(tree_parse(view_str("abcde"), 4, NULL, &t), SP_ERR_LIMIT);

    for (size_t items = TREE_NODES_MAX - 1; items <= TREE_NODES_MAX; items++) {
        buf_init(&b, TREE_BYTES_MAX);
        buf_add_byte(&b, '[');
        for (size_t i = 0; i < items; i++)
            buf_add_str(&b, "1,");
        buf_add_byte(&b, ']');
        assert_int_equal(tree_parse(buf_view(&b), TREE_BYTES_MAX, NULL, &t),
                         items < TREE_NODES_MAX ? SP_OK : SP_ERR_LIMIT);
        tree_free(t);
        t = NULL;
        buf_deinit(&b);
    }
}

static void test_places(void **state)
{
    static const char text[] = "rules:\n  - allow:\n      mfa: 10m\n      on: true\n  - deny: ~\n";
    struct tree *t = NULL;
    unsigned line, column;

    (void)state;
    assert_int_equal(tree_parse(view_str(text), 4096, NULL, &t), SP_OK);
    struct json *rules = json_get(tree_root(t), "rules");
    struct json *allow = json_get(json_at(rules, 0), "allow");

    tree_place(t, json_get(allow, "mfa"), &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 12);
    tree_place_member(t, allow, "on", &line, &column);
    assert_int_equal(line, 4);
    assert_int_equal(column, 7);
    tree_place_item(t, rules, 1, &line, &column);
    assert_int_equal(line, 5);
    tree_place_member(t, json_at(rules, 1), "deny", &line, &column);
    assert_int_equal(line, 5);
    assert_int_equal(column, 5);
    tree_place(t, json_get(allow, "on"), &line, &column); /* shared by all that are true */
    assert_int_equal(line, 0);
    tree_place(t, NULL, &line, &column);
    assert_int_equal(line, 0);
    tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals_say_where),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
