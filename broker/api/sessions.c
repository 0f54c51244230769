#include "broker/session/sessions.h"

#include "broker/api/call.h"
#include "broker/api/cuts.h"
#include "broker/api/feed.h"
#include "broker/api/names.h"
#include "broker/session/cut.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_words[] = {
    [SESSION_NONE] = "ended",    [SESSION_GRANTED] = "granted", [SESSION_RUNNING] = "live",
    [SESSION_PAUSED] = "paused", [SESSION_CUTTING] = "cutting",
};

struct json *api_session_object(struct api *api, const struct names *n, const struct session *s,
                                const char *state)
{
    struct json *o = json_object();

    json_set_id(o, "id", s->id);
    set_ref(o, "user", s->user, s->user_name);
    set_ref(o, "device", s->device, s->device_name);
    set_ref(o, "app", s->app, s->app_name);
    set_connector(o, "connector", n, s->connector);
    set_relay(o, "relay", n, s->relay);
    json_set_cstr(o, "state", state != NULL ? state : state_words[s->state]);
    json_set_time(o, "opened", s->opened);
    set_time(o, "deadline", s->deadline);
    set_ms(o, "idle_ms", s->idle_ms > 0 ? s->idle_ms : -1);
    json_set_int(o, "bytes_up", (int64_t)s->bytes_up);
    json_set_int(o, "bytes_down", (int64_t)s->bytes_down);
    json_set_int(o, "policy_version", (int64_t)s->policy_version);
    json_set_cstr(o, "rule", s->rule);
    set_text_or_null(o, "request_id", s->request);
    set_text_or_null(o, "address", s->address);
    json_set(o, "cut", cut_of_session(api, s));
    return o;
}

/* ---- the list ----------------------------------------------------------------------------- */

static int by_time(sp_unix_ms a, sp_unix_ms b, const struct session *x, const struct session *y)
{
    return a != b ? (a < b ? -1 : 1) : id_compare(x->id, y->id);
}

static int oldest_first(const void *a, const void *b)
{
    const struct session *x = a, *y = b;
    return by_time(x->opened, y->opened, x, y);
}

static int newest_first(const void *a, const void *b)
{
    return -oldest_first(a, b);
}

static int ends_first(const void *a, const void *b)
{
    const struct session *x = a, *y = b;
    return by_time(x->deadline, y->deadline, x, y);
}

static int ends_last(const void *a, const void *b)
{
    return -ends_first(a, b);
}

static const struct {
    const char *word;
    int (*compare)(const void *a, const void *b);
    bool by_end;
} orders[] = {{"-opened", newest_first, false},
              {"opened", oldest_first, false},
              {"deadline", ends_first, true},
              {"-deadline", ends_last, true}};

struct wanted {
    struct sp_id ids[4]; /* user, device, connector, app */
    const struct page *page;
};

static bool fits(const void *arg, const struct session *s)
{
    const struct wanted *w = arg;
    const struct sp_id *ids = w->ids;

    return (id_is_zero(ids[0]) || id_equal(ids[0], s->user)) &&
           (id_is_zero(ids[1]) || id_equal(ids[1], s->device)) &&
           (id_is_zero(ids[2]) || id_equal(ids[2], s->connector)) &&
           (id_is_zero(ids[3]) || id_equal(ids[3], s->app)) &&
           (listing_matches(w->page, s->user_name) || listing_matches(w->page, s->app_name) ||
            listing_matches(w->page, s->device_name));
}

/* What the filter names, the narrowest index first. */
static void narrowest(struct live_order *o, const struct sp_id ids[4])
{
    static const enum live_key keys[] = {LIVE_USER, LIVE_DEVICE, LIVE_CONNECTOR, LIVE_APP};

    for (size_t i = 0; i < 4; i++)
        if (!id_is_zero(ids[i])) {
            o->by = keys[i];
            o->id = ids[i];
            return;
        }
}

static sp_error read_order(struct api_call *c, size_t *out)
{
    char sort[16];
    sp_error e = call_text(c, "sort", sort, sizeof sort);

    *out = 0;
    if (e != SP_OK || sort[0] == '\0')
        return e;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(sort, orders[i].word) == 0) {
            *out = i;
            return SP_OK;
        }
    sp_why_field(&c->why, "sort");
    return sp_why_say(&c->why, SP_ERR_INVALID, "sort is opened, -opened, deadline or -deadline");
}

/* The cursor is "TIME.ID" of the last one. */
static sp_error read_edge(struct api_call *c, const char *after, struct session *edge)
{
    const char *id;
    sp_error e = call_cursor(c, after, &edge->opened, &id);

    edge->deadline = edge->opened;
    return e == SP_OK && id_parse(view_str(id), &edge->id) != SP_OK ? call_cursor_bad(c) : e;
}

