/* Posture feeds of vendors: their accounts, how they stand, which records are nobody's. */
#include "broker/api/call.h"
#include "broker/feeds/feeds.h"

#include <stdlib.h>

static struct json *signals_of(const struct vendor *v)
{
    struct json *list = json_array();

    for (size_t i = 0; v->signals[i] != NULL; i++)
        json_push(list, json_new_str(view_str(v->signals[i])));
    return list;
}

static struct json *devices_of(const struct feed_view *f)
{
    struct json *o = json_object();

    json_set_int(o, "told", f->row.records);
    json_set_int(o, "joined", f->row.joined);
    json_set_int(o, "not_joined", f->row.records - f->row.joined);
    return o;
}

static struct json *feed_object(const struct feed_view *f)
{
    const struct vendor *v = vendor_of(f->vendor);
    const struct feed_row *row = &f->row;
    struct json *o = json_object();

    json_set_cstr(o, "name", v->name);
    json_set_cstr(o, "title", v->title);
    json_set_cstr(o, "state", feed_state_word(f->state));
    json_set_cstr(o, "text", row->result);
    json_set_bool(o, "busy", f->busy);
    json_set(o, "devices", devices_of(f));
    json_set(o, "signals", signals_of(v));
    json_set_cstr(o, "source", v->source);
    json_set_cstr(o, "permission", v->permission);
    set_text_or_null(o, "region", vendor_region_of(f->vendor, row->base_url, row->login_url));
    json_set_cstr(o, "base_url", row->base_url);
    json_set_cstr(o, "login_url", row->login_url);
    set_text_or_null(o, "tenant", row->tenant);
    json_set_cstr(o, "client_id", row->client_id);
    json_set_int(o, "interval_ms", row->interval_ms);
    json_set_int(o, "ttl_ms", row->ttl_ms);
    set_time(o, "tried_at", row->tried_at);
    set_time(o, "ok_at", row->ok_at);
    set_time(o, "failing_since", row->failing_since);
    set_time(o, "stale_at", row->ok_at == 0 ? 0 : row->ok_at + row->ttl_ms);
    set_time(o, "next_at", row->next_at);
    return o;
}

static void push_feed(void *arg, const struct feed_view *f)
{
    json_push(arg, feed_object(f));
}

static struct json *regions_of(const struct vendor *v)
{
    struct json *list = json_array();

    for (const struct vendor_region *r = v->regions; r->name != NULL; r++)
        json_push(list, json_new_str(view_str(r->name)));
    return list;
}

/* What can be added: the console's form is made from it. */
static struct json *vendors_known(void)
{
    struct json *list = json_array();

    for (enum feed_vendor i = FEED_NONE + 1; i < FEED_VENDORS; i++) {
        const struct vendor *v = vendor_of(i);
        struct json *o = json_object();
        json_set_cstr(o, "name", v->name);
        json_set_cstr(o, "title", v->title);
        json_set_bool(o, "tenant", v->tenant);
        json_set_cstr(o, "permission", v->permission);
        json_set(o, "signals", signals_of(v));
        json_set(o, "regions", regions_of(v));
        json_push(list, o);
    }
    return list;
}

sp_error api_feed_list(struct api *api, struct api_call *c)
{
    struct json *o = json_object(), *items = json_array();

    feeds_each(api->feeds, push_feed, items);
    json_set(o, "items", items);
    json_set(o, "vendors", vendors_known());
    response_json(c->res, 200, o);
    return SP_OK;
}

/* Of the path.   SP_ERR_NOT_FOUND */
static sp_error which(struct api_call *c, enum feed_vendor *out)
{
    *out = vendor_find(request_param(c->req, "name"));
    return *out != FEED_NONE ? SP_OK : SP_ERR_NOT_FOUND;
}

static sp_error find(struct api *api, struct api_call *c, struct feed_view *out)
{
    enum feed_vendor v;
    sp_error e = which(c, &v);

    return e != SP_OK ? e : feeds_get(api->feeds, v, out);
}

