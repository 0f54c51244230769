#include "lib/base/clock.h"

#include <time.h>

/* Exactly `count` digits, then the byte `next` ('\0': nothing is asked). -1 when not so. */
static int digits(struct cursor *c, size_t count, char next)
{
    struct view v = cur_take(c, count);
    int n = 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] < '0' || v.at[i] > '9')
            c->err = SP_ERR_INVALID;
        n = n * 10 + (v.at[i] - '0');
    }
    if (next != '\0') {
        struct view one = cur_take(c, 1);
        if (one.len != 1 || one.at[0] != (uint8_t)next)
            c->err = SP_ERR_INVALID;
    }
    return c->err == SP_OK ? n : -1;
}

/* ".789": any number of digits; what is finer than a millisecond is dropped. */
static int64_t fraction_ms(struct cursor *c)
{
    int64_t ms = 0, weight = 100;

    if (c->rest.len == 0 || c->rest.at[0] != '.')
        return 0;
    (void)cur_take(c, 1);
    for (; c->rest.len > 0 && c->rest.at[0] >= '0' && c->rest.at[0] <= '9'; weight /= 10)
        ms += weight * (cur_take(c, 1).at[0] - '0');
    return ms;
}

/* "Z", "+01:00", "-05:30": how far ahead of UTC. */
static int64_t offset_ms(struct cursor *c)
{
    struct view sign = cur_take(c, 1);

    if (sign.len == 1 && sign.at[0] == 'Z')
        return 0;
    if (sign.len != 1 || (sign.at[0] != '+' && sign.at[0] != '-'))
        c->err = SP_ERR_INVALID;
    int hours = digits(c, 2, ':'), minutes = digits(c, 2, '\0');
    if (hours > 23 || minutes > 59)
        c->err = SP_ERR_INVALID;
    int64_t ms = ((int64_t)hours * 60 + minutes) * 60 * 1000;
    return sign.len == 1 && sign.at[0] == '-' ? -ms : ms;
}

/* The calendar has it: timegm makes 3 March of 31 February. */
static bool is_day(int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};

    (void)timegm(&tm);
    return month >= 1 && tm.tm_mon == month - 1 && tm.tm_mday == day;
}

sp_error clock_parse(struct view text, sp_unix_ms *out)
{
    struct cursor c = cur_over(text, SP_ERR_INVALID);
    int y = digits(&c, 4, '-'), mo = digits(&c, 2, '-'), d = digits(&c, 2, 'T');
    int h = digits(&c, 2, ':'), mi = digits(&c, 2, ':'), s = digits(&c, 2, '\0');
    int64_t fraction = fraction_ms(&c), offset = offset_ms(&c);

    if (c.err != SP_OK || c.rest.len != 0 || !is_day(y, mo, d) || h > 23 || mi > 59 || s > 60)
        return SP_ERR_INVALID;
    struct tm tm = {.tm_year = y - 1900,
                    .tm_mon = mo - 1,
                    .tm_mday = d,
                    .tm_hour = h,
                    .tm_min = mi,
                    .tm_sec = s};
    *out = (int64_t)timegm(&tm) * 1000 + fraction - offset;
    return SP_OK;
}
