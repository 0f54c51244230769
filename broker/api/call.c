#include "broker/api/call.h"

#include "lib/base/num.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

sp_error call_text(struct api_call *c, const char *name, char *out, size_t size)
{
    struct buf value;
    sp_error e;

    out[0] = '\0';
    buf_init(&value, size - 1);
    e = request_query(c->req, name, &value);
    if (e == SP_OK && memchr(value.at, 0, value.len) == NULL) {
        memcpy(out, value.at, value.len);
        out[value.len] = '\0';
    } else if (e != SP_ERR_NOT_FOUND) {
        sp_why_field(&c->why, "%s", name);
        e = sp_why_say(&c->why, SP_ERR_INVALID, "%s is given twice, broken or longer than %zu",
                       name, size - 1);
    } else {
        e = SP_OK;
    }
    buf_deinit(&value);
    return e;
}

sp_error call_id(struct api_call *c, const char *name, struct sp_id *out)
{
    char text[64];
    sp_error e = call_text(c, name, text, sizeof text);

    if (e != SP_OK || text[0] == '\0') {
        *out = (struct sp_id){0};
        return e;
    }
    if (id_parse(view_str(text), out) == SP_OK)
        return SP_OK;
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s is no id of 22 characters", name);
}

/* "2026-11-25T04:05:06[.789](Z|+01:00)": the digits, then fraction and offset. */
sp_error time_parse(struct view text, sp_unix_ms *out)
{
    char s[40];
    int y, mo, d, h, mi, sec, oh = 0, om = 0, used = 0;
    double fraction = 0;
    char sign = 'Z';

    if (text.len < 20 || text.len >= sizeof s)
        return SP_ERR_INVALID;
    memcpy(s, text.at, text.len);
    s[text.len] = '\0';
    if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &sec, &used) != 6 ||
        used != 19)
        return SP_ERR_INVALID;
    const char *rest = s + used;
    if (*rest == '.') {
        char *end;
        fraction = strtod(rest, &end);
        if (end == rest || end - rest > 10)
            return SP_ERR_INVALID;
        rest = end;
    }
    sign = *rest;
    if (sign == 'Z' ? rest[1] != '\0'
                    : (sign != '+' && sign != '-') || strlen(rest) != 6 ||
                          sscanf(rest + 1, "%2d:%2d", &oh, &om) != 2)
        return SP_ERR_INVALID;
    if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 60 || oh > 23 || om > 59)
        return SP_ERR_INVALID;
    struct tm tm = {.tm_year = y - 1900,
                    .tm_mon = mo - 1,
                    .tm_mday = d,
                    .tm_hour = h,
                    .tm_min = mi,
                    .tm_sec = sec};
    int64_t at = (int64_t)timegm(&tm) * 1000 + (int64_t)(fraction * 1000);
    int64_t offset = ((int64_t)oh * 60 + om) * 60 * 1000;
    *out = sign == '+' ? at - offset : sign == '-' ? at + offset : at;
    return SP_OK;
}

sp_error call_time(struct api_call *c, const char *name, sp_unix_ms *out)
{
    char text[64];
    sp_error e = call_text(c, name, text, sizeof text);

    *out = 0;
    if (e != SP_OK || text[0] == '\0')
        return e;
    if (time_parse(view_str(text), out) == SP_OK)
        return SP_OK;
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s is no time such as 2026-11-25T04:05:06Z", name);
}

sp_error call_number(struct api_call *c, const char *name, uint64_t *out)
{
    struct view text = request_param(c->req, name);
    uint64_t n = 0;

    if (text.len == 0 || text.len > 18)
        return SP_ERR_NOT_FOUND;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return SP_ERR_NOT_FOUND;
        n = n * 10 + (uint64_t)(text.at[i] - '0');
    }
    *out = n;
    return SP_OK;
}

sp_error call_body(struct api_call *c, const char *const names[], struct json **out)
{
    struct json *body;
    sp_error e = request_json(c->req, API_BODY_MAX, &c->why, &body);

    if (e != SP_OK)
        return e;
    e = json_only(body, names, &c->why);
    if (e != SP_OK) {
        json_free(body);
        return e;
    }
    *out = body;
    return SP_OK;
}

sp_error member_text(struct api_call *c, const struct json *body, const char *name, size_t min,
                     size_t max, struct view *out)
{
    if (json_get_str(body, name, max, out) == SP_OK && out->len >= min)
        return SP_OK;
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s must be a text of %zu to %zu bytes", name, min,
                      max);
}

sp_error member_id(struct api_call *c, const struct json *body, const char *name, struct sp_id *out)
{
    if (json_get_id(body, name, out) == SP_OK)
        return SP_OK;
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s must be an id of 22 characters", name);
}

