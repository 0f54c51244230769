/* The room's own thread: decides again what a change touched or what has come of age, and writes
 * down what happened to sessions. */
#include "broker/session/cut.h"
#include "broker/session/sessions_internal.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/trust/grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CUT_TEXT_MAX = 320 };

/* ---- when to look again ------------------------------------------------------------------- */

static void sooner(sp_boot_ms *at, sp_boot_ms other)
{
    if (other != 0 && (*at == 0 || other < *at))
        *at = other;
}

void schedule(struct session *s, const struct gathered *g, const struct decision *d)
{
    sp_boot_ms now = clock_boot();
    sp_unix_ms changes = decide_again_at(g->rules->doc, &g->facts);

    (void)d;
    s->deadline_boot = num_add_sat(now, s->deadline - g->facts.now);
    if (s->reverify_ms > 0 && s->reverify_at <= now)
        s->reverify_at = now + s->reverify_ms;
    if (s->reverify_ms == 0)
        s->reverify_at = 0;
    s->look_at = s->deadline_boot;
    sooner(&s->look_at, s->reverify_at);
    sooner(&s->look_at, s->paused_until);
    if (changes != 0) /* one ms later: the end itself is still inside */
        sooner(&s->look_at, num_add_sat(now, changes - g->facts.now + 1));
}

/* ---- one session, decided again ----------------------------------------------------------- */

/* What the new decision makes of it. Its state may have changed since it was copied: only a pause
 * and its end are this decision's to set. */
struct verdict_change {
    struct session now; /* but for its state */
    bool step_up;
    bool paused, resumed, tightened; /* what became of it */
};

static bool apply(struct session *s, void *arg)
{
    struct verdict_change *c = arg;

    if (s->state == SESSION_CUTTING || s->state == SESSION_NONE)
        return false;
    c->paused = c->step_up && s->state != SESSION_PAUSED;
    c->resumed = !c->step_up && s->state == SESSION_PAUSED;
    c->tightened = c->now.deadline < s->deadline || c->now.idle_ms != s->idle_ms;
    bool news = c->paused || c->resumed || c->tightened;
    if (c->paused)
        s->state = SESSION_PAUSED;
    else if (c->resumed)
        s->state = SESSION_RUNNING; /* none is paused before it ran */
    if (c->now.deadline < s->deadline)
        s->deadline = c->now.deadline;
    s->deadline_boot = c->now.deadline_boot;
    s->idle_ms = c->now.idle_ms;
    s->reverify_ms = c->now.reverify_ms;
    s->reverify_at = c->now.reverify_at;
    s->mfa_now = c->now.mfa_now;
    s->look_at = c->now.look_at;
    s->paused_until = c->now.paused_until;
    s->policy_version = c->now.policy_version;
    return news;
}

static bool look_later(struct session *s, void *arg)
{
    s->look_at = *(const sp_boot_ms *)arg;
    return false;
}

static bool mark_stale(struct session *s, void *arg)
{
    (void)arg;
    s->stale = true;
    return false;
}

static void send_pause(struct sessions *s, const struct session *n, bool paused, const char *text)
{
    struct pause_order order = {.session = n->id, .paused = paused, .text = text};

    order.until = paused ? clock_unix() + PAUSE_MS : 0;
    /* Whoever is away learns it from its next list; the connector's own limits hold meanwhile. */
    (void)edges_send_pause(s->c.edges, EDGE_AGENT, n->device, &order);
    (void)edges_send_pause(s->c.edges, EDGE_CONNECTOR, n->connector, &order);
}

static void send_limit(struct sessions *s, const struct session *n)
{
    struct limit_order order = {.session = n->id, .deadline = n->deadline, .idle_ms = n->idle_ms};

    (void)edges_send_limit(s->c.edges, EDGE_AGENT, n->device, &order);
    (void)edges_send_limit(s->c.edges, EDGE_CONNECTOR, n->connector, &order);
    (void)edges_send_limit(s->c.edges, EDGE_RELAY, n->relay, &order);
}

