#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connector/gateway/detect/detect.h"
#include "connector/gateway/detect/exposure.h"

static const sp_unix_ms NOW = 1764000000000, MINUTE = 60000, HOUR = 3600000, DAY = 86400000;

static uint64_t mix(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15u;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static struct detect *new_detect(enum gw_mode mode)
{
    struct detect_options o = {.key = "a test's own key", .learning_ms = 0, .began = NOW};
    struct detect *d = NULL;

    for (size_t i = 0; i < DETECTORS; i++)
        o.modes[i] = (int)mode;
    assert_int_equal(detect_new(&o, &d), SP_OK);
    return d;
}

/* A GET of one object by one user. */
static struct observation get(uint64_t user, uint64_t object, sp_unix_ms at)
{
    return (struct observation){.at = at,
                                .user = mix(user),
                                .user_text = view_str("u-pairwise"),
                                .method = GW_GET,
                                .endpoint = mix(77),
                                .endpoint_text = view_str("GET /accounts/{id}"),
                                .object = object == 0 ? 0 : mix(object + 1000000),
                                .status = 200};
}

/* The open incidents of a detector; the newest's JSON to `last`, owned by the caller. */
static size_t incidents(struct detect *d, const char *detector, struct json **last)
{
    struct json *o;
    size_t n = 0;

    detect_tell_again(d);
    while ((o = detect_next_incident(d, NOW)) != NULL) {
        detect_told(d, NOW);
        if (!view_is(json_str(json_get(o, "detector")), detector)) {
            json_free(o);
            continue;
        }
        n++;
        if (last != NULL) {
            json_free(*last);
            *last = o;
        } else {
            json_free(o);
        }
    }
    return n;
}

static const char *evidence(struct json *incident)
{
    return json_cstr(json_at(json_get(incident, "evidence"), 0));
}

static bool blocked(struct detect *d, struct observation o, enum detector by)
{
    struct detect_block b;

    o.status = 0;
    return detect_blocked(d, &o, &b) && b.detector == by && b.mode == GW_BLOCK;
}

static void learn_private(struct detect *d)
{
    for (uint64_t i = 0; i < 50 * 200; i++)
        detect_see(d, &(struct observation){.at = NOW + (sp_unix_ms)i,
                                            .user = mix(i % 50),
                                            .method = GW_GET,
                                            .endpoint = mix(77),
                                            .object = mix(i + 1000000),
                                            .status = 200});
}

static void GW_51_foreign_objects_are_found_at_the_second(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct json *last = NULL;

    (void)state;
    learn_private(d);
    assert_int_equal(incidents(d, "bola", NULL), 0);
    struct observation o = get(900, 0, NOW + HOUR);
    o.object = mix(5 + 1000000);
    detect_see(d, &o);
    assert_int_equal(incidents(d, "bola", NULL), 0);
    o.object = mix(6 + 1000000);
    detect_see(d, &o);
    assert_int_equal(incidents(d, "bola", &last), 1);
    assert_string_equal(
        evidence(last),
        "got 2 objects within an hour that another user had been the only one to use");
    json_free(last);
    assert_true(blocked(d, o, DETECTOR_BOLA));
    /* For this user and endpoint, 15 minutes. */
    assert_false(blocked(d, get(901, 5, NOW + HOUR), DETECTOR_BOLA));
    o.at += 15 * MINUTE;
    assert_false(blocked(d, o, DETECTOR_BOLA));
    detect_free(d);
}

static void GW_51_the_support_group_is_excepted_by_feedback(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    uint64_t support = detect_hash(d, view_str("corp/support"));
    struct detect_expected e = {
        .detector = DETECTOR_BOLA, .group = view_str("corp/support"), .until = NOW + 91 * DAY};

    (void)state;
    learn_private(d);
    assert_int_equal(detect_expect(d, &e, NOW), SP_ERR_INVALID);
    e.until = NOW + 90 * DAY;
    assert_int_equal(detect_expect(d, &e, NOW), SP_OK);
    e.user_text = view_str("u");
    assert_int_equal(detect_expect(d, &e, NOW), SP_ERR_INVALID);
    for (uint64_t i = 0; i < 20; i++) {
        struct observation o = get(900, 0, NOW + HOUR + (sp_unix_ms)i);
        o.object = mix(i + 1000000);
        o.group_count = 1;
        o.groups = &support;
        detect_see(d, &o);
        assert_false(blocked(d, o, DETECTOR_BOLA));
    }
    assert_int_equal(incidents(d, "bola", NULL), 0);
    detect_free(d);
}

/* 50 users, 30 days, 40 of their own objects a day, and one in 200 reads is of a shared one. */
static void GW_51_thirty_honest_days_block_nobody(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    size_t blocks = 0;

    (void)state;
    for (uint64_t day = 0; day < 30; day++)
        for (uint64_t user = 0; user < 50; user++)
            for (uint64_t i = 0; i < 40; i++) {
                uint64_t r = mix(day * 100000 + user * 100 + i);
                uint64_t object = r % 200 == 0 ? 500000 + r % 10 : user * 300 + r % 300;
                struct observation o =
                    get(user, object, NOW + (sp_unix_ms)day * DAY + (sp_unix_ms)i * 13 * MINUTE);
                blocks += blocked(d, o, DETECTOR_BOLA) || blocked(d, o, DETECTOR_ENUMERATION);
                detect_see(d, &o);
            }
    assert_int_equal(blocks, 0);
    assert_true(incidents(d, "bola", NULL) <= 1); /* 1,500 user-days */
    assert_int_equal(incidents(d, "enumeration", NULL), 0);
    detect_free(d);
}

static void GW_52_many_different_objects_stand_out(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct json *last = NULL;

    (void)state;
    for (uint64_t user = 0; user < 40; user++) /* 40 users, 3 objects each, two windows */
        for (uint64_t i = 0; i < 4; i++)
            detect_see(d, &(struct observation){.at = NOW + (i == 3 ? 11 * MINUTE : 0),
                                                .user = mix(user),
                                                .endpoint = mix(77),
                                                .object = mix(user * 10 + i % 3),
                                                .status = 200});
    for (uint64_t i = 0; i < 214; i++) {
        struct observation o = get(900, 5000 + i * i, NOW + 12 * MINUTE + (sp_unix_ms)i);
        detect_see(d, &o);
        if (i < 40) /* 50, counted within 13 % */
            assert_int_equal(incidents(d, "enumeration", NULL), 0);
    }
    assert_int_equal(incidents(d, "enumeration", &last), 1);
    unsigned n = 0, half = 0, most = 0;
    assert_int_equal(sscanf(evidence(last),
                            "opened %u different objects in 10 min; half of all users open at most "
                            "%u, 95 %% at most %u",
                            &n, &half, &most),
                     3);
    assert_in_range(n, 214 * 7 / 10, 214 * 13 / 10); /* HyperLogLog of 64 registers */
    assert_true(half == 3 && most == 3);
    json_free(last);
    detect_free(d);
}

static void GW_52_ids_in_order_and_misses_need_no_learning(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct json *last = NULL;

    (void)state;
    for (int i = 1; i <= 12; i++) {
        struct observation o = get(1, 40 + (uint64_t)i, NOW + i);
        o.numbered = true;
        o.number = 100 + 2 * i;
        detect_see(d, &o);
        assert_int_equal(incidents(d, "enumeration", NULL), i == 12);
    }
    assert_int_equal(incidents(d, "enumeration", &last), 1);
    assert_string_equal(
        evidence(last),
        "asked for 12 ids in arithmetic order, each 2 from the one before, up to 124");
    json_free(last);

    for (int i = 1; i <= 50; i++) {
        struct observation o = get(2, 7000 + (uint64_t)(i * i), NOW + i);
        o.status = i % 5 < 3 ? 404 : 200; /* 60 % */
        detect_see(d, &o);
    }
    assert_int_equal(incidents(d, "enumeration", NULL), 2);
    /* Turning the pages of one list back and forth is no walk. */
    for (int i = 1; i <= 30; i++) {
        struct observation o = get(3, 40 + (uint64_t)(i % 4), NOW + i);
        o.numbered = true;
        o.number = i % 4;
        detect_see(d, &o);
    }
    assert_int_equal(incidents(d, "enumeration", NULL), 2);
    detect_free(d);
}

static void GW_52_the_block_doubles(void **state)
{
    static const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct detect *d = new_detect(GW_BLOCK);
    sp_unix_ms at = NOW;

    (void)state;
    for (size_t round = 0; round < 8; round++) {
        struct detect_block b;
        struct observation o = get(1, 1, at);
        for (int i = 1; i <= 12; i++) {
            o = get(1, 40 + (uint64_t)i, at);
            o.numbered = true;
            o.number = i;
            detect_see(d, &o);
        }
        o.status = 0;
        assert_true(detect_blocked(d, &o, &b));
        assert_int_equal(b.retry_ms, minutes[round] * MINUTE);
        at += b.retry_ms;
    }
    detect_free(d);
}

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

static void volume(struct detect *d, uint64_t user, uint64_t bytes, sp_unix_ms at)
{
    static const uint64_t group = 4711;
    struct observation o = get(user, 0, at);

    o.bytes = bytes;
    o.group_count = 1;
    o.groups = &group;
    detect_see(d, &o);
}

static void usual_days(struct detect *d, sp_unix_ms from, int days)
{
    for (int day = 0; day < days; day++)
        for (int hour = 8; hour < 17; hour++)
            for (uint64_t user = 0; user < 6; user++)
                volume(d, user, (1 + (mix((uint64_t)hour * 10 + user) & 1)) << 20,
                       from + day * DAY + hour * HOUR);
}

static void GW_55_carrying_data_away_is_found(void **state)
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

static void GW_57_a_function_of_one_group_answers_an_outsider(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    uint64_t admins[] = {1, 2}, staff[] = {2};
    struct json *last = NULL;

    (void)state;
    struct observation o = get(0, 0, NOW);
    o.method = GW_DELETE;
    o.groups = admins;
    o.group_count = 2;
    for (uint64_t i = 0; i < 200; i++) {
        o.user = mix(i % 6);
        /* Group 2 is dropped at once: one caller is not in it. */
        o.group_count = i == 3 ? 1 : 2;
        detect_see(d, &o);
    }
    o.user = mix(900);
    o.groups = staff;
    o.group_count = 1;
    o.at = NOW + HOUR;
    detect_see(d, &o);
    assert_int_equal(incidents(d, "function", &last), 1);
    assert_string_equal(evidence(last),
                        "used 1 times; all 200 calls before came from one group (6 users), which "
                        "this user is not in");
    json_free(last);
    assert_true(blocked(d, o, DETECTOR_FUNCTION));
    detect_free(d);
}

static void GW_58_a_step_left_out_is_found(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct json *last = NULL;

    (void)state;
    for (uint64_t i = 0; i < 120; i++) {
        struct observation cart = get(i % 30, 0, NOW + (sp_unix_ms)i * MINUTE);
        struct observation pay = cart;
        cart.endpoint = mix(100);
        pay.endpoint = mix(101);
        pay.sensitive = true;
        pay.at += 5000 + (sp_unix_ms)i;
        detect_see(d, &cart);
        detect_see(d, &pay);
    }
    assert_int_equal(incidents(d, "flow", NULL), 0);
    struct observation login_page = get(900, 0, NOW + DAY), pay = login_page;
    login_page.endpoint = mix(102);
    pay.endpoint = mix(101);
    pay.sensitive = true;
    pay.at += 1000;
    detect_see(d, &login_page);
    detect_see(d, &pay);
    assert_int_equal(incidents(d, "flow", &last), 1);
    assert_string_equal(evidence(last),
                        "reached without any of the requests that come before it in 120 uses");
    json_free(last);

    for (int i = 0; i < 20; i++) { /* the right way, but 20 times at a program's pace */
        struct observation cart = get(901, 0, NOW + DAY + i * 100);
        cart.endpoint = mix(100);
        pay.user = mix(901);
        pay.at = cart.at + 10;
        detect_see(d, &cart);
        detect_see(d, &pay);
        assert_int_equal(incidents(d, "flow", NULL), i < 19 ? 1 : 2);
    }
    detect_free(d);
}

static void GW_59_a_scanner_is_found_at_20_paths(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct observation o = {0};

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(incidents(d, "scanner", NULL), 0);
        o = get(1, 0, NOW + (sp_unix_ms)i);
        o.endpoint = 0;
        o.path = mix(i + 9000);
        o.status = 404;
        detect_see(d, &o);
    }
    assert_int_equal(incidents(d, "scanner", NULL), 1);
    assert_true(blocked(d, get(1, 5, NOW + 9 * MINUTE), DETECTOR_SCANNER));
    assert_false(blocked(d, get(1, 5, NOW + 11 * MINUTE), DETECTOR_SCANNER));
    /* A client with some dead links is none. */
    for (uint64_t i = 0; i < 100; i++) {
        o = get(2, 0, NOW + (sp_unix_ms)i);
        o.endpoint = i % 4 == 0 ? 0 : mix(3);
        o.path = mix(i);
        o.status = i % 4 == 0 ? 404 : 200;
        detect_see(d, &o);
    }
    assert_int_equal(incidents(d, "scanner", NULL), 1);
    detect_free(d);
}

