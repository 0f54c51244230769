/* Endpoints of http apps, as the gateways of connectors learned them. */
#include "broker/api/gateways.h"
#include "broker/registry/inventory.h"

#include "lib/base/num.h"

#include <stdio.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static const char *const state_words[] = {"documented", "shadow", "orphan",
                                          "zombie",     "drift",  "unauthenticated"};
enum { STATES = sizeof state_words / sizeof *state_words, DOCUMENTED = 1, SHADOW = 2 };

/* A connector that has not loaded the document yet knows less than one that has. */
uint32_t endpoint_bits(uint32_t states)
{
    return states & DOCUMENTED ? states & ~(uint32_t)SHADOW : states;
}

static struct json *states_of(uint32_t states)
{
    struct json *list = json_array();

    states = endpoint_bits(states);
    for (size_t i = 0; i < STATES; i++)
        if (states & 1u << i)
            json_push(list, json_new_str(view_str(state_words[i])));
    return list;
}

static void set_expected(struct json *o, const struct names *n, const struct endpoint_row *row)
{
    struct json *x;

    if (row->expected_at == 0 || row->expected_until <= clock_unix()) {
        set_null(o, "expected");
        return;
    }
    x = json_object();
    set_user(x, "by", n, row->expected_by);
    json_set_time(x, "at", row->expected_at);
    json_set_time(x, "until", row->expected_until);
    json_set_cstr(x, "reason", row->expected_why);
    json_set(o, "expected", x);
}

static void set_week(struct json *o, struct store *st, struct sp_id id)
{
    int64_t week[7] = {0};
    struct json *days = json_array();

    /* A row without its days is still a row. */
    sp_ignore(store_services(st)->inventory->week(st, id, clock_unix() / DAY_MS, week));
    for (size_t i = 0; i < 7; i++)
        json_push(days, json_new_int(week[i]));
    json_set(o, "week", days);
}

static struct json *line_object(const struct endpoint_row *row)
{
    struct json *o = json_object();

    json_set(o, "states", states_of(row->states));
    set_time(o, "first_seen", row->first);
    set_time(o, "last_seen", row->last);
    json_set_int(o, "calls", row->calls);
    json_set_int(o, "users", row->users);
    json_set_int(o, "errors", row->errors);
    json_set_int(o, "p95_us", row->p95_us);
    json_set_int(o, "violations", row->violations);
    json_set_int(o, "refused", row->refused);
    return o;
}

static struct json *endpoint_object(const struct names *n, const struct endpoint_row *row)
{
    struct json *o = line_object(row);

    json_set_id(o, "id", row->id);
    json_set_int(o, "version", (int64_t)row->ver);
    set_app(o, "app", n, row->app);
    json_set_cstr(o, "method", row->method);
    json_set_cstr(o, "path", row->path);
    set_expected(o, n, row);
    set_week(o, registry_store(n->registry), row->id);
    return o;
}

/* ---- the list ----------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum endpoint_order order;
} orders[] = {
    {"path", ENDPOINTS_BY_PATH},       {"-calls", ENDPOINTS_BY_CALLS},
    {"-last_seen", ENDPOINTS_BY_LAST}, {"-errors", ENDPOINTS_BY_ERRORS},
    {"-p95_us", ENDPOINTS_BY_P95},     {"-violations", ENDPOINTS_BY_VIOLATIONS},
};

struct endpoint_list {
    const struct names *names;
    struct page *page;
    enum endpoint_order order;
    size_t count;
};

/* "ID" then the column: a number, or the path. */
static void write_cursor(const struct endpoint_list *l, const struct endpoint_row *row)
{
    struct page *p = l->page;

    if (l->order == ENDPOINTS_BY_PATH)
        snprintf(p->next, sizeof p->next, "%s.%.*s", id_text(row->id).s, (int)(sizeof p->next - 32),
                 row->path);
    else
        snprintf(p->next, sizeof p->next, "%s.%lld", id_text(row->id).s,
                 (long long)endpoint_key(row, l->order));
}