static sp_error answer_sessions(struct api *api, struct api_call *c, struct live_order *o,
                                struct page *p, bool by_end)
{
    struct session *rows = calloc(p->limit + 1, sizeof *rows);

    if (rows == NULL)
        return SP_ERR_NOMEM;
    size_t count = live_page(api->live, o, rows, p->limit + 1, &p->total);
    struct names n = names_hold(api);
    for (size_t i = 0; i < count && i < p->limit; i++) {
        listing_push(p, api_session_object(api, &n, &rows[i], NULL));
        snprintf(p->next, sizeof p->next, "%lld.%s",
                 (long long)(by_end ? rows[i].deadline : rows[i].opened), id_text(rows[i].id).s);
    }
    names_release(&n);
    free(rows);
    p->more = count > p->limit;
    struct json *answer = listing_object(p);
    json_set(answer, "cuts_24h", cuts_day(api->cuts, clock_unix()));
    response_json(c->res, 200, answer);
    return SP_OK;
}

sp_error api_session_list(struct api *api, struct api_call *c)
{
    static const char *const filters[] = {"user", "device", "connector", "app"};
    struct session *edge = NULL;
    struct wanted w;
    struct page p;
    size_t order;
    sp_error e;

    for (size_t i = 0; i < 4; i++)
        if ((e = call_id(c, filters[i], &w.ids[i])) != SP_OK)
            return e;
    if ((e = read_order(c, &order)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;
    w.page = &p;
    struct live_order o = {.fits = fits, .arg = &w, .compare = orders[order].compare};
    narrowest(&o, w.ids);
    if (p.after[0] != '\0') {
        edge = calloc(1, sizeof *edge);
        e = edge == NULL ? SP_ERR_NOMEM : read_edge(c, p.after, edge);
    }
    o.edge = edge;
    if (e == SP_OK)
        e = answer_sessions(api, c, &o, &p, orders[order].by_end);
    free(edge);
    if (e != SP_OK)
        listing_drop(&p);
    return e;
}

sp_error api_session_get(struct api *api, struct api_call *c)
{
    struct session s;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = live_get(api->live, id, &s)) != SP_OK)
        return e;
    struct names n = names_hold(api);
    response_json(c->res, 200, api_session_object(api, &n, &s, NULL));
    names_release(&n);
    return SP_OK;
}

/* ---- killing ------------------------------------------------------------------------------ */

static sp_error kill_matching(struct api *api, struct api_call *c, const struct kill_target *target,
                              enum live_key by, struct sp_id id, const char *reason)
{
    struct cut_watch w;
    size_t count = 0;

    cuts_watch(api->live, by, id, &w);
    sp_error e = sessions_kill(api->sessions, target, reason, &c->by, &count);
    if (e == SP_OK)
        response_json(c->res, 200, cuts_answer(api, &w));
    cut_watch_free(&w);
    return e;
}

sp_error api_session_kill(struct api *api, struct api_call *c)
{
    char reason[CALL_TEXT_MAX + 1];
    struct kill_target target = {0};
    sp_error e;

    if ((e = request_id(c->req, "id", &target.session)) != SP_OK ||
        (e = call_reason(c, reason)) != SP_OK)
        return e;
    return kill_matching(api, c, &target, LIVE_SESSION, target.session, reason);
}

sp_error api_session_kill_many(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"by", "id", "reason", NULL};
    struct kill_target target = {0};
    const struct {
        const char *word;
        enum live_key key;
        struct sp_id *id;
    } kinds[] = {
        {"user", LIVE_USER, &target.user},
        {"device", LIVE_DEVICE, &target.device},
        {"connector", LIVE_CONNECTOR, &target.connector},
        {"app", LIVE_APP, &target.app},
    };
    char reason[CALL_TEXT_MAX + 1];
    struct view by, text;
    struct sp_id id;
    struct json *body;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    if ((e = member_text(c, body, "by", 1, 16, &by)) == SP_OK &&
        (e = member_id(c, body, "id", &id)) == SP_OK &&
        (e = member_text(c, body, "reason", 1, 500, &text)) == SP_OK) {
        memcpy(reason, text.at, text.len);
        reason[text.len] = '\0';
        sp_why_field(&c->why, "by");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "by is user, device, connector or app");
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (view_is(by, kinds[i].word)) {
                *kinds[i].id = id;
                e = kill_matching(api, c, &target, kinds[i].key, id, reason);
                break;
            }
    }
    json_free(body);
    return e;
}
