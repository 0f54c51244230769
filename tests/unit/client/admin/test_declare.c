/* Configuration as code: what a text may say, that it is written as it was read, and what differs.
 */
#include "client/admin/declare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct json *read_text(const char *text)
{
    struct sp_why why = {0};
    struct json *doc = NULL;

    if (declare_read(view_str(text), &why, &doc) != SP_OK)
        fail_msg("%u:%u: %s", why.line, why.column, why.text);
    return doc;
}

static void a_text_is_read_with_what_it_leaves_out(void **state)
{
    struct json *doc =
        read_text("version: 1\napps:\n  - {name: wiki, site: office, host: h, port: 80}\n");
    const struct json *app = declare_find(json_get(doc, "apps"), "wiki");
    int64_t port = 0;

    (void)state;
    assert_null(json_get(doc, "sites")); /* says nothing about sites */
    assert_null(json_get(doc, "policy"));
    assert_true(json_integer(json_get(app, "port"), &port));
    assert_int_equal(port, 80);
    assert_string_equal(json_cstr(json_get(app, "type")), "tcp");
    assert_string_equal(json_cstr(json_get(app, "cut_through")), "auto");
    assert_int_equal(json_kind(json_get(app, "gateway")), JSON_NULL);
    assert_int_equal(json_kind(json_get(app, "labels")), JSON_OBJECT);
    json_free(doc);
}