static bool push_endpoint(void *arg, const struct endpoint_row *row)
{
    struct endpoint_list *l = arg;

    if (l->count++ == l->page->limit) {
        l->page->more = true;
        return false;
    }
    listing_push(l->page, endpoint_object(l->names, row));
    write_cursor(l, row);
    return true;
}

static sp_error read_cursor(struct api_call *c, const char *text, enum endpoint_order order,
                            struct endpoint_row *edge)
{
    const char *dot = strchr(text, '.');
    uint64_t n = 0;
    sp_error e = dot == NULL
                     ? SP_ERR_INVALID
                     : id_parse(view_slice(view_str(text), 0, (size_t)(dot - text)), &edge->id);

    if (e == SP_OK && order == ENDPOINTS_BY_PATH)
        snprintf(edge->path, sizeof edge->path, "%s", dot + 1);
    else if (e == SP_OK)
        e = num_uint(view_str(dot + 1), INT64_MAX, &n);
    if (e == SP_OK) {
        edge->calls = edge->last = edge->errors = edge->p95_us = edge->violations = (int64_t)n;
        return SP_OK;
    }
    sp_why_field(&c->why, "after");
    return sp_why_say(&c->why, SP_ERR_INVALID, "after is not the next of an earlier page");
}

static sp_error read_order(struct api_call *c, enum endpoint_order *out)
{
    char word[32];
    sp_error e = call_text(c, "sort", word, sizeof word);

    *out = ENDPOINTS_BY_CALLS;
    if (e != SP_OK || word[0] == '\0')
        return e;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(word, orders[i].word) == 0) {
            *out = orders[i].order;
            return SP_OK;
        }
    sp_why_field(&c->why, "sort");
    return sp_why_say(&c->why, SP_ERR_INVALID,
                      "sort is path, -calls, -last_seen, -errors, -p95_us or -violations");
}

/* A state, or "unexpected": one that needs a look and that nobody expects. */
static sp_error read_state(struct api_call *c, struct endpoint_filter *f)
{
    char word[32];
    sp_error e = call_text(c, "state", word, sizeof word);

    if (e != SP_OK || word[0] == '\0')
        return e;
    if (strcmp(word, "unexpected") == 0) {
        f->states = ENDPOINT_BITS_ODD;
        f->unexpected_at = clock_unix();
        return SP_OK;
    }
    for (size_t i = 0; i < STATES; i++)
        if (strcmp(word, state_words[i]) == 0)
            f->states = 1u << i;
    if (f->states != 0)
        return SP_OK;
    sp_why_field(&c->why, "state");
    return sp_why_say(&c->why, SP_ERR_INVALID, "state is no state of an endpoint");
}

