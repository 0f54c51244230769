/* What one connector of a site tells the others: passed on as it came, unread. */
#include "broker/control/control_internal.h"
#include "lib/base/log.h"
#include "lib/proto/gateway.h"

/* Of one connector: objects of 20 apps each second; what is usual, of 10 apps at once. */
enum { OBJECTS_A_MINUTE = 1200, USUAL_A_MINUTE = 600 };

static void pass_on(struct turn *t, const struct api_sealed_type *as, const struct api_sealed *m)
{
    struct control *c = t->control;
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct app_row *app = snapshot_app_by_id(s, m->app);

    for (size_t i = 0; app != NULL && i < s->connector_count; i++) {
        const struct connector_row *row = &s->connectors[i];
        if (!id_equal(row->site, app->site) || id_equal(row->id, t->peer->id))
            continue;
        uint64_t edge = edge_of(c, EDGE_CONNECTOR, row->id);
        struct json *members = edge == 0 ? NULL : fields_write(as->fields, m);
        if (members != NULL)
            listener_send(c->listener, edge, as->type, members);
    }
    registry_release(c->o.registry, s);
}

static void take(struct turn *t, enum api_sealed_kind kind, struct minute *spent, unsigned most)
{
    const struct api_sealed_type *as = &api_sealed_types[kind];
    struct api_sealed m;
    struct sp_why why = {0};
    sp_error e = fields_read(t->message->members, as->fields, &why, &m);

    if (e == SP_OK && (!minute_takes(spent, clock_boot(), 1, most) || !connector_serves(t, m.app)))
        e = SP_ERR_DENIED;
    if (e == SP_OK)
        pass_on(t, as, &m);
    else
        log_event(LOG_WARN, "control.siblings", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "connector", LOG_ID(t->peer->id), "type", as->type, NULL);
}

void connector_objects(struct turn *t)
{
    take(t, API_OBJECTS, &t->peer->objects, OBJECTS_A_MINUTE);
}

void connector_usual(struct turn *t)
{
    take(t, API_USUAL, &t->peer->usual, USUAL_A_MINUTE);
}
