#include "connector/session_internal.h"
#include "connector/tell.h"

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/os/loop.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { TICK_MS = 1000 };

/* A session that was cut a moment ago. */
struct cut_id {
    sp_boot_ms until;
};

static struct session_facts facts_of(const struct session *s)
{
    struct session_facts f = {.grant = s->admitted.grant,
                              .opened = s->opened,
                              .deadline = s->admitted.deadline,
                              .up = s->up,
                              .down = s->down,
                              .last_byte = s->last_byte};

    for (const struct session_tunnel *t = s->tunnels; t != NULL; t = t->next) {
        struct tunnel_figures now = tunnel_end_figures(t->end);
        f.up += now.bytes_down; /* down from the relay is up from the agent */
        f.down += now.bytes_up;
        f.streams += now.streams;
        f.last_byte = now.last_byte > f.last_byte ? now.last_byte : f.last_byte;
    }
    return f;
}

static void free_session(struct session *s)
{
    session_drop_streams(s, NULL);
    session_forget_lookup(s);
    while (s->tunnels != NULL) {
        struct session_tunnel *t = s->tunnels;
        s->tunnels = t->next;
        tunnel_end_free(t->end);
        free(t);
    }
    timer_cancel(s->deadline);
    gateway_person_free(s->person);
    free(s);
}

/* A further tunnel must be of the same app, user and device as the session that it joins. */
static bool same_session(const struct session *s, const struct grant *g)
{
    return id_equal(s->admitted.grant.app, g->app) && id_equal(s->admitted.grant.user, g->user);
}

/* The last session of a user on an app: what waits for their next request is closed. */
static void forget_user(const struct sessions *set, const struct grant *g)
{
    size_t at = 0;

    for (const struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;)
        if (same_session(s, g))
            return;
    if (set->o.gateway != NULL)
        gateway_forget(set->o.gateway, g->app, g->user);
}

/* The relay hears the word (4403), which an agent turns into an exit code and a sentence. */
static void dismiss(struct sessions *set, struct session_tunnel *t, const char *why)
{
    t->session = NULL;
    t->closing = set;
    t->next = set->closing;
    set->closing = t;
    tunnel_end_cut(t->end, why);
}

/* The session is over: out of the set, told, gone. `why` is static. */
static void end_session(struct session *s, const char *why)
{
    struct sessions *set = s->set;
    struct session_facts f = facts_of(s);

    map_remove(&set->by_id, s->admitted.session);
    session_drop_streams(s, NULL);
    while (s->tunnels != NULL) {
        struct session_tunnel *t = s->tunnels;
        s->tunnels = t->next;
        dismiss(set, t, why);
    }
    free_session(s);
    forget_user(set, &f.grant);
    log_event(LOG_INFO, "session.closed", "a session ended", "session", LOG_ID(f.grant.session),
              "app", LOG_ID(f.grant.app), "why", why, "up", LOG_INT((int64_t)f.up), "down",
              LOG_INT((int64_t)f.down), NULL);
    set->o.events->closed(set->o.arg, &f, why);
}

const char *session_word(struct view word)
{
    static const char *const words[] = {"floor",  "record", "deadline", "idle",
                                        "policy", "killed", "revoked"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (view_is(word, words[i]))
            return words[i];
    }
    return "killed";
}

static const char *why_of(const struct tunnel_report *r)
{
    switch (r->why) {
    case TUNNEL_DONE:
        return "end";
    case TUNNEL_IDLE:
        return "idle";
    case TUNNEL_DEADLINE:
        return "deadline";
    case TUNNEL_CUT:
        return session_word(view_str(r->code)); /* as the relay's close frame says */
    default:
        return "lost";
    }
}

/* Whether the other end, or who is between, said what no honest one says. */
static bool lied(const struct tunnel_report *r)
{
    if (r->why == TUNNEL_UNTRUSTED)
        return true;
    if (r->why != TUNNEL_FAULT)
        return false;
    return r->error == SP_ERR_PROTOCOL || r->error == SP_ERR_MALFORMED ||
           r->error == SP_ERR_SIGNATURE || r->error == SP_ERR_VERSION || r->error == SP_ERR_LIMIT ||
           r->error == SP_ERR_TLS;
}

