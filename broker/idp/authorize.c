/* The half of the provider that a browser meets: the form, and the way back with a code. */
#include "broker/audit/chain.h"
#include "broker/idp/provider_internal.h"
#include "broker/idp/ticket.h"
#include "lib/base/log.h"
#include "lib/crypto/random.h"
#include "lib/http/cookie.h"
#include "lib/http/form.h"
#include "lib/http/html.h"
#include "lib/http/url.h"

#define BROWSER_COOKIE "__Host-sallyport-idp"

enum { PAGE_MAX = 64 * 1024 };

static void page_begin(struct idp *i, struct buf *page, const char *title)
{
    html_f(page,
           "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
           "<meta name=\"color-scheme\" content=\"light dark\">"
           "<title>%s · %s</title>"
           "<link rel=\"icon\" href=\"/assets/favicon.svg\">"
           "<link rel=\"stylesheet\" href=\"/assets/style.css\"></head><body>",
           title, i->organisation);
    if (i->banner != NULL)
        html_f(page, "<aside class=\"devbar\" aria-label=\"Evaluation\">%s</aside>", i->banner);
    html_f(page,
           "<div class=\"solo\"><main class=\"card\" id=\"main\">"
           "<div class=\"brand\"><span>%s<small>Sallyport</small></span></div>",
           i->organisation);
}

static void page_end(struct response *res, int status, struct buf *page)
{
    html_f(page, "</main><footer><span>This is the built-in identity provider: for evaluation, and "
                 "for the day when the other one is out of reach.</span></footer></div></body>"
                 "</html>\n");
    res->policy = RESPONSE_PAGE;
    response_html(res, status, page);
    buf_deinit(page);
}

/* For what can't be sent back: a client or address that we don't know (RFC 6749 4.1.2.1). */
static void refuse_here(struct idp *i, struct response *res, const char *why)
{
    struct buf page;

    buf_init(&page, PAGE_MAX);
    page_begin(i, &page, "Not signed in");
    html_f(&page,
           "<div><h1>This sign-in can't go on</h1><p>%s Start again from the program that "
           "brought you here.</p></div>",
           why);
    page_end(res, 400, &page);
}

/* A parameter of the answer, in the query of the redirect address. */
static void send_back(struct idp *i, struct response *res, const char *name, struct view value,
                      struct view state)
{
    struct buf to;
    bool first = true;

    buf_init(&to, 2 * TICKET_TOKEN_MAX);
    buf_add_str(&to, i->redirect_uri);
    url_add_query(&to, &first, name, value);
    if (state.len > 0)
        url_add_query(&to, &first, "state", state);
    url_add_query(&to, &first, "iss", view_str(i->issuer)); /* RFC 9207 */
    if (buf_error(&to) == SP_OK)
        response_redirect(res, buf_view(&to));
    else
        response_empty(res, 500);
    buf_deinit(&to);
}

static void show_form(struct idp *i, struct response *res, int status, const struct ticket *t,
                      struct view name, const char *wrong)
{
    struct buf page, sealed;

    buf_init(&page, PAGE_MAX);
    buf_init(&sealed, TICKET_TOKEN_MAX);
    if (ticket_seal(i->keys.seal, TICKET_REQUEST, t, &sealed) != SP_OK) {
        response_empty(res, 500);
        buf_deinit(&sealed);
        return;
    }
    struct view request = buf_view(&sealed);
    page_begin(i, &page, "Sign in");
    html_f(&page, "<div><h1>Sign in</h1><p>With a local account of this installation.</p></div>");
    if (wrong != NULL)
        html_f(&page, "<div class=\"note bad\" role=\"alert\"><p>%s</p></div>", wrong);
    html_f(
        &page,
        "<form class=\"stack\" method=\"post\" action=\"/idp/authorize\">"
        "<input type=\"hidden\" name=\"request\" value=\"%v\">"
        "<div class=\"field\"><label for=\"username\">User name</label>"
        "<input id=\"username\" name=\"username\" type=\"text\" autocomplete=\"username\" "
        "autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"64\" required value=\"%v\"></div>"
        "<div class=\"field\"><label for=\"password\">Password</label>"
        "<input id=\"password\" name=\"password\" type=\"password\" "
        "autocomplete=\"current-password\" maxlength=\"1024\" required></div>"
        "<button class=\"btn main full\" type=\"submit\">Sign in</button></form>",
        &request, &name);
    buf_deinit(&sealed);
    page_end(res, status, &page);
}

static bool copy_field(const struct form *f, const char *name, char *to, size_t room)
{
    struct view v = form_get(f, name);

    if (v.len >= room)
        return false;
    memcpy(to, v.at, v.len);
    to[v.len] = '\0';
    return true;
}

/* One blank-separated word of a list. */
static bool has_word(struct view list, const char *word)
{
    size_t len = strlen(word);

    for (size_t from = 0; from + len <= list.len;) {
        const uint8_t *blank = memchr(list.at + from, ' ', list.len - from);
        size_t end = blank == NULL ? list.len : (size_t)(blank - list.at);
        if (view_is(view_slice(list, from, end - from), word))
            return true;
        from = end + 1;
    }
    return false;
}

