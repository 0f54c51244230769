/* Who asks: a browser's ticket, a device's API ticket, or who spent the bootstrap token. */
#include "broker/identity/signin.h"

#include "broker/api/api.h"
#include "broker/identity/bootstrap.h"
#include "broker/identity/tickets.h"
#include "broker/registry/users.h"
#include "lib/base/ascii.h"
#include "lib/http/url.h"

#include <stdio.h>

/* "Bearer sat_…" or "Bearer sas_…": empty when it is anything else. */
static struct view bearer(const struct request *req)
{
    struct view v = request_header(req, "authorization");
    static const char scheme[] = "Bearer ";

    return ascii_begins(v, scheme) ? view_slice(v, sizeof scheme - 1, v.len) : (struct view){0};
}

/* The Origin header names the broker itself. */
static bool from_us(struct api *api, struct view origin)
{
    struct url theirs, ours;

    return url_parse(origin, &theirs) == SP_OK &&
           url_parse(view_str(api->about.public_url), &ours) == SP_OK && theirs.path.len == 0 &&
           url_same_origin(&theirs, &ours);
}

/*
 * TM-15: could another site have made the browser send this? What changes something needs our own
 * header, which no form and no cross-origin request without a preflight can carry, and our own
 * Origin; reading is refused when the browser says that another site asked.
 */
static bool another_site(struct api *api, const struct request *req)
{
    bool reads = req->method == METHOD_GET || req->method == METHOD_HEAD;
    struct view site = request_header(req, "sec-fetch-site");
    struct view origin = request_header(req, "origin");

    if (site.len > 0 && !view_is(site, "same-origin") && !(reads && view_is(site, "none")))
        return true;
    if (origin.len > 0 ? !from_us(api, origin) : !reads)
        return true;
    return !reads && !view_is(request_header(req, "sallyport-console"), "1");
}

static sp_error by_device(struct api *api, struct api_call *c, struct view ticket)
{
    struct store *st = registry_store(api->registry);
    struct sp_id device;

    if (tickets_find(api->tickets, ticket, clock_boot(), &device) != SP_OK)
        return SP_ERR_UNAUTHENTICATED;
    sp_error e = store_services(st)->logins->device_get(st, device, &c->caller.login);
    if (e == SP_OK && c->caller.login.expires <= clock_unix())
        e = SP_ERR_NOT_FOUND;
    if (e == SP_OK)
        c->caller.proof = PROOF_DEVICE;
    return e == SP_ERR_NOT_FOUND ? SP_ERR_UNAUTHENTICATED : e;
}

/* Nobody of the registry: an administrator called "bootstrap", who spent the token before. */
static sp_error by_bootstrap(struct api *api, struct api_call *c, struct view session)
{
    sp_unix_ms expires;
    sp_error e = api->about.state == NULL
                     ? SP_ERR_UNAUTHENTICATED
                     : bootstrap_find(api->about.state, session, clock_unix(), &expires);

    if (e != SP_OK)
        return e;
    c->caller.proof = PROOF_BOOTSTRAP;
    c->caller.role = ROLE_ADMIN;
    c->caller.login.expires = expires;
    snprintf(c->caller.user.name, sizeof c->caller.user.name, "bootstrap");
    return SP_OK;
}

static sp_error by_browser(struct api *api, struct api_call *c)
{
    /* The ticket rolls with answers that a page reads; a websocket's upgrade sets no cookie. */
    sp_error e = signin_find(api->signin, c->req, c->res, &c->caller.login);

    if (e != SP_OK)
        return e;
    c->caller.proof = PROOF_BROWSER;
    return another_site(api, c->req) ? SP_ERR_DENIED : SP_OK;
}

sp_error api_role_of(struct api *api, struct sp_id user, enum api_role *out)
{
    struct user_groups groups = {0};
    enum api_role role = ROLE_PERSON;
    sp_error e = users_groups(api->registry, user, &groups);

    if (e != SP_OK)
        return e;
    for (size_t i = 0; i < groups.count; i++)
        for (size_t k = 0; k < api->about.role_count; k++)
            if (strcmp(groups.names[i], api->about.roles[k].group) == 0 &&
                api->about.roles[k].role > role)
                role = api->about.roles[k].role;
    users_groups_free(&groups);
    *out = role;
    return SP_OK;
}

sp_error api_caller_find(struct api *api, struct api_call *c, enum api_class class)
{
    struct store *st = registry_store(api->registry);
    struct view ticket = bearer(c->req);
    sp_error e = SP_ERR_UNAUTHENTICATED;

    c->caller = (struct api_caller){0};
    if (class == CLASS_TICKET && view_is(view_slice(ticket, 0, 4), "sas_"))
        return by_bootstrap(api, c, ticket);
    if (class == CLASS_TICKET && ticket.len > 0)
        e = by_device(api, c, ticket);
    else if (class == CLASS_TICKET || class == CLASS_BROWSER)
        e = by_browser(api, c);
    if (e == SP_OK)
        e = store_services(st)->registry->user_get(st, c->caller.login.user, &c->caller.user);
    if (e == SP_ERR_NOT_FOUND || (e == SP_OK && c->caller.user.state != USER_ACTIVE))
        e = SP_ERR_UNAUTHENTICATED;
    if (e == SP_OK && c->caller.user.groups == GROUPS_KNOWN)
        e = api_role_of(api, c->caller.user.id, &c->caller.role);
    else if (e == SP_OK)
        c->caller.role = ROLE_PERSON; /* unreadable groups make nobody an admin */
    if (e != SP_OK && e != SP_ERR_DENIED)
        c->caller = (struct api_caller){0};
    return e;
}
