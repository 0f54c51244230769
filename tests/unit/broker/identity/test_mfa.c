/* The second factor on a real store: replay, throttle, recovery, enrolment, sealing at rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/identity/mfa.h"
#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "tests/unit/broker/store/temp.h"

#include <pthread.h>

#define T0 INT64_C(1764043200000)
#define STEP_MS (TOTP_STEP_S * 1000)

struct scene {
    struct temp t;
    struct secret *master;
    struct mfa *m;
    struct sp_id user;
    struct mfa_enrolment e; /* the secret that the user's phone holds */
    struct mfa_recovery codes;
    struct audit_record by;
};

static struct scene scene;

static void code_at(const struct mfa_enrolment *e, sp_unix_ms at, char code[10])
{
    assert_int_equal(totp_hotp((struct view){e->secret, sizeof e->secret}, (uint64_t)(at / STEP_MS),
                               TOTP_SHA1, TOTP_DIGITS, code),
                     SP_OK);
}

static int setup(void **state)
{
    struct scene *s = &scene;
    struct mfa_answer answer;
    char code[10];

    *s = (struct scene){.by = {.actor_kind = AUDIT_ACTOR_USER, .address = "198.51.100.24"}};
    clock_set_for_test(T0, 1000);
    temp_new(&s->t);
    assert_int_equal(secret_new_random(32, &s->master), SP_OK);
    assert_int_equal(mfa_new(s->t.st, s->master, &s->m), SP_OK);
    s->user = random_id();
    mfa_enrolment_new(s->user, &s->e);
    code_at(&s->e, T0, code);
    assert_int_equal(
        mfa_enrol(s->m, &(struct mfa_confirmation){.enrolment = &s->e, .typed = view_str(code)},
                  &s->by, &answer, &s->codes),
        SP_OK);
    clock_set_for_test(T0 + 2 * STEP_MS, 1000);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    mfa_free(s->m);
    secret_free(s->master);
    temp_free(&s->t);
    clock_set_for_test(-1, -1);
    return 0;
}

static sp_error try_text(struct scene *s, const char *typed, struct mfa_answer *answer)
{
    *answer = (struct mfa_answer){.verdict = TOTP_WRONG};
    return mfa_verify(s->m, s->user, view_str(typed), &s->by, answer);
}

static sp_error try_at(struct scene *s, sp_unix_ms at, struct mfa_answer *answer)
{
    char code[10];

    code_at(&s->e, at, code);
    return try_text(s, code, answer);
}

static struct mfa_state state_of(struct scene *s)
{
    struct mfa_state st;

    assert_int_equal(mfa_state(s->m, s->user, &st), SP_OK);
    return st;
}

static void OTP_04_a_code_works_once_also_after_a_restart(void **state)
{
    struct scene *s = *state;
    sp_unix_ms now = clock_unix();
    struct mfa_answer a;

    assert_int_equal(try_at(s, now, &a), SP_OK);
    assert_int_equal(a.at, now);
    assert_int_equal(try_at(s, now, &a), SP_ERR_DENIED);
    assert_int_equal(a.verdict, TOTP_USED); /* AAL-6: the person is told */
    mfa_free(s->m);
    store_close(s->t.st);
    temp_open(&s->t);
    assert_int_equal(mfa_new(s->t.st, s->master, &s->m), SP_OK);
    assert_int_equal(try_at(s, now, &a), SP_ERR_DENIED);
    assert_int_equal(a.verdict, TOTP_USED);
}

static void OTP_05_a_clock_set_back_does_not_revive_a_code(void **state)
{
    struct scene *s = *state;
    sp_unix_ms now = clock_unix();
    struct mfa_answer a;

    assert_int_equal(try_at(s, now, &a), SP_OK);
    clock_set_for_test(now - STEP_MS, 1000);
    assert_int_equal(try_at(s, now - STEP_MS, &a), SP_ERR_DENIED);
    assert_int_equal(a.verdict, TOTP_USED);
}

