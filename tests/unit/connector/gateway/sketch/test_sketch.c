#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "connector/gateway/sketch/cuckoo.h"
#include "connector/gateway/sketch/ewma.h"
#include "connector/gateway/sketch/hll.h"
#include "connector/gateway/sketch/loghist.h"
#include "connector/gateway/sketch/slots.h"

/* splitmix64: repeatable values that look like hashes. */
static uint64_t mix(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15u;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static void assert_near(double got, double want, double share)
{
    if (fabs(got - want) > share * want)
        fail_msg("got %.1f, wanted %.1f within %.1f %%", got, want, 100 * share);
}

/* The standard error is 1.04/sqrt(m); over 200 independent sketches its measured value may exceed
 * that by a fifth, and the mean may be off by 2 %. */
static void hll_has_the_error_of_its_registers(void **state)
{
    static const size_t sizes[] = {HLL_SMALL, HLL_LARGE};
    static const uint64_t counts[] = {50, 400, 3000, 100000};

    (void)state;
    for (size_t s = 0; s < 2; s++)
        for (size_t c = 0; c < 4; c++) {
            double sum = 0, squares = 0, n = (double)counts[c];
            for (uint64_t run = 0; run < 200; run++) {
                uint8_t registers[HLL_LARGE] = {0};
                for (uint64_t i = 0; i < counts[c]; i++)
                    hll_add(registers, sizes[s], mix(run << 32 | i));
                double got = (double)hll_count(registers, sizes[s]);
                sum += got;
                squares += (got - n) * (got - n);
            }
            assert_near(sum / 200, n, 0.025);
            assert_true(sqrt(squares / 200) / n < 1.2 * 1.04 / sqrt((double)sizes[s]));
        }
}

static void registers_that_lie_give_a_wrong_count_and_nothing_worse(void **state)
{
    uint8_t registers[HLL_SMALL];

    (void)state;
    memset(registers, 0xff, sizeof registers);
    assert_true(hll_count(registers, HLL_SMALL) == INT64_MAX);
}

static void merging_hlls_is_as_if_all_had_been_added_to_one(void **state)
{
    uint8_t a[HLL_LARGE] = {0}, b[HLL_LARGE] = {0}, both[HLL_LARGE] = {0};

    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        hll_add(i % 3 == 0 ? a : b, HLL_LARGE, mix(i));
        hll_add(both, HLL_LARGE, mix(i));
    }
    hll_merge(a, b, HLL_LARGE);
    assert_memory_equal(a, both, sizeof a);
}

static void distinct_is_exact_to_32_and_near_above(void **state)
{
    struct distinct d = {0};

    (void)state;
    for (uint64_t i = 0; i < DISTINCT_EXACT; i++) {
        assert_true(distinct_add(&d, mix(i)));
        assert_false(distinct_add(&d, mix(i / 2)));
        assert_int_equal(distinct_count(&d), i + 1);
    }
    for (uint64_t i = 0; i < 1000; i++)
        distinct_add(&d, mix(i));
    assert_near((double)distinct_count(&d), 1000, 0.4);
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(distinct_add(&d, mix(i)));
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void loghist_quantiles_are_within_9_percent_of_the_exact_ones(void **state)
{
    static const double quantiles[] = {0.01, 0.5, 0.9, 0.95, 0.99, 1.0};
    enum { N = 20000 };
    uint64_t *values = calloc(N, sizeof *values);
    struct loghist h = {0};

    (void)state;
    assert_non_null(values);
    for (uint64_t i = 0; i < N; i++) {
        values[i] = mix(i) >> (24 + mix(i + N) % 38);
        loghist_add(&h, values[i]);
    }
    qsort(values, N, sizeof *values, ascending);
    for (size_t q = 0; q < 6; q++) {
        size_t at = (size_t)ceil(quantiles[q] * (double)N) - 1;
        assert_near((double)loghist_quantile(&h, quantiles[q]), (double)values[at], 0.09);
    }
    assert_int_equal(loghist_total(&h), N);
    free(values);
}

static void loghist_takes_every_value_and_merges_exactly(void **state)
{
    struct loghist a = {0}, b = {0}, both = {0};

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        loghist_add(bit % 2 ? &a : &b, (uint64_t)1 << bit);
        loghist_add(&both, (uint64_t)1 << bit);
    }
    loghist_add(&a, UINT64_MAX);
    loghist_add(&both, UINT64_MAX);
    loghist_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof a);
    assert_true(loghist_quantile(&both, 1.0) >= (uint64_t)1 << 41);
    for (uint64_t v = 0; v < 8; v++) {
        struct loghist one = {0};
        loghist_add(&one, v);
        assert_int_equal(loghist_quantile(&one, 0.5), v);
    }
    loghist_decay(&both);
    a.counts[3] = UINT32_MAX;
    loghist_add(&a, 3);
    assert_int_equal(a.counts[3], UINT32_MAX);
}

