#include "broker/session/cut.h"

#include "broker/session/sessions_internal.h"

#include "lib/base/failpoint.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOT_CONFIRMED = -1, NOBODY_TO_ASK = -2 };

/* ---- one session -------------------------------------------------------------------------- */

struct beginning {
    enum cut_why why;
    bool began; /* false: it is being cut already */
};

static bool begin_cut(struct session *s, void *arg)
{
    struct beginning *b = arg;

    b->began = s->state != SESSION_CUTTING;
    if (!b->began)
        return false;
    s->state = SESSION_CUTTING;
    s->cut_why = b->why;
    s->cut_at = clock_boot();
    s->cut_relay_ms = s->cut_connector_ms = NOT_CONFIRMED;
    s->look_at = s->cut_at + CUT_FORGET_MS; /* an edge that never answers is given up then */
    return true;
}

struct answered {
    bool relay, connector; /* which side the value is for */
    int64_t ms;
    bool done; /* after it nobody is left to ask */
};

static bool take_answer(struct session *s, void *arg)
{
    struct answered *a = arg;
    bool news = false;

    if (s->cut_at == 0)
        return false;
    if (a->relay && s->cut_relay_ms == NOT_CONFIRMED) {
        s->cut_relay_ms = a->ms;
        news = true;
    }
    if (a->connector && s->cut_connector_ms == NOT_CONFIRMED) {
        s->cut_connector_ms = a->ms;
        news = true;
    }
    a->done = news && s->cut_relay_ms != NOT_CONFIRMED && s->cut_connector_ms != NOT_CONFIRMED;
    return news;
}

/* The later of both counts (PROTOCOL.md section 8). */
static void count_time(struct sessions *s, const struct session *cut)
{
    static const int64_t limits[] = {50, 100, 250, 500, 1000, 2000, 5000};
    int64_t ms =
        cut->cut_relay_ms > cut->cut_connector_ms ? cut->cut_relay_ms : cut->cut_connector_ms;
    size_t bucket = 0;

    while (bucket < sizeof limits / sizeof *limits && ms > limits[bucket])
        bucket++;
    pthread_mutex_lock(&s->lock);
    s->stats.cuts++;
    if (ms >= 0) {
        s->stats.cut_ms_last = ms;
        s->stats.cut_seconds_sum += (double)ms / 1000;
        if (ms > s->stats.cut_ms_worst)
            s->stats.cut_ms_worst = ms;
        s->stats.cut_ms_buckets[bucket]++;
    }
    pthread_mutex_unlock(&s->lock);
}

/* Notes what one side said; the last one ends the session here. */
static void note_answer(struct sessions *s, struct sp_id id, struct answered *a)
{
    struct session now;

    if (live_change(s->c.live, id, take_answer, a, LIVE_EVENT_CUTTING, NULL, &now) != SP_OK)
        return; /* gone already: a repeat */
    if (!a->done)
        return;
    count_time(s, &now);
    live_remove(s->c.live, id, LIVE_EVENT_CUT, cut_word(now.cut_why));
}

/* Relay and connector stop the bytes, the agent tells the person. Whoever does not hang here
 * can't be asked; its own deadline and its next live list end the session there. */
static void send_orders(struct sessions *s, const struct session *cut, const char *text)
{
    struct cut_order order = {.session = cut->id, .why = cut->cut_why, .text = text};
    bool relay = edges_send_cut(s->c.edges, EDGE_RELAY, cut->relay, &order);
    bool connector = edges_send_cut(s->c.edges, EDGE_CONNECTOR, cut->connector, &order);
    struct answered nobody = {.relay = !relay, .connector = !connector, .ms = NOBODY_TO_ASK};

    (void)edges_send_cut(s->c.edges, EDGE_AGENT, cut->device, &order); /* may be away */
    if (!relay || !connector)
        note_answer(s, cut->id, &nobody);
}

void session_cut(struct sessions *s, struct sp_id session, enum cut_why why, const char *text)
{
    struct beginning b = {.why = why};
    struct session now;

    if (live_change(s->c.live, session, begin_cut, &b, LIVE_EVENT_CUTTING,
                    text != NULL ? text : cut_word(why), &now) != SP_OK ||
        !b.began)
        return;
    sessions_look_at(s, now.look_at);
    send_orders(s, &now, text);
}

