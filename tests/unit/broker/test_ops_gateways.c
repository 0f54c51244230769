#include "broker/ops_gateways.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tally tally;

static void of_tally(void *source, each_tally *each, void *arg)
{
    struct tally_app a;

    for (size_t i = 0; tally_next(source, i, &a); i++)
        each(arg, i == 0 ? "ba\"nk" : "other", &a);
}

static void report(struct sp_id connector, const char *reason, int64_t limits)
{
    struct api_report *r = calloc(1, sizeof *r);

    assert_non_null(r);
    r->app = (struct sp_id){{1}};
    r->coverage_count = r->gauge_count = r->hit_count = 1;
    r->coverage[0] = (struct api_coverage){.requests = 3,
                                           .read = 2,
                                           .read_bytes = 70,
                                           .coding = 1,
                                           .classes = {0, 2, 0, 1, 0},
                                           .class_count = API_CLASSES,
                                           .own_us = 45,
                                           .own = {1, 2},
                                           .own_count = API_BUCKETS,
                                           .upstream_us = 12000000,
                                           .upstream = {[API_BUCKETS - 1] = 1},
                                           .upstream_count = API_BUCKETS};
    r->hits[0] = (struct api_hit){.reason = view_str(reason), .blocked = 1, .monitor = 4};
    r->gauges[0] = (struct api_gauges){
        .inventory = 100, .limits = limits, .limits_used = limits, .load_us = 1500000};
    tally_add(&tally, connector, r);
    free(r);
}

static int start(void **state)
{
    (void)state;
    tally_init(&tally);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tally_deinit(&tally);
    memset(&tally, 0, sizeof tally);
    return 0;
}

static void assert_line(const struct buf *b, const char *line)
{
    if (strstr(buf_cstr((struct buf *)b), line) == NULL)
        fail_msg("no line \"%s\" in\n%s", line, buf_cstr((struct buf *)b));
}

static void every_family_has_its_labels(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    report((struct sp_id){{7}}, "owner", 200);
    report((struct sp_id){{8}}, "owner", 250000);
    ops_gateways(&b, of_tally, &tally);
    assert_line(&b, "\nsallyport_gateway_requests_total{app=\"ba_nk\",class=\"2xx\"} 4\n");
    assert_line(&b, "\nsallyport_gateway_requests_total{app=\"ba_nk\",class=\"4xx\"} 2\n");
    assert_line(&b, "\nsallyport_gateway_blocks_total{app=\"ba_nk\",reason=\"owner\"} 2\n");
    assert_line(&b, "\nsallyport_gateway_monitor_hits_total{app=\"ba_nk\",reason=\"owner\"} 8\n");
    assert_line(&b, "\n# TYPE sallyport_gateway_duration_seconds histogram\n");
    assert_line(&b, "_bucket{app=\"ba_nk\",phase=\"own\",le=\"0.000010\"} 2\n");
    assert_line(&b, "_bucket{app=\"ba_nk\",phase=\"own\",le=\"0.000030\"} 6\n");
    assert_line(&b, "_bucket{app=\"ba_nk\",phase=\"own\",le=\"+Inf\"} 6\n");
    assert_line(&b, "_sum{app=\"ba_nk\",phase=\"own\"} 0.000090\n");
    assert_line(&b, "_count{app=\"ba_nk\",phase=\"own\"} 6\n");
    assert_line(&b, "_bucket{app=\"ba_nk\",phase=\"upstream\",le=\"10.000000\"} 0\n");
    assert_line(&b, "_sum{app=\"ba_nk\",phase=\"upstream\"} 24.000000\n");
    assert_line(&b, "\nsallyport_gateway_inspected_bytes_total{app=\"ba_nk\"} 140\n");
    assert_line(&b, "\nsallyport_gateway_not_inspected_total{app=\"ba_nk\",cause=\"coding\"} 2\n");
    assert_line(&b, "\nsallyport_gateway_state_bytes{app=\"ba_nk\",part=\"inventory\"} 200\n");
    assert_line(&b, "\nsallyport_gateway_state_bytes{app=\"ba_nk\",part=\"limits\"} 250200\n");
    assert_line(&b, "\nsallyport_gateway_ratelimit_table_used_ratio{app=\"ba_nk\"} 0.250000\n");
    assert_line(&b, "\nsallyport_gateway_schema_load_seconds{app=\"ba_nk\"} 1.500000\n");
    buf_deinit(&b);
}

static void a_gauge_is_the_last_word_and_a_count_the_sum(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    report((struct sp_id){{7}}, "owner", 900);
    report((struct sp_id){{7}}, "owner", 100);
    ops_gateways(&b, of_tally, &tally);
    assert_line(&b, "\nsallyport_gateway_state_bytes{app=\"ba_nk\",part=\"limits\"} 100\n");
    assert_line(&b, "\nsallyport_gateway_inspected_total{app=\"ba_nk\"} 4\n");
    buf_deinit(&b);
}

/* A connector can't fill the metrics with words of its own, nor break a line. */
static void words_are_few_and_plain(void **state)
{
    struct buf b;
    char word[TALLY_REASON_MAX + 2];

    (void)state;
    for (int i = 0; i < 3 * TALLY_REASONS; i++) {
        snprintf(word, sizeof word, "w%c%c", 'a' + i % 26, 'a' + i / 26);
        report((struct sp_id){{7}}, word, 1);
    }
    report((struct sp_id){{7}}, "x\"} 1\nfake", 1);
    report((struct sp_id){{7}}, "", 1);
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    report((struct sp_id){{7}}, word, 1);
    assert_int_equal(tally.apps[0].reason_count, TALLY_REASONS);
    assert_string_equal(tally.apps[0].reasons[TALLY_REASONS - 1].word, "other");
    assert_int_equal(tally.apps[0].reasons[TALLY_REASONS - 1].blocked, 2 * TALLY_REASONS + 4);
    buf_init(&b, 1 << 20);
    ops_gateways(&b, of_tally, &tally);
    assert_null(strstr(buf_cstr(&b), "fake"));
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_family_has_its_labels, start, stop),
        cmocka_unit_test_setup_teardown(a_gauge_is_the_last_word_and_a_count_the_sum, start, stop),
        cmocka_unit_test_setup_teardown(words_are_few_and_plain, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