static void median_and_mad_are_those_of_the_logarithms(void **state)
{
    static const uint64_t values[] = {1, 1, 3, 3, 3, 7, 7, 0, 3};
    struct loghist h = {0};

    (void)state;
    struct loghist_spread none = loghist_spread(&h);
    assert_true(none.median == 0 && none.mad == 0);
    for (size_t i = 0; i < 9; i++)
        loghist_add(&h, values[i]);
    /* log2(1+v): 0 1 1 2 2 2 2 3 3; median 2; deviations 0 0 0 0 1 1 1 1 2: the fifth is 1. */
    struct loghist_spread s = loghist_spread(&h);
    assert_true(fabs(s.median - 2) < 1e-9);
    assert_true(fabs(s.mad - 1) < 1e-9);
}

static void cuckoo_remembers_the_first_user_and_who_shares(void **state)
{
    struct cuckoo *c = NULL;
    uint32_t wrong = 0;

    (void)state;
    assert_int_equal(cuckoo_new(CUCKOO_OBJECTS + 1, &c), SP_ERR_LIMIT);
    assert_int_equal(cuckoo_new(100000, &c), SP_OK);
    for (uint64_t i = 0; i < 50000; i++)
        wrong += cuckoo_use(c, mix(i), (uint16_t)(i % 500)).known;
    /* One in 2,048 looks known though it is new. */
    assert_true(wrong < 60);
    for (uint64_t i = 0; i < 50000; i++) {
        struct cuckoo_use u = cuckoo_look(c, mix(i));
        assert_true(u.known);
        wrong += u.first_user != i % 500 || u.shared;
    }
    assert_true(wrong < 120);
    struct cuckoo_use second = cuckoo_use(c, mix(7), 499);
    assert_true(second.known && second.first_user == 7 && second.shared);
    assert_true(cuckoo_use(c, mix(7), 7).shared);
    cuckoo_free(c);
}

static void cuckoo_forgets_the_oldest_generation_only(void **state)
{
    struct cuckoo *c = NULL;
    uint32_t kept = 0;

    (void)state;
    assert_int_equal(cuckoo_new(4096, &c), SP_OK);
    for (uint64_t i = 0; i < 100000; i++)
        cuckoo_use(c, mix(i), 1);
    assert_true(cuckoo_len(c) <= 4096);
    for (uint64_t i = 100000 - 1500; i < 100000; i++)
        kept += cuckoo_look(c, mix(i)).known;
    assert_true(kept >= 1499);
    cuckoo_free(c);
}

static void cuckoo_state_comes_back_and_any_bytes_are_safe(void **state)
{
    struct cuckoo *a = NULL, *b = NULL;

    (void)state;
    assert_int_equal(cuckoo_new(4096, &a), SP_OK);
    assert_int_equal(cuckoo_new(4096, &b), SP_OK);
    for (uint64_t i = 0; i < 1000; i++)
        cuckoo_use(a, mix(i), (uint16_t)i);
    assert_int_equal(cuckoo_load(b, cuckoo_bytes(a)), SP_OK);
    assert_int_equal(cuckoo_len(b), cuckoo_len(a));
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(cuckoo_look(b, mix(i)).first_user, cuckoo_look(a, mix(i)).first_user);

    struct view bytes = cuckoo_bytes(a);
    assert_int_equal(cuckoo_load(b, view_slice(bytes, 0, bytes.len - 1)), SP_ERR_MALFORMED);
    uint8_t *noise = malloc(bytes.len);
    assert_non_null(noise);
    for (size_t i = 0; i < bytes.len; i++)
        noise[i] = (uint8_t)mix(i);
    assert_int_equal(cuckoo_load(b, (struct view){noise, bytes.len}), SP_OK);
    for (uint64_t i = 0; i < 5000; i++)
        cuckoo_use(b, mix(i), (uint16_t)i);
    free(noise);
    cuckoo_free(a);
    cuckoo_free(b);
}

static void ewma_follows_and_says_how_far_a_value_is(void **state)
{
    struct ewma e = {0};

    (void)state;
    assert_true(ewma_z(&e, 1000, 0.5) == 0);
    for (int i = 0; i < 100; i++)
        ewma_add(&e, i % 2 ? 900 : 1100);
    assert_near(ewma_mean(&e), 995, 0.02);
    assert_true(ewma_z(&e, 1000, 0.01) < 2);
    assert_true(ewma_z(&e, 100, 0.01) == 0);
    /* 64 times as much is six doublings; with a least deviation of 0.5 that is z 12. */
    assert_near(ewma_z(&e, 64 * 996, 0.5), 12, 0.02);
    struct ewma noise;
    memset(&noise, 0xff, sizeof noise); /* NaN */
    assert_false(ewma_z(&noise, 5, 0.5) > 0);
}

