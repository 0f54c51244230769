/* At most once: many threads, one winner (SC-2, ANC-5, INC-2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <pthread.h>
#include <string.h>

enum { RACERS = 32, ROUNDS = 20 };

static const sp_unix_ms LATER = INT64_MAX / 4;

struct race {
    struct temp *t;
    sp_error (*attempt)(struct store_tx *tx, const struct store_services *s, int round, bool *won);
    int round;
    pthread_barrier_t *start;
};

struct attempt {
    const struct race *race;
    bool won;
};

static sp_error attempt_work(struct store_tx *tx, void *arg)
{
    struct attempt *a = arg;
    return a->race->attempt(tx, a->race->t->s, a->race->round, &a->won);
}

static void *racer(void *arg)
{
    const struct race *race = arg;
    struct attempt a = {race, false};

    pthread_barrier_wait(race->start);
    sp_error e = store_commit(race->t->st, attempt_work, &a);
    return e == SP_OK && a.won ? arg : NULL;
}

static int winners(struct temp *t,
                   sp_error (*attempt)(struct store_tx *, const struct store_services *, int,
                                       bool *),
                   int round)
{
    pthread_t threads[RACERS];
    pthread_barrier_t start;
    struct race race = {t, attempt, round, &start};
    int won = 0;

    assert_int_equal(pthread_barrier_init(&start, NULL, RACERS), 0);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, racer, &race), 0);
    for (int i = 0; i < RACERS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        won += result != NULL;
    }
    pthread_barrier_destroy(&start);
    return won;
}

static sp_error consume(struct store_tx *tx, const struct store_services *s, int round, bool *won)
{
    uint8_t id[4] = {(uint8_t)round, 1, 2, 3};
    return s->once->consume(tx, ONCE_LOGIN_STATE, (struct view){id, sizeof id}, LATER, won);
}

static sp_error enrol(struct store_tx *tx, const struct store_services *s, int round, bool *won)
{
    uint8_t hash[ROW_HASH_BYTES] = {(uint8_t)round};
    struct sp_id site;
    return s->once->enrol_consume(tx, hash, 100, (struct sp_id){{5}}, &site, won);
}

static sp_error step(struct store_tx *tx, const struct store_services *s, int round, bool *won)
{
    return s->once->totp_advance(tx, (struct sp_id){{1}}, 100 + round, 1000, won);
}

static sp_error recover(struct store_tx *tx, const struct store_services *s, int round, bool *won)
{
    uint8_t hash[ROW_HASH_BYTES] = {(uint8_t)round};
    return s->once->recovery_consume(tx, (struct sp_id){{1}}, hash, won);
}

static sp_error set_up_rows(struct store_tx *tx, void *arg)
{
    const struct store_services *s = arg;
    struct totp_row totp = {.user = {{1}}, .seed = {(const uint8_t *)"seed", 4}};
    uint8_t hashes[ROUNDS][ROW_HASH_BYTES] = {{0}};
    sp_error e = s->once->totp_put(tx, &totp);

    for (int i = 0; i < ROUNDS && e == SP_OK; i++) {
        struct enrol_row row = {.hash = {(uint8_t)i}, .expires = 1000, .site = {{9}}};
        hashes[i][0] = (uint8_t)i;
        e = s->once->enrol_add(tx, &row);
    }
    if (e == SP_OK)
        e = s->once->recovery_put(tx, (struct sp_id){{1}}, (const uint8_t(*)[ROW_HASH_BYTES])hashes,
                                  ROUNDS);
    return e;
}

static void ANC_5_INC_2_one_winner_in_every_form(void **state)
{
    (void)state;
    struct temp t;
    size_t left = 0;

    temp_new(&t);
    assert_int_equal(store_commit(t.st, set_up_rows, (void *)(uintptr_t)t.s), SP_OK);
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(winners(&t, consume, round), 1);
        assert_int_equal(winners(&t, enrol, round), 1);
        assert_int_equal(winners(&t, step, round), 1);
        assert_int_equal(winners(&t, recover, round), 1);
    }
    assert_int_equal(t.s->once->recovery_left(t.st, (struct sp_id){{1}}, &left), SP_OK);
    assert_int_equal(left, 0);
    temp_free(&t);
}

struct ask {
    const struct store_services *s;
    int what;
    bool won;
};

static sp_error ask_work(struct store_tx *tx, void *arg)
{
    struct ask *a = arg;
    struct sp_id user = {{1}}, site;
    uint8_t hash[ROW_HASH_BYTES] = {0}, unknown[ROW_HASH_BYTES] = {99};

    switch (a->what) {
    case 0: /* an older or equal step never wins again (OTP-4) */
        return a->s->once->totp_advance(tx, user, 0, 1000, &a->won);
    case 1: /* expired to the millisecond */
        return a->s->once->enrol_consume(tx, hash, 1000, user, &site, &a->won);
    case 2: /* never made */
        return a->s->once->enrol_consume(tx, unknown, 1, user, &site, &a->won);
    case 3: /* no such user */
        return a->s->once->totp_advance(tx, (struct sp_id){{77}}, 5, 1000, &a->won);
    case 4: /* locked until 5000 */
        return a->s->once->totp_fail(tx, user, 0, 5000, &a->won);
    case 5:
        return a->s->once->totp_advance(tx, user, 7, 4999, &a->won);
    case 6: /* counted by someone else already */
        return a->s->once->totp_fail(tx, user, 0, 9000, &a->won);
    default:
        return a->s->once->totp_advance(tx, user, 7, 5000, &a->won);
    }
}

static void OTP_4_what_must_not_win(void **state)
{
    (void)state;
    static const bool want[] = {false, false, false, false, true, false, false, true};
    struct temp t;
    struct totp_row row;

    temp_new(&t);
    assert_int_equal(store_commit(t.st, set_up_rows, (void *)(uintptr_t)t.s), SP_OK);
    for (int i = 0; i < 8; i++) {
        struct ask a = {t.s, i, true};
        assert_int_equal(store_commit(t.st, ask_work, &a), SP_OK);
        if (a.won != want[i])
            fail_msg("case %d: won %d", i, a.won);
    }
    assert_int_equal(t.s->once->totp_get(t.st, (struct sp_id){{1}}, &row, NULL, NULL), SP_OK);
    assert_int_equal(row.last_step, 7);
    assert_int_equal(row.fails, 0);
    assert_true(row.confirmed);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ANC_5_INC_2_one_winner_in_every_form),
        cmocka_unit_test(OTP_4_what_must_not_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
