#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/trust/mint.h"

#define NOW INT64_C(1764043200000)

static struct key_secret *make(void)
{
    struct key_secret *k = NULL;

    assert_int_equal(key_secret_new(KEY_ED25519, &k), SP_OK);
    return k;
}

static struct keyset set_of(const struct key_secret *identity, const struct key_secret *grant,
                            int64_t epoch)
{
    struct keyset s = {.epoch = epoch, .issued = NOW, .count = 2};

    s.identity = *key_secret_public(identity);
    s.keys[0] = (struct keyset_key){KEYSET_IDENTITY, s.identity, NOW, NOW + 1000000};
    s.keys[1] =
        (struct keyset_key){KEYSET_GRANT, *key_secret_public(grant), NOW + 1000, NOW + 2000};
    return s;
}

static void a_set_is_read_by_whoever_pins_its_identity(void **state)
{
    (void)state;
    struct key_secret *identity = make(), *grant = make(), *other = make();
    struct keyset s = set_of(identity, grant, 3), out;
    struct buf text;

    buf_init(&text, KEYSET_MAX);
    assert_int_equal(keyset_mint(&s, identity, NULL, &text), SP_OK);
    assert_int_equal(keyset_read(buf_view(&text), key_secret_public(identity), 0, &out), SP_OK);
    assert_int_equal(out.epoch, 3);
    assert_int_equal(out.count, 2);
    assert_true(key_equal(&out.identity, key_secret_public(identity)));
    assert_int_equal(keyset_read(buf_view(&text), key_secret_public(identity), 3, &out), SP_OK);
    assert_int_equal(keyset_read(buf_view(&text), key_secret_public(identity), 4, &out),
                     SP_ERR_REPLAY);
    assert_int_equal(keyset_read(buf_view(&text), key_secret_public(other), 0, &out),
                     SP_ERR_SIGNATURE);
    assert_int_equal(keyset_read(buf_view(&text), key_secret_public(grant), 0, &out),
                     SP_ERR_SIGNATURE);
    assert_int_equal(keyset_read_first(buf_view(&text), &out), SP_OK);
    buf_add_str(&text, " ");
    assert_int_equal(keyset_read(buf_view(&text), key_secret_public(identity), 0, &out),
                     SP_ERR_MALFORMED);
    buf_deinit(&text);
    key_secret_free(identity);
    key_secret_free(grant);
    key_secret_free(other);
}

static void the_pin_moves_when_old_and_new_have_signed(void **state)
{
    (void)state;
    struct key_secret *old = make(), *fresh = make(), *grant = make(), *evil = make();
    struct keyset s = set_of(fresh, grant, 4), stolen = set_of(evil, grant, 9), out;
    struct buf both, alone, mixed;

    buf_init(&both, KEYSET_MAX);
    buf_init(&alone, KEYSET_MAX);
    buf_init(&mixed, 2 * KEYSET_MAX);
    assert_int_equal(keyset_mint(&s, fresh, old, &both), SP_OK);
    /* pinned to the old one: taken, and the pin moves; pinned to the new one: taken, too */
    assert_int_equal(keyset_read(buf_view(&both), key_secret_public(old), 3, &out), SP_OK);
    assert_true(key_equal(&out.identity, key_secret_public(fresh)));
    assert_int_equal(keyset_read(buf_view(&both), key_secret_public(fresh), 3, &out), SP_OK);
    /* the new one alone moves no pin */
    assert_int_equal(keyset_mint(&s, fresh, NULL, &alone), SP_OK);
    assert_int_equal(keyset_read(buf_view(&alone), key_secret_public(old), 3, &out),
                     SP_ERR_SIGNATURE);
    /* a stolen old key cannot name a key that has not signed, nor glue two statements */
    size_t first = 0;
    while (both.at[first] != ' ')
        first++;
    assert_int_equal(
        keyset_read(view_slice(buf_view(&both), 0, first), key_secret_public(old), 3, &out),
        SP_ERR_SIGNATURE);
    buf_reset(&alone);
    assert_int_equal(keyset_mint(&stolen, evil, NULL, &alone), SP_OK);
    buf_add(&mixed, view_slice(buf_view(&both), 0, first));
    buf_add_byte(&mixed, ' ');
    buf_add(&mixed, buf_view(&alone));
    assert_int_equal(keyset_read(buf_view(&mixed), key_secret_public(old), 3, &out),
                     SP_ERR_SIGNATURE);
    buf_deinit(&both);
    buf_deinit(&alone);
    buf_deinit(&mixed);
    key_secret_free(old);
    key_secret_free(fresh);
    key_secret_free(grant);
    key_secret_free(evil);
}

