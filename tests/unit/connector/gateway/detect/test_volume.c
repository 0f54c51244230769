#include "tests/unit/connector/gateway/detect/seen.h"

static struct observation login(uint64_t account, uint16_t password, bool ok, sp_unix_ms at)
{
    return (struct observation){.at = at,
                                .user = mix(1),
                                .source = mix(2),
                                .user_text = view_str("u"),
                                .method = GW_POST,
                                .endpoint = mix(9),
                                .endpoint_text = view_str("POST /login"),
                                .status = ok ? 200 : 401,
                                .login = true,
                                .password = true,
                                .account = mix(account + 50),
                                .password_tag = password};
}

static void GW_54_guessing_is_found_in_its_four_forms(void **state)
{
    static const struct {
        const char *says;
        int tries, accounts, passwords;
        sp_unix_ms apart;
    } rows[] = {
        {"brute force: 10 failed logins on one account in 10 min", 10, 1, 10, 1000},
        {"stuffing: many accounts from one device", 10, 10, 10, 1000},
        {"spraying: one password failed on 10 different accounts in 10 min", 10, 10, 1, 1000},
        {"slow spraying: many accounts from one device", 30, 30, 30, 1200000},
    };

    (void)state;
    for (size_t r = 0; r < 4; r++) {
        struct detect *d = new_detect(GW_BLOCK);
        struct json *last = NULL;
        struct observation o = {0};
        for (int i = 0; i < rows[r].tries; i++) {
            assert_int_equal(incidents(d, "credential", NULL), 0);
            o = login((uint64_t)(i % rows[r].accounts), (uint16_t)(i % rows[r].passwords), false,
                      NOW + i * rows[r].apart);
            detect_see(d, &o);
        }
        assert_int_equal(incidents(d, "credential", &last), 1);
        assert_string_equal(evidence(last), rows[r].says);
        json_free(last);
        assert_true(blocked(d, o, DETECTOR_CREDENTIAL));
        /* Only logins of the source, and nobody else's. */
        struct observation other = get(1, 5, o.at);
        other.source = o.source;
        assert_false(blocked(d, other, DETECTOR_CREDENTIAL));
        other = o;
        other.source = mix(3);
        other.user = mix(3);
        assert_false(blocked(d, other, DETECTOR_CREDENTIAL));
        detect_free(d);
    }
}

static void GW_54_a_forgetful_user_is_not_flagged(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);

    (void)state;
    for (int day = 0; day < 5; day++) {
        for (int i = 0; i < 5; i++) {
            struct observation o = login(1, (uint16_t)i, false, NOW + day * DAY + i * 1000);
            detect_see(d, &o);
        }
        struct observation o = login(1, 99, true, NOW + day * DAY + 6000);
        detect_see(d, &o);
        assert_false(blocked(d, o, DETECTOR_CREDENTIAL));
    }
    assert_int_equal(incidents(d, "credential", NULL), 0);
    detect_free(d);
}

static void usual_days(struct detect *d, sp_unix_ms from, int days)
{
    for (int day = 0; day < days; day++)
        for (int hour = 8; hour < 17; hour++)
            for (uint64_t user = 0; user < 6; user++)
                volume(d, user, (1 + (mix((uint64_t)hour * 10 + user) & 1)) << 20,
                       from + day * DAY + hour * HOUR);
}

static void GW_62_GW_55_carrying_data_away_is_found(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct json *last = NULL;
    sp_unix_ms start = NOW - NOW % DAY, at = start + 15 * DAY + 10 * HOUR;

    (void)state;
    usual_days(d, start, 15);
    assert_int_equal(incidents(d, "exfiltration", NULL), 0);
    for (int i = 0; i < 100; i++) /* fast: 100 MiB in one minute */
        volume(d, 3, 1 << 20, at + i * 600);
    assert_int_equal(incidents(d, "exfiltration", &last), 1);
    double got = 0, usual = 0;
    assert_int_equal(sscanf(evidence(last),
                            "got %lf MiB in this hour; %lf MiB are usual for this user", &got,
                            &usual),
                     2);
    assert_true(got == 100.0 && usual > 0.9 && usual < 2.1);
    json_free(last);
    assert_true(blocked(d, get(3, 0, at + MINUTE), DETECTOR_EXFILTRATION));
    assert_false(blocked(d, get(3, 0, at + HOUR), DETECTOR_EXFILTRATION));
    for (int i = 0; i < 30; i++) /* slow: 1 MiB a minute */
        volume(d, 4, 2 << 20, at + 2 * HOUR + i * MINUTE);
    assert_int_equal(incidents(d, "exfiltration", NULL), 2);
    detect_free(d);
}

