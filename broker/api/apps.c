#include "broker/api/apps.h"

#include "broker/api/call.h"
#include "broker/api/names.h"
#include "broker/registry/apps.h"
#include "broker/session/edges.h"
#include "broker/session/live.h"

#include <stdio.h>

static bool opens(const struct policy *p, const struct facts *app)
{
    return p->mode == POLICY_ENFORCE && p->allow_count > 0 && policy_covers(p, app);
}

static struct facts app_facts(const struct rules_version *v, const struct app_row *row)
{
    const struct rules_app *app = rules_app_by_id(v, row->id);
    struct facts facts = {.app_exists = true, .app = row->name};

    if (app != NULL) {
        facts.labels = app->labels;
        facts.label_count = app->label_count;
    }
    return facts;
}

bool app_may_be_asked_for(const struct rules_version *v, const struct app_row *row)
{
    struct facts facts = app_facts(v, row);
    bool one = false;

    for (size_t i = 0; i < v->doc->count && !one; i++)
        one = opens(&v->doc->policies[i], &facts);
    return one;
}

struct json *app_policies(const struct rules_version *v, const struct app_row *row)
{
    struct facts facts = app_facts(v, row);
    struct json *names = json_array();

    for (size_t i = 0; i < v->doc->count; i++)
        if (opens(&v->doc->policies[i], &facts))
            json_push(names, json_new_str(view_str(v->doc->policies[i].name)));
    return names;
}

static void set_spec(struct json *o, const struct app_row *row)
{
    struct json *spec = NULL;

    /* The registry wrote it; one that does not parse shows as an app without labels. */
    sp_ignore(json_parse(row->spec, API_BODY_MAX, NULL, &spec));
    struct json *labels = json_get(spec, "labels"), *limits = json_get(spec, "limits");
    const char *description = json_cstr(json_get(spec, "description"));
    const char *cut = json_cstr(json_get(spec, "cut_through"));

    json_set_cstr(o, "description", description ? description : "");
    json_set(o, "labels", labels ? json_copy(labels) : json_object());
    json_set(o, "limits", limits ? json_copy(limits) : json_object());
    json_set_cstr(o, "gateway", json_cstr(json_get(spec, "gateway")));
    json_set_cstr(o, "cut_through", cut != NULL && strcmp(cut, "off") == 0 ? "off" : "auto");
    json_free(spec);
}

static struct json *app_object(struct api *api, const struct names *n,
                               const struct rules_version *v, const struct app_row *row)
{
    struct json *o = json_object(), *policies = app_policies(v, row);
    size_t enrolled, online;

    site_connectors(api, n, row->site, &enrolled, &online);
    json_set_id(o, "id", row->id);
    json_set_int(o, "version", (int64_t)row->ver);
    json_set_cstr(o, "name", row->name);
    set_site(o, "site", n, row->site);
    json_set_cstr(o, "type", app_type_word(row->type));
    json_set_cstr(o, "host", row->host);
    json_set_int(o, "port", row->port);
    set_spec(o, row);
    json_set_cstr(o, "level", "L2"); /* through the agent, keys pinned by the grant (SECURITY §1) */
    json_set_int(o, "sessions_live", (int64_t)live_find(api->live, LIVE_APP, row->id, NULL, 0));
    json_set_cstr(o, "state",
                  online == 0              ? "no_connector"
                  : json_len(policies) > 0 ? "reachable"
                                           : "no_policy");
    json_set(o, "policies", policies);
    set_time(o, "changed_at", row->updated);
    return o;
}

static sp_error answer_app(struct api *api, struct api_call *c, int status, struct sp_id id)
{
    struct names n = names_hold(api);
    const struct rules_version *v = rules_hold(api->rules);
    const struct app_row *row = snapshot_app_by_id(n.s, id);
    sp_error e = SP_ERR_NOT_FOUND;

    if (row != NULL) {
        response_json(c->res, status, app_object(api, &n, v, row));
        answer_etag(c, row->ver);
        e = SP_OK;
    }
    rules_release(api->rules, v);
    names_release(&n);
    return e;
}

