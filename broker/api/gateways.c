/* Coverage of http apps, whom rules touch, keys of assertions; and the acts that follow from them.
 */
#include "broker/api/gateways.h"
#include "broker/registry/gateways.h"
#include "broker/registry/inventory.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, WEEK = 7, PEOPLE_MAX = 200, APPS_MAX = 1024 };

static int64_t week_begins(void)
{
    return clock_unix() / DAY_MS - (WEEK - 1);
}

/* ---- apps with what is known of them ------------------------------------------------------- */

struct known {
    struct endpoint_sum_row sum;
    struct gateway_day_row days;
    bool told;
};

struct gathering {
    const struct snapshot *s;
    struct known *apps; /* by index in the snapshot */
};

static struct known *known_of(struct gathering *g, struct sp_id app)
{
    for (size_t i = 0; i < g->s->app_count; i++)
        if (id_equal(g->s->apps[i].id, app))
            return &g->apps[i];
    return NULL;
}

static bool take_sum(void *arg, const struct endpoint_sum_row *row)
{
    struct known *k = known_of(arg, row->app);

    if (k != NULL)
        k->sum = *row;
    return true;
}

static bool take_days(void *arg, const struct gateway_day_row *row)
{
    struct known *k = known_of(arg, row->app);

    if (k != NULL) {
        k->days = *row;
        k->told = true;
    }
    return true;
}

static struct json *coverage_object(const struct gateway_day_row *d)
{
    struct json *o = json_object(), *unread = json_object();

    json_set_int(o, "requests", d->requests);
    json_set_int(o, "documented", d->known);
    json_set_int(o, "token", d->token);
    json_set_int(o, "owner", d->owner);
    json_set_int(o, "read", d->read);
    json_set_int(unread, "not_asked", d->unasked);
    json_set_int(unread, "oversize", d->oversize);
    json_set_int(unread, "streaming", d->streaming);
    json_set_int(unread, "coding", d->coding);
    json_set_int(unread, "media_type", d->media_type);
    json_set_int(unread, "broken", d->broken);
    json_set(o, "not_read", unread);
    json_set_int(o, "hits_lost", d->lost);
    return o;
}

/* Who answers for the app: its label "owner", as its admin wrote it. */
static void set_owner(struct json *o, const struct app_row *row)
{
    struct json *spec = NULL;
    const char *owner = NULL;

    if (json_parse(row->spec, 512 * 1024, NULL, &spec) == SP_OK)
        owner = json_cstr(json_get(json_get(spec, "labels"), "owner"));
    set_text_or_null(o, "owner", owner != NULL ? owner : "");
    json_free(spec);
}

static struct json *gateway_object(const struct names *n, const struct app_row *row,
                                   const struct known *k)
{
    struct json *o = json_object();
    char document[256];

    gateways_document(row, document, sizeof document);
    set_app(o, "app", n, row->id);
    json_set_int(o, "version", (int64_t)row->ver);
    set_owner(o, row);
    set_text_or_null(o, "document", document);
    json_set_bool(o, "document_loaded", k->days.documented);
    json_set_bool(o, "full", k->days.full);
    json_set_int(o, "endpoints", k->sum.endpoints);
    json_set_int(o, "documented", k->sum.documented);
    json_set_int(o, "shadow", k->sum.shadow);
    json_set_int(o, "orphan", k->sum.orphan);
    json_set_int(o, "zombie", k->sum.zombie);
    json_set_int(o, "drift", k->sum.drift);
    json_set_int(o, "unauthenticated", k->sum.unauthenticated);
    json_set_int(o, "unexpected", k->sum.unexpected);
    json_set_int(o, "calls", k->sum.calls);
    json_set_int(o, "violations", k->sum.violations);
    json_set_int(o, "refused", k->sum.refused);
    if (k->told)
        json_set(o, "coverage", coverage_object(&k->days));
    else
        set_null(o, "coverage");
    return o;
}

static bool has_gateway(const struct app_row *row)
{
    struct buf text;

    if (row->type != APP_HTTP)
        return false;
    buf_init(&text, APP_GATEWAY_MAX);
    bool has = apps_gateway(row, &text) == SP_OK && text.len > 0;
    buf_deinit(&text);
    return has;
}

