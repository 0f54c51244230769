#include "broker/identity/logins_internal.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/http/url.h"

#include <stdio.h>
#include <stdlib.h>

sp_error logins_new(const struct logins_options *o, struct logins **out)
{
    struct logins *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    l->o = *o;
    l->services = store_services(o->store);
    if ((e = codes_new(&l->codes)) != SP_OK || (e = waits_new(&l->waits)) != SP_OK) {
        logins_free(l);
        return e;
    }
    *out = l;
    return SP_OK;
}

void logins_free(struct logins *l)
{
    if (l == NULL)
        return;
    codes_free(l->codes);
    waits_free(l->waits);
    free(l);
}

struct audit_record login_record(const struct login *login, enum audit_event event,
                                 enum audit_result result, const char *address, const char *request,
                                 const char *text)
{
    struct audit_record r = {.event = event,
                             .result = result,
                             .actor_kind = AUDIT_ACTOR_NOBODY,
                             .address = address,
                             .request = request,
                             .text = text};

    if (login != NULL && !id_is_zero(login->user)) {
        r.actor_kind = AUDIT_ACTOR_USER;
        r.actor = r.user = login->user;
    }
    return r;
}

/* ---- once --------------------------------------------------------------------------------- */

struct spending {
    struct logins *l;
    struct hash id;
    bool won;
};

static sp_error spend_work(struct store_tx *tx, void *arg)
{
    struct spending *s = arg;

    return s->l->services->once->consume(tx, ONCE_LOGIN_STATE, hash_view(&s->id),
                                         tx_now(tx) + LOGINS_LIFE_MS + LOGINS_CODE_MS, &s->won);
}

sp_error login_spend(struct logins *l, const char *what, struct view id)
{
    struct spending s = {.l = l};
    struct hash_stream h;
    sp_error e;

    hash_sha256_start(&h);
    hash_sha256_more(&h, (struct view){(const uint8_t *)what, strlen(what) + 1});
    hash_sha256_more(&h, id);
    s.id = hash_sha256_end(&h);
    FAILPOINT("login:state");
    if ((e = store_commit(l->o.store, spend_work, &s)) != SP_OK)
        return e;
    FAILPOINT("login:state_spent");
    return s.won ? SP_OK : SP_ERR_REPLAY;
}

/* ---- beginning ---------------------------------------------------------------------------- */

struct view logins_return_to(struct view wanted)
{
    bool fine = wanted.len > 0 && wanted.len <= LOGINS_RETURN_MAX && wanted.at[0] == '/';

    for (size_t i = 0; fine && i < wanted.len; i++)
        fine = wanted.at[i] > ' ' && wanted.at[i] < 0x7f && wanted.at[i] != '\\';
    /* Not "//host", and nothing that someone may decode into it. */
    if (fine && wanted.len > 1)
        fine = wanted.at[1] != '/' && wanted.at[1] != '%';
    return fine ? wanted : view_str("/");
}

void logins_open_browser(struct logins *l, struct view return_to, struct login *out)
{
    struct view path = logins_return_to(return_to);

    (void)l;
    *out = (struct login){.id = random_id(), .step = LOGIN_CHOOSE, .started = clock_unix()};
    memcpy(out->return_to, path.at, path.len);
}

sp_error logins_open_device(struct logins *l, struct view start, struct login *out)
{
    struct login login;
    sp_error e = login_open(l, start, SEAL_START, &login);

    if (e != SP_OK)
        return e;
    if (!login.device || login.step != LOGIN_CHOOSE)
        return SP_ERR_DENIED;
    if (l->o.moved != NULL)
        l->o.moved(l->o.arg, &login.key, "opened", NULL);
    *out = login;
    return SP_OK;
}

bool logins_codes_allowed(const struct logins *l)
{
    return l->o.device_code;
}

sp_error logins_open_code(struct logins *l, struct view typed, const char *address,
                          struct login *out)
{
    sp_error e = l->o.device_code ? waits_open(l->waits, typed, address, clock_unix(), out)
                                  : SP_ERR_UNSUPPORTED;

    if (e == SP_OK && l->o.moved != NULL)
        l->o.moved(l->o.arg, &out->key, "opened", NULL);
    return e;
}

/* ---- the provider ------------------------------------------------------------------------- */

/* Nobody came in: which provider, and why. */
static void audit_failure(struct logins *l, const struct request *req, const struct login *login,
                          sp_error e, const struct sp_why *why)
{
    struct audit_record r =
        login_record(login, AUDIT_LOGIN_FAIL, AUDIT_DENIED, req->peer, req->ref,
                     why != NULL && why->text[0] != '\0' ? why->text : sp_error_text(e));

    r.object_kind = "provider";
    r.object_name = login->idp;
    if ((e = audit_now(l->o.store, &r)) != SP_OK) /* the login is refused all the same */
        log_event(LOG_ERROR, "audit.append", sp_error_text(e), NULL);
}

