/* What handlers read from a request: times, ids, texts, versions, pages and their cursors. */
#include "broker/api/call.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

static struct request req;
static struct api_call call;

static int begin(void **state)
{
    (void)state;
    req = (struct request){0};
    call = (struct api_call){.req = &req};
    return 0;
}

static void ask(const char *query)
{
    begin(NULL);
    req.query = view_str(query);
}

static void a_time_is_rfc_3339_and_a_day_of_the_calendar(void **state)
{
    static const struct {
        const char *text;
        sp_unix_ms at; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.789Z", 789},
        {"1970-01-01T00:00:00.7899999Z", 789},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:00:00-05:30", 19800000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second is the next one */
        {"2026-02-29T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-01-00T00:00:00Z", -1},
        {"2026-01-01T24:00:00Z", -1},
        {"2026-01-01T00:60:00Z", -1},
        {"2026-01-01T00:00:61Z", -1},
        {"2026-01-01T00:00:00", -1},
        {"2026-01-01T00:00:00z", -1},
        {"2026-01-01 00:00:00Z", -1},
        {"2026-01-01T00:00:00+24:00", -1},
        {"2026-01-01T00:00:00+01:60", -1},
        {"2026-01-01T00:00:00+0100", -1},
        {"2026-01-01T00:00:00Z ", -1},
        {"2026-1-1T00:00:00Z", -1},
        {"+026-01-01T00:00:00Z", -1},
        {"2026-01-01", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sp_unix_ms at = -1;
        sp_error e = clock_parse(view_str(rows[i].text), &at);

        if ((e == SP_OK) != (rows[i].at >= 0) || at != rows[i].at)
            fail_msg("%s: %d, %lld", rows[i].text, e, (long long)at);
    }
}

static void a_parameter_is_there_once_whole_and_short_enough_or_the_answer_names_it(void **state)
{
    static const struct {
        const char *query, *value; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"other=1", ""},
        {"name=", ""},
        {"name=a%20b", "a b"},
        {"name=1234567", "1234567"},
        {"name=12345678", NULL},
        {"name=a&name=b", NULL},
        {"name=%0", NULL},
        {"name=a%00b", NULL},
    };
    char text[8];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ask(rows[i].query);
        sp_error e = call_text(&call, "name", text, sizeof text);
        if (e != (rows[i].value != NULL ? SP_OK : SP_ERR_INVALID))
            fail_msg("%s: %d", rows[i].query, e);
        assert_string_equal(text, rows[i].value != NULL ? rows[i].value : "");
        if (e != SP_OK)
            assert_non_null(strstr(call.why.text, "name"));
    }
}

static void an_id_that_is_none_is_refused_and_an_absent_one_is_zero(void **state)
{
    struct sp_id id = {{9}};

    (void)state;
    ask("");
    check_ok(call_id(&call, "user", &id));
    check(id_is_zero(id));
    ask("user=AQAAAAAAAAAAAAAAAAAAAA");
    check_ok(call_id(&call, "user", &id));
    check(id_equal(id, (struct sp_id){{1}}));
    ask("user=AQAAAAAAAAAAAAAAAAAAA");
    assert_int_equal(call_id(&call, "user", &id), SP_ERR_INVALID);
    ask("user=AQAAAAAAAAAAAAAAAAAAAB"); /* bits behind the last one */
    assert_int_equal(call_id(&call, "user", &id), SP_ERR_INVALID);
}

static void a_change_says_which_version_it_changes(void **state)
{
    static const struct {
        const char *tag;
        sp_error e;
        uint64_t version;
    } rows[] = {
        {"\"3\"", SP_OK, 3},
        {"\"9223372036854775807\"", SP_OK, INT64_MAX},
        {"3", SP_ERR_CONFLICT, 0},
        {"\"\"", SP_ERR_CONFLICT, 0},
        {"*", SP_ERR_CONFLICT, 0},
        {"W/\"3\"", SP_ERR_CONFLICT, 0},
        {"\"-3\"", SP_ERR_CONFLICT, 0},
        {"\"9223372036854775808\"", SP_ERR_CONFLICT, 0},
    };
    struct http_header header = {.name = view_str("if-match")};
    uint64_t version = 0;

    (void)state;
    assert_int_equal(call_if_match(&call, &version), SP_ERR_INVALID);
    assert_int_equal(call.problem.status, 428);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(NULL);
        header.value = view_str(rows[i].tag);
        req.headers = &header;
        req.header_count = 1;
        version = 0;
        assert_int_equal(call_if_match(&call, &version), rows[i].e);
        assert_int_equal(version, rows[i].version);
    }
}

static void a_page_has_one_to_200_items(void **state)
{
    static const struct {
        const char *query;
        size_t limit; /* 0: refused */
    } rows[] = {{"", 50},         {"limit=1", 1},  {"limit=200", 200}, {"limit=0", 0},
                {"limit=201", 0}, {"limit=-1", 0}, {"limit=ten", 0},   {"limit=1&limit=2", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct page p;

        ask(rows[i].query);
        assert_int_equal(listing_begin(&call, &p), rows[i].limit > 0 ? SP_OK : SP_ERR_INVALID);
        if (rows[i].limit > 0)
            assert_int_equal(p.limit, rows[i].limit);
        listing_drop(&p);
    }
}

/* Pages of a list of 0..24 put together: each item once, in order, and the last says so. */
static void pages_follow_each_other_without_a_gap(void **state)
{
    char query[64] = "limit=10", key[8];
    int seen = 0, pages = 0;

    (void)state;
    for (bool more = true; more; pages++) {
        struct page p;

        ask(query);
        check_ok(listing_begin(&call, &p));
        for (int i = 0; i < 25; i++) {
            snprintf(key, sizeof key, "%02d", i);
            if (listing_wants(&p, key)) {
                assert_int_equal(i, seen++);
                listing_push(&p, json_new_null());
            }
        }
        struct json *o = listing_object(&p);
        const char *next = json_cstr(json_get(o, "next"));
        more = next != NULL;
        snprintf(query, sizeof query, "limit=10&after=%s", more ? next : "");
        assert_int_equal(p.total, 25);
        json_free(o);
    }
    assert_int_equal(seen, 25);
    assert_int_equal(pages, 3);
}

static void a_cursor_that_is_not_ours_is_refused(void **state)
{
    static const char *const bad[] = {"x", "12", "12x.y", "-1.y", ".y", "9223372036854775808.y"};
    sp_unix_ms at = 7;
    const char *rest;

    (void)state;
    check_ok(call_cursor(&call, "", &at, &rest));
    assert_int_equal(at, 0);
    check_ok(call_cursor(&call, "1700000000000.a.b", &at, &rest));
    assert_int_equal(at, 1700000000000);
    assert_string_equal(rest, "a.b");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(call_cursor(&call, bad[i], &at, &rest), SP_ERR_INVALID);
    assert_non_null(strstr(call.why.text, "after"));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        CASE(a_time_is_rfc_3339_and_a_day_of_the_calendar),
        CASE(a_parameter_is_there_once_whole_and_short_enough_or_the_answer_names_it),
        CASE(an_id_that_is_none_is_refused_and_an_absent_one_is_zero),
        CASE(a_change_says_which_version_it_changes),
        CASE(a_page_has_one_to_200_items),
        CASE(pages_follow_each_other_without_a_gap),
        CASE(a_cursor_that_is_not_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
