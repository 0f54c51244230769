/* The broker's keys and their rotation, as an edge sees it: by the `keys` statement. */
#include "broker/keyring.h"

#include "lib/trust/keyset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 3600 * 1000 };

static struct secret *master(void)
{
    static const uint8_t bytes[KEYRING_MASTER_BYTES] = {7};
    struct secret *s = NULL;

    assert_int_equal(secret_new((struct view){bytes, sizeof bytes}, &s), SP_OK);
    return s;
}

static void load(struct temp *t, struct keyring *k)
{
    assert_int_equal(keyring_load(t->st, master(), k), SP_OK);
}

static void rotate(struct temp *t, enum keyring_key which, bool compromised)
{
    struct secret *m = master();

    assert_int_equal(keyring_rotate(t->st, m, which, compromised), SP_OK);
    secret_free(m);
}

/* How long the statement lets this key work for the purpose, from now; -1: not at all. */
static int64_t left(const struct keyring *k, enum keyset_purpose purpose,
                    const struct key_secret *key)
{
    struct keyset *s = calloc(1, sizeof *s);
    int64_t ms = -1;

    assert_non_null(s);
    assert_int_equal(keyset_read_first(buf_view(&k->keys), s), SP_OK);
    for (size_t i = 0; i < s->count; i++)
        if (s->keys[i].purpose == purpose && key_equal(&s->keys[i].key, key_secret_public(key)))
            ms = s->keys[i].until - clock_unix();
    free(s);
    return ms;
}

static void a_keyring_is_the_same_at_every_start(void **state)
{
    (void)state;
    struct keyring a, b;
    struct temp t;

    temp_new(&t);
    load(&t, &a);
    load(&t, &b);
    assert_true(key_equal(key_secret_public(a.identity), key_secret_public(b.identity)));
    assert_true(key_equal(key_secret_public(a.grant), key_secret_public(b.grant)));
    assert_int_equal(a.times.epoch, 1);
    assert_null(a.grant_old);
    keyring_deinit(&a);
    keyring_deinit(&b);
    temp_free(&t);
}

static void the_grant_key_before_is_taken_for_ten_minutes(void **state)
{
    (void)state;
    struct keyring before, after;
    struct temp t;

    temp_new(&t);
    load(&t, &before);
    rotate(&t, KEYRING_GRANT, false);
    load(&t, &after);
    assert_false(key_equal(key_secret_public(before.grant), key_secret_public(after.grant)));
    assert_true(key_equal(key_secret_public(before.grant), key_secret_public(after.grant_old)));
    assert_true(key_equal(key_secret_public(before.record), key_secret_public(after.record)));
    assert_int_equal(after.times.epoch, 2);
    assert_true(left(&after, KEYSET_GRANT, after.grant) > INT64_C(365) * DAY_MS);
    int64_t old = left(&after, KEYSET_GRANT, before.grant);
    assert_true(old > 9 * MINUTE_MS && old <= 10 * MINUTE_MS);
    assert_false(after.times.sign_records);
    keyring_deinit(&before);
    keyring_deinit(&after);
    temp_free(&t);
}

static void a_compromised_key_is_gone_at_once(void **state)
{
    (void)state;
    struct keyring before, after;
    struct temp t;

    temp_new(&t);
    load(&t, &before);
    rotate(&t, KEYRING_GRANT, true);
    load(&t, &after);
    assert_null(after.grant_old);
    assert_int_equal(left(&after, KEYSET_GRANT, before.grant), -1);
    assert_int_equal(after.times.epoch, 2);
    keyring_deinit(&before);
    keyring_deinit(&after);
    temp_free(&t);
}

static void an_edge_that_pinned_the_identity_before_moves_to_the_new_one(void **state)
{
    (void)state;
    struct keyring before, after, lost;
    struct keyset *s = calloc(1, sizeof *s);
    struct temp t;

    temp_new(&t);
    load(&t, &before);
    rotate(&t, KEYRING_IDENTITY, false);
    load(&t, &after);
    assert_int_equal(keyset_read(buf_view(&after.keys), key_secret_public(before.identity), 1, s),
                     SP_OK);
    assert_true(key_equal(&s->identity, key_secret_public(after.identity)));
    /* the statement of before is no way back */
    assert_int_not_equal(
        keyset_read(buf_view(&before.keys), key_secret_public(after.identity), 2, s), SP_OK);
    rotate(&t, KEYRING_IDENTITY, true);
    load(&t, &lost);
    assert_int_equal(keyset_read(buf_view(&lost.keys), key_secret_public(after.identity), 2, s),
                     SP_ERR_SIGNATURE);
    free(s);
    keyring_deinit(&before);
    keyring_deinit(&after);
    keyring_deinit(&lost);
    temp_free(&t);
}

static void records_are_due_until_they_are_signed(void **state)
{
    (void)state;
    struct keyring k;
    struct temp t;

    temp_new(&t);
    load(&t, &k);
    keyring_deinit(&k);
    rotate(&t, KEYRING_RECORD, false);
    rotate(&t, KEYRING_GRANT, false); /* does not make it forget */
    load(&t, &k);
    assert_true(k.times.sign_records);
    assert_int_equal(keyring_signed(t.st, &k), SP_OK);
    keyring_deinit(&k);
    load(&t, &k);
    assert_false(k.times.sign_records);
    assert_int_equal(k.times.epoch, 3);
    keyring_deinit(&k);
    temp_free(&t);
}

static void another_master_key_opens_nothing(void **state)
{
    (void)state;
    static const uint8_t bytes[KEYRING_MASTER_BYTES] = {8};
    struct secret *wrong = NULL;
    struct keyring k;
    struct temp t;

    temp_new(&t);
    load(&t, &k);
    keyring_deinit(&k);
    assert_int_equal(secret_new((struct view){bytes, sizeof bytes}, &wrong), SP_OK);
    assert_int_equal(keyring_rotate(t.st, wrong, KEYRING_GRANT, false), SP_ERR_INTEGRITY);
    assert_int_equal(keyring_load(t.st, wrong, &k), SP_ERR_INTEGRITY); /* takes it */
    keyring_deinit(&k);
    temp_free(&t);
}

static bool count_rotations(void *arg, const struct audit_row *row)
{
    *(size_t *)arg += memmem(row->text.at, row->text.len, "\"key.rotate\"", 12) != NULL;
    return true;
}

static void a_rotation_is_in_the_audit(void **state)
{
    (void)state;
    struct keyring k;
    struct temp t;
    size_t count = 0;

    temp_new(&t);
    load(&t, &k);
    keyring_deinit(&k);
    for (enum keyring_key which = 0; which < KEYRING_KEYS; which++)
        rotate(&t, which, which == KEYRING_COOKIE);
    assert_int_equal(t.s->audit->walk(t.st, 1, 1, 100, count_rotations, &count), SP_OK);
    assert_int_equal(count, KEYRING_KEYS);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyring_is_the_same_at_every_start),
        cmocka_unit_test(the_grant_key_before_is_taken_for_ten_minutes),
        cmocka_unit_test(a_compromised_key_is_gone_at_once),
        cmocka_unit_test(an_edge_that_pinned_the_identity_before_moves_to_the_new_one),
        cmocka_unit_test(records_are_due_until_they_are_signed),
        cmocka_unit_test(another_master_key_opens_nothing),
        cmocka_unit_test(a_rotation_is_in_the_audit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
