#include "connector/gateway/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S 1000000000LL

struct fixture {
    struct gwconf *conf;
    struct rate *rate;
    struct arena_pool pool;
    struct arena *arena;
    struct rate_held *held;
};

static void open_fixture(struct fixture *x, const char *text, size_t entries)
{
    struct sp_why why = {{0}, {0}, 0, 0};

    *x = (struct fixture){.pool = {.max = 64 << 20}};
    if (gwconf_parse(view_str(text), &why, &x->conf) != SP_OK)
        fail_msg("%s", why.text);
    struct rate_options o = {.conf = x->conf, .entries = entries};
    assert_int_equal(rate_new(&o, &x->rate), SP_OK);
    assert_int_equal(arena_new(&x->pool, 1 << 20, &x->arena), SP_OK);
}

static void close_fixture(struct fixture *x)
{
    rate_free(x->rate);
    gwconf_free(x->conf);
    arena_free(x->arena);
}

/* A request of its own arena, as in the product; what it held is given back at once unless kept. */
static struct rate_answer ask(struct fixture *x, const struct rate_facts *f, int64_t now)
{
    struct rate_answer a;

    arena_free(x->arena);
    x->arena = NULL;
    assert_int_equal(arena_new(&x->pool, 1 << 20, &x->arena), SP_OK);
    x->held = NULL;
    a = rate_check(x->rate, RATE_SESSION_KEYS, f, now, x->arena, &x->held);
    return a;
}