static void what_a_text_may_not_say_is_refused_with_its_place(void **state)
{
#define APP "name: a, site: s, host: h, port: 1"
    static const struct {
        const char *text;
        unsigned line, column;
    } rows[] = {
        {"sites: []\n", 1, 1}, /* no version */
        {"version: 2\n", 1, 1},
        {"version: 1\nusers: []\n", 2, 1},
        {"version: 1\nsites: {name: a}\n", 2, 1},
        {"version: 1\nsites:\n  - office\n", 3, 5},
        {"version: 1\nsites:\n  - {nam: office}\n", 3, 6},
        {"version: 1\nsites:\n  - {name: 7}\n", 3, 6},
        {"version: 1\nsites:\n  - {name: a}\n  - {name: a}\n", 4, 6},
        {"version: 1\napps:\n  - {name: a, site: s, host: h}\n", 3, 5},
        {"version: 1\napps:\n  - {" APP ", id: x}\n", 3, 42},
        {"version: 1\napps:\n  - {" APP ", labels: {env: 1}}\n", 3, 51},
        {"version: 1\napps:\n  - {" APP ", limits: {idle: 600}}\n", 3, 51},
        {"version: 1\napps:\n  - {" APP ", gateway: {mode: block}}\n", 3, 42},
        {"version: 1\npolicy: {version: 1}\n", 2, 1},
        {"version: 1\nversion: 1\n", 2, 1},
        {"version: 1\nsites: &a []\n", 2, 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sp_why why = {0};
        struct json *doc = NULL;

        if (declare_read(view_str(rows[i].text), &why, &doc) == SP_OK || why.line != rows[i].line ||
            why.column != rows[i].column || why.text[0] == '\0')
            fail_msg("%s: %u:%u: %s", rows[i].text, why.line, why.column, why.text);
        assert_null(doc);
    }
}

static void what_is_written_reads_as_the_same(void **state)
{
    static const char *const texts[] = {
        "version: 1\n",
        "version: 1\nsites: []\napps: []\n",
        "version: 1\nsites: [{name: \"off\"}, {name: \"1\"}, {name: \"a: b # c\"}]\n",
        "version: 1\napps:\n  - {" APP ", labels: {env: \"1\", \"a b\": \"\"}, limits: {idle: 10m, "
        "step_up: {kind: otp, every: 15m}}, gateway: \"a: 1\\nb: 2\\n\"}\n",
        "version: 1\npolicy: \"version: 1\\n# mine\\n\\npolicies: []\\n\"\n",
        "version: 1\npolicy: \"  leading\\n\"\n",
        "version: 1\npolicy: \"no end\"\n",
        "version: 1\npolicy: \"two ends\\n\\n\"\n",
        "version: 1\npolicy: \"a tab\\there \\nand blanks  \\n\"\n",
        "version: 1\npolicy: \"K\xc3\xb6nig\\nL\xe2\x80\xa8S\\n\"\n",
        "version: 1\npolicy: \"\\x7f\\u0085\\u2029\\ufeff\\uffff\\t\\x1b\\\"\\\\/\"\n",
        "version: 1\npolicy: \"K\xc3\xb6nig\\nzwei\\n\"\n",
        "version: 1\npolicy: \"a\\n\xef\xbb\xbf \\n\"\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json *doc = read_text(texts[i]), *again;
        struct buf out;

        buf_init(&out, DECLARE_BYTES_MAX);
        declare_write(doc, &out);
        again = read_text(buf_cstr(&out));
        if (!json_equal(doc, again))
            fail_msg("%s became\n%s", texts[i], buf_cstr(&out));
        json_free(doc);
        json_free(again);
        buf_deinit(&out);
    }
}

/* "add site b; change app a: host, port" */
static void assert_changes(const char *now_text, const char *wanted_text, bool prune,
                           const char *expected)
{
    struct json *now = read_text(now_text), *wanted = read_text(wanted_text);
    struct json *changes = declare_changes(now, wanted, prune);
    struct buf words;

    buf_init(&words, 4096);
    for (size_t i = 0; i < json_len(changes); i++) {
        const struct json *one = json_at(changes, i), *fields = json_get(one, "fields");

        buf_addf(&words, "%s%s %s %s", i > 0 ? "; " : "", json_cstr(json_get(one, "change")),
                 json_cstr(json_get(one, "object")), json_cstr(json_get(one, "name")));
        for (size_t f = 0; f < json_len(fields); f++)
            buf_addf(&words, "%s %s", f > 0 ? "," : ":", json_cstr(json_at(fields, f)));
    }
    assert_string_equal(buf_cstr(&words), expected);
    buf_deinit(&words);
    json_free(changes);
    json_free(now);
    json_free(wanted);
}

static void what_differs_is_said_in_an_order_that_can_be_done(void **state)
{
    static const char base[] =
        "version: 1\nsites: [{name: s}]\napps: [{" APP ", limits: {idle: 10m}}]\n";

    (void)state;
    assert_changes(base, base, true, "");
    assert_changes(base, "version: 1\n", true, ""); /* no section, no word */
    assert_changes(base, "version: 1\napps: [{" APP ", limits: {idle: 600s}}]\n", true, "");
    assert_changes(base, "version: 1\napps: [{" APP ", limits: {idle: 11m}}]\n", true,
                   "change app a: limits");
    assert_changes(base,
                   "version: 1\nsites: [{name: t}]\napps: [{name: b, site: t, host: h, port: 1}]\n",
                   false, "add site t; add app b");
    assert_changes(base,
                   "version: 1\nsites: [{name: t}]\napps: [{name: b, site: t, host: h, port: 1}]\n",
                   true, "add site t; add app b; remove app a; remove site s");
    assert_changes(base, "version: 1\napps: []\n", true, "remove app a");
    assert_changes(base, "version: 1\napps: [{name: a, site: s, host: i, port: 2}]\n", false,
                   "change app a: host, port, limits");
}

static void policies_are_compared_one_by_one(void **state)
{
#define DOC(policies) "version: 1\npolicy: \"version: 1\\npolicies:\\n" policies "\"\n"
    (void)state;
    assert_changes("version: 1\npolicy: \"\"\n", DOC("- {name: a, apps: {all: true}}\\n"), false,
                   "add policy document: version, a");
    assert_changes(DOC("- {name: a, mode: off}\\n- {name: b}\\n"),
                   DOC("- {name: b}\\n- {name: a, mode: shadow}\\n- {name: c}\\n"), false,
                   "change policy document: a, c");
    assert_changes(DOC("- {name: a}\\n"), DOC("- {name: a} # why\\n"), false,
                   "change policy document");
    assert_changes(DOC("- {name: a}\\n- {name: b}\\n"), DOC("- {name: a}\\n"), false,
                   "change policy document: b");
    assert_changes(DOC("- {name: a}\\n"), "version: 1\npolicy: \"{\"\n", false,
                   "change policy document"); /* the broker says what is wrong */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read_with_what_it_leaves_out),
        cmocka_unit_test(what_a_text_may_not_say_is_refused_with_its_place),
        cmocka_unit_test(what_is_written_reads_as_the_same),
        cmocka_unit_test(what_differs_is_said_in_an_order_that_can_be_done),
        cmocka_unit_test(policies_are_compared_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