static void GW_63_monitor_decides_as_block_does(void **state)
{
    struct detect *monitor = new_detect(GW_MONITOR), *block = new_detect(GW_BLOCK);
    size_t same = 0;

    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        struct observation o = get(mix(i) % 5, mix(i * 3) % 400, NOW + (sp_unix_ms)i * 400);
        struct detect_block a = {0}, b = {0};
        o.numbered = i % 2 == 0;
        o.number = (int64_t)i / 7;
        o.path = mix(i);
        o.status = mix(i) % 5 == 0 ? 404 : 200;
        bool in_monitor = detect_blocked(monitor, &o, &a), in_block = detect_blocked(block, &o, &b);
        assert_int_equal(in_monitor, in_block);
        if (in_block) {
            assert_int_equal(a.detector, b.detector);
            assert_true(a.mode == GW_MONITOR && b.mode == GW_BLOCK);
            same++;
        }
        detect_see(monitor, &o);
        detect_see(block, &o);
    }
    assert_true(same > 0);
    detect_free(monitor);
    detect_free(block);
}

static void a_statistic_blocks_only_after_its_learning_time(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    int modes[DETECTORS];
    struct detect_block b;

    (void)state;
    for (size_t i = 0; i < DETECTORS; i++)
        modes[i] = GW_BLOCK;
    detect_set(d, modes, 7 * DAY);
    learn_private(d);
    for (int early = 1; early >= 0; early--) {
        struct observation o = get(900, 0, NOW + (early ? HOUR : 8 * DAY));
        for (uint64_t i = 0; i < 2; i++) {
            o.object = mix(i + (uint64_t)early * 2 + 1000000);
            detect_see(d, &o);
        }
        o.status = 0;
        assert_true(detect_blocked(d, &o, &b));
        assert_int_equal(b.mode, early ? GW_MONITOR : GW_BLOCK);
    }
    detect_free(d);
}