sp_error api_feed_get(struct api *api, struct api_call *c)
{
    struct feed_view view;
    sp_error e = find(api, c, &view);

    if (e == SP_OK)
        response_json(c->res, 200, feed_object(&view));
    return e;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Texts of a spec while it is used; the secret stays in the body. */
struct spec_texts {
    char base_url[CALL_TEXT_MAX + 1], login_url[CALL_TEXT_MAX + 1];
    char tenant[CALL_TEXT_MAX + 1], client_id[CALL_TEXT_MAX + 1], untested[CALL_TEXT_MAX + 1];
};

/* NULL for null or absent. */
static sp_error optional(struct api_call *c, const struct json *body, const char *name,
                         char out[CALL_TEXT_MAX + 1], const char **text)
{
    const struct json *j = json_get(body, name);
    struct view v;

    *text = NULL;
    if (json_kind(j) == JSON_MISSING || json_kind(j) == JSON_NULL)
        return SP_OK;
    sp_error e = member_text(c, body, name, 1, CALL_TEXT_MAX, &v);
    if (e != SP_OK)
        return e;
    view_copy(out, CALL_TEXT_MAX + 1, v);
    *text = out;
    return SP_OK;
}

static sp_error read_region(struct api_call *c, const struct json *body, struct feed_spec *spec)
{
    char name[CALL_TEXT_MAX + 1];
    const char *region;
    sp_error e = optional(c, body, "region", name, &region);

    if (e != SP_OK || region == NULL)
        return e;
    const struct vendor_region *r = vendor_region(spec->vendor, view_str(region));
    sp_why_field(&c->why, "region");
    if (spec->base_url != NULL || spec->login_url != NULL)
        return sp_why_say(&c->why, SP_ERR_INVALID, "a region or addresses, not both");
    if (r == NULL)
        return sp_why_say(&c->why, SP_ERR_INVALID, "%s has no such region",
                          vendor_of(spec->vendor)->title);
    c->why.field[0] = '\0';
    spec->base_url = r->base_url;
    spec->login_url = r->login_url;
    return SP_OK;
}

static sp_error read_ms(struct api_call *c, const struct json *body, const char *name, int64_t *out)
{
    const struct json *j = json_get(body, name);

    if (json_kind(j) == JSON_MISSING || json_kind(j) == JSON_NULL)
        return SP_OK;
    if (json_get_int(body, name, 1, FEED_TTL_MS_MAX, out) == SP_OK)
        return SP_OK;
    sp_why_field(&c->why, "%s", name);
    return sp_why_say(&c->why, SP_ERR_INVALID, "%s is a number of milliseconds, at most 7 days",
                      name);
}

static sp_error read_secret(struct api_call *c, const struct json *body, struct feed_spec *spec)
{
    if (json_kind(json_get(body, "secret")) == JSON_MISSING ||
        json_kind(json_get(body, "secret")) == JSON_NULL)
        return SP_OK;
    return member_text(c, body, "secret", 1, FEED_SECRET_MAX, &spec->secret);
}

static sp_error read_spec(struct api_call *c, const struct json *body, struct spec_texts *t,
                          struct feed_spec *s)
{
    sp_error e;

    if ((e = optional(c, body, "base_url", t->base_url, &s->base_url)) != SP_OK ||
        (e = optional(c, body, "login_url", t->login_url, &s->login_url)) != SP_OK ||
        (e = read_region(c, body, s)) != SP_OK ||
        (e = optional(c, body, "tenant", t->tenant, &s->tenant)) != SP_OK ||
        (e = optional(c, body, "client_id", t->client_id, &s->client_id)) != SP_OK ||
        (e = optional(c, body, "untested", t->untested, &s->untested)) != SP_OK ||
        (e = read_ms(c, body, "interval_ms", &s->interval_ms)) != SP_OK ||
        (e = read_ms(c, body, "ttl_ms", &s->ttl_ms)) != SP_OK)
        return e;
    return read_secret(c, body, s);
}

/* Keeps it and answers; a test that did not pass is an answer of its own. */
static sp_error put(struct api *api, struct api_call *c, const struct feed_spec *spec)
{
    struct feed_view view;
    sp_error e = feeds_put(api->feeds, spec, &c->by, &c->why, &view);
    bool tested =
        e != SP_OK && c->why.text[0] != '\0' && e != SP_ERR_INVALID && e != SP_ERR_NOT_FOUND;

    if (tested)
        c->problem = (struct problem){.status = 422,
                                      .code = "feed_test",
                                      .title = "Not saved: the test did not pass",
                                      .detail = c->why.text};
    if (e == SP_OK)
        response_json(c->res, 200, feed_object(&view));
    return e;
}

sp_error api_feed_put(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"region",    "base_url", "login_url",   "tenant",
                                        "client_id", "secret",   "interval_ms", "ttl_ms",
                                        "untested",  NULL};
    struct feed_spec spec = {.vendor = FEED_NONE};
    struct spec_texts texts;
    struct json *body;
    sp_error e;

    if ((e = which(c, &spec.vendor)) != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    if ((e = read_spec(c, body, &texts, &spec)) == SP_OK)
        e = put(api, c, &spec);
    json_free(body);
    return e;
}

sp_error api_feed_secret(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"secret", "untested", NULL};
    struct spec_texts texts;
    struct feed_view now;
    struct json *body;
    sp_error e = find(api, c, &now);

    if (e != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    struct feed_spec spec = {.vendor = now.vendor,
                             .base_url = now.row.base_url,
                             .login_url = now.row.login_url,
                             .tenant = now.row.tenant,
                             .client_id = now.row.client_id,
                             .interval_ms = now.row.interval_ms,
                             .ttl_ms = now.row.ttl_ms};
    if ((e = member_text(c, body, "secret", 1, FEED_SECRET_MAX, &spec.secret)) == SP_OK &&
        (e = optional(c, body, "untested", texts.untested, &spec.untested)) == SP_OK)
        e = put(api, c, &spec);
    json_free(body);
    return e;
}

sp_error api_feed_remove(struct api *api, struct api_call *c)
{
    enum feed_vendor v;
    sp_error e = which(c, &v);

    if (e == SP_OK && (e = feeds_remove(api->feeds, v, &c->by)) == SP_OK)
        response_empty(c->res, 204);
    return e;
}

/* ---- asking ------------------------------------------------------------------------------- */

sp_error api_feed_test(struct api *api, struct api_call *c)
{
    struct feed_outcome outcome;
    enum feed_vendor v;
    sp_error e = which(c, &v);

    if (e != SP_OK || (e = feeds_test(api->feeds, v, &outcome)) != SP_OK)
        return e;
    struct json *o = json_object();
    json_set_bool(o, "ok", outcome.error == SP_OK);
    json_set_cstr(o, "text", outcome.text);
    json_set(o, "status", outcome.status == 0 ? json_new_null() : json_new_int(outcome.status));
    json_set_int(o, "devices", (int64_t)outcome.records);
    json_set_int(o, "ms", outcome.ms);
    response_json(c->res, 200, o);
    return SP_OK;
}

sp_error api_feed_sync(struct api *api, struct api_call *c)
{
    enum feed_vendor v;
    sp_error e = which(c, &v);

    if (e == SP_OK && (e = feeds_sync(api->feeds, v)) == SP_OK)
        response_empty(c->res, 204);
    return e;
}

sp_error api_feed_unjoined(struct api *api, struct api_call *c)
{
    struct feed_unjoined *all = calloc(FEED_UNJOINED_MAX, sizeof *all);
    struct feed_view view;
    size_t count = 0;
    sp_error e = all == NULL ? SP_ERR_NOMEM : find(api, c, &view);

    if (e == SP_OK)
        e = feeds_unjoined(api->feeds, view.vendor, all, FEED_UNJOINED_MAX, &count);
    if (e == SP_OK) {
        struct json *o = json_object(), *items = json_array();
        for (size_t i = 0; i < count; i++) {
            struct json *one = json_object();
            json_set_cstr(one, "id", all[i].id);
            set_text_or_null(one, "serial", all[i].serial);
            json_set_cstr(one, "why", join_word(all[i].why));
            json_push(items, one);
        }
        json_set(o, "items", items);
        json_set_int(o, "total", (int64_t)view.not_joined);
        response_json(c->res, 200, o);
    }
    free(all);
    return e;
}
