/* What is usual among many, between the detectors of connectors that each see a part of an app's
 * people: what each learns of the others, and what nobody can make it learn. */
#include "connector/gateway/detect/usual.h"
#include "tests/unit/connector/gateway/detect/seen.h"

static int64_t merged(const struct json *incident)
{
    int64_t n = -1;

    (void)json_integer(json_get(incident, "merged"), &n);
    return n;
}

/* Objects --------------------------------------------------------------------------------- */

static void GW_52_what_others_usually_open_is_known(void **state)
{
    struct detect *a = new_shared(1), *told = new_shared(2), *alone = new_shared(3);
    struct json *last = NULL;

    (void)state;
    open_windows(a, 40);
    tell(a, told, NOW + 30 * MINUTE);
    walk(told);
    walk(alone);
    assert_int_equal(incidents(alone, "enumeration", NULL), 0);
    assert_int_equal(incidents(told, "enumeration", &last), 1);
    assert_int_equal(merged(last), 1);
    json_free(last);
    last = NULL;
    open_windows(alone, 40); /* who has enough of its own says that it is that alone */
    walk(alone);
    assert_int_equal(incidents(alone, "enumeration", &last), 1);
    assert_int_equal(merged(last), 0);
    json_free(last);
    detect_free(a);
    detect_free(told);
    detect_free(alone);
}

static void steal_two(struct detect *d)
{
    for (uint64_t i = 0; i < 2; i++) {
        struct observation o = get(900, 0, NOW + HOUR);
        o.object = mix(i + 9000000);
        detect_see(d, &o);
    }
}

static void GW_51_an_endpoint_is_private_by_what_all_have_seen(void **state)
{
    struct detect *a = new_shared(1), *told = new_shared(2), *without = new_shared(3);
    uint64_t fresh[DETECT_FRESH_MAX];
    struct json *last = NULL;

    (void)state;
    learn_private(a);
    assert_int_equal(detect_fresh(a, fresh), DETECT_FRESH_MAX);
    for (uint64_t i = 0; i < 20; i++) {
        struct observation o = get(700, 0, NOW);
        o.object = mix(i + 9000000);
        detect_see(a, &o);
    }
    assert_int_equal(detect_fresh(a, fresh), 20);
    detect_learn(told, 20, fresh);
    detect_learn(without, 20, fresh);
    tell(a, told, NOW + 30 * MINUTE);
    steal_two(told);
    steal_two(without); /* knows whose they are, and not that this is unusual here */
    assert_int_equal(incidents(told, "bola", &last), 1);
    assert_int_equal(merged(last), 1);
    assert_int_equal(incidents(without, "bola", NULL), 0);
    json_free(last);
    detect_free(a);
    detect_free(told);
    detect_free(without);
}

/* Everybody's objects at one connector are nobody's own at another. */
static void GW_51_what_others_know_as_shared_is_not_private(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2);

    (void)state;
    for (uint64_t i = 0; i < 2 * 1000; i++) { /* half of them are used by two */
        struct observation o = get(i / 1000 * 30 + i % 30, i % (1000 - i / 1000 * 500) + 1, NOW);
        detect_see(a, &o);
    }
    learn_private(b);
    tell(a, b, NOW + 30 * MINUTE);
    for (uint64_t i = 0; i < 2; i++) {
        struct observation o = get(900, 0, NOW + HOUR);
        o.object = mix(i + 1000000);
        detect_see(b, &o);
    }
    assert_int_equal(incidents(b, "bola", NULL), 0);
    detect_free(a);
    detect_free(b);
}

/* Volume ---------------------------------------------------------------------------------- */

static void GW_55_a_groups_hours_are_known_from_others(void **state)
{
    struct detect *a = new_shared(1), *told = new_shared(2), *alone = new_shared(3);
    struct json *last = NULL;

    (void)state;
    for (uint64_t u = 0; u < 30; u++)
        for (int hour = 0; hour < 3; hour++)
            volume(a, u, (1 + (u & 1)) << 20, NOW + hour * HOUR);
    tell(a, told, NOW + 3 * HOUR);
    volume(told, 900, 200 << 20, NOW + 3 * HOUR); /* somebody new */
    volume(alone, 900, 200 << 20, NOW + 3 * HOUR);
    assert_int_equal(incidents(alone, "exfiltration", NULL), 0);
    assert_int_equal(incidents(told, "exfiltration", &last), 1);
    assert_int_equal(merged(last), 1);
    json_free(last);
    detect_free(a);
    detect_free(told);
    detect_free(alone);
}

