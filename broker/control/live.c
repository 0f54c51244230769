/* What connectors and relays report of the sessions that run through them. */
#include "broker/session/live.h"
#include "broker/control/control_internal.h"
#include "lib/proto/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SP_ERR_MALFORMED: the device key is none. */
static sp_error to_report(const struct live_entry *from, struct live_report *to)
{
    *to = (struct live_report){.session = from->session,
                               .app = from->app,
                               .connector = from->connector,
                               .relay = from->relay,
                               .opened = from->opened,
                               .deadline = from->deadline,
                               .policy_version = (uint64_t)from->policy,
                               .bytes_up = (uint64_t)from->up,
                               .bytes_down = (uint64_t)from->down};
    return key_parse(from->device, &to->device_key);
}

/* INC-14: a connector speaks for its own sessions, a relay for those that it carries. */
static bool own(const struct peer *p, const struct live_report *r)
{
    return id_equal(p->kind == EDGE_CONNECTOR ? r->connector : r->relay, p->id);
}

void edge_live_list(struct turn *t)
{
    struct live_list *m = calloc(1, sizeof *m);
    struct live_report *reports = calloc(LIVE_PAGE_MAX, sizeof *reports);
    size_t count = 0;

    if (m == NULL || reports == NULL || !turn_read(t, live_list_fields, m))
        goto out;
    for (size_t s = 0; s < m->session_count; s++)
        if (to_report(&m->sessions[s], &reports[count]) == SP_OK && own(t->peer, &reports[count]))
            count++;
    if (!t->peer->listing)
        live_list_begins(t->control->o.live, t->peer->kind, t->peer->id);
    t->peer->listing = !m->last;
    live_list(t->control->o.live, t->peer->kind, t->peer->id, reports, count, m->last);
    if (m->last)
        edges_ready(t->control->o.edges, t->peer->attachment);
out:
    free(m);
    free(reports);
}

void edge_live_delta(struct turn *t)
{
    struct live *live = t->control->o.live;
    struct live_delta *m = calloc(1, sizeof *m);
    struct live_report r;

    if (m == NULL || !turn_read(t, live_delta_fields, m)) {
        free(m);
        return;
    }
    for (size_t s = 0; s < m->opened_count; s++)
        if (to_report(&m->opened[s], &r) == SP_OK && own(t->peer, &r))
            live_opened(live, t->peer->kind, t->peer->id, &r);
    for (size_t s = 0; s < m->bytes_count; s++)
        live_bytes(live, t->peer->kind, t->peer->id, m->bytes[s].session, (uint64_t)m->bytes[s].up,
                   (uint64_t)m->bytes[s].down);
    for (size_t s = 0; s < m->closed_count; s++) {
        const struct live_closed *c = &m->closed[s];
        const struct live_report ended = {
            .session = c->session, .bytes_up = (uint64_t)c->up, .bytes_down = (uint64_t)c->down};
        char why[32];
        snprintf(why, sizeof why, "%.*s", (int)(c->why.len < 31 ? c->why.len : 31),
                 (const char *)c->why.at);
        live_closed(live, t->peer->kind, t->peer->id, &ended, why);
    }
    free(m);
}

void edge_stand_at(struct turn *t)
{
    struct edges *edges = t->control->o.edges;
    struct stand_at *m = calloc(1, sizeof *m);
    struct sp_id relays[EDGE_STANDS_MAX];
    size_t count = 0;

    if (m == NULL || !turn_read(t, stand_at_fields, m)) {
        free(m);
        return;
    }
    for (size_t s = 0; s < m->at_count && t->peer->kind == EDGE_CONNECTOR; s++) {
        if (count < EDGE_STANDS_MAX)
            relays[count++] = m->at[s].id;
        if (m->at[s].rtt_us > 0)
            edges_rtt(edges, EDGE_CONNECTOR, t->peer->id, m->at[s].id,
                      m->at[s].rtt_us > UINT32_MAX ? UINT32_MAX : (uint32_t)m->at[s].rtt_us);
    }
    if (t->peer->kind == EDGE_CONNECTOR)
        edges_stand_at(edges, t->peer->attachment, relays, count);
    free(m);
}
