#include "broker/control/witness.h"

#include "lib/base/log.h"
#include "lib/crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 8 * 1024 };

static const struct {
    const char *action;
    enum audit_event event;
    enum audit_result result;
} actions[] = {
    {"refuse", AUDIT_SESSION_REFUSE, AUDIT_DENIED},
    {"gateway", AUDIT_GATEWAY_REFUSE, AUDIT_DENIED},
    {"incident", AUDIT_GATEWAY_INCIDENT, AUDIT_OK},
};

/* The session, if it runs over this connector or ran over it: a record may be told long after. */
static struct session session_of(struct turn *t, struct sp_id id)
{
    struct store *st = registry_store(t->control->o.registry);
    struct session s = {0};
    struct session_row row;

    if (id_is_zero(id))
        return s;
    if (live_get(t->control->o.live, id, &s) != SP_OK &&
        store_services(st)->presence->session_was(st, id, &row) == SP_OK)
        s = (struct session){.id = id,
                             .user = row.user,
                             .device = row.device,
                             .app = row.app,
                             .relay = row.relay,
                             .connector = row.connector};
    return id_equal(s.connector, t->peer->id) ? s : (struct session){0};
}

/* {"why":…, what the connector added, "lost":…, "at":…} */
static void write_detail(const struct edge_audit *m, struct buf *out)
{
    struct json *j = json_object();

    json_set_str(j, "why", m->why);
    if (m->lost > 0)
        json_set_int(j, "lost", m->lost);
    if (m->at > 0)
        json_set_time(j, "at", m->at);
    if (m->detail != NULL)
        json_set(j, "connector", json_ref(m->detail));
    if (json_write(j, out) != SP_OK) {
        buf_reset(out);
        buf_add_str(out, "{\"cut\":true}");
    }
    json_free(j);
}

/* ---- incidents ---------------------------------------------------------------------------- */

/* The same finding told again is the same row: its name follows from what never changes in it. */
static struct sp_id incident_name(const struct incident_row *row, struct view subject)
{
    struct hash_stream h = {{0}};
    struct sp_id id;

    hash_sha256_start(&h);
    hash_sha256_more(&h, id_view(&row->app));
    hash_sha256_more(&h, id_view(&row->connector));
    hash_sha256_more(&h, (struct view){(const uint8_t *)&row->first, sizeof row->first});
    hash_sha256_more(&h, view_str(row->detector));
    hash_sha256_more(&h, (struct view){(const uint8_t *)"", 1});
    hash_sha256_more(&h, view_str(row->endpoint));
    hash_sha256_more(&h, (struct view){(const uint8_t *)"", 1});
    hash_sha256_more(&h, subject);
    struct hash sum = hash_sha256_end(&h);
    memcpy(&id, sum.bytes, sizeof id);
    return id;
}

/* What the row of an incident needs of its detail. */
static sp_error read_incident(const struct edge_audit *m, struct testimony *w)
{
    struct incident_row *row = &w->incident;
    struct view detector, endpoint, user;
    sp_error e;

    row->app = m->app;
    row->connector = w->record.connector;
    if ((e = json_get_str(m->detail, "detector", sizeof row->detector - 1, &detector)) != SP_OK ||
        (e = json_get_str(m->detail, "endpoint", sizeof row->endpoint - 1, &endpoint)) != SP_OK ||
        (e = json_get_str(m->detail, "user", 64, &user)) != SP_OK ||
        (e = json_get_int(m->detail, "first", 1, INT64_MAX, &row->first)) != SP_OK ||
        (e = json_get_int(m->detail, "last", row->first, INT64_MAX, &row->last)) != SP_OK ||
        (e = json_write(m->detail, &w->body)) != SP_OK)
        return e;
    view_copy(row->detector, sizeof row->detector, detector);
    view_copy(row->endpoint, sizeof row->endpoint, endpoint);
    row->user = w->session.user;
    row->body = buf_view(&w->body);
    row->id = incident_name(row, user);
    return SP_OK;
}

/* ---- a record ----------------------------------------------------------------------------- */

static void name_session(struct testimony *w)
{
    const struct session *s = &w->session;

    w->record.session = s->id;
    w->record.user = s->user;
    w->record.device = s->device;
    w->record.relay = s->relay;
    w->record.request = s->request[0] != '\0' ? s->request : NULL;
}

bool witness_hear(struct turn *t, const struct snapshot *snapshot, const struct edge_audit *m,
                  struct testimony *out)
{
    const struct connector_row *row = snapshot_connector(snapshot, t->peer->id);
    size_t action = 0;
    sp_error e;

    while (action < sizeof actions / sizeof *actions && !view_is(m->action, actions[action].action))
        action++;
    if (action == sizeof actions / sizeof *actions)
        return false;
    *out = (struct testimony){.session = session_of(t, m->session)};
    buf_init(&out->detail, DETAIL_MAX);
    buf_init(&out->body, DETAIL_MAX);
    view_copy(out->text, sizeof out->text, m->text);
    write_detail(m, &out->detail);
    out->record = (struct audit_record){.event = actions[action].event,
                                        .result = actions[action].result,
                                        .actor_kind = AUDIT_ACTOR_CONNECTOR,
                                        .actor = t->peer->id,
                                        .actor_name = row != NULL ? row->name : NULL,
                                        .connector = t->peer->id,
                                        .text = out->text,
                                        .detail = buf_view(&out->detail)};
    bool own = !id_is_zero(out->session.id);
    const struct app_row *app = snapshot_app_by_id(snapshot, own ? out->session.app : m->app);
    if (app != NULL && row != NULL && id_equal(app->site, row->site)) {
        out->record.app = app->id;
        out->record.object = app->id;
        out->record.object_kind = "app";
        out->record.object_name = app->name;
    }
    if (own)
        name_session(out);
    if (out->record.event == AUDIT_GATEWAY_INCIDENT && connector_serves(t, m->app)) {
        e = read_incident(m, out);
        out->is_incident = e == SP_OK;
        if (e != SP_OK)
            log_event(LOG_WARN, "control.incident", sp_error_text(e), "connector",
                      LOG_ID(t->peer->id), NULL);
    }
    return true;
}

sp_error witness_keep(struct store_tx *tx, const struct store_services *s,
                      const struct testimony *w)
{
    sp_error e = audit_append(tx, s, &w->record);

    return e == SP_OK && w->is_incident ? s->incidents->put(tx, &w->incident) : e;
}

void witness_end(struct testimony *w)
{
    buf_deinit(&w->detail);
    buf_deinit(&w->body);
}

bool connector_serves(struct turn *t, struct sp_id app)
{
    const struct snapshot *snapshot = registry_hold(t->control->o.registry);
    const struct connector_row *row = snapshot_connector(snapshot, t->peer->id);
    const struct app_row *a = snapshot_app_by_id(snapshot, app);
    bool is = row != NULL && a != NULL && id_equal(a->site, row->site);

    registry_release(t->control->o.registry, snapshot);
    return is;
}