static void GW_64_state_comes_back_or_starts_clean(void **state)
{
    struct detect *a = new_detect(GW_BLOCK), *b = new_detect(GW_BLOCK);
    struct buf saved;

    (void)state;
    learn_private(a);
    assert_true(detect_bytes(a) < 8u << 20);
    buf_init(&saved, 16 << 20);
    assert_int_equal(detect_save(a, &saved), SP_OK);
    for (size_t n = 0; n < saved.len; n += n < 64 ? 1 : saved.len / 40)
        assert_int_equal(detect_load(b, view_slice(buf_view(&saved), 0, n)), SP_ERR_MALFORMED);
    saved.at[saved.len / 2] ^= 1;
    assert_int_equal(detect_load(b, buf_view(&saved)), SP_ERR_MALFORMED);
    saved.at[saved.len / 2] ^= 1;
    assert_int_equal(detect_load(b, buf_view(&saved)), SP_OK);
    for (uint64_t i = 0; i < 2; i++) { /* what was learned is still known */
        struct observation o = get(900, 0, NOW + HOUR);
        o.object = mix(i + 1000000);
        detect_see(b, &o);
    }
    assert_int_equal(incidents(b, "bola", NULL), 1);
    buf_deinit(&saved);
    detect_free(a);
    detect_free(b);
}

