#include "broker/policy/zone.h"

#include "broker/policy/zone_rule.h"
#include "lib/base/num.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ZONE_NAME_MAX = 64,
    ZONE_FILE_MAX = 256 * 1024,
    ZONE_TIMES_MAX = 8192,
    ZONE_OFFSET_MAX = 26 * 3600,
    HEADER_BYTES = 44,
    SECOND_MS = 1000
};

struct zone {
    char name[ZONE_NAME_MAX + 1];
    size_t count;
    int64_t *at;     /* owned: seconds since 1970, rising */
    int32_t *offset; /* owned: seconds east of UTC from at[i] on */
    int32_t first;   /* before at[0] */
    struct zone_rule rule;
};

const char *zone_name(const struct zone *z)
{
    return z->name;
}

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    free(z->at);
    free(z->offset);
    free(z);
}

static sp_error check_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > ZONE_NAME_MAX || name[0] == '/' || strstr(name, "..") != NULL)
        return SP_ERR_INVALID;
    for (const char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !(*c >= '0' && *c <= '9') && strchr("_-+/", *c) == NULL)
            return SP_ERR_INVALID;
    }
    return SP_OK;
}

/* ---- the file: RFC 8536 section 3 ---- */

struct header {
    uint8_t version;
    uint64_t isut, isstd, leap, times, types, chars;
};

static struct header take_header(struct cursor *c)
{
    struct header h = {0};
    struct view magic = cur_take(c, 4);

    if (!view_is(magic, "TZif"))
        cur_fail(c, SP_ERR_MALFORMED);
    h.version = (uint8_t)cur_uint(c, 1);
    (void)cur_take(c, 15);
    h.isut = cur_uint(c, 4);
    h.isstd = cur_uint(c, 4);
    h.leap = cur_uint(c, 4);
    h.times = cur_uint(c, 4);
    h.types = cur_uint(c, 4);
    h.chars = cur_uint(c, 4);
    if (h.times > ZONE_TIMES_MAX || h.types == 0 || h.types > 256 || h.leap > 1024 ||
        h.chars > 4096 || h.isut > 256 || h.isstd > 256)
        cur_fail(c, SP_ERR_MALFORMED);
    return h;
}

static int64_t as_signed(uint64_t n, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(n << shift) >> shift;
}

static void take_times(struct cursor *c, const struct header *h, struct zone *z)
{
    for (size_t i = 0; i < z->count; i++) {
        z->at[i] = as_signed(cur_uint(c, 8), 8);
        if (i > 0 && z->at[i] <= z->at[i - 1])
            cur_fail(c, SP_ERR_MALFORMED);
    }
    struct view indexes = cur_take(c, h->times);
    int32_t offsets[256] = {0};
    for (size_t i = 0; i < h->types && c->err == SP_OK; i++) {
        offsets[i] = (int32_t)as_signed(cur_uint(c, 4), 4);
        (void)cur_take(c, 2);
        if (offsets[i] < -ZONE_OFFSET_MAX || offsets[i] > ZONE_OFFSET_MAX)
            cur_fail(c, SP_ERR_MALFORMED);
    }
    for (size_t i = 0; i < z->count && c->err == SP_OK; i++) {
        if (indexes.at[i] >= h->types)
            cur_fail(c, SP_ERR_MALFORMED);
        z->offset[i] = offsets[indexes.at[i]];
    }
    z->first = offsets[0];
}

static sp_error parse_into(struct zone *z, struct view tzif)
{
    struct cursor c = cur_over(tzif, SP_ERR_MALFORMED);
    struct header old = take_header(&c);

    if (c.err != SP_OK || old.version < '2')
        return SP_ERR_CORRUPT;
    (void)cur_take(&c,
                   old.times * 5 + old.types * 6 + old.chars + old.leap * 8 + old.isstd + old.isut);
    struct header h = take_header(&c);
    if (c.err != SP_OK)
        return SP_ERR_CORRUPT;

    z->count = h.times;
    z->at = calloc(h.times + 1, sizeof *z->at);
    z->offset = calloc(h.times + 1, sizeof *z->offset);
    if (z->at == NULL || z->offset == NULL)
        return SP_ERR_NOMEM;
    take_times(&c, &h, z);
    (void)cur_take(&c, h.chars + h.leap * 12 + h.isstd + h.isut);
    if (cur_uint(&c, 1) != '\n' || c.err != SP_OK || c.rest.len == 0 ||
        c.rest.at[c.rest.len - 1] != '\n')
        return SP_ERR_CORRUPT;
    struct view footer = view_slice(c.rest, 0, c.rest.len - 1);
    return zone_rule_parse(footer, &z->rule) == SP_OK ? SP_OK : SP_ERR_CORRUPT;
}

