/* Decisions without a grant: why, simulate, which apps someone sees. */
#include "broker/session/sessions_internal.h"

#include "broker/policy/parse.h"
#include "broker/policy/tests.h"
#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

struct request_id request_id_new(void)
{
    /* No letters that look like digits or each other, for reading aloud. */
    static const char letters[] = "23456789BCDFGHJKMNPQRSTVWXYZ";
    struct request_id id = {"R-"};

    for (size_t i = 2; i < 10; i++)
        id.s[i] = letters[random_below(sizeof letters - 1)];
    return id;
}

void count_decision(struct sessions *s, const struct decision *d, int64_t ns)
{
    pthread_mutex_lock(&s->lock);
    s->stats.decisions[d->verdict][d->reason]++;
    s->stats.decide_ns_sum += (uint64_t)(ns < 0 ? 0 : ns);
    pthread_mutex_unlock(&s->lock);
}

bool denied_too_often(struct sessions *s, struct sp_id user, bool count, bool *first)
{
    sp_boot_ms now = clock_boot();
    size_t at = ((size_t)user.bytes[0] << 8 | user.bytes[1]) % DENIERS_MAX;

    pthread_mutex_lock(&s->lock);
    struct denier *d = &s->deniers[at];
    if (!id_equal(d->user, user) || now - d->since > 60 * 1000) {
        if (count || id_equal(d->user, user))
            *d = (struct denier){.user = user, .since = now};
    }
    if (count && id_equal(d->user, user))
        d->count++;
    bool too_often = id_equal(d->user, user) && d->count > DENIALS_A_MINUTE_MAX;
    *first = too_often && !d->told;
    d->told = d->told || too_often;
    pthread_mutex_unlock(&s->lock);
    return too_often;
}

/* ---- answers ---- */

static void answer(const struct policy_doc *doc, const struct gathered *g, const struct facts *f,
                   bool admin, struct why_answer *out)
{
    struct decision d = decide(doc, g->app == NULL ? NULL : &g->app->limits, f);
    struct buf line;

    memset(out, 0, sizeof *out);
    out->decision = d;
    out->verdict = d.verdict;
    out->reason = d.reason;
    out->exit_code = explain_exit_code(&d);
    explain_sentences(doc, f, &d, request_id_new().s, &out->sentences);
    buf_init(&line, 4096);
    explain_line(doc, f, &d, &line);
    const char *text = buf_cstr(&line);
    (void)snprintf(out->line, sizeof out->line, "%s", text == NULL ? "" : text);
    buf_deinit(&line);
    if (admin || (d.reason != REASON_NOT_VISIBLE && d.reason != REASON_GROUPS_UNKNOWN))
        out->trace = explain_trace(doc, f, &d, TRACE_PEOPLE);
    out->decision.policy = NULL; /* the document may go */
    out->decision.rule = NULL;
}

void why_answer_free(struct why_answer *a)
{
    json_free(a->trace);
    a->trace = NULL;
}

sp_error session_why(struct sessions *s, struct sp_id device, const struct net_address *peer,
                     struct view app, struct why_answer *out)
{
    struct gathered *g = calloc(1, sizeof *g);
    struct gather_ask q = {.device = device, .app = app, .peer = peer};
    sp_error e = g == NULL ? SP_ERR_NOMEM : gather(s, &q, g);

    if (e == SP_OK) {
        answer(g->rules->doc, g, &g->facts, false, out);
        gathered_free(s, g);
    }
    free(g);
    return e;
}

/* ---- simulation ---- */

static bool given(const struct json *o, const char *name)
{
    return json_get(o, name) != NULL;
}

/* An admin's facts over the gathered ones, member by member. */
static void overlay(struct facts *f, const struct facts *o, const struct json *row)
{
    if (given(row, "at")) {
        f->now = o->now;
        f->mfa_now = o->mfa_now;
    }
    if (given(row, "user"))
        f->user = o->user;
    if (given(row, "groups") || given(row, "groups_known")) {
        f->groups_known = o->groups_known;
        f->groups = o->groups;
        f->group_count = o->group_count;
    }
    if (given(row, "mfa")) {
        memcpy(f->proofs, o->proofs, sizeof f->proofs);
        f->proof_count = o->proof_count;
        f->proof_is_for_session = o->proof_is_for_session;
    }
    if (given(row, "device")) {
        f->device_known = o->device_known;
        f->device_state = o->device_state;
        f->device_owner = o->device_owner;
        f->device_key = o->device_key;
    }
    if (given(row, "network"))
        f->peer = o->peer;
    if (given(row, "country"))
        f->country = o->country;
    if (given(row, "risk"))
        f->risk = o->risk;
    if (given(row, "access")) {
        f->access_until = o->access_until;
        f->access_ref = o->access_ref;
    }
    if (given(row, "labels")) {
        f->labels = o->labels;
        f->label_count = o->label_count;
        f->app_exists = true;
    }
}

