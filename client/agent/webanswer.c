#include "client/agent/webanswer.h"

#include "lib/http/html.h"

#include <stdio.h>
#include <string.h>

/* One row an exit code: how HTTP says it, and what the page is called. */
static const struct form {
    enum exit_code exit;
    int status;
    const char *reason;
    const char *before, *after; /* of the app's name in the title */
    bool checks;                /* the broker's page has more to say, and checks again */
} forms[] = {
    {EXIT_LOGIN, 401, "Unauthorized", "Sign in to open ", "", false},
    {EXIT_DENIED, 403, "Forbidden", "", " is closed for now", true},
    {EXIT_STEP_UP, 401, "Unauthorized", "", " asks for a newer code", true},
    {EXIT_POSTURE, 403, "Forbidden", "", " is closed for now", true},
    {EXIT_SESSION, 401, "Unauthorized", "Your session on ", " has ended", true},
    {EXIT_INTEGRITY, 502, "Bad Gateway", "The way to ", " can't be trusted", false},
    {EXIT_UNREACHABLE, 503, "Service Unavailable", "", " can't be reached now", false},
};
enum { FORMS = sizeof forms / sizeof *forms };

static const struct form *form_of(enum exit_code exit)
{
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].exit == exit)
            return &forms[i];
    return &forms[FORMS - 1];
}

/* Commands stand between backticks, as in a terminal. */
static void write_words(struct buf *out, const char *text)
{
    const char *from = text, *tick;
    bool code = false;

    while ((tick = strchr(from, '`')) != NULL) {
        struct view part = {(const uint8_t *)from, (size_t)(tick - from)};
        html_f(out, code ? "<code>%v</code>" : "%v", &part);
        code = !code;
        from = tick + 1;
    }
    html_f(out, "%s", from);
}

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0;padding:1rem;display:grid;"
    "min-height:calc(100vh - 2rem);place-items:center;"
    "background:light-dark(#f5f6f8,#0e1116);color:light-dark(#161a21,#e9ecf1)}"
    "main{max-width:26rem;padding:1.5rem;border:1px solid light-dark(#dfe3e9,#2a313b);"
    "border-radius:12px;background:light-dark(#fff,#151a21);overflow-wrap:anywhere}"
    "h1{font-size:1.25rem;margin:0 0 .75rem}"
    "a{color:light-dark(#2a55c9,#8db0ff)}"
    "small{color:light-dark(#5c6674,#939dab)}";

static void write_page(const struct webanswer *w, const struct form *f, const char *title,
                       struct buf *out)
{
    html_f(out,
           "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
           "content=\"width=device-width\"><title>%s</title><style>",
           title);
    buf_add_str(out, style);
    html_f(out, "</style><main><h1>%s</h1><p>", title);
    write_words(out, w->why.why[0] != '\0' ? w->why.why : w->why.what);
    if (w->why.next[0] != '\0') {
        buf_add_str(out, "</p><p>What you can do: ");
        write_words(out, w->why.next);
    }
    buf_add_str(out, "</p><p><a href=\"\">Try again</a>");
    if (f->checks && w->broker[0] != '\0')
        html_f(out, " · <a href=\"%s/denied?app=%s&device=%s\">Why, and what opens it</a>",
               w->broker, w->app, id_is_zero(w->device) ? "" : id_text(w->device).s);
    buf_add_str(out, "</p>");
    if (w->why.request[0] != '\0')
        html_f(out, "<small>Request %s. Give this to IT; it names everything they need.</small>",
               w->why.request);
    buf_add_str(out, "</main></html>\n");
}

static sp_error write_problem(const struct webanswer *w, const struct form *f, const char *title,
                              struct buf *out)
{
    struct json *o = json_object();

    json_set_cstr(o, "type", "about:blank");
    json_set_cstr(o, "title", title);
    json_set_int(o, "status", f->status);
    json_set_cstr(o, "code", w->why.code);
    json_set_cstr(o, "detail", w->why.why[0] != '\0' ? w->why.why : w->why.what);
    json_set_cstr(o, "next", w->why.next);
    json_set_cstr(o, "request_id", w->why.request);
    sp_error e = json_write(o, out);
    json_free(o);
    return e;
}

sp_error webanswer_write(const struct webanswer *w, struct hosthead_asks asks, struct buf *out)
{
    const struct form *f = form_of(w->why.exit);
    sp_error e = SP_OK;
    char title[256];
    struct buf body;

    (void)snprintf(title, sizeof title, "%s%s%s", f->before, w->app, f->after);
    buf_init(&body, WEBANSWER_MAX - 1024);
    if (asks.page)
        write_page(w, f, title, &body);
    else
        e = write_problem(w, f, title, &body);
    buf_addf(out,
             "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
             "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
             "Cross-Origin-Resource-Policy: same-origin\r\n"
             "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
             "frame-ancestors 'none'\r\n%s\r\n",
             f->status, f->reason,
             asks.page ? "text/html; charset=utf-8" : "application/problem+json", body.len,
             f->status == 401 ? "WWW-Authenticate: Sallyport\r\n" : "");
    if (!asks.head)
        buf_add(out, buf_view(&body));
    if (e == SP_OK && (e = buf_error(&body)) == SP_OK)
        e = buf_error(out);
    buf_deinit(&body);
    return e;
}
