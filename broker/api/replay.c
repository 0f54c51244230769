/* Replay: what a draft would have decided of the decisions of the last days. */
#include "broker/audit/chain.h"

#include "broker/api/call.h"
#include "broker/api/slice.h"
#include "broker/policy/explain.h"
#include "broker/policy/tests.h"
#include "broker/session/open.h"
#include "broker/session/rules.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DAYS_MAX = 30,
    PAGE_ROWS = 500,
    RECORDS_MAX = 200000, /* looked at: a replay has an end, and says when it met it */
    CHANGES_SHOWN = 100,
    PEOPLE_MAX = 4096,
    PEOPLE_SHOWN = 50,
    SESSIONS_LOOKED_MAX = 5000,
    SESSIONS_SHOWN = 100
};
#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* What the draft makes of a decision. */
enum change { SAME = 0, DENIED, ALLOWED, STEPPED_UP, CHANGES };
static const char *const change_words[CHANGES] = {
    [SAME] = "", [DENIED] = "denied", [ALLOWED] = "allowed", [STEPPED_UP] = "step_up"};

struct person {
    struct sp_id id;
    size_t decisions;
    struct json *newest; /* owned: the newest of them, as ReplayPerson of openapi.yaml */
};

struct tally {
    size_t decisions, people;
    struct person *seen; /* owned; PEOPLE_MAX of them */
};

struct replay {
    const struct policy_doc *doc;
    const struct rules_version *rules;
    struct tally tallies[CHANGES];
    struct json *changes; /* owned until it is answered */
    struct audit_row edge;
    size_t rows, looked, decisions, same, undecidable;
};

/* Why the draft decides so, in the words that the person would read; an allowance names its rule.
 */
static void set_reason(struct json *o, const struct policy_doc *doc, const struct facts *f,
                       const struct decision *d)
{
    struct buf line;

    buf_init(&line, 4096);
    explain_words(doc, f, d, &line);
    json_set_str(o, "reason", buf_view(&line));
    buf_deinit(&line);
}

/* Records come newest first: whoever is met anew is met with their newest decision. */
static void count_in(struct replay *r, const struct json *record, const struct facts *f,
                     enum change change, const struct decision *d)
{
    struct tally *t = &r->tallies[change];
    struct sp_id user = {{0}};

    sp_ignore(json_get_id(record, "user", &user)); /* zero counts as one person */
    t->decisions++;
    for (size_t i = 0; i < t->people; i++)
        if (id_equal(t->seen[i].id, user)) {
            t->seen[i].decisions++;
            return;
        }
    if (t->people == PEOPLE_MAX)
        return;
    struct json *o = json_object();
    json_set_cstr(o, "change", change_words[change]);
    set_ref(o, "user", user, f->user == NULL ? "" : f->user);
    set_reason(o, r->doc, f, d);
    json_set_cstr(o, "time", json_cstr(json_get(record, "time")));
    json_set_cstr(o, "request_id", json_cstr(json_get(record, "request")));
    t->seen[t->people++] = (struct person){.id = user, .decisions = 1, .newest = o};
}

static void note(struct replay *r, const struct json *record, const struct facts *f,
                 enum change change, const struct decision *d)
{
    const struct json *detail = json_get(record, "detail");
    struct sp_id id = {{0}};
    struct json *o;
    struct buf line;

    if (json_len(r->changes) >= CHANGES_SHOWN)
        return;
    o = json_object();
    json_set_cstr(o, "change", change_words[change]);
    json_set_cstr(o, "time", json_cstr(json_get(record, "time")));
    json_set_cstr(o, "request_id", json_cstr(json_get(record, "request")));
    sp_ignore(json_get_id(record, "user", &id)); /* absent: shown as null */
    set_ref(o, "user", id, f->user == NULL ? "" : f->user);
    id = (struct sp_id){{0}};
    sp_ignore(json_get_id(record, "app", &id));
    set_ref(o, "app", id, f->app);
    json_set_cstr(o, "was", json_cstr(json_get(detail, "decided")));
    buf_init(&line, 4096);
    explain_line(r->doc, f, d, &line);
    json_set_str(o, "would", buf_view(&line));
    buf_deinit(&line);
    json_push(r->changes, o);
}

static enum change compare(const char *was, const struct decision *d)
{
    static const char *const words[] = {
        [VERDICT_DENY] = "deny", [VERDICT_STEP_UP] = "step_up", [VERDICT_ALLOW] = "allow"};

