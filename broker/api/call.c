#include "broker/api/call.h"

#include "lib/base/ascii.h"
#include "lib/base/num.h"

#include <stdio.h>

sp_error call_text(struct api_call *c, const char *name, char *out, size_t size)
{
    struct buf value;
    sp_error e;

    out[0] = '\0';
    buf_init(&value, size - 1);
    e = request_query(c->req, name, &value);
    if (e == SP_OK && value.len == 0) {
        /* there and empty: as absent */
    } else if (e == SP_OK && memchr(value.at, 0, value.len) == NULL) {
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

sp_error call_choice(struct api_call *c, const char *name, const char *const words[], size_t *out)
{
    char text[32], all[160] = "";
    sp_error e = call_text(c, name, text, sizeof text);

    *out = 0;
    if (e != SP_OK || text[0] == '\0')
        return e;
    for (size_t i = 1; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return SP_OK;
        }
        size_t len = strlen(all);
        (void)snprintf(all + len, sizeof all - len, "%s%s",
                       i == 1                 ? ""
                       : words[i + 1] == NULL ? " or "
                                              : ", ",
                       words[i]);
    }
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s is %s", name, all);
}

sp_error call_time(struct api_call *c, const char *name, sp_unix_ms *out)
{
    char text[64];
    sp_error e = call_text(c, name, text, sizeof text);

    *out = 0;
    if (e != SP_OK || text[0] == '\0')
        return e;
    if (clock_parse(view_str(text), out) == SP_OK)
        return SP_OK;
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s is no time such as 2026-11-25T04:05:06Z", name);
}

sp_error call_number(struct api_call *c, const char *name, uint64_t *out)
{
    return num_uint(request_param(c->req, name), INT64_MAX, out) == SP_OK ? SP_OK
                                                                          : SP_ERR_NOT_FOUND;
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
    if (tag.len < 3 || tag.at[0] != '"' || tag.at[tag.len - 1] != '"' ||
        num_uint((struct view){tag.at + 1, tag.len - 2}, INT64_MAX, &n) != SP_OK)
        return SP_ERR_CONFLICT;
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

sp_error listing_begin(struct api_call *c, struct page *p)
{
    char limit[16];
    sp_error e;

    *p = (struct page){.limit = PAGE_LIMIT};
    if ((e = call_text(c, "after", p->after, sizeof p->after)) != SP_OK ||
        (e = call_text(c, "q", p->q, sizeof p->q)) != SP_OK ||
        (e = call_text(c, "limit", limit, sizeof limit)) != SP_OK)
        return e;
    uint64_t n = PAGE_LIMIT;
    if (limit[0] != '\0' && (num_uint(view_str(limit), PAGE_LIMIT_MAX, &n) != SP_OK || n == 0)) {
        sp_why_field(&c->why, "limit");
        return sp_why_say(&c->why, SP_ERR_INVALID, "limit is a number from 1 to %d",
                          PAGE_LIMIT_MAX);
    }
    p->limit = n;
    p->items = json_array();
    return SP_OK;
}

sp_error call_sort(struct api_call *c, enum list_sort *sort, bool *down)
{
    char text[16];
    sp_error e = call_text(c, "sort", text, sizeof text);
    const char *by = text + (text[0] == '-');

    *down = text[0] == '-';
    *sort = strcmp(by, "seen") == 0 ? SORT_SEEN : SORT_NAME;
    if (e != SP_OK || text[0] == '\0' || *sort == SORT_SEEN || strcmp(by, "name") == 0)
        return e;
    sp_why_field(&c->why, "sort");
    return sp_why_say(&c->why, SP_ERR_INVALID, "sort is name, -name, seen or -seen");
}

sp_error call_cursor_bad(struct api_call *c)
{
    sp_why_field(&c->why, "after");
    return sp_why_say(&c->why, SP_ERR_INVALID, "after is not the next of an earlier page");
}

sp_error call_cursor(struct api_call *c, const char *after, sp_unix_ms *at, const char **rest)
{
    size_t digits = strcspn(after, ".");
    uint64_t n = 0;

    *at = 0;
    *rest = after;
    if (after[0] == '\0')
        return SP_OK;
    if (after[digits] == '\0' ||
        num_uint(view_slice(view_str(after), 0, digits), INT64_MAX, &n) != SP_OK)
        return call_cursor_bad(c);
    *at = (sp_unix_ms)n;
    *rest = after + digits + 1;
    return SP_OK;
}

bool listing_matches(const struct page *p, const char *name)
{
    return p->q[0] == '\0' || ascii_find(view_str(name), p->q) != SIZE_MAX;
}

bool listing_wants(struct page *p, const char *key)
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

void listing_push(struct page *p, struct json *item)
{
    json_push(p->items, item);
}

struct json *listing_object(struct page *p)
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

void listing_drop(struct page *p)
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
