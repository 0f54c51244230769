/*
 * What a connector saw and the audit log must hold. Its word counts for itself only (TM-03,
 * INC-14): the record names the connector as the actor, and a user only where the session runs over
 * it.
 */
#include "broker/audit/chain.h"
#include "broker/control/control_internal.h"
#include "broker/session/live.h"
#include "lib/base/log.h"
#include "lib/crypto/hash.h"
#include "lib/proto/session.h"

#include <stdio.h>

enum { MINUTE_MS = 60 * 1000, DETAIL_MAX = 8 * 1024 };

static const struct {
    const char *action;
    enum audit_event event;
    enum audit_result result;
} actions[] = {
    {"refuse", AUDIT_SESSION_REFUSE, AUDIT_DENIED},
    {"gateway", AUDIT_GATEWAY_REFUSE, AUDIT_DENIED},
    {"incident", AUDIT_GATEWAY_INCIDENT, AUDIT_OK},
};

static bool too_many(struct peer *p)
{
    sp_boot_ms now = clock_boot();

    if (now - p->audit_since >= MINUTE_MS) {
        p->audit_since = now;
        p->audit_count = 0;
    }
    return ++p->audit_count > EDGE_AUDIT_A_MINUTE;
}

/* {"why":…, what the connector added, "lost":…} */
static void write_detail(const struct edge_audit *m, struct buf *out)
{
    struct json *j = json_object();

    json_set_str(j, "why", m->why);
    if (m->lost > 0)
        json_set_int(j, "lost", m->lost);
    if (m->detail != NULL)
        json_set(j, "connector", json_ref(m->detail));
    if (json_write(j, out) != SP_OK) {
        buf_reset(out);
        buf_add_str(out, "{\"cut\":true}");
    }
    json_free(j);
}

static void append(struct turn *t, const struct edge_audit *m, size_t action,
                   const struct session *s)
{
    const struct snapshot *snapshot = registry_hold(t->control->o.registry);
    const struct connector_row *row = snapshot_connector(snapshot, t->peer->id);
    const struct app_row *app = snapshot_app_by_id(snapshot, s != NULL ? s->app : m->app);
    char text[EDGE_AUDIT_TEXT_MAX + 1];
    struct buf detail;
    sp_error e;

    snprintf(text, sizeof text, "%.*s", VIEW_ARG(m->text));
    buf_init(&detail, DETAIL_MAX);
    write_detail(m, &detail);
    struct audit_record r = {.event = actions[action].event,
                             .result = actions[action].result,
                             .actor_kind = AUDIT_ACTOR_CONNECTOR,
                             .actor = t->peer->id,
                             .actor_name = row != NULL ? row->name : NULL,
                             .connector = t->peer->id,
                             .text = text,
                             .detail = buf_view(&detail)};
    if (app != NULL && row != NULL && id_equal(app->site, row->site)) {
        r.app = app->id;
        r.object = app->id;
        r.object_kind = "app";
        r.object_name = app->name;
    }
    if (s != NULL) {
        r.session = s->id;
        r.user = s->user;
        r.device = s->device;
        r.relay = s->relay;
        r.request = s->request;
    }
    if ((e = audit_now(registry_store(t->control->o.registry), &r)) != SP_OK)
        log_event(LOG_ERROR, "control.audit", sp_error_text(e), "connector", LOG_ID(t->peer->id),
                  NULL);
    buf_deinit(&detail);
    registry_release(t->control->o.registry, snapshot);
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

struct keeping {
    const struct store_incidents *incidents;
    const struct incident_row *row;
};

static sp_error put_incident(struct store_tx *tx, void *arg)
{
    const struct keeping *k = arg;

    return k->incidents->put(tx, k->row);
}

static void keep_incident(struct turn *t, const struct edge_audit *m, const struct session *s)
{
    struct view detector, endpoint, user;
    struct incident_row row = {.app = m->app, .connector = t->peer->id};
    struct buf body;
    sp_error e;

    buf_init(&body, DETAIL_MAX);
    if ((e = json_get_str(m->detail, "detector", sizeof row.detector - 1, &detector)) == SP_OK &&
        (e = json_get_str(m->detail, "endpoint", sizeof row.endpoint - 1, &endpoint)) == SP_OK &&
        (e = json_get_str(m->detail, "user", 64, &user)) == SP_OK &&
        (e = json_get_int(m->detail, "first", 1, INT64_MAX, &row.first)) == SP_OK &&
        (e = json_get_int(m->detail, "last", row.first, INT64_MAX, &row.last)) == SP_OK &&
        (e = json_write(m->detail, &body)) == SP_OK) {
        view_copy(row.detector, sizeof row.detector, detector);
        view_copy(row.endpoint, sizeof row.endpoint, endpoint);
        row.user = s != NULL ? s->user : (struct sp_id){0};
        row.body = buf_view(&body);
        row.id = incident_name(&row, user);
        struct store *st = registry_store(t->control->o.registry);
        struct keeping k = {store_services(st)->incidents, &row};
        e = store_commit(st, put_incident, &k);
    }
    if (e != SP_OK)
        log_event(LOG_ERROR, "control.incident", sp_error_text(e), "connector", LOG_ID(t->peer->id),
                  NULL);
    buf_deinit(&body);
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

void connector_audit(struct turn *t)
{
    struct edge_audit m;
    struct session s;
    size_t action = 0;

    if (!turn_read(t, edge_audit_fields, &m))
        return;
    while (action < sizeof actions / sizeof *actions && !view_is(m.action, actions[action].action))
        action++;
    if (action == sizeof actions / sizeof *actions || too_many(t->peer)) {
        log_event(LOG_WARN, "control.audit", "a connector's record is not taken", "connector",
                  LOG_ID(t->peer->id), NULL);
        return;
    }
    bool own = !id_is_zero(m.session) && live_get(t->control->o.live, m.session, &s) == SP_OK &&
               id_equal(s.connector, t->peer->id);
    append(t, &m, action, own ? &s : NULL);
    if (actions[action].event == AUDIT_GATEWAY_INCIDENT && connector_serves(t, m.app))
        keep_incident(t, &m, own ? &s : NULL);
}