static void GW_55_a_budget_is_a_fixed_sum(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct detect_budget b = {.number = 0, .bytes = 1000, .window_ms = 600000};
    struct json *last = NULL;
    struct observation o = get(1, 0, NOW);

    (void)state;
    o.bytes = 500;
    detect_spend(d, &o, &b);
    detect_spend(d, &o, &b); /* 1,000 is within */
    assert_false(blocked(d, o, DETECTOR_BUDGET));
    o.at += MINUTE;
    detect_spend(d, &o, &b);
    assert_true(blocked(d, o, DETECTOR_BUDGET));
    assert_int_equal(incidents(d, "budget", &last), 1);
    assert_string_equal(evidence(last), "got 1500 bytes in 600 s; the budget is 1000");
    json_free(last);
    o.at = NOW + 10 * MINUTE;
    assert_false(blocked(d, o, DETECTOR_BUDGET));
    detect_spend(d, &o, &b);
    assert_false(blocked(d, o, DETECTOR_BUDGET));
    detect_free(d);
}

static void GW_55_a_month_end_report_is_news_once(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    sp_unix_ms start = NOW - NOW % DAY;

    (void)state;
    usual_days(d, start, 28);
    volume(d, 3, 200 << 20, start + 28 * DAY + 18 * HOUR);
    assert_int_equal(incidents(d, "exfiltration", NULL), 1);
    usual_days(d, start + 29 * DAY, 28);
    volume(d, 3, 220 << 20, start + 57 * DAY + 18 * HOUR);
    assert_int_equal(incidents(d, "exfiltration", NULL), 1);
    detect_free(d);
}

static void GW_56_only_what_is_sensitive_is_exposure(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned kinds;
    } rows[] = {
        {"card", "4111111111111111", EXPOSURE_CARD},
        {"card", "4111111111111112", 0},
        {"order", "1234567890123452", 0},
        {"iban", "GB82 WEST 1234 5698 7654 32", EXPOSURE_IBAN},
        {"password", "hunter2", EXPOSURE_PASSWORD},
        {"userPasswordHash", "$argon2id$", EXPOSURE_PASSWORD},
        {"password_changed_at", "2026-01-01", 0},
        {"t", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", EXPOSURE_TOKEN},
        {"t", "eyJhbGciOiJIUzI1NiJ9", 0},
        {"pem", "-----BEGIN EC PRIVATE KEY-----\nMHc", EXPOSURE_KEY},
        {"pem", "-----BEGIN PUBLIC KEY-----\nMHc", 0},
        {"mail", "ann@example.com", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct exposure_seen s = {0};
        exposure_see(&s, view_str(rows[i].name), view_str(rows[i].value));
        if (s.kinds != rows[i].kinds)
            fail_msg("%s %s: %u", rows[i].name, rows[i].value, s.kinds);
    }
    struct exposure_seen list = {0};
    for (int i = 0; i < EXPOSURE_EMAILS_MIN; i++) {
        assert_int_equal(list.kinds, 0);
        exposure_see(&list, view_str("mail"), view_str("ann@example.com"));
    }
    assert_int_equal(list.kinds, EXPOSURE_EMAILS);
    assert_string_equal(list.where[2], "mail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_54_guessing_is_found_in_its_four_forms),
        cmocka_unit_test(GW_54_a_forgetful_user_is_not_flagged),
        cmocka_unit_test(GW_62_GW_55_carrying_data_away_is_found),
        cmocka_unit_test(GW_55_a_budget_is_a_fixed_sum),
        cmocka_unit_test(GW_55_a_month_end_report_is_news_once),
        cmocka_unit_test(GW_56_only_what_is_sensitive_is_exposure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
