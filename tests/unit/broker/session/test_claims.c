#include "broker/session/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sp_id edge(unsigned n)
{
    return (struct sp_id){{(uint8_t)n, (uint8_t)(n >> 8), 1}};
}

/* What a record of it would say; it is written at once. */
static uint64_t claim(struct claims *c, struct sp_id edge, sp_boot_ms now)
{
    uint64_t count = claims_due(c, edge, now);

    if (count > 0)
        claims_told(c, edge, now);
    return count;
}

static void TM_03_an_edge_has_one_record_a_minute_with_the_number(void **state)
{
    struct claims c = {0};

    (void)state;
    assert_int_equal(claim(&c, edge(1), 0), 1);
    for (int i = 0; i < 500; i++)
        assert_int_equal(claim(&c, edge(1), i), 0);
    assert_int_equal(claim(&c, edge(1), CLAIMS_TOLD_MS - 1), 0);
    assert_int_equal(claim(&c, edge(1), CLAIMS_TOLD_MS), 502);
    assert_int_equal(claim(&c, edge(1), CLAIMS_TOLD_MS + 1), 0);
}

static void TM_03_no_edge_silences_or_adds_to_another(void **state)
{
    struct claims c = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        (void)claim(&c, edge(1), 5);
    assert_int_equal(claim(&c, edge(2), 6), 1);
    assert_int_equal(claim(&c, edge(2), 5 + CLAIMS_TOLD_MS), 0);
    assert_int_equal(claim(&c, edge(1), 5 + CLAIMS_TOLD_MS), 100);
    assert_int_equal(claim(&c, edge(2), 6 + CLAIMS_TOLD_MS), 2);
}

static void a_record_that_could_not_be_written_is_due_again(void **state)
{
    struct claims c = {0};

    (void)state;
    assert_int_equal(claims_due(&c, edge(1), 7), 1);
    assert_int_equal(claims_due(&c, edge(1), 8), 2);
    claims_told(&c, edge(1), 8);
    assert_int_equal(claims_due(&c, edge(1), 9), 0);
}

/* More liars than places: the first is told anew, which is more records and not fewer. */
static void of_too_many_edges_the_one_told_first_is_forgotten(void **state)
{
    struct claims c = {0};

    (void)state;
    for (unsigned n = 0; n < CLAIMS_EDGES; n++)
        assert_int_equal(claim(&c, edge(n), 10 + n), 1);
    assert_int_equal(claim(&c, edge(CLAIMS_EDGES), 200), 1);
    assert_int_equal(claim(&c, edge(1), 201), 0);
    assert_int_equal(claim(&c, edge(0), 202), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TM_03_an_edge_has_one_record_a_minute_with_the_number),
        cmocka_unit_test(TM_03_no_edge_silences_or_adds_to_another),
        cmocka_unit_test(a_record_that_could_not_be_written_is_due_again),
        cmocka_unit_test(of_too_many_edges_the_one_told_first_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
