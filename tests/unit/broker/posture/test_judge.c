/* Posture reports on a real store: who signed, for which nonce, in which order, and what holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/posture/judge.h"
#include "lib/crypto/random.h"
#include "lib/trust/report.h"
#include "tests/unit/broker/store/temp.h"

#define T0 INT64_C(1764043200000)

static struct temp t;
static struct judge *j;
static struct key_secret *key, *other;
static struct sp_id device, boot;
static enum report_assurance assurance =
    REPORT_SIGNED; /* of what is reported, and when it was seen */
static int64_t ahead_ms;

static int setup(void **state)
{
    (void)state;
    clock_set_for_test(T0, 1000);
    temp_new(&t);
    device = random_id();
    boot = random_id();
    if (key_secret_new(KEY_ED25519, &key) != SP_OK || key_secret_new(KEY_ED25519, &other) != SP_OK)
        return -1;
    return judge_new(t.st, &j) == SP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    judge_free(j);
    key_secret_free(key);
    key_secret_free(other);
    temp_free(&t);
    clock_set_for_test(-1, -1);
    return 0;
}

/* One report with disk_encryption as given (NULL: unknown), signed by `by`. */
static sp_error report(const uint8_t nonce[POSTURE_NONCE_BYTES], int64_t sequence, const char *disk,
                       const struct key_secret *by, struct posture_answer *out)
{
    struct json *value = disk == NULL ? NULL : json_new_str(view_str(disk));
    struct report_signal s = {.name = "disk_encryption",
                              .known = disk != NULL,
                              .value = value,
                              .source = view_str("sysfs"),
                              .why = view_str(disk == NULL ? "virtual disk" : ""),
                              .assurance = assurance,
                              .at = clock_unix() + ahead_ms};
    struct report r = {
        .sequence = sequence, .boot = boot, .made = clock_unix(), .count = 1, .signals = &s};
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct buf bytes;
    sp_error e;

    memcpy(r.nonce, nonce, sizeof r.nonce);
    buf_init(&bytes, REPORT_MAX);
    assert_int_equal(report_make(&r, by, &bytes, signature), SP_OK);
    e = judge_report(j, device, key_secret_public(key), buf_view(&bytes),
                     (struct view){signature, sizeof signature}, clock_unix(), out);
    buf_deinit(&bytes);
    json_free(value);
    return e;
}

static sp_error fresh_report(int64_t sequence, const char *disk, struct posture_answer *out)
{
    uint8_t nonce[POSTURE_NONCE_BYTES];

    assert_int_equal(judge_nonce(j, device, nonce), SP_OK);
    return report(nonce, sequence, disk, key, out);
}

static void TM_11_a_report_is_for_one_nonce_and_in_order(void **state)
{
    (void)state;
    struct posture_answer a;
    uint8_t nonce[POSTURE_NONCE_BYTES], unknown[POSTURE_NONCE_BYTES] = {1};

    assert_int_equal(report(unknown, 1, "pass", key, &a), SP_ERR_REPLAY);
    assert_int_equal(judge_nonce(j, device, nonce), SP_OK);
    assert_int_equal(report(unknown, 1, "pass", key, &a), SP_ERR_REPLAY); /* not the open one */
    assert_int_equal(report(nonce, 1, "pass", other, &a), SP_ERR_SIGNATURE);
    assert_int_equal(report(nonce, 1, "pass", key, &a), SP_OK);
    assert_int_equal(a.sequence, 1);
    assert_true(a.changed);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.at[0].verdict, TRI_YES);
    assert_int_equal(report(nonce, 2, "pass", key, &a), SP_ERR_REPLAY); /* used */
    assert_int_equal(fresh_report(1, "pass", &a), SP_ERR_REPLAY);       /* not above the last */
    assert_int_equal(fresh_report(2, "pass", &a), SP_OK);
    assert_false(a.changed);
    boot = random_id(); /* the machine started again: its numbers do, too */
    assert_int_equal(fresh_report(1, "fail", &a), SP_OK);
    assert_true(a.changed);
    assert_int_equal(a.at[0].verdict, TRI_NO);
    assert_int_equal(judge_health(j).accepted, 3);
    assert_int_equal(judge_health(j).refused, 5);
}