/* Two halves of the same values, seen apart, say what one says that saw them all. */
static void ewma_of_two_halves_is_nearly_that_of_the_whole(void **state)
{
    struct ewma whole = {0}, a = {0}, b = {0}, few = {0}, empty = {0};

    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t value = 500 + mix(i) % 1000;
        ewma_add(&whole, value);
        ewma_add(i % 2 ? &a : &b, value);
    }
    ewma_merge(&a, &b);
    assert_int_equal(a.count, 400);
    assert_near(ewma_mean(&a), ewma_mean(&whole), 0.15);
    assert_true(a.deviation > 0.5f * whole.deviation && a.deviation < 2 * whole.deviation);
    struct ewma before = a;
    ewma_merge(&a, &empty);
    assert_memory_equal(&a, &before, sizeof a);
    ewma_merge(&empty, &a); /* nothing was seen before: it is what the other one saw */
    assert_true(fabsf(empty.mean - a.mean) < 0.001f && empty.count == a.count);
    ewma_add(&few, 1 << 20); /* one value more moves it by a tenth, and makes it wider */
    ewma_merge(&empty, &few);
    assert_true(empty.mean > a.mean && empty.mean < a.mean + 1.2f);
    assert_true(empty.deviation > a.deviation);
    empty.count = UINT32_MAX;
    ewma_merge(&empty, &a);
    assert_int_equal(empty.count, UINT32_MAX);
}

static void slots_keep_what_was_used_last(void **state)
{
    struct slots *s = NULL;
    bool fresh;
    uint32_t kept = 0;

    (void)state;
    assert_int_equal(slots_new(65537, 8, &s), SP_ERR_LIMIT);
    assert_int_equal(slots_new(8, 0, &s), SP_ERR_LIMIT);
    assert_int_equal(slots_new(1000, 12, &s), SP_OK);
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t *n = slots_take(s, mix(i), (sp_unix_ms)i, &fresh);
        assert_true(fresh);
        assert_int_equal(*n, 0);
        *n = i;
    }
    assert_int_equal(slots_len(s), 1024);
    assert_int_equal(slots_pushed_out(s), 5000 - 1024);
    for (uint64_t i = 4500; i < 5000; i++) {
        uint64_t *n = slots_find(s, mix(i));
        kept += n != NULL && *n == i;
    }
    assert_true(kept > 450);
    slots_drop(s, mix(4999));
    assert_null(slots_find(s, mix(4999)));
    assert_int_equal(slots_len(s), 1023);

    size_t walked = 0, at = 0;
    while (slots_next(s, &at, NULL) != NULL)
        walked++;
    assert_int_equal(walked, 1023);

    struct slots *copy = NULL;
    assert_int_equal(slots_new(1000, 12, &copy), SP_OK);
    assert_int_equal(slots_load(copy, slots_state(s)), SP_OK);
    assert_int_equal(slots_len(copy), 1023);
    assert_int_equal(slots_load(copy, view_str("x")), SP_ERR_MALFORMED);
    struct view held = slots_state(s);
    uint8_t *moved = malloc(held.len);
    assert_non_null(moved);
    memcpy(moved, held.at, held.len);
    memset(moved, 0xff, 8); /* a key that belongs into the last set lies in the first */
    assert_int_equal(slots_load(copy, (struct view){moved, held.len}), SP_OK);
    assert_int_equal(slots_len(copy), 1022);
    free(moved);
    assert_non_null(slots_take(copy, 0, 1, &fresh));
    assert_false((slots_take(copy, 1, 1, &fresh), fresh));
    slots_free(copy);
    slots_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hll_has_the_error_of_its_registers),
        cmocka_unit_test(registers_that_lie_give_a_wrong_count_and_nothing_worse),
        cmocka_unit_test(merging_hlls_is_as_if_all_had_been_added_to_one),
        cmocka_unit_test(distinct_is_exact_to_32_and_near_above),
        cmocka_unit_test(loghist_quantiles_are_within_9_percent_of_the_exact_ones),
        cmocka_unit_test(loghist_takes_every_value_and_merges_exactly),
        cmocka_unit_test(median_and_mad_are_those_of_the_logarithms),
        cmocka_unit_test(cuckoo_remembers_the_first_user_and_who_shares),
        cmocka_unit_test(cuckoo_forgets_the_oldest_generation_only),
        cmocka_unit_test(cuckoo_state_comes_back_and_any_bytes_are_safe),
        cmocka_unit_test(ewma_follows_and_says_how_far_a_value_is),
        cmocka_unit_test(ewma_of_two_halves_is_nearly_that_of_the_whole),
        cmocka_unit_test(slots_keep_what_was_used_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