static void the_code_of_the_enrolment_is_spent_with_it(void **state)
{
    struct scene *s = *state;
    struct mfa_answer a;

    clock_set_for_test(T0, 1000);
    assert_int_equal(try_at(s, T0, &a), SP_ERR_DENIED);
    assert_int_equal(a.verdict, TOTP_USED);
}

struct post {
    struct scene *s;
    char code[10];
    sp_error e;
};

static void *post(void *arg)
{
    struct post *p = arg;
    struct mfa_answer a;

    p->e = mfa_verify(p->s->m, p->s->user, view_str(p->code), &p->s->by, &a);
    return NULL;
}

static void OTP_04_of_fifty_parallel_posts_of_one_code_one_wins(void **state)
{
    struct scene *s = *state;
    struct post posts[50];
    pthread_t threads[50];
    int won = 0;

    for (int i = 0; i < 50; i++) {
        posts[i].s = s;
        code_at(&s->e, clock_unix(), posts[i].code);
    }
    for (int i = 0; i < 50; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, &posts[i]), 0);
    for (int i = 0; i < 50; i++) {
        pthread_join(threads[i], NULL);
        won += posts[i].e == SP_OK;
        assert_true(posts[i].e == SP_OK || posts[i].e == SP_ERR_DENIED);
    }
    assert_int_equal(won, 1);
}

/* Two brokers on one store know nothing of each other's locks: the row decides. */
static void OTP_04_of_parallel_posts_at_several_brokers_one_wins(void **state)
{
    enum { BROKERS = 8 };
    struct scene *s = *state;
    struct scene brokers[BROKERS];
    struct post posts[BROKERS];
    pthread_t threads[BROKERS];

    for (int round = 0; round < 10; round++) {
        int won = 0;
        clock_set_for_test(T0 + (3 + round) * STEP_MS, 1000);
        for (int i = 0; i < BROKERS; i++) {
            brokers[i] = *s;
            assert_int_equal(mfa_new(s->t.st, s->master, &brokers[i].m), SP_OK);
            posts[i].s = &brokers[i];
            code_at(&s->e, clock_unix(), posts[i].code);
        }
        for (int i = 0; i < BROKERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, post, &posts[i]), 0);
        for (int i = 0; i < BROKERS; i++) {
            pthread_join(threads[i], NULL);
            won += posts[i].e == SP_OK;
            mfa_free(brokers[i].m);
        }
        assert_int_equal(won, 1);
        /* the losers counted as failures; a reset by an administrator begins anew */
        assert_int_equal(mfa_reset(s->m, s->user, &s->by), SP_OK);
        struct mfa_answer answer;
        char code[10];
        mfa_enrolment_new(s->user, &s->e);
        code_at(&s->e, clock_unix(), code);
        assert_int_equal(
            mfa_enrol(s->m, &(struct mfa_confirmation){.enrolment = &s->e, .typed = view_str(code)},
                      &s->by, &answer, &s->codes),
            SP_OK);
    }
}

static sp_error unconfirm(struct store_tx *tx, void *arg)
{
    struct scene *s = arg;
    const struct store_services *services = store_services(s->t.st);
    uint8_t seed[TOTP_SECRET_BYTES] = {0};
    const struct totp_row row = {.user = s->user, .seed = {seed, sizeof seed}, .confirmed = false};

    return services->once->totp_put(tx, &row);
}

static void OTP_06_a_factor_that_was_never_proved_is_none(void **state)
{
    struct scene *s = *state;
    struct mfa_answer a;

    assert_int_equal(store_commit(s->t.st, unconfirm, s), SP_OK);
    assert_false(state_of(s).enrolled);
    assert_int_equal(try_at(s, clock_unix(), &a), SP_ERR_NOT_FOUND);
    assert_int_equal(try_text(s, s->codes.codes[0], &a), SP_ERR_NOT_FOUND);
}