sp_error zone_parse(const char *name, struct view tzif, struct zone **out)
{
    sp_error e = check_name(name);

    if (e != SP_OK)
        return e;
    struct zone *z = calloc(1, sizeof *z);
    if (z == NULL)
        return SP_ERR_NOMEM;
    memcpy(z->name, name, strlen(name));
    if ((e = parse_into(z, tzif)) != SP_OK) {
        zone_free(z);
        return e;
    }
    *out = z;
    return SP_OK;
}

static sp_error utc(const char *name, struct zone **out)
{
    struct zone *z = calloc(1, sizeof *z);

    if (z == NULL)
        return SP_ERR_NOMEM;
    memcpy(z->name, name, strlen(name));
    z->rule.known = true;
    *out = z;
    return SP_OK;
}

static sp_error read_whole(FILE *file, uint8_t **bytes, size_t *len)
{
    uint8_t *at = malloc(ZONE_FILE_MAX);

    if (at == NULL)
        return SP_ERR_NOMEM;
    *len = fread(at, 1, ZONE_FILE_MAX, file);
    if (ferror(file) || *len == ZONE_FILE_MAX) {
        free(at);
        return SP_ERR_CORRUPT;
    }
    *bytes = at;
    return SP_OK;
}

sp_error zone_load(const char *folder, const char *name, struct zone **out)
{
    char path[512];
    uint8_t *bytes = NULL;
    size_t len = 0;
    sp_error e = check_name(name);

    if (e != SP_OK)
        return e;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0)
        return utc(name, out);
    int written = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (written < 0 || (size_t)written >= sizeof path)
        return SP_ERR_INVALID;
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return errno == ENOMEM ? SP_ERR_NOMEM : SP_ERR_NOT_FOUND;
    e = read_whole(file, &bytes, &len); /* a folder opens, but does not read */
    (void)fclose(file);                 /* nothing was written */
    if (e == SP_OK)
        e = zone_parse(name, (struct view){bytes, len}, out);
    free(bytes);
    return e;
}

/* ---- asking ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* The first transition after `t`; count: none. */
static size_t first_after(const struct zone *z, int64_t t)
{
    size_t low = 0, high = z->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at[middle] > t)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int64_t offset_at(const struct zone *z, int64_t t)
{
    size_t next = first_after(z, t);

    if (next == z->count && z->rule.known)
        return zone_rule_offset(&z->rule, t);
    return next == 0 ? z->first : z->offset[next - 1];
}

struct local_time zone_local(const struct zone *z, sp_unix_ms t)
{
    int64_t ms = t + offset_at(z, floor_div(t, SECOND_MS)) * SECOND_MS;
    int64_t day = floor_div(ms, (int64_t)DAY_SECONDS * SECOND_MS);

    return (struct local_time){
        .day = day,
        .weekday = (int)(((day + 3) % 7 + 7) % 7), /* 1970-01-01 was a Thursday; 0 is Monday */
        .ms = ms - day * DAY_SECONDS * SECOND_MS,
    };
}

sp_unix_ms zone_next_change(const struct zone *z, sp_unix_ms t)
{
    int64_t s = floor_div(t, SECOND_MS);
    size_t next = first_after(z, s);
    int64_t at = next < z->count ? z->at[next] : zone_rule_next(&z->rule, s);

    return at * SECOND_MS;
}

/* Where the clock jumps over `wall` (seconds): the first moment after the gap. */
static int64_t end_of_gap(const struct zone *z, int64_t before, int64_t after)
{
    int64_t later = offset_at(z, after);

    while (before + 1 < after) {
        int64_t middle = before + (after - before) / 2;
        if (offset_at(z, middle) == later)
            after = middle;
        else
            before = middle;
    }
    return after;
}

static sp_unix_ms moment(const struct zone *z, int64_t day, int64_t ms, bool last)
{
    int64_t wall = day * DAY_SECONDS + floor_div(ms, SECOND_MS);
    int64_t rest = ms - floor_div(ms, SECOND_MS) * SECOND_MS;
    int64_t early = wall - offset_at(z, wall - 2 * DAY_SECONDS); /* by the offset before … */
    int64_t late = wall - offset_at(z, wall + 2 * DAY_SECONDS);  /* … and after any change */
    bool early_is = early + offset_at(z, early) == wall;
    bool late_is = late + offset_at(z, late) == wall;

    if (early_is && late_is)
        return ((early < late) != last ? early : late) * SECOND_MS + rest;
    if (early_is || late_is)
        return (early_is ? early : late) * SECOND_MS + rest;
    return end_of_gap(z, early < late ? early : late, early < late ? late : early) * SECOND_MS;
}

sp_unix_ms zone_moment(const struct zone *z, int64_t day, int64_t ms)
{
    return moment(z, day, ms, false);
}

sp_unix_ms zone_moment_last(const struct zone *z, int64_t day, int64_t ms)
{
    return moment(z, day, ms, true);
}
