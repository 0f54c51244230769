#include "broker/pages/pages_internal.h"
#include "lib/base/log.h"

#include <stdlib.h>
#include <time.h>

sp_error pages_new(const struct pages_options *o, struct pages **out)
{
    struct pages *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->o = *o;
    if (p->o.organisation == NULL)
        p->o.organisation = "This installation";
    if (p->o.help == NULL)
        p->o.help = "your administrator";
    *out = p;
    return SP_OK;
}

void pages_free(struct pages *p)
{
    free(p);
}

#define CALLBACK "/login/callback/"
#define ENTRY "/d/"

static const struct {
    enum http_method method;
    const char *path;
    page_fn *page;
    bool calls_out;
} routes[] = {
    {METHOD_GET, "/login", login_page, false},
    {METHOD_GET, "/login/device", login_device_page, false},
    {METHOD_GET, "/login/go", login_go, true},
    {METHOD_GET, CALLBACK, login_callback, true}, /* and the provider's name behind it */
    {METHOD_GET, "/login/code", code_page, false},
    {METHOD_POST, "/login/code", code_post, false},
    {METHOD_POST, "/login/enrol", enrol_post, false},
    {METHOD_GET, "/d", entry_page, false},
    {METHOD_GET, ENTRY, entry_page, false}, /* and the code behind it */
    {METHOD_POST, "/d", entry_post, false},
    {METHOD_GET, "/login/approve", approve_page, false},
    {METHOD_POST, "/login/approve", approve_post, false},
    {METHOD_GET, "/login/done", done_page, false},
    {METHOD_GET, "/login/factor", factor_page, false},
    {METHOD_POST, "/login/factor", factor_post, false},
    {METHOD_POST, "/logout", logout_post, false},
    {METHOD_GET, "/home", home_page, false},
    {METHOD_POST, "/home/end", mine_end, false},
    {METHOD_POST, "/home/sign-out", mine_sign_out, false},
    {METHOD_POST, "/home/codes", mine_codes, false},
    {METHOD_GET, "/home/authenticator", mine_authenticator, false},
    {METHOD_POST, "/home/authenticator", mine_authenticator_post, false},
    {METHOD_GET, "/denied", denied_page, false},
    {METHOD_POST, "/denied", denied_post, false},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool path_is(struct view path, size_t route)
{
    size_t n = strlen(routes[route].path);

    if (routes[route].path[n - 1] == '/')
        return path.len > n && memcmp(path.at, routes[route].path, n) == 0;
    return view_is(path, routes[route].path);
}

bool pages_calls_out(struct view path)
{
    for (size_t i = 0; i < ROUTES; i++)
        if (routes[i].calls_out && path_is(path, i))
            return true;
    return false;
}

bool pages_handle(struct pages *p, const struct request *req, struct response *res)
{
    enum http_method method = req->method == METHOD_HEAD ? METHOD_GET : req->method;
    struct visit v = {.p = p, .req = req, .res = res};
    bool known = false;

    for (size_t i = 0; i < ROUTES; i++) {
        if (!path_is(req->path, i))
            continue;
        known = true;
        if (routes[i].method != method)
            continue;
        buf_init(&v.page, PAGE_MAX);
        res->policy = RESPONSE_PAGE;
        routes[i].page(&v);
        buf_wipe(&v.page); /* page_end took the text; a page that failed may hold a secret */
        return true;
    }
    if (known)
        response_text(res, 405, "text/plain; charset=utf-8", view_str("no such method here\n"));
    return known;
}

/* ---- requests ----------------------------------------------------------------------------- */

sp_error visit_form(struct visit *v, struct form *f)
{
    if (!request_is_type(v->req, "application/x-www-form-urlencoded"))
        return SP_ERR_UNSUPPORTED; /* a text/plain form of another site (TM-15) */
    return form_parse(v->req->body, f);
}

sp_error visit_query(struct visit *v, struct form *f)
{
    return form_parse(v->req->query, f);
}

struct audit_record visit_record(const struct visit *v, struct sp_id user)
{
    return (struct audit_record){.actor_kind = AUDIT_ACTOR_USER,
                                 .actor = user,
                                 .user = user,
                                 .address = v->req->peer,
                                 .request = v->req->ref};
}

/* ---- the frame ---------------------------------------------------------------------------- */

/* Strokes only; the style sheet gives the rest. */
static const char sprite[] =
    "<svg hidden aria-hidden=\"true\">"
    "<symbol id=\"i-door\" viewBox=\"0 0 16 16\"><path d=\"M3 14V7a5 5 0 0 1 10 0v7M1.5 14h13\"/>"
    "<path d=\"M6 14V8.5M6 11h5.2M9.4 9.2 11.2 11l-1.8 1.8\"/></symbol>"
    "<symbol id=\"i-check\" viewBox=\"0 0 16 16\"><path d=\"m3 8.5 3.2 3.2L13 4.8\"/></symbol>"
    "<symbol id=\"i-cross\" viewBox=\"0 0 16 16\"><path d=\"m4 4 8 8M12 4l-8 8\"/></symbol>"
    "<symbol id=\"i-unknown\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5.8\" "
    "stroke-dasharray=\"2.6 2\"/><path d=\"M6.4 6.6a1.7 1.7 0 1 1 2.4 1.7c-.5.2-.8.5-.8 1M8 "
    "11.2h.01\"/></symbol>"
    "<symbol id=\"i-warn\" viewBox=\"0 0 16 16\"><path d=\"M8 2.5 14.2 13.2H1.8zM8 6.7v3M8 "
    "11.5h.01\"/></symbol>"
    "<symbol id=\"i-copy\" viewBox=\"0 0 16 16\"><rect x=\"5.5\" y=\"5.5\" width=\"8\" "
    "height=\"8\" "
    "rx=\"1.2\"/><path d=\"M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 "
    "1h2\"/></symbol>"
    "<symbol id=\"i-stop\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5.8\"/><path d=\"m4 "
    "4 8 "
    "8\"/></symbol>"
    "<symbol id=\"i-key\" viewBox=\"0 0 16 16\"><circle cx=\"5.2\" cy=\"10.8\" r=\"2.7\"/>"
    "<path d=\"m7.2 8.8 5.8-5.8M10.5 5.5l2 2\"/></symbol>"
    "<symbol id=\"i-device\" viewBox=\"0 0 16 16\"><rect x=\"3\" y=\"3\" width=\"10\" "
    "height=\"7.5\" rx=\"1.2\"/><path d=\"M1.5 13h13\"/></symbol>"
    "<symbol id=\"i-session\" viewBox=\"0 0 16 16\"><path d=\"M2 5.5h11M10.5 3 13 5.5 10.5 8M14 "
    "10.5H3M5.5 8 3 10.5 5.5 13\"/></symbol>"
    "</svg>";

void page_icon(struct buf *out, const char *id)
{
    html_f(
        out,
        "<svg class=\"i\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><use href=\"#i-%s\"/></svg>",
        id);
}

void page_copy(struct buf *out, const char *look, const char *from, const char *label,
               const char *text)
{
    html_f(out, "<button type=\"button\" class=\"%s\" data-copy=\"%s\"", look, from);
    if (label != NULL)
        html_f(out, " aria-label=\"%s\"", label);
    buf_add_str(out, " hidden>");
    page_icon(out, "copy");
    html_f(out, "%s</button>", text != NULL ? text : "");
}

static void head(struct visit *v, const char *title)
{
    html_f(&v->page,
           "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
           "<meta name=\"color-scheme\" content=\"light dark\"><title>%s · Sallyport</title>"
           "<link rel=\"icon\" href=\"/assets/favicon.svg\">"
           "<link rel=\"stylesheet\" href=\"/assets/style.css\">"
           "<script type=\"module\" src=\"/assets/pages.js\"></script></head>\n<body>",
           title);
    buf_add_str(&v->page, sprite);
    if (v->p->o.banner != NULL)
        html_f(&v->page, "<aside class=\"devbar\" aria-label=\"Evaluation\">%s</aside>",
               v->p->o.banner);
}

static void brand(struct visit *v)
{
    buf_add_str(&v->page, "<div class=\"brand\">");
    page_icon(&v->page, "door");
    html_f(&v->page, "<span>%s<small>Sallyport</small></span></div>", v->p->o.organisation);
}

void pages_begin(struct visit *v, const char *title, bool broad)
{
    head(v, title);
    html_f(&v->page, "\n<div class=\"solo\"><main class=\"%s\" id=\"main\">",
           broad ? "card broad" : "card");
    brand(v);
}

void page_end(struct visit *v, int status)
{
    html_f(&v->page,
           "</main>\n<footer><span>%s uses Sallyport to protect its apps.</span>"
           "<span>Help: %s</span></footer></div></body></html>\n",
           v->p->o.organisation, v->p->o.help);
    response_html(v->res, status, &v->page);
}

void page_begin_wide(struct visit *v, const char *title, const char *who)
{
    head(v, title);
    buf_add_str(&v->page, "<a class=\"skip\" href=\"#main\">Skip to content</a>"
                          "<header class=\"bare\">");
    brand(v);
    html_f(&v->page,
           "<div class=\"end\"><span>%s</span><form method=\"post\" action=\"/logout\">"
           "<button class=\"btn small\">Sign out</button></form></div></header>"
           "<main class=\"home\" id=\"main\">",
           who);
}

void page_end_wide(struct visit *v, int status)
{
    buf_add_str(&v->page, "</main></body></html>\n");
    response_html(v->res, status, &v->page);
}

void page_error(struct buf *out, const char *id, const char *text)
{
    html_f(out, "<span class=\"err\" id=\"%s\">", id);
    page_icon(out, "cross");
    html_f(out, "<span>%s</span></span>", text);
}

struct page_time page_time(sp_unix_ms at)
{
    time_t s = (time_t)(at / 1000);
    struct page_time text = {""};
    struct tm tm;

    if (gmtime_r(&s, &tm) != NULL)
        (void)strftime(text.s, sizeof text.s, "%d %b %Y, %H:%M UTC", &tm);
    return text;
}

void page_stopped(struct visit *v, int status, const char *title, const char *text)
{
    pages_begin(v, title, false);
    html_f(&v->page,
           "<div><h1>%s</h1><p>%s</p></div><a class=\"btn main full\" href=\"/login\">Start again"
           "</a><p class=\"dim\">A login that began in a terminal starts again there, with "
           "<code>sallyport login</code>. Request <code>%s</code>.</p>",
           title, text, v->req->ref);
    page_end(v, status);
}

void page_failed(struct visit *v, sp_error e)
{
    log_event(LOG_WARN, "page.failed", sp_error_text(e), "error", sp_error_code(e), "request",
              v->req->ref, NULL);
    buf_reset(&v->page);
    switch (e) {
    case SP_ERR_NOT_FOUND:
    case SP_ERR_EXPIRED:
    case SP_ERR_REPLAY:
        page_stopped(v, 400, "This sign-in is over",
                     "It took longer than ten minutes, was finished before, or began in another "
                     "browser.");
        return;
    case SP_ERR_UNREACHABLE:
    case SP_ERR_TIMEOUT:
    case SP_ERR_TLS:
    case SP_ERR_BUSY:
        page_stopped(v, 503, "The sign-in service can't be reached",
                     "Please try again in a minute. Sessions that are open go on.");
        return;
    case SP_ERR_PROTOCOL:
        page_stopped(v, 502, "The sign-in service answers wrongly",
                     "Its answer is not one that can be trusted. Your administrator finds the "
                     "reason in the audit log.");
        return;
    case SP_ERR_MALFORMED:
    case SP_ERR_LIMIT:
    case SP_ERR_UNSUPPORTED:
        page_stopped(v, 400, "That request was not understood",
                     "The address or the form is not one that these pages make.");
        return;
    default:
        page_stopped(v, 500, "Something went wrong here",
                     "It is not your fault. Give the request below to whoever helps you.");
    }
}

void page_go(struct visit *v, const char *path, const struct login *login)
{
    struct buf to;

    buf_init(&to, 256);
    buf_addf(&to, "%s?l=%s", path, id_text(login->id).s);
    response_redirect(v->res, buf_view(&to));
    buf_deinit(&to);
}
