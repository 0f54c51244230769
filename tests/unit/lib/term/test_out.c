#include "lib/term/out.h"

#include "lib/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const heads[] = {"APP", "STATE", "WHY"};
static const struct out_cell rows[][3] = {
    {{"wiki", OUT_PLAIN}, {"open", OUT_GOOD}, {"group staff", OUT_PLAIN}},
    {{"日本", OUT_PLAIN}, {"denied", OUT_BAD}, {NULL, OUT_PLAIN}},
};

static char *print_table(unsigned width, bool colour)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct out o = {f, width, colour};
    struct out_table *t = out_table_new(heads, 3);

    for (size_t i = 0; i < 2; i++)
        out_table_row(t, rows[i]);
    assert_int_equal(out_table_print(t, &o), SP_OK);
    out_table_free(t);
    fclose(f);
    return text;
}

static void test_columns_line_up_by_display_width(void **state)
{
    (void)state;
    char *text = print_table(0, false);
    assert_string_equal(text, "APP   STATE   WHY\n"
                              "wiki  open    group staff\n"
                              "日本  denied  –\n");
    free(text);
}

static void test_colour_stands_on_state_words_only(void **state)
{
    (void)state;
    char *text = print_table(80, true);
    assert_non_null(strstr(text, "\033[32mopen\033[0m    group staff\n"));
    assert_non_null(strstr(text, "\033[31mdenied\033[0m  –\n"));
    assert_memory_equal(text, "APP   STATE", 11);
    free(text);
}

static void test_a_narrow_terminal_gets_blocks(void **state)
{
    (void)state;
    char *text = print_table(OUT_NARROW - 1, false);
    assert_string_equal(text, "APP    wiki\nSTATE  open\nWHY    group staff\n\n"
                              "APP    日本\nSTATE  denied\nWHY    –\n");
    free(text);
    text = print_table(OUT_NARROW, false);
    assert_memory_equal(text, "APP   STATE", 11);
    free(text);
}

static void test_the_last_column_wraps_and_nothing_is_cut(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct out o = {f, 24, false};
    const struct out_pair pairs[] = {
        {"Why", {"the device has no disk encryption", OUT_PLAIN}},
        {"Left", {NULL, OUT_PLAIN}},
        {"Longer", {"averyveryverylongwordwithoutblank", OUT_PLAIN}},
    };

    (void)state;
    assert_int_equal(out_pairs(&o, pairs, 3), SP_OK);
    fclose(f);
    assert_string_equal(text, "Why     the device has\n        no disk\n        encryption\n"
                              "Longer  averyveryverylon\n        gwordwithoutblan\n        k\n");
    free(text);
}

static void test_a_line_that_breaks_between_two_blanks_keeps_neither(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct out o = {f, 24, false};
    const struct out_pair pairs[] = {
        {"At", {"127.77.146.117:10080  until 06:42", OUT_PLAIN}},
        {"To", {"12345678901234567890", OUT_PLAIN}},
    };

    (void)state;
    assert_int_equal(out_pairs(&o, pairs, 2), SP_OK);
    fclose(f);
    assert_string_equal(text, "At  127.77.146.117:10080\n    until 06:42\n"
                              "To  12345678901234567890\n");
    free(text);
}

/* Nothing at all would look like a fault, and blanks at a line's end wrap where nobody sees why. */
static void test_an_empty_list_says_so_and_no_line_ends_in_blanks(void **state)
{
    static const struct out_cell sparse[][3] = {
        {{"wiki", OUT_PLAIN}, {"", OUT_PLAIN}, {"", OUT_PLAIN}},
        {{"mail", OUT_PLAIN}, {"open", OUT_GOOD}, {"", OUT_PLAIN}},
    };
    (void)state;

    for (unsigned narrow = 0; narrow < 2; narrow++) {
        char *text = NULL;
        size_t len;
        FILE *f = open_memstream(&text, &len);
        struct out o = {f, narrow ? OUT_NARROW - 1 : 0, false};
        struct out_table *t = out_table_new(heads, 3);
        assert_int_equal(out_table_print(t, &o), SP_OK);
        fputs("--\n", f);
        out_table_row(t, sparse[0]);
        out_table_row(t, sparse[1]);
        assert_int_equal(out_table_print(t, &o), SP_OK);
        out_table_free(t);
        fclose(f);
        assert_string_equal(text, narrow ? "none\n--\nAPP    wiki\nSTATE\nWHY\n\n"
                                           "APP    mail\nSTATE  open\nWHY\n"
                                         : "APP  STATE  WHY\n--\nAPP   STATE  WHY\n"
                                           "wiki\nmail  open\n");
        free(text);
    }
}