static struct rate_facts user(const char *name)
{
    return (struct rate_facts){.user = view_str(name),
                               .target = {.method = GW_GET},
                               .operation = view_str("/x"),
                               .weight = 1};
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/*
 * The model is a bucket that leaks: level in units of 1/interval, drained by the time that
 * passed. It shares neither formula nor type with rate.c (128 bits, level instead of TAT).
 */
struct bucket {
    __int128 level; /* nanoseconds of interval owed */
    int64_t at;
};

static bool bucket_take(struct bucket *b, int64_t now, int64_t interval, int64_t burst,
                        int64_t cost)
{
    __int128 capacity = (__int128)interval * burst, price = (__int128)interval * cost;
    __int128 level = b->level - (now - b->at);

    if (level < 0)
        level = 0;
    if (level + price > capacity && !(price > capacity && level == 0))
        return false;
    b->level = level + price;
    b->at = now;
    return true;
}

static void GW_30_gcra_agrees_with_a_leaking_bucket_over_10_6_events(void **state)
{
    enum { USERS = 37, EVENTS = 1000000 };
    struct fixture x;
    struct bucket buckets[USERS] = {{0}};
    uint64_t seed = 0x5a11e9;
    int64_t clock = 0, latest = 0;
    unsigned passed = 0;

    (void)state;
    open_fixture(&x, "rate: [ { name: a, key: [user], rate: 7/s, burst: 12, cost: weight } ]\n", 0);
    const struct gwconf_rate *rule = gwconf_rate_at(x.conf, 0);
    for (size_t i = 0; i < EVENTS; i++) {
        uint64_t r = next(&seed);
        size_t who = r % USERS;
        char name[8];
        /* Mostly small steps; now and then a jump ahead, or back, where the clock stands still. */
        int64_t step = (int64_t)(r >> 20) % (S / 40);
        if ((r >> 8) % 5000 == 0)
            step = (int64_t)(r >> 20) % (400 * S);
        if ((r >> 8) % 5000 == 1)
            step = -(int64_t)((r >> 20) % (400 * S));
        clock += step;
        latest = clock > latest ? clock : latest;
        clock = clock < 0 ? 0 : clock;
        snprintf(name, sizeof name, "u%zu", who);
        struct rate_facts f = user(name);
        f.weight = (r >> 50) % 50 == 0 ? 13 : 1 + (int64_t)((r >> 40) % 3);
        bool want =
            bucket_take(&buckets[who], latest, rule->pace.interval_ns, rule->burst, f.weight);
        struct rate_answer a = ask(&x, &f, clock);
        if (a.passed != want)
            fail_msg("event %zu, user %zu, cost %lld: %d and not %d", i, who, (long long)f.weight,
                     a.passed, want);
        passed += want;
        if (!want && (a.retry_ns <= 0 || a.rule != rule))
            fail_msg("event %zu: refused without a time", i);
        /* The wait that it was told is exact: one nanosecond earlier is refused, then passes. */
        if (!want && i % 64 == 0) {
            struct bucket early = buckets[who], due = buckets[who];
            assert_false(bucket_take(&early, latest + a.retry_ns - 1, rule->pace.interval_ns,
                                     rule->burst, f.weight));
            assert_true(bucket_take(&due, latest + a.retry_ns, rule->pace.interval_ns, rule->burst,
                                    f.weight));
        }
    }
    assert_in_range(passed, EVENTS / 20, EVENTS * 19 / 20); /* both answers were common */
    close_fixture(&x);
}

static void test_a_burst_and_then_the_pace(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann"), g = user("bob");

    (void)state;
    open_fixture(&x, "rate: [ { name: a, key: [user], rate: 10/s, burst: 5 } ]\n", 0);
    for (int i = 4; i >= 0; i--)
        assert_true(ask(&x, &f, S).passed);
    struct rate_answer a = ask(&x, &f, S);
    assert_false(a.passed);
    assert_int_equal(a.retry_ns, S / 10);
    assert_int_equal(a.remaining, 0);
    assert_true(ask(&x, &g, S).passed); /* another person's own */
    assert_false(ask(&x, &f, S + S / 10 - 1).passed);
    assert_true(ask(&x, &f, S + S / 10).passed);
    assert_false(ask(&x, &f, S + S / 10).passed);
    close_fixture(&x);
}

static void test_a_refused_request_costs_nothing_in_any_rule(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");

    (void)state;
    open_fixture(&x,
                 "rate:\n - { name: wide, key: [user], rate: 2/s, burst: 3 }\n"
                 " - { name: narrow, key: [user, operation], rate: 1/h, burst: 1 }\n",
                 0);
    assert_true(ask(&x, &f, S).passed);
    for (int i = 0; i < 10; i++) {
        struct rate_answer a = ask(&x, &f, S);
        assert_false(a.passed);
        assert_string_equal(a.rule->name, "narrow"); /* the longest wait */
    }
    f.operation = view_str("/y");
    assert_true(ask(&x, &f, S).passed);
    f.operation = view_str("/z");
    assert_true(ask(&x, &f, S).passed); /* the ten took nothing of the three */
    f.operation = view_str("/w");
    assert_string_equal(ask(&x, &f, S).rule->name, "wide");
    close_fixture(&x);
}

static void test_monitor_refuses_nobody_and_tells(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");

    (void)state;
    open_fixture(&x,
                 "rate:\n - { name: a, key: [user], rate: 1/h, mode: monitor }\n"
                 " - { name: b, key: [user], rate: 1/h, mode: off }\n",
                 0);
    assert_int_equal(ask(&x, &f, S).hit_count, 0);
    struct rate_answer a = ask(&x, &f, S);
    assert_true(a.passed);
    assert_int_equal(a.hit_count, 1);
    assert_string_equal(a.hits[0]->name, "a");
    close_fixture(&x);
}

static void test_each_group_has_its_own_and_all_must_have_room(void **state)
{
    const struct view both[] = {view_str("idp/a"), view_str("idp/b")}, one[] = {view_str("idp/b")};
    struct fixture x;
    struct rate_facts f = user("ann");

    (void)state;
    open_fixture(&x, "rate: [ { name: g, key: [group], rate: 1/h, burst: 2 } ]\n", 0);
    f.groups = one;
    f.group_count = 1;
    assert_true(ask(&x, &f, S).passed);
    f.groups = both;
    f.group_count = 2;
    assert_true(ask(&x, &f, S).passed);
    assert_false(ask(&x, &f, S).passed); /* b is spent, a is not */
    f.groups = both;
    f.group_count = 1;
    assert_true(ask(&x, &f, S).passed); /* a alone */
    f.group_count = 0;
    assert_true(ask(&x, &f, S).passed); /* who has none is a key too */
    assert_true(ask(&x, &f, S).passed);
    assert_false(ask(&x, &f, S).passed);
    close_fixture(&x);
}

static void test_keys_are_told_apart_by_length(void **state)
{
    struct fixture x;
    struct rate_facts f = {.user = view_str("ab"), .device = view_str("c"), .weight = 1};
    char longer[200];

    (void)state;
    open_fixture(&x, "rate: [ { name: k, key: [user, device], rate: 1/h } ]\n", 0);
    assert_true(ask(&x, &f, S).passed);
    f = (struct rate_facts){.user = view_str("a"), .device = view_str("bc"), .weight = 1};
    assert_true(ask(&x, &f, S).passed);
    memset(longer, 'x', sizeof longer);
    f.user = (struct view){(uint8_t *)longer, sizeof longer};
    assert_true(ask(&x, &f, S).passed);
    assert_false(ask(&x, &f, S).passed);
    f.user.len--;
    assert_true(ask(&x, &f, S).passed);
    close_fixture(&x);
}

static void test_in_flight_counts_and_gives_back(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");
    struct arena *first = NULL;
    struct rate_held *held = NULL, *more = NULL, *third = NULL;

    (void)state;
    open_fixture(&x, "rate: [ { name: open, key: [user], in_flight: 2 } ]\n", 0);
    assert_int_equal(arena_new(&x.pool, 1 << 20, &first), SP_OK);
    assert_true(rate_check(x.rate, RATE_SESSION_KEYS, &f, S, first, &held).passed);
    assert_true(rate_check(x.rate, RATE_SESSION_KEYS, &f, S, first, &more).passed);
    struct rate_answer a = rate_check(x.rate, RATE_SESSION_KEYS, &f, S, first, &third);
    assert_false(a.passed);
    assert_null(third);
    assert_int_equal(a.retry_ns, S);
    rate_release(x.rate, held, 0, S);
    assert_true(rate_check(x.rate, RATE_SESSION_KEYS, &f, S, first, &third).passed);
    rate_release(x.rate, more, 0, S);
    rate_release(x.rate, third, 0, S);
    rate_release(x.rate, NULL, 0, S);
    assert_int_equal(rate_stats(x.rate).live, 0);
    arena_free(first);
    close_fixture(&x);
}

static void GW_34_response_mib_is_charged_when_the_answer_has_left(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");

    (void)state;
    open_fixture(
        &x, "rate: [ { name: e, key: [user], rate: 60/m, burst: 4, cost: response_mib } ]\n", 0);
    assert_true(ask(&x, &f, S).passed); /* the first MiB is paid at the door */
    rate_release(x.rate, x.held, 3 << 20, S);
    assert_true(ask(&x, &f, S).passed); /* 3 + 1 */
    rate_release(x.rate, x.held, 1, S);
    struct rate_answer a = ask(&x, &f, S);
    assert_false(a.passed);
    assert_int_equal(a.retry_ns, S);
    assert_true(ask(&x, &f, 2 * S).passed);
    rate_release(x.rate, x.held, 10 << 20, 2 * S); /* 9 more than there are: a debt */
    a = ask(&x, &f, 2 * S);
    assert_false(a.passed);
    assert_int_equal(a.retry_ns, 10 * S);
    assert_false(ask(&x, &f, 12 * S - 1).passed);
    assert_true(ask(&x, &f, 12 * S).passed);
    rate_release(x.rate, x.held, (1 << 20) + 1, 12 * S); /* a begun MiB counts */
    assert_int_equal(ask(&x, &f, 12 * S).retry_ns, 2 * S);
    close_fixture(&x);
}

static void GW_32_a_full_table_shares_one_bucket_and_says_so(void **state)
{
    struct fixture x;
    char name[16];
    size_t passed = 0;

    (void)state;
    open_fixture(&x, "rate: [ { name: a, key: [user], rate: 1/h, burst: 1 } ]\n", 64);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "u%d", i);
        struct rate_facts f = user(name);
        passed += ask(&x, &f, S).passed;
    }
    /* Nobody pushed anyone out: at most the table's keys and one in the shared bucket. */
    assert_in_range(passed, 48, 65);
    assert_in_range(rate_stats(x.rate).overflowed, 930, 1000 - 48);
    assert_int_equal(rate_stats(x.rate).live, passed - 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "u%d", i);
        struct rate_facts f = user(name);
        if (ask(&x, &f, S).passed)
            fail_msg("%s got a second one", name);
    }
    /* When their time is over the entries are free again. */
    struct rate_facts f = user("later");
    uint64_t before = rate_stats(x.rate).overflowed;
    assert_true(ask(&x, &f, S + 3601 * S).passed);
    assert_int_equal(rate_stats(x.rate).overflowed, before);
    close_fixture(&x);
}

