#include "broker/control/minute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_beyond_a_minutes_share_waits_for_the_next(void **state)
{
    enum { NOW = 1000000 };
    struct minute m = {0, 0};

    (void)state;
    assert_true(minute_takes(&m, NOW, 3, 5));
    assert_false(minute_takes(&m, NOW + 1, 3, 5)); /* all of it or nothing */
    assert_true(minute_takes(&m, NOW + 2, 2, 5));
    assert_false(minute_takes(&m, NOW + 59999, 1, 5));
    assert_true(minute_takes(&m, NOW + 60000, 5, 5));
    assert_false(minute_takes(&m, NOW + 60001, 1, 5));
    assert_false(minute_takes(&m, NOW + 200000, SIZE_MAX, 5));
    assert_true(minute_takes(&m, NOW + 200000, 5, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_beyond_a_minutes_share_waits_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
