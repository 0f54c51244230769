/* What one connector of a site tells the others: passed on as it came, unread. */
#include "broker/control/control_internal.h"
#include "lib/base/log.h"
#include "lib/proto/gateway.h"

enum { OBJECTS_A_MINUTE = 1200 }; /* of one connector: 20 apps each second */

static void pass_on(struct turn *t, const struct api_objects *m)
{
    struct control *c = t->control;
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct app_row *app = snapshot_app_by_id(s, m->app);

    for (size_t i = 0; app != NULL && i < s->connector_count; i++) {
        const struct connector_row *row = &s->connectors[i];
        if (!id_equal(row->site, app->site) || id_equal(row->id, t->peer->id))
            continue;
        uint64_t edge = edge_of(c, EDGE_CONNECTOR, row->id);
        struct json *members = edge == 0 ? NULL : fields_write(api_objects_fields, m);
        if (members != NULL)
            listener_send(c->listener, edge, "api.objects", members);
    }
    registry_release(c->o.registry, s);
}

void connector_objects(struct turn *t)
{
    struct api_objects m;
    struct sp_why why = {0};
    sp_error e = fields_read(t->message->members, api_objects_fields, &why, &m);

    if (e == SP_OK && (!minute_takes(&t->peer->objects, clock_boot(), 1, OBJECTS_A_MINUTE) ||
                       !connector_serves(t, m.app)))
        e = SP_ERR_DENIED;
    if (e == SP_OK)
        pass_on(t, &m);
    else
        log_event(LOG_WARN, "control.objects", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "connector", LOG_ID(t->peer->id), NULL);
}