static void JWT_05_a_signer_comes_from_the_set_for_its_purpose_and_time(void **state)
{
    (void)state;
    struct key_secret *identity = make(), *grant = make(), *other = make();
    struct keyset s = set_of(identity, grant, 1), none = {0};
    const struct key_public *signer = NULL;
    struct stand stand = {.connector = {{1}},
                          .site = {{2}},
                          .relay = {{3}},
                          .key = *key_secret_public(other),
                          .issued = NOW,
                          .until = NOW + 1};
    struct buf token;

    buf_init(&token, 4096);
    assert_int_equal(stand_mint(&stand, grant, &token), SP_OK);
    static const struct {
        enum keyset_purpose purpose;
        int64_t at;
        sp_error want;
    } rows[] = {{KEYSET_GRANT, 999, SP_ERR_EXPIRED},
                {KEYSET_GRANT, 1000, SP_OK},
                {KEYSET_GRANT, 2000, SP_OK},
                {KEYSET_GRANT, 2001, SP_ERR_EXPIRED},
                {KEYSET_RECORD, 1500, SP_ERR_SIGNATURE},
                {KEYSET_IDENTITY, 1500, SP_ERR_SIGNATURE},
                {KEYSET_NOTHING, 1500, SP_ERR_SIGNATURE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(
            keyset_signer(&s, buf_view(&token), rows[i].purpose, NOW + rows[i].at, &signer),
            rows[i].want);
    assert_true(key_equal(signer, key_secret_public(grant)));
    assert_int_equal(keyset_signer(&none, buf_view(&token), KEYSET_GRANT, NOW, &signer),
                     SP_ERR_SIGNATURE);
    assert_int_equal(keyset_signer(&s, view_str("x"), KEYSET_GRANT, NOW, &signer),
                     SP_ERR_MALFORMED);
    buf_deinit(&token);
    key_secret_free(identity);
    key_secret_free(grant);
    key_secret_free(other);
}

static void an_unsound_set_is_not_made(void **state)
{
    (void)state;
    struct key_secret *identity = make(), *grant = make();
    struct keyset good = set_of(identity, grant, 1), s;
    struct buf text;

    buf_init(&text, KEYSET_MAX);
#define REFUSED(change)                                                           \
    do {                                                                          \
        s = good;                                                                 \
        change;                                                                   \
        assert_int_equal(keyset_mint(&s, identity, NULL, &text), SP_ERR_INVALID); \
        assert_int_equal(text.len, 0);                                            \
    } while (0)
    REFUSED(s.epoch = 0);
    REFUSED(s.count = 0);
    REFUSED(s.count = KEYSET_KEYS_MAX + 1);
    REFUSED(s.keys[1].purpose = KEYSET_NOTHING);
    REFUSED(s.keys[1].purpose = KEYSET_IDENTITY);
    REFUSED(s.keys[1].key = s.keys[0].key);
    REFUSED(s.keys[1].until = s.keys[1].from);
    REFUSED(s.identity = *key_secret_public(grant));
#undef REFUSED
    assert_int_equal(keyset_mint(&good, grant, NULL, &text), SP_ERR_INVALID);
    assert_int_equal(keyset_mint(&good, identity, identity, &text), SP_ERR_INVALID);
    buf_deinit(&text);
    key_secret_free(identity);
    key_secret_free(grant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_read_by_whoever_pins_its_identity),
        cmocka_unit_test(the_pin_moves_when_old_and_new_have_signed),
        cmocka_unit_test(JWT_05_a_signer_comes_from_the_set_for_its_purpose_and_time),
        cmocka_unit_test(an_unsound_set_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
