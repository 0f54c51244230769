#include "broker/api/call.h"
#include "broker/identity/mfa.h"
#include "broker/identity/signin.h"

static const char *const factor_words[] = {
    [ROW_MFA_NONE] = "none",
    [ROW_MFA_ANY] = "any",
    [ROW_MFA_OTP] = "otp",
    [ROW_MFA_PHISHING_RESISTANT] = "phishing_resistant",
};

static struct json *login_object(const struct api_caller *caller)
{
    static const char *const kinds[] = {[PROOF_NONE] = "",
                                        [PROOF_BROWSER] = "browser",
                                        [PROOF_DEVICE] = "device",
                                        [PROOF_BOOTSTRAP] = "token"};
    struct json *o = json_object();

    json_set_cstr(o, "kind", kinds[caller->proof]);
    set_time(o, "auth_at", caller->login.auth_at);
    set_time(o, "mfa_at", caller->login.mfa_at);
    json_set_cstr(o, "mfa_kind", factor_words[caller->login.mfa_kind]);
    json_set_time(o, "expires", caller->login.expires);
    return o;
}

static struct json *broker_object(const struct api_about *about)
{
    struct json *o = json_object();

    json_set_cstr(o, "name", about->name);
    json_set_cstr(o, "version", SP_VERSION);
    json_set_bool(o, "evaluation", about->evaluation);
    json_set_time(o, "time", clock_unix());
    json_set_cstr(o, "fingerprint", about->fingerprint);
    return o;
}

sp_error api_me(struct api *api, struct api_call *c)
{
    struct json *o = json_object();

    set_ref(o, "user", c->caller.user.id, c->caller.user.name);
    json_set_cstr(o, "role", api_role_word(c->caller.role));
    json_set_cstr(o, "provider", c->caller.user.idp);
    json_set(o, "login", login_object(&c->caller));
    json_set(o, "broker", broker_object(&api->about));
    response_json(c->res, 200, o);
    return SP_OK;
}

/* What a wrong code may be answered with (AAL-4: the same text during a lock). */
static void say_wrong(struct api_call *c, const struct mfa_answer *a)
{
    sp_unix_ms now = clock_unix();

    c->problem = (struct problem){.status = 403,
                                  .code = "wrong_code",
                                  .title = "The code was not accepted",
                                  .detail = a->verdict == TOTP_USED
                                                ? "This code was used already: wait for the next."
                                                : "The code is wrong, or too many were."};
    if (a->locked_until > now)
        c->problem.retry_after_ms = a->locked_until - now;
}

sp_error api_me_factor(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"code", NULL};
    struct mfa_answer answer = {0};
    struct login_row login;
    struct json *body;
    struct view code;
    sp_error e = call_body(c, names, &body);

    if (e != SP_OK)
        return e;
    e = member_text(c, body, "code", 6, 8, &code);
    if (e == SP_OK)
        e = mfa_verify(api->mfa, c->caller.user.id, code, &c->by, &answer);
    json_free(body);
    if (e == SP_ERR_DENIED)
        say_wrong(c, &answer);
    if (e == SP_OK)
        e = signin_factor(api->signin, c->req, c->res, answer.at, ROW_MFA_OTP, &login);
    if (e != SP_OK)
        return e;
    struct json *o = json_object();
    json_set_time(o, "mfa_at", answer.at);
    json_set_cstr(o, "kind", "otp");
    response_json(c->res, 200, o);
    return SP_OK;
}

sp_error api_me_sign_out(struct api *api, struct api_call *c)
{
    sp_error e = signin_end(api->signin, c->req, c->res, &c->by);

    if (e == SP_OK)
        response_empty(c->res, 204);
    return e;
}