static void test_members_are_words_and_wrap(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct out o = {f, 30, false};
    struct json *j = json_object();
    (void)state;

    json_set_cstr(j, "relayId", "a\x1b[2Jb");
    json_set_cstr(j, "trouble", "");
    json_set_int(j, "sessions", 3);
    json_set_cstr(j, "text", "memory open to this user");
    out_members(&o, j);
    json_free(j);
    fclose(f);
    assert_string_equal(text, "relay id     a\\x1b[2Jb\ntrouble      none\nsessions     3\n"
                              "text         memory open to\n             this user\n");
    free(text);
}

static void TM_22_foreign_text_cannot_steer_the_terminal(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct out o = {f, 0, false};

    (void)state;
    out_line(&o, "app %s",
             "a\033[2Jb\r\n\xc2\x9b"
             "1m\xe2\x80\xae");
    fclose(f);
    assert_string_equal(text, "app a\\x1b[2Jb\\x0d\\x0a\\u{9b}1m\\u{202e}\n");
    free(text);
}

static void test_width(void **state)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {{"", 0},  {"abc", 3}, {"é", 1},        {"e\xcc\x81", 1}, {"日本語", 6},
                 {"🔒", 2}, {"ﬁ", 1},   {"\xe2\x82", 2}, {"\xff", 1},      {"–", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(out_width(view_str(cases[i].text)), cases[i].width);
}

static void test_ages(void **state)
{
    (void)state;
    assert_string_equal(out_age(999).s, "now");
    assert_string_equal(out_age(1000).s, "1 s");
    assert_string_equal(out_age(3 * 60000 + 5).s, "3 min");
    assert_string_equal(out_age(2 * 3600000).s, "2 h");
    assert_string_equal(out_age(5LL * 86400000).s, "5 d");
    assert_string_equal(out_age(-1).s, "now");
}

static void test_no_terminal_no_colour_no_wrap(void **state)
{
    FILE *f = tmpfile();
    struct out o = out_on(f);

    (void)state;
    assert_int_equal(o.width, 0);
    assert_false(o.colour);
    fclose(f);
}

static void test_a_full_disk_is_told(void **state)
{
    FILE *f = fopen("/dev/full", "w");
    struct out o = {f, 0, false};
    const struct out_pair pair = {"k", {"v", OUT_PLAIN}};

    (void)state;
    assert_non_null(f);
    assert_int_equal(out_pairs(&o, &pair, 1), SP_ERR_IO);
    fclose(f);
}

static void a_time_ago_is_told_in_words(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } ages[] = {{-5, "just now"},      {0, "just now"},          {999, "just now"},
                {1000, "1 s ago"},     {61 * 1000, "1 min ago"}, {3 * 3600 * 1000, "3 h ago"},
                {172800000, "2 d ago"}};

    (void)state;
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
        assert_string_equal(out_ago(ages[i].ms).s, ages[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_ago_is_told_in_words),
        cmocka_unit_test(test_columns_line_up_by_display_width),
        cmocka_unit_test(test_colour_stands_on_state_words_only),
        cmocka_unit_test(test_a_narrow_terminal_gets_blocks),
        cmocka_unit_test(test_the_last_column_wraps_and_nothing_is_cut),
        cmocka_unit_test(test_a_line_that_breaks_between_two_blanks_keeps_neither),
        cmocka_unit_test(test_an_empty_list_says_so_and_no_line_ends_in_blanks),
        cmocka_unit_test(test_members_are_words_and_wrap),
        cmocka_unit_test(TM_22_foreign_text_cannot_steer_the_terminal),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_no_terminal_no_colour_no_wrap),
        cmocka_unit_test(test_a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
