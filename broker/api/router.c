#include "broker/api/cuts.h"
#include "broker/api/feed.h"
#include "broker/api/figures.h"
#include "broker/api/verified.h"
#include "lib/base/log.h"

#include <stdio.h>

const char *api_role_word(enum api_role r)
{
    static const char *const words[] = {"nobody", "public",   "person",
                                        "viewer", "operator", "admin"};

    return words[r];
}

/* The route of the request. When only the method is wrong, `allowed` names the right ones. A
 * literal segment wins over a parameter: /sessions/kill is not the session "kill". */
static const struct route *find_route(struct request *req, char *allowed, size_t size)
{
    const struct route *found = NULL;
    size_t used = 0;

    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        enum http_method asked = req->method == METHOD_HEAD ? METHOD_GET : req->method;
        if (!request_match(req, r->path))
            continue;
        if (r->method == asked && (found == NULL || strchr(r->path, '{') == NULL))
            found = r;
        const char *name = http_method_name(r->method);
        if (used + strlen(name) + 3 < size)
            used += (size_t)snprintf(allowed + used, size - used, "%s%s", used ? ", " : "", name);
    }
    if (found && !request_match(req, found->path))
        return NULL;
    return found;
}

static void refuse(struct api_call *c, const struct problem *p)
{
    problem_write(p, c->req, c->res);
}

static sp_error record(struct api *api, const struct api_call *c)
{
    return audit_now(registry_store(api->registry), &c->by);
}

static void name_actor(const struct api_call *c, struct audit_record *by)
{
    if (c->caller.proof == PROOF_NONE)
        return;
    by->actor_kind = c->caller.role > ROLE_PERSON ? AUDIT_ACTOR_ADMIN : AUDIT_ACTOR_USER;
    by->actor = c->caller.user.id;
    by->actor_name = c->caller.user.name;
}

/* A refusal of someone who proved who they are is worth a record; of nobody, a log line is. */
static void record_refusal(struct api *api, const struct api_call *c, const char *code)
{
    struct audit_record by = c->by;

    if (c->caller.proof == PROOF_NONE) {
        log_event(LOG_INFO, "api.refuse", code, "path", c->by.object_name, "peer", c->req->peer,
                  "request", c->req->ref, NULL);
        return;
    }
    name_actor(c, &by);
    by.event = AUDIT_API_REFUSE;
    by.result = AUDIT_DENIED;
    by.text = code;
    /* The request is refused whether or not the record could be written. */
    sp_ignore(audit_now(registry_store(api->registry), &by));
}

static bool is_fresh(const struct api_caller *caller)
{
    sp_unix_ms now = clock_unix();

    /* A bootstrap token is short-lived and there is no factor yet that could be asked for. */
    return caller->proof == PROOF_BOOTSTRAP ||
           (caller->login.mfa_kind != ROW_MFA_NONE && caller->login.mfa_at <= now &&
            now - caller->login.mfa_at <= API_FRESH_MS);
}

/* Who asks, and may they? False: answered. */
static bool admitted(struct api *api, struct api_call *c, const struct route *r)
{
    sp_error e = api_caller_find(api, c, r->class);
    struct problem p = {.status = 403, .code = "cross_site"};

    if (e == SP_ERR_UNAUTHENTICATED) {
        p = (struct problem){.status = 401,
                             .code = "login",
                             .detail = "Nobody is signed in, or the login is over.",
                             .resume = "/login"};
    } else if (e == SP_ERR_DENIED) {
        p.detail = "The request may come from another site, so it was not done.";
    } else if (e != SP_OK) {
        p = problem_of(e, &c->why);
    } else if (c->caller.role < r->role || r->role == ROLE_NOBODY) {
        p = (struct problem){.status = 403,
                             .code = "role",
                             .detail = "Your role does not allow this.",
                             .role = api_role_word(r->role)};
    } else if (r->fresh && !is_fresh(&c->caller)) {
        p = (struct problem){.status = 401,
                             .code = "step_up",
                             .detail = "This needs a code that is at most 5 minutes old."};
    } else {
        return true;
    }
    record_refusal(api, c, p.code);
    refuse(c, &p);
    return false;
}

static bool name_app(struct api *api, const struct api_call *c, struct audit_record *by, char *name)
{
    const struct snapshot *s = registry_hold(api->registry);
    const struct app_row *row;
    bool known = request_id(c->req, "id", &by->object) == SP_OK &&
                 (row = snapshot_app_by_id(s, by->object)) != NULL;

    if (known) {
        by->app = by->object;
        snprintf(name, sizeof c->object, "%s", row->name);
    }
    registry_release(api->registry, s);
    return known;
}

static bool name_device(struct api *api, const struct api_call *c, struct audit_record *by,
                        char *name)
{
    struct store *st = registry_store(api->registry);
    struct device_row row;

    if (request_id(c->req, "id", &by->object) != SP_OK ||
        store_services(st)->registry->device_get(st, by->object, &row) != SP_OK)
        return false;
    by->device = by->object;
    by->user = row.user;
    snprintf(name, sizeof c->object, "%s", row.name);
    return true;
}

