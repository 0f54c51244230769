/* What an admin puts into an app's gateway from the page of one endpoint: words that are to stay
 * apart, and a limit. The rest of the app's text stays as its author wrote it. */
#include "broker/api/gateways.h"
#include "broker/registry/gateways.h"

#include <stdio.h>

#include "lib/base/banned.h"

enum { PATH_MAX_BYTES = 512, PER_MINUTE_MOST = 100000 };

static bool keep_row(void *arg, const struct endpoint_row *row)
{
    *(struct endpoint_row *)arg = *row;
    return false;
}

static sp_error endpoint_of(struct api *api, struct api_call *c, struct endpoint_row *out)
{
    struct store *st = registry_store(api->registry);
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    return e != SP_OK ? e : store_services(st)->inventory->get(st, id, keep_row, out);
}

/* Changes the gateway of the endpoint's app by one of both, and says which version it has then. */
static sp_error change(struct api *api, struct api_call *c, const struct endpoint_row *endpoint,
                       const struct gateway_item *item, const struct gateway_limit *limit)
{
    const struct snapshot *s = registry_hold(api->registry);
    const struct app_row *row = snapshot_app_by_id(s, endpoint->app);
    sp_error e = SP_ERR_NOT_FOUND;

    if (row != NULL) {
        const struct app_change now = {
            .expect_ver = row->ver, .record_key = api->record_key, .by = &c->by};
        if (item != NULL)
            e = gateways_item(api->registry, row, item, &now, &c->why);
        else if (limit != NULL)
            e = gateways_limit(api->registry, row, limit, &now, &c->why);
    }
    registry_release(api->registry, s);
    if (e != SP_OK)
        return e;
    settle(api);
    return answer_app_version(api, c, endpoint->app);
}

/* "/reports" stands before a parameter of "/reports/{report_id}". */
static bool stands_before(const char *below, const char *path)
{
    size_t n = strcmp(below, "/") == 0 ? 0 : strlen(below);

    return strncmp(path, below, n) == 0 && path[n] == '/' && path[n + 1] == '{';
}

static sp_error read_below(struct api_call *c, char *out, size_t room)
{
    static const char *const names[] = {"below", NULL};
    struct json *body;
    struct view v;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    if ((e = member_text(c, body, "below", 1, room - 1, &v)) == SP_OK)
        view_copy(out, room, v);
    json_free(body);
    return e;
}

static sp_error split(struct api *api, struct api_call *c, bool apart)
{
    struct endpoint_row endpoint;
    char below[PATH_MAX_BYTES + 1];
    sp_error e;

    if ((e = read_below(c, below, sizeof below)) != SP_OK ||
        (e = endpoint_of(api, c, &endpoint)) != SP_OK)
        return e;
    if (apart && !stands_before(below, endpoint.path)) {
        sp_why_field(&c->why, "below");
        return sp_why_say(&c->why, SP_ERR_INVALID,
                          "below is what stands before a parameter of this endpoint's path");
    }
    const struct gateway_item item = {.part = "split", .scalar = below, .drop = !apart};
    return change(api, c, &endpoint, &item, NULL);
}

sp_error api_endpoint_split(struct api *api, struct api_call *c)
{
    return split(api, c, true);
}

sp_error api_endpoint_merge(struct api *api, struct api_call *c)
{
    return split(api, c, false);
}

sp_error api_endpoint_limit(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"per_minute", "mode", NULL};
    struct gateway_limit limit = {.name = NULL};
    struct endpoint_row endpoint;
    char name[32], match[sizeof endpoint.method + sizeof endpoint.path];
    struct json *body;
    sp_error e;

    if ((e = call_body(c, names, &body)) != SP_OK)
        return e;
    const char *mode = json_cstr(json_get(body, "mode"));
    limit.block = mode != NULL && strcmp(mode, "block") == 0;
    if (json_get_int(body, "per_minute", 1, PER_MINUTE_MOST, &limit.per_minute) != SP_OK) {
        sp_why_field(&c->why, "per_minute");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "per_minute is a number from 1 to %d",
                       PER_MINUTE_MOST);
    } else if (mode != NULL && !limit.block && strcmp(mode, "monitor") != 0) {
        sp_why_field(&c->why, "mode");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "mode is monitor or block");
    }
    json_free(body);
    if (e != SP_OK || (e = endpoint_of(api, c, &endpoint)) != SP_OK)
        return e;
    snprintf(match, sizeof match, "%s %s", endpoint.method, endpoint.path);
    snprintf(name, sizeof name, "limit-%02x%02x%02x%02x", endpoint.id.bytes[0],
             endpoint.id.bytes[1], endpoint.id.bytes[2], endpoint.id.bytes[3]);
    limit.name = name;
    limit.match = match;
    return change(api, c, &endpoint, NULL, &limit);
}