sp_error call_reason(struct api_call *c, char out[CALL_TEXT_MAX + 1])
{
    static const char *const names[] = {"reason", NULL};
    struct json *body;
    struct view reason;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    e = member_text(c, body, "reason", 1, 500, &reason);
    if (e == SP_OK) {
        memcpy(out, reason.at, reason.len);
        out[reason.len] = '\0';
    }
    json_free(body);
    return e;
}

sp_error call_if_match(struct api_call *c, uint64_t *version)
{
    struct view tag = request_header(c->req, "if-match");
    uint64_t n = 0;

    if (tag.len == 0) {
        c->problem = (struct problem){.status = 428,
                                      .code = "precondition",
                                      .title = "If-Match needed",
                                      .detail = "Say which version you change: If-Match: \"3\"."};
        return SP_ERR_INVALID;
    }
    if (tag.len < 3 || tag.len > 20 || tag.at[0] != '"' || tag.at[tag.len - 1] != '"')
        return SP_ERR_CONFLICT;
    for (size_t i = 1; i < tag.len - 1; i++) {
        if (tag.at[i] < '0' || tag.at[i] > '9')
            return SP_ERR_CONFLICT;
        n = n * 10 + (uint64_t)(tag.at[i] - '0');
    }
    *version = n;
    return SP_OK;
}

void settle(struct api *api)
{
    /* Late snapshots show the state before: old, and never wrong. */
    sp_ignore(changes_wait(api->changes, 2000));
}

void answer_etag(struct api_call *c, uint64_t version)
{
    char tag[32];

    snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)version);
    response_header(c->res, "etag", view_str(tag));
}

/* ---- pages -------------------------------------------------------------------------------- */

sp_error page_begin(struct api_call *c, struct page *p)
{
    char limit[16];
    sp_error e;

    *p = (struct page){.limit = PAGE_LIMIT};
    if ((e = call_text(c, "after", p->after, sizeof p->after)) != SP_OK ||
        (e = call_text(c, "q", p->q, sizeof p->q)) != SP_OK ||
        (e = call_text(c, "limit", limit, sizeof limit)) != SP_OK)
        return e;
    if (limit[0] != '\0') {
        char *end;
        unsigned long n = strtoul(limit, &end, 10);
        if (!isdigit((unsigned char)limit[0]) || *end != '\0' || n < 1 || n > PAGE_LIMIT_MAX) {
            sp_why_field(&c->why, "limit");
            return sp_why_say(&c->why, SP_ERR_INVALID, "limit is a number from 1 to %d",
                              PAGE_LIMIT_MAX);
        }
        p->limit = n;
    }
    p->items = json_array();
    return SP_OK;
}

static bool has_fold(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (part[i] != '\0' &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (part[i] == '\0')
            return true;
    }
    return part[0] == '\0';
}

bool page_matches(const struct page *p, const char *name)
{
    return has_fold(name, p->q);
}

bool page_wants(struct page *p, const char *key)
{
    p->total++;
    if (p->after[0] != '\0' && strcmp(key, p->after) <= 0)
        return false;
    if (json_len(p->items) >= p->limit) {
        p->more = true;
        return false;
    }
    snprintf(p->next, sizeof p->next, "%s", key);
    return true;
}

void page_push(struct page *p, struct json *item)
{
    json_push(p->items, item);
}

struct json *page_object(struct page *p)
{
    struct json *o = json_object();

    json_set(o, "items", p->items);
    p->items = NULL;
    if (p->more)
        json_set_cstr(o, "next", p->next);
    else
        set_null(o, "next");
    json_set_int(o, "total", (int64_t)(p->total > COUNT_EXACT_MAX ? COUNT_EXACT_MAX : p->total));
    json_set_bool(o, "total_exact", p->total <= COUNT_EXACT_MAX);
    return o;
}

void page_drop(struct page *p)
{
    json_free(p->items);
    p->items = NULL;
}

/* ---- members ------------------------------------------------------------------------------ */

void set_null(struct json *object, const char *member)
{
    json_set(object, member, json_new_null());
}

void set_ref(struct json *object, const char *member, struct sp_id id, const char *name)
{
    if (id_is_zero(id)) {
        set_null(object, member);
        return;
    }
    struct json *ref = json_object();
    json_set_id(ref, "id", id);
    json_set_cstr(ref, "name", name != NULL ? name : "");
    json_set(object, member, ref);
}

void set_time(struct json *object, const char *member, sp_unix_ms at)
{
    if (at == 0)
        set_null(object, member);
    else
        json_set_time(object, member, at);
}

void set_ms(struct json *object, const char *member, int64_t ms)
{
    if (ms < 0)
        set_null(object, member);
    else
        json_set_int(object, member, ms);
}

void set_text_or_null(struct json *object, const char *member, const char *s)
{
    json_set_cstr(object, member, s != NULL && s[0] != '\0' ? s : NULL);
}