/* TM-18: guesses side by side are counted like guesses one after another. */
static void TM_18_fifty_parallel_guesses_get_five_tries(void **state)
{
    struct scene *s = *state;
    struct post posts[50];
    pthread_t threads[50];

    for (int i = 0; i < 50; i++) {
        posts[i].s = s;
        memcpy(posts[i].code, "------", 7);
    }
    for (int i = 0; i < 50; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, &posts[i]), 0);
    for (int i = 0; i < 50; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(state_of(s).fails, MFA_FREE_TRIES);
}

static void AAL_04_five_tries_then_waits_that_double_to_an_hour(void **state)
{
    struct scene *s = *state;
    static const int64_t waits_s[] = {30, 60, 120, 240, 480, 960, 1920, 3600, 3600};
    struct mfa_answer a;

    for (int64_t i = 1; i < MFA_FREE_TRIES; i++) {
        assert_int_equal(try_text(s, "000", &a), SP_ERR_DENIED);
        assert_int_equal(a.tries_left, MFA_FREE_TRIES - i);
        assert_int_equal(a.locked_until, 0);
    }
    for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++) {
        assert_int_equal(try_text(s, "000", &a), SP_ERR_DENIED);
        assert_int_equal(a.tries_left, 0);
        assert_int_equal(a.locked_until - clock_unix(), waits_s[i] * 1000);
        clock_set_for_test(a.locked_until, 1000);
    }
    assert_int_equal(try_at(s, clock_unix(), &a), SP_OK); /* at the end of the wait */
    assert_int_equal(state_of(s).fails, 0);
}

static void AAL_04_a_right_code_during_a_lock_is_a_wrong_one_and_not_counted(void **state)
{
    struct scene *s = *state;
    struct mfa_answer right, wrong;

    for (int i = 0; i < MFA_FREE_TRIES; i++)
        assert_int_equal(try_text(s, "000", &wrong), SP_ERR_DENIED);
    assert_int_equal(try_text(s, "000", &wrong), SP_ERR_DENIED);
    assert_int_equal(try_at(s, clock_unix(), &right), SP_ERR_DENIED);
    assert_memory_equal(&right, &wrong, sizeof right);
    assert_int_equal(state_of(s).fails, MFA_FREE_TRIES);
    clock_set_for_test(right.locked_until, 1000);
    assert_int_equal(try_at(s, clock_unix(), &right), SP_OK);
}

static void AAL_04_after_a_hundred_failures_only_reset_or_recovery_helps(void **state)
{
    struct scene *s = *state;
    struct mfa_answer a;

    for (int i = 0; i < MFA_FAILS_MAX; i++) {
        assert_int_equal(try_text(s, "000", &a), SP_ERR_DENIED);
        if (a.locked_until > 0 && i < MFA_FAILS_MAX - 1)
            clock_set_for_test(a.locked_until, 1000);
    }
    assert_true(a.locked_until > clock_unix() + INT64_C(3650) * 24 * 3600 * 1000);
    assert_int_equal(try_text(s, s->codes.codes[0], &a), SP_OK);
}

