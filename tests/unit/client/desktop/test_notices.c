#include "client/desktop/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIN ((int64_t)60 * 1000)
#define NOW ((int64_t)1764000000000)

static struct notice heard[16];
static size_t count;
static struct notices n;

static void hear(void *arg, const struct notice *one)
{
    assert_ptr_equal(arg, heard);
    assert_true(count < sizeof heard / sizeof *heard);
    heard[count++] = *one;
}

static int fresh(void **state)
{
    (void)state;
    count = 0;
    notices_init(&n, hear, heard);
    return 0;
}

static struct notices_session session(uint8_t id, const char *app, int64_t opened, int64_t deadline)
{
    return (struct notices_session){{{id}}, app, opened, deadline};
}

static void a_session_is_told_10_and_2_minutes_before_its_end_and_once_each(void **state)
{
    (void)state;
    struct notices_session one = session(1, "metrics", NOW - 60 * MIN, NOW + 11 * MIN);

    for (int64_t at = NOW; at < NOW + 12 * MIN; at += 10 * 1000)
        notices_time(&n, &one, 1, 0, at);
    assert_int_equal(count, 2);
    assert_string_equal(heard[0].title, "metrics ends in 10 min");
    assert_false(heard[0].urgent);
    assert_string_equal(heard[1].title, "metrics ends in 2 min");
    assert_true(heard[1].urgent);
    assert_string_equal(heard[0].key, heard[1].key); /* the second takes the first one's place */
}

static void a_session_that_was_opened_within_the_limit_is_no_surprise(void **state)
{
    (void)state;
    struct notices_session one = session(1, "short", NOW, NOW + 5 * MIN);

    notices_time(&n, &one, 1, 0, NOW + MIN);
    assert_int_equal(count, 0);
    notices_time(&n, &one, 1, 0, NOW + 3 * MIN);
    assert_int_equal(count, 1);
    one = session(2, "endless", NOW, 0);
    notices_time(&n, &one, 1, 0, NOW + 5 * MIN);
    assert_int_equal(count, 1);
}

static void an_end_that_comes_closer_is_told_again_and_one_that_passed_is_not(void **state)
{
    (void)state;
    struct notices_session both[2] = {session(1, "a", NOW - 60 * MIN, NOW + 60 * MIN),
                                      session(2, "b", NOW - 60 * MIN, NOW - 1)};

    notices_time(&n, both, 2, 0, NOW);
    assert_int_equal(count, 0);
    both[0].deadline = NOW + MIN; /* a limit moved it */
    notices_time(&n, both, 2, 0, NOW);
    assert_int_equal(count, 1);
    notices_time(&n, both, 0, 0, NOW); /* gone */
    notices_time(&n, both, 1, 0, NOW); /* and another of the same id */
    assert_int_equal(count, 2);
}

static void the_login_is_told_once_and_taken_away_when_it_was_extended(void **state)
{
    (void)state;
    notices_time(&n, NULL, 0, NOW + 16 * MIN, NOW);
    assert_int_equal(count, 0);
    notices_time(&n, NULL, 0, NOW + 16 * MIN, NOW + 2 * MIN);
    notices_time(&n, NULL, 0, NOW + 16 * MIN, NOW + 3 * MIN);
    assert_int_equal(count, 1);
    assert_non_null(strstr(heard[0].body, "sallyport login --extend"));
    assert_string_equal(heard[0].action, "Sign in again");
    notices_time(&n, NULL, 0, NOW + 600 * MIN, NOW + 4 * MIN);
    assert_int_equal(count, 2);
    assert_true(heard[1].over);
    assert_string_equal(heard[1].key, heard[0].key);
}

static void a_proof_that_is_asked_for_is_told_and_taken_away(void **state)
{
    (void)state;
    notices_step_up(&n, "metrics", "It is paused until a proof comes: otp.");
    assert_true(heard[0].urgent);
    assert_string_equal(heard[0].title, "metrics asks for a code");
    assert_non_null(strstr(heard[0].body, "sallyport connect metrics"));
    notices_step_up_over(&n, "metrics");
    assert_true(heard[1].over);
    assert_string_equal(heard[1].key, heard[0].key);
}

static void ends_by_others_are_told_with_their_reason_and_own_ends_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *code, *title; /* NULL: not told */
    } rows[] = {
        {"killed", "An administrator ended wiki"},
        {"policy", "wiki was closed"},
        {"revoked", "wiki was closed: login or device revoked"},
        {"floor", "wiki was closed"},
        {"record", "wiki was closed"},
        {"ended", NULL},
        {"idle", NULL},
        {"deadline", NULL},
        {"unreachable", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        count = 0;
        notices_ended(&n, "wiki", rows[i].code, "For maintenance.");
        assert_int_equal(count, rows[i].title == NULL ? 1 : 2);
        assert_true(heard[0].over); /* a proof is not asked for any more */
        if (rows[i].title == NULL)
            continue;
        assert_string_equal(heard[1].title, rows[i].title);
        assert_non_null(strstr(heard[1].body, "For maintenance."));
        assert_true(heard[1].urgent);
    }
}

static void a_failing_signal_is_told_once_with_its_remedy_and_taken_away(void **state)
{
    (void)state;
    struct notices_signal failing[2] = {
        {"Firewall", "no rules", "Turn the firewall on."},
        {"Disk encryption", "", ""},
    };

    notices_posture(&n, failing, 2);
    notices_posture(&n, failing, 2);
    assert_int_equal(count, 2);
    assert_string_equal(heard[0].title, "Firewall fails on this device");
    assert_non_null(strstr(heard[0].body, "Turn the firewall on."));
    assert_non_null(strstr(heard[0].body, "sallyport posture --send"));
    notices_posture(&n, failing + 1, 1);
    assert_int_equal(count, 3);
    assert_true(heard[2].over);
    assert_string_equal(heard[2].key, heard[0].key);
    notices_posture(&n, failing, 2); /* again: a new failure */
    assert_int_equal(count, 4);
    assert_false(heard[3].over);
}

static void names_of_any_length_fit(void **state)
{
    (void)state;
    char *name = malloc(5001);
    struct notices_session one = session(1, name, NOW - 60 * MIN, NOW + MIN);
    struct notices_signal signal = {name, name, name};

    assert_non_null(name);
    memset(name, 'x', 5000);
    name[5000] = '\0';
    notices_time(&n, &one, 1, 0, NOW);
    notices_step_up(&n, name, name);
    notices_ended(&n, name, "killed", name);
    notices_posture(&n, &signal, 1);
    notices_posture(&n, &signal, 1);
    assert_int_equal(count, 5);
    notices_revoked(&n);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(heard[i].title) < sizeof heard[i].title);
        assert_true(strlen(heard[i].body) < sizeof heard[i].body);
    }
    free(name);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_session_is_told_10_and_2_minutes_before_its_end_and_once_each),
        T(a_session_that_was_opened_within_the_limit_is_no_surprise),
        T(an_end_that_comes_closer_is_told_again_and_one_that_passed_is_not),
        T(the_login_is_told_once_and_taken_away_when_it_was_extended),
        T(a_proof_that_is_asked_for_is_told_and_taken_away),
        T(ends_by_others_are_told_with_their_reason_and_own_ends_are_not),
        T(a_failing_signal_is_told_once_with_its_remedy_and_taken_away),
        T(names_of_any_length_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