sp_error api_gateway_list(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    const struct store_inventory *inventory = store_services(st)->inventory;
    struct names n = names_hold(api);
    struct gathering g = {n.s, calloc(n.s->app_count + 1, sizeof *g.apps)};
    struct json *o = json_object(), *items = json_array();
    sp_error e = g.apps == NULL ? SP_ERR_NOMEM : SP_OK;

    if (e == SP_OK && (e = inventory->sums(st, clock_unix(), take_sum, &g)) == SP_OK)
        e = inventory->days(st, week_begins(), take_days, &g);
    for (size_t i = 0; e == SP_OK && i < n.s->app_count && json_len(items) < APPS_MAX; i++)
        if (has_gateway(&n.s->apps[i]) || g.apps[i].told)
            json_push(items, gateway_object(&n, &n.s->apps[i], &g.apps[i]));
    json_set(o, "items", items);
    if (e == SP_OK)
        response_json(c->res, 200, o);
    else
        json_free(o);
    names_release(&n);
    free(g.apps);
    return e;
}

/* ---- whom rules touch --------------------------------------------------------------------- */

struct hit_list {
    const struct names *names;
    struct json *items;
};

static void set_counts(struct json *o, const struct hit_row *row)
{
    json_set_int(o, "blocked", row->blocked);
    json_set_int(o, "monitor", row->monitor);
    json_set_time(o, "first", row->first);
    json_set_time(o, "last", row->last);
}

static bool push_hit(void *arg, const struct hit_row *row)
{
    struct hit_list *l = arg;
    const struct app_row *app = snapshot_app_by_id(l->names->s, row->app);
    struct json *o = json_object();
    struct gateway_decider d;

    if (app == NULL) {
        json_free(o);
        return true;
    }
    bool decides = gateways_decider(app, row->reason, row->rule, &d);
    set_app(o, "app", l->names, row->app);
    json_set_int(o, "app_version", (int64_t)app->ver);
    json_set_cstr(o, "reason", row->reason);
    json_set_cstr(o, "rule", row->rule);
    json_set_cstr(o, "part", decides ? d.part : NULL);
    json_set_cstr(o, "mode", decides ? d.mode : NULL);
    json_set_int(o, "people", row->people);
    set_counts(o, row);
    json_push(l->items, o);
    return json_len(l->items) < PEOPLE_MAX;
}

sp_error api_gateway_hits(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct json *o = json_object(), *items = json_array();
    struct sp_id app;
    sp_error e;

    json_set(o, "items", items);
    struct names n = names_hold(api);
    struct hit_list l = {&n, items};
    if ((e = call_id(c, "app", &app)) == SP_OK)
        e = store_services(st)->inventory->hits(st, app, week_begins(), push_hit, &l);
    names_release(&n);
    if (e == SP_OK)
        response_json(c->res, 200, o);
    else
        json_free(o);
    return e;
}

static bool push_person(void *arg, const struct hit_row *row)
{
    struct hit_list *l = arg;
    struct json *o = json_object();

    if (id_is_zero(row->user))
        set_null(o, "user");
    else
        set_user(o, "user", l->names, row->user);
    json_set_cstr(o, "endpoint", row->endpoint);
    set_counts(o, row);
    json_push(l->items, o);
    return true;
}

sp_error api_gateway_people(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct json *o = json_object(), *items = json_array();
    struct hit_row which = {.day = 0};
    sp_error e;

    json_set(o, "items", items);
    struct names n = names_hold(api);
    struct hit_list l = {&n, items};
    if ((e = call_id(c, "app", &which.app)) == SP_OK &&
        (e = call_text(c, "reason", which.reason, sizeof which.reason)) == SP_OK &&
        (e = call_text(c, "rule", which.rule, sizeof which.rule)) == SP_OK)
        e = store_services(st)->inventory->hit_people(st, &which, week_begins(), PEOPLE_MAX,
                                                      push_person, &l);
    names_release(&n);
    if (e == SP_OK)
        response_json(c->res, 200, o);
    else
        json_free(o);
    return e;
}