static void test_token_keys_are_a_pass_of_their_own(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");
    struct rate_held *held = NULL;

    (void)state;
    open_fixture(&x, "rate: [ { name: t, key: [token_client], rate: 1/h } ]\n", 0);
    f.token_client = view_str("cli");
    assert_true(ask(&x, &f, S).passed);
    assert_true(ask(&x, &f, S).passed);
    assert_true(rate_check(x.rate, RATE_TOKEN_KEYS, &f, S, x.arena, &held).passed);
    assert_false(rate_check(x.rate, RATE_TOKEN_KEYS, &f, S, x.arena, &held).passed);
    close_fixture(&x);
}

static void test_rules_hold_for_what_they_match(void **state)
{
    const struct view path[] = {view_str("v1"), view_str("export"), view_str("all")};
    struct fixture x;
    struct rate_facts f = user("ann");

    (void)state;
    open_fixture(&x, "rate: [ { name: e, match: 'GET /v1/export/**', key: [user], rate: 1/h } ]\n",
                 0);
    f.target.segments = path;
    f.target.segment_count = 3;
    assert_true(ask(&x, &f, S).passed);
    assert_false(ask(&x, &f, S).passed);
    f.target.method = GW_POST;
    assert_true(ask(&x, &f, S).passed);
    f.target.method = GW_HEAD;
    assert_false(ask(&x, &f, S).passed);
    f.target.segment_count = 1;
    assert_true(ask(&x, &f, S).passed);
    close_fixture(&x);
}

