/* Time zones and windows over the nights on which clocks change (C-036). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/window.h"
#include "broker/policy/zone.h"
#include "broker/policy/zone_rule.h"

static const char folder[] = "/usr/share/zoneinfo";

static sp_unix_ms at(int year, int month, int day, int hour, int minute)
{
    return ((civil_day(year, month, day) * 24 + hour) * 60 + minute) * 60000;
}

enum { MON = 1, FRI = 1 << 4, SUN = 1 << 6 };

static const struct {
    const char *zone;
    uint8_t days;
    int from, to; /* hours */
    int when[5];  /* UTC */
    bool inside;
} windows[] = {
    {"Europe/Berlin", FRI, 22, 6, {2026, 11, 28, 2, 0}, true},
    {"Europe/Berlin", FRI, 22, 6, {2026, 11, 28, 5, 30}, false},
    {"Europe/Berlin", FRI, 22, 6, {2026, 11, 27, 21, 0}, true},
    {"Europe/Berlin", FRI, 22, 6, {2026, 11, 27, 20, 59}, false},
    {"Europe/Berlin", FRI, 22, 6, {2026, 11, 28, 21, 30}, false}, /* Saturday night */
    {"America/New_York", SUN, 2, 3, {2026, 3, 8, 7, 15}, false},  /* the hour does not exist */
    {"America/New_York", SUN, 1, 2, {2026, 11, 1, 5, 30}, true},  /* first pass */
    {"America/New_York", SUN, 1, 2, {2026, 11, 1, 6, 30}, true},  /* second pass */
    {"America/New_York", SUN, 1, 2, {2026, 11, 1, 7, 0}, false},
    {"America/New_York", SUN, 2, 5, {2026, 3, 8, 7, 0}, true}, /* starts at the gap's end */
    {"America/New_York", SUN, 2, 5, {2026, 3, 8, 6, 59}, false},
    {"Asia/Kolkata", MON, 9, 17, {2026, 11, 23, 3, 30}, true}, /* 09:00 at +05:30 */
    {"Asia/Kolkata", MON, 9, 17, {2026, 11, 23, 3, 29}, false},
    {"UTC", MON, 9, 24, {2026, 11, 23, 23, 59}, true},
    {"Australia/Lord_Howe", MON, 0, 24, {2040, 11, 25, 13, 30}, true}, /* by the footer's rule */
};

static void C_036_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct zone *z = NULL;
        assert_int_equal(zone_load(folder, windows[i].zone, &z), SP_OK);
        struct time_window w = {.has_window = true,
                                .days = windows[i].days,
                                .from_min = windows[i].from * 60,
                                .to_min = windows[i].to * 60,
                                .zone = z};
        const int *t = windows[i].when;
        bool inside = window_holds(&w, at(t[0], t[1], t[2], t[3], t[4]));
        if (inside != windows[i].inside)
            fail_msg("row %zu: inside %d", i, inside);
        zone_free(z);
    }
}

/* Walks two years in steps of five minutes: no change of a window happens between two edges. */
static void window_next_edge_misses_no_change(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Pacific/Apia",
                                        "Africa/Casablanca", "Asia/Kathmandu"};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        struct zone *z = NULL;
        assert_int_equal(zone_load(folder, zones[i], &z), SP_OK);
        struct time_window w = {
            .has_window = true, .days = FRI | SUN, .from_min = 90, .to_min = 150, .zone = z};
        sp_unix_ms t = at(2026, 1, 1, 0, 0), edge = window_next_edge(&w, t);
        bool inside = window_holds(&w, t);
        for (; t < at(2027, 12, 31, 0, 0); t += 5 * 60000) {
            while (t >= edge) {
                inside = window_holds(&w, edge);
                edge = window_next_edge(&w, edge);
            }
            if (window_holds(&w, t) != inside)
                fail_msg("%s: a change before %s was not announced", zones[i], clock_text(t).s);
        }
        zone_free(z);
    }
}

static void moments_and_local_times_agree(void **state)
{
    (void)state;
    struct zone *z = NULL;
    int64_t day = civil_day(2026, 3, 29), hour = 3600000;

    assert_int_equal(zone_load(folder, "Europe/Berlin", &z), SP_OK);
    for (sp_unix_ms t = at(2026, 1, 1, 0, 0); t < at(2045, 1, 1, 0, 0); t += 37 * hour + 60000) {
        struct local_time l = zone_local(z, t);
        sp_unix_ms first = zone_moment(z, l.day, l.ms), last = zone_moment_last(z, l.day, l.ms);
        assert_true(t == first || t == last);
    }
    /* 02:30 of this night does not exist: 03:00 summer time. */
    assert_int_equal(zone_moment(z, day, 2 * hour + hour / 2), at(2026, 3, 29, 1, 0));
    /* 02:30 of that night is twice. */
    day = civil_day(2026, 10, 25);
    assert_int_equal(zone_moment(z, day, 2 * hour + hour / 2), at(2026, 10, 25, 0, 30));
    assert_int_equal(zone_moment_last(z, day, 2 * hour + hour / 2), at(2026, 10, 25, 1, 30));
    assert_int_equal(zone_next_change(z, at(2050, 5, 1, 0, 0)), at(2050, 10, 30, 1, 0));
    zone_free(z);
}

static void names_and_files_that_are_refused(void **state)
{
    (void)state;
    struct zone *z = NULL;
    const uint8_t junk[64] = "TZif2 but nothing else";

    assert_int_equal(zone_load(folder, "../etc/passwd", &z), SP_ERR_INVALID);
    assert_int_equal(zone_load(folder, "/etc/passwd", &z), SP_ERR_INVALID);
    assert_int_equal(zone_load(folder, "", &z), SP_ERR_INVALID);
    assert_int_equal(zone_load(folder, "Europe", &z), SP_ERR_CORRUPT); /* a folder */
    assert_int_equal(zone_load(folder, "Nowhere/City", &z), SP_ERR_NOT_FOUND);
    assert_int_equal(zone_load(folder, "tzdata.zi", &z), SP_ERR_INVALID);
    assert_int_equal(zone_parse("X", (struct view){junk, sizeof junk}, &z), SP_ERR_CORRUPT);
    assert_null(z);
}

static const struct {
    const char *text;
    bool good;
} rules[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3", true},
    {"<+0530>-5:30", true},
    {"EST5EDT,M3.2.0,M11.1.0", true},
    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true},
    {"IST-2IDT,M3.4.4/26,M10.5.0", true},
    {"CET-1CEST,J60,J300", true},
    {"CET", false},
    {"CET-1CEST", false},
    {"CET-1CEST,M3.5.0", false},
    {"CE-1", false},
    {"CET-1CEST,M13.5.0,M10.5.0", false},
    {"CET-1CEST,M3.6.0,M10.5.0", false},
    {"CET-1CEST,M3.5.7,M10.5.0", false},
    {"CET-25", false},
    {"CET-1 ", false},
    {"CET-1CEST,J0,J300", false},
    {"<+05-5", false},
};

static void footers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct zone_rule r = {0};
        if ((zone_rule_parse(view_str(rules[i].text), &r) == SP_OK) != rules[i].good)
            fail_msg("%s", rules[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_036_windows),
        cmocka_unit_test(window_next_edge_misses_no_change),
        cmocka_unit_test(moments_and_local_times_agree),
        cmocka_unit_test(names_and_files_that_are_refused),
        cmocka_unit_test(footers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
