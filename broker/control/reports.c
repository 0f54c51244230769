/*
 * What the gateways of connectors report of their apps. A connector's word counts for apps of its
 * own site only, and for a person only where that person's session runs over it (TM-03).
 */
#include "broker/control/control_internal.h"
#include "broker/session/live.h"
#include "lib/base/log.h"
#include "lib/proto/gateway.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    REPORTS_A_MINUTE = 600, /* of one connector: a round of 4096 endpoints takes 256 */
    ENDPOINTS_MAX = 4608, /* of an app at a connector: its own limit, and as many as may be going */
    DAYS_KEPT = 8
};

struct keeping {
    const struct turn *turn;
    const struct store_inventory *inventory;
    struct api_report report;
    struct sp_id users[API_HITS_MAX];
    struct buf bodies[API_ROWS_MAX];
    sp_unix_ms now;
    size_t left_out;
};

static sp_error put_row(struct store_tx *tx, struct keeping *k, size_t i)
{
    const struct api_row *m = &k->report.rows[i];
    struct endpoint_row row = {.app = k->report.app,
                               .connector = k->turn->peer->id,
                               .states = (uint32_t)m->states,
                               .first = m->first,
                               .last = m->last,
                               .calls = m->calls,
                               .users = m->users,
                               .errors = m->errors,
                               .p95_us = m->p95_us,
                               .violations = m->violations,
                               .refused = m->refused,
                               .round = k->report.round,
                               .body = buf_view(&k->bodies[i])};

    view_copy(row.method, sizeof row.method, m->method);
    view_copy(row.path, sizeof row.path, m->path);
    sp_error e = k->inventory->put(tx, &row, k->now / DAY_MS, ENDPOINTS_MAX);
    k->left_out += e == SP_ERR_LIMIT;
    return e == SP_ERR_LIMIT ? SP_OK : e;
}

static sp_error put_hit(struct store_tx *tx, const struct keeping *k, size_t i)
{
    const struct api_hit *m = &k->report.hits[i];
    struct hit_row row = {.app = k->report.app,
                          .user = k->users[i],
                          .day = k->now / DAY_MS,
                          .blocked = m->blocked,
                          .monitor = m->monitor,
                          .last = k->now};

    view_copy(row.reason, sizeof row.reason, m->reason);
    view_copy(row.rule, sizeof row.rule, m->rule);
    view_copy(row.endpoint, sizeof row.endpoint, m->endpoint);
    return k->inventory->hit_add(tx, &row);
}

static sp_error put_day(struct store_tx *tx, const struct keeping *k)
{
    const struct api_coverage *c = &k->report.coverage[0];
    const struct gateway_day_row row = {.app = k->report.app,
                                        .connector = k->turn->peer->id,
                                        .day = k->now / DAY_MS,
                                        .documented = k->report.documented,
                                        .full = k->report.full,
                                        .requests = c->requests,
                                        .known = c->documented,
                                        .token = c->token,
                                        .owner = c->owner,
                                        .read = c->read,
                                        .unasked = c->unasked,
                                        .oversize = c->oversize,
                                        .streaming = c->streaming,
                                        .coding = c->coding,
                                        .media_type = c->media_type,
                                        .broken = c->broken,
                                        .lost = c->lost};

    return k->inventory->day_add(tx, &row);
}

static sp_error keep(struct store_tx *tx, void *arg)
{
    struct keeping *k = arg;
    sp_error e = SP_OK;

    k->left_out = 0;
    for (size_t i = 0; e == SP_OK && i < k->report.row_count; i++)
        e = put_row(tx, k, i);
    for (size_t i = 0; e == SP_OK && i < k->report.hit_count; i++)
        e = put_hit(tx, k, i);
    if (e == SP_OK)
        e = put_day(tx, k);
    if (e == SP_OK && k->report.ended) {
        e = k->inventory->sweep(tx, k->report.app, k->turn->peer->id, k->report.round);
        if (e == SP_OK)
            e = k->inventory->forget(tx, k->now / DAY_MS - DAYS_KEPT, k->now);
    }
    return e;
}

/* Whose session it is, and only if it runs over this connector. */
static struct sp_id user_of(struct turn *t, struct sp_id session)
{
    struct session s;

    return !id_is_zero(session) && live_get(t->control->o.live, session, &s) == SP_OK &&
                   id_equal(s.connector, t->peer->id)
               ? s.user
               : (struct sp_id){0};
}

static sp_error prepare(struct turn *t, struct keeping *k)
{
    sp_error e = SP_OK;

    for (size_t i = 0; i < k->report.hit_count; i++)
        k->users[i] = user_of(t, k->report.hits[i].session);
    for (size_t i = 0; i < k->report.row_count; i++) {
        buf_init(&k->bodies[i], API_DETAIL_MAX);
        if (e == SP_OK && k->report.rows[i].detail != NULL)
            e = json_write(k->report.rows[i].detail, &k->bodies[i]);
    }
    return e;
}

