#include "lib/schema/value_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROOM = 64 * 1024 * 1024 };

static yyjson_val *read_one(struct scratch *s, const char *text)
{
    const struct value *v = NULL;

    if (value_read(view_str(text), VALUE_DEPTH_MAX, s, NULL, &v) != SP_OK)
        fail_msg("%s is not read", text);
    return value_yy(v);
}

/* GW-26: whatever two readers could see differently is not read at all. */
static void GW_26_what_two_readers_could_see_differently_is_refused(void **state)
{
    static const struct {
        const char *name;
        struct view text;
        sp_error e;
        bool duplicate;
    } cases[] = {
#define TEXT(s) {(const uint8_t *)s, sizeof s - 1}
        {"a name twice", TEXT("{\"a\":1,\"a\":2}"), SP_ERR_MALFORMED, true},
        {"a name twice, once escaped", TEXT("{\"a\":1,\"\\u0061\":2}"), SP_ERR_MALFORMED, true},
        {"a name twice, deep", TEXT("[[{\"x\":[{\"b\":1,\"b\":1}]}]]"), SP_ERR_MALFORMED, true},
        {"a name twice among many",
         TEXT("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
              "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1,\"c\":1}"),
         SP_ERR_MALFORMED, true},
        {"an empty name twice", TEXT("{\"a\":1,\"\":2,\"\":3}"), SP_ERR_MALFORMED, true},
        {"a name twice, others like it between", TEXT("{\"abc\":1,\"abd\":2,\"abe\":3,\"abd\":4}"),
         SP_ERR_MALFORMED, true},
        {"names that are alike", TEXT("{\"abc\":1,\"abd\":2,\"abe\":3,\"\":4,\"a\":5,\"ab\":6}"),
         SP_OK, false},
        {"names with NUL differ", TEXT("{\"a\\u0000b\":1,\"a\\u0000c\":2}"), SP_OK, false},
        {"a high surrogate alone", TEXT("\"\\ud800\""), SP_ERR_MALFORMED, false},
        {"a low surrogate alone", TEXT("\"\\udc00\""), SP_ERR_MALFORMED, false},
        {"surrogates the wrong way", TEXT("\"\\udc00\\ud800\""), SP_ERR_MALFORMED, false},
        {"a pair", TEXT("\"\\ud83d\\ude00\""), SP_OK, false},
        {"a byte order mark", TEXT("\xEF\xBB\xBF{}"), SP_ERR_MALFORMED, false},
        {"UTF-16", TEXT("{\0}\0"), SP_ERR_MALFORMED, false},
        {"invalid UTF-8", TEXT("\"\xC3\x28\""), SP_ERR_MALFORMED, false},
        {"overlong UTF-8", TEXT("\"\xC0\x80\""), SP_ERR_MALFORMED, false},
        {"a surrogate in UTF-8", TEXT("\"\xED\xA0\x80\""), SP_ERR_MALFORMED, false},
        {"NUL in a string", TEXT("\"a\0b\""), SP_ERR_MALFORMED, false},
        {"NUL after the value", TEXT("{}\0"), SP_ERR_MALFORMED, false},
        {"1e400", TEXT("1e400"), SP_ERR_MALFORMED, false},
        {"-1e400 within", TEXT("{\"a\":[-1e400]}"), SP_ERR_MALFORMED, false},
        {"1e308", TEXT("1e308"), SP_OK, false},
        {"1e-400 is 0 for everyone", TEXT("1e-400"), SP_OK, false},
        {"NaN", TEXT("NaN"), SP_ERR_MALFORMED, false},
        {"Infinity", TEXT("[Infinity]"), SP_ERR_MALFORMED, false},
        {"a leading zero", TEXT("01"), SP_ERR_MALFORMED, false},
        {"a plus", TEXT("+1"), SP_ERR_MALFORMED, false},
        {"hex", TEXT("0x10"), SP_ERR_MALFORMED, false},
        {"a point without digits", TEXT("1."), SP_ERR_MALFORMED, false},
        {"a comma at the end", TEXT("[1,]"), SP_ERR_MALFORMED, false},
        {"a comment", TEXT("{}/**/"), SP_ERR_MALFORMED, false},
        {"single quotes", TEXT("{'a':1}"), SP_ERR_MALFORMED, false},
        {"two values", TEXT("{}{}"), SP_ERR_MALFORMED, false},
        {"nothing", TEXT(""), SP_ERR_MALFORMED, false},
        {"blanks only", TEXT(" \n"), SP_ERR_MALFORMED, false},
        {"a tab in a string", TEXT("\"\t\""), SP_ERR_MALFORMED, false},
    };
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct value *v = NULL;
        struct value_fault fault = {0};
        sp_error e = value_read(cases[i].text, VALUE_DEPTH_MAX, &s, &fault, &v);
        if (e != cases[i].e || fault.duplicate != cases[i].duplicate)
            fail_msg("%s: %s (%s)", cases[i].name, sp_error_text(e), fault.what);
        if (e != SP_OK)
            assert_non_null(fault.what);
        scratch_reset(&s, ROOM);
    }
    scratch_deinit(&s);
}

static void nested(char *text, size_t levels)
{
    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    text[2 * levels] = '\0';
}

static void GW_26_depth_ends_at_64(void **state)
{
    static char text[200001];
    const struct value *v;
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    nested(text, 64);
    assert_int_equal(value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v), SP_OK);
    nested(text, 65);
    assert_int_equal(value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v), SP_ERR_LIMIT);
    nested(text, 100000);
    assert_int_equal(value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v), SP_ERR_LIMIT);
    memset(text, '[', 200000);
    assert_int_equal(value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v), SP_ERR_MALFORMED);
    scratch_deinit(&s);
}

