#include "connector/gateway/inventory/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t number(struct json *o, const char *name)
{
    int64_t n = -1;

    return json_get_int(o, name, 0, INT64_MAX, &n) == SP_OK ? n : -1;
}

static void nothing_is_suggested_before_enough_was_seen(void **state)
{
    struct pace p = {{0}};

    (void)state;
    assert_null(pace_json(&p));
    for (int i = 0; i < PACE_MINUTES_MIN - 1; i++)
        pace_add(&p, 3);
    struct json *o = pace_json(&p);
    assert_int_equal(number(o, "minutes"), PACE_MINUTES_MIN - 1);
    assert_int_equal(number(o, "suggested"), -1);
    json_free(o);
    pace_add(&p, 3);
    o = pace_json(&p);
    assert_int_equal(number(o, "suggested"), 3); /* everybody the same: no deviation */
    json_free(o);
}

/* 1..7 are exact: of 70 minutes, ten of each, the median is 4 and half are at most 2 away. */
static void the_limit_is_p99_and_three_median_deviations(void **state)
{
    struct pace p = {{0}};

    (void)state;
    for (int i = 0; i < 70; i++)
        pace_add(&p, (uint64_t)(1 + i % 7));
    struct json *o = pace_json(&p);
    assert_int_equal(number(o, "p99"), 7);
    assert_int_equal(number(o, "mad"), 2);
    assert_int_equal(number(o, "suggested"), 13);
    json_free(o);
}

static void counts_end_nowhere(void **state)
{
    struct pace p = {{0}}, other = {{0}};

    (void)state;
    for (int i = 0; i < UINT16_MAX + 10; i++)
        pace_add(&p, 2);
    assert_in_range(p.counts[2], UINT16_MAX / 2, UINT16_MAX / 2 + 20);
    pace_add(&p, UINT64_MAX);
    assert_int_equal(p.counts[PACE_BUCKETS - 1], 1);
    for (int i = 0; i < UINT16_MAX; i++)
        pace_add(&other, 2);
    pace_merge(&p, &other);
    assert_in_range(p.counts[2], UINT16_MAX / 2, UINT16_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_suggested_before_enough_was_seen),
        cmocka_unit_test(the_limit_is_p99_and_three_median_deviations),
        cmocka_unit_test(counts_end_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