/* For our own log, and the broker's audit log. */
static void tell_lie(const struct session *s, const struct tunnel_report *r)
{
    const struct tell_refusal refusal = {
        .session = s->admitted.session,
        .app = s->admitted.grant.app,
        .why = "protocol",
        .text = r->why == TUNNEL_UNTRUSTED ? tunnel_why_text(r->why) : sp_error_text(r->error)};

    log_event(LOG_WARN, "session.lie", refusal.text, "session", LOG_ID(refusal.session), NULL);
    tell_refused(s->set->o.tell, &refusal);
}

static void on_waiting(void *arg)
{
    struct session_tunnel *t = arg;

    if (t->session == NULL)
        t->waiting(t->arg);
}

static void on_up(void *arg, const struct tunnel_limits *limits, const struct json *said)
{
    struct session_tunnel *t = arg;

    (void)limits;
    if (t->session != NULL)
        session_person(t->session, said);
    if (t->session != NULL && t->session->set->draining)
        tunnel_end_drain(t->end);
}

static void on_stream(void *arg, struct stream *stream, unsigned port)
{
    struct session_tunnel *t = arg;

    session_stream(t->session, t, stream, port);
}

static void free_tunnel(struct session_tunnel **list, struct session_tunnel *t)
{
    while (*list != t)
        list = &(*list)->next;
    *list = t->next;
    tunnel_end_free(t->end);
    free(t);
}

static void on_ended(void *arg, const struct tunnel_report *r)
{
    struct session_tunnel *t = arg;
    struct session *s = t->session;

    if (t->closing != NULL) {
        free_tunnel(&t->closing->closing, t);
        return;
    }
    if (s == NULL) {
        t->ended(t->arg, r); /* t is gone from here on */
        return;
    }
    if (lied(r))
        tell_lie(s, r);
    session_drop_streams(s, t);
    s->up += r->down;
    s->down += r->up;
    free_tunnel(&s->tunnels, t);
    if (s->tunnels == NULL)
        end_session(s, why_of(r));
}

const struct tunnel_end_events session_tunnel_events = {
    .waiting = on_waiting, .up = on_up, .stream = on_stream, .ended = on_ended};

struct session_tunnel *session_slot_new(void (*waiting)(void *arg),
                                        void (*ended)(void *arg, const struct tunnel_report *r),
                                        void *arg)
{
    struct session_tunnel *t = calloc(1, sizeof *t);

    if (t != NULL)
        *t = (struct session_tunnel){.waiting = waiting, .ended = ended, .arg = arg};
    return t;
}

void session_slot_free(struct session_tunnel *slot)
{
    free(slot);
}

static void on_deadline(void *arg)
{
    struct session *s = arg;

    s->deadline = NULL;
    end_session(s, "deadline");
}

/* A deadline of broker time on the boot clock, which no wall clock moves. */
static sp_boot_ms on_boot_clock(const struct sessions *set, sp_unix_ms t)
{
    return num_add_sat(clock_boot(), t - set->o.broker_time(set->o.arg));
}