static void keep(struct sessions *s, struct session *n, const struct gathered *g,
                 const struct decision *d, const char *line)
{
    struct verdict_change c = {.now = *n, .step_up = d->verdict == VERDICT_STEP_UP};
    int64_t longest =
        d->limits.session_max_ms > 0 ? d->limits.session_max_ms : (int64_t)DEFAULT_SESSION_MAX_MS;

    c.now.deadline = (sp_unix_ms)num_min(n->deadline, num_add_sat(n->opened, longest));
    c.now.idle_ms = d->limits.idle_ms;
    c.now.reverify_ms = d->limits.reverify_ms;
    c.now.policy_version = d->policy_version;
    c.now.mfa_now = g->facts.mfa_now;
    if (!c.step_up)
        c.now.paused_until = 0;
    else if (n->state != SESSION_PAUSED)
        c.now.paused_until = clock_boot() + PAUSE_MS;
    schedule(&c.now, g, d);
    if (live_change(s->c.live, n->id, apply, &c, LIVE_EVENT_CHANGED, line, NULL) != SP_OK)
        return; /* gone meanwhile */
    sessions_look_at(s, c.now.look_at);
    if (c.paused)
        send_pause(s, &c.now, true, line);
    if (c.resumed)
        send_pause(s, &c.now, false, NULL);
    if (c.tightened)
        send_limit(s, &c.now);
}

/* An edge that was revoked carries nothing any more. */
static bool edge_revoked(const struct snapshot *objects, const struct session *n)
{
    const struct connector_row *c = snapshot_connector(objects, n->connector);
    const struct relay_row *r = snapshot_relay(objects, n->relay);

    return (c != NULL && c->state == EDGE_REVOKED) || (r != NULL && r->state == EDGE_REVOKED);
}

static void judge_session(struct sessions *s, struct session *n, const struct gathered *g)
{
    char text[CUT_TEXT_MAX];
    struct buf line;

    if (g->app == NULL || !id_equal(g->app->row->id, n->app) || !id_equal(g->user.id, n->user) ||
        edge_revoked(g->rules->objects, n)) {
        session_cut(s, n->id, CUT_REVOKED, "the app, the connector or the relay was removed");
        return;
    }
    struct decision d = decide(g->rules->doc, &g->app->limits, &g->facts);
    buf_init(&line, sizeof text - 1);
    explain_words(g->rules->doc, &g->facts, &d, &line);
    (void)snprintf(text, sizeof text, "%.*s", (int)line.len, line.at ? (const char *)line.at : "");
    buf_deinit(&line);
    if (d.verdict == VERDICT_DENY)
        session_cut(s, n->id, CUT_POLICY, text);
    else if (d.verdict == VERDICT_STEP_UP && n->state == SESSION_GRANTED)
        session_cut(s, n->id, CUT_STEP_UP, text); /* no connector could pause it: ask again */
    else
        keep(s, n, g, &d, text);
}

static void decide_again(struct sessions *s, struct session *n)
{
    sp_boot_ms now = clock_boot();
    bool reverify = n->reverify_at != 0 && n->reverify_at <= now;
    struct gather_ask ask = {.device = n->device,
                             .app = view_str(n->app_name),
                             .peer = &n->peer,
                             .mfa_now = reverify ? 0 : n->mfa_now,
                             .proof_is_for_session = n->proof_is_for_session};
    struct gathered *g = calloc(1, sizeof *g); /* too large for a stack */
    sp_error e = g != NULL ? gather(s, &ask, g) : SP_ERR_NOMEM;

    if (e == SP_OK) {
        judge_session(s, n, g);
    } else if (e == SP_ERR_UNAUTHENTICATED || e == SP_ERR_NOT_FOUND) {
        session_cut(s, n->id, CUT_REVOKED, "nobody is signed in on this device any more");
    } else { /* the store can't be read: it stays as it is and is looked at again soon */
        sp_boot_ms later = now + STORE_LOST_MS;
        sp_ignore(live_change(s->c.live, n->id, look_later, &later, LIVE_EVENT_CHANGED, NULL,
                              NULL)); /* gone: nothing to look at */
        sessions_look_at(s, later);
    }
    if (g != NULL)
        gathered_free(s, g);
    free(g);
}