sp_error logins_to_provider(struct logins *l, const struct request *req, struct login *login,
                            struct view idp, struct buf *url, struct sp_why *why)
{
    struct provider *p = oidc_find(l->o.oidc, idp);
    struct oidc_attempt attempt;
    sp_error e;

    if (p == NULL)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "there is no such provider");
    snprintf(login->idp, sizeof login->idp, "%s", provider_name(p));
    if ((e = oidc_begin(p, 0, &attempt, url, why)) != SP_OK) {
        audit_failure(l, req, login, e, why);
        return e;
    }
    login->attempt = attempt;
    login->step = LOGIN_PROVIDER;
    secret_wipe(&attempt, sizeof attempt);
    return SP_OK;
}

struct by_state {
    struct view state;
    struct login *out;
    bool found;
};

static bool match_state(void *arg, const struct login *login)
{
    struct by_state *s = arg;

    if (login->step != LOGIN_PROVIDER || login->attempt.state[0] == '\0' ||
        !secret_equal(s->state, view_str(login->attempt.state)))
        return true;
    *s->out = *login;
    s->found = true;
    return false;
}

/* Finds or makes the user. */
static sp_error admit(struct logins *l, struct provider *p, const struct request *req,
                      const struct identity *i, struct login *login, struct sp_why *why)
{
    struct principal who = {.iss = provider_issuer(p),
                            .sub = i->sub,
                            .idp = provider_name(p),
                            .plain_names = p == oidc_at(l->o.oidc, 0),
                            .preferred = i->preferred[0] != '\0' ? i->preferred : NULL,
                            .display = i->display[0] != '\0' ? i->display : NULL,
                            .email = i->email[0] != '\0' ? i->email : NULL,
                            .groups_state = i->groups_state,
                            .groups_detail = i->groups_detail,
                            .groups = (const char *const *)i->groups,
                            .group_count = i->group_count};
    struct audit_record by = login_record(NULL, AUDIT_UNNAMED, AUDIT_OK, req->peer, req->ref, NULL);
    struct user_row user;
    sp_error e = users_admit(l->o.registry, &who, &by, &user);

    if (e == SP_ERR_DENIED)
        return sp_why_say(why, e, "this account is locked; an administrator can unlock it");
    if (e != SP_OK)
        return e;
    login->user = user.id;
    login->auth_at = i->auth_at;
    snprintf(login->amr, sizeof login->amr, "%s", i->amr);
    snprintf(login->acr, sizeof login->acr, "%s", i->acr);
    snprintf(login->sid, sizeof login->sid, "%s", i->sid);
    return SP_OK;
}

/* The attempt is spent and the answer is this login's: what does the provider say? */
static sp_error judge_answer(struct logins *l, const struct request *req, const struct form *answer,
                             struct login *login, struct sp_why *why)
{
    struct provider *p = oidc_find(l->o.oidc, view_str(login->idp));
    struct identity i = {0};
    sp_error e;

    if (p == NULL)
        return SP_ERR_NOT_FOUND;
    if ((e = oidc_finish(p, &login->attempt, 0, answer, why, &i)) == SP_OK)
        e = admit(l, p, req, &i, login, why);
    identity_deinit(&i);
    secret_wipe(&login->attempt, sizeof login->attempt);
    return e;
}

sp_error logins_answer(struct logins *l, const struct request *req, struct view idp,
                       struct login *out, struct sp_why *why)
{
    struct login login = {.step = LOGIN_NOWHERE};
    struct by_state by = {.out = &login};
    struct form answer;
    sp_error e;

    if ((e = form_parse(req->query, &answer)) != SP_OK) /* repeated parameters: IDT-21 */
        return e == SP_ERR_NOMEM
                   ? e
                   : sp_why_say(why, SP_ERR_PROTOCOL, "the provider's answer is malformed");
    by.state = form_get(&answer, "state");
    logins_each(l, req, match_state, &by);
    if (!by.found || !view_is(idp, login.idp)) {
        form_deinit(&answer);
        return sp_why_say(why, SP_ERR_NOT_FOUND,
                          "this browser has not begun the login that this answer belongs to");
    }
    *out = login;
    e = login_spend(l, "state", by.state);
    if (e == SP_OK)
        e = judge_answer(l, req, &answer, &login, why);
    form_deinit(&answer);
    if (e == SP_OK) {
        login.step = LOGIN_FACTOR;
        *out = login;
        if (login.device && l->o.moved != NULL)
            l->o.moved(l->o.arg, &login.key, "signed_in", NULL);
    } else {
        audit_failure(l, req, &login, e, why);
        out->step = LOGIN_CHOOSE; /* may try again, with a new attempt */
        secret_wipe(&out->attempt, sizeof out->attempt);
    }
    secret_wipe(&login, sizeof login);
    return e;
}

