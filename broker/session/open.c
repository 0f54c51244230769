#include "broker/session/sessions_internal.h"

#include "lib/base/failpoint.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/trust/mint.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TRIES = 3, TRACE_MAX = 60 * 1024 };

/* One opening under way. */
struct opening {
    struct sessions *s;
    const struct open_request *q;
    struct open_answer *out;
    struct gathered g;
    struct decision d;
    struct session live; /* as it stands, or will stand, in the live set */
    struct placed placed;
    bool again;       /* one more grant of a session that is live */
    struct buf trace; /* the audit record's detail */
    char line[ROW_TEXT_MAX + 1];
};

/* ---- proofs for one session (step_up every: 0s) ---- */

static bool pending_find(struct sessions *s, const struct opening *o, sp_unix_ms *asked)
{
    bool found = false;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < PENDING_MAX && !found; i++) {
        const struct pending *p = &s->pending[i];
        found = id_equal(p->session, o->q->session) && id_equal(p->device, o->q->device) &&
                clock_unix() - p->asked <= PENDING_MS;
        *asked = p->asked;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void pending_add(struct sessions *s, const struct opening *o)
{
    pthread_mutex_lock(&s->lock);
    bool there = false;
    for (size_t i = 0; i < PENDING_MAX && !there; i++)
        there = id_equal(s->pending[i].session, o->live.id);
    if (!there) { /* the oldest gives way */
        s->pending[s->pending_next] =
            (struct pending){.session = o->live.id, .device = o->q->device, .asked = clock_unix()};
        s->pending_next = (s->pending_next + 1) % PENDING_MAX;
    }
    pthread_mutex_unlock(&s->lock);
}

static void pending_drop(struct sessions *s, struct sp_id session)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < PENDING_MAX; i++)
        if (id_equal(s->pending[i].session, session))
            s->pending[i] = (struct pending){0};
    pthread_mutex_unlock(&s->lock);
}

/* ---- the live set ---- */

static struct session fresh(const struct opening *o, struct sp_id id)
{
    struct session n = {.id = id,
                        .user = o->g.user.id,
                        .device = o->q->device,
                        .state = SESSION_NONE,
                        .peer = o->q->peer,
                        .granted_at = clock_boot()};

    if (o->g.app != NULL)
        n.app = o->g.app->row->id;
    (void)snprintf(n.user_name, sizeof n.user_name, "%s", o->g.user.name);
    (void)snprintf(n.device_name, sizeof n.device_name, "%s", o->g.device.name);
    (void)snprintf(n.app_name, sizeof n.app_name, "%s", o->g.app_name);
    (void)snprintf(n.address, sizeof n.address, "%s", o->q->address);
    (void)snprintf(n.request, sizeof n.request, "%s", o->out->request);
    return n;
}

static bool not_stale(struct session *s, void *arg)
{
    (void)arg;
    s->stale = false;
    return false;
}

static bool fill(struct session *s, void *arg)
{
    const struct session *n = arg;

    if (s->state == SESSION_CUTTING || s->stale)
        return false;
    *s = *n;
    return true;
}

/* ---- deciding ---- */

