/* Saved views: the filters of a list under a name. */
#include "broker/registry/views.h"

#include "broker/api/call.h"
#include "broker/api/names.h"

#include <stdio.h>

/* Pages that have filters; a view is of one of them. */
static const char *const pages[] = {"apps",  "users",     "devices",   "sessions", "requests",
                                    "audit", "incidents", "endpoints", "sites",    "policies"};

struct listing {
    struct names names;
    struct sp_id me;
    struct json *items;
};

static struct json *view_object(const struct names *n, struct sp_id me, const struct view_row *row)
{
    struct json *o = json_object();

    json_set_id(o, "id", row->id);
    json_set_cstr(o, "page", row->page);
    json_set_cstr(o, "name", row->name);
    json_set_cstr(o, "query", row->query);
    json_set_bool(o, "shared", row->shared);
    set_user(o, "owner", n, row->owner);
    json_set_bool(o, "mine", id_equal(row->owner, me));
    json_set_int(o, "version", (int64_t)row->ver);
    return o;
}

static bool push(void *arg, const struct view_row *row)
{
    struct listing *l = arg;

    json_push(l->items, view_object(&l->names, l->me, row));
    return true;
}

sp_error api_view_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct listing l = {.me = c->caller.user.id, .items = json_array()};
    char page[32];
    sp_error e = call_text(c, "page", page, sizeof page);

    l.names = names_hold(api);
    if (e == SP_OK)
        e = store_services(st)->access->view_list(st, l.me, page, push, &l);
    names_release(&l.names);
    if (e != SP_OK) {
        json_free(l.items);
        return e;
    }
    struct json *o = json_object();
    json_set(o, "items", l.items);
    response_json(c->res, 200, o);
    return SP_OK;
}

static sp_error read_page(struct api_call *c, const struct json *body, struct view_row *row)
{
    struct view page;
    sp_error e = member_text(c, body, "page", 1, sizeof row->page - 1, &page);

    if (e != SP_OK)
        return e;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (view_is(page, pages[i])) {
            view_copy(row->page, sizeof row->page, page);
            return SP_OK;
        }
    sp_why_field(&c->why, "page");
    return sp_why_say(&c->why, SP_ERR_INVALID, "there is no such page");
}

/* A query as a URL has it: no control character, no '#', nothing that leaves the page. */
static sp_error read_query(struct api_call *c, const struct json *body, struct view_row *row)
{
    struct view query;
    sp_error e = member_text(c, body, "query", 0, sizeof row->query - 1, &query);

    for (size_t i = 0; e == SP_OK && i < query.len; i++)
        if (query.at[i] <= ' ' || query.at[i] >= 0x7f || strchr("#<>\"'\\", query.at[i]) != NULL) {
            sp_why_field(&c->why, "query");
            e = sp_why_say(&c->why, SP_ERR_INVALID, "query is the part of a URL behind '?'");
        }
    if (e == SP_OK)
        view_copy(row->query, sizeof row->query, query);
    return e;
}

static sp_error read_rest(struct api_call *c, const struct json *body, struct view_row *row)
{
    struct view name;
    sp_error e = member_text(c, body, "name", 1, ROW_NAME_MAX, &name);

    if (e != SP_OK || (e = read_query(c, body, row)) != SP_OK)
        return e;
    view_copy(row->name, sizeof row->name, name);
    row->shared = json_is_true(json_get(body, "shared"));
    return SP_OK;
}

static sp_error put(struct api *api, struct api_call *c, struct view_row *row, int status)
{
    sp_error e = views_put(api->registry, row, &c->by);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    response_json(c->res, status, view_object(&n, c->caller.user.id, row));
    names_release(&n);
    answer_etag(c, row->ver);
    return SP_OK;
}

sp_error api_view_create(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"page", "name", "query", "shared", NULL};
    struct view_row row = {.owner = c->caller.user.id};
    struct json *body;
    sp_error e;

    if (id_is_zero(row.owner))
        return SP_ERR_DENIED; /* the bootstrap session is nobody who could own one */
    if ((e = call_body(c, names, &body)) != SP_OK)
        return e;
    if ((e = read_page(c, body, &row)) == SP_OK && (e = read_rest(c, body, &row)) == SP_OK)
        e = put(api, c, &row, 201);
    json_free(body);
    return e;
}

/* Mine; another's is not there. */
static sp_error find_mine(struct api *api, struct api_call *c, struct view_row *out)
{
    struct store *st = registry_store(api->registry);
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e == SP_OK)
        e = store_services(st)->access->view_get(st, id, out);
    return e == SP_OK && !id_equal(out->owner, c->caller.user.id) ? SP_ERR_NOT_FOUND : e;
}

sp_error api_view_update(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"name", "query", "shared", NULL};
    struct view_row row;
    struct json *body;
    uint64_t expected;
    sp_error e;

    if ((e = call_if_match(c, &expected)) != SP_OK || (e = find_mine(api, c, &row)) != SP_OK ||
        (e = call_body(c, names, &body)) != SP_OK)
        return e;
    row.ver = expected;
    if (expected == 0)
        e = SP_ERR_CONFLICT;
    if (e == SP_OK && (e = read_rest(c, body, &row)) == SP_OK)
        e = put(api, c, &row, 200);
    json_free(body);
    return e;
}

sp_error api_view_remove(struct api *api, struct api_call *c)
{
    struct view_row row;
    sp_error e = find_mine(api, c, &row);

    if (e == SP_OK && (e = views_remove(api->registry, &row, &c->by)) == SP_OK)
        response_empty(c->res, 204);
    return e;
}