/* Functions ------------------------------------------------------------------------------- */

enum { ADMINS = 1, STAFF, GUESTS };

/* `calls` deletes by six people who are in `a` and, unless it is 0, in `b`. */
static void call(struct detect *d, uint64_t first_user, int calls, uint64_t a, uint64_t b)
{
    const uint64_t groups[] = {a, b};
    struct observation o = get(0, 0, NOW);

    o.method = GW_DELETE;
    o.groups = groups;
    o.group_count = b == 0 ? 1 : 2;
    for (int i = 0; i < calls; i++) {
        o.user = mix(first_user + (uint64_t)i % 6);
        detect_see(d, &o);
    }
}

/* Whether somebody who is only in `group` stands out. */
static bool is_outside(struct detect *d, uint64_t group)
{
    size_t before = incidents(d, "function", NULL);

    call(d, 700 + group, 1, group, 0);
    return incidents(d, "function", NULL) > before;
}

static void GW_57_a_function_of_one_group_is_known_from_others(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2);

    (void)state;
    call(a, 1, 120, ADMINS, STAFF);
    call(b, 10, 120, ADMINS, 0); /* neither has 200 calls */
    tell(b, a, NOW);
    tell(a, b, NOW);
    assert_true(is_outside(a, STAFF));
    assert_true(is_outside(b, STAFF));
    assert_false(is_outside(a, ADMINS));
    assert_false(is_outside(b, ADMINS));
    detect_free(a);
    detect_free(b);
}

/* What was learned here takes no more from another than from a person. */
static void GW_57_a_sibling_neither_opens_nor_resets_what_was_learned(void **state)
{
    static const struct {
        const char *name;
        uint64_t a, b;
        int calls;
    } theirs[] = {
        {"all of another group", GUESTS, 0, 1000},
        {"one of another group", GUESTS, 0, 1},
        {"of that group besides", ADMINS, GUESTS, 1000},
        {"of no group that is known", 77, 78, 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        struct detect *a = new_shared(1), *b = new_shared(2);
        call(a, 1, 200, ADMINS, 0);
        call(b, 10, theirs[i].calls, theirs[i].a, theirs[i].b);
        tell(b, a, NOW);
        if (!is_outside(a, GUESTS) || is_outside(a, ADMINS))
            fail_msg("%s", theirs[i].name);
        detect_free(a);
        detect_free(b);
    }
    /* Nor does one whose people have nothing in common: an outsider was among them. */
    struct detect *a = new_shared(1), *b = new_shared(2);
    call(a, 1, 200, ADMINS, 0);
    call(b, 10, 50, ADMINS, 0);
    call(b, 20, 1, GUESTS, 0);
    tell(b, a, NOW);
    assert_true(is_outside(a, GUESTS));
    assert_false(is_outside(a, ADMINS));
    detect_free(a);
    detect_free(b);
}

/* Flows ----------------------------------------------------------------------------------- */

enum { CART = 100, PAY = 101, OTHER = 102 };

static void pay(struct detect *d, uint64_t user, uint64_t before, sp_unix_ms at, int64_t gap)
{
    struct observation o = get(user, 0, at);

    o.endpoint = mix(before);
    detect_see(d, &o);
    o.endpoint = mix(PAY);
    o.sensitive = true;
    o.at += gap;
    detect_see(d, &o);
}

static void pay_often(struct detect *d, int uses, uint64_t before, int64_t gap)
{
    for (int i = 0; i < uses; i++)
        pay(d, (uint64_t)i % 30, before, NOW + i * MINUTE, gap + i);
}

static void GW_58_a_usual_flow_is_known_from_others(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2);

    (void)state;
    pay_often(a, 60, CART, 5000);
    pay_often(b, 60, CART, 5000); /* neither has 100 uses */
    pay(a, 900, OTHER, NOW + DAY, 5000);
    assert_int_equal(incidents(a, "flow", NULL), 0);
    tell(b, a, NOW);
    pay(a, 900, OTHER, NOW + DAY, 5000);
    assert_int_equal(incidents(a, "flow", NULL), 1);
    for (int i = 0; i < 20; i++) /* the pace is known, too */
        pay(a, 901, CART, NOW + 2 * DAY + i * 1000, 10);
    assert_int_equal(incidents(a, "flow", NULL), 2);
    detect_free(a);
    detect_free(b);
}