/* ---- acts --------------------------------------------------------------------------------- */

/* A member as a text of its own; "" when it is missing or null. */
static sp_error copy_member(struct api_call *c, const struct json *body, const char *name,
                            char *out, size_t room)
{
    struct view v = {0};
    sp_error e = SP_OK;

    if (json_kind(json_get(body, name)) > JSON_NULL)
        e = member_text(c, body, name, 0, room - 1, &v);
    view_copy(out, room, v);
    return e;
}

sp_error answer_app_version(struct api *api, struct api_call *c, struct sp_id app)
{
    struct names n = names_hold(api);
    const struct app_row *row = snapshot_app_by_id(n.s, app);
    struct json *o = json_object();

    set_app(o, "app", &n, app);
    json_set_int(o, "version", row == NULL ? 0 : (int64_t)row->ver);
    names_release(&n);
    response_json(c->res, 200, o);
    return SP_OK;
}

sp_error api_gateway_mode(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"reason", "rule", "mode", NULL};
    char reason[65], rule[65], mode[16];
    struct sp_id app;
    uint64_t version;
    struct json *body;
    sp_error e;

    if ((e = request_id(c->req, "id", &app)) != SP_OK ||
        (e = call_if_match(c, &version)) != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    if ((e = copy_member(c, body, "reason", reason, sizeof reason)) == SP_OK &&
        (e = copy_member(c, body, "rule", rule, sizeof rule)) == SP_OK)
        e = copy_member(c, body, "mode", mode, sizeof mode);
    json_free(body);
    if (e == SP_OK && strcmp(mode, "monitor") != 0 && strcmp(mode, "block") != 0) {
        sp_why_field(&c->why, "mode");
        e = sp_why_say(&c->why, SP_ERR_INVALID, "mode is monitor or block");
    }
    if (e != SP_OK)
        return e;
    const struct gateway_mode wanted = {.reason = reason, .rule = rule, .mode = mode};
    const struct app_change change = {
        .expect_ver = version, .record_key = api->record_key, .by = &c->by};
    const struct snapshot *s = registry_hold(api->registry);
    const struct app_row *row = snapshot_app_by_id(s, app);
    e = row == NULL    ? SP_ERR_NOT_FOUND
        : version == 0 ? SP_ERR_CONFLICT
                       : gateways_switch(api->registry, row, &wanted, &change, &c->why);
    registry_release(api->registry, s);
    if (e != SP_OK)
        return e;
    settle(api);
    return answer_app_version(api, c, app);
}

struct retiring {
    char deprecated[16], sunset[16], successor[257], after[16], match[530];
};

static sp_error read_retiring(struct api_call *c, struct retiring *r)
{
    static const char *const names[] = {"deprecated", "sunset", "successor", "after", NULL};
    struct json *body;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    if ((e = copy_member(c, body, "deprecated", r->deprecated, sizeof r->deprecated)) == SP_OK &&
        (e = copy_member(c, body, "sunset", r->sunset, sizeof r->sunset)) == SP_OK &&
        (e = copy_member(c, body, "successor", r->successor, sizeof r->successor)) == SP_OK)
        e = copy_member(c, body, "after", r->after, sizeof r->after);
    json_free(body);
    return e;
}

static bool keep_row(void *arg, const struct endpoint_row *row)
{
    *(struct endpoint_row *)arg = *row;
    return false;
}

sp_error api_endpoint_retire(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct endpoint_row endpoint;
    struct retiring r;
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = read_retiring(c, &r)) != SP_OK ||
        (e = store_services(st)->inventory->get(st, id, keep_row, &endpoint)) != SP_OK)
        return e;
    snprintf(r.match, sizeof r.match, "%s %s", endpoint.method, endpoint.path);
    const struct gateway_retire retire = {.match = r.match,
                                          .deprecated = r.deprecated,
                                          .sunset = r.sunset,
                                          .successor = r.successor,
                                          .block = strcmp(r.after, "block") == 0};
    const struct snapshot *s = registry_hold(api->registry);
    const struct app_row *row = snapshot_app_by_id(s, endpoint.app);
    e = SP_ERR_NOT_FOUND;
    if (row != NULL) {
        const struct app_change change = {
            .expect_ver = row->ver, .record_key = api->record_key, .by = &c->by};
        e = gateways_retire(api->registry, row, &retire, &change, &c->why);
    }
    registry_release(api->registry, s);
    if (e != SP_OK)
        return e;
    settle(api);
    return answer_app_version(api, c, endpoint.app);
}

