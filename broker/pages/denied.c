#include "broker/pages/pages_internal.h"
#include "broker/session/ask.h"
#include "broker/session/open.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

enum { DENIED_DEVICES = 16 };

/* The device that the question is about: the one named, if it is the person's, else the last one
 * seen. */
static sp_error choose(struct visit *v, struct sp_id user, struct view wanted, struct sp_id *out)
{
    struct device_row rows[DENIED_DEVICES];
    struct sp_id id = {0};
    size_t count = 0;
    sp_error e = logins_devices(v->p->o.logins, user, rows, DENIED_DEVICES, &count);

    if (e != SP_OK)
        return e;
    if (count == 0)
        return SP_ERR_UNAUTHENTICATED;
    *out = rows[0].id;
    if (id_parse(wanted, &id) == SP_OK)
        for (size_t i = 0; i < count; i++)
            if (id_equal(rows[i].id, id))
                *out = id;
    return SP_OK;
}

/* Of the sentence "Disk encryption: unknown, virtual disk": the state that its sign shows. */
static void draw_state(struct visit *v, const struct why_answer *why, const char *sentence)
{
    bool unknown = strstr(sentence, "unknown") != NULL;

    if (why->verdict == VERDICT_STEP_UP)
        buf_add_str(&v->page, "<span class=\"st info\">");
    else
        buf_add_str(&v->page, unknown ? "<span class=\"st warn\">" : "<span class=\"st bad\">");
    page_icon(&v->page, why->verdict == VERDICT_STEP_UP ? "key" : unknown ? "unknown" : "cross");
    buf_add_str(&v->page, why->verdict == VERDICT_STEP_UP ? "asked</span>"
                          : unknown                       ? "unknown</span>"
                                                          : "not met</span>");
}

/* Commands stand between backticks in the sentences, which a terminal shows as they are. */
static void draw_words(struct visit *v, const char *text)
{
    const char *from = text, *tick;
    bool code = false;

    while ((tick = strchr(from, '`')) != NULL) {
        struct view part = {(const uint8_t *)from, (size_t)(tick - from)};
        html_f(&v->page, code ? "<code>%v</code>" : "%v", &part);
        code = !code;
        from = tick + 1;
    }
    html_f(&v->page, "%s", from);
}

static void draw_reasons(struct visit *v, const struct why_answer *why)
{
    buf_add_str(&v->page, "<ul class=\"conds\">");
    for (size_t i = 0; i < why->sentences.count; i++) {
        buf_add_str(&v->page, "<li>");
        draw_state(v, why, why->sentences.at[i].reason);
        buf_add_str(&v->page, "<div>");
        draw_words(v, why->sentences.at[i].reason);
        buf_add_str(&v->page, "</div></li>");
    }
    buf_add_str(&v->page, "</ul><div class=\"stack\"><h2>What you can do</h2><ol class=\"fix\">");
    for (size_t i = 0; i < why->sentences.count; i++) {
        if (why->sentences.at[i].remedy[0] == '\0')
            continue;
        buf_add_str(&v->page, "<li><span>");
        draw_words(v, why->sentences.at[i].remedy);
        buf_add_str(&v->page, "</span></li>");
    }
    buf_add_str(&v->page, "</ol></div>");
}

/* Where no allow rule was true: a request adds one for a time. */
static void draw_ask(struct visit *v, const char *app)
{
    static const int hours[] = {1, 4, 8, 24};

    html_f(&v->page,
           "<hr><form class=\"stack\" method=\"post\" action=\"/denied\"><h2>Or ask for access</h2>"
           "<input type=\"hidden\" name=\"app\" value=\"%s\">"
           "<div class=\"field\"><label for=\"w\">Why you need it, for whoever answers</label>"
           "<input class=\"in\" id=\"w\" name=\"why\" maxlength=\"256\" required></div>"
           "<div class=\"field\"><label for=\"f\">For how long</label>"
           "<select class=\"sel\" id=\"f\" name=\"hours\">",
           app);
    for (size_t i = 0; i < sizeof hours / sizeof *hours; i++)
        html_f(&v->page, "<option value=\"%d\">%d hour%s</option>", hours[i], hours[i],
               hours[i] == 1 ? "" : "s");
    buf_add_str(&v->page,
                "</select></div><button class=\"btn full\">Request access</button></form>");
}

static void draw(struct visit *v, struct view app, const struct why_answer *why)
{
    bool open = why->verdict == VERDICT_ALLOW;
    char name[64];

    snprintf(name, sizeof name, "%.*s", VIEW_ARG(view_slice(app, 0, sizeof name - 1)));
    pages_begin(v, open ? "Open" : "Closed for now", false);
    html_f(&v->page, "<div><h1>%s is %s</h1></div>", name,
           open                              ? "open"
           : why->verdict == VERDICT_STEP_UP ? "waiting for a code"
                                             : "closed for now");
    if (why->sentences.count > 0)
        draw_reasons(v, why);
    html_f(&v->page, "<a class=\"btn main full\" href=\"/denied?app=%s\">Check again</a>", name);
    if (why->verdict == VERDICT_DENY && why->reason == REASON_NO_ALLOW)
        draw_ask(v, name);
    html_f(&v->page,
           "<hr>"
           "<p class=\"dim\">Request <code>%s</code>, %s. Give this to IT; it names everything "
           "they need.</p>",
           v->req->ref, page_time(clock_unix()).s);
    page_end(v, open ? 200 : why->verdict == VERDICT_STEP_UP ? 401 : 403);
}

