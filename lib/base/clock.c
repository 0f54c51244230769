#include "lib/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* The only mutable state of the room: a test's clock; negative means the real one. */
static _Atomic int64_t unix_for_test = -1, boot_for_test = -1;

static int64_t read_us(clockid_t which)
{
    struct timespec t = {0};

    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

sp_unix_ms clock_unix(void)
{
    int64_t fixed = atomic_load(&unix_for_test);
    return fixed >= 0 ? fixed : read_us(CLOCK_REALTIME) / 1000;
}

sp_boot_ms clock_boot(void)
{
    int64_t fixed = atomic_load(&boot_for_test);
    return fixed >= 0 ? fixed : read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t clock_boot_us(void)
{
    int64_t fixed = atomic_load(&boot_for_test);
    return fixed >= 0 ? fixed * 1000 : read_us(CLOCK_BOOTTIME);
}

void clock_set_for_test(sp_unix_ms unix_ms, sp_boot_ms boot_ms)
{
    atomic_store(&unix_for_test, unix_ms);
    atomic_store(&boot_for_test, boot_ms);
}

/* Floor division, so that times before 1970 keep a millisecond part of 0 to 999. */
static void split(int64_t t, int64_t unit, int64_t *whole, int64_t *part)
{
    *whole = t / unit;
    *part = t % unit;
    if (*part < 0) {
        *part += unit;
        *whole -= 1;
    }
}

struct clock_text clock_text(sp_unix_ms t)
{
    static const int64_t first = -62167219200000, last = 253402300799999; /* years 0 and 9999 */
    struct clock_text out = {{0}};
    int64_t seconds, ms;
    struct tm tm;

    split(t < first ? first : t > last ? last : t, 1000, &seconds, &ms);
    time_t when = (time_t)seconds;
    if (gmtime_r(&when, &tm) == NULL)
        return out;
    snprintf(out.s, sizeof out.s, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
             (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
             (unsigned)tm.tm_sec % 100u, (unsigned)ms % 1000u);
    return out;
}