static void test_a_share_is_a_part_of_pace_and_burst(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");
    size_t passed = 0;

    (void)state;
    open_fixture(&x,
                 "rate:\n - { name: app, key: [app], rate: 100/s, burst: 20 }\n"
                 " - { name: mine, key: [user], rate: 1000/s, burst: 1000 }\n",
                 0);
    assert_true(rate_is_shared(gwconf_rate_at(x.conf, 0)));
    assert_false(rate_is_shared(gwconf_rate_at(x.conf, 1)));
    rate_set_share(x.rate, 0, RATE_WHOLE / 4);
    for (int64_t ms = 0; ms < 10000; ms += 5)
        passed += ask(&x, &f, S + ms * 1000000).passed;
    assert_in_range(passed, 5 + 248, 5 + 251); /* 25/s for 10 s and the burst of 5 */
    assert_int_equal(rate_take_demand(x.rate, 0), 2000);
    assert_int_equal(rate_take_demand(x.rate, 0), 0);
    rate_set_share(x.rate, 0, 0);
    assert_int_equal(rate_share(x.rate, 0), RATE_SHARE_MIN);
    close_fixture(&x);
}

static void test_no_memory_refuses(void **state)
{
    struct fixture x;
    struct rate_facts f = user("ann");
    struct arena_pool small = {.max = ARENA_BLOCK};
    struct arena *a = NULL;
    struct rate_held *held = NULL;

    (void)state;
    open_fixture(&x, "rate: [ { name: a, key: [user], rate: 10/s } ]\n", 0);
    assert_int_equal(arena_new(&small, 64, &a), SP_OK);
    while (arena_take(a, 16) != NULL)
        continue;
    struct rate_answer got = rate_check(x.rate, RATE_SESSION_KEYS, &f, S, a, &held);
    assert_false(got.passed);
    assert_true(got.rule == NULL && got.retry_ns > 0);
    arena_free(a);
    close_fixture(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_30_gcra_agrees_with_a_leaking_bucket_over_10_6_events),
        cmocka_unit_test(test_a_burst_and_then_the_pace),
        cmocka_unit_test(test_a_refused_request_costs_nothing_in_any_rule),
        cmocka_unit_test(test_monitor_refuses_nobody_and_tells),
        cmocka_unit_test(test_each_group_has_its_own_and_all_must_have_room),
        cmocka_unit_test(test_keys_are_told_apart_by_length),
        cmocka_unit_test(test_in_flight_counts_and_gives_back),
        cmocka_unit_test(GW_34_response_mib_is_charged_when_the_answer_has_left),
        cmocka_unit_test(GW_32_a_full_table_shares_one_bucket_and_says_so),
        cmocka_unit_test(test_token_keys_are_a_pass_of_their_own),
        cmocka_unit_test(test_rules_hold_for_what_they_match),
        cmocka_unit_test(test_a_share_is_a_part_of_pace_and_burst),
        cmocka_unit_test(test_no_memory_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
