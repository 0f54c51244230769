#include "broker/pages/pages_internal.h"

/* Enter the code of a device that has no browser of its own (RFC 8628, section 3.3). */

/* From the address or the form; it is no secret, and html_f escapes whatever else it is. */
static void draw_entry(struct visit *v, struct view code, const char *problem, int status_code)
{
    pages_begin(v, "Enter a device's code", false);
    buf_add_str(&v->page,
                "<div><h1>Enter a device's code</h1><p>The code stands in the terminal of a device "
                "where you ran <code>sallyport login --device-code</code> just now.</p></div>"
                "<div class=\"note warn\">");
    page_icon(&v->page, "warn");
    html_f(&v->page,
           "<div>Did someone send you this code or this address? Then close this page: it would "
           "sign their device in as you.</div></div>"
           "<form class=\"stack\" method=\"post\" action=\"/d\">"
           "<div class=\"field\"><label for=\"c\">Code</label>"
           "<input class=\"in otp\" id=\"c\" name=\"user_code\" type=\"text\" value=\"%v\" "
           "maxlength=\"16\" autocomplete=\"off\" autocapitalize=\"characters\" "
           "spellcheck=\"false\" required",
           &code);
    if (problem != NULL) {
        buf_add_str(&v->page, " aria-invalid=\"true\" aria-describedby=\"ce\">");
        page_error(&v->page, "ce", problem);
    } else {
        buf_add_str(&v->page, ">");
    }
    buf_add_str(&v->page, "</div><button class=\"btn main full\">Go on</button></form>");
    page_end(v, status_code);
}

void entry_page(struct visit *v)
{
    struct view code = view_slice(v->req->path, sizeof "/d/" - 1, SIZE_MAX);

    if (!logins_codes_allowed(v->p->o.logins))
        page_stopped(v, 404, "Devices are not signed in by code here",
                     "Run sallyport login on the device; it says how to go on.");
    else
        draw_entry(v, view_slice(code, 0, 16), NULL, 200);
}

void entry_post(struct visit *v)
{
    struct login login;
    struct form form;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    e = logins_open_code(v->p->o.logins, form_get(&form, "user_code"), v->req->peer, &login);
    if (e == SP_OK) {
        logins_keep(v->p->o.logins, &login, v->req, v->res);
        login_draw(v, &login);
    } else if (e == SP_ERR_NOT_FOUND) {
        draw_entry(v, view_slice(form_get(&form, "user_code"), 0, 16),
                   "No device waits with this code. It is good for ten minutes: look again, or "
                   "start again on the device.",
                   400);
    } else if (e == SP_ERR_LIMIT) {
        draw_entry(v, (struct view){0}, "Too many wrong codes came from here. Try again later.",
                   429);
    } else {
        page_failed(v, e);
    }
    secret_wipe(&login, sizeof login);
    form_deinit(&form);
}
