/* Changes in the registry that an attached edge must hear of at once. */
#include "broker/control/control_internal.h"
#include "broker/store/changes.h"

enum { SETTLE_MS = 2000 };

static void app_changed(struct control *c, struct sp_id app)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct app_row *row = snapshot_app_by_id(s, app);

    if (row != NULL)
        edges_app_changed(c->o.edges, row->site, app, false);
    for (size_t i = 0; i < s->site_count; i++) /* removed, or moved from another site */
        if (row == NULL || !id_equal(s->sites[i].id, row->site))
            edges_app_changed(c->o.edges, s->sites[i].id, app, true);
    registry_release(c->o.registry, s);
}

static void edge_changed(struct control *c, enum edge_kind kind, struct sp_id id)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct connector_row *connector = snapshot_connector(s, id);
    const struct relay_row *relay = snapshot_relay(s, id);
    bool revoked = kind == EDGE_CONNECTOR ? connector == NULL || connector->state == EDGE_REVOKED
                                          : relay == NULL || relay->state == EDGE_REVOKED;

    registry_release(c->o.registry, s);
    if (revoked)
        edges_close(c->o.edges, kind, id, CHANNEL_CLOSE_CUT, "revoked");
    if (kind == EDGE_RELAY)
        edges_relays_changed(c->o.edges);
}

static void device_changed(struct control *c, struct sp_id id)
{
    struct store *st = registry_store(c->o.registry);
    struct device_row row;
    sp_error e = store_services(st)->registry->device_get(st, id, &row);

    if (e == SP_ERR_NOT_FOUND ||
        (e == SP_OK && (row.state == ROW_DEVICE_BLOCKED || row.state == ROW_DEVICE_LOST)))
        edges_close(c->o.edges, EDGE_AGENT, id, CHANNEL_CLOSE_CUT, "revoked");
}

static void on_row(void *arg, const struct change_row *row)
{
    struct control *c = arg;

    if (row->kind == CHANGE_APP)
        app_changed(c, row->subject);
    else if (row->kind == CHANGE_CONNECTOR)
        edge_changed(c, EDGE_CONNECTOR, row->subject);
    else if (row->kind == CHANGE_RELAY)
        edge_changed(c, EDGE_RELAY, row->subject);
    else if (row->kind == CHANGE_DEVICE)
        device_changed(c, row->subject);
}

void control_follows(struct control *c, struct changes *changes)
{
    c->changes = changes;
}

void control_settle(struct control *c)
{
    /* Late: the edge is "unknown" until it comes again, and nothing worse. */
    sp_ignore(changes_wait(c->changes, SETTLE_MS));
}

struct changes_listener control_listener(struct control *c)
{
    return (struct changes_listener){.row = on_row, .arg = c};
}