/* The error word of RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6, or NULL. */
static const char *request_fault(const struct form *f, struct ticket *t)
{
    if (!view_is(form_get(f, "response_type"), "code"))
        return "unsupported_response_type";
    if (form_has(f, "request") || form_has(f, "request_uri"))
        return form_has(f, "request") ? "request_not_supported" : "request_uri_not_supported";
    if (!has_word(form_get(f, "scope"), "openid"))
        return "invalid_scope";
    if (!view_is(form_get(f, "code_challenge_method"), "S256") ||
        form_get(f, "code_challenge").len != 43)
        return "invalid_request";
    if (!copy_field(f, "code_challenge", t->challenge, sizeof t->challenge) ||
        !copy_field(f, "nonce", t->nonce, sizeof t->nonce) ||
        !copy_field(f, "state", t->state, sizeof t->state))
        return "invalid_request";
    if (has_word(form_get(f, "prompt"), "none"))
        return "login_required";
    return NULL;
}

static void authorize(struct idp *i, const struct form *f, struct response *res)
{
    struct ticket t = {.id = random_id(), .expires = clock_unix() + ticket_life_ms(TICKET_REQUEST)};

    if (!view_is(form_get(f, "client_id"), IDP_CLIENT_ID)) {
        refuse_here(i, res, "The program that asks is not known here.");
        return;
    }
    if (!view_is(form_get(f, "redirect_uri"), i->redirect_uri)) {
        refuse_here(i, res, "The address to come back to is not the registered one.");
        return;
    }
    const char *fault = request_fault(f, &t);
    if (fault != NULL) {
        send_back(i, res, "error", view_str(fault), form_get(f, "state"));
        return;
    }
    struct id_text browser = id_text(random_id());
    memcpy(t.browser, browser.s, sizeof t.browser);
    cookie_set(res, BROWSER_COOKIE, view_str(t.browser), ticket_life_ms(TICKET_REQUEST) / 1000,
               COOKIE_STRICT);
    show_form(i, res, 200, &t, form_get(f, "login_hint"), NULL);
}

void idp_authorize_get(struct idp *i, const struct request *req, struct response *res)
{
    struct form f;

    if (form_parse(req->query, &f) != SP_OK) {
        refuse_here(i, res, "The request is not well-formed.");
        return;
    }
    authorize(i, &f, res);
    form_deinit(&f);
}

/* The form comes back from the browser that it was given to (login CSRF, TM-15). */
static bool same_browser(const struct request *req, const struct ticket *t)
{
    struct view cookie, site = request_header(req, "sec-fetch-site");

    return (site.len == 0 || view_is(site, "same-origin")) &&
           cookie_get(req, BROWSER_COOKIE, &cookie) == SP_OK &&
           secret_equal(cookie, view_str(t->browser));
}

static void finish(struct idp *i, struct response *res, const struct ticket *t,
                   const struct account_row *account)
{
    sp_unix_ms now = clock_unix();
    struct ticket code = {.id = random_id(),
                          .account = account->id,
                          .auth_at = now,
                          .expires = now + ticket_life_ms(TICKET_CODE)};
    struct buf text;

    memcpy(code.challenge, t->challenge, sizeof code.challenge);
    memcpy(code.nonce, t->nonce, sizeof code.nonce);
    buf_init(&text, TICKET_TOKEN_MAX);
    if (ticket_seal(i->keys.seal, TICKET_CODE, &code, &text) == SP_OK) {
        cookie_clear(res, BROWSER_COOKIE);
        send_back(i, res, "code", buf_view(&text), view_str(t->state));
    } else {
        response_empty(res, 500);
    }
    buf_wipe(&text);
}

/* A wrong password, and whose. What was typed in place of a name is kept only where it is one: it
 * may be a password in the wrong field (LOG-3). */
static void audit_wrong(struct idp *i, const struct request *req, const char *name)
{
    struct account_row row = {0};
    struct audit_record r = {.event = AUDIT_LOGIN_FAIL,
                             .result = AUDIT_DENIED,
                             .actor_kind = AUDIT_ACTOR_NOBODY,
                             .object_kind = "account",
                             .address = req->peer,
                             .request = req->ref,
                             .text = "the name or the password of a local account was wrong"};
    sp_error e = store_services(i->store)->logins->account_by_name(i->store, name, &row);

    if (e == SP_OK)
        r.object_name = row.name;
    if ((e = audit_now(i->store, &r)) != SP_OK) /* it is refused all the same */
        log_event(LOG_ERROR, "audit.append", sp_error_text(e), NULL);
    secret_wipe(&row, sizeof row);
}

static void sign_in(struct idp *i, const struct request *req, const struct form *f,
                    struct response *res)
{
    char name[ROW_NAME_MAX + 1];
    struct account_row account;
    struct ticket t;

    if (ticket_open(i->keys.seal, TICKET_REQUEST, form_get(f, "request"), clock_unix(), &t) !=
            SP_OK ||
        !same_browser(req, &t)) {
        refuse_here(i, res, "The form is too old, or was not made for this browser.");
        return;
    }
    if (!copy_field(f, "username", name, sizeof name))
        name[0] = '\0'; /* no such account */
    sp_error e = accounts_check(i->accounts, name, form_get(f, "password"), req->peer, &account);
    if (e == SP_OK) {
        finish(i, res, &t, &account);
    } else if (e == SP_ERR_DENIED) {
        audit_wrong(i, req, name);
        show_form(i, res, 401, &t, form_get(f, "username"),
                  "User name or password is wrong, or there were too many tries. Wait a little "
                  "after five wrong ones.");
    } else {
        response_empty(res, 503);
    }
    secret_wipe(&account, sizeof account);
}

void idp_authorize_post(struct idp *i, const struct request *req, struct response *res)
{
    struct form f;

    if (!request_is_type(req, "application/x-www-form-urlencoded") ||
        form_parse(req->body, &f) != SP_OK) {
        refuse_here(i, res, "The form is not well-formed.");
        return;
    }
    sign_in(i, req, &f, res);
    form_deinit(&f);
}
