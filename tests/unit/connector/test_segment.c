#include "connector/segment.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

static const struct sp_id spool = {{1, 2, 3}}, other = {{9}};

static void add(struct buf *b, int64_t number, const char *text)
{
    const struct segment_record r = {number, 1000 + number, view_str(text)};

    segment_write(spool, &r, b);
    check_ok(buf_error(b));
}

/* The numbers that are read, as text: "1 2 5". */
static const char *numbers(struct view bytes, char out[256])
{
    struct segment_reader r = {.spool = spool, .rest = bytes};
    struct segment_record record;

    out[0] = '\0';
    while (segment_next(&r, &record)) {
        size_t n = strlen(out);
        snprintf(out + n, 256 - n, "%s%lld", n == 0 ? "" : " ", (long long)record.number);
    }
    return out;
}

static void a_head_is_read_as_it_was_written_and_no_other(void **state)
{
    struct buf b;
    struct sp_id id;
    (void)state;

    buf_init(&b, 1024);
    segment_write_head(spool, &b);
    assert_int_equal(b.len, SEGMENT_HEAD_BYTES);
    check_ok(segment_read_head(buf_view(&b), &id));
    check(id_equal(id, spool));
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(segment_read_head(view_slice(buf_view(&b), 0, n), &id), SP_ERR_CORRUPT);
    for (size_t n = 0; n < b.len; n++) {
        b.at[n] ^= 0x10;
        assert_int_equal(segment_read_head(buf_view(&b), &id), SP_ERR_CORRUPT);
        b.at[n] ^= 0x10;
    }
    buf_deinit(&b);
}

static void records_are_read_as_they_were_written(void **state)
{
    struct segment_reader r;
    struct segment_record record;
    struct buf b;
    (void)state;

    buf_init(&b, 64 * 1024);
    add(&b, 1, "{\"a\":1}");
    add(&b, 7, "x");
    r = (struct segment_reader){.spool = spool, .rest = buf_view(&b)};
    check(segment_next(&r, &record));
    assert_int_equal(record.number, 1);
    assert_int_equal(record.at, 1001);
    check(view_is(record.text, "{\"a\":1}"));
    check(segment_next(&r, &record));
    assert_int_equal(record.number, 7);
    check(!segment_next(&r, &record));
    assert_int_equal(r.skipped + r.rest.len, 0);
    r = (struct segment_reader){.spool = other, .rest = buf_view(&b)}; /* of another numbering */
    check(!segment_next(&r, &record));
    buf_deinit(&b);
}

static void what_is_no_record_is_not_written(void **state)
{
    static char large[SEGMENT_TEXT_MAX + 1];
    (void)state;

    memset(large, 'x', sizeof large);
    const struct {
        struct segment_record r;
        sp_error e;
    } cases[] = {
        {{1, 1, {(const uint8_t *)large, 1}}, SP_OK},
        {{1, 1, {(const uint8_t *)large, SEGMENT_TEXT_MAX}}, SP_OK},
        {{1, 1, {(const uint8_t *)large, SEGMENT_TEXT_MAX + 1}}, SP_ERR_INVALID},
        {{1, 1, {(const uint8_t *)large, 0}}, SP_ERR_INVALID},
        {{0, 1, {(const uint8_t *)large, 1}}, SP_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 64 * 1024);
        segment_write(spool, &cases[i].r, &b);
        assert_int_equal(buf_error(&b), cases[i].e);
        buf_deinit(&b);
    }
}

/* Cut anywhere: the records before are there, and what is torn is none. */
static void a_torn_tail_costs_the_record_that_it_hit(void **state)
{
    char said[256];
    size_t ends[4] = {0};
    struct buf b;
    (void)state;

    buf_init(&b, 64 * 1024);
    for (int i = 1; i <= 3; i++) {
        add(&b, i, "{\"some\":\"text\"}");
        ends[i] = b.len;
    }
    for (size_t n = 0; n <= b.len; n++) {
        const char *want = n < ends[1] ? "" : n < ends[2] ? "1" : n < ends[3] ? "1 2" : "1 2 3";
        assert_string_equal(numbers(view_slice(buf_view(&b), 0, n), said), want);
    }
    buf_deinit(&b);
}

/* One byte changed anywhere: the other two records are read. */
static void a_changed_byte_costs_one_record(void **state)
{
    char said[256];
    size_t ends[4] = {0};
    struct buf b;
    (void)state;

    buf_init(&b, 64 * 1024);
    for (int i = 1; i <= 3; i++) {
        add(&b, i, "{\"some\":\"text\"}");
        ends[i] = b.len;
    }
    for (size_t n = 0; n < b.len; n++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b.at[n] ^= (uint8_t)(1u << bit);
            const char *want = n < ends[1] ? "2 3" : n < ends[2] ? "1 3" : "1 2";
            assert_string_equal(numbers(buf_view(&b), said), want);
            b.at[n] ^= (uint8_t)(1u << bit);
        }
    buf_deinit(&b);
}

static void zeros_and_noise_between_records_are_passed_over(void **state)
{
    char said[256];
    struct buf b;
    (void)state;

    buf_init(&b, 1024 * 1024);
    for (int i = 0; i < 5000; i++)
        buf_add_byte(&b, 0);
    add(&b, 4, "one");
    for (int i = 0; i < 5000; i++)
        buf_add_byte(&b, (uint8_t)(i * 7 + i / 256));
    add(&b, 5, "two");
    add(&b, 5, "the same number again");
    add(&b, 3, "an older number");
    add(&b, 6, "three");
    assert_string_equal(numbers(buf_view(&b), said), "4 5 6");
    buf_deinit(&b);
}

/* Every byte looks like the beginning of a long record: the search ends. */
static void damage_made_to_be_slow_is_given_up(void **state)
{
    enum { LARGE = 4 * 1024 * 1024 };
    struct segment_record record;
    uint8_t *bytes = calloc(1, LARGE);
    (void)state;

    assert_non_null(bytes);
    for (size_t i = 0; i + 12 < LARGE; i += 2)
        bytes[i] = 0x3f; /* 00 00 3f 00: a length at every other byte */
    for (size_t i = 0; i < LARGE; i += 4)
        bytes[i] = bytes[i + 1] = 0;
    struct segment_reader r = {.spool = spool, .rest = {bytes, LARGE}};
    sp_boot_ms began = clock_boot();
    check(!segment_next(&r, &record));
    check(r.looked <= SEGMENT_LOOK_MAX + SEGMENT_TEXT_MAX);
    check(clock_boot() - began < 5000);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_read_as_it_was_written_and_no_other),
        cmocka_unit_test(records_are_read_as_they_were_written),
        cmocka_unit_test(what_is_no_record_is_not_written),
        cmocka_unit_test(a_torn_tail_costs_the_record_that_it_hit),
        cmocka_unit_test(a_changed_byte_costs_one_record),
        cmocka_unit_test(zeros_and_noise_between_records_are_passed_over),
        cmocka_unit_test(damage_made_to_be_slow_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
