#include "tests/unit/connector/gateway/detect/seen.h"

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

/* An exact rule refuses the request that it found; other requests of the incident count apart. */
static void GW_62_what_an_exact_rule_refused_is_counted(void **state)
{
    struct detect *d = new_detect(GW_BLOCK);
    struct finding f = {.detector = DETECTOR_OWNER, .score = 1, .threshold = 1};
    const enum gw_mode modes[] = {GW_BLOCK, GW_BLOCK, GW_MONITOR, GW_BLOCK};
    struct observation o = get(1, 1, NOW);
    int64_t blocked = 0, would = 0;
    struct json *last = NULL;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        f.mode = modes[i];
        f.refuses = i < 3;
        detect_report(d, &o, &f);
    }
    assert_int_equal(incidents(d, "owner", &last), 1);
    assert_true(json_integer(json_get(last, "blocked"), &blocked) && blocked == 2);
    assert_true(json_integer(json_get(last, "would_have_blocked"), &would) && would == 1);
    assert_string_equal(json_cstr(json_get(last, "mode")), "block");
    json_free(last);
    detect_free(d);
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
        cmocka_unit_test(GW_57_a_function_of_one_group_answers_an_outsider),
        cmocka_unit_test(GW_58_a_step_left_out_is_found),
        cmocka_unit_test(GW_59_a_scanner_is_found_at_20_paths),
        cmocka_unit_test(GW_63_monitor_decides_as_block_does),
        cmocka_unit_test(a_statistic_blocks_only_after_its_learning_time),
        cmocka_unit_test(GW_64_state_comes_back_or_starts_clean),
        cmocka_unit_test(GW_62_what_an_exact_rule_refused_is_counted),
        cmocka_unit_test(incidents_are_one_an_hour_and_never_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