void denied_page(struct visit *v)
{
    struct net_address peer = page_peer(v->req); /* as on /home: the network that asks */
    struct why_answer *why;
    struct login_row row;
    struct form query;
    struct sp_id device;
    sp_error e;

    if (v->p->o.sessions == NULL) {
        page_stopped(v, 404, "Not here", "This broker shows no apps in the browser.");
        return;
    }
    e = signin_find(v->p->o.signin, v->req, v->res, &row);
    if (e == SP_ERR_UNAUTHENTICATED) {
        response_redirect(v->res, view_str("/login?return_to=%2Fhome"));
        return;
    }
    if (e != SP_OK || (e = visit_query(v, &query)) != SP_OK) {
        page_failed(v, e);
        return;
    }
    if ((why = calloc(1, sizeof *why)) == NULL)
        e = SP_ERR_NOMEM;
    else if ((e = choose(v, row.user, form_get(&query, "device"), &device)) == SP_OK &&
             (e = session_why(v->p->o.sessions, device, &peer, form_get(&query, "app"), why)) ==
                 SP_OK) {
        draw(v, form_get(&query, "app"), why);
        why_answer_free(why);
    }
    if (e == SP_ERR_UNAUTHENTICATED)
        page_stopped(v, 403, "No device of yours is signed in",
                     "Apps are opened by a device. Run sallyport login on yours first.");
    else if (e != SP_OK)
        page_failed(v, e);
    free(why);
    form_deinit(&query);
}

/* ---- asking for access -------------------------------------------------------------------- */

static void draw_asked(struct visit *v, const char *title, const char *ref, const char *text)
{
    pages_begin(v, title, false);
    html_f(
        &v->page,
        "<div><h1>%s</h1><p>%s</p></div><dl class=\"kv\"><dt>Request</dt><dd><code>%s</code></dd>"
        "</dl><a class=\"btn main full\" href=\"/home\">My apps</a>",
        title, text, ref);
    page_end(v, 200);
}

static sp_error ask(struct visit *v, const struct login_row *row, const struct form *form,
                    struct asked_for *out)
{
    struct audit_record by = visit_record(v, row->user);
    uint64_t hours = 0;
    struct ask_for q = {.user = row->user,
                        .peer = v->req->peer,
                        .app = form_get(form, "app"),
                        .reason = form_get(form, "why"),
                        .ref = v->req->ref,
                        .by = &by};
    sp_error e = num_uint(form_get(form, "hours"), 24, &hours);

    if (e != SP_OK || hours == 0 || q.reason.len == 0 || q.reason.len > ROW_TEXT_MAX)
        return SP_ERR_MALFORMED;
    q.for_ms = (int64_t)hours * 3600 * 1000;
    if ((e = choose(v, row->user, form_get(form, "device"), &q.device)) != SP_OK)
        return e;
    return session_ask(v->p->o.sessions, &q, out);
}

static void answer_asked(struct visit *v, const struct form *form, sp_error e,
                         const struct asked_for *asked)
{
    struct buf back;

    switch (e) {
    case SP_OK:
        draw_asked(
            v, "You asked for access", asked->row.ref,
            "Someone with the role to answer was told. Come back here, or run sallyport apps; "
            "an approval ends by itself.");
        return;
    case SP_ERR_EXISTS:
        draw_asked(v, "You asked already", asked->row.ref,
                   "That request still waits for an answer.");
        return;
    case SP_ERR_LIMIT:
        page_stopped(v, 403, "Too many requests wait", "Wait until one of yours is answered.");
        return;
    case SP_ERR_NOT_FOUND: /* the page says what the person may know (TM-05) */
    case SP_ERR_INVALID:
        buf_init(&back, 512);
        buf_add_str(&back, "/denied?app=");
        encode_percent(form_get(form, "app"), &back);
        response_redirect(v->res, buf_view(&back));
        buf_deinit(&back);
        return;
    default:
        page_failed(v, e);
    }
}

void denied_post(struct visit *v)
{
    struct asked_for *asked;
    struct login_row row;
    struct form form;
    sp_error e;

    if (v->p->o.sessions == NULL) {
        page_stopped(v, 404, "Not here", "This broker shows no apps in the browser.");
        return;
    }
    if ((e = visit_form(v, &form)) != SP_OK) {
        page_failed(v, e);
        return;
    }
    e = signin_find(v->p->o.signin, v->req, NULL, &row);
    if (e == SP_ERR_UNAUTHENTICATED) {
        response_redirect(v->res, view_str("/login?return_to=%2Fhome"));
    } else if (e != SP_OK || (asked = calloc(1, sizeof *asked)) == NULL) {
        page_failed(v, e == SP_OK ? SP_ERR_NOMEM : e);
    } else {
        e = ask(v, &row, &form, asked);
        answer_asked(v, &form, e, asked);
        free(asked);
    }
    form_deinit(&form);
}