sp_boot_ms session_unheard_until(const struct session *s)
{
    int64_t keeps = s->reverify_ms > 0 ? s->reverify_ms : GRANT_REVERIFY_MS;

    if (s->unheard_since == 0 || s->state == SESSION_CUTTING)
        return 0;
    return s->unheard_since + keeps + LIVE_NOTICE_MS;
}

/* A copy of one live session: what is due or touched. */
static void revise(struct sessions *s, struct session *n)
{
    sp_boot_ms now = clock_boot();

    if (n->state == SESSION_NONE) { /* being opened: its opening looks again */
        sp_ignore(live_change(s->c.live, n->id, mark_stale, NULL, LIVE_EVENT_CHANGED, NULL, NULL));
        return;
    }
    if (n->state == SESSION_CUTTING) {
        if (now - n->cut_at >= CUT_FORGET_MS)
            live_remove(s->c.live, n->id, LIVE_EVENT_CUT, cut_word(n->cut_why));
        return;
    }
    if (n->state == SESSION_GRANTED && now - n->granted_at > LIVE_OPEN_MS)
        live_remove(s->c.live, n->id, LIVE_EVENT_ENDED, "never opened");
    else if (n->deadline_boot != 0 && n->deadline_boot <= now)
        session_cut(s, n->id, CUT_DEADLINE, "the session's time is over");
    else if (n->state == SESSION_PAUSED && n->paused_until != 0 && n->paused_until <= now)
        session_cut(s, n->id, CUT_STEP_UP, "no code came in time");
    else if (session_unheard_until(n) != 0 && session_unheard_until(n) <= now)
        session_cut(s, n->id, CUT_POLICY, "nothing was heard of its connector for too long");
    else
        decide_again(s, n);
}

static void revise_matching(struct sessions *s, enum live_key by, struct sp_id id, bool due_only)
{
    sp_boot_ms now = clock_boot(), next = 0;
    size_t count = 0;
    struct session *all = live_snapshot(s->c.live, by, id, &count);

    for (size_t i = 0; i < count; i++) {
        sp_boot_ms at = all[i].look_at;
        if (all[i].state == SESSION_GRANTED)
            sooner(&at, all[i].granted_at + LIVE_OPEN_MS + 1);
        sooner(&at, session_unheard_until(&all[i]));
        if (!due_only || (at != 0 && at <= now))
            revise(s, &all[i]);
        else
            sooner(&next, at);
    }
    free(all);
    if (due_only && next != 0)
        sessions_look_at(s, next);
}

/* ---- writing down ------------------------------------------------------------------------- */

struct noting {
    struct sessions *s;
    const struct note *note;
    struct audit_record record;
};

static sp_error write_note(struct store_tx *tx, void *arg)
{
    struct noting *n = arg;
    sp_error e = n->s->services->presence->session_remove(tx, n->note->s.id);

    return e == SP_OK || e == SP_ERR_NOT_FOUND ? audit_append(tx, n->s->services, &n->record) : e;
}

