/* FLT-12: when a feed is asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/feeds/schedule.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const sp_unix_ms now = 1795579506000;

static const struct {
    const char *name;
    struct feed_pace pace;
    int64_t least, most; /* from now, over all jitter */
} rows[] = {
    {"after a success, within its interval", {15 * MINUTE, 0, -1}, 810 * SECOND, 15 * MINUTE},
    {"a success asks for no wait", {15 * MINUTE, 0, 3600}, 810 * SECOND, 15 * MINUTE},
    {"the first failure", {15 * MINUTE, 1, -1}, 30 * SECOND, 33 * SECOND},
    {"the second", {15 * MINUTE, 2, -1}, MINUTE, 66 * SECOND},
    {"the fifth", {15 * MINUTE, 5, -1}, 8 * MINUTE, 528 * SECOND},
    {"never later than the interval", {15 * MINUTE, 60, -1}, 15 * MINUTE, 990 * SECOND},
    {"Retry-After is not undercut", {15 * MINUTE, 1, 120}, 120 * SECOND, 132 * SECOND},
    {"a shorter one does not hurry", {15 * MINUTE, 3, 1}, 2 * MINUTE, 132 * SECOND},
    {"one beyond the interval counts", {15 * MINUTE, 1, 7200}, 2 * HOUR, 132 * MINUTE},
    {"at most a day", {15 * MINUTE, 1, INT64_MAX}, 24 * HOUR, 1584 * MINUTE},
    {"0 is no wait", {15 * MINUTE, 1, 0}, 30 * SECOND, 33 * SECOND},
    {"a day's interval", {FEED_INTERVAL_MS_MAX, 0, -1}, 1296 * MINUTE, 24 * HOUR},
};

static void FLT_12_a_feed_is_asked_again_in_its_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned chance = 0; chance < 1000; chance += 37) {
            int64_t wait = schedule_next(&rows[i].pace, now, chance) - now;
            if (wait < rows[i].least || wait > rows[i].most)
                fail_msg("%s: %lld ms", rows[i].name, (long long)wait);
        }
}

static void FLT_12_chance_moves_it(void **state)
{
    const struct feed_pace p = {15 * MINUTE, 0, -1};

    (void)state;
    assert_true(schedule_next(&p, now, 999) - schedule_next(&p, now, 0) > MINUTE);
    assert_true(schedule_next(&p, INT64_MAX - 5, 0) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(FLT_12_a_feed_is_asked_again_in_its_time),
        cmocka_unit_test(FLT_12_chance_moves_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
