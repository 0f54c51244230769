#include "connector/hits.h"
#include "tests/unit/check.h"

static const struct sp_id one = {{1}}, other = {{2}};

static void ten_a_second_are_told_and_the_next_one_says_how_many_were_not(void **state)
{
    struct hits h;
    int64_t left_out = -1;
    (void)state;

    hits_init(&h);
    for (int i = 0; i < HITS_A_SECOND; i++) {
        check(hits_take(&h, one, 5000, &left_out));
        assert_int_equal(left_out, 0);
    }
    for (int i = 0; i < 7; i++)
        check(!hits_take(&h, one, 5999, &left_out));
    check(hits_take(&h, one, 6000, &left_out));
    assert_int_equal(left_out, 7);
    check(hits_take(&h, one, 6000, &left_out));
    assert_int_equal(left_out, 0); /* said once */
    hits_deinit(&h);
}

static void each_app_has_a_share_of_its_own(void **state)
{
    struct hits h;
    int64_t left_out;
    (void)state;

    hits_init(&h);
    for (int i = 0; i < 50; i++)
        assert_int_equal(hits_take(&h, one, 1000, &left_out), i < HITS_A_SECOND);
    check(hits_take(&h, other, 1000, &left_out));
    assert_int_equal(left_out, 0);
    hits_deinit(&h);
}

static void apps_beyond_the_limit_are_only_counted(void **state)
{
    struct hits h;
    int64_t left_out;
    (void)state;

    hits_init(&h);
    for (unsigned i = 0; i < HITS_APPS_MAX; i++)
        check(hits_take(&h, (struct sp_id){{(uint8_t)i, (uint8_t)(i >> 8), 1}}, 1000, &left_out));
    check(!hits_take(&h, (struct sp_id){{0, 0, 2}}, 1000, &left_out));
    hits_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_a_second_are_told_and_the_next_one_says_how_many_were_not),
        cmocka_unit_test(each_app_has_a_share_of_its_own),
        cmocka_unit_test(apps_beyond_the_limit_are_only_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