/* Signals of both, those of the admin in place of the device's; NULL: no memory. */
static struct fact_signal *merge_signals(struct facts *f, const struct facts *o)
{
    struct fact_signal *all = calloc(f->signal_count + o->signal_count + 1, sizeof *all);
    size_t a = 0, b = 0, n = 0;

    while (all != NULL && (a < f->signal_count || b < o->signal_count)) {
        int order = a == f->signal_count   ? 1
                    : b == o->signal_count ? -1
                                           : strcmp(f->signals[a].name, o->signals[b].name);
        all[n++] = order < 0 ? f->signals[a] : o->signals[b];
        a += order <= 0;
        b += order >= 0;
    }
    if (all != NULL) {
        f->signals = all;
        f->signal_count = n;
    }
    return all;
}

static sp_error simulate(const struct gathered *g, const struct simulation *q, struct sp_why *why,
                         struct why_answer *out)
{
    struct facts f = g->facts, *over = NULL;
    struct policy_doc *doc = NULL;
    struct fact_signal *signals = NULL;
    sp_error e = SP_OK;

    if (q->draft.len > 0)
        e = policy_parse(q->draft, NULL, why, &doc);
    if (e == SP_OK && q->facts != NULL)
        e = facts_from_json(q->facts, f.now, why, &over);
    if (e == SP_OK && over != NULL) {
        overlay(&f, over, q->facts);
        if ((signals = merge_signals(&f, over)) == NULL)
            e = SP_ERR_NOMEM;
    }
    if (e == SP_OK)
        answer(doc != NULL ? doc : g->rules->doc, g, &f, true, out);
    free(signals);
    facts_free(over);
    policy_doc_free(doc);
    return e;
}

sp_error session_simulate(struct sessions *s, const struct simulation *q, struct sp_why *why,
                          struct why_answer *out)
{
    struct gathered *g = calloc(1, sizeof *g);
    struct gather_ask ask = {.device = q->device, .app = q->app};
    struct user_row row;
    sp_error e =
        g == NULL ? SP_ERR_NOMEM : s->services->registry->user_by_name(s->st, q->user, &row);

    if (e == SP_OK) {
        ask.user = row.id;
        if ((e = gather(s, &ask, g)) == SP_OK) {
            e = simulate(g, q, why, out);
            gathered_free(s, g);
        }
    }
    free(g);
    return e;
}

/* ---- visible apps ---- */

static void describe(const struct gathered *g, const struct facts *f, const struct decision *d,
                     const struct rules_app *app, struct visible_app *out)
{
    struct sentences said;

    *out = (struct visible_app){
        .id = app->row->id, .type = app->row->type, .port = app->row->port, .access = d->verdict};
    (void)snprintf(out->name, sizeof out->name, "%s", app->row->name);
    (void)snprintf(out->description, sizeof out->description, "%.*s", VIEW_ARG(app->description));
    if (d->verdict == VERDICT_ALLOW) {
        if (d->rule != NULL)
            (void)snprintf(out->why, sizeof out->why, "%.128s/%.128s", d->policy->name,
                           d->rule->name);
        else
            (void)snprintf(out->why, sizeof out->why, "request %s", f->access_ref);
        return;
    }
    explain_sentences(g->rules->doc, f, d, "", &said);
    (void)snprintf(out->why, sizeof out->why, "%s", said.count > 0 ? said.at[0].reason : "");
}

sp_error session_apps(struct sessions *s, struct sp_id device, const struct net_address *peer,
                      struct view after, struct visible_apps *out)
{
    struct gathered *g = calloc(1, sizeof *g);
    struct gather_ask q = {.device = device, .peer = peer};
    sp_error e = g == NULL ? SP_ERR_NOMEM : gather(s, &q, g);
    char from[ROW_NAME_MAX + 1];

    out->count = 0;
    out->more = false;
    (void)snprintf(from, sizeof from, "%.*s", VIEW_ARG(after));
    for (size_t i = 0; e == SP_OK && i < g->rules->app_count && !out->more; i++) {
        const struct rules_app *app = &g->rules->apps[i];
        struct facts f = g->facts;
        if (strcmp(app->row->name, from) <= 0 && from[0] != '\0')
            continue;
        f.app = app->row->name;
        f.app_exists = true;
        f.labels = app->labels;
        f.label_count = app->label_count;
        gathered_access(g, app->row->id, &f);
        struct decision d = decide(g->rules->doc, &app->limits, &f);
        if (d.reason == REASON_NOT_VISIBLE || d.reason == REASON_GROUPS_UNKNOWN)
            continue;
        if (out->count == out->max)
            out->more = true;
        else
            describe(g, &f, &d, app, &out->at[out->count++]);
    }
    if (e == SP_OK)
        gathered_free(s, g);
    free(g);
    return e;
}