static void GW_58_a_sibling_makes_no_other_way_usual_and_none_faster(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2), *c = new_shared(3);

    (void)state;
    pay_often(a, 120, CART, 5000);
    pay_often(b, 99, OTHER, 5000); /* neither has learned what is usual */
    pay_often(c, 99, CART, 1);
    tell(b, a, NOW);
    tell(c, a, NOW);
    pay(a, 900, OTHER, NOW + DAY, 5000);
    assert_int_equal(incidents(a, "flow", NULL), 1);
    for (int i = 0; i < 20; i++)
        pay(a, 901, CART, NOW + 2 * DAY + i * 1000, 120);
    assert_int_equal(incidents(a, "flow", NULL), 2);
    pay(a, 902, CART, NOW + 3 * DAY, 6000);
    assert_int_equal(incidents(a, "flow", NULL), 2);
    detect_free(a);
    detect_free(b);
    detect_free(c);
}

/* Sixty people of two groups over two connectors, five working days, told each hour. */
static void honest_people_at_two_connectors_are_found_at_neither(void **state)
{
    struct detect *both[] = {new_shared(1), new_shared(2)};
    sp_unix_ms start = NOW - NOW % DAY;

    (void)state;
    for (int hour = 0; hour < 5 * 24; hour++) {
        sp_unix_ms at = start + hour * HOUR;
        for (uint64_t u = 0; u < 60 && hour % 24 >= 8 && hour % 24 < 17; u++) {
            uint64_t luck = mix(u * 1000 + (uint64_t)hour);
            const uint64_t groups[] = {STAFF, u % 12 == 0 ? ADMINS : GUESTS};
            struct observation o = get(u, 0, at + (sp_unix_ms)(luck % 40) * MINUTE);
            o.groups = groups;
            o.group_count = 2;
            for (uint64_t i = 0; i < 1 + luck % 12; i++) {
                o.object = mix(u * 100 + mix(luck + i) % 30 + 5000000);
                o.bytes = (1 + mix(i) % 40) << 14;
                detect_see(both[u % 2], &o);
            }
            o.object = 0;
            o.endpoint = mix(200); /* for admins only */
            if (u % 12 == 0)
                detect_see(both[u % 2], &o);
            pay(both[u % 2], u, CART, at + 50 * MINUTE, 3000 + (int64_t)(luck % 60000));
        }
        tell(both[0], both[1], at + HOUR);
        tell(both[1], both[0], at + HOUR);
    }
    for (size_t i = 0; i < 2; i++) {
        struct json *last = NULL;
        for (size_t k = 0; k < DETECTORS; k++)
            if (incidents(both[i], detector_name((enum detector)k), &last) > 0)
                fail_msg("%s: %s", detector_name((enum detector)k), evidence(last));
        assert_int_equal(usual_heard(both[i], start + 5 * DAY), 1);
        detect_free(both[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_52_what_others_usually_open_is_known),
        cmocka_unit_test(GW_51_an_endpoint_is_private_by_what_all_have_seen),
        cmocka_unit_test(GW_51_what_others_know_as_shared_is_not_private),
        cmocka_unit_test(GW_55_a_groups_hours_are_known_from_others),
        cmocka_unit_test(GW_57_a_function_of_one_group_is_known_from_others),
        cmocka_unit_test(GW_57_a_sibling_neither_opens_nor_resets_what_was_learned),
        cmocka_unit_test(GW_58_a_usual_flow_is_known_from_others),
        cmocka_unit_test(GW_58_a_sibling_makes_no_other_way_usual_and_none_faster),
        cmocka_unit_test(honest_people_at_two_connectors_are_found_at_neither),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