static void OTP_09_a_recovery_code_works_once_and_as_it_is_typed(void **state)
{
    struct scene *s = *state;
    struct mfa_answer a;
    char typed[64];

    assert_int_equal(state_of(s).recovery_left, MFA_RECOVERY_CODES);
    (void)snprintf(typed, sizeof typed, "  %s ", s->codes.codes[3]);
    for (char *c = typed; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    assert_int_equal(try_text(s, typed, &a), SP_OK);
    assert_true(a.recovery);
    assert_int_equal(try_text(s, s->codes.codes[3], &a), SP_ERR_DENIED);
    assert_int_equal(state_of(s).recovery_left, MFA_RECOVERY_CODES - 1);
    assert_int_equal(state_of(s).fails, 1);
}

static void OTP_09_codes_have_120_bits_and_new_ones_void_the_old(void **state)
{
    struct scene *s = *state;
    struct mfa_recovery fresh;
    struct mfa_answer a;

    assert_int_equal(strlen(s->codes.codes[0]), MFA_RECOVERY_TEXT);
    for (int i = 0; i < MFA_RECOVERY_CODES; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(s->codes.codes[i], s->codes.codes[j]);
    assert_int_equal(mfa_recovery_new(s->m, s->user, &s->by, &fresh), SP_OK);
    assert_int_equal(try_text(s, s->codes.codes[0], &a), SP_ERR_DENIED);
    assert_int_equal(try_text(s, fresh.codes[0], &a), SP_OK);
}

static void OTP_06_a_factor_needs_its_proof_code(void **state)
{
    struct scene *s = *state;
    struct mfa_enrolment e;
    struct mfa_recovery codes;
    struct mfa_answer a;
    struct mfa_state st;
    char code[10];

    mfa_enrolment_new(random_id(), &e);
    assert_int_equal(
        mfa_enrol(s->m, &(struct mfa_confirmation){.enrolment = &e, .typed = view_str("000000")},
                  &s->by, &a, &codes),
        SP_ERR_DENIED);
    assert_int_equal(mfa_state(s->m, e.user, &st), SP_OK);
    assert_false(st.enrolled);
    assert_int_equal(mfa_verify(s->m, e.user, view_str("000000"), &s->by, &a), SP_ERR_NOT_FOUND);
    code_at(&e, clock_unix() + MFA_ENROL_MS + 1, code);
    clock_set_for_test(e.until + 1, 1000);
    assert_int_equal(mfa_enrol(s->m,
                               &(struct mfa_confirmation){.enrolment = &e, .typed = view_str(code)},
                               &s->by, &a, &codes),
                     SP_ERR_EXPIRED);
}

static void a_second_factor_replaces_the_first_only_when_asked_to(void **state)
{
    struct scene *s = *state;
    struct mfa_enrolment e;
    struct mfa_recovery codes;
    struct mfa_answer a;
    char code[10];

    mfa_enrolment_new(s->user, &e);
    code_at(&e, clock_unix(), code);
    assert_int_equal(mfa_enrol(s->m,
                               &(struct mfa_confirmation){.enrolment = &e, .typed = view_str(code)},
                               &s->by, &a, &codes),
                     SP_ERR_EXISTS);
    assert_int_equal(mfa_enrol(s->m,
                               &(struct mfa_confirmation){
                                   .enrolment = &e, .typed = view_str(code), .replace = true},
                               &s->by, &a, &codes),
                     SP_OK);
    assert_int_equal(try_text(s, s->codes.codes[0], &a), SP_ERR_DENIED);
    s->e = e;
    clock_set_for_test(clock_unix() + STEP_MS, 1000);
    assert_int_equal(try_at(s, clock_unix(), &a), SP_OK);
}

static void AAL_09_a_reset_takes_factor_and_codes(void **state)
{
    struct scene *s = *state;
    struct mfa_answer a;

    assert_int_equal(mfa_reset(s->m, s->user, &s->by), SP_OK);
    assert_false(state_of(s).enrolled);
    assert_int_equal(try_at(s, clock_unix(), &a), SP_ERR_NOT_FOUND);
    assert_int_equal(try_text(s, s->codes.codes[0], &a), SP_ERR_NOT_FOUND);
}

static void an_enrolment_travels_sealed(void **state)
{
    struct scene *s = *state;
    struct mfa_enrolment out;
    struct buf text;

    buf_init(&text, 512);
    assert_int_equal(mfa_enrolment_seal(s->m, &s->e, &text), SP_OK);
    s->e.until = clock_unix() + 1000;
    buf_reset(&text);
    assert_int_equal(mfa_enrolment_seal(s->m, &s->e, &text), SP_OK);
    assert_int_equal(mfa_enrolment_open(s->m, buf_view(&text), &out), SP_OK);
    assert_memory_equal(out.secret, s->e.secret, sizeof out.secret);
    assert_true(id_equal(out.user, s->user));
    text.at[5] ^= 1;
    assert_int_not_equal(mfa_enrolment_open(s->m, buf_view(&text), &out), SP_OK);
    text.at[5] ^= 1;
    clock_set_for_test(clock_unix() + 1001, 1000);
    assert_int_equal(mfa_enrolment_open(s->m, buf_view(&text), &out), SP_ERR_EXPIRED);
    assert_int_equal(mfa_enrolment_open(s->m, view_str("x"), &out), SP_ERR_MALFORMED);
    buf_deinit(&text);
}

struct raw {
    struct buf sealed;
};

static bool keep(void *arg, struct view text)
{
    struct raw *r = arg;

    buf_reset(&r->sealed);
    buf_add(&r->sealed, text);
    return true;
}

static sp_error put_row(struct store_tx *tx, void *arg)
{
    const struct totp_row *row = arg;
    sp_error e = scene.t.s->once->totp_put(tx, row);
    bool won;

    return e == SP_OK ? scene.t.s->once->totp_advance(tx, row->user, 1, tx_now(tx), &won) : e;
}

/* OTP-8: the row of one user, put in place of another's, opens nothing. */
static void OTP_08_swapped_rows_fail_and_hold_no_seed(void **state)
{
    struct scene *s = *state;
    struct totp_row row, thief = {.user = random_id()};
    struct mfa_answer a;
    struct raw raw;
    char code[10];

    buf_init(&raw.sealed, 1024);
    assert_int_equal(s->t.s->once->totp_get(s->t.st, s->user, &row, keep, &raw), SP_OK);
    assert_null(memmem(raw.sealed.at, raw.sealed.len, s->e.secret, sizeof s->e.secret));
    thief.seed = buf_view(&raw.sealed);
    assert_int_equal(store_commit(s->t.st, put_row, &thief), SP_OK);
    code_at(&s->e, clock_unix(), code);
    assert_int_equal(mfa_verify(s->m, thief.user, view_str(code), &s->by, &a), SP_ERR_INTEGRITY);
    buf_deinit(&raw.sealed);
}

/* C-014: a late phone is told, an early one is not told how far. */
static void C_014_a_wrong_clock_is_said(void **state)
{
    struct scene *s = *state;
    struct mfa_answer a;

    assert_int_equal(try_at(s, clock_unix() - 4 * STEP_MS, &a), SP_ERR_DENIED);
    assert_int_equal(a.verdict, TOTP_BEHIND);
    assert_int_equal(a.minutes_behind, 2);
    assert_int_equal(try_at(s, clock_unix() + 4 * STEP_MS, &a), SP_ERR_DENIED);
    assert_int_equal(a.verdict, TOTP_AHEAD);
    assert_int_equal(a.minutes_behind, 0);
    assert_int_equal(state_of(s).fails, 2);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(OTP_04_a_code_works_once_also_after_a_restart),
        CASE(OTP_05_a_clock_set_back_does_not_revive_a_code),
        CASE(the_code_of_the_enrolment_is_spent_with_it),
        CASE(OTP_04_of_fifty_parallel_posts_of_one_code_one_wins),
        CASE(OTP_04_of_parallel_posts_at_several_brokers_one_wins),
        CASE(OTP_06_a_factor_that_was_never_proved_is_none),
        CASE(TM_18_fifty_parallel_guesses_get_five_tries),
        CASE(AAL_04_five_tries_then_waits_that_double_to_an_hour),
        CASE(AAL_04_a_right_code_during_a_lock_is_a_wrong_one_and_not_counted),
        CASE(AAL_04_after_a_hundred_failures_only_reset_or_recovery_helps),
        CASE(OTP_09_a_recovery_code_works_once_and_as_it_is_typed),
        CASE(OTP_09_codes_have_120_bits_and_new_ones_void_the_old),
        CASE(OTP_06_a_factor_needs_its_proof_code),
        CASE(a_second_factor_replaces_the_first_only_when_asked_to),
        CASE(AAL_09_a_reset_takes_factor_and_codes),
        CASE(an_enrolment_travels_sealed),
        CASE(OTP_08_swapped_rows_fail_and_hold_no_seed),
        CASE(C_014_a_wrong_clock_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