static void write_down(struct sessions *s, const struct note *note)
{
    const struct session *x = &note->s;
    bool cut = note->event == LIVE_EVENT_CUT;
    char detail[256];
    struct noting n = {.s = s, .note = note};

    (void)snprintf(detail, sizeof detail,
                   "{\"why\":\"%s\",\"bytes_up\":%llu,\"bytes_down\":%llu,\"relay_ms\":%lld,"
                   "\"connector_ms\":%lld}",
                   cut ? cut_word(x->cut_why) : "ended", (unsigned long long)x->bytes_up,
                   (unsigned long long)x->bytes_down, (long long)x->cut_relay_ms,
                   (long long)x->cut_connector_ms);
    n.record = (struct audit_record){.event = cut ? AUDIT_SESSION_CUT : AUDIT_SESSION_CLOSE,
                                     .actor_kind = AUDIT_ACTOR_SYSTEM,
                                     .actor_name = "broker",
                                     .user = x->user,
                                     .device = x->device,
                                     .app = x->app,
                                     .relay = x->relay,
                                     .connector = x->connector,
                                     .session = x->id,
                                     .object_kind = "session",
                                     .object_name = x->app_name,
                                     .object = x->id,
                                     .request = x->request,
                                     .text = note->why,
                                     .detail = view_str(detail)};
    FAILPOINT("session:end");
    sp_error e = store_commit(s->st, write_note, &n);
    FAILPOINT("session:ended");
    if (e != SP_OK)
        log_event(LOG_ERROR, "session.record", sp_error_text(e), "session", LOG_ID(x->id), NULL);
}

/* ---- sessions of an earlier life of this broker -------------------------------------------- */

static void name_adopted(struct sessions *s, struct session *x)
{
    struct user_row user;
    struct device_row device;
    const struct rules_version *v = rules_hold(s->c.rules);
    const struct rules_app *app = rules_app_by_id(v, x->app);

    if (app != NULL)
        (void)snprintf(x->app_name, sizeof x->app_name, "%s", app->row->name);
    rules_release(s->c.rules, v);
    if (s->services->registry->user_get(s->st, x->user, &user) == SP_OK)
        (void)snprintf(x->user_name, sizeof x->user_name, "%s", user.name);
    if (s->services->registry->device_get(s->st, x->device, &device) == SP_OK)
        (void)snprintf(x->device_name, sizeof x->device_name, "%s", device.name);
}

/* An edge claims a session that nobody granted. However many they are, the log has one record a
 * minute and edge, with their number (claims.h). */
static void refuse_claim(struct sessions *s, const struct session *x)
{
    struct sp_id edge = x->at_connector ? x->connector : x->relay;
    sp_boot_ms now = clock_boot();
    uint64_t count = claims_due(&s->claims, edge, now);
    char text[96];

    if (count == 0)
        return;
    (void)snprintf(text, sizeof text, "%llu sessions were claimed that nobody granted",
                   (unsigned long long)count);
    const struct rules_version *v = rules_hold(s->c.rules);
    const struct connector_row *c = snapshot_connector(v->objects, x->connector);
    const struct relay_row *relay = snapshot_relay(v->objects, x->relay);
    struct audit_record r = {.event = AUDIT_SESSION_REFUSE, .result = AUDIT_DENIED, .text = text};

    if (x->at_connector) {
        r.actor_kind = AUDIT_ACTOR_CONNECTOR;
        r.actor = r.connector = x->connector;
        r.actor_name = c != NULL ? c->name : NULL;
    } else {
        r.actor_kind = AUDIT_ACTOR_RELAY;
        r.actor = r.relay = x->relay;
        r.actor_name = relay != NULL ? relay->name : NULL;
    }
    sp_error e = audit_now(s->st, &r);
    rules_release(s->c.rules, v);
    if (e == SP_OK)
        claims_told(&s->claims, edge, now);
    else
        log_event(LOG_ERROR, "session.record", sp_error_text(e), "session", LOG_ID(x->id), NULL);
}

static bool seen_too(struct session *s, void *arg)
{
    const struct session *x = arg;

    s->at_relay |= x->at_relay && id_equal(s->relay, x->relay);
    s->at_connector |= x->at_connector && id_equal(s->connector, x->connector);
    return false;
}

