#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/ascii.h"

/* Without a NUL behind it, so that a read too far is seen by the sanitizer. */
static struct view text(const char *s)
{
    static char room[64];
    size_t n = strlen(s), at = sizeof room - n;

    assert_true(n < sizeof room);
    memcpy(room + at, s, n);
    return (struct view){(const uint8_t *)room + at, n};
}

static void each_byte_is_of_its_kind(void **state)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char hex[] = "0123456789abcdefABCDEF";
    (void)state;

    for (unsigned c = 0; c < 256; c++) {
        const char *digit = c == 0 ? NULL : strchr(hex, (int)c);
        long at = digit == NULL ? -1 : digit - hex;
        assert_int_equal(ascii_hex((uint8_t)c), at >= 16 ? at - 6 : at);
        assert_int_equal(ascii_digit((uint8_t)c), at >= 0 && at < 10);
        assert_int_equal(ascii_token((uint8_t)c), c != 0 && strchr(token, (int)c) != NULL);
        assert_int_equal(ascii_letter((uint8_t)c),
                         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    }
}

static void only_letters_have_a_case(void **state)
{
    (void)state;

    for (unsigned c = 0; c < 256; c++) {
        uint8_t want = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : (uint8_t)c;
        assert_int_equal(ascii_lower((uint8_t)c), want);
    }
    assert_true(ascii_is(text("Content-TYPE"), "content-type"));
    assert_false(ascii_is(text("content-type "), "content-type"));
    assert_false(ascii_is(text("content-typ"), "content-type"));
    /* What differs in the bit of a letter's case and is no letter: '[' and '{', '/' and 0x0f. */
    assert_false(ascii_is(text("[a"), "{A"));
    assert_false(ascii_is(text("application\017json"), "application/json"));
    assert_false(ascii_is(text("\xc3\x84"), "\xc3\xa4"));
    assert_true(ascii_is((struct view){0}, ""));
}

static void begins_ends_and_stands_in(void **state)
{
    (void)state;

    assert_true(ascii_begins(text("Max-Age=60"), "max-age="));
    assert_false(ascii_begins(text("max-age"), "max-age="));
    assert_true(ascii_begins((struct view){0}, ""));
    assert_false(ascii_begins((struct view){0}, "a"));

    assert_true(ascii_ends(text("Wiki.CORP.internal"), ".corp.internal"));
    assert_false(ascii_ends(text("corp.internal"), ".corp.internal"));

    assert_int_equal(ascii_find(text("text/HTML, text/html"), "html"), 5);
    assert_int_equal(ascii_find(text("aab"), "AB"), 1);
    assert_true(ascii_find(text("ab"), "abc") == SIZE_MAX);
    assert_true(ascii_find(text("ab"), "") == SIZE_MAX);
    assert_true(ascii_find((struct view){0}, "a") == SIZE_MAX);
}

static void blanks_around_are_spaces_and_tabs_alone(void **state)
{
    (void)state;

    assert_true(view_is(ascii_trim(text(" \t a b\t ")), "a b"));
    assert_true(view_is(ascii_trim(text("\ra\v")), "\ra\v"));
    assert_int_equal(ascii_trim(text(" \t ")).len, 0);
    assert_int_equal(ascii_trim((struct view){0}).len, 0);
}

static void a_list_gives_its_elements_in_order_empty_ones_too(void **state)
{
    static const char *const want[] = {"close", "", "Upgrade", "\"a", "b\""};
    struct view list = text("close,, Upgrade\t,\"a,b\""), element = {0};
    (void)state;

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_true(ascii_next(&list, &element));
        assert_true(view_is(element, want[i]));
    }
    assert_false(ascii_next(&list, &element));
    assert_false(ascii_next(&list, &element));
}

static void words_stand_between_any_number_of_spaces(void **state)
{
    struct view rest = text("  pwd mfa  otp "), word = {0};
    (void)state;

    assert_true(ascii_word(&rest, &word));
    assert_true(view_is(word, "pwd"));
    assert_true(ascii_word(&rest, &word));
    assert_true(view_is(word, "mfa"));
    assert_true(ascii_word(&rest, &word));
    assert_true(view_is(word, "otp"));
    assert_false(ascii_word(&rest, &word));
    rest = (struct view){0};
    assert_false(ascii_word(&rest, &word));
}

static void a_line_ends_in_cr_lf_and_nothing_else(void **state)
{
    struct view head = text("GET /\r\nA: 1\nB: 2\r\n\r\nrest\r"), line = {0};
    (void)state;

    assert_true(ascii_line(&head, &line));
    assert_true(view_is(line, "GET /"));
    assert_true(ascii_line(&head, &line));
    assert_true(view_is(line, "A: 1\nB: 2"));
    assert_true(ascii_line(&head, &line));
    assert_int_equal(line.len, 0);
    assert_false(ascii_line(&head, &line));
    assert_true(view_is(head, "rest\r"));
    head = (struct view){0};
    assert_false(ascii_line(&head, &line));
}

static void a_field_has_its_colon_right_behind_its_name(void **state)
{
    struct view value = {0};
    (void)state;

    assert_true(ascii_field(text("HOST:\t127.0.0.1:80 "), "Host", &value));
    assert_true(view_is(value, "127.0.0.1:80"));
    assert_true(ascii_field(text("host:"), "Host", &value));
    assert_int_equal(value.len, 0);
    assert_false(ascii_field(text("host : a"), "Host", &value));
    assert_false(ascii_field(text(" host: a"), "Host", &value));
    assert_false(ascii_field(text("hosts: a"), "Host", &value));
    assert_false(ascii_field(text("host"), "Host", &value));
    assert_false(ascii_field((struct view){0}, "Host", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_of_its_kind),
        cmocka_unit_test(only_letters_have_a_case),
        cmocka_unit_test(begins_ends_and_stands_in),
        cmocka_unit_test(blanks_around_are_spaces_and_tabs_alone),
        cmocka_unit_test(a_list_gives_its_elements_in_order_empty_ones_too),
        cmocka_unit_test(words_stand_between_any_number_of_spaces),
        cmocka_unit_test(a_line_ends_in_cr_lf_and_nothing_else),
        cmocka_unit_test(a_field_has_its_colon_right_behind_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
