/* Replay: what a draft would have decided of the decisions of the last days. */
#include "broker/audit/chain.h"

#include "broker/api/call.h"
#include "broker/api/slice.h"
#include "broker/policy/explain.h"
#include "broker/policy/tests.h"
#include "broker/session/rules.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DAYS_MAX = 30,
    PAGE_ROWS = 500,
    RECORDS_MAX = 200000, /* looked at: a replay has an end, and says when it met it */
    CHANGES_SHOWN = 100,
    PEOPLE_MAX = 4096
};
#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* What the draft makes of a decision. */
enum change { SAME = 0, DENIED, ALLOWED, STEPPED_UP, CHANGES };
static const char *const change_words[CHANGES] = {
    [SAME] = "", [DENIED] = "denied", [ALLOWED] = "allowed", [STEPPED_UP] = "step_up"};

struct tally {
    size_t decisions, people;
    struct sp_id *seen; /* owned; PEOPLE_MAX of them */
};

struct replay {
    const struct policy_doc *doc;
    const struct rules_version *rules;
    struct tally tallies[CHANGES];
    struct json *changes; /* owned until it is answered */
    struct audit_row edge;
    size_t rows, looked, decisions, unreadable;
};

static void count_in(struct tally *t, struct sp_id user)
{
    t->decisions++;
    for (size_t i = 0; i < t->people; i++)
        if (id_equal(t->seen[i], user))
            return;
    if (t->people < PEOPLE_MAX)
        t->seen[t->people++] = user;
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
    struct sp_id app = {{0}}, user = {{0}};

    if (was == NULL || json_get(detail, "facts") == NULL)
        return; /* decided nothing, or was cut to fit */
    if (facts_from_trace(detail, &f) != SP_OK) {
        r->unreadable++;
        return;
    }
    r->decisions++;
    f->app_exists = json_get_id(record, "app", &app) == SP_OK && !id_is_zero(app);
    const struct rules_app *now = rules_app(r->rules, view_str(f->app));
    struct decision d = decide(r->doc, now == NULL ? NULL : &now->limits, f);
    enum change change = compare(was, &d);
    if (change != SAME) {
        sp_ignore(json_get_id(record, "user", &user)); /* zero counts as one person */
        count_in(&r->tallies[change], user);
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
    struct audit_row from = {0};
    sp_error e;

    do {
        r->rows = 0;
        e = store_services(st)->audit->page(st, AUDIT_NEWEST_FIRST, &from, since, INT64_MAX,
                                            PAGE_ROWS, on_record, r);
        from = r->edge;
        from.text = (struct view){0};
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
    if (e == SP_OK) {
        struct json *o = json_object();
        json_set_time(o, "since", since);
        json_set_int(o, "decisions", (int64_t)r.decisions);
        json_set_bool(o, "complete", r.looked < RECORDS_MAX && r.unreadable == 0);
        json_set(o, "newly_denied", tally_object(&r.tallies[DENIED]));
        json_set(o, "newly_allowed", tally_object(&r.tallies[ALLOWED]));
        json_set(o, "newly_step_up", tally_object(&r.tallies[STEPPED_UP]));
        json_set(o, "changes", r.changes);
        r.changes = NULL;
        response_json(c->res, 200, o);
    }
    for (size_t i = 0; i < CHANGES; i++)
        free(r.tallies[i].seen);
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