static sp_error new_session(struct sessions *set, const struct admitted *a, struct session **out)
{
    struct session *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    *s = (struct session){.set = set, .admitted = *a, .opened = set->o.broker_time(set->o.arg)};
    if ((e = timer_start(set->o.loop, on_boot_clock(set, a->deadline), on_deadline, s,
                         &s->deadline)) != SP_OK ||
        (e = map_put(&set->by_id, a->session, s)) != SP_OK) {
        free_session(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

sp_error sessions_serve(struct sessions *set, const struct admitted *a, struct view token,
                        const struct key_public *own, const struct session_spare *spare)
{
    struct session_tunnel *slot = spare->slot;
    struct session *s = map_get(&set->by_id, a->session);
    const struct tunnel_session meant = {token, a->grant.app, a->grant.device, *own};
    const struct tunnel_limits limits = {a->deadline, a->grant.idle_ms, a->streams};
    bool fresh = s == NULL;
    size_t tunnels = 0;
    sp_error e = SP_OK;

    if (fresh)
        e = new_session(set, a, &s);
    else if (!same_session(s, &a->grant))
        e = SP_ERR_INVALID;
    for (const struct session_tunnel *t = e == SP_OK ? s->tunnels : NULL; t != NULL; t = t->next)
        tunnels++;
    if (e == SP_OK && tunnels >= SESSION_TUNNELS_MAX)
        e = SP_ERR_LIMIT;
    if (e == SP_OK)
        e = tunnel_end_serve(spare->end, &meant, &limits, spare->bare);
    if (e != SP_OK) {
        slot->end = spare->end;
        dismiss(set, slot, "policy");
        if (fresh && s != NULL) {
            map_remove(&set->by_id, a->session);
            free_session(s);
        }
        return e;
    }
    slot->session = s;
    slot->end = spare->end;
    slot->next = s->tunnels;
    s->tunnels = slot;
    if (fresh) {
        struct session_facts f = facts_of(s);
        set->o.events->opened(set->o.arg, &f);
        session_foresee(s);
    }
    return SP_OK;
}

static bool selects(const struct session_selector *w, const struct grant *g)
{
    return w->all || (!id_is_zero(w->session) && id_equal(w->session, g->session)) ||
           (!id_is_zero(w->app) && id_equal(w->app, g->app)) ||
           (!id_is_zero(w->user) && id_equal(w->user, g->user)) ||
           key_equal(&w->device, &g->device);
}

static void remember_cut(struct sessions *set, struct sp_id session)
{
    struct cut_id *c = map_get(&set->cut, session);

    if (c == NULL) {
        c = calloc(1, sizeof *c);
        if (c == NULL || map_put(&set->cut, session, c) != SP_OK) {
            free(c);
            log_event(LOG_ERROR, "session.cut", "out of memory while remembering a cut", NULL);
            return;
        }
    }
    c->until = clock_boot() + SESSIONS_CUT_KEEP_MS;
}

size_t sessions_cut(struct sessions *set, const struct session_selector *w, const char *why,
                    int64_t *last_byte_ms)
{
    sp_boot_ms latest = 0, now = clock_boot();
    size_t count = 0, at = 0;

    for (struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;) {
        if (!selects(w, &s->admitted.grant))
            continue;
        sp_boot_ms last = facts_of(s).last_byte;
        latest = last > latest ? last : latest;
        count++;
        end_session(s, why);
    }
    if (!id_is_zero(w->session))
        remember_cut(set, w->session);
    *last_byte_ms = latest > 0 ? now - latest : 0;
    return count;
}

void sessions_limit(struct sessions *set, struct sp_id session, sp_unix_ms until)
{
    struct session *s = map_get(&set->by_id, session);

    if (s == NULL || until >= s->admitted.deadline)
        return;
    s->admitted.deadline = until;
    timer_move(s->deadline, on_boot_clock(set, until));
    gateway_person_limit(s->person, until);
}

void sessions_pause(struct sessions *set, struct sp_id session, sp_unix_ms until)
{
    struct session *s = map_get(&set->by_id, session);

    if (s == NULL)
        return;
    s->paused_until = on_boot_clock(set, until);
    session_hold(s, true);
}

void sessions_resume(struct sessions *set, struct sp_id session)
{
    struct session *s = map_get(&set->by_id, session);

    if (s != NULL && s->paused)
        session_hold(s, false);
}

/* The record still names the host that the session resolved, with any port that the floor takes. */
static const char *no_longer(const struct session *s, const struct record *r)
{
    bool named = false;

    for (size_t h = 0; r != NULL && h < r->app.host_count && s->resolved; h++)
        named |= strcmp(r->app.hosts[h], s->host) == 0;
    if (r == NULL || (s->resolved && !named))
        return "record";
    for (size_t p = 0; p < r->app.port_count && s->resolved; p++) {
        struct address to = s->address;
        address_set_port(&to, r->app.ports[p]);
        if (floor_judge(*s->set->o.floor, view_str(s->host), &to, s->address_own).why ==
            FLOOR_ALLOWED)
            return NULL;
    }
    return s->resolved ? "floor" : NULL;
}

void sessions_rules_changed(struct sessions *set)
{
    int64_t limit = floor_deadline_ms(*set->o.floor);
    size_t at = 0;

    for (struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;) {
        const struct record *r = records_get(set->o.records, s->admitted.grant.app);
        const char *why = no_longer(s, r);
        if (why != NULL) {
            end_session(s, why);
            continue;
        }
        session_forget_early(s);
        if (limit > 0)
            sessions_limit(set, s->admitted.session, num_add_sat(s->opened, limit));
        if (set->o.gateway != NULL)
            gateway_put(set->o.gateway, &r->app);
    }
}

void sessions_broker_lost(struct sessions *set, sp_boot_ms since)
{
    set->broker_lost = since;
}

static void end_unverified(struct sessions *set, sp_boot_ms now)
{
    size_t at = 0;

    for (struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;) {
        int64_t limit = s->admitted.grant.reverify_ms;
        if (now - set->broker_lost >= (limit > 0 ? limit : GRANT_REVERIFY_MS))
            end_session(s, "policy");
    }
}

/* A broker that got its proof says so; without a word the pause ends as it must. */
static void end_unproved(struct sessions *set, sp_boot_ms now)
{
    size_t at = 0;

    for (struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;) {
        if (s->paused && s->paused_until <= now)
            end_session(s, "policy");
    }
}

static void on_tick(void *arg)
{
    struct sessions *set = arg;
    sp_boot_ms now = clock_boot();
    struct sp_id id;
    size_t at = 0;

    set->tick = NULL;
    for (struct cut_id *c; (c = map_next(&set->cut, &at, &id)) != NULL;) {
        if (c->until <= now) {
            map_remove(&set->cut, id);
            free(c);
        }
    }
    end_unproved(set, now);
    if (set->broker_lost != 0)
        end_unverified(set, now);
    if (timer_start(set->o.loop, now + TICK_MS, on_tick, set, &set->tick) != SP_OK)
        log_event(LOG_ERROR, "session.tick", "out of memory: sessions are no longer verified anew",
                  NULL);
}

sp_error sessions_new(const struct sessions_options *o, struct sessions **out)
{
    struct sessions *set = calloc(1, sizeof *set);
    sp_error e;

    if (set == NULL)
        return SP_ERR_NOMEM;
    set->o = *o;
    if ((e = timer_start(o->loop, clock_boot() + TICK_MS, on_tick, set, &set->tick)) != SP_OK) {
        free(set);
        return e;
    }
    *out = set;
    return SP_OK;
}

void sessions_free(struct sessions *set)
{
    size_t at = 0;

    if (set == NULL)
        return;
    for (struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;)
        free_session(s);
    while (set->closing != NULL)
        free_tunnel(&set->closing, set->closing);
    at = 0;
    for (struct cut_id *c; (c = map_next(&set->cut, &at, NULL)) != NULL;)
        free(c);
    map_deinit(&set->by_id);
    map_deinit(&set->cut);
    timer_cancel(set->tick);
    free(set);
}

void sessions_drain(struct sessions *set)
{
    size_t at = 0;

    set->draining = true;
    for (struct session *s; (s = map_next(&set->by_id, &at, NULL)) != NULL;) {
        for (struct session_tunnel *t = s->tunnels; t != NULL; t = t->next)
            tunnel_end_drain(t->end);
    }
}

size_t sessions_count(const struct sessions *set)
{
    return map_len(&set->by_id);
}

const struct map *sessions_cut_ids(const struct sessions *set)
{
    return &set->cut;
}

bool sessions_next(const struct sessions *set, size_t *at, struct session_facts *out)
{
    const struct session *s = map_next(&set->by_id, at, NULL);

    if (s != NULL)
        *out = facts_of(s);
    return s != NULL;
}
