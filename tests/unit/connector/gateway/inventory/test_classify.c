#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connector/gateway/inventory/classify.h"

static void a_segment_is_a_value_or_a_word(void **state)
{
    static const struct {
        const char *text;
        enum value_class is;
    } rows[] = {
        {"7", VALUE_INTEGER},
        {"-12", VALUE_INTEGER},
        {"-", VALUE_WORD},
        {"1234567890123456789012345678901234567890", VALUE_INTEGER},
        {"550e8400-e29b-41d4-a716-446655440000", VALUE_UUID},
        {"550e8400-e29b-41d4-a716-44665544000g", VALUE_WORD},
        {"550e8400e29b-41d4-a716-4466-55440000", VALUE_WORD},
        {"01ARZ3NDEKTSV4RRFFQ69G5FAV", VALUE_ULID},
        {"81ARZ3NDEKTSV4RRFFQ69G5FAV", VALUE_WORD},
        {"deadbeef1", VALUE_HEX},
        {"DEADBEEF1", VALUE_HEX},
        {"deadbeef", VALUE_WORD}, /* no digit: a word, as facade is */
        {"dead1", VALUE_WORD},
        {"deadBEEF1", VALUE_WORD},
        {"aB3aB3aB3aB3aB3a", VALUE_BASE64},
        {"aB3aB3aB3aB3aB3", VALUE_WORD},
        {"ab3ab3ab3ab3ab3x", VALUE_WORD},
        {"2026-02-28", VALUE_DATE},
        {"2026-02-29", VALUE_WORD},
        {"2024-02-29", VALUE_DATE},
        {"2026-13-01", VALUE_WORD},
        {"ann@example.com", VALUE_EMAIL},
        {"ann@example", VALUE_WORD},
        {"@example.com", VALUE_WORD},
        {"DE89370400440532013000", VALUE_IBAN},
        {"GB82WEST12345698765433", VALUE_WORD},
        {"v1", VALUE_WORD},
        {"v20", VALUE_WORD},
        {"v1234567890", VALUE_WORD},
        {"users", VALUE_WORD},
        {"export-2", VALUE_WORD},
        {"1.5", VALUE_WORD},
        {"", VALUE_WORD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (classify_segment(view_str(rows[i].text)) != rows[i].is)
            fail_msg("%s is %d", rows[i].text, classify_segment(view_str(rows[i].text)));
}

static void a_query_value_has_more_kinds(void **state)
{
    (void)state;
    assert_int_equal(classify_value(view_str("true")), VALUE_BOOLEAN);
    assert_int_equal(classify_value(view_str("1.50")), VALUE_DECIMAL);
    assert_int_equal(classify_value(view_str("1.")), VALUE_WORD);
    assert_int_equal(classify_value(view_str("2026-11-25T04:05:06Z")), VALUE_TIME);
    assert_int_equal(classify_value(view_str("2026-11-25T24:05:06Z")), VALUE_WORD);
    assert_int_equal(classify_value(view_str("3")), VALUE_INTEGER);
    assert_string_equal(classify_type(VALUE_DECIMAL), "number");
    assert_string_equal(classify_format(VALUE_TIME), "date-time");
    for (unsigned c = 0; c < VALUE_CLASSES; c++)
        assert_non_null(classify_type((enum value_class)c));
}

static void GW_56_cards_are_cards_only_by_luhn(void **state)
{
    static const struct {
        const char *text;
        bool card;
    } rows[] = {
        {"4111111111111111", true},
        {"4111 1111 1111 1111", true},
        {"5500-0000-0000-0004", true},
        {"340000000000009", true},
        {"4111111111111112", false},
        {"0000000000000000", false},
        {"411111111111", false},
        {"4111  111111111111", false},
        {"4111111111111111a", false},
        {"41111111111111111111", false},
        {"1234567890123452", false}, /* right by Luhn, of no network */
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (classify_is_card(view_str(rows[i].text)) != rows[i].card)
            fail_msg("%s", rows[i].text);
}

static void GW_56_ibans_need_their_check_digits(void **state)
{
    (void)state;
    assert_true(classify_is_iban(view_str("GB82 WEST 1234 5698 7654 32")));
    assert_true(classify_is_iban(view_str("NO9386011117947")));
    assert_false(classify_is_iban(view_str("GB82 WEST 1234 5698 7654 33")));
    assert_false(classify_is_iban(view_str("GB82WEST")));
    assert_false(classify_is_iban(view_str("gb82west12345698765432")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_a_value_or_a_word),
        cmocka_unit_test(a_query_value_has_more_kinds),
        cmocka_unit_test(GW_56_cards_are_cards_only_by_luhn),
        cmocka_unit_test(GW_56_ibans_need_their_check_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