void connector_report(struct turn *t)
{
    struct store *st = registry_store(t->control->o.registry);
    struct keeping *k = calloc(1, sizeof *k);
    struct sp_why why = {0};
    sp_error e = SP_ERR_NOMEM;

    if (k != NULL && (e = api_report_read(t->message->members, &why, &k->report)) == SP_OK &&
        (!minute_takes(&t->peer->reports, clock_boot(), 1, REPORTS_A_MINUTE) ||
         !connector_serves(t, k->report.app)))
        e = SP_ERR_DENIED;
    if (e == SP_OK) {
        k->turn = t;
        k->inventory = store_services(st)->inventory;
        k->now = clock_unix();
        if ((e = prepare(t, k)) == SP_OK)
            e = store_commit(st, keep, k);
        if (e == SP_OK)
            tally_add(&t->control->tally, t->peer->id, &k->report);
        for (size_t i = 0; i < k->report.row_count; i++)
            buf_deinit(&k->bodies[i]);
        if (k->left_out > 0)
            log_event(LOG_WARN, "control.report", "endpoints beyond an app's limit are not kept",
                      "connector", LOG_ID(t->peer->id), "count", LOG_INT((int64_t)k->left_out),
                      NULL);
    }
    if (e != SP_OK)
        log_event(LOG_WARN, "control.report", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "connector", LOG_ID(t->peer->id), NULL);
    free(k);
}

/* ---- keys --------------------------------------------------------------------------------- */

struct key_keeping {
    const struct store_inventory *inventory;
    struct sp_id connector;
    struct view body;
};

static sp_error keep_keys(struct store_tx *tx, void *arg)
{
    const struct key_keeping *k = arg;

    return k->inventory->keys_put(tx, k->connector, k->body);
}

void connector_keys(struct turn *t)
{
    struct store *st = registry_store(t->control->o.registry);
    struct sp_why why = {0};
    struct api_keys m;
    struct buf body;
    sp_error e;

    buf_init(&body, API_KEYS_MAX);
    if ((e = api_keys_read(t->message->members, &why, &m)) == SP_OK &&
        (e = json_write(m.jwks, &body)) == SP_OK) {
        struct key_keeping k = {store_services(st)->inventory, t->peer->id, buf_view(&body)};
        e = store_commit(st, keep_keys, &k);
    }
    if (e != SP_OK)
        log_event(LOG_WARN, "control.keys", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "connector", LOG_ID(t->peer->id), NULL);
    buf_deinit(&body);
}

/* ---- what somebody found right so --------------------------------------------------------- */

struct expecting {
    struct api_expect wire;
    struct expectation_row rows[API_EXPECTED_MAX];
};

static bool take_expectation(void *arg, const struct expectation_row *row)
{
    struct expecting *x = arg;
    struct expectation_row *own = &x->rows[x->wire.count];

    *own = *row;
    x->wire.items[x->wire.count++] = (struct api_expected){.detector = view_str(own->detector),
                                                           .user = view_str(own->user),
                                                           .group = view_str(own->group),
                                                           .endpoint = view_str(own->endpoint),
                                                           .until = own->until};
    return x->wire.count < API_EXPECTED_MAX;
}

static void send_expected(struct control *c, uint64_t edge, struct sp_id app)
{
    struct store *st = registry_store(c->o.registry);
    struct expecting *x = calloc(1, sizeof *x);

    if (x == NULL)
        return;
    x->wire.app = app;
    if (store_services(st)->inventory->expected(st, app, clock_unix(), take_expectation, x) ==
        SP_OK) {
        struct json *members = fields_write(api_expect_fields, &x->wire);
        if (members != NULL)
            listener_send(c->listener, edge, "api.expect", members);
    }
    free(x);
}

void connector_expect(struct control *c, uint64_t edge, const struct app_row *app)
{
    if (app->type == APP_HTTP)
        send_expected(c, edge, app->id);
}

void control_expect(struct control *c, struct sp_id app)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct app_row *row = snapshot_app_by_id(s, app);

    for (size_t i = 0; row != NULL && i < s->connector_count; i++) {
        uint64_t edge = id_equal(s->connectors[i].site, row->site)
                            ? edge_of(c, EDGE_CONNECTOR, s->connectors[i].id)
                            : 0;
        if (edge != 0)
            send_expected(c, edge, app);
    }
    registry_release(c->o.registry, s);
}

void control_gateways(struct control *c, each_tally *each, void *arg)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    struct tally_app counts;

    for (size_t i = 0; tally_next(&c->tally, i, &counts); i++) {
        const struct app_row *app = snapshot_app_by_id(s, counts.app);
        for (size_t h = 0; h < counts.held_count; h++) /* what a connector held that is away */
            if (edge_of(c, EDGE_CONNECTOR, counts.held[h].connector) == 0)
                counts.held[h].connector = (struct sp_id){0};
        if (app != NULL)
            each(arg, app->name, &counts);
    }
    registry_release(c->o.registry, s);
}
