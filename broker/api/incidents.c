/* What the gateways of connectors found, as the connectors told it. */
#include "broker/api/call.h"
#include "broker/api/names.h"
#include "lib/base/num.h"

#include <stdio.h>

/* Those that serve the app besides: what they have seen is in an incident of this one only as far
 * as its connector says (`merged`). */
static int64_t other_connectors(const struct snapshot *s, const struct incident_row *row)
{
    const struct app_row *app = snapshot_app_by_id(s, row->app);
    int64_t others = 0;

    for (size_t i = 0; app != NULL && i < s->connector_count; i++)
        others += id_equal(s->connectors[i].site, app->site) &&
                  !id_equal(s->connectors[i].id, row->connector);
    return others;
}

/* The connector's own words (evidence, counts) with the broker's names around them. */
static struct json *incident_object(const struct names *n, const struct incident_row *row)
{
    static const char *const theirs[] = {"score",          "threshold",  "evidence",
                                         "count",          "mode",       "would_have_blocked",
                                         "blocked",        "decision",   "policy_version",
                                         "app_version",    "document",   "request_bytes",
                                         "response_bytes", "latency_us", "merged"};
    struct json *o = json_object(), *body = NULL;

    json_set_id(o, "id", row->id);
    json_set_cstr(o, "detector", row->detector);
    json_set_cstr(o, "endpoint", row->endpoint);
    set_app(o, "app", n, row->app);
    json_set_id(o, "connector", row->connector);
    json_set_int(o, "other_connectors", other_connectors(n->s, row));
    if (id_is_zero(row->user))
        set_null(o, "user");
    else
        set_user(o, "user", n, row->user);
    json_set_time(o, "first", row->first);
    json_set_time(o, "last", row->last);
    if (json_parse(row->body, 16 * 1024, NULL, &body) == SP_OK)
        for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
            if (json_get(body, theirs[i]) != NULL)
                json_set(o, theirs[i], json_ref(json_get(body, theirs[i])));
    json_free(body);
    return o;
}

struct incident_list {
    const struct names *names;
    struct page *page;
    size_t count;
};

static bool push_incident(void *arg, const struct incident_row *row)
{
    struct incident_list *l = arg;

    if (l->count++ == l->page->limit) {
        l->page->more = true;
        return false;
    }
    listing_push(l->page, incident_object(l->names, row));
    snprintf(l->page->next, sizeof l->page->next, "%lld.%s", (long long)row->last,
             id_text(row->id).s);
    return true;
}

/* "LAST.ID". */
static sp_error read_cursor(struct api_call *c, const char *text, struct incident_row *edge)
{
    const char *dot = strchr(text, '.');
    uint64_t last = 0;

    if (text[0] == '\0')
        return SP_OK;
    if (dot != NULL &&
        num_uint(view_slice(view_str(text), 0, (size_t)(dot - text)), INT64_MAX, &last) == SP_OK &&
        last > 0 && id_parse(view_str(dot + 1), &edge->id) == SP_OK) {
        edge->last = (sp_unix_ms)last;
        return SP_OK;
    }
    return call_cursor_bad(c);
}

sp_error api_incident_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    const struct store_incidents *incidents = store_services(st)->incidents;
    char detector[32];
    struct incident_filter f = {.detector = detector};
    struct incident_row edge = {0};
    struct page p;
    sp_error e;

    if ((e = call_text(c, "detector", detector, sizeof detector)) != SP_OK ||
        (e = call_id(c, "app", &f.app)) != SP_OK || (e = call_id(c, "user", &f.user)) != SP_OK ||
        (e = listing_begin(c, &p)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    struct incident_list l = {&n, &p, 0};
    if ((e = read_cursor(c, p.after, &edge)) == SP_OK &&
        (e = incidents->list(st, &f, &edge, p.limit + 1, push_incident, &l)) == SP_OK)
        e = incidents->count(st, &f, COUNT_EXACT_MAX + 1, &p.total);
    names_release(&n);
    if (e == SP_OK)
        response_json(c->res, 200, listing_object(&p));
    else
        listing_drop(&p);
    return e;
}

struct one_incident {
    const struct names *names;
    struct json *out;
};

static bool take_incident(void *arg, const struct incident_row *row)
{
    struct one_incident *one = arg;

    one->out = incident_object(one->names, row);
    return false;
}

sp_error api_incident_get(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct names n = names_hold(api);
    struct one_incident one = {&n, NULL};
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e == SP_OK)
        e = store_services(st)->incidents->get(st, id, take_incident, &one);
    names_release(&n);
    if (e == SP_OK)
        response_json(c->res, 200, one.out);
    return e;
}