    if (strcmp(was, words[d->verdict]) == 0)
        return SAME;
    return d->verdict == VERDICT_ALLOW ? ALLOWED : d->verdict == VERDICT_DENY ? DENIED : STEPPED_UP;
}

/* A decision is decided again, by the draft, over the facts of then. */
static void decide_again(struct replay *r, const struct json *record)
{
    const struct json *detail = json_get(record, "detail");
    const char *was = json_cstr(json_get(detail, "result"));
    struct facts *f = NULL;
    struct sp_id app = {{0}};

    if (was == NULL)
        return; /* decided nothing */
    r->decisions++;
    if (json_get(detail, "facts") == NULL || facts_from_trace(detail, &f) != SP_OK) {
        r->undecidable++; /* cut to fit its record, or of another form: never guessed */
        return;
    }
    f->app_exists = json_get_id(record, "app", &app) == SP_OK && !id_is_zero(app);
    const struct rules_app *now = rules_app(r->rules, view_str(f->app));
    struct decision d = decide(r->doc, now == NULL ? NULL : &now->limits, f);
    enum change change = compare(was, &d);
    if (change == SAME) {
        r->same++;
    } else {
        count_in(r, record, f, change, &d);
        note(r, record, f, change, &d);
    }
    facts_free(f);
}

static bool on_record(void *arg, const struct audit_row *row)
{
    struct replay *r = arg;
    struct json *record = NULL;

    r->rows++;
    r->looked++;
    r->edge = *row;
    /* cheap first: most records are no decision */
    if (memmem(row->text.at, row->text.len, "\"session.", sizeof "\"session." - 1) == NULL ||
        json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record) != SP_OK)
        return true;
    const char *action = json_cstr(json_get(record, "action"));
    if (action != NULL &&
        (strcmp(action, "session.open") == 0 || strcmp(action, "session.deny") == 0 ||
         strcmp(action, "session.step_up") == 0))
        decide_again(r, record);
    json_free(record);
    return true;
}

static sp_error walk(struct api *api, struct replay *r, sp_unix_ms since)
{
    struct store *st = registry_store(api->registry);
    struct audit_span span = {.order = AUDIT_NEWEST_FIRST, .since = since, .limit = PAGE_ROWS};
    sp_error e;

    do {
        r->rows = 0;
        e = store_services(st)->audit->page(st, &span, on_record, r);
        span.edge = r->edge;
        span.edge.text = (struct view){0};
    } while (e == SP_OK && r->rows == PAGE_ROWS && r->looked < RECORDS_MAX);
    return e;
}

static struct json *tally_object(const struct tally *t)
{
    struct json *o = json_object();

    json_set_int(o, "decisions", (int64_t)t->decisions);
    json_set_int(o, "people", (int64_t)t->people);
    return o;
}

static int more_first(const void *a, const void *b)
{
    const struct person *x = a, *y = b;

    return (x->decisions < y->decisions) - (x->decisions > y->decisions);
}

/* Who is met by the draft most often, kind by kind. */
static struct json *people(struct replay *r)
{
    struct json *list = json_array();

    for (size_t c = 0; c < CHANGES; c++) {
        struct tally *t = &r->tallies[c];
        qsort(t->seen, t->people, sizeof *t->seen, more_first);
        for (size_t i = 0; i < t->people && i < PEOPLE_SHOWN; i++) {
            json_set_int(t->seen[i].newest, "decisions", (int64_t)t->seen[i].decisions);
            json_push(list, t->seen[i].newest);
            t->seen[i].newest = NULL;
        }
    }
    return list;
}

/* ---- sessions that run ---- */

struct would {
    struct json *sessions; /* owned until it is answered */
    size_t cut;
};

static void on_would_cut(void *arg, const struct session *s, const char *reason)
{
    struct would *w = arg;

    if (w->cut++ >= SESSIONS_SHOWN)
        return;
    struct json *o = json_object();
    json_set_id(o, "id", s->id);
    set_ref(o, "user", s->user, s->user_name);
    set_ref(o, "app", s->app, s->app_name);
    json_set_cstr(o, "reason", reason);
    json_push(w->sessions, o);
}