void session_cut_answered(struct sessions *s, enum edge_kind kind, struct sp_id from,
                          struct sp_id session, int64_t ms)
{
    struct session now;

    if (live_get(s->c.live, session, &now) != SP_OK || now.cut_at == 0)
        return;
    int64_t took = clock_boot() - now.cut_at - (ms > 0 ? ms : 0);
    struct answered a = {.relay = kind == EDGE_RELAY && id_equal(from, now.relay),
                         .connector = kind == EDGE_CONNECTOR && id_equal(from, now.connector),
                         .ms = took > 0 ? took : 0};
    if (a.relay || a.connector)
        note_answer(s, session, &a);
}

sp_error session_end(struct sessions *s, struct sp_id device, struct sp_id session)
{
    struct session now;

    if (live_get(s->c.live, session, &now) != SP_OK || !id_equal(now.device, device))
        return SP_ERR_NOT_FOUND;
    session_cut(s, session, CUT_GONE, "ended by its user");
    return SP_OK;
}

/* ---- by an admin -------------------------------------------------------------------------- */

struct kill {
    const struct store_services *services;
    struct audit_record record;
    struct sp_id subject;
    const char *kind;
};

/* The record and the announcement to other brokers stand before the first order leaves (I2). */
static sp_error write_kill(struct store_tx *tx, void *arg)
{
    struct kill *k = arg;
    char body[32 + ROW_TEXT_MAX];
    sp_error e;

    (void)snprintf(body, sizeof body, "%.16s %.*s", k->kind, ROW_TEXT_MAX,
                   k->record.text != NULL ? k->record.text : "");
    e = k->services->registry->announce(tx, CHANGE_KILL, k->subject, view_str(body));
    return e == SP_OK ? audit_append(tx, k->services, &k->record) : e;
}

/* Which member of the target is set; false: none, or several. */
static bool read_target(const struct kill_target *t, enum live_key *by, struct kill *k)
{
    const struct {
        const char *kind;
        enum live_key key;
        struct sp_id id;
    } members[] = {{"session", LIVE_SESSION, t->session},
                   {"user", LIVE_USER, t->user},
                   {"device", LIVE_DEVICE, t->device},
                   {"connector", LIVE_CONNECTOR, t->connector},
                   {"app", LIVE_APP, t->app}};
    size_t set = 0;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!id_is_zero(members[i].id)) {
            *by = members[i].key;
            k->kind = members[i].kind;
            k->subject = members[i].id;
            set++;
        }
    return set == 1;
}

static void fill_record(struct kill *k, const struct kill_target *t, const char *reason,
                        const struct audit_record *by)
{
    if (by != NULL)
        k->record = *by;
    k->record.event = AUDIT_SESSION_KILL;
    k->record.result = AUDIT_OK;
    k->record.text = reason;
    k->record.object_kind = k->kind;
    k->record.object = k->subject;
    k->record.object_name = NULL;
    k->record.session = t->session;
    k->record.user = t->user;
    k->record.device = t->device;
    k->record.connector = t->connector;
    k->record.app = t->app;
}

sp_error sessions_kill(struct sessions *s, const struct kill_target *target, const char *reason,
                       const struct audit_record *by, size_t *count)
{
    struct kill k = {.services = s->services};
    enum live_key by_key = LIVE_ALL;
    size_t n = 0;

    if (!read_target(target, &by_key, &k))
        return SP_ERR_INVALID;
    fill_record(&k, target, reason, by);
    FAILPOINT("session:kill");
    sp_error e = store_commit(s->st, write_kill, &k);
    if (e != SP_OK)
        return e;
    FAILPOINT("session:killed");
    struct session *all = live_snapshot(s->c.live, by_key, k.subject, &n);
    for (size_t i = 0; i < n; i++)
        session_cut(s, all[i].id, CUT_KILLED, reason);
    free(all);
    /* What an edge knows and this broker does not is cut as well, and an opening that is on its
     * way finds its id refused (PROTOCOL.md section 8). */
    struct cut_order order = {.session = target->session,
                              .user = target->user,
                              .device = target->device,
                              .connector = target->connector,
                              .app = target->app,
                              .why = CUT_KILLED,
                              .text = reason};
    edges_send_cut_all(s->c.edges, &order);
    *count = n;
    return SP_OK;
}
