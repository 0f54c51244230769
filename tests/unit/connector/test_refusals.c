#include "connector/refusals.h"
#include "tests/unit/check.h"

static const struct sp_id one = {{1}}, other = {{2}};

struct heard {
    unsigned records;
    int64_t left_out;
    struct sp_id session;
};

static void on_tell(void *arg, const struct edge_audit *a)
{
    struct heard *h = arg;
    int64_t left_out = 0;

    if (json_get(a->detail, "left_out") != NULL)
        check_ok(json_get_int(a->detail, "left_out", 1, INT64_MAX, &left_out));
    h->records++;
    h->left_out += left_out;
    h->session = a->session;
    check(view_is(a->why, "rate"));
}

/* One refused request; true: it has a record of its own. */
static bool refused(struct refusals *r, struct sp_id session, sp_boot_ms now)
{
    struct json *detail = json_object();
    const struct edge_audit a = {.session = session,
                                 .why = view_str("rate"),
                                 .text = view_str("too many"),
                                 .detail = detail};
    bool told = refusals_take(r, &a, now);

    json_free(detail);
    return told;
}

static void a_burst_has_its_records_and_the_rest_one_a_second(void **state)
{
    struct refusals r = {0};
    struct heard h = {0};
    (void)state;

    for (int i = 0; i < REFUSALS_BURST; i++)
        check(refused(&r, one, 5000));
    for (int i = 0; i < 7; i++)
        check(!refused(&r, one, 5000));
    check(refused(&r, other, 5000)); /* nobody loses by it */
    check(refusals_tell(&r, 5050, on_tell, &h));
    assert_int_equal(h.records, 1);
    assert_int_equal(h.left_out, 6);
    check(id_equal(h.session, one));
    check(refusals_tell(&r, 5060, on_tell, &h)); /* said once */
    assert_int_equal(h.records, 1);
    check(!refused(&r, one, 5060));
    check(refused(&r, one, 5000 + 1000 / REFUSALS_A_SECOND));
    refusals_deinit(&r);
}

/* However fast, for however long: so many records, and every refusal is in one of them. */
static void a_minute_of_refusals_is_bounded_and_all_are_counted(void **state)
{
    struct refusals r = {0};
    struct heard h = {0};
    int64_t all = 0, told = 0;
    (void)state;

    for (sp_boot_ms now = 1000; now < 61000; now++) {
        all++;
        told += refused(&r, one, now);
        if (now % 1000 == 999)
            check(refusals_tell(&r, now, on_tell, &h));
    }
    assert_int_equal(told + h.records + h.left_out, all);
    assert_in_range(told + h.records, REFUSALS_BURST + 59 * REFUSALS_A_SECOND,
                    REFUSALS_BURST + 60 * (REFUSALS_A_SECOND + 1));
    refusals_deinit(&r);
}

static void a_session_that_is_quiet_again_is_forgotten(void **state)
{
    struct refusals r = {0};
    struct heard h = {0};
    (void)state;

    for (int i = 0; i <= REFUSALS_BURST; i++)
        (void)refused(&r, one, 1000);
    check(refusals_tell(&r, 2000, on_tell, &h));
    check(refusals_tell(&r, 1000 + 59 * 1000, on_tell, &h));
    check(!refusals_tell(&r, 1000 + 60 * 1000, on_tell, &h));
    assert_int_equal(map_len(&r.by_session), 0);
    assert_int_equal(h.records, 1);
    assert_int_equal(h.left_out, 0); /* it was the only one */
    refusals_deinit(&r);
}

static void what_was_kept_is_freed_untold(void **state)
{
    struct refusals r = {0};
    (void)state;

    for (int i = 0; i < REFUSALS_BURST + 3; i++)
        (void)refused(&r, one, 1000);
    refusals_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_has_its_records_and_the_rest_one_a_second),
        cmocka_unit_test(a_minute_of_refusals_is_bounded_and_all_are_counted),
        cmocka_unit_test(a_session_that_is_quiet_again_is_forgotten),
        cmocka_unit_test(what_was_kept_is_freed_untold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
