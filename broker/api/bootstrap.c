/* The bootstrap token becomes a session, once; the session ends when its holder says so. */
#include "broker/identity/bootstrap.h"

#include "broker/api/call.h"
#include "lib/base/log.h"

static sp_error record(struct api *api, struct api_call *c, enum audit_result result,
                       const char *text)
{
    struct audit_record by = c->by;

    by.event = AUDIT_BOOTSTRAP;
    by.result = result;
    by.actor_kind = result == AUDIT_OK ? AUDIT_ACTOR_ADMIN : AUDIT_ACTOR_NOBODY;
    by.actor_name = result == AUDIT_OK ? "bootstrap" : NULL;
    by.text = text;
    return audit_now(registry_store(api->registry), &by);
}

/* One answer for all that is no token, so that guessing learns nothing. A spent token can only be
 * shown by who holds it or took it: that stands in the audit. */
static sp_error refuse(struct api *api, struct api_call *c, sp_error e)
{
    if (e == SP_ERR_REPLAY)
        sp_ignore(record(api, c, AUDIT_DENIED, /* refused whether or not it could be written */
                         "a bootstrap token that is spent was shown again"));
    else
        log_event(LOG_INFO, "bootstrap.refuse", sp_error_text(e), "peer", c->req->peer, "request",
                  c->req->ref, NULL);
    c->problem = (struct problem){
        .status = 401,
        .code = "login",
        .title = "No bootstrap token",
        .detail = "This is no bootstrap token, its hour is over, or it was spent before."};
    return e;
}

static void answer(struct api_call *c, const struct buf *session, sp_unix_ms expires)
{
    struct json *o = json_object();

    json_set_str(o, "session", buf_view(session));
    json_set_cstr(o, "role", api_role_word(ROLE_ADMIN));
    json_set_time(o, "expires", expires);
    response_json(c->res, 201, o);
}

sp_error api_bootstrap_spend(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"token", NULL};
    sp_unix_ms expires = 0;
    struct buf session;
    struct json *body;
    struct view token;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    buf_init(&session, BOOTSTRAP_TEXT);
    if ((e = member_text(c, body, "token", 1, CALL_TEXT_MAX, &token)) == SP_OK) {
        e = api->about.state == NULL
                ? SP_ERR_UNAUTHENTICATED
                : bootstrap_spend(api->about.state, token, clock_unix(), &session, &expires);
        if (e == SP_ERR_UNAUTHENTICATED || e == SP_ERR_REPLAY)
            e = refuse(api, c, e);
        else if (e == SP_OK &&
                 (e = record(api, c, AUDIT_OK, "the bootstrap token was spent")) != SP_OK)
            sp_ignore(bootstrap_end(api->about.state, NULL)); /* no session without its record */
    }
    if (e == SP_OK)
        answer(c, &session, expires);
    buf_wipe(&session);
    json_free(body);
    return e;
}

sp_error api_bootstrap_end(struct api *api, struct api_call *c)
{
    sp_error e;

    if (c->caller.proof != PROOF_BOOTSTRAP)
        return SP_ERR_NOT_FOUND;
    c->by.text = "the bootstrap session was ended";
    if ((e = audit_now(registry_store(api->registry), &c->by)) == SP_OK &&
        (e = bootstrap_end(api->about.state, &c->why)) == SP_OK)
        response_empty(c->res, 204);
    return e;
}
