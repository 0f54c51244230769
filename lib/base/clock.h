#ifndef SP_BASE_CLOCK_H
#define SP_BASE_CLOCK_H

/*
 * clock: the two times of the project.
 *
 * sp_unix_ms  wall clock, for statements, logs and people. May jump.
 * sp_boot_ms  CLOCK_BOOTTIME: goes on during sleep, never jumps. For deadlines and timers.
 * The types differ on purpose in name; never subtract one from the other. Any thread.
 */

#include "lib/base/view.h"

typedef int64_t sp_unix_ms;
typedef int64_t sp_boot_ms;

sp_unix_ms clock_unix(void);
sp_boot_ms clock_boot(void);
int64_t clock_boot_us(void); /* for measurements */

/* Tests set both; a negative value gives the real clock back. Not for the product. */
void clock_set_for_test(sp_unix_ms unix_ms, sp_boot_ms boot_ms);

/* RFC 3339 in UTC with milliseconds, "2026-11-25T04:05:06.789Z", for printf within the full
 * expression. Years 0000 to 9999. */
struct clock_text {
    char s[32];
};
struct clock_text clock_text(sp_unix_ms t);

/* RFC 3339 in UTC or with an offset; what is finer than a millisecond is dropped. Pure.
 *   SP_ERR_INVALID  no such text; `out` is as it was */
SP_MUST sp_error clock_parse(struct view text, sp_unix_ms *out);

#endif
