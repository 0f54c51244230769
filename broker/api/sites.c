#include "broker/registry/sites.h"

#include "broker/api/call.h"
#include "broker/api/names.h"
#include "broker/api/sites.h"
#include "broker/session/edges.h"
#include "broker/session/live.h"

#include <stdio.h>

static size_t apps_at(const struct names *n, struct sp_id site)
{
    size_t count = 0;

    for (size_t i = 0; i < n->s->app_count; i++)
        count += id_equal(n->s->apps[i].site, site);
    return count;
}

static size_t sessions_at(struct api *api, const struct names *n, struct sp_id site)
{
    size_t count = 0;

    for (size_t i = 0; i < n->s->app_count; i++)
        if (id_equal(n->s->apps[i].site, site))
            count += live_find(api->live, LIVE_APP, n->s->apps[i].id, NULL, 0);
    return count;
}

struct json *api_site_object(struct api *api, const struct names *n, const struct site_row *row)
{
    struct json *o = json_object();
    size_t enrolled, online;

    site_connectors(api, n, row->id, &enrolled, &online);
    json_set_id(o, "id", row->id);
    json_set_cstr(o, "name", row->name);
    json_set_int(o, "connectors", (int64_t)enrolled);
    json_set_int(o, "connectors_online", (int64_t)online);
    json_set_int(o, "apps", (int64_t)apps_at(n, row->id));
    json_set_int(o, "sessions_live", (int64_t)sessions_at(api, n, row->id));
    json_set_cstr(o, "state",
                  enrolled == 0 ? "empty"
                  : online == 0 ? "silent"
                  : online == 1 ? "single"
                                : "spare");
    return o;
}

sp_error api_site_list(struct api *api, struct api_call *c)
{
    char name[ROW_NAME_MAX + 1];
    struct page p;
    sp_error e;

    if ((e = call_text(c, "name", name, sizeof name)) != SP_OK ||
        (e = listing_begin(c, &p)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    for (size_t i = 0; i < n.s->site_count; i++) {
        const struct site_row *row = &n.s->sites[i];
        if ((name[0] && strcmp(name, row->name) != 0) || !listing_matches(&p, row->name))
            continue;
        if (listing_wants(&p, row->name))
            listing_push(&p, api_site_object(api, &n, row));
    }
    names_release(&n);
    response_json(c->res, 200, listing_object(&p));
    return SP_OK;
}

sp_error api_site_get(struct api *api, struct api_call *c)
{
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    const struct site_row *row = snapshot_site_by_id(n.s, id);
    if (row != NULL)
        response_json(c->res, 200, api_site_object(api, &n, row));
    names_release(&n);
    return row != NULL ? SP_OK : SP_ERR_NOT_FOUND;
}

sp_error api_site_create(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"name", NULL};
    struct json *body;
    struct view name;
    struct site_row row;
    char where[64];
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    e = member_text(c, body, "name", 1, 63, &name);
    if (e == SP_OK)
        e = sites_create(api->registry, name, &c->by, &c->why, &row);
    json_free(body);
    if (e != SP_OK)
        return e;
    settle(api);
    struct names n = names_hold(api);
    response_json(c->res, 201, api_site_object(api, &n, &row));
    names_release(&n);
    snprintf(where, sizeof where, "/api/v1/sites/%s", id_text(row.id).s);
    response_header(c->res, "location", view_str(where));
    return SP_OK;
}

sp_error api_site_remove(struct api *api, struct api_call *c)
{
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK ||
        (e = sites_remove(api->registry, id, &c->by, &c->why)) != SP_OK) {
        if (e == SP_ERR_BUSY)
            c->problem = (struct problem){.status = 409, .code = "conflict", .detail = c->why.text};
        return e;
    }
    settle(api);
    response_empty(c->res, 204);
    return SP_OK;
}
