/* What the configuration says, the providers, the broker's own checks, the contract itself. */
#include "broker/api/assets.h"
#include "broker/api/call.h"
#include "broker/identity/oidc.h"
#include "lib/config/tree.h"

static struct json *provider_object(struct provider *p)
{
    struct discovery_state state = provider_state(p);
    bool failing = state.metadata_error != SP_OK || state.keys_error != SP_OK;
    struct json *o = json_object();

    json_set_cstr(o, "name", provider_name(p));
    json_set_cstr(o, "title", provider_title(p));
    json_set_cstr(o, "issuer", provider_issuer(p));
    json_set_bool(o, "built_in", provider_built_in(p));
    json_set_cstr(o, "groups_claim", provider_groups_claim(p));
    json_set_cstr(o, "state", failing ? "failing" : state.metadata_at != 0 ? "ok" : "unused");
    json_set_cstr(o, "text", failing ? state.why.text : state.keys_usable > 0 ? "keys read" : "");
    set_time(o, "checked_at",
             state.keys_at > state.metadata_at ? state.keys_at : state.metadata_at);
    return o;
}

sp_error api_provider_list(struct api *api, struct api_call *c)
{
    struct json *o = json_object(), *items = json_array();

    for (size_t i = 0; i < oidc_count(api->oidc); i++)
        json_push(items, provider_object(oidc_at(api->oidc, i)));
    json_set(o, "items", items);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* ---- settings ----------------------------------------------------------------------------- */

static struct json *roles_of(const struct api_about *about)
{
    struct json *list = json_array();

    for (size_t i = 0; i < about->role_count; i++) {
        struct json *o = json_object();
        json_set_cstr(o, "role", api_role_word(about->roles[i].role));
        json_set_cstr(o, "group", about->roles[i].group);
        json_push(list, o);
    }
    return list;
}

static void add_key(void *arg, const struct api_key *k)
{
    struct json *o = json_object();

    json_set_cstr(o, "purpose", k->purpose);
    json_set_cstr(o, "kid", k->kid);
    set_time(o, "from", k->from);
    set_time(o, "until", k->until);
    json_push(arg, o);
}

sp_error api_settings(struct api *api, struct api_call *c)
{
    const struct api_about *about = &api->about;
    struct json *o = json_object(), *login = json_object(), *tunnel = json_object();
    struct json *keys = json_array();

    json_set_cstr(o, "name", about->name);
    json_set_cstr(o, "public_url", about->public_url);
    json_set_cstr(o, "fingerprint", about->fingerprint);
    json_set(o, "roles", roles_of(about));
    json_set_int(login, "life_ms", about->login_life_ms);
    json_set_int(login, "idle_ms", about->login_idle_ms);
    json_set(o, "login", login);
    json_set_cstr(tunnel, "cut_through", about->cut_through_off ? "off" : "auto");
    json_set_cstr(tunnel, "front", about->front_l7 ? "l7" : "direct");
    json_set(o, "tunnel", tunnel);
    json_set_bool(o, "second_approval", about->second_approval);
    api->ports.keys(api->ports.arg, add_key, keys);
    json_set(o, "keys", keys);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* ---- health ------------------------------------------------------------------------------- */

struct health {
    struct json *checks;
    bool ready;
};

static void add_check(void *arg, const struct api_check *check)
{
    struct health *h = arg;
    struct json *o = json_object();

    json_set_cstr(o, "name", check->name);
    json_set_bool(o, "ok", check->ok);
    json_set_cstr(o, "text", check->text);
    json_push(h->checks, o);
    h->ready = h->ready && (check->ok || check->minor);
}

sp_error api_health(struct api *api, struct api_call *c)
{
    struct health h = {json_array(), true};
    struct json *o = json_object();

    api->ports.checks(api->ports.arg, add_check, &h);
    json_set_bool(o, "ready", h.ready);
    json_set(o, "checks", h.checks);
    response_json(c->res, 200, o);
    return SP_OK;
}

/* ---- the contract ------------------------------------------------------------------------- */

sp_error contract_make(struct buf *out)
{
    const struct asset *yaml = asset_find(view_str("/api/openapi.yaml"));
    struct tree *t;
    sp_error e;

    if (yaml == NULL)
        return SP_ERR_NOT_FOUND;
    if ((e = tree_parse(yaml->plain, TREE_BYTES_MAX, NULL, &t)) != SP_OK)
        return e;
    e = json_write(tree_root(t), out);
    tree_free(t);
    return e;
}

sp_error api_openapi(struct api *api, struct api_call *c)
{
    response_fixed(c->res, 200, "application/json", buf_view(&api->contract), NULL, NULL);
    return SP_OK;
}