sp_error api_endpoint_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    const struct store_inventory *inventory = store_services(st)->inventory;
    char method[8];
    struct endpoint_filter f = {.method = method};
    struct endpoint_row edge = {0};
    struct endpoint_span span = {0};
    struct page p;
    sp_error e;

    if ((e = call_id(c, "app", &f.app)) != SP_OK || (e = read_state(c, &f)) != SP_OK ||
        (e = call_text(c, "method", method, sizeof method)) != SP_OK ||
        (e = read_order(c, &span.order)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;
    f.q = p.q;
    struct names n = names_hold(api);
    struct endpoint_list l = {&n, &p, span.order, 0};
    span.edge = p.after[0] == '\0' ? NULL : &edge;
    span.limit = p.limit + 1;
    if (span.edge == NULL || (e = read_cursor(c, p.after, span.order, &edge)) == SP_OK)
        e = inventory->list(st, &f, &span, push_endpoint, &l);
    if (e == SP_OK)
        e = inventory->count(st, &f, COUNT_EXACT_MAX + 1, &p.total);
    names_release(&n);
    if (e == SP_OK)
        response_json(c->res, 200, listing_object(&p));
    else
        listing_drop(&p);
    return e;
}

/* ---- one ---------------------------------------------------------------------------------- */

static bool keep_row(void *arg, const struct endpoint_row *row)
{
    *(struct endpoint_row *)arg = *row;
    return false;
}

struct parts {
    const struct names *names;
    struct json *list;
};

/* The connector's own words: members that endpoint_json of the connector writes. */
static bool push_part(void *arg, const struct endpoint_row *row)
{
    static const char *const theirs[] = {
        "parameters", "query",          "properties",  "shape",      "statuses",
        "latency_us", "bytes",          "groups",      "with_token", "tls",
        "sensitive",  "drift_property", "drift_since", "deprecated", "ok_without_token",
        "sunset",     "merged",         "pace",        "split"};
    struct parts *p = arg;
    struct json *o = line_object(row), *body = NULL;

    set_connector(o, "connector", p->names, row->connector);
    if (row->body.len > 0 && json_parse(row->body, 32 * 1024, NULL, &body) == SP_OK)
        for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
            if (json_get(body, theirs[i]) != NULL)
                json_set(o, theirs[i], json_ref(json_get(body, theirs[i])));
    json_free(body);
    json_push(p->list, o);
    return true;
}

static sp_error answer_endpoint(struct api *api, struct api_call *c, struct sp_id id)
{
    struct store *st = registry_store(api->registry);
    const struct store_inventory *inventory = store_services(st)->inventory;
    struct names n = names_hold(api);
    struct parts parts = {&n, json_array()};
    struct endpoint_row row;
    sp_error e = inventory->get(st, id, keep_row, &row);

    if (e == SP_OK)
        e = inventory->parts(st, id, (struct sp_id){0}, push_part, &parts);
    if (e == SP_OK) {
        struct json *o = endpoint_object(&n, &row);
        json_set(o, "parts", parts.list);
        response_json(c->res, 200, o);
        answer_etag(c, row.ver);
    } else {
        json_free(parts.list);
    }
    names_release(&n);
    return e;
}

sp_error api_endpoint_get(struct api *api, struct api_call *c)
{
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    return e == SP_OK ? answer_endpoint(api, c, id) : e;
}

/* "until" of a body: a time within 90 days. */
sp_error member_until(struct api_call *c, const struct json *body, sp_unix_ms *out)
{
    struct view text;
    sp_unix_ms now = clock_unix();
    sp_error e = member_text(c, body, "until", 1, 64, &text);

    if (e != SP_OK)
        return e;
    if (clock_parse(text, out) == SP_OK && *out > now &&
        *out - now <= (int64_t)EXPECTED_DAYS_MAX * DAY_MS)
        return SP_OK;
    sp_why_field(&c->why, "until");
    return sp_why_say(&c->why, SP_ERR_INVALID, "until is a time within the next %d days",
                      EXPECTED_DAYS_MAX);
}

static sp_error find(struct api *api, struct api_call *c, struct endpoint_row *row)
{
    struct store *st = registry_store(api->registry);
    struct sp_id id;
    uint64_t version;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = call_if_match(c, &version)) != SP_OK ||
        (e = store_services(st)->inventory->get(st, id, keep_row, row)) != SP_OK)
        return e;
    return version == 0 || row->ver != version ? SP_ERR_CONFLICT : SP_OK;
}

sp_error api_endpoint_expect(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"until", "reason", NULL};
    struct endpoint_row row;
    struct view reason;
    struct json *body;
    sp_error e;

    if ((e = find(api, c, &row)) != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    if ((e = member_until(c, body, &row.expected_until)) == SP_OK &&
        (e = member_text(c, body, "reason", 1, sizeof row.expected_why - 1, &reason)) == SP_OK) {
        view_copy(row.expected_why, sizeof row.expected_why, reason);
        row.expected_by = c->caller.user.id;
        row.expected_at = clock_unix();
        c->by.text = row.expected_why;
        e = inventory_mark(api->registry, &row, &c->by);
    }
    json_free(body);
    return e == SP_OK ? answer_endpoint(api, c, row.id) : e;
}

sp_error api_endpoint_unexpect(struct api *api, struct api_call *c)
{
    struct endpoint_row row;
    sp_error e = find(api, c, &row);

    if (e != SP_OK)
        return e;
    row.expected_by = (struct sp_id){0};
    row.expected_at = row.expected_until = 0;
    row.expected_why[0] = '\0';
    e = inventory_mark(api->registry, &row, &c->by);
    return e == SP_OK ? answer_endpoint(api, c, row.id) : e;
}
