/* buf, num, id, map, clock, why: the small rooms of lib/base. */
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/num.h"
#include "lib/base/why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void HRD_5_buf_keeps_its_limit_and_its_error(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_int_equal(buf_append(&b, view_str("abcde")), SP_OK);
    assert_int_equal(buf_append(&b, view_str("f")), SP_ERR_LIMIT);
    assert_int_equal(b.len, 5);
    assert_string_equal(buf_cstr(&b), "abcde"); /* the NUL may stand beyond max */
    assert_int_equal(buf_error(&b), SP_ERR_LIMIT);
    buf_consume(&b, 2);
    buf_add_str(&b, "x"); /* would fit, but the writer lost something before */
    assert_true(view_is(buf_view(&b), "cde"));
    assert_null(buf_take_str(&b));
    buf_reset(&b);
    buf_add_uint(&b, 0x0102, 2);
    assert_memory_equal(b.at, "\1\2", 2);
    buf_consume(&b, 99);
    assert_int_equal(b.len, 0);
    buf_deinit(&b);
    struct buf zero = {0};
    assert_int_equal(buf_append(&zero, view_str("a")), SP_ERR_LIMIT);
    assert_int_equal(buf_append(&zero, view_str("")), SP_OK);
    assert_string_equal(buf_cstr(&zero), "");
}

static void buf_formats_short_and_long(void **state)
{
    struct buf b;
    char *s;

    (void)state;
    buf_init(&b, 1000);
    buf_addf(&b, "%d-%s", 7, "x");
    buf_addf(&b, "%0500d", 1);
    assert_int_equal(b.len, 503);
    buf_addf(&b, "%0498d", 1);
    assert_int_equal(buf_error(&b), SP_ERR_LIMIT);
    assert_int_equal(b.len, 503);
    b.err = SP_OK;
    buf_addf(&b, "%0497d", 1);
    assert_int_equal(buf_error(&b), SP_OK);
    s = buf_take_str(&b);
    assert_int_equal(strlen(s), 1000);
    assert_null(b.at);
    free(s);
}

static void num_reads_one_spelling(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
        int64_t n;
    } ints[] = {
        {"0", SP_OK, 0},
        {"-1", SP_OK, -1},
        {"9223372036854775807", SP_OK, INT64_MAX},
        {"-9223372036854775808", SP_OK, INT64_MIN},
        {"9223372036854775808", SP_ERR_LIMIT, 0},
        {"-9223372036854775809", SP_ERR_LIMIT, 0},
        {"99999999999999999999999", SP_ERR_LIMIT, 0},
        {"", SP_ERR_MALFORMED, 0},
        {"-", SP_ERR_MALFORMED, 0},
        {"-0", SP_ERR_MALFORMED, 0},
        {"00", SP_ERR_MALFORMED, 0},
        {"+1", SP_ERR_MALFORMED, 0},
        {" 1", SP_ERR_MALFORMED, 0},
        {"1x", SP_ERR_MALFORMED, 0},
        {"99999999999999999999x", SP_ERR_MALFORMED, 0},
    };
    static const struct {
        const char *text;
        sp_error e;
        int64_t ms;
    } durations[] = {
        {"250ms", SP_OK, 250},
        {"90s", SP_OK, 90000},
        {"15m", SP_OK, 900000},
        {"12h", SP_OK, 43200000},
        {"7d", SP_OK, 604800000},
        {"0s", SP_OK, 0},
        {"1", SP_ERR_MALFORMED, 0},
        {"s", SP_ERR_MALFORMED, 0},
        {"1h30m", SP_ERR_MALFORMED, 0},
        {"-1s", SP_ERR_MALFORMED, 0},
        {"1 s", SP_ERR_MALFORMED, 0},
        {"01s", SP_ERR_MALFORMED, 0},
        {"1S", SP_ERR_MALFORMED, 0},
        {"1.5h", SP_ERR_MALFORMED, 0},
        {"106751991167d", SP_OK, 9223372036828800000},
        {"106751991168d", SP_ERR_LIMIT, 0},
    };
    int64_t n = 0;
    uint64_t u = 0;

    (void)state;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        n = 0;
        assert_int_equal(num_int(view_str(ints[i].text), INT64_MIN, INT64_MAX, &n), ints[i].e);
        assert_true(n == ints[i].n);
    }
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        n = 0;
        assert_int_equal(num_duration(view_str(durations[i].text), &n), durations[i].e);
        assert_true(n == durations[i].ms);
    }
    assert_int_equal(num_uint(view_str("65535"), 65535, &u), SP_OK);
    assert_int_equal(num_uint(view_str("65536"), 65535, &u), SP_ERR_LIMIT);
    assert_int_equal(num_uint(view_str("18446744073709551615"), UINT64_MAX, &u), SP_OK);
    assert_int_equal(num_uint(view_str("18446744073709551616"), UINT64_MAX, &u), SP_ERR_LIMIT);
    assert_true(num_add_sat(INT64_MAX, 1) == INT64_MAX);
    assert_true(num_add_sat(INT64_MIN, -1) == INT64_MIN);
}

