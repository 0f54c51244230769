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
    e = judge_report(j,
                     &(struct posture_sent){.device = device,
                                            .key = *key_secret_public(key),
                                            .report = buf_view(&bytes),
                                            .sig = {signature, sizeof signature}},
                     clock_unix(), out);
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

/* What a vendor said of a device: beside the agent's word, with its own age and end. */
static void FLT_12_what_a_vendor_said_ages_to_its_end_and_no_further(void **state)
{
    (void)state;
    const struct posture_said said[] = {
        {"disk_encryption",
         {.kind = VALUE_PASS_FAIL,
          .source = "intune",
          .assurance = ASSURANCE_VENDOR,
          .observed_at = T0 - 4000,
          .expires_at = T0 + 600000}},
        {"falcon:overall",
         {.kind = VALUE_NUMBER,
          .number = 82,
          .source = "falcon",
          .assurance = ASSURANCE_VENDOR,
          .observed_at = T0 - 4000,
          .expires_at = T0 + 600000}},
    };
    struct posture_said silent = said[1];
    struct judge_signals s = {0};
    struct posture_answer a;
    bool changed = false;

    assert_int_equal(fresh_report(1, "pass", &a), SP_OK);
    assert_int_equal(judge_take(j, device, said, 2, &changed), SP_OK);
    assert_true(changed);
    assert_int_equal(judge_take(j, device, said, 2, &changed), SP_OK);
    assert_false(changed); /* the same again */
    judge_free(j);
    assert_int_equal(judge_new(t.st, &j), SP_OK);
    assert_int_equal(judge_signals(j, device, &s), SP_OK);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.signals[0].count, 2); /* the agent's pass and the vendor's fail */
    assert_int_equal(s.signals[1].values[0].observed_at, T0 - 4000);
    assert_int_equal(s.signals[1].values[0].expires_at, T0 + 600000);
    judge_signals_free(&s);
    clock_set_for_test(T0 + 600000, 601000); /* nobody heard of the vendor since */
    assert_int_equal(judge_take(j, device, said, 2, &changed), SP_OK);
    assert_true(changed); /* an expired value that comes again says something new */
    silent.value.kind = VALUE_NONE;
    assert_int_equal(judge_take(j, device, &silent, 1, &changed), SP_OK);
    assert_true(changed);
    assert_int_equal(judge_signals(j, device, &s), SP_OK);
    assert_int_equal(s.signals[1].values[0].kind, VALUE_NONE); /* what it no longer says is gone */
    judge_signals_free(&s);
}

static enum posture_whole stands(void)
{
    const struct sp_id both[] = {device, boot}; /* the other one never showed anything */
    enum posture_whole out[2] = {POSTURE_FAILING, POSTURE_FAILING};

    assert_int_equal(judge_stands(j, both, 2, clock_unix(), out), SP_OK);
    assert_int_equal(out[1], POSTURE_UNKNOWN);
    return out[0];
}

/* Nobody writes when a verdict expires: the list that asks for it must know all the same. */
static void a_device_stands_as_its_signals_do_until_they_expire(void **state)
{
    (void)state;
    struct posture_said said = {"os_supported",
                                {.kind = VALUE_PASS_FAIL,
                                 .pass = true,
                                 .source = "intune",
                                 .assurance = ASSURANCE_VENDOR,
                                 .observed_at = T0,
                                 .expires_at = T0 + 60000}};
    struct posture_answer a;
    bool changed = false;

    assert_int_equal(stands(), POSTURE_UNKNOWN);
    assert_int_equal(fresh_report(1, "pass", &a), SP_OK);
    assert_int_equal(stands(), POSTURE_PASSING);
    assert_int_equal(judge_take(j, device, &said, 1, &changed), SP_OK);
    assert_int_equal(stands(), POSTURE_PASSING);
    clock_set_for_test(T0 + 59999, 61000);
    assert_int_equal(stands(), POSTURE_PASSING);
    clock_set_for_test(T0 + 60000, 62000); /* one of the two is known no more */
    assert_int_equal(stands(), POSTURE_UNKNOWN);
    clock_set_for_test(T0 + 59999, 63000); /* the clock was set back */
    assert_int_equal(stands(), POSTURE_PASSING);
    assert_int_equal(fresh_report(2, "fail", &a), SP_OK);
    assert_int_equal(stands(), POSTURE_FAILING);
    judge_free(j); /* as much after a restart, from the store */
    assert_int_equal(judge_new(t.st, &j), SP_OK);
    assert_int_equal(stands(), POSTURE_FAILING);
    assert_int_equal(fresh_report(3, NULL, &a), SP_OK);
    assert_int_equal(stands(), POSTURE_UNKNOWN);
    assert_int_equal(fresh_report(4, "pass", &a), SP_OK);
    assert_int_equal(stands(), POSTURE_PASSING);
    clock_set_for_test(T0 + 59999 + POSTURE_TTL_MS, 63000 + POSTURE_TTL_MS);
    assert_int_equal(stands(), POSTURE_UNKNOWN);
}

/* A report of 64 signals that no other report named. */
static sp_error names_another(int64_t sequence, struct posture_answer *out)
{
    static char names[POSTURE_SIGNALS_MAX][16];
    struct report_signal s[POSTURE_SIGNALS_MAX] = {0};
    struct report r = {.sequence = sequence,
                       .boot = boot,
                       .made = clock_unix(),
                       .count = POSTURE_SIGNALS_MAX,
                       .signals = s};
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct buf bytes;

    for (size_t i = 0; i < POSTURE_SIGNALS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "s%lld_%zu", (long long)sequence, i);
        memcpy(s[i].name, names[i], sizeof names[i]);
        s[i].assurance = REPORT_SIGNED;
        s[i].at = clock_unix();
    }
    assert_int_equal(judge_nonce(j, device, r.nonce), SP_OK);
    buf_init(&bytes, REPORT_MAX);
    assert_int_equal(report_make(&r, key, &bytes, signature), SP_OK);
    sp_error e = judge_report(j,
                              &(struct posture_sent){.device = device,
                                                     .key = *key_secret_public(key),
                                                     .report = buf_view(&bytes),
                                                     .sig = {signature, sizeof signature}},
                              clock_unix(), out);
    buf_deinit(&bytes);
    return e;
}

static void a_device_that_names_ever_others_leaves_room_for_vendors(void **state)
{
    (void)state;
    const struct posture_said said = {"falcon:overall",
                                      {.kind = VALUE_NUMBER,
                                       .number = 12,
                                       .source = "falcon",
                                       .assurance = ASSURANCE_VENDOR,
                                       .observed_at = T0,
                                       .expires_at = T0 + 600000}};
    struct posture_answer a;
    bool changed = false;

    assert_int_equal(names_another(1, &a), SP_OK);
    assert_int_equal(names_another(2, &a), SP_OK);
    for (int64_t i = 3; i < 6; i++)
        assert_int_equal(names_another(i, &a), SP_ERR_LIMIT);
    assert_int_equal(judge_take(j, device, &said, 1, &changed), SP_OK);
    assert_true(changed);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(TM_11_a_report_is_for_one_nonce_and_in_order),
        CASE(a_nonce_lives_a_minute),
        CASE(ZT_05_values_carry_their_end_and_unknown_ends_a_pass),
        CASE(what_was_reported_outlives_a_restart),
        CASE(FLT_12_what_a_vendor_said_ages_to_its_end_and_no_further),
        CASE(a_device_that_names_ever_others_leaves_room_for_vendors),
        CASE(TM_11_a_value_is_never_newer_or_better_than_it_is),
        CASE(a_device_stands_as_its_signals_do_until_they_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
