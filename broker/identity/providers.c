#include "broker/identity/oidc_internal.h"

#include <stdlib.h>

struct oidc {
    struct provider *all[OIDC_PROVIDERS_MAX]; /* owned */
    size_t count;
};

static void provider_free(struct provider *p)
{
    if (p == NULL)
        return;
    discovery_free(p->discovery);
    client_free(p->client);
    secret_free(p->secret);
    for (size_t i = 0; i < p->scope_count; i++)
        free(p->scopes[i]);
    for (size_t i = 0; i < p->groups_path_count; i++)
        free(p->groups_path[i]);
    for (size_t i = 0; i < p->audience_count; i++)
        free((void *)(uintptr_t)p->audiences[i].at);
    free(p->name);
    free(p->title);
    free(p->issuer);
    free(p->client_id);
    free(p->redirect_uri);
    free(p->groups_claim);
    free(p);
}

void oidc_free(struct oidc *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->count; i++)
        provider_free(o->all[i]);
    free(o);
}

/* Copies `count` texts; NULL list: the `fallback`, which ends with NULL. */
static sp_error copy_list(const char *const *from, size_t count, const char *const *fallback,
                          char **to, size_t max, size_t *out)
{
    if (from == NULL || count == 0)
        for (from = fallback, count = 0; from[count] != NULL;)
            count++;
    if (count > max)
        return SP_ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        if ((to[i] = strdup(from[i])) == NULL)
            return SP_ERR_NOMEM;
        *out = i + 1;
    }
    return SP_OK;
}

static sp_error copy_audiences(const struct provider_options *from, struct provider *p)
{
    if (from->audience_count > OIDC_SCOPES_MAX)
        return SP_ERR_INVALID;
    for (size_t i = 0; i < from->audience_count; i++) {
        char *copy = strdup(from->audiences[i]);
        if (copy == NULL)
            return SP_ERR_NOMEM;
        p->audiences[i] = view_str(copy);
        p->audience_count = i + 1;
    }
    return SP_OK;
}

static char *printed(const char *first, const char *between, const char *second)
{
    struct buf b;
    char *text;

    buf_init(&b, 2048);
    buf_addf(&b, "%s%s%s", first, between, second);
    text = buf_take_str(&b);
    buf_deinit(&b);
    return text;
}

/* "resource_access.sallyport.roles", for people. */
static char *path_text(const struct provider *p)
{
    struct buf b;
    char *text;

    buf_init(&b, 1024);
    for (size_t i = 0; i < p->groups_path_count; i++)
        buf_addf(&b, "%s%s", i == 0 ? "" : ".", p->groups_path[i]);
    text = buf_take_str(&b);
    buf_deinit(&b);
    return text;
}

static bool name_sound(const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
              name[i] == '-' || name[i] == '_'))
            return false;
    return len > 0 && len <= 32;
}

static sp_error copy_texts(const struct provider_options *from, const char *origin,
                           struct provider *p)
{
    static const char *const usual_scopes[] = {"openid", "profile", "email", "groups", NULL};
    static const char *const usual_path[] = {"groups", NULL};
    sp_error e;

    if ((e = copy_list(from->scopes, from->scope_count, usual_scopes, p->scopes, OIDC_SCOPES_MAX,
                       &p->scope_count)) != SP_OK ||
        (e = copy_list(from->groups_path, from->groups_path_count, usual_path, p->groups_path,
                       OIDC_PATH_MAX, &p->groups_path_count)) != SP_OK ||
        (e = copy_audiences(from, p)) != SP_OK)
        return e;
    p->name = strdup(from->name);
    p->title = strdup(from->title != NULL ? from->title : from->name);
    p->issuer = strdup(from->issuer);
    p->client_id = strdup(from->client_id);
    p->redirect_uri = printed(origin, "/login/callback/", from->name);
    p->groups_claim = path_text(p);
    return p->name == NULL || p->title == NULL || p->issuer == NULL || p->client_id == NULL ||
                   p->redirect_uri == NULL || p->groups_claim == NULL
               ? SP_ERR_NOMEM
               : SP_OK;
}

static sp_error provider_new(const struct oidc_options *o, const struct provider_options *from,
                             struct sp_why *why, struct provider **out)
{
    struct client_options c = {.ca_file = from->ca_file, .proxy = o->proxy, .at_once = o->at_once};
    struct provider *p;
    sp_error e;

    if (!name_sound(from->name))
        return sp_why_say(why, SP_ERR_INVALID,
                          "a provider's name is 1 to 32 of a-z, 0-9, '-' and '_'");
    sp_why_field(why, "providers.%s", from->name);
    if (from->issuer == NULL || from->client_id == NULL || from->client_id[0] == '\0')
        return sp_why_say(why, SP_ERR_INVALID, "issuer and client_id are needed");
    if ((p = calloc(1, sizeof *p)) == NULL)
        return SP_ERR_NOMEM;
    p->groups_from_userinfo = from->groups_from_userinfo;
    p->built_in = from->built_in;
    p->algs = from->algs == 0 ? JWT_ALG_ALL : from->algs;
    if ((e = copy_texts(from, o->origin, p)) == SP_ERR_INVALID)
        e = sp_why_say(why, e, "too many scopes, steps of the groups claim, or audiences");
    if (e == SP_OK && from->client_secret.len > 0)
        e = secret_new(from->client_secret, &p->secret);
    if (e == SP_OK)
        e = client_new(&c, why, &p->client);
    if (e == SP_OK)
        e = discovery_new(p->client, p->issuer, why, &p->discovery);
    if (e != SP_OK) {
        provider_free(p);
        return e;
    }
    *out = p;
    return SP_OK;
}

sp_error oidc_new(const struct oidc_options *options, struct sp_why *why, struct oidc **out)
{
    struct oidc *o;
    sp_error e = SP_OK;

    if (options->provider_count > OIDC_PROVIDERS_MAX)
        return sp_why_say(why, SP_ERR_INVALID, "more than %d providers", OIDC_PROVIDERS_MAX);
    if ((o = calloc(1, sizeof *o)) == NULL)
        return SP_ERR_NOMEM;
    for (size_t i = 0; e == SP_OK && i < options->provider_count; i++) {
        const struct provider_options *p = &options->providers[i];
        if (p->name != NULL && oidc_find(o, view_str(p->name)) != NULL)
            e = sp_why_say(why, SP_ERR_INVALID, "two providers are called %s", p->name);
        else if ((e = provider_new(options, p, why, &o->all[i])) == SP_OK)
            o->count++;
    }
    if (e != SP_OK) {
        oidc_free(o);
        return e;
    }
    *out = o;
    return SP_OK;
}

size_t oidc_count(const struct oidc *o)
{
    return o->count;
}

struct provider *oidc_at(const struct oidc *o, size_t index)
{
    return index < o->count ? o->all[index] : NULL;
}

struct provider *oidc_find(const struct oidc *o, struct view name)
{
    for (size_t i = 0; i < o->count; i++)
        if (view_is(name, o->all[i]->name))
            return o->all[i];
    return NULL;
}

const char *provider_name(const struct provider *p)
{
    return p->name;
}

const char *provider_title(const struct provider *p)
{
    return p->title;
}

const char *provider_issuer(const struct provider *p)
{
    return p->issuer;
}

const char *provider_redirect_uri(const struct provider *p)
{
    return p->redirect_uri;
}

const char *provider_groups_claim(const struct provider *p)
{
    return p->groups_claim;
}

bool provider_built_in(const struct provider *p)
{
    return p->built_in;
}

struct discovery_state provider_state(struct provider *p)
{
    return discovery_state(p->discovery);
}
