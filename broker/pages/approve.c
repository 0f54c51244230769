#include "broker/pages/pages_internal.h"

/* The device's loopback listener is where the form leads in the end: the page's policy has to
 * allow it (a browser looks at redirects of a form, too). */
static const char *loopback_origin(const struct login *login)
{
    if (strncmp(login->redirect, "http://127.0.0.1:", 17) == 0)
        return "http://127.0.0.1:*";
    if (strncmp(login->redirect, "http://[::1]:", 13) == 0)
        return "http://[::1]:*";
    return NULL;
}

static void draw_approve(struct visit *v, const struct login *login)
{
    struct user_row user = {.state = USER_NONE};
    const char *name = "you";

    if (logins_user(v->p->o.logins, login->user, &user) == SP_OK)
        name = user.email[0] != '\0' ? user.email : user.name;
    pages_begin(v, "Is this your device?", false);
    html_f(&v->page,
           "<div><h1>Is this your device?</h1><p>It will act as %s until you sign out or an "
           "administrator blocks it.</p></div><div class=\"stack\">"
           "<p class=\"sub\">Compare with the code in the terminal of that device:</p>"
           "<p class=\"match\">%s</p></div><dl class=\"kv\"><dt>Device</dt><dd>%s%s%s</dd>"
           "<dt>Asked from</dt><dd><span class=\"mono\">%s</span></dd>",
           name, login->match, login->name[0] != '\0' ? login->name : "without a name",
           login->os[0] != '\0' ? ", " : "", login->os, login->address);
    html_f(&v->page, "<dt>This browser</dt><dd><span class=\"mono\">%s</span> ", v->req->peer);
    if (strcmp(v->req->peer, login->address) == 0) {
        buf_add_str(&v->page, "<span class=\"st ok\">");
        page_icon(&v->page, "check");
        buf_add_str(&v->page, "same address</span>");
    } else {
        buf_add_str(&v->page, "<span class=\"st warn\">");
        page_icon(&v->page, "warn");
        buf_add_str(&v->page, "another address</span>");
    }
    html_f(&v->page,
           "</dd><dt>Device key</dt><dd><span class=\"mono\">%s</span>, kept in %s</dd></dl>"
           "<form class=\"stack\" method=\"post\" action=\"/login/approve\">"
           "<input type=\"hidden\" name=\"l\" value=\"%s\">"
           "<button class=\"btn main full\" name=\"answer\" value=\"approve\">The codes match, "
           "approve</button>"
           "<button class=\"btn full\" name=\"answer\" value=\"refuse\">Not mine, report it"
           "</button></form>"
           "<p class=\"dim\">%s</p>",
           key_fingerprint(&login->key).s, login->hardware_key ? "its TPM" : "a file",
           id_text(login->id).s,
           login->waits ? "The device waits elsewhere, and nothing will be typed there. Approve it "
                          "only if you started this sign-in on it yourself, just now; nobody from "
                          "IT will send you such a code."
                        : "Nobody from IT will ask you to approve a device that is not in front of "
                          "you.");
    v->res->form_action = loopback_origin(login);
    page_end(v, 200);
}

void approve_page(struct visit *v)
{
    struct login login;
    struct form query;
    sp_error e = visit_query(v, &query);

    if (e == SP_OK) {
        e = logins_load(v->p->o.logins, v->req, form_get(&query, "l"), LOGIN_APPROVE, &login);
        form_deinit(&query);
    }
    if (e != SP_OK)
        page_failed(v, e);
    else
        draw_approve(v, &login);
}

static void draw_typed(struct visit *v, const char *code)
{
    pages_begin(v, "Type this code", false);
    html_f(&v->page,
           "<div><h1>Type this code</h1><p>At the prompt of the device that waits for it. It is "
           "good for three minutes, and on that device only.</p></div>"
           "<p class=\"match\">%s</p>",
           code);
    page_end(v, 200);
}

static void draw_waited(struct visit *v, const struct login *login)
{
    pages_begin(v, "Device signed in", false);
    html_f(&v->page,
           "<div><h1>%s is signed in</h1><p>Go back to it; this page can be closed. If you did not "
           "mean this, sign the device out again.</p></div>"
           "<p class=\"sub\"><a href=\"/home\">My apps and devices</a></p>",
           login->name[0] != '\0' ? login->name : "The device");
    page_end(v, 200);
}

static void draw_refused(struct visit *v)
{
    pages_begin(v, "Reported", false);
    html_f(&v->page,
           "<div><h1>The device was refused</h1><p>It gets no access, and the attempt stands in "
           "the audit log with its address.</p></div><div class=\"stack\"><h2>What you can do</h2>"
           "<ol class=\"fix\"><li><span>Somebody had your password, or brought you here by a "
           "link: change the password at your identity provider.</span></li>"
           "<li><span>Tell %s, with the request <code>%s</code>.</span></li></ol></div>",
           v->p->o.help, v->req->ref);
    page_end(v, 200);
}

void approve_post(struct visit *v)
{
    struct login login;
    struct form form;
    struct buf out;
    bool approve = false;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    buf_init(&out, 1024);
    e = logins_load(v->p->o.logins, v->req, form_get(&form, "l"), LOGIN_APPROVE, &login);
    if (e == SP_OK && view_is(form_get(&form, "answer"), "approve")) {
        approve = true;
        e = logins_approve(v->p->o.logins, &login, v->req, v->res, &out);
    } else if (e == SP_OK && view_is(form_get(&form, "answer"), "refuse")) {
        e = logins_refuse(v->p->o.logins, &login, v->req, v->res);
    } else if (e == SP_OK) {
        e = SP_ERR_MALFORMED;
    }
    if (e != SP_OK) {
        page_failed(v, e);
    } else if (!approve) {
        draw_refused(v);
    } else if (login.waits) {
        draw_waited(v, &login);
    } else if (login.redirect[0] == '\0') {
        draw_typed(v, buf_cstr(&out));
    } else {
        v->res->form_action = loopback_origin(&login);
        response_redirect(v->res, buf_view(&out));
    }
    buf_wipe(&out);
    form_deinit(&form);
}

void done_page(struct visit *v)
{
    pages_begin(v, "Signed in", false);
    buf_add_str(&v->page, "<div><h1>You are signed in</h1><p>Go back to the terminal; this page "
                          "can be closed.</p></div>"
                          "<p class=\"sub\"><a href=\"/home\">My apps</a></p>");
    page_end(v, 200);
}
