/* How far connectors' audit spools are told, and sessions that are over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

static const struct sp_id one = {{1}}, other = {{2}}, first = {{3}}, second = {{4}};

struct telling {
    const struct store_services *s;
    struct sp_id connector, spool;
    int64_t told, number; /* number 0: only asked */
    sp_error result;      /* of the whole work */
};

static sp_error tell(struct store_tx *tx, void *arg)
{
    struct telling *t = arg;
    sp_error e = t->s->spools->told(tx, t->connector, t->spool, &t->told);

    if (e == SP_OK && t->number > 0)
        e = t->s->spools->tell(tx, t->connector, t->spool, t->number);
    return e == SP_OK ? t->result : e;
}

/* What was told before; then `number` is. */
static int64_t told(struct temp *t, struct sp_id connector, struct sp_id spool, int64_t number,
                    sp_error result)
{
    struct telling x = {t->s, connector, spool, 0, number, result};

    assert_int_equal(store_commit(t->st, tell, &x), result);
    return x.told;
}

static void each_connector_has_one_numbering_and_a_new_one_begins_anew(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);

    assert_int_equal(told(&t, one, first, 7, SP_OK), 0);
    assert_int_equal(told(&t, one, first, 9, SP_OK), 7);
    assert_int_equal(told(&t, other, first, 0, SP_OK), 0);
    assert_int_equal(told(&t, one, first, 12, SP_ERR_CONFLICT), 9);
    assert_int_equal(told(&t, one, first, 0, SP_OK), 9); /* what failed told nothing */
    assert_int_equal(told(&t, one, second, 3, SP_OK), 0);
    assert_int_equal(told(&t, one, second, 0, SP_OK), 3);
    assert_int_equal(told(&t, one, first, 0, SP_OK), 0);
    temp_free(&t);
}

struct sitting {
    const struct store_services *s;
    struct session_row row;
    bool ends;
};

static sp_error sit(struct store_tx *tx, void *arg)
{
    struct sitting *x = arg;

    return x->ends ? x->s->presence->session_remove(tx, x->row.id)
                   : x->s->presence->session_put(tx, &x->row);
}

static void a_session_that_is_over_is_known_for_a_day(void **state)
{
    (void)state;
    struct temp t;
    temp_new(&t);
    const struct session_row row = {.id = {{9}},
                                    .user = one,
                                    .device = other,
                                    .app = first,
                                    .relay = second,
                                    .connector = {{5}},
                                    .opened = 1,
                                    .deadline = 2};
    struct sitting x = {t.s, row, false}, later = {t.s, {.id = {{8}}}, true};
    struct session_row got;

    assert_int_equal(t.s->presence->session_was(t.st, row.id, &got), SP_ERR_NOT_FOUND);
    assert_int_equal(store_commit(t.st, sit, &x), SP_OK);
    assert_int_equal(t.s->presence->session_was(t.st, row.id, &got), SP_OK); /* it runs */
    x.ends = true;
    assert_int_equal(store_commit(t.st, sit, &x), SP_OK);
    assert_int_equal(t.s->presence->session_get(t.st, row.id, &got), SP_ERR_NOT_FOUND);
    assert_int_equal(t.s->presence->session_was(t.st, row.id, &got), SP_OK);
    assert_memory_equal(&got, &row, sizeof row);
    clock_set_for_test(clock_unix() + SESSION_PAST_MS - 60000, -1);
    assert_int_equal(store_commit(t.st, sit, &later), SP_OK);
    assert_int_equal(t.s->presence->session_was(t.st, row.id, &got), SP_OK);
    clock_set_for_test(clock_unix() + 120000, -1);
    assert_int_equal(store_commit(t.st, sit, &later), SP_OK);
    assert_int_equal(t.s->presence->session_was(t.st, row.id, &got), SP_ERR_NOT_FOUND);
    clock_set_for_test(-1, -1);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_connector_has_one_numbering_and_a_new_one_begins_anew),
        cmocka_unit_test(a_session_that_is_over_is_known_for_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