/* Every byte of a text that ends early is missed. */
static void GW_26_a_text_cut_at_any_byte_is_no_value(void **state)
{
    static const char text[] =
        "{\"name\":\"\\u00e9\xC3\xA9\",\"list\":[1,-2.5e3,true,false,null,{\"a\":{}}]}";
    const struct value *v;
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct view cut = {(const uint8_t *)text, len};
        assert_int_equal(value_read(cut, VALUE_DEPTH_MAX, &s, NULL, &v), SP_ERR_MALFORMED);
    }
    assert_int_equal(value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v), SP_OK);
    scratch_deinit(&s);
}

static void a_full_scratch_is_an_error_and_nothing_is_lost(void **state)
{
    static const char text[] = "[{\"a\":1},{\"a\":2},{\"a\":3},\"and a text of some length\"]";
    const struct value *v;
    struct scratch s;

    (void)state;
    for (size_t max = 0; max < 2000; max += 8) {
        scratch_init(&s, max);
        sp_error e = value_read(view_str(text), VALUE_DEPTH_MAX, &s, NULL, &v);
        assert_true(e == SP_OK || e == SP_ERR_NOMEM);
        assert_true(s.held <= max);
        scratch_deinit(&s);
    }
}

static void GW_26_numbers_are_compared_exactly(void **state)
{
    /* Rising. Equal ones stand in one row. */
    static const char *const rows[][4] = {
        {"-1e308"},
        {"-100000000000000000000001"},
        {"-100000000000000000000000"},
        {"-1e23"}, /* as every reader sees it: the double beside it */
        {"-18446744073709551616"},
        {"-9223372036854775809"},
        {"-9223372036854775808"},
        {"-2.5"},
        {"-2", "-2.0", "-2e0"},
        {"-0.5"},
        {"0", "-0", "0.0", "0e9"},
        {"1e-300"},
        {"0.1"},
        {"1", "1.0", "10e-1"},
        {"1.5"},
        {"9007199254740992", "9007199254740992.0"},
        {"9007199254740993"},
        {"9007199254740994"},
        {"9223372036854775807"},
        {"9223372036854775808", "9223372036854775808.0"},
        {"18446744073709551615"},
        {"18446744073709551616", "18446744073709551616.0"},
        {"18446744073709551617"},
        {"1e30"},
        {"1e308"},
    };
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    for (size_t a = 0; a < sizeof rows / sizeof *rows; a++) {
        for (size_t b = 0; b < sizeof rows / sizeof *rows; b++) {
            for (size_t i = 0; i < 4 && rows[a][i] != NULL; i++) {
                for (size_t k = 0; k < 4 && rows[b][k] != NULL; k++) {
                    uint32_t steps = 100;
                    yyjson_val *x = read_one(&s, rows[a][i]), *y = read_one(&s, rows[b][k]);
                    int c = value_compare(x, y);
                    if ((c > 0) - (c < 0) != (a > b) - (a < b))
                        fail_msg("%s against %s: %d", rows[a][i], rows[b][k], c);
                    if (a == b)
                        assert_true(value_hash(x, 7, &steps) == value_hash(y, 7, &steps));
                }
            }
        }
    }
    scratch_deinit(&s);
}

static void multiples_are_decimal(void **state)
{
    static const struct {
        const char *value, *of;
        bool is;
    } cases[] = {
        {"0.3", "0.1", true},
        {"0.0075", "0.0001", true},
        {"0.00751", "0.0001", false},
        {"35", "1.5", false},
        {"4.5", "1.5", true},
        {"0", "3", true},
        {"-7", "7", true},
        {"-7", "2", false},
        {"1e308", "0.123456789", false},
        {"1e308", "0.5", true},
        {"12391239123", "1e-8", true},
        {"19.99", "0.01", true},
        {"19.999", "0.01", false},
        {"18446744073709551617", "2", false},
        {"18446744073709551618", "2", true},
        {"100000000000000000000", "1e20", true},
        {"1e-5", "10", false},
        {"123456789012345678", "9", true},
    };
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (value_is_multiple(read_one(&s, cases[i].value), read_one(&s, cases[i].of)) !=
            cases[i].is)
            fail_msg("%s of %s", cases[i].value, cases[i].of);
    }
    scratch_deinit(&s);
}

static void pointers_lead_where_RFC_6901_says(void **state)
{
    static const struct {
        const char *pointer, *text;
    } cases[] = {
        {"/foo/0", "bar"}, {"/", "0"},        {"/a~1b", "1"},     {"/c%d", "2"},
        {"/e^f", "3"},     {"/i\\j", "5"},    {"/k\"l", "6"},     {"/ ", "7"},
        {"/m~0n", "8"},    {"/foo/00", NULL}, {"/foo/2", NULL},   {"/foo/-", NULL},
        {"foo", NULL},     {"/a~2b", NULL},   {"/nothing", NULL}, {"/foo/0/x", NULL},
    };
    static const char document[] =
        "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
        "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    const struct value *v = value_of(read_one(&s, document));
    assert_ptr_equal(value_at(v, view_str("")), v);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct value *found = value_at(v, view_str(cases[i].pointer));
        if (cases[i].text == NULL)
            assert_null(found);
        else
            assert_true(view_is(value_text(found, &s), cases[i].text));
    }
    scratch_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_26_what_two_readers_could_see_differently_is_refused),
        cmocka_unit_test(GW_26_depth_ends_at_64),
        cmocka_unit_test(GW_26_a_text_cut_at_any_byte_is_no_value),
        cmocka_unit_test(a_full_scratch_is_an_error_and_nothing_is_lost),
        cmocka_unit_test(GW_26_numbers_are_compared_exactly),
        cmocka_unit_test(multiples_are_decimal),
        cmocka_unit_test(pointers_lead_where_RFC_6901_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