static bool name_feed(struct api *api, const struct api_call *c, struct audit_record *by,
                      char *name)
{
    (void)api;
    (void)by;
    view_copy(name, sizeof c->object, request_param(c->req, "name"));
    return true;
}

/* What a request acts on that is recorded before its handler runs. What is not there stays named
 * by the path. */
static void name_object(struct api *api, struct api_call *c, const struct route *r)
{
    static const struct {
        const char *under, *kind;
        bool (*name)(struct api *api, const struct api_call *c, struct audit_record *by,
                     char *name);
    } objects[] = {{"/api/v1/apps/{id}/", "app", name_app},
                   {"/api/v1/devices/{id}/", "device", name_device},
                   {"/api/v1/feeds/{name}/", "feed", name_feed}};
    struct audit_record by = c->by;

    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        if (strncmp(r->path, objects[i].under, strlen(objects[i].under)) == 0 &&
            objects[i].name(api, c, &by, c->object)) {
            by.object_kind = objects[i].kind;
            by.object_name = c->object;
            c->by = by;
        }
}

/* What every record of this request says. The object is refined by who acts. */
static void begin_record(struct api_call *c, const struct route *r)
{
    c->by.event = r->event;
    c->by.address = c->req->peer;
    c->by.request = c->req->ref;
    name_actor(c, &c->by);
}

static void answer(struct api *api, struct api_call *c, const struct route *r)
{
    sp_error e = SP_OK;

    begin_record(c, r);
    if (r->record == RECORD_BEFORE) {
        name_object(api, c, r);
        e = record(api, c);
    }
    if (e == SP_OK)
        e = r->handler(api, c);
    if (c->problem.status != 0) {
        refuse(c, &c->problem);
    } else if (e != SP_OK) {
        struct problem p = problem_of(e, &c->why);
        if (p.status >= 500)
            log_event(LOG_ERROR, "api.fail", sp_error_text(e), "path", r->path, "request",
                      c->req->ref, "why", c->why.text, NULL);
        refuse(c, &p);
    }
}

void api_handle(struct api *api, const struct request *req, struct response *res)
{
    struct request mine = *req; /* its parameters are filled here */
    struct api_call c = {.req = &mine, .res = res};
    char allowed[64] = "";
    const struct route *r = find_route(&mine, allowed, sizeof allowed);

    if (r == NULL) {
        struct problem p = {.status = allowed[0] ? 405 : 404,
                            .code = allowed[0] ? "method" : "not_found"};
        refuse(&c, &p);
        if (allowed[0])
            response_header(res, "allow", view_str(allowed));
        return;
    }
    c.by = (struct audit_record){.address = req->peer,
                                 .request = req->ref,
                                 .actor_kind = AUDIT_ACTOR_NOBODY,
                                 .object_kind = "api",
                                 .object_name = r->path};
    if (r->class == CLASS_OPEN ? r->role == ROLE_PUBLIC : admitted(api, &c, r)) {
        answer(api, &c, r);
    } else if (r->class == CLASS_OPEN) {
        struct problem p = {.status = 403, .code = "role"};
        refuse(&c, &p);
    }
}

bool api_waits_long(const struct request *req)
{
    struct request mine = *req;

    if (request_match(&mine, "/api/v1/feeds/{name}"))
        return mine.method == METHOD_PUT; /* an account is tried before it is kept */
    return mine.method == METHOD_POST && (request_match(&mine, "/api/v1/feeds/{name}/test") ||
                                          request_match(&mine, "/api/v1/feeds/{name}/secret") ||
                                          request_match(&mine, "/api/v1/apps/{id}/test") ||
                                          request_match(&mine, "/api/v1/policy/replay") ||
                                          request_match(&mine, "/api/v1/audit/verification"));
}

sp_error api_start(struct api *api)
{
    sp_error e;

    buf_init(&api->contract, 1024 * 1024);
    if ((e = contract_make(&api->contract)) != SP_OK ||
        (e = cuts_new(api->live, &api->cuts)) != SP_OK ||
        (e = figures_new(registry_store(api->registry), &api->figures)) != SP_OK ||
        (e = verified_new(&api->verified)) != SP_OK)
        return e;
    return feed_follow(api);
}

void api_stop(struct api *api)
{
    verified_free(api->verified);
    figures_free(api->figures);
    cuts_free(api->cuts);
    buf_deinit(&api->contract);
    api->verified = NULL;
    api->figures = NULL;
    api->cuts = NULL;
}

bool api_live_admit(void *arg, const struct request *req)
{
    struct api *api = arg;
    struct response unused;
    struct api_call c = {.req = req, .res = &unused};

    response_init(&unused);
    bool may = api_caller_find(api, &c, CLASS_TICKET) == SP_OK && c.caller.role >= ROLE_VIEWER;
    response_deinit(&unused);
    return may;
}

/* Reached only by a plain GET: the upgrade is lib/http/live's. */
sp_error api_live(struct api *api, struct api_call *c)
{
    (void)api;
    c->problem = (struct problem){.status = 426,
                                  .code = "upgrade",
                                  .title = "Upgrade needed",
                                  .detail = "This address speaks websocket only."};
    return SP_OK;
}
