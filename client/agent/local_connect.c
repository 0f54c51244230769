/* Verbs that open apps on local addresses: apps, connect, up, down. */
#include "client/agent/agent_internal.h"

#include <stdio.h>
#include <string.h>

static void fail(struct ask *a, enum exit_code exit, const char *code, const char *what,
                 const char *why, const char *next)
{
    struct refusal r = refusal_make(exit, code, what, why, next);

    ask_fail(a, &r);
}

/* ---- apps -------------------------------------------------------------------------------- */

static struct json *app_json(struct agent *agent, const struct app *app)
{
    const struct forward *w = forward_find(agent->forwards, app->name);
    struct json *j = json_object(), *addresses = json_array();
    struct address at;

    json_set_id(j, "id", app->id);
    json_set_cstr(j, "name", app->name);
    json_set_cstr(j, "type", app->type);
    json_set_cstr(j, "access", app->access);
    json_set_cstr(j, "why", app->why);
    for (size_t i = 0; i < app->port_count; i++)
        if (forward_address(agent->forwards, app, i, &at) == SP_OK)
            json_push(addresses, json_new_str(view_str(address_text(&at).s)));
    json_set(j, "addresses", addresses);
    json_set_bool(j, "open", w != NULL);
    json_set_bool(j, "up", w != NULL && forward_is_kept(w));
    return j;
}

static void on_apps(void *arg, const struct apps_list *list, const struct refusal *why)
{
    struct ask *a = arg;
    struct view name = ask_text(a, "app");
    struct json *j, *apps;

    if (why != NULL) {
        ask_fail(a, why);
        return;
    }
    j = json_object();
    apps = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (name.len == 0 || view_is(name, list->at[i].name))
            json_push(apps, app_json(a->agent, &list->at[i]));
    json_set(j, "apps", apps);
    ask_ok(a, j);
}

void do_apps(struct ask *a)
{
    apps_read(a->agent->apps, on_apps, a);
}

/* ---- connect and up ---------------------------------------------------------------------- */

static void answer_open(struct ask *a, const struct session_view *v)
{
    struct json *j = ask_session_json(a, v);

    if (a->stands) {
        a->watches = true; /* from its first answer on: what came before is part of that answer */
        ask_event(a, "connected", j);
        return;
    }
    forward_keep(a->forward); /* beside the request's own hold, which ends with it */
    ask_ok(a, j);
}

static void on_session(void *arg, struct stream *stream, const struct session_view *v,
                       const struct refusal *why)
{
    struct ask *a = arg;

    (void)stream;
    a->opening = NULL; /* no longer pending */
    if (why != NULL)
        ask_fail(a, why);
    else
        answer_open(a, v);
}

/* "ADDR:PORT" of --local. false: the request was ended. */
static bool local_wish(struct ask *a, struct address *out, bool *given)
{
    struct view text = ask_text(a, "local");

    *given = text.len > 0;
    if (text.len == 0 || address_parse(text, out) == SP_OK)
        return true;
    fail(a, EXIT_USAGE, "local", "--local needs ADDRESS:PORT.", "For example 127.0.0.1:5432.", "");
    return false;
}

static void open_app(struct ask *a, const struct app *app)
{
    struct sp_why why = {0};
    struct address local;
    bool given;
    sp_error e;

    if (!local_wish(a, &local, &given))
        return;
    e = forward_hold(a->agent->forwards, app, given ? &local : NULL, &why, &a->forward);
    if (e != SP_OK) {
        fail(a, e == SP_ERR_INVALID ? EXIT_USAGE : EXIT_ERROR, "listen",
             "The local address can't be opened.",
             why.text[0] != '\0' ? why.text : sp_error_text(e), "sallyport status");
        return;
    }
    if (opening_start(a->agent->sessions, app->name, OPENING_SESSION_ONLY, on_session, a,
                      &a->opening) != SP_OK)
        fail(a, EXIT_ERROR, "busy", "No session.", "Too many sessions at once.",
             "sallyport sessions");
}

/* The name is not on the list: the broker's own answer says so, in its words and audited. */
static void on_listed(void *arg, const struct apps_list *list, const struct refusal *why)
{
    struct ask *a = arg;
    const struct app *app;

    if (why != NULL) {
        ask_fail(a, why);
        return;
    }
    app = apps_find(list, ask_text(a, "app"));
    snprintf(a->app, sizeof a->app, "%.*s", VIEW_ARG(ask_text(a, "app")));
    if (app != NULL) {
        snprintf(a->app, sizeof a->app, "%s", app->name);
        open_app(a, app);
    } else if (opening_start(a->agent->sessions, a->app, OPENING_SESSION_ONLY, on_session, a,
                             &a->opening) != SP_OK) {
        fail(a, EXIT_ERROR, "busy", "No session.", "Too many sessions at once.",
             "sallyport sessions");
    }
}

void do_connect(struct ask *a)
{
    a->stands = true;
    apps_read(a->agent->apps, on_listed, a);
}

void do_up(struct ask *a)
{
    struct view name = ask_text(a, "app");
    struct apps_list list = apps_last(a->agent->apps);
    const struct app *app = apps_find(&list, name);
    struct sp_why why = {0};
    struct session_view v;

    /* Open already: nobody is asked again. */
    if (app != NULL && forward_find(a->agent->forwards, app->name) != NULL &&
        sessions_find(a->agent->sessions, app->name, &v) &&
        forward_hold(a->agent->forwards, app, NULL, &why, &a->forward) == SP_OK)
        answer_open(a, &v);
    else
        apps_read(a->agent->apps, on_listed, a);
}

void do_down(struct ask *a)
{
    struct forward *w;
    char name[PROTO_NAME_MAX + 1];

    snprintf(name, sizeof name, "%.*s", VIEW_ARG(ask_text(a, "app")));
    if (ask_text(a, "app").len >= sizeof name ||
        (w = forward_find(a->agent->forwards, name)) == NULL) {
        fail(a, EXIT_ERROR, "not_found", "This app is not open.", name, "sallyport status");
        return;
    }
    if (!forward_unkeep(w))
        fail(a, EXIT_ERROR, "held", "This app was not opened by up.",
             "A sallyport connect that runs holds it.", "Ctrl-C there");
    else
        ask_ok(a, NULL);
}