static void id_has_one_text(void **state)
{
    struct sp_id id, back;

    (void)state;
    for (int i = 0; i < SP_ID_BYTES; i++)
        id.bytes[i] = (uint8_t)(i * 17 + 3);
    assert_int_equal(strlen(id_text(id).s), SP_ID_TEXT);
    assert_int_equal(id_parse(view_str(id_text(id).s), &back), SP_OK);
    assert_true(id_equal(id, back));
    assert_string_equal(id_text((struct sp_id){0}).s, "AAAAAAAAAAAAAAAAAAAAAA");
    /* the last character carries four bits that must be zero */
    assert_int_equal(id_parse(view_str("AAAAAAAAAAAAAAAAAAAAAB"), &back), SP_ERR_MALFORMED);
    assert_int_equal(id_parse(view_str("AAAAAAAAAAAAAAAAAAAAA"), &back), SP_ERR_MALFORMED);
    assert_int_equal(id_parse(view_str("AAAAAAAAAAAAAAAAAAAAA="), &back), SP_ERR_MALFORMED);
    assert_int_equal(id_from_bytes(view_str("123456789012345"), &back), SP_ERR_MALFORMED);
    assert_true(id_equal(id, back));
}

/* Against an array that does the same by looking at everything. */
static void map_agrees_with_an_array(void **state)
{
    enum { KEYS = 300 };
    static bool in[KEYS];
    static int values[KEYS];
    struct map m = {0};
    unsigned random = 1;

    (void)state;
    for (int step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        unsigned k = (random >> 8) % KEYS;
        struct sp_id key = {{(uint8_t)k, (uint8_t)(k >> 8), 7}};

        if ((random >> 24) % 3 != 0) {
            assert_int_equal(map_put(&m, key, &values[k]), in[k] ? SP_ERR_EXISTS : SP_OK);
            in[k] = true;
        } else {
            assert_ptr_equal(map_remove(&m, key), in[k] ? &values[k] : NULL);
            in[k] = false;
        }
        assert_ptr_equal(map_get(&m, key), in[k] ? &values[k] : NULL);
    }
    size_t at = 0, seen = 0, wanted = 0;
    struct sp_id key;
    for (int *v; (v = map_next(&m, &at, &key)) != NULL; seen++) {
        assert_true(in[v - values]);
        assert_int_equal(key.bytes[0] | key.bytes[1] << 8, v - values);
        assert_ptr_equal(map_remove(&m, key), v); /* allowed during the walk */
    }
    for (int i = 0; i < KEYS; i++)
        wanted += in[i];
    assert_int_equal(seen, wanted);
    assert_int_equal(map_len(&m), 0);
    assert_true(m.cap <= 1024); /* tombstones don't make it grow for ever */
    map_deinit(&m);
    assert_null(map_get(&m, key));
    assert_null(map_remove(&m, key));
}

static void clock_text_is_rfc_3339(void **state)
{
    (void)state;
    assert_string_equal(clock_text(0).s, "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_text(1795579506789).s, "2026-11-25T04:05:06.789Z");
    assert_string_equal(clock_text(-1).s, "1969-12-31T23:59:59.999Z");
    assert_string_equal(clock_text(INT64_MIN).s, "0000-01-01T00:00:00.000Z");
    assert_string_equal(clock_text(INT64_MAX).s, "9999-12-31T23:59:59.999Z");
    clock_set_for_test(5000, 7000);
    assert_true(clock_unix() == 5000 && clock_boot() == 7000 && clock_boot_us() == 7000000);
    clock_set_for_test(-1, -1);
    assert_true(clock_unix() > 1700000000000);
}

static void why_is_cut_and_escaped(void **state)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    char longer[2 * SP_WHY_TEXT_MAX];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(sp_why_say(NULL, SP_ERR_INVALID, "%d", 1), SP_ERR_INVALID);
    assert_int_equal(sp_why_say(&why, SP_ERR_INVALID, "%s", longer), SP_ERR_INVALID);
    assert_int_equal(strlen(why.text), SP_WHY_TEXT_MAX - 1);
    sp_ignore(sp_why_say(&why, SP_OK, "a\033b")); /* what it returns is what was given */
    assert_string_equal(why.text, "a\\x1bb");
    sp_why_field(&why, "a[%d]", 1);
    sp_why_field(&why, "b");
    assert_string_equal(why.field, "a[1]");
    sp_why_place(&why, 3, 4);
    sp_why_place(&why, 1, 1);
    assert_int_equal(why.line, 3);
}

static void every_error_has_its_words(void **state)
{
    (void)state;
    for (int e = 0; e < SP_ERROR_COUNT; e++) {
        assert_non_null(sp_error_text((sp_error)e));
        assert_memory_equal(sp_error_code((sp_error)e), "SP_", 3);
    }
    assert_string_equal(sp_error_text((sp_error)9999), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_5_buf_keeps_its_limit_and_its_error),
        cmocka_unit_test(buf_formats_short_and_long),
        cmocka_unit_test(num_reads_one_spelling),
        cmocka_unit_test(id_has_one_text),
        cmocka_unit_test(map_agrees_with_an_array),
        cmocka_unit_test(clock_text_is_rfc_3339),
        cmocka_unit_test(why_is_cut_and_escaped),
        cmocka_unit_test(every_error_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