static void cut_where_it_runs(struct sessions *s, const struct session *x)
{
    struct cut_order order = {.session = x->id, .why = CUT_REVOKED};

    (void)edges_send_cut(s->c.edges, EDGE_RELAY, x->relay, &order); /* whoever is there */
    (void)edges_send_cut(s->c.edges, EDGE_CONNECTOR, x->connector, &order);
}

/* An edge reports a session that this start did not grant: the store says whose it is, and the
 * policy of now decides about it at once; its address is not known any more, so what depends on
 * the network is cut. What the store does not know is cut where it runs. */
static void adopt(struct sessions *s, const struct session *reported)
{
    struct session x = *reported;
    struct session_row row;

    if (live_ended(s->c.live, x.id)) { /* late news: its end may not even be written down yet */
        cut_where_it_runs(s, &x);
        return;
    }
    sp_error e = s->services->presence->session_get(s->st, x.id, &row);
    if (e == SP_OK && id_equal(row.app, x.app)) {
        x.user = row.user;
        x.device = row.device;
        x.opened = x.mfa_now = row.opened; /* proofs were measured then */
        x.proof_is_for_session = true;
        x.deadline = row.deadline < x.deadline ? row.deadline : x.deadline;
        x.deadline_boot = num_add_sat(clock_boot(), x.deadline - clock_unix());
        name_adopted(s, &x);
        if ((e = live_add(s->c.live, &x)) == SP_OK)
            sessions_touch(s, LIVE_SESSION, x.id);
        else if (e == SP_ERR_EXISTS) /* the other edge reported it first */
            sp_ignore(live_change(s->c.live, x.id, seen_too, &x, LIVE_EVENT_CHANGED, NULL, NULL));
        sessions_connector_gone(s, x.connector); /* unless it is here */
        return;
    }
    if (e != SP_OK && e != SP_ERR_NOT_FOUND)
        return; /* the store can't be read: the edge's next list brings it again */
    refuse_claim(s, &x);
    cut_where_it_runs(s, &x);
}

/* ---- the thread --------------------------------------------------------------------------- */

/* Under the lock: waits until there is something to do. */
static void wait_for_work(struct sessions *s)
{
    while (!s->ending && s->touch_count == 0 && !s->touch_all && s->note_count == 0) {
        sp_boot_ms left = s->wake_at == 0 ? 60000 : s->wake_at - clock_boot();
        struct timespec until;
        if (left <= 0)
            return;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += left / 1000;
        until.tv_nsec += left % 1000 * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&s->more, &s->lock, &until); /* the loop looks why */
    }
}

/* One thing after another, cuts before records. False: nothing is left. */
static bool do_one(struct sessions *s)
{
    struct touch touch = {0};
    bool all = s->touch_all, some = s->touch_count > 0;
    bool due = s->wake_at != 0 && s->wake_at <= clock_boot(), told = s->note_count > 0;
    struct note note;

    if (all) {
        s->touch_all = false;
        s->touch_count = 0;
    } else if (some) {
        touch = s->touches[--s->touch_count];
    } else if (due) {
        s->wake_at = 0;
    } else if (told) {
        note = s->notes[s->note_first];
        s->note_first = (s->note_first + 1) % NOTES_MAX;
        s->note_count--;
    }
    pthread_mutex_unlock(&s->lock);
    if (all || some)
        revise_matching(s, all ? LIVE_ALL : touch.by, touch.id, false);
    else if (due)
        revise_matching(s, LIVE_ALL, touch.id, true);
    else if (told && note.event == LIVE_EVENT_UNKNOWN)
        adopt(s, &note.s);
    else if (told)
        write_down(s, &note);
    pthread_mutex_lock(&s->lock);
    return all || some || due || told;
}

void *sessions_main(void *arg)
{
    struct sessions *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->ending) {
        wait_for_work(s);
        while (do_one(s))
            ;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
