#include "tests/unit/connector/gateway/detect/seen.h"

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

/* Ann is served by one connector and the attacker by another, where nobody has seen her objects. */
static void GW_51_objects_of_another_connectors_people_are_foreign_too(void **state)
{
    struct detect *hers = new_shared(1), *told = new_shared(2), *alone = new_shared(3);
    uint64_t fresh[DETECT_FRESH_MAX];

    (void)state;
    learn_private(told);
    learn_private(alone);
    for (uint64_t i = 0; i < 2 * 20; i++) /* each of them twice: told once */
        detect_see(hers, &(struct observation){.at = NOW,
                                               .user = mix(700),
                                               .endpoint = mix(77),
                                               .object = mix(i % 20 + 9000000),
                                               .status = 200});
    assert_int_equal(detect_fresh(hers, fresh), 20);
    detect_learn(told, 20, fresh);
    for (uint64_t i = 0; i < 4; i++) {
        struct observation o = get(900, 0, NOW + HOUR + (sp_unix_ms)i);
        o.object = mix(i + 9000000);
        detect_see(told, &o);
        detect_see(alone, &o);
    }
    assert_int_equal(incidents(told, "bola", NULL), 1);
    assert_int_equal(incidents(alone, "bola", NULL), 0);
    struct observation own = get(700, 0, NOW + HOUR); /* she herself, moved to the other one */
    for (uint64_t i = 10; i < 20; i++) {
        own.object = mix(i + 9000000);
        detect_see(told, &own);
    }
    assert_int_equal(incidents(told, "bola", NULL), 1);
    assert_int_equal(detect_fresh(hers, fresh), 0);
    detect_free(hers);
    detect_free(told);
    detect_free(alone);
}

static void GW_51_at_most_so_many_objects_are_told_at_once_and_none_without_a_key(void **state)
{
    struct detect *d = new_shared(4), *own = new_detect(GW_BLOCK);
    static uint64_t fresh[DETECT_FRESH_MAX];

    (void)state;
    for (uint64_t i = 0; i < DETECT_FRESH_MAX + 50; i++) {
        struct observation o = get(i % 30, i + 1, NOW);
        detect_see(d, &o);
        detect_see(own, &o);
    }
    assert_int_equal(detect_fresh(d, fresh), DETECT_FRESH_MAX);
    assert_int_equal(detect_fresh(own, fresh), 0);
    detect_free(d);
    detect_free(own);
}

/* Hashes under one key say nothing under another. */
static void what_was_learned_under_another_key_is_forgotten(void **state)
{
    struct detect *d = new_shared(5), *own = new_detect(GW_BLOCK);
    struct buf state_of;

    (void)state;
    buf_init(&state_of, 32 << 20);
    assert_int_equal(detect_save(own, &state_of), SP_OK);
    assert_int_equal(detect_load(d, buf_view(&state_of)), SP_ERR_MALFORMED);
    buf_reset(&state_of);
    assert_int_equal(detect_save(d, &state_of), SP_OK);
    assert_int_equal(detect_load(d, buf_view(&state_of)), SP_OK);
    buf_deinit(&state_of);
    detect_free(d);
    detect_free(own);
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

static void GW_62_GW_52_many_different_objects_stand_out(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_51_foreign_objects_are_found_at_the_second),
        cmocka_unit_test(GW_51_objects_of_another_connectors_people_are_foreign_too),
        cmocka_unit_test(GW_51_at_most_so_many_objects_are_told_at_once_and_none_without_a_key),
        cmocka_unit_test(what_was_learned_under_another_key_is_forgotten),
        cmocka_unit_test(GW_51_the_support_group_is_excepted_by_feedback),
        cmocka_unit_test(GW_51_thirty_honest_days_block_nobody),
        cmocka_unit_test(GW_62_GW_52_many_different_objects_stand_out),
        cmocka_unit_test(GW_52_ids_in_order_and_misses_need_no_learning),
        cmocka_unit_test(GW_52_the_block_doubles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
