#include "broker/policy/parse_internal.h"

#include "broker/policy/zone.h"
#include "broker/policy/zone_rule.h"

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int take_day(struct cursor *c)
{
    struct view v = cur_take(c, 3);

    for (int i = 0; i < 7; i++)
        if (view_is(v, day_names[i]))
            return i;
    cur_fail(c, SP_ERR_MALFORMED);
    return 0;
}

/* "mon", "mon-fri", "fri-mon": a range may go over the end of the week. */
static unsigned days_of(struct parser *p, const struct json *node)
{
    struct cursor c = cur_over(json_str(node), SP_ERR_MALFORMED);
    unsigned set = 0;
    int first = take_day(&c), last = first;

    if (c.err == SP_OK && c.rest.len > 0) {
        if (cur_uint(&c, 1) != '-')
            cur_fail(&c, SP_ERR_MALFORMED);
        last = take_day(&c);
    }
    if (json_kind(node) != JSON_STRING || c.err != SP_OK || c.rest.len > 0) {
        parser_refuse(p, node, SP_ERR_INVALID,
                      "expected a day (mon, tue, wed, thu, fri, sat, sun) or a range (mon-fri)");
        return 0;
    }
    for (int d = first;; d = (d + 1) % 7) {
        set |= 1u << d;
        if (d == last)
            return set;
    }
}

static uint8_t days(struct parser *p, const struct json *node)
{
    unsigned set = 0;

    if (node == NULL)
        return ALL_DAYS;
    if (json_kind(node) != JSON_ARRAY)
        return (uint8_t)days_of(p, node);
    if (json_len(node) == 0)
        parser_refuse(p, node, SP_ERR_INVALID, "an empty list of days is never open");
    for (size_t i = 0; i < json_len(node) && p->err == SP_OK; i++)
        set |= days_of(p, json_at(node, i));
    return (uint8_t)set;
}

static int take_two(struct cursor *c, int max)
{
    struct view v = cur_take(c, 2);

    if (v.len != 2 || v.at[0] < '0' || v.at[0] > '9' || v.at[1] < '0' || v.at[1] > '9') {
        cur_fail(c, SP_ERR_MALFORMED);
        return 0;
    }
    int n = (v.at[0] - '0') * 10 + v.at[1] - '0';
    if (n > max)
        cur_fail(c, SP_ERR_MALFORMED);
    return n;
}

static void expect(struct cursor *c, const char *any_of)
{
    uint64_t byte = cur_uint(c, 1);

    if (c->err == SP_OK && (byte == 0 || strchr(any_of, (int)byte) == NULL))
        cur_fail(c, SP_ERR_MALFORMED);
}

static int minutes(struct parser *p, const struct json *node, bool end)
{
    struct cursor c = cur_over(json_str(node), SP_ERR_MALFORMED);
    int hour = take_two(&c, end ? 24 : 23);

    expect(&c, ":");
    int minute = take_two(&c, 59);
    if (json_kind(node) != JSON_STRING || c.err != SP_OK || c.rest.len > 0 ||
        (hour == 24 && minute > 0))
        parser_refuse(p, node, SP_ERR_INVALID,
                      "expected a time of day in quotes, such as \"07:00\"");
    return hour * 60 + minute;
}

