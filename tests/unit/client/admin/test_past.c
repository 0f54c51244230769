/* A moment as people write it, in a zone of its own. */
#include "client/admin/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void moments_are_read_in_their_zone(void **state)
{
    static const struct {
        const char *text;
        const char *utc; /* NULL: refused */
    } rows[] = {
        {"2026-11-24T08:42:17Z", "2026-11-24T08:42:17.000Z"},
        {"2026-11-24T09:42:17+01:00", "2026-11-24T08:42:17.000Z"},
        {"2026-11-24 09:42:17", "2026-11-24T08:42:17.000Z"},
        {"2026-07-24 09:42", "2026-07-24T07:42:00.000Z"}, /* summer time */
        {"09:42:17", "2026-11-26T08:42:17.000Z"},
        {"9:42", "2026-11-26T08:42:00.000Z"},
        {"", NULL},
        {"25:00", NULL},
        {"2026-13-01 10:00", NULL},
        {"yesterday", NULL},
        {"09:42:17x", NULL},
        {"2026-11-24", NULL},
    };
    const sp_unix_ms now = INT64_C(1795690800000); /* 2026-11-26 12:00 in Berlin */

    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sp_unix_ms at = 0;
        sp_error e = past_time(rows[i].text, now, &at);

        if ((e == SP_OK) != (rows[i].utc != NULL))
            fail_msg("%s", rows[i].text);
        if (e == SP_OK)
            assert_string_equal(clock_text(at).s, rows[i].utc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moments_are_read_in_their_zone)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
