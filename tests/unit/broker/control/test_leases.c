#include "broker/control/leases.h"
#include "connector/gateway/rate.h"
#include "lib/gateway/config.h"
#include "tests/unit/check.h"

#include <stdlib.h>

enum { WHOLE = API_SHARE_WHOLE, CONNECTORS = 3, SECOND = 1000 };

static const struct sp_id app = {{9}};

static struct sp_id connector_id(size_t i)
{
    return (struct sp_id){{(uint8_t)(i + 1)}};
}

/* Connectors as the leases see them: what they have, and what they are told. */
struct site {
    struct leases *leases;
    int64_t share[LEASE_PEERS_MAX];
    struct lease_word *words;
    size_t count;
    sp_boot_ms now;
};

static void begin(struct site *s)
{
    *s = (struct site){.now = 1000000};
    check_ok(leases_new(s->now, &s->leases));
    s->now += LEASE_SETTLE_MS;
    s->words = calloc(LEASE_PEERS_MAX, sizeof *s->words);
    assert_non_null(s->words);
    for (size_t i = 0; i < LEASE_PEERS_MAX; i++)
        s->share[i] = 250000;
}

static void end(struct site *s)
{
    leases_free(s->leases);
    free(s->words);
}

static int64_t sum(const struct site *s, size_t n)
{
    int64_t all = 0;

    for (size_t i = 0; i < n; i++)
        all += s->share[i];
    return all;
}

/* Words arrive in order; in between the parts never add up to more than before. */
static void report(struct site *s, size_t i, int64_t demand)
{
    struct api_rules m = {.app = app, .count = 1};

    m.rules[0] = (struct api_rule){.name = view_str("all"), .demand = demand, .share = s->share[i]};
    check_ok(leases_report(s->leases, connector_id(i), &m, s->now, s->words, &s->count));
    for (size_t w = 0; w < s->count; w++)
        for (size_t c = 0; c < LEASE_PEERS_MAX; c++)
            if (id_equal(s->words[w].connector, connector_id(c))) {
                assert_int_equal(s->words[w].shares.count, 1);
                s->share[c] = s->words[w].shares.rules[0].share;
            }
}

static void one_alone_has_the_whole(void **state)
{
    struct site s;

    (void)state;
    begin(&s);
    report(&s, 0, 0);
    assert_int_equal(s.share[0], WHOLE);
    report(&s, 0, 5);
    assert_int_equal(s.count, 0); /* nothing new */
    end(&s);
}

static void parts_follow_demand_and_never_exceed_the_whole(void **state)
{
    struct site s;

    (void)state;
    begin(&s);
    report(&s, 0, 100);
    report(&s, 1, 100);
    report(&s, 2, 100);
    check(sum(&s, 3) <= WHOLE);
    for (int second = 0; second < 10; second++, s.now += SECOND) {
        report(&s, 0, 1000);
        check(sum(&s, 3) <= WHOLE);
        report(&s, 1, 0);
        check(sum(&s, 3) <= WHOLE);
        report(&s, 2, 0);
        check(sum(&s, 3) <= WHOLE);
    }
    check(s.share[0] >= WHOLE * 9 / 10);
    check(s.share[1] >= WHOLE / 40 && s.share[2] >= WHOLE / 40); /* who begins is served */
    for (int second = 0; second < 10; second++, s.now += SECOND) {
        report(&s, 0, 0);
        report(&s, 1, 500);
        report(&s, 2, 500);
        check(sum(&s, 3) <= WHOLE);
    }
    check(s.share[1] >= WHOLE * 4 / 10 && s.share[2] >= WHOLE * 4 / 10);
    end(&s);
}

static void who_loses_is_told_before_who_gains(void **state)
{
    struct site s;

    (void)state;
    begin(&s);
    report(&s, 0, 100);
    report(&s, 1, 1000);
    assert_int_equal(s.count, 2);
    check(id_equal(s.words[0].connector, connector_id(0)));
    check(id_equal(s.words[1].connector, connector_id(1)));
    end(&s);
}

static void a_word_that_was_lost_is_said_again(void **state)
{
    struct site s;

    (void)state;
    begin(&s);
    report(&s, 0, 0);
    s.share[0] = 250000; /* the channel broke */
    report(&s, 0, 0);
    assert_int_equal(s.share[0], WHOLE);
    end(&s);
}

static void the_part_of_one_that_is_gone_is_given_away_later(void **state)
{
    struct site s;

    (void)state;
    begin(&s);
    report(&s, 0, 100);
    report(&s, 1, 100);
    s.now += LEASE_GONE_MS - 1;
    report(&s, 0, 100);
    check(s.share[0] < WHOLE * 6 / 10);
    s.now += 1;
    report(&s, 0, 100);
    assert_int_equal(s.share[0], WHOLE);
    end(&s);
}

