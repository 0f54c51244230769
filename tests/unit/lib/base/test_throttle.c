#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/throttle.h"

static void AAL_4_waits_double_from_30_s_to_an_hour(void **state)
{
    static const struct {
        unsigned fails;
        int64_t wait;
    } cases[] = {
        {1, 0},      {5, 0},        {6, 30000},    {7, 60000},
        {8, 120000}, {12, 1920000}, {13, 3600000}, {100000, 3600000},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(throttle_wait(cases[i].fails), cases[i].wait);
}

static void a_name_is_locked_alone_and_opened_by_success(void **state)
{
    static struct throttle t;
    (void)state;

    for (int i = 0; i < 5; i++)
        throttle_failed(&t, 7, 1000);
    assert_false(throttle_locked(&t, 7, 1000));
    throttle_failed(&t, 7, 1000);
    assert_true(throttle_locked(&t, 7, 1000 + 29999));
    assert_false(throttle_locked(&t, 7, 1000 + 30000));
    assert_false(throttle_locked(&t, 8, 1000));
    throttle_passed(&t, 7);
    assert_false(throttle_locked(&t, 7, 1000));
}

static void old_failures_are_forgotten(void **state)
{
    static struct throttle t;
    (void)state;

    for (int i = 0; i < 5; i++)
        throttle_failed(&t, 7, 1000);
    throttle_failed(&t, 7, 1000 + THROTTLE_FORGET_MS + 1);
    assert_false(throttle_locked(&t, 7, 1000 + THROTTLE_FORGET_MS + 1));
}

/* TM-18: a flood of names costs no memory, and does not open the lock that lasts longest. */
static void a_full_table_forgets_the_shortest_lock(void **state)
{
    static struct throttle t;
    (void)state;

    for (int i = 0; i < 8; i++)
        throttle_failed(&t, 7, 1000);
    for (uint64_t name = 100; name < 100 + 4 * THROTTLE_SLOTS; name++)
        throttle_failed(&t, name, 1000);
    assert_true(throttle_locked(&t, 7, 1000 + 100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(AAL_4_waits_double_from_30_s_to_an_hour),
        cmocka_unit_test(a_name_is_locked_alone_and_opened_by_success),
        cmocka_unit_test(old_failures_are_forgotten),
        cmocka_unit_test(a_full_table_forgets_the_shortest_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