/* RFC 3339 section 5.6, with its offset; fractions are read to milliseconds. */
static sp_unix_ms moment(struct view text, sp_error *err)
{
    struct cursor c = cur_over(text, SP_ERR_MALFORMED);
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = take_two(&c, 99) * 100 + take_two(&c, 99);
    expect(&c, "-");
    int month = take_two(&c, 12);
    expect(&c, "-");
    int day = take_two(&c, 31);
    expect(&c, "Tt");
    int64_t seconds = take_two(&c, 23) * 3600;
    expect(&c, ":");
    seconds += take_two(&c, 59) * 60;
    expect(&c, ":");
    seconds += take_two(&c, 60);
    int64_t ms = 0, unit = 100;
    if (c.err == SP_OK && c.rest.len > 0 && c.rest.at[0] == '.')
        for (expect(&c, "."); c.rest.len > 0 && c.rest.at[0] >= '0' && c.rest.at[0] <= '9';
             unit /= 10)
            ms += (int64_t)(cur_uint(&c, 1) - '0') * unit;
    int64_t offset = 0;
    if (c.rest.len == 1) {
        expect(&c, "Zz");
    } else {
        bool west = c.rest.len > 0 && c.rest.at[0] == '-';
        expect(&c, "+-");
        offset = take_two(&c, 23) * 3600;
        expect(&c, ":");
        offset = (offset + take_two(&c, 59) * 60) * (west ? -1 : 1);
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 0 || day == 0 || (month > 0 && day > lengths[month - 1]) ||
        (month == 2 && day == 29 && !leap))
        cur_fail(&c, SP_ERR_MALFORMED);
    *err = c.err != SP_OK || c.rest.len > 0 ? SP_ERR_MALFORMED : SP_OK;
    if (*err != SP_OK)
        return 0;
    return (civil_day(year, month, day) * DAY_SECONDS + seconds - offset) * 1000 + ms;
}

sp_unix_ms parser_rfc3339(struct parser *p, const struct json *node)
{
    sp_error e = SP_ERR_MALFORMED;
    sp_unix_ms at = json_kind(node) == JSON_STRING ? moment(json_str(node), &e) : 0;

    if (e != SP_OK || at <= 0)
        parser_refuse(p, node, SP_ERR_INVALID,
                      "expected a moment such as \"2027-01-31T18:00:00+01:00\"");
    return at;
}

static void free_zone(void *zone)
{
    zone_free(zone);
}

static const struct zone *zone(struct parser *p, const struct json *node)
{
    struct zone *z = NULL;
    const char *name = parser_text(p, node, 64);
    sp_error e = p->err == SP_OK ? zone_load(p->zones, name, &z) : p->err;

    if (e == SP_ERR_NOMEM || (z != NULL && arena_owns(p->arena, free_zone, z) != SP_OK)) {
        parser_refuse(p, node, SP_ERR_NOMEM, "out of memory");
        return NULL;
    }
    if (e != SP_OK)
        parser_refuse(p, node, SP_ERR_INVALID,
                      "\"%s\" is no time zone of this machine; expected an IANA name such as "
                      "Europe/Berlin (package tzdata)",
                      name);
    return z;
}

static void window(struct parser *p, const struct json *node, struct time_window *out)
{
    const struct json *from = json_get(node, "from"), *to = json_get(node, "to");

    out->has_window = true;
    out->days = days(p, json_get(node, "days"));
    if ((from == NULL) != (to == NULL))
        parser_refuse(p, node, SP_ERR_INVALID, "from and to belong together");
    out->from_min = from == NULL ? 0 : minutes(p, from, false);
    out->to_min = to == NULL ? 24 * 60 : minutes(p, to, true);
    if (out->from_min == out->to_min)
        parser_refuse(p, to, SP_ERR_INVALID,
                      "from and to are the same time; for the whole day "
                      "leave both out");
    if (json_get(node, "zone") == NULL)
        parser_refuse(p, node, SP_ERR_INVALID, "a window needs its zone, such as Europe/Berlin");
    else
        out->zone = zone(p, json_get(node, "zone"));
    if (out->zone == NULL)
        out->has_window = false; /* refused above */
}

void parse_time_condition(struct parser *p, const struct json *node, struct time_window *out)
{
    static const char *const keys[] = {"days", "from", "to", "zone", "until", NULL};

    if (!parser_object(p, node, keys))
        return;
    bool has_window = false;
    for (size_t i = 0; i < 4; i++)
        has_window = has_window || json_get(node, keys[i]) != NULL;
    if (has_window)
        window(p, node, out);
    if (json_get(node, "until") != NULL)
        out->until = parser_rfc3339(p, json_get(node, "until"));
    else if (!has_window)
        parser_refuse(p, node, SP_ERR_INVALID,
                      "an empty time says nothing; give days, from and "
                      "to with a zone, or until");
}
