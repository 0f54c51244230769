/* What relays and connectors report: they are the truth of what is live (SCALE.md, 5). */
#include "broker/session/live_internal.h"

#include <stdlib.h>

struct seen {
    enum edge_kind kind;
    struct sp_id from;
    const struct live_report *r;
    bool first; /* it was not running before */
    bool own;   /* the session was granted for that edge */
};

/* An edge's word counts for the sessions that were granted over it, and for no other (TM-03): else
 * one connector could take, swell or end what runs over another, and a cut would miss it. */
static bool granted_over(const struct session *s, struct seen *x)
{
    x->own = id_equal(x->kind == EDGE_RELAY ? s->relay : s->connector, x->from);
    return x->own;
}

static bool on_seen(struct session *s, void *arg)
{
    struct seen *x = arg;

    if (!granted_over(s, x))
        return false;
    if (x->kind == EDGE_RELAY) {
        s->at_relay = true;
    } else {
        s->at_connector = true;
        s->unheard_since = 0;
    }
    s->bytes_up = x->r->bytes_up > s->bytes_up ? x->r->bytes_up : s->bytes_up;
    s->bytes_down = x->r->bytes_down > s->bytes_down ? x->r->bytes_down : s->bytes_down;
    x->first = s->state == SESSION_GRANTED;
    if (x->first)
        s->state = SESSION_RUNNING;
    return x->first;
}

/* A session of an earlier life of this broker: whoever listens decides about it at once. */
static void unknown(struct live *l, enum edge_kind kind, struct sp_id from,
                    const struct live_report *r)
{
    struct session s = {
        .id = r->session,
        .app = r->app,
        .relay = kind == EDGE_RELAY ? from : r->relay,
        .connector = kind == EDGE_CONNECTOR ? from : r->connector,
        .state = SESSION_RUNNING,
        .opened = r->opened,
        .deadline = r->deadline,
        .policy_version = r->policy_version,
        .bytes_up = r->bytes_up,
        .bytes_down = r->bytes_down,
        .at_relay = kind == EDGE_RELAY,
        .at_connector = kind == EDGE_CONNECTOR,
        .granted_at = clock_boot(),
        .look_at = clock_boot(),
    };
    live_tell_unknown(l, &s);
}

void live_opened(struct live *l, enum edge_kind kind, struct sp_id from,
                 const struct live_report *r)
{
    struct seen x = {.kind = kind, .from = from, .r = r};

    if (live_change(l, r->session, on_seen, &x, LIVE_EVENT_RUNNING, NULL, NULL) == SP_ERR_NOT_FOUND)
        unknown(l, kind, from, r);
}

static bool on_unseen(struct session *s, void *arg)
{
    struct seen *x = arg;

    if (!granted_over(s, x))
        return false;
    if (x->kind == EDGE_RELAY)
        s->at_relay = false;
    else
        s->at_connector = false;
    return false;
}

void live_closed(struct live *l, enum edge_kind kind, struct sp_id from,
                 const struct live_report *r, const char *why)
{
    struct seen x = {.kind = kind, .from = from, .r = r};
    struct session s;

    live_bytes(l, kind, from, r->session, r->bytes_up, r->bytes_down);
    if (live_change(l, r->session, on_unseen, &x, LIVE_EVENT_CHANGED, why, &s) != SP_OK || !x.own)
        return;
    if (s.state == SESSION_CUTTING)
        return; /* the edges' answers, which say when the last byte was, end it; else CUT_FORGET_MS
                 */
    /* The session is the connector's object; a relay sees only a tunnel of it. */
    if (kind == EDGE_CONNECTOR || (!s.at_connector && !s.at_relay))
        live_remove(l, r->session, LIVE_EVENT_ENDED, why);
}

static bool on_bytes(struct session *s, void *arg)
{
    struct seen *x = arg;
    const struct live_report *r = x->r;
    bool more = granted_over(s, x) && (r->bytes_up > s->bytes_up || r->bytes_down > s->bytes_down);

    if (!more)
        return false;

    s->bytes_up = r->bytes_up > s->bytes_up ? r->bytes_up : s->bytes_up;
    s->bytes_down = r->bytes_down > s->bytes_down ? r->bytes_down : s->bytes_down;
    return true;
}

void live_bytes(struct live *l, enum edge_kind kind, struct sp_id from, struct sp_id session,
                uint64_t bytes_up, uint64_t bytes_down)
{
    const struct live_report r = {.bytes_up = bytes_up, .bytes_down = bytes_down};
    struct seen x = {.kind = kind, .from = from, .r = &r};

    /* A session that is gone has no bytes to count. */
    sp_ignore(live_change(l, session, on_bytes, &x, LIVE_EVENT_CHANGED, NULL, NULL));
}

/* ---- whole lists: what an edge does not name any more is not live there ---- */

static bool mark_unseen(struct session *s, void *arg)
{
    const struct seen *x = arg;

    if (x->kind == EDGE_RELAY && id_equal(s->relay, x->from))
        s->at_relay = false;
    if (x->kind == EDGE_CONNECTOR && id_equal(s->connector, x->from))
        s->at_connector = false;
    return false;
}

static struct session *of_edge(struct live *l, enum edge_kind kind, struct sp_id from,
                               size_t *count)
{
    return live_snapshot(l, kind == EDGE_RELAY ? LIVE_RELAY : LIVE_CONNECTOR, from, count);
}

void live_list_begins(struct live *l, enum edge_kind kind, struct sp_id from)
{
    struct seen x = {.kind = kind, .from = from};
    size_t n = 0;
    struct session *all = of_edge(l, kind, from, &n);

    for (size_t i = 0; i < n; i++) /* gone meanwhile: unseen anyway */
        sp_ignore(live_change(l, all[i].id, mark_unseen, &x, LIVE_EVENT_CHANGED, NULL, NULL));
    free(all);
}

void live_list(struct live *l, enum edge_kind kind, struct sp_id from, const struct live_report *at,
               size_t count, bool last)
{
    for (size_t i = 0; i < count; i++)
        live_opened(l, kind, from, &at[i]);
    if (!last)
        return;
    size_t n = 0;
    struct session *all = of_edge(l, kind, from, &n);
    for (size_t i = 0; i < n; i++) {
        bool here = kind == EDGE_RELAY ? all[i].at_relay : all[i].at_connector;
        if (!here && all[i].state != SESSION_NONE && all[i].state != SESSION_GRANTED &&
            kind == EDGE_CONNECTOR)
            live_remove(l, all[i].id, LIVE_EVENT_ENDED, "lost");
    }
    free(all);
}