sp_error api_app_list(struct api *api, struct api_call *c)
{
    static const char *const asked_words[] = {"", "nobody", NULL};
    char name[ROW_NAME_MAX + 1], type[16];
    struct sp_id site;
    size_t nobody = 0;
    struct page p;
    sp_error e;

    if ((e = call_choice(c, "asked", asked_words, &nobody)) != SP_OK ||
        (e = call_text(c, "name", name, sizeof name)) != SP_OK ||
        (e = call_text(c, "type", type, sizeof type)) != SP_OK ||
        (e = call_id(c, "site", &site)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;

    struct names n = names_hold(api);
    const struct rules_version *v = rules_hold(api->rules);
    for (size_t i = 0; i < n.s->app_count; i++) {
        const struct app_row *row = &n.s->apps[i];
        if ((name[0] && strcmp(name, row->name) != 0) || !listing_matches(&p, row->name) ||
            (type[0] && strcmp(type, app_type_word(row->type)) != 0) ||
            (!id_is_zero(site) && !id_equal(site, row->site)) ||
            (nobody && app_may_be_asked_for(v, row)))
            continue;
        if (listing_wants(&p, row->name))
            listing_push(&p, app_object(api, &n, v, row));
    }
    rules_release(api->rules, v);
    names_release(&n);
    response_json(c->res, 200, listing_object(&p));
    return SP_OK;
}

sp_error api_app_get(struct api *api, struct api_call *c)
{
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    return e == SP_OK ? answer_app(api, c, 200, id) : e;
}

/*
 * The gateway part: a text as it was written, or an object, which is YAML too; null: none. A client
 * that does not know of it leaves it as it is.
 */
static sp_error read_gateway(struct api *api, struct api_call *c, const struct json *body,
                             struct sp_id id, struct buf *out)
{
    const struct json *given = json_get(body, "gateway");

    switch (json_kind(given)) {
    case JSON_STRING:
        return buf_append(out, json_str(given));
    case JSON_OBJECT:
        return json_write_pretty(given, out);
    case JSON_NULL:
        return SP_OK;
    case JSON_MISSING: {
        const struct snapshot *s = registry_hold(api->registry);
        const struct app_row *row = snapshot_app_by_id(s, id);
        sp_error e = row == NULL ? SP_OK : apps_gateway(row, out);
        registry_release(api->registry, s);
        return e;
    }
    default:
        sp_why_field(&c->why, "gateway");
        return sp_why_say(&c->why, SP_ERR_INVALID, "gateway is a text, an object or null");
    }
}

/* `spec` borrows `body`. */
static sp_error read_spec(struct api_call *c, const struct json *body, struct app_spec *spec)
{
    struct view type, cut;
    int64_t port;
    sp_error e;

    if ((e = member_text(c, body, "name", 1, 63, &spec->name)) != SP_OK ||
        (e = member_text(c, body, "description", 0, 512, &spec->description)) != SP_OK ||
        (e = member_id(c, body, "site", &spec->site)) != SP_OK ||
        (e = member_text(c, body, "type", 1, 16, &type)) != SP_OK ||
        (e = member_text(c, body, "host", 1, 253, &spec->host)) != SP_OK ||
        (e = member_text(c, body, "cut_through", 1, 4, &cut)) != SP_OK)
        return e;
    if (app_type_parse(type, &spec->type) != SP_OK) {
        sp_why_field(&c->why, "type");
        return sp_why_say(&c->why, SP_ERR_INVALID, "type is tcp, http or ssh");
    }
    if (!view_is(cut, "auto") && !view_is(cut, "off")) {
        sp_why_field(&c->why, "cut_through");
        return sp_why_say(&c->why, SP_ERR_INVALID, "cut_through is auto or off");
    }
    if (json_get_int(body, "port", 1, 65535, &port) != SP_OK) {
        sp_why_field(&c->why, "port");
        return sp_why_say(&c->why, SP_ERR_INVALID, "port is a number from 1 to 65535");
    }
    spec->port = (uint16_t)port;
    spec->cut_through = view_is(cut, "off") ? APP_CUT_OFF : APP_CUT_AUTO;
    spec->labels = json_get(body, "labels");
    spec->limits = json_get(body, "limits");
    return SP_OK;
}

static sp_error save(struct api *api, struct api_call *c, struct sp_id id, uint64_t version)
{
    static const char *const names[] = {"name",        "description", "site",   "type",
                                        "host",        "port",        "labels", "limits",
                                        "cut_through", "gateway",     NULL};
    const struct app_change change = {
        .expect_ver = version, .record_key = api->record_key, .by = &c->by};
    struct app_spec spec = {0};
    struct buf gateway;
    struct app_row row;
    struct json *body;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    buf_init(&gateway, APP_GATEWAY_MAX);
    if ((e = read_spec(c, body, &spec)) == SP_OK)
        e = read_gateway(api, c, body, id, &gateway);
    spec.gateway = buf_view(&gateway);
    if (e == SP_OK)
        e = apps_put(api->registry, &spec, id, &change, &c->why, &row);
    buf_deinit(&gateway);
    json_free(body);
    if (e != SP_OK)
        return e;
    settle(api);
    if (version == 0) {
        char where[64];
        snprintf(where, sizeof where, "/api/v1/apps/%s", id_text(row.id).s);
        response_header(c->res, "location", view_str(where));
    }
    return answer_app(api, c, version == 0 ? 201 : 200, row.id);
}

sp_error api_app_create(struct api *api, struct api_call *c)
{
    return save(api, c, (struct sp_id){0}, 0);
}

sp_error api_app_update(struct api *api, struct api_call *c)
{
    struct sp_id id;
    uint64_t version;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = call_if_match(c, &version)) != SP_OK)
        return e;
    return version == 0 ? SP_ERR_CONFLICT : save(api, c, id, version);
}

