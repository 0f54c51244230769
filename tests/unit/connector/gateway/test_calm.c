#include "connector/gateway/calm.h"
#include "tests/unit/check.h"

/* How many frames of that price are taken at `now`. */
static unsigned taken(struct calm *c, sp_boot_ms now, int64_t price)
{
    unsigned n = 0;

    while (n < 100000 && calm_spend(c, now, price))
        n++;
    calm_earn(c, price); /* the one that was refused counts for nothing here */
    return n;
}

static void CVE_2023_44487_resets_are_taken_500_at_once_and_100_a_second(void **state)
{
    struct calm c;

    (void)state;
    calm_init(&c, 1000);
    assert_int_equal(taken(&c, 1000, CALM_PRICE_RESET), 500);
    assert_int_equal(taken(&c, 1000, CALM_PRICE_RESET), 0);
    assert_int_equal(taken(&c, 2000, CALM_PRICE_RESET), 100);
}

static void CVE_2024_27316_continuations_are_bounded_too(void **state)
{
    struct calm c;

    (void)state;
    calm_init(&c, 1000);
    assert_int_equal(taken(&c, 1000, CALM_PRICE_CONTROL), CALM_POINTS / CALM_PRICE_CONTROL);
}

static void a_long_silence_saves_up_no_more_than_the_first_points(void **state)
{
    struct calm c;

    (void)state;
    calm_init(&c, 1000);
    assert_int_equal(taken(&c, 1000 + 3600 * 1000, CALM_PRICE_RESET), 500);
    assert_int_equal(taken(&c, 1000, CALM_PRICE_RESET),
                     0); /* a clock that steps back pays nothing */
}

static void data_pays_for_the_window_updates_that_it_needs(void **state)
{
    struct calm c;

    (void)state;
    calm_init(&c, 1000);
    for (unsigned i = 0; i < 100000; i++) {
        calm_earn(&c, CALM_POINTS_A_DATA);
        assert_true(
            calm_spend(&c, 1000, 2 * CALM_PRICE_SMALL)); /* the stream's, the connection's */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(CVE_2023_44487_resets_are_taken_500_at_once_and_100_a_second),
        cmocka_unit_test(CVE_2024_27316_continuations_are_bounded_too),
        cmocka_unit_test(a_long_silence_saves_up_no_more_than_the_first_points),
        cmocka_unit_test(data_pays_for_the_window_updates_that_it_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