/* A broker that has just begun does not know who else has a part. */
static void nothing_grows_before_all_had_time_to_report(void **state)
{
    struct site s;

    (void)state;
    begin(&s);
    s.now -= LEASE_SETTLE_MS;
    s.share[0] = 300000;
    s.share[1] = 700000;
    report(&s, 0, 1000);
    assert_int_equal(s.share[0], 300000);
    report(&s, 1, 1);
    check(s.share[0] == 300000 && s.share[1] < 700000);
    s.now += LEASE_SETTLE_MS;
    report(&s, 0, 1000);
    check(s.share[0] > 800000 && sum(&s, 2) <= WHOLE);
    end(&s);
}

static void an_app_has_so_many_connectors_and_no_more(void **state)
{
    struct site s;
    struct api_rules m = {.app = app, .count = 1};

    (void)state;
    begin(&s);
    for (size_t i = 0; i < LEASE_PEERS_MAX; i++)
        report(&s, i, 1);
    check(sum(&s, LEASE_PEERS_MAX) <= WHOLE);
    m.rules[0] = (struct api_rule){.name = view_str("all"), .share = 1};
    assert_int_equal(leases_report(s.leases, (struct sp_id){{99}}, &m, s.now, s.words, &s.count),
                     SP_ERR_LIMIT);
    end(&s);
}

/* ---- GW-33: with the limits themselves ---- */

struct member {
    struct rate *rate;
    int64_t allowed;
};

static int64_t ask(struct member *m, const struct rate_facts *f, int64_t n, int64_t from_ns)
{
    struct arena_pool pool = {.max = 1 << 20};
    int64_t passed = 0;

    for (int64_t i = 0; i < n; i++) {
        struct rate_held *held = NULL;
        struct arena *a;
        check_ok(arena_new(&pool, 1 << 20, &a));
        passed += rate_check(m->rate, RATE_SESSION_KEYS, f, from_ns + i * 1000000000 / n, a, &held)
                      .passed;
        arena_free(a);
    }
    return passed;
}

static void GW_33_three_connectors_keep_one_limit(void **state)
{
    enum { LIMIT = 100, SECONDS = 60, WINDOW = 10 };
    static const int64_t load[][CONNECTORS] = {{300, 5, 5}, {5, 300, 5}};
    struct rate_facts f = {.operation = view_str("/x")};
    struct member members[CONNECTORS] = {0};
    int64_t passed[SECONDS] = {0};
    struct gwconf *conf;
    struct site s;

    (void)state;
    check_ok(gwconf_parse(view_str("rate: [{name: all, key: [app], rate: 100/s, burst: 20}]\n"),
                          NULL, &conf));
    const struct rate_options o = {.conf = conf};
    begin(&s);
    for (size_t i = 0; i < CONNECTORS; i++) {
        check_ok(rate_new(&o, &members[i].rate));
        rate_set_share(members[i].rate, 0, s.share[i]);
        report(&s, i, 0);
    }
    for (int t = 0; t < SECONDS; t++, s.now += SECOND) {
        bool broker = t < 40; /* then it is killed: the last parts stay */
        const int64_t *now = load[t < 20 ? 0 : 1];
        for (size_t i = 0; i < CONNECTORS; i++) {
            rate_set_share(members[i].rate, 0, s.share[i]);
            passed[t] += ask(&members[i], &f, now[i], (int64_t)t * 1000000000);
        }
        for (size_t i = 0; broker && i < CONNECTORS; i++)
            report(&s, i, rate_take_demand(members[i].rate, 0));
    }
    for (int t = 2; t + WINDOW <= SECONDS; t++) {
        int64_t window = 0;
        for (int k = t; k < t + WINDOW; k++)
            window += passed[k];
        if (window > LIMIT * WINDOW * 11 / 10 || window < LIMIT * WINDOW * 8 / 10)
            fail_msg("second %d: %lld of %d", t, (long long)window, LIMIT * WINDOW);
    }
    for (size_t i = 0; i < CONNECTORS; i++)
        rate_free(members[i].rate);
    gwconf_free(conf);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone_has_the_whole),
        cmocka_unit_test(parts_follow_demand_and_never_exceed_the_whole),
        cmocka_unit_test(who_loses_is_told_before_who_gains),
        cmocka_unit_test(a_word_that_was_lost_is_said_again),
        cmocka_unit_test(the_part_of_one_that_is_gone_is_given_away_later),
        cmocka_unit_test(nothing_grows_before_all_had_time_to_report),
        cmocka_unit_test(an_app_has_so_many_connectors_and_no_more),
        cmocka_unit_test(GW_33_three_connectors_keep_one_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