sp_error api_app_remove(struct api *api, struct api_call *c)
{
    struct sp_id id;
    uint64_t version;
    sp_error e;

    if ((e = request_id(c->req, "id", &id)) != SP_OK || (e = call_if_match(c, &version)) != SP_OK ||
        (e = apps_remove(api->registry, id, version, &c->by)) != SP_OK)
        return e;
    settle(api);
    response_empty(c->res, 204);
    return SP_OK;
}

/* ---- POST /apps/{id}/test ----------------------------------------------------------------- */

static const char *const test_words[] = {
    [APP_TEST_NONE] = "no_connector_answer",
    [APP_TEST_OK] = "ok",
    [APP_TEST_REFUSED] = "refused",
    [APP_TEST_NO_ANSWER] = "no_answer",
    [APP_TEST_NAME] = "name",
    [APP_TEST_FLOOR] = "floor",
    [APP_TEST_RECORD] = "record",
    [APP_TEST_UNREACHABLE] = "unreachable",
};

static struct json *dial(struct api *api, const struct connector_row *connector, struct sp_id app)
{
    struct app_test test = {.ms = -1};
    struct json *o = json_object();
    sp_error e = api->ports.app_test(api->ports.arg, connector->id, app, &test);

    if (e != SP_OK)
        test = (struct app_test){.ms = -1};
    set_ref(o, "connector", connector->id, connector->name);
    json_set_cstr(o, "result", test_words[test.result]);
    set_text_or_null(o, "address", test.address);
    json_set_cstr(o, "text", e == SP_OK ? test.text : sp_error_text(e));
    set_ms(o, "took_ms", test.ms);
    return o;
}

sp_error api_app_dial(struct api *api, struct api_call *c)
{
    struct sp_id id;
    struct edge_info info;
    sp_error e = request_id(c->req, "id", &id);

    if (e != SP_OK)
        return e;
    struct names n = names_hold(api);
    const struct app_row *row = snapshot_app_by_id(n.s, id);
    if (row == NULL) {
        names_release(&n);
        return SP_ERR_NOT_FOUND;
    }
    struct json *results = json_array(), *o = json_object();
    for (size_t i = 0; i < n.s->connector_count; i++) {
        const struct connector_row *k = &n.s->connectors[i];
        if (id_equal(k->site, row->site) && k->state != EDGE_REVOKED &&
            edges_find(api->edges, EDGE_CONNECTOR, k->id, &info) == SP_OK)
            json_push(results, dial(api, k, id));
    }
    names_release(&n);
    json_set(o, "results", results);
    response_json(c->res, 200, o);
    return SP_OK;
}
