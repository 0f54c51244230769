#include "lib/channel/backoff.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 2000 };

/* The longest of many waits after `failures`, and that none is under the least. */
static int64_t longest(unsigned failures, sp_boot_ms eager_until, sp_boot_ms now)
{
    int64_t most = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct backoff b = {.failures = failures, .eager_until = eager_until};
        int64_t ms = backoff_next(&b, now);

        assert_true(ms >= BACKOFF_LEAST_MS);
        most = ms > most ? ms : most;
    }
    return most;
}

static void waits_double_with_each_failure_up_to_a_minute(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        int64_t most;
    } rows[] = {{0, 1000}, {1, 2000}, {2, 4000}, {5, 32000}, {6, 60000}, {16, 60000}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = longest(rows[i].failures, 0, 5000);

        assert_true(ms <= rows[i].most);
        assert_true(ms > rows[i].most * 9 / 10); /* 2000 draws: the upper tenth is met */
    }
}

static void jitter_is_full(void **state)
{
    (void)state;
    unsigned low = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct backoff b = {.failures = 6};
        low += backoff_next(&b, 1) < BACKOFF_MAX_MS / 2;
    }
    assert_true(low > ROUNDS * 4 / 10 && low < ROUNDS * 6 / 10);
}

static void while_somebody_waits_no_wait_is_over_a_second(void **state)
{
    (void)state;
    assert_true(longest(9, 10000, 9999) <= BACKOFF_EAGER_MS);
    assert_true(longest(9, 10000, 10000) > BACKOFF_EAGER_MS); /* nobody waits any more */
}

static void a_failure_counts_and_a_hurry_moves_forward_only(void **state)
{
    (void)state;
    struct backoff b = {0};

    (void)backoff_next(&b, 1);
    assert_int_equal(b.failures, 1);
    backoff_hurry(&b, 500);
    backoff_hurry(&b, 300);
    assert_int_equal(b.eager_until, 500);
    for (int i = 0; i < 100; i++)
        (void)backoff_next(&b, 1000);
    assert_true(b.failures <= 16); /* shifts stay defined */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_with_each_failure_up_to_a_minute),
        cmocka_unit_test(jitter_is_full),
        cmocka_unit_test(while_somebody_waits_no_wait_is_over_a_second),
        cmocka_unit_test(a_failure_counts_and_a_hurry_moves_forward_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
