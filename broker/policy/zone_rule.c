#include "broker/policy/zone_rule.h"

int64_t civil_day(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year; /* years that begin in March: the leap day is last */
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

int64_t civil_year(int64_t day)
{
    int64_t year = 1970 + day / 365; /* never too early by more than the leap days */

    while (civil_day(year, 1, 1) > day)
        year--;
    while (civil_day(year + 1, 1, 1) <= day)
        year++;
    return year;
}

/* ---- reading ---- */

static bool take_char(struct cursor *c, char ch)
{
    if (c->err != SP_OK || c->rest.len == 0 || c->rest.at[0] != (uint8_t)ch)
        return false;
    (void)cur_take(c, 1);
    return true;
}

static int64_t take_number(struct cursor *c, int64_t max)
{
    int64_t n = 0;
    size_t digits = 0;

    while (c->err == SP_OK && c->rest.len > 0 && c->rest.at[0] >= '0' && c->rest.at[0] <= '9') {
        n = n * 10 + (int64_t)(cur_uint(c, 1) - '0');
        if (++digits > 4 || n > max)
            cur_fail(c, SP_ERR_MALFORMED);
    }
    if (digits == 0)
        cur_fail(c, SP_ERR_MALFORMED);
    return n;
}

/* [+-]h[:mm[:ss]]; RFC 8536 lets the hour reach 167 in rules. */
static int64_t take_time(struct cursor *c, int64_t hours_max)
{
    int64_t sign = take_char(c, '-') ? -1 : 1;

    if (sign > 0)
        (void)take_char(c, '+');
    int64_t seconds = take_number(c, hours_max) * 3600;
    if (take_char(c, ':'))
        seconds += take_number(c, 59) * 60;
    if (take_char(c, ':'))
        seconds += take_number(c, 59);
    return sign * seconds;
}

static bool name_byte(uint8_t b, bool quoted)
{
    bool letter = (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z');
    return letter || (quoted && ((b >= '0' && b <= '9') || b == '+' || b == '-'));
}

static void skip_name(struct cursor *c)
{
    bool quoted = take_char(c, '<');
    size_t letters = 0;

    while (c->err == SP_OK && c->rest.len > 0 && name_byte(c->rest.at[0], quoted)) {
        (void)cur_take(c, 1);
        letters++;
    }
    if (letters < 3 || (quoted && !take_char(c, '>')))
        cur_fail(c, SP_ERR_MALFORMED);
}

static struct zone_day take_day(struct cursor *c)
{
    struct zone_day d = {.at = 2 * 3600};

    if (take_char(c, 'M')) {
        d.kind = ZONE_DAY_MONTH;
        d.month = (int)take_number(c, 12);
        if (!take_char(c, '.'))
            cur_fail(c, SP_ERR_MALFORMED);
        d.week = (int)take_number(c, 5);
        if (!take_char(c, '.'))
            cur_fail(c, SP_ERR_MALFORMED);
        d.weekday = (int)take_number(c, 6);
        if (d.month == 0 || d.week == 0)
            cur_fail(c, SP_ERR_MALFORMED);
    } else {
        d.kind = take_char(c, 'J') ? ZONE_DAY_JULIAN : ZONE_DAY_ZERO;
        d.day = (int)take_number(c, 365);
        if (d.kind == ZONE_DAY_JULIAN && d.day == 0)
            cur_fail(c, SP_ERR_MALFORMED);
    }
    if (take_char(c, '/'))
        d.at = take_time(c, 167);
    return d;
}

sp_error zone_rule_parse(struct view text, struct zone_rule *out)
{
    struct cursor c = cur_over(text, SP_ERR_MALFORMED);
    struct zone_rule r = {.known = text.len > 0};

    if (!r.known) {
        *out = r;
        return SP_OK;
    }
    skip_name(&c);
    r.std = -take_time(&c, 24); /* POSIX counts west of Greenwich */
    if (c.err == SP_OK && c.rest.len > 0) {
        r.has_dst = true;
        skip_name(&c);
        r.dst = r.std + 3600;
        if (c.rest.len > 0 && c.rest.at[0] != ',')
            r.dst = -take_time(&c, 24);
        if (!take_char(&c, ','))
            cur_fail(&c, SP_ERR_MALFORMED);
        r.begin = take_day(&c);
        if (!take_char(&c, ','))
            cur_fail(&c, SP_ERR_MALFORMED);
        r.end = take_day(&c);
    }
    if (c.err != SP_OK || c.rest.len > 0)
        return SP_ERR_MALFORMED;
    *out = r;
    return SP_OK;
}

/* ---- asking ---- */

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Seconds since 1970 of a rule's day in `year`, by a wall clock that runs `offset` ahead of UTC. */
static int64_t moment(const struct zone_day *d, int64_t year, int64_t offset)
{
    int64_t day = 0;

    if (d->kind == ZONE_DAY_MONTH) {
        int64_t first = civil_day(year, d->month, 1);
        int64_t next =
            d->month == 12 ? civil_day(year + 1, 1, 1) : civil_day(year, d->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (d->weekday - weekday + 7) % 7 + 7 * (int64_t)(d->week - 1);
        while (day >= next) /* week 5 is the last one */
            day -= 7;
    } else if (d->kind == ZONE_DAY_JULIAN) { /* 29 February is never counted */
        day = civil_day(year, 1, 1) + d->day - 1 + (is_leap(year) && d->day >= 60 ? 1 : 0);
    } else {
        day = civil_day(year, 1, 1) + d->day;
    }
    return day * DAY_SECONDS + d->at - offset;
}

static int64_t year_of(int64_t t)
{
    return civil_year((t >= 0 ? t : t - (DAY_SECONDS - 1)) / DAY_SECONDS);
}

int64_t zone_rule_offset(const struct zone_rule *r, int64_t t)
{
    if (!r->has_dst)
        return r->std;

    int64_t year = year_of(t + r->std);
    int64_t begin = moment(&r->begin, year, r->std), end = moment(&r->end, year, r->dst);
    bool summer = begin < end ? t >= begin && t < end : !(t >= end && t < begin);
    return summer ? r->dst : r->std;
}

int64_t zone_rule_next(const struct zone_rule *r, int64_t t)
{
    int64_t best = 0;

    if (!r->has_dst)
        return 0;
    int64_t year = year_of(t + r->std);
    for (int64_t y = year - 1; y <= year + 2; y++) {
        int64_t both[] = {moment(&r->begin, y, r->std), moment(&r->end, y, r->dst)};
        for (size_t i = 0; i < 2; i++)
            if (both[i] > t && (best == 0 || both[i] < best))
                best = both[i];
    }
    return best;
}
