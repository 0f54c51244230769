#include "broker/pages/pages_internal.h"
#include "lib/base/encode.h"
#include "lib/http/url.h"

/* ---- who are you -------------------------------------------------------------------------- */

/* The host of the issuer, which the person will see in the browser's bar. */
static struct view issuer_host(const struct provider *p)
{
    struct url u;

    return url_parse(view_str(provider_issuer(p)), &u) == SP_OK ? u.host : view_str("");
}

static void provider_button(struct visit *v, const struct login *login, struct provider *p,
                            bool first)
{
    html_f(&v->page, "<a class=\"%s\" href=\"/login/go?l=%s&amp;idp=%s\">",
           first ? "btn main full" : "btn full", id_text(login->id).s, provider_name(p));
    if (provider_built_in(p))
        html_f(&v->page, "Use a local account</a>");
    else
        html_f(&v->page, "Continue with %s</a>", provider_title(p));
}

static void draw_login(struct visit *v, const struct login *login, const char *problem)
{
    struct oidc *oidc = v->p->o.oidc;
    struct provider *hint = oidc_find(oidc, view_str(login->idp));

    pages_begin(v, "Sign in", false);
    buf_add_str(&v->page, "<div><h1>Sign in</h1>");
    if (login->device)
        html_f(&v->page, "<p>For <b>%s</b> on <b>%s</b>, asked from %s.</p></div>",
               login->software[0] != '\0' ? login->software : "sallyport",
               login->name[0] != '\0' ? login->name : "a device without a name", login->address);
    else
        html_f(&v->page, "<p>For the apps of %s.</p></div>", v->p->o.organisation);
    if (problem != NULL) {
        buf_add_str(&v->page, "<div class=\"note bad\" role=\"alert\">");
        page_icon(&v->page, "warn");
        html_f(&v->page, "<div>%s</div></div>", problem);
    }
    buf_add_str(&v->page, "<div class=\"stack\">");
    if (hint != NULL)
        provider_button(v, login, hint, true);
    for (size_t i = 0; i < oidc_count(oidc); i++)
        if (oidc_at(oidc, i) != hint)
            provider_button(v, login, oidc_at(oidc, i), i == 0 && hint == NULL);
    buf_add_str(&v->page, "</div>");
    if (hint == NULL && oidc_count(oidc) > 0)
        hint = oidc_at(oidc, 0);
    if (hint != NULL && !provider_built_in(hint)) {
        struct view host = issuer_host(hint);
        html_f(&v->page,
               "<p class=\"sub\">You will sign in at %v, then enter a code from your authenticator "
               "app.</p>",
               &host);
    } else {
        buf_add_str(&v->page, "<p class=\"sub\">You will then enter a code from your authenticator "
                              "app.</p>");
    }
    page_end(v, problem == NULL ? 200 : 403);
}

void login_draw(struct visit *v, const struct login *login)
{
    draw_login(v, login, NULL);
}

void login_page(struct visit *v)
{
    struct login login;
    struct form query;
    sp_error e = visit_query(v, &query);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    logins_open_browser(v->p->o.logins, form_get(&query, "return_to"), &login);
    form_deinit(&query);
    logins_keep(v->p->o.logins, &login, v->req, v->res);
    draw_login(v, &login, NULL);
}

void login_device_page(struct visit *v)
{
    struct login login;
    struct form query;
    sp_error e = visit_query(v, &query);

    if (e == SP_OK) {
        e = logins_open_device(v->p->o.logins, form_get(&query, "start"), &login);
        form_deinit(&query);
    }
    if (e == SP_ERR_DENIED || e == SP_ERR_EXPIRED) {
        page_stopped(v, 400, "This address does not work any more",
                     "It is good for ten minutes. Start again on your device.");
        return;
    }
    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    logins_keep(v->p->o.logins, &login, v->req, v->res);
    draw_login(v, &login, NULL);
}

/* ---- to the provider and back ------------------------------------------------------------- */

void login_go(struct visit *v)
{
    struct sp_why why = {0};
    struct login login;
    struct form query;
    struct buf url;
    sp_error e = visit_query(v, &query);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    buf_init(&url, 8192);
    e = logins_load(v->p->o.logins, v->req, form_get(&query, "l"), LOGIN_CHOOSE, &login);
    if (e == SP_ERR_NOT_FOUND) /* came back with the browser's button */
        e = logins_load(v->p->o.logins, v->req, form_get(&query, "l"), LOGIN_PROVIDER, &login);
    if (e == SP_OK)
        e = logins_to_provider(v->p->o.logins, v->req, &login, form_get(&query, "idp"), &url, &why);
    if (e == SP_OK) {
        logins_keep(v->p->o.logins, &login, v->req, v->res);
        response_redirect(v->res, buf_view(&url));
    } else {
        page_failed(v, e);
    }
    secret_wipe(&login, sizeof login);
    buf_deinit(&url);
    form_deinit(&query);
}

/* Words of a refusal that the person may read: never a token, always made visible. */
static void refusal(sp_error e, const struct sp_why *why, struct buf *out)
{
    if (e == SP_ERR_UNREACHABLE || e == SP_ERR_TIMEOUT || e == SP_ERR_TLS || e == SP_ERR_BUSY)
        buf_add_str(out, "The identity provider can't be reached. Please try again in a minute.");
    else if (why->text[0] != '\0')
        buf_addf(out, "You are not signed in: %s.", why->text);
    else
        buf_add_str(out, "You are not signed in.");
}

void login_callback(struct visit *v)
{
    struct view idp = view_slice(v->req->path, sizeof "/login/callback/" - 1, SIZE_MAX);
    struct login login = {.step = LOGIN_NOWHERE};
    struct sp_why why = {0};
    struct buf words;
    sp_error e = logins_answer(v->p->o.logins, v->req, idp, &login, &why);

    if (e == SP_OK) {
        logins_keep(v->p->o.logins, &login, v->req, v->res);
        page_go(v, "/login/code", &login);
        return;
    }
    if (login.step != LOGIN_CHOOSE || e == SP_ERR_REPLAY) {
        page_failed(v, e); /* not a login of this browser, or finished: the others go on (C-010) */
        return;
    }
    buf_init(&words, 1024);
    refusal(e, &why, &words);
    logins_keep(v->p->o.logins, &login, v->req, v->res);
    draw_login(v, &login, buf_cstr(&words));
    buf_deinit(&words);
}

void logout_post(struct visit *v)
{
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_USER,
                              .address = v->req->peer,
                              .request = v->req->ref,
                              .text = "signed out in the browser"};
    sp_error e = signin_end(v->p->o.signin, v->req, v->res, &by);

    if (e != SP_OK)
        page_failed(v, e);
    else
        response_redirect(v->res, view_str("/login"));
}