static void a_nonce_lives_a_minute(void **state)
{
    (void)state;
    struct posture_answer a;
    uint8_t nonce[POSTURE_NONCE_BYTES];

    assert_int_equal(judge_nonce(j, device, nonce), SP_OK);
    clock_set_for_test(T0 + POSTURE_NONCE_MS, 1000 + POSTURE_NONCE_MS);
    assert_int_equal(report(nonce, 1, "pass", key, &a), SP_OK);
    assert_int_equal(judge_nonce(j, device, nonce), SP_OK);
    clock_set_for_test(T0 + 3 * POSTURE_NONCE_MS, 1000 + 2 * POSTURE_NONCE_MS + 1);
    assert_int_equal(report(nonce, 2, "pass", key, &a), SP_ERR_EXPIRED);
}

static void ZT_05_values_carry_their_end_and_unknown_ends_a_pass(void **state)
{
    (void)state;
    struct judge_signals s = {0};
    struct posture_answer a;

    assert_int_equal(fresh_report(1, "pass", &a), SP_OK);
    assert_int_equal(judge_signals(j, device, &s), SP_OK);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.signals[0].name, "disk_encryption");
    assert_int_equal(s.signals[0].values[0].kind, VALUE_PASS_FAIL);
    assert_true(s.signals[0].values[0].pass);
    assert_int_equal(s.signals[0].values[0].assurance, ASSURANCE_SIGNED);
    assert_int_equal(s.signals[0].values[0].expires_at, T0 + POSTURE_TTL_MS);
    judge_signals_free(&s);
    clock_set_for_test(T0 + 1000, 2000);
    assert_int_equal(fresh_report(2, NULL, &a), SP_OK);
    assert_true(a.changed);
    assert_int_equal(judge_signals(j, device, &s), SP_OK);
    assert_int_equal(s.signals[0].values[0].kind, VALUE_NONE);
    assert_string_equal(s.signals[0].values[0].detail, "virtual disk");
    judge_signals_free(&s);
    assert_int_equal(fresh_report(3, NULL, &a), SP_OK);
    assert_false(a.changed); /* as unknown as before */
}

/* The device's clock and its word are the device's: neither makes a value better than it is. */
static void TM_11_a_value_is_never_newer_or_better_than_it_is(void **state)
{
    (void)state;
    struct judge_signals s = {0};
    struct posture_answer a;

    ahead_ms = 24 * 3600 * 1000;
    assurance = REPORT_SELF;
    sp_error e = fresh_report(1, "pass", &a);
    ahead_ms = 0;
    assurance = REPORT_SIGNED;
    assert_int_equal(e, SP_OK);
    assert_int_equal(judge_signals(j, device, &s), SP_OK);
    assert_int_equal(s.signals[0].values[0].observed_at, T0);
    assert_int_equal(s.signals[0].values[0].expires_at, T0 + POSTURE_TTL_MS);
    assert_int_equal(s.signals[0].values[0].assurance, ASSURANCE_SELF);
    judge_signals_free(&s);
}

static void what_was_reported_outlives_a_restart(void **state)
{
    (void)state;
    struct judge_signals s = {0};
    struct posture_answer a;

    assert_int_equal(fresh_report(1, NULL, &a), SP_OK);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.at[0].verdict, TRI_UNKNOWN);
    assert_int_equal(fresh_report(2, "fail", &a), SP_OK);
    judge_free(j);
    assert_int_equal(judge_new(t.st, &j), SP_OK);
    assert_int_equal(judge_signals(j, device, &s), SP_OK);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.signals[0].values[0].kind, VALUE_PASS_FAIL);
    assert_false(s.signals[0].values[0].pass);
    judge_signals_free(&s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(TM_11_a_report_is_for_one_nonce_and_in_order),
        CASE(a_nonce_lives_a_minute),
        CASE(ZT_05_values_carry_their_end_and_unknown_ends_a_pass),
        CASE(what_was_reported_outlives_a_restart),
        CASE(TM_11_a_value_is_never_newer_or_better_than_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
