#include "broker/api/names.h"

#include "broker/api/call.h"
#include "broker/session/edges.h"

struct names names_hold(struct api *api)
{
    return (struct names){api->registry, registry_hold(api->registry)};
}

void names_release(struct names *n)
{
    registry_release(n->registry, n->s);
    n->s = NULL;
}

void set_site(struct json *o, const char *member, const struct names *n, struct sp_id id)
{
    const struct site_row *row = snapshot_site_by_id(n->s, id);

    set_ref(o, member, id, row ? row->name : "");
}

void set_app(struct json *o, const char *member, const struct names *n, struct sp_id id)
{
    const struct app_row *row = snapshot_app_by_id(n->s, id);

    set_ref(o, member, id, row ? row->name : "");
}

void set_connector(struct json *o, const char *member, const struct names *n, struct sp_id id)
{
    const struct connector_row *row = snapshot_connector(n->s, id);

    set_ref(o, member, id, row ? row->name : "");
}

void set_relay(struct json *o, const char *member, const struct names *n, struct sp_id id)
{
    const struct relay_row *row = snapshot_relay(n->s, id);

    set_ref(o, member, id, row ? row->name : "");
}

void set_user(struct json *o, const char *member, const struct names *n, struct sp_id id)
{
    struct store *st = registry_store(n->registry);
    struct user_row row = {.name = ""};

    /* A user that is gone has no name any more; the id still stands in the answer. */
    if (!id_is_zero(id))
        sp_ignore(store_services(st)->registry->user_get(st, id, &row));
    set_ref(o, member, id, row.name);
}

void set_device(struct json *o, const char *member, const struct names *n, struct sp_id id)
{
    struct store *st = registry_store(n->registry);
    struct device_row row = {.name = ""};

    if (!id_is_zero(id))
        sp_ignore(store_services(st)->registry->device_get(st, id, &row)); /* as above */
    set_ref(o, member, id, row.name);
}

void site_connectors(struct api *api, const struct names *n, struct sp_id site, size_t *enrolled,
                     size_t *online)
{
    struct edge_info info;

    *enrolled = *online = 0;
    for (size_t i = 0; i < n->s->connector_count; i++) {
        const struct connector_row *c = &n->s->connectors[i];
        if (!id_equal(c->site, site) || c->state == EDGE_REVOKED)
            continue;
        (*enrolled)++;
        if (edges_find(api->edges, EDGE_CONNECTOR, c->id, &info) == SP_OK)
            (*online)++;
    }
}