static sp_error ask(struct opening *o)
{
    sp_unix_ms asked = 0;
    bool pending = !o->again && pending_find(o->s, o, &asked);
    struct gather_ask q = {.device = o->q->device,
                           .app = o->q->app,
                           .peer = &o->q->peer,
                           .mfa_now = o->again ? o->live.mfa_now : 0,
                           .proof_is_for_session = o->again && o->live.proof_is_for_session};
    struct timespec a, b;

    gathered_free(o->s, &o->g);
    sp_error e = gather(o->s, &q, &o->g);
    if (e != SP_OK)
        return e;
    if (pending && o->g.login.mfa_at >= asked)
        o->g.facts.proof_is_for_session = true;
    clock_gettime(CLOCK_MONOTONIC, &a);
    o->d = decide(o->g.rules->doc, o->g.app == NULL ? NULL : &o->g.app->limits, &o->g.facts);
    clock_gettime(CLOCK_MONOTONIC, &b);
    count_decision(o->s, &o->d, (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec);
    return SP_OK;
}

/* The session stands in the live set before its facts are gathered, so that a change which comes
 * in between is not missed: it marks the entry stale, and we ask again. */
static sp_error decide_in_view(struct opening *o)
{
    sp_error e = SP_ERR_BUSY;

    for (int i = 0; i < TRIES; i++) {
        struct session now;
        sp_ignore(live_change(o->s->c.live, o->live.id, not_stale, NULL, LIVE_EVENT_CHANGED, NULL,
                              NULL)); /* a cut one is found below */
        if ((e = ask(o)) != SP_OK)
            return e;
        if (live_get(o->s->c.live, o->live.id, &now) != SP_OK || now.state == SESSION_CUTTING)
            return SP_ERR_DENIED;
        if (!now.stale)
            return SP_OK;
        e = SP_ERR_BUSY;
    }
    return e;
}

/* ---- the record ---- */

static enum audit_event event_of(const struct decision *d)
{
    return d->verdict == VERDICT_ALLOW     ? AUDIT_SESSION_OPEN
           : d->verdict == VERDICT_STEP_UP ? AUDIT_SESSION_STEP_UP
                                           : AUDIT_SESSION_DENY;
}

static void write_trace(struct opening *o)
{
    buf_reset(&o->trace);
    explain_trace_text(o->g.rules->doc, &o->g.facts, &o->d, TRACE_RECORD, &o->trace);
    if (buf_error(&o->trace) != SP_OK) { /* too many rules and groups for one record */
        buf_reset(&o->trace);
        buf_addf(&o->trace, "{\"result\":\"%s\",\"reason\":\"%s\",\"cut\":true}",
                 verdict_word(o->d.verdict), reason_word(o->d.reason));
    }
}

static sp_error commit_work(struct store_tx *tx, void *arg)
{
    struct opening *o = arg;
    struct audit_record r = {
        .event = event_of(&o->d),
        .result = o->d.verdict == VERDICT_ALLOW ? AUDIT_OK : AUDIT_DENIED,
        .actor_kind = AUDIT_ACTOR_USER,
        .actor = o->g.user.id,
        .actor_name = o->g.user.name,
        .user = o->g.user.id,
        .device = o->q->device,
        .app = o->live.app,
        .session = o->live.id,
        .connector = o->placed.connector.id,
        .relay = o->placed.relay.id,
        .object_kind = "app",
        .object_name = o->g.app_name,
        .object = o->live.app,
        .address = o->q->address,
        .request = o->out->request,
        .text = o->line,
        .reason = o->d.verdict == VERDICT_ALLOW ? NULL : reason_word(o->d.reason),
        .detail = buf_view(&o->trace),
    };
    sp_error e = audit_append(tx, o->s->services, &r);

    if (e == SP_OK && o->d.verdict == VERDICT_ALLOW && !id_is_zero(o->placed.relay.id)) {
        const struct session_row row = {.id = o->live.id,
                                        .user = o->live.user,
                                        .device = o->live.device,
                                        .app = o->live.app,
                                        .relay = o->placed.relay.id,
                                        .connector = o->placed.connector.id,
                                        .opened = o->live.opened,
                                        .deadline = o->live.deadline};
        e = o->s->services->presence->session_put(tx, &row);
    }
    return e;
}

static void write_line(struct opening *o)
{
    struct buf line;

    buf_init(&line, 4096);
    explain_words(o->g.rules->doc, &o->g.facts, &o->d, &line);
    view_copy(o->line, sizeof o->line, buf_view(&line));
    buf_deinit(&line);
}

/* ---- denials and step-ups ---- */

static bool mentions_groups(const struct policy_doc *doc)
{
    for (size_t i = 0; i < doc->count; i++)
        if (doc->policies[i].mentions_groups && doc->policies[i].mode == POLICY_ENFORCE)
            return true;
    return false;
}

/* With unreadable groups an app that the user may not see must look like one that they may
 * (TM-05): both say that groups could not be read. The record keeps the true reason. */
static struct decision as_shown(const struct opening *o)
{
    struct decision d = o->d;

    if (d.reason == REASON_NOT_VISIBLE && !o->g.facts.groups_known &&
        mentions_groups(o->g.rules->doc))
        d.reason = REASON_GROUPS_UNKNOWN;
    return d;
}

static sp_error answer_no(struct opening *o)
{
    struct decision shown = as_shown(o);
    struct open_answer *a = o->out;
    bool first = false;

    if (o->d.verdict == VERDICT_DENY)
        (void)denied_too_often(o->s, o->g.user.id, true, &first);
    write_line(o);
    write_trace(o);
    sp_error e = store_commit(o->s->st, commit_work, o);
    if (e != SP_OK)
        return e;
    a->verdict = shown.verdict;
    a->reason = shown.reason;
    a->exit_code = explain_exit_code(&shown);
    a->session = o->live.id;
    explain_sentences(o->g.rules->doc, &o->g.facts, &shown, a->request, &a->sentences);
    explain_need(&o->g.facts, &shown, &a->need_kind, &a->need_every_ms);
    if (o->d.verdict == VERDICT_STEP_UP)
        pending_add(o->s, o);
    return SP_OK;
}

/* ---- granting ---- */

static struct sp_id pairwise(struct sessions *s, struct sp_id site, struct sp_id user)
{
    struct hash key = hash_keyed((struct view){s->c.pairwise_key, 32}, id_view(&site));
    return hash_pairwise(key.bytes, user);
}

static sp_error mint(struct opening *o)
{
    sp_unix_ms now = o->g.facts.now;
    struct grant g = {
        .id = random_id(),
        .session = o->live.id,
        .app = o->live.app,
        .user = pairwise(o->s, o->g.app->row->site, o->live.user),
        .device = o->q->tunnel_key,
        .connector = o->placed.connector.key,
        .relay = o->placed.relay.id,
        .relay_boot = o->placed.relay_boot,
        .issued = now,
        .open_until =
            now + GRANT_OPEN_MS_MAX < o->live.deadline ? now + GRANT_OPEN_MS_MAX : o->live.deadline,
        .deadline = o->live.deadline,
        .idle_ms = o->live.idle_ms,
        .reverify_ms = o->live.reverify_ms,
        .policy_version = (int64_t)o->d.policy_version,
    };
    struct buf token;

    buf_init(&token, GRANT_MAX);
    sp_error e = grant_mint(&g, o->s->c.grant_key, &token);
    const char *text = e == SP_OK ? buf_cstr(&token) : NULL;
    if (e == SP_OK && text == NULL)
        e = SP_ERR_NOMEM;
    if (e == SP_OK)
        (void)snprintf(o->out->grant, sizeof o->out->grant, "%s", text);
    buf_deinit(&token);
    return e;
}

static void fill_live(struct opening *o)
{
    struct session *n = &o->live;
    const struct limits *l = &o->d.limits;

    if (!o->again) {
        n->opened = o->g.facts.now;
        n->deadline = o->d.deadline;
        n->mfa_now = o->g.facts.mfa_now;
        n->proof_is_for_session = o->g.facts.proof_is_for_session;
        n->state = SESSION_GRANTED;
    }
    n->deadline = n->deadline < o->d.deadline ? n->deadline : o->d.deadline;
    n->idle_ms = l->idle_ms;
    n->reverify_ms = l->reverify_ms;
    n->connector = o->placed.connector.id;
    n->relay = o->placed.relay.id;
    n->policy_version = o->d.policy_version;
    n->granted_at = clock_boot();
    n->stale = false;
    if (o->d.rule != NULL)
        (void)snprintf(n->rule, sizeof n->rule, "%.128s/%.128s", o->d.policy->name,
                       o->d.rule->name);
    else
        (void)snprintf(n->rule, sizeof n->rule, "request %s", o->g.facts.access_ref);
    schedule(n, &o->g, &o->d);
}

static void fill_answer(struct opening *o)
{
    struct open_answer *a = o->out;

    a->verdict = VERDICT_ALLOW;
    a->reason = REASON_NONE;
    a->session = o->live.id;
    a->app = o->live.app;
    a->relay = o->placed.relay.id;
    a->relay_boot = o->placed.relay_boot;
    a->connector = o->placed.connector.id;
    a->app_type = o->g.app->row->type;
    a->app_port = o->g.app->row->port;
    memcpy(a->relay_name, o->placed.relay.name, sizeof a->relay_name);
    memcpy(a->relay_addresses, o->placed.relay.addresses, sizeof a->relay_addresses);
    memcpy(a->relay_spki, o->placed.relay.spki_hash, sizeof a->relay_spki);
    a->connector_key = o->placed.connector.key;
    a->deadline = o->live.deadline;
    a->idle_ms = o->live.idle_ms;
    a->reverify_ms = o->live.reverify_ms;
    a->cut_through = !o->s->c.cut_through_off && !o->g.app->cut_through_off;
    memcpy(a->rule, o->live.rule, sizeof a->rule);
}

/* Allowed but nowhere to go: the decision is written down all the same. */
static sp_error answer_unreachable(struct opening *o)
{
    (void)snprintf(o->out->unreachable, sizeof o->out->unreachable, "%s", o->placed.missing);
    o->placed = (struct placed){0};
    write_trace(o);
    sp_error e = store_commit(o->s->st, commit_work, o);
    return e == SP_OK ? SP_ERR_UNREACHABLE : e;
}

static sp_error answer_yes(struct opening *o)
{
    const struct place_ask where = {.app = o->g.app->row,
                                    .user = o->live.user,
                                    .device = o->live.device,
                                    .keep = o->again ? o->live.connector : (struct sp_id){{0}},
                                    .not_relays = o->q->not_relays,
                                    .not_count = o->q->not_count};
    struct session now;
    sp_error e;

    write_line(o);
    e = place(o->s, o->g.rules, &where, &o->placed);
    if (e != SP_OK)
        return answer_unreachable(o);
    fill_live(o);
    write_trace(o);
    if ((e = live_change(o->s->c.live, o->live.id, fill, &o->live,
                         o->again ? LIVE_EVENT_CHANGED : LIVE_EVENT_ADDED, NULL, &now)) != SP_OK)
        return e;
    if (now.state == SESSION_CUTTING)
        return SP_ERR_DENIED;
    if (now.stale)
        return SP_ERR_AGAIN; /* a fact changed in the last moment, and nothing is written yet */
    FAILPOINT("session:decided");
    if ((e = store_commit(o->s->st, commit_work, o)) != SP_OK) /* I2: durable before it leaves */
        return e;
    FAILPOINT("session:recorded");
    if (live_get(o->s->c.live, o->live.id, &now) != SP_OK || now.state == SESSION_CUTTING)
        return SP_ERR_DENIED;
    if ((e = mint(o)) != SP_OK ||
        (e = person_state(o->s, &o->g, &o->live, &o->out->identity)) != SP_OK)
        return e;
    pending_drop(o->s, o->live.id);
    sessions_look_at(o->s, o->live.look_at);
    fill_answer(o);
    FAILPOINT("session:minted");
    pthread_mutex_lock(&o->s->lock);
    o->s->stats.grants++;
    pthread_mutex_unlock(&o->s->lock);
    return SP_OK;
}

/* ---- the whole ---- */

/* The session that is asked about: a live one of this device and app, or a new entry. */
static sp_error stand(struct opening *o)
{
    struct sp_id id = o->q->session;
    struct session old;
    sp_unix_ms asked = 0;

    if (!id_is_zero(id) && live_get(o->s->c.live, id, &old) == SP_OK) {
        if (!id_equal(old.device, o->q->device) || o->g.app == NULL ||
            !id_equal(old.app, o->g.app->row->id) || old.state == SESSION_NONE)
            return SP_ERR_NOT_FOUND;
        if (old.state == SESSION_CUTTING)
            return SP_ERR_DENIED;
        o->live = old;
        o->again = true;
        return SP_OK;
    }
    if (id_is_zero(id) || !pending_find(o->s, o, &asked)) /* an ended one starts anew */
        id = random_id();
    o->live = fresh(o, id);
    return live_add(o->s->c.live, &o->live);
}

static sp_error run(struct opening *o)
{
    bool first = false;
    sp_error e = ask(o); /* who, which device, which app: to stand in the index */

    if (e != SP_OK)
        return e;
    if (denied_too_often(o->s, o->g.user.id, false, &first))
        return SP_ERR_LIMIT;
    if ((e = stand(o)) != SP_OK)
        return e;
    for (int i = 0; i < TRIES; i++) {
        e = decide_in_view(o);
        if (e == SP_OK)
            e = o->d.verdict == VERDICT_ALLOW ? answer_yes(o) : answer_no(o);
        if (e != SP_ERR_AGAIN)
            break;
        e = SP_ERR_BUSY;
    }
    if (!o->again && (e != SP_OK || o->d.verdict != VERDICT_ALLOW))
        live_remove(o->s->c.live, o->live.id, LIVE_EVENT_ENDED, "not opened");
    return e;
}

sp_error session_open(struct sessions *s, const struct open_request *q, struct open_answer *out)
{
    struct opening *o = calloc(1, sizeof *o); /* too large for a worker's stack */
    sp_error e = SP_ERR_NOMEM;

    memset(out, 0, sizeof *out);
    memcpy(out->request, request_id_new().s, sizeof out->request);
    if (o == NULL)
        return e;
    o->s = s;
    o->q = q;
    o->out = out;
    buf_init(&o->trace, TRACE_MAX);
    e = q->not_count > OPEN_NOT_MAX ? SP_ERR_INVALID : run(o);
    if (e != SP_OK) { /* whatever failed on the way is a denial */
        out->verdict = VERDICT_DENY;
        memset(out->grant, 0, sizeof out->grant);
    }
    gathered_free(s, &o->g);
    buf_deinit(&o->trace);
    free(o);
    return e;
}
