/* What connectors say of themselves is counted, bounded and in words that a metric may carry. */
#include "broker/control/tally.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sp_id wiki = {{1}}, one = {{11}}, two = {{12}};

static struct tally *tally;
static struct api_report *report;

static int begin(void **state)
{
    (void)state;
    tally = calloc(1, sizeof *tally);
    report = calloc(1, sizeof *report);
    assert_true(tally != NULL && report != NULL);
    tally_init(tally);
    report->app = wiki;
    return 0;
}

static int end(void **state)
{
    (void)state;
    tally_deinit(tally);
    free(tally);
    free(report);
    return 0;
}

static void hit(const char *reason, int64_t blocked, int64_t monitor)
{
    report->hit_count = 1;
    report->hits[0] =
        (struct api_hit){.reason = view_str(reason), .blocked = blocked, .monitor = monitor};
    tally_add(tally, one, report);
}

static struct tally_app *app_at(size_t at)
{
    static struct tally_app app;

    check(tally_next(tally, at, &app));
    return &app;
}

static const struct tally_reason *reason(const char *word)
{
    struct tally_app *a = app_at(0);

    for (size_t i = 0; i < a->reason_count; i++)
        if (strcmp(a->reasons[i].word, word) == 0)
            return &a->reasons[i];
    return NULL;
}

static void reports_of_all_connectors_add_up_by_app(void **state)
{
    (void)state;
    report->coverage_count = 1;
    report->coverage[0] = (struct api_coverage){.read = 5,
                                                .read_bytes = 500,
                                                .unasked = 1,
                                                .broken = 2,
                                                .classes = {0, 7, 0, 2, 1},
                                                .class_count = API_CLASSES,
                                                .own_us = 90,
                                                .own = {3, 1},
                                                .own_count = 2};
    tally_add(tally, one, report);
    tally_add(tally, two, report);
    struct tally_app *a = app_at(0);
    check(id_equal(a->app, wiki));
    assert_int_equal(a->requests[1], 14);
    assert_int_equal(a->requests[3], 4);
    assert_int_equal(a->requests[0], 0);
    assert_int_equal(a->read, 10);
    assert_int_equal(a->read_bytes, 1000);
    assert_int_equal(a->unread[0], 2); /* not_asked */
    assert_int_equal(a->unread[5], 4); /* broken */
    assert_int_equal(a->own.us, 180);
    assert_int_equal(a->own.buckets[0], 6);
    assert_int_equal(a->own.buckets[1], 2);
    assert_int_equal(a->upstream.us, 0);
    struct tally_app none;
    check(!tally_next(tally, 1, &none));
}

static void a_word_that_is_none_of_ours_is_counted_as_other(void **state)
{
    static const char *const bad[] = {"",          "With Space", "quote\"",
                                      "new\nline", "sql1",       "a_word_of_thirty_two_characters_",
                                      "\xc3\xa4"};

    (void)state;
    hit("body_type", 2, 1);
    hit("body_type", 1, 0);
    hit("a_word_of_thirty_one_characters", 1, 0);
    assert_int_equal(reason("body_type")->blocked, 3);
    assert_int_equal(reason("body_type")->monitor, 1);
    assert_int_equal(reason("a_word_of_thirty_one_characters")->blocked, 1);
    check(reason("other") == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        hit(bad[i], 1, 0);
    assert_int_equal(reason("other")->blocked, sizeof bad / sizeof *bad);
    assert_int_equal(app_at(0)->reason_count, 3);
}

static void however_many_words_come_the_last_place_is_for_the_rest(void **state)
{
    char word[8] = "word_";

    (void)state;
    for (int i = 0; i < 3 * TALLY_REASONS; i++) {
        word[5] = (char)('a' + i / 26);
        word[6] = (char)('a' + i % 26);
        hit(word, 1, 0);
    }
    assert_int_equal(app_at(0)->reason_count, TALLY_REASONS);
    assert_int_equal(reason("other")->blocked, 3 * TALLY_REASONS - (TALLY_REASONS - 1));
    assert_int_equal(reason("word_aa")->blocked, 1);
    hit("word_aa", 1, 0); /* who has a place keeps it */
    assert_int_equal(reason("word_aa")->blocked, 2);
}

static void apps_beyond_the_limit_are_not_counted_and_take_nobody_s_place(void **state)
{
    (void)state;
    report->coverage_count = 1;
    report->coverage[0] = (struct api_coverage){.read = 1};
    for (int i = 0; i < TALLY_APPS + 5; i++) {
        report->app = (struct sp_id){{(uint8_t)(i + 1), 7}};
        tally_add(tally, one, report);
    }
    assert_int_equal(tally->count, TALLY_APPS);
    for (size_t i = 0; i < TALLY_APPS; i++)
        assert_int_equal(app_at(i)->read, 1);
}

static void what_a_connector_holds_now_replaces_what_it_held(void **state)
{
    (void)state;
    report->gauge_count = 1;
    report->gauges[0].inventory = 100;
    tally_add(tally, one, report);
    report->gauges[0].inventory = 70;
    tally_add(tally, two, report);
    report->gauges[0].inventory = 40;
    tally_add(tally, one, report);
    report->gauge_count = 0; /* says nothing of them: what it said stands */
    tally_add(tally, one, report);
    struct tally_app *a = app_at(0);
    assert_int_equal(a->held_count, 2);
    check(id_equal(a->held[0].connector, one) && id_equal(a->held[1].connector, two));
    assert_int_equal(a->held[0].gauges.inventory, 40);
    assert_int_equal(a->held[1].gauges.inventory, 70);
    report->gauge_count = 1;
    for (int i = 0; i < TALLY_CONNECTORS + 3; i++)
        tally_add(tally, (struct sp_id){{(uint8_t)(i + 100)}}, report);
    assert_int_equal(app_at(0)->held_count, TALLY_CONNECTORS);
}

static void spools_are_as_each_connector_said_last_and_bounded(void **state)
{
    struct tally_spool said = {.connector = one, .waiting = 5, .oldest = 77}, got;

    (void)state;
    check(!tally_next_spool(tally, 0, &got));
    tally_spool(tally, &said);
    said.waiting = 0;
    said.dropped = 2;
    said.oldest = 0;
    tally_spool(tally, &said);
    check(tally_next_spool(tally, 0, &got) && !tally_next_spool(tally, 1, &got));
    check(got.waiting == 0 && got.dropped == 2 && got.oldest == 0);
    for (int i = 0; i < TALLY_SPOOLS + 10; i++) {
        said =
            (struct tally_spool){.connector = {{2, (uint8_t)i, (uint8_t)(i >> 8)}}, .waiting = i};
        tally_spool(tally, &said);
    }
    assert_int_equal(tally->spool_count, TALLY_SPOOLS);
    said = (struct tally_spool){.connector = one, .waiting = 9}; /* known ones are still heard */
    tally_spool(tally, &said);
    check(tally_next_spool(tally, 0, &got) && got.waiting == 9);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(reports_of_all_connectors_add_up_by_app),
        CASE(a_word_that_is_none_of_ours_is_counted_as_other),
        CASE(however_many_words_come_the_last_place_is_for_the_rest),
        CASE(apps_beyond_the_limit_are_not_counted_and_take_nobody_s_place),
        CASE(what_a_connector_holds_now_replaces_what_it_held),
        CASE(spools_are_as_each_connector_said_last_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