static struct json *live_object(struct api *api, const struct policy_doc *doc)
{
    struct would w = {.sessions = json_array()};
    struct json *o = json_object();
    size_t total = live_count(api->live);
    size_t looked = session_would_cut(api->sessions, doc, SESSIONS_LOOKED_MAX, on_would_cut, &w);

    json_set_int(o, "total", (int64_t)total);
    json_set_int(o, "looked", (int64_t)looked);
    json_set_int(o, "cut", (int64_t)w.cut);
    json_set(o, "sessions", w.sessions);
    return o;
}

/* ---- the answer ---- */

static struct json *answer(struct api *api, struct replay *r, sp_unix_ms since)
{
    struct json *o = json_object();

    json_set_time(o, "since", since);
    json_set_int(o, "decisions", (int64_t)r->decisions);
    json_set_int(o, "same", (int64_t)r->same);
    json_set_int(o, "undecidable", (int64_t)r->undecidable);
    json_set_bool(o, "complete", r->looked < RECORDS_MAX);
    json_set(o, "newly_denied", tally_object(&r->tallies[DENIED]));
    json_set(o, "newly_allowed", tally_object(&r->tallies[ALLOWED]));
    json_set(o, "newly_step_up", tally_object(&r->tallies[STEPPED_UP]));
    json_set(o, "people", people(r));
    json_set(o, "changes", r->changes);
    r->changes = NULL;
    json_set(o, "live", live_object(api, r->doc));
    return o;
}

static void tally_free(struct tally *t)
{
    for (size_t i = 0; t->seen != NULL && i < t->people; i++)
        json_free(t->seen[i].newest);
    free(t->seen);
}

static sp_error run(struct api *api, struct api_call *c, const struct policy_doc *doc, int64_t days)
{
    struct replay r = {.doc = doc, .rules = rules_hold(api->rules), .changes = json_array()};
    sp_unix_ms since = clock_unix() - days * DAY_MS;
    sp_error e = SP_OK;

    for (size_t i = 0; i < CHANGES; i++)
        if ((r.tallies[i].seen = calloc(PEOPLE_MAX, sizeof *r.tallies[i].seen)) == NULL)
            e = SP_ERR_NOMEM;
    if (e == SP_OK)
        e = walk(api, &r, since);
    if (e == SP_OK)
        response_json(c->res, 200, answer(api, &r, since));
    for (size_t i = 0; i < CHANGES; i++)
        tally_free(&r.tallies[i]);
    json_free(r.changes);
    rules_release(api->rules, r.rules);
    return e;
}

/* The draft: the whole document, or one policy's text in the place of its old one. */
static sp_error read_draft(struct api *api, struct api_call *c, const struct json *body,
                           struct buf *whole)
{
    struct view text, name;
    unsigned line;
    sp_error e = member_text(c, body, "text", 0, POLICY_DOC_BYTES_MAX, &text);

    if (e != SP_OK)
        return e;
    if (json_get(body, "policy") == NULL) {
        buf_add(whole, text);
        return buf_error(whole);
    }
    if ((e = member_text(c, body, "policy", 1, POLICY_NAME_MAX, &name)) != SP_OK)
        return e;
    const struct snapshot *s = registry_hold(api->registry);
    e = slice_replace(s->policy.text, name, text, whole, &line);
    registry_release(api->registry, s);
    return e;
}

sp_error api_policy_replay(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"text", "policy", "days", NULL};
    struct rules_check check = {0};
    struct json *body;
    struct buf whole;
    int64_t days = 7;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    buf_init(&whole, POLICY_DOC_BYTES_MAX);
    if (json_get(body, "days") != NULL && json_get_int(body, "days", 1, DAYS_MAX, &days) != SP_OK) {
        sp_why_field(&c->why, "days");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "days is a number from 1 to %d", DAYS_MAX);
    }
    if (e == SP_OK && (e = read_draft(api, c, body, &whole)) == SP_OK &&
        (e = rules_check(api->rules, buf_view(&whole), &check)) == SP_OK) {
        if (check.doc == NULL) {
            c->why = check.why;
            c->problem = (struct problem){.status = 422,
                                          .code = "invalid",
                                          .title = "The draft can't be read",
                                          .detail = c->why.text,
                                          .why = &c->why};
        } else {
            e = run(api, c, check.doc, days);
        }
        rules_check_free(&check);
    }
    buf_deinit(&whole);
    json_free(body);
    return e;
}
