#include "broker/idp/provider_internal.h"
#include "lib/crypto/jwk.h"

#include <stdio.h>
#include <stdlib.h>

static void discovery(struct idp *i, const struct request *req, struct response *res);
static void jwks(struct idp *i, const struct request *req, struct response *res);

static const struct {
    enum http_method method;
    const char *path;
    void (*handle)(struct idp *, const struct request *, struct response *);
} routes[] = {
    {METHOD_GET, "/idp/.well-known/openid-configuration", discovery},
    {METHOD_GET, "/idp/jwks", jwks},
    {METHOD_GET, "/idp/authorize", idp_authorize_get},
    {METHOD_POST, "/idp/authorize", idp_authorize_post},
    {METHOD_POST, "/idp/token", idp_token},
    {METHOD_GET, "/idp/userinfo", idp_userinfo},
    {METHOD_POST, "/idp/userinfo", idp_userinfo},
};

static sp_error copy(char to[IDP_TEXT_MAX], const char *from, const char *after)
{
    int n = snprintf(to, IDP_TEXT_MAX, "%s%s", from, after);

    return n < 0 || n >= IDP_TEXT_MAX ? SP_ERR_LIMIT : SP_OK;
}

sp_error idp_new(const struct idp_config *config, struct store *store, struct accounts *accounts,
                 const struct secret *master, struct idp **out)
{
    struct idp *i = calloc(1, sizeof *i);
    sp_error e;

    if (i == NULL)
        return SP_ERR_NOMEM;
    i->store = store;
    i->accounts = accounts;
    i->banner = config->banner;
    if ((e = copy(i->issuer, config->origin, "/idp")) != SP_OK ||
        (e = copy(i->redirect_uri, config->redirect_uri, "")) != SP_OK ||
        (e = copy(i->organisation, config->organisation, "")) != SP_OK ||
        (e = idp_keys_load(store, master, &i->keys)) != SP_OK) {
        idp_free(i);
        return e;
    }
    i->kid = key_kid(key_secret_public(i->keys.signing));
    *out = i;
    return SP_OK;
}

void idp_free(struct idp *i)
{
    if (i == NULL)
        return;
    idp_keys_deinit(&i->keys);
    free(i);
}

struct idp_client idp_client(const struct idp *i)
{
    struct idp_client c = {.client_id = IDP_CLIENT_ID, .secret = i->keys.client};

    memcpy(c.issuer, i->issuer, sizeof c.issuer);
    return c;
}

static void set_list(struct json *j, const char *name, const char *const *values, size_t count)
{
    struct json *list = json_array();

    for (size_t v = 0; v < count; v++)
        json_push(list, json_new_str(view_str(values[v])));
    json_set(j, name, list);
}

#define SET_LIST(j, name, ...)                            \
    set_list(j, name, (const char *const[]){__VA_ARGS__}, \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void set_endpoint(const struct idp *i, struct json *j, const char *name, const char *path)
{
    char url[IDP_TEXT_MAX + 32];

    snprintf(url, sizeof url, "%s%s", i->issuer, path);
    json_set_cstr(j, name, url);
}

/* OpenID Connect Discovery 1.0 section 3, RFC 9207 section 3. */
static void discovery(struct idp *i, const struct request *req, struct response *res)
{
    struct json *j = json_object();

    (void)req;
    json_set_cstr(j, "issuer", i->issuer);
    set_endpoint(i, j, "authorization_endpoint", "/authorize");
    set_endpoint(i, j, "token_endpoint", "/token");
    set_endpoint(i, j, "userinfo_endpoint", "/userinfo");
    set_endpoint(i, j, "jwks_uri", "/jwks");
    SET_LIST(j, "response_types_supported", "code");
    SET_LIST(j, "response_modes_supported", "query");
    SET_LIST(j, "grant_types_supported", "authorization_code");
    SET_LIST(j, "subject_types_supported", "public");
    SET_LIST(j, "id_token_signing_alg_values_supported", "ES256");
    SET_LIST(j, "scopes_supported", "openid", "profile", "email", "groups");
    SET_LIST(j, "claims_supported", "sub", "name", "preferred_username", "email", "groups",
             "auth_time", "amr");
    SET_LIST(j, "token_endpoint_auth_methods_supported", "client_secret_basic");
    SET_LIST(j, "code_challenge_methods_supported", "S256");
    json_set_bool(j, "authorization_response_iss_parameter_supported", true);
    response_json(res, 200, j);
}

static void jwks(struct idp *i, const struct request *req, struct response *res)
{
    const char *kid = i->kid.s;
    struct buf text;

    (void)req;
    buf_init(&text, 4096);
    if (jwks_write(key_secret_public(i->keys.signing), &kid, 1, &text) == SP_OK)
        response_text(res, 200, "application/json", buf_view(&text));
    else
        response_empty(res, 500);
    buf_deinit(&text);
}

bool idp_handle(struct idp *i, const struct request *req, struct response *res)
{
    bool ours = req->path.len >= 5 && memcmp(req->path.at, "/idp/", 5) == 0;
    bool known = false;

    if (!ours)
        return false;
    if (!req->tls) { /* passwords never travel in the clear, whatever stands in front */
        response_empty(res, 403);
        return true;
    }
    for (size_t r = 0; r < sizeof routes / sizeof *routes; r++) {
        if (!view_is(req->path, routes[r].path))
            continue;
        known = true;
        if (routes[r].method == req->method ||
            (routes[r].method == METHOD_GET && req->method == METHOD_HEAD)) {
            routes[r].handle(i, req, res);
            return true;
        }
    }
    response_empty(res, known ? 405 : 404);
    return true;
}
