#include "broker/pages/pages_internal.h"
#include "broker/session/open.h"

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
    html_f(&v->page,
           "<a class=\"btn main full\" href=\"/denied?app=%s\">Check again</a><hr>"
           "<p class=\"dim\">Request <code>%s</code>, %s. Give this to IT; it names everything "
           "they need.</p>",
           name, v->req->ref, page_time(clock_unix()).s);
    page_end(v, open ? 200 : why->verdict == VERDICT_STEP_UP ? 401 : 403);
}

void denied_page(struct visit *v)
{
    struct net_address peer = {0}; /* unknown: conditions on the network stay unknown */
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
