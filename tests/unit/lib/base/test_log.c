#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct lines {
    size_t count;
    char last[LOG_LINE_MAX + 256];
};

static void keep(void *arg, const char *text)
{
    struct lines *l = arg;

    l->count++;
    snprintf(l->last, sizeof l->last, "%s", text);
}

/* Each line must be one JSON object. */
static struct json *parsed(const struct lines *l)
{
    struct json *j = NULL;

    if (json_parse(view_str(l->last), sizeof l->last, NULL, &j) != SP_OK)
        fail_msg("not JSON: %s", l->last);
    return j;
}

static struct lines lines;

static int capture(void **state)
{
    (void)state;
    lines = (struct lines){0};
    clock_set_for_test(1795579506789, 1000000);
    log_setup("test", LOG_INFO);
    log_capture(keep, &lines);
    return 0;
}

static void test_a_line_is_an_object(void **state)
{
    (void)state;
    log_event(LOG_WARN, "relay.refuse", "spent", "relay", "r\"1\033[2J\xff", "none", NULL, NULL);
    assert_string_equal(
        lines.last, "{\"t\":\"2026-11-25T04:05:06.789Z\",\"level\":\"warn\",\"program\":\"test\","
                    "\"event\":\"relay.refuse\",\"text\":\"spent\","
                    "\"relay\":\"r\\\"1\\\\x1b[2J\\\\xff\",\"none\":null}");
    log_event(LOG_DEBUG, "relay.refuse", "spent", NULL);
    assert_int_equal(lines.count, 1);
}

static void test_secrets_are_redacted(void **state)
{
    static const struct {
        const char *name, *value;
        bool redacted;
    } cases[] = {
        {"password", "x", true},      {"client_secret", "x", true},
        {"Cookie", "x", true},        {"set-cookie", "x", true},
        {"access_token", "x", true},  {"token", "x", true},
        {"authorization", "x", true}, {"totp_code", "x", true},
        {"code", "x", true},          {"grant", "x", true},
        {"ticket", "x", true},        {"seed", "x", true},
        {"password_hash", "x", true}, {"url", "https://b/#spe_abc", true},
        {"v", "v4.public.abc", true}, {"v", "v4.local.abc", true},
        {"v", "spt_abc", true},       {"v", "Bearer eyJhbGciOi", true},
        {"grant_id", "x", false},     {"exit_code", "5", false},
        {"error_code", "5", false},   {"key", "ed25519:abc", false},
        {"v", "respe_ct", false},     {"codec", "x", false},
        {"tokens", "5", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capture(NULL);
        clock_set_for_test(1, 1000000 + (int64_t)i * 2000);
        log_event(LOG_INFO, "e", "t", cases[i].name, cases[i].value, NULL);
        struct json *j = parsed(&lines);
        struct view v = json_str(json_get(j, cases[i].name));
        if (view_is(v, "[redacted]") != cases[i].redacted)
            fail_msg("%s", lines.last);
        json_free(j);
    }
}

static void test_a_flood_is_counted(void **state)
{
    (void)state;
    clock_set_for_test(1, 5000000);
    for (int i = 0; i < LOG_BURST + 7; i++)
        log_event(LOG_INFO, "flood", "t", NULL);
    assert_int_equal(lines.count, LOG_BURST);
    log_event(LOG_WARN, "flood", "t", NULL); /* another level has a count of its own */
    log_event(LOG_INFO, "other", "t", NULL);
    assert_int_equal(lines.count, LOG_BURST + 2);
    clock_set_for_test(1, 5000999);
    log_event(LOG_INFO, "flood", "t", NULL);
    assert_int_equal(lines.count, LOG_BURST + 2);
    clock_set_for_test(1, 5001000);
    log_event(LOG_INFO, "flood", "t", NULL);
    assert_int_equal(lines.count, LOG_BURST + 3);
    assert_non_null(strstr(lines.last, ",\"suppressed\":8}"));
}

static void test_long_values_and_lines_stay_whole(void **state)
{
    char value[3000];

    (void)state;
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_event(LOG_INFO, "long", "t", "a", value, "b", value, "c", value, "d", value, "e", "f",
              NULL);
    struct json *j = parsed(&lines);
    assert_true(lines.count == 1 && strlen(lines.last) <= LOG_LINE_MAX);
    assert_int_equal(json_str(json_get(j, "a")).len, LOG_VALUE_MAX + strlen("…"));
    assert_null(json_get(j, "d"));
    assert_true(json_is_true(json_get(j, "truncated")));
    json_free(j);
}

static int release(void **state)
{
    (void)state;
    log_capture(NULL, NULL);
    clock_set_for_test(-1, -1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_is_an_object, capture, release),
        cmocka_unit_test_setup_teardown(test_secrets_are_redacted, capture, release),
        cmocka_unit_test_setup_teardown(test_a_flood_is_counted, capture, release),
        cmocka_unit_test_setup_teardown(test_long_values_and_lines_stay_whole, capture, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