/* ---- the factor --------------------------------------------------------------------------- */

static sp_error finish_browser(struct logins *l, const struct login *login,
                               const struct request *req, struct response *res)
{
    struct login_row row = {.user = login->user,
                            .auth_at = login->auth_at,
                            .mfa_at = login->mfa_at,
                            .mfa_kind = login->mfa_kind};
    struct audit_record r = login_record(login, AUDIT_LOGIN_OK, AUDIT_OK, req->peer, req->ref,
                                         "signed in with a browser");
    sp_error e;

    snprintf(row.amr, sizeof row.amr, "%s", login->amr);
    snprintf(row.acr, sizeof row.acr, "%s", login->acr);
    snprintf(row.idp_sid, sizeof row.idp_sid, "%s", login->sid);
    /* The record is durable before the ticket works. */
    if ((e = login_spend(l, "end", id_view(&login->id))) != SP_OK ||
        (e = audit_now(l->o.store, &r)) != SP_OK ||
        (e = signin_start(l->o.signin, req, res, &row)) != SP_OK)
        return e;
    logins_drop(login, res);
    return SP_OK;
}

sp_error logins_proved(struct logins *l, struct login *login, const struct mfa_answer *answer,
                       const struct request *req, struct response *res)
{
    sp_error e;

    if (login->step != LOGIN_FACTOR || answer->verdict != TOTP_RIGHT)
        return SP_ERR_INTERNAL;
    login->mfa_at = answer->at;
    login->mfa_kind = ROW_MFA_OTP;
    if (!login->device)
        return finish_browser(l, login, req, res);
    /* One proof, one approval: an older cookie of this login leads nowhere (TM-21). */
    if ((e = login_spend(l, "factor", id_view(&login->id))) != SP_OK)
        return e;
    login->step = LOGIN_APPROVE;
    logins_keep(l, login, req, res);
    return SP_OK;
}

/* ---- is this your device? ----------------------------------------------------------------- */

sp_error logins_approve(struct logins *l, const struct login *login, const struct request *req,
                        struct response *res, struct buf *out)
{
    char code[LOGINS_CODE_TEXT + 1];
    bool first = true, typed = login->redirect[0] == '\0';
    struct audit_record r =
        login_record(login, AUDIT_DEVICE_APPROVE, AUDIT_OK, req->peer, req->ref,
                     login->waits ? "the person says that the device which asks is "
                                    "theirs; its code was entered in this browser"
                                  : "the person says that the device which asks is "
                                    "theirs");
    sp_error e;

    if (login->step != LOGIN_APPROVE)
        return SP_ERR_INTERNAL;
    r.object_kind = "device";
    r.object_name = login->name;
    if ((e = login_spend(l, "end", id_view(&login->id))) != SP_OK ||
        (e = audit_now(l->o.store, &r)) != SP_OK ||
        (e = login->waits ? waits_decide(l->waits, login, true)
                          : codes_put(l->codes, login, typed, clock_unix(), code)) != SP_OK)
        return e;
    logins_drop(login, res);
    if (login->waits) {
        code[0] = '\0'; /* the device has what it needs */
    } else if (typed) {
        buf_add_str(out, code);
    } else {
        buf_add_str(out, login->redirect);
        url_add_query(out, &first, "code", view_str(code));
        url_add_query(out, &first, "state", view_str(login->state));
    }
    secret_wipe(code, sizeof code);
    if (l->o.moved != NULL)
        l->o.moved(l->o.arg, &login->key, "approved", NULL);
    return buf_error(out);
}

sp_error logins_refuse(struct logins *l, const struct login *login, const struct request *req,
                       struct response *res)
{
    struct audit_record r =
        login_record(login, AUDIT_LOGIN_FAIL, AUDIT_DENIED, req->peer, req->ref,
                     "the person says that the device which asked for this login is not theirs");
    sp_error e;

    r.object_kind = "device";
    r.object_name = login->name;
    if ((e = login_spend(l, "end", id_view(&login->id))) != SP_OK ||
        (e = audit_now(l->o.store, &r)) != SP_OK)
        return e;
    if (login->waits)
        sp_ignore(waits_decide(l->waits, login, false)); /* late: the device was told "expired" */
    logins_drop(login, res);
    if (l->o.moved != NULL)
        l->o.moved(l->o.arg, &login->key, "refused",
                   "The person who signed in says that this is not their device.");
    return SP_OK;
}