/* ---- incidents that are right so ---------------------------------------------------------- */

static bool take_incident(void *arg, const struct incident_row *row)
{
    struct expectation_row *x = arg;
    struct json *body = NULL;

    x->incident = row->id;
    x->app = row->app;
    snprintf(x->detector, sizeof x->detector, "%s", row->detector);
    snprintf(x->endpoint, sizeof x->endpoint, "%s", row->endpoint);
    if (json_parse(row->body, 16 * 1024, NULL, &body) == SP_OK)
        view_copy(x->user, sizeof x->user, json_str(json_get(body, "user")));
    json_free(body);
    return false;
}

/* For the person of the incident, or for a group instead. */
static sp_error read_expectation(struct api_call *c, struct expectation_row *x)
{
    static const char *const names[] = {"until", "reason", "group", NULL};
    struct view reason;
    struct json *body;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    if ((e = member_until(c, body, &x->until)) == SP_OK &&
        (e = member_text(c, body, "reason", 1, sizeof x->reason - 1, &reason)) == SP_OK &&
        (e = copy_member(c, body, "group", x->group, sizeof x->group)) == SP_OK) {
        view_copy(x->reason, sizeof x->reason, reason);
        if (x->group[0] != '\0')
            x->user[0] = '\0';
    }
    json_free(body);
    if (e == SP_OK && x->group[0] == '\0' && x->user[0] == '\0')
        e = sp_why_say(&c->why, SP_ERR_INVALID, "the incident names nobody: name a group");
    return e;
}

sp_error api_incident_expect(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct expectation_row x = {.author = c->caller.user.id};
    struct sp_id id;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK ||
        (e = store_services(st)->incidents->get(st, id, take_incident, &x)) != SP_OK ||
        (e = read_expectation(c, &x)) != SP_OK)
        return e;
    c->by.text = x.reason;
    if ((e = inventory_expect(api->registry, &x, &c->by)) != SP_OK)
        return e;
    api->ports.expect(api->ports.arg, x.app);
    struct json *o = json_object();
    json_set_time(o, "until", x.until);
    json_set_cstr(o, "reason", x.reason);
    set_text_or_null(o, "group", x.group);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* ---- documents ---------------------------------------------------------------------------- */

sp_error api_app_draft(struct api *api, struct api_call *c)
{
    const struct snapshot *s;
    struct json *draft = NULL;
    char title[ROW_NAME_MAX + 1] = "";
    struct sp_id app;
    sp_error e = request_id(c->req, "id", &app);

    if (e != SP_OK)
        return e;
    s = registry_hold(api->registry);
    const struct app_row *row = snapshot_app_by_id(s, app);
    if (row != NULL)
        snprintf(title, sizeof title, "%s", row->name);
    registry_release(api->registry, s);
    if (title[0] == '\0')
        return SP_ERR_NOT_FOUND;
    if ((e = draft_make(registry_store(api->registry), app, title, &draft)) == SP_OK)
        response_json(c->res, 200, draft);
    return e;
}

static bool take_text(void *arg, struct view text)
{
    struct json **out = arg;

    return json_parse(text, 8 * 1024, NULL, out) != SP_OK;
}

/* Public data for whoever verifies Sallyport-Assertion: nobody has to sign in. */
sp_error api_connector_jwks(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct json *jwks = NULL;
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    if (e == SP_OK)
        e = store_services(st)->inventory->keys_get(st, id, take_text, &jwks);
    if (e == SP_OK && jwks == NULL)
        e = SP_ERR_CORRUPT;
    if (e == SP_OK) {
        response_json(c->res, 200, jwks);
        response_header(c->res, "cache-control", view_str("public, max-age=300"));
    }
    return e;
}
