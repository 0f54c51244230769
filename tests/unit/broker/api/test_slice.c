#include "broker/api/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char document[] = "version: 1\n"
                               "limits: {session_max: 12h}   # global ceiling\n"
                               "\n"
                               "policies:\n"
                               "  # Everybody, always.\n"
                               "  # Two lines of it.\n"
                               "  - name: baseline\n"
                               "    apps: {all: true}\n"
                               "\n"
                               "    require:\n"
                               "      # deeper\n"
                               "      - {device: {state: [approved]}}\n"
                               "\n"
                               "  # Wiki for staff.\n"
                               "  - apps: {names: [wiki]}\n"
                               "    name: intranet\n"
                               "    allow:\n"
                               "      - {name: staff, when: {groups: [corp/staff]}}\n"
                               "  -\n"
                               "    name: lonely-dash\n"
                               "    apps: {names: [x]}\n"
                               "tests:\n"
                               "  - {user: carl, app: wiki, expect: deny}\n";

struct slice {
    struct buf text;
    unsigned line;
};

static sp_error read_slice(const char *doc, const char *name, struct slice *s)
{
    buf_init(&s->text, 1 << 16);
    s->line = 0;
    return slice_read(view_str(doc), view_str(name), &s->text, &s->line);
}

static void a_policy_is_read_at_the_left_margin_with_the_comments_above_it(void **state)
{
    (void)state;
    struct slice s;

    assert_int_equal(read_slice(document, "baseline", &s), SP_OK);
    assert_string_equal(buf_cstr(&s.text), "# Everybody, always.\n"
                                           "# Two lines of it.\n"
                                           "name: baseline\n"
                                           "apps: {all: true}\n"
                                           "\n"
                                           "require:\n"
                                           "  # deeper\n"
                                           "  - {device: {state: [approved]}}\n");
    assert_int_equal(s.line, 5);
    buf_deinit(&s.text);

    assert_int_equal(read_slice(document, "intranet", &s), SP_OK);
    assert_string_equal(buf_cstr(&s.text), "# Wiki for staff.\n"
                                           "apps: {names: [wiki]}\n"
                                           "name: intranet\n"
                                           "allow:\n"
                                           "  - {name: staff, when: {groups: [corp/staff]}}\n");
    assert_int_equal(s.line, 14);
    buf_deinit(&s.text);
}

static void reading_and_putting_back_changes_no_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"baseline", "intranet"};
    struct slice s;
    struct buf whole;
    unsigned line;

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_slice(document, names[i], &s), SP_OK);
        buf_init(&whole, 1 << 16);
        assert_int_equal(
            slice_replace(view_str(document), view_str(names[i]), buf_view(&s.text), &whole, &line),
            SP_OK);
        assert_string_equal(buf_cstr(&whole), document);
        assert_int_equal(line, s.line);
        buf_deinit(&whole);
        buf_deinit(&s.text);
    }
}

static void replacing_touches_no_byte_of_the_others(void **state)
{
    (void)state;
    struct buf whole;
    unsigned line;

    buf_init(&whole, 1 << 16);
    assert_int_equal(slice_replace(view_str(document), view_str("intranet"),
                                   view_str("name: intranet\napps: {all: true}"), &whole, &line),
                     SP_OK);
    const char *text = buf_cstr(&whole), *at = strstr(text, "  - name: intranet\n"
                                                            "    apps: {all: true}\n"
                                                            "  -\n"
                                                            "    name: lonely-dash\n");
    assert_non_null(at);
    assert_memory_equal(text, document, (size_t)(strstr(document, "  # Wiki") - document));
    assert_string_equal(strstr(text, "tests:"), strstr(document, "tests:"));
    assert_int_equal(line, 14);
    buf_deinit(&whole);
}

static void a_new_policy_joins_at_the_end_with_the_others_indentation(void **state)
{
    (void)state;
    struct buf whole;
    struct slice s;
    unsigned line;

    buf_init(&whole, 1 << 16);
    assert_int_equal(slice_replace(view_str(document), view_str("new"),
                                   view_str("# mine\nname: new\napps: {all: true}\n"), &whole,
                                   &line),
                     SP_OK);
    assert_non_null(strstr(buf_cstr(&whole), "    apps: {names: [x]}\n"
                                             "  # mine\n"
                                             "  - name: new\n"
                                             "    apps: {all: true}\n"
                                             "tests:\n"));
    assert_int_equal(line, 22);
    assert_int_equal(read_slice(buf_cstr(&whole), "new", &s), SP_OK);
    assert_string_equal(buf_cstr(&s.text), "# mine\nname: new\napps: {all: true}\n");
    buf_deinit(&s.text);
    buf_deinit(&whole);
}

static void the_first_policy_of_an_empty_document_makes_the_list(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "version: 1\n", "version: 1\npolicies:\n",
                                        "version: 1\nlimits: {idle: 30m}"};
    struct buf whole;
    struct slice s;
    unsigned line;

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        buf_init(&whole, 1 << 16);
        assert_int_equal(slice_replace(view_str(empty[i]), view_str("one"),
                                       view_str("name: one\napps: {all: true}\n"), &whole, &line),
                         SP_OK);
        assert_int_equal(read_slice(buf_cstr(&whole), "one", &s), SP_OK);
        assert_int_equal(s.line, line);
        buf_deinit(&s.text);
        buf_deinit(&whole);
    }
}

static void removing_takes_the_comments_above_along_and_nothing_else(void **state)
{
    (void)state;
    struct buf whole;

    buf_init(&whole, 1 << 16);
    assert_int_equal(slice_remove(view_str(document), view_str("intranet"), &whole), SP_OK);
    assert_null(strstr(buf_cstr(&whole), "Wiki"));
    assert_non_null(strstr(buf_cstr(&whole), "lonely-dash"));
    assert_non_null(strstr(buf_cstr(&whole), "Everybody"));
    buf_deinit(&whole);
}

static void what_has_no_lines_of_its_own_is_edited_as_a_whole(void **state)
{
    (void)state;
    static const char flow[] = "version: 1\npolicies: [{name: a, apps: {all: true}}]\n";
    struct slice s;

    assert_int_equal(read_slice(flow, "a", &s), SP_ERR_UNSUPPORTED);
    buf_deinit(&s.text);
    assert_int_equal(read_slice(document, "nosuch", &s), SP_ERR_NOT_FOUND);
    buf_deinit(&s.text);
    assert_int_equal(read_slice("a: [", "a", &s), SP_ERR_MALFORMED);
    buf_deinit(&s.text);
}

static void only_a_text_with_that_very_name_is_that_policy(void **state)
{
    (void)state;
    assert_true(slice_names(view_str("name: a\n"), view_str("a")));
    assert_false(slice_names(view_str("name: b\n"), view_str("a")));
    assert_false(slice_names(view_str("- name: a\n"), view_str("a")));
    assert_false(slice_names(view_str(""), view_str("a")));
    assert_false(slice_names(view_str("name: [a\n"), view_str("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_is_read_at_the_left_margin_with_the_comments_above_it),
        cmocka_unit_test(reading_and_putting_back_changes_no_byte),
        cmocka_unit_test(replacing_touches_no_byte_of_the_others),
        cmocka_unit_test(a_new_policy_joins_at_the_end_with_the_others_indentation),
        cmocka_unit_test(the_first_policy_of_an_empty_document_makes_the_list),
        cmocka_unit_test(removing_takes_the_comments_above_along_and_nothing_else),
        cmocka_unit_test(what_has_no_lines_of_its_own_is_edited_as_a_whole),
        cmocka_unit_test(only_a_text_with_that_very_name_is_that_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