static void incidents_are_one_an_hour_and_never_too_many(void **state)
{
    struct detect *d = new_detect(GW_MONITOR);
    struct finding f = {.detector = DETECTOR_OWNER, .score = 1, .threshold = 1};
    struct json *last = NULL;
    int64_t count = 0;

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct observation o = get(1, 1, NOW + i);
        detect_report(d, &o, &f);
    }
    assert_int_equal(incidents(d, "owner", &last), 1);
    assert_true(json_integer(json_get(last, "count"), &count) && count == 5);
    json_free(last);
    for (uint64_t i = 0; i < 2000; i++) {
        struct observation o = get(i, 1, NOW + HOUR);
        detect_report(d, &o, &f);
    }
    assert_int_equal(incidents(d, "owner", NULL), DETECT_INCIDENTS);
    for (size_t i = 0; i < DETECTORS; i++)
        assert_int_equal(detector_parse(view_str(detector_name((enum detector)i))), i);
    assert_int_equal(detector_parse(view_str("none")), DETECTORS);
    detect_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_51_foreign_objects_are_found_at_the_second),
        cmocka_unit_test(GW_51_the_support_group_is_excepted_by_feedback),
        cmocka_unit_test(GW_51_thirty_honest_days_block_nobody),
        cmocka_unit_test(GW_52_many_different_objects_stand_out),
        cmocka_unit_test(GW_52_ids_in_order_and_misses_need_no_learning),
        cmocka_unit_test(GW_52_the_block_doubles),
        cmocka_unit_test(GW_54_guessing_is_found_in_its_four_forms),
        cmocka_unit_test(GW_54_a_forgetful_user_is_not_flagged),
        cmocka_unit_test(GW_55_carrying_data_away_is_found),
        cmocka_unit_test(GW_55_a_budget_is_a_fixed_sum),
        cmocka_unit_test(GW_55_a_month_end_report_is_news_once),
        cmocka_unit_test(GW_56_only_what_is_sensitive_is_exposure),
        cmocka_unit_test(GW_57_a_function_of_one_group_answers_an_outsider),
        cmocka_unit_test(GW_58_a_step_left_out_is_found),
        cmocka_unit_test(GW_59_a_scanner_is_found_at_20_paths),
        cmocka_unit_test(GW_63_monitor_decides_as_block_does),
        cmocka_unit_test(a_statistic_blocks_only_after_its_learning_time),
        cmocka_unit_test(GW_64_state_comes_back_or_starts_clean),
        cmocka_unit_test(incidents_are_one_an_hour_and_never_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
