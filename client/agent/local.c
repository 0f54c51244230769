/* The socket's verbs: what is asked, answered or told to whoever waits. */
#include "client/agent/agent_internal.h"
#include "client/desktop/notify.h"
#include "lib/base/log.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *verb;
    void (*run)(struct ask *a);
    bool needs_login; /* only worth asking the broker when somebody is signed in */
} verbs[] = {
    {"status", do_status, false},
    {"posture", do_posture, false},
    {"key", do_key, false},
    {"login.begin", do_login_begin, false},
    {"login.poll", do_login_poll, false},
    {"login.finish", do_login_finish, false},
    {"logout", do_logout, true},
    {"factor", do_factor, true},
    {"ticket", do_ticket, true},
    {"apps", do_apps, true},
    {"why", do_why, true},
    {"sessions", do_sessions, false},
    {"sessions.end", do_sessions_end, false},
    {"connect", do_connect, true},
    {"up", do_up, true},
    {"down", do_down, false},
    {"stdio", do_stdio, true},
    {"ended", do_ended, false},
    {"notify", do_notify, false},
    {"pause", do_pause, false},
};

/* ---- answers ----------------------------------------------------------------------------- */

void ask_ok(struct ask *a, struct json *members)
{
    if (members == NULL)
        members = json_object();
    json_set_bool(members, "ok", true);
    ipc_peer_end(a->peer, members);
}

void ask_fail(struct ask *a, const struct refusal *why)
{
    struct json *line = json_object();

    json_set(line, "error", refusal_json(why));
    ipc_peer_end(a->peer, line);
}

void ask_event(struct ask *a, const char *event, struct json *members)
{
    if (members == NULL)
        members = json_object();
    json_set_cstr(members, "event", event);
    ipc_peer_event(a->peer, members);
}

struct view ask_text(const struct ask *a, const char *name)
{
    return json_str(json_get(a->request, name));
}

/* ---- one request's life ------------------------------------------------------------------ */

static bool signed_out(const struct agent *a)
{
    return control_is_open(a->control) && control_login(a->control)->user[0] == '\0';
}

/* No app has so long a name, and cut short it might be another's. In the broker's words. */
static const struct refusal nameless = {.exit = EXIT_DENIED,
                                        .code = "not_visible",
                                        .what = "Denied.",
                                        .why = "There is no app of this name for you.",
                                        .next = "sallyport apps"};

static void asked(void *arg, struct ipc_peer *peer, const struct json *request)
{
    struct agent *agent = arg;
    struct view verb = json_str(json_get(request, "do"));
    struct ask *a = calloc(1, sizeof *a);

    agent->needed = clock_boot();
    if (a == NULL) {
        ipc_peer_end(peer, json_object()); /* neither ok nor error: the program says so */
        return;
    }
    *a = (struct ask){.agent = agent, .peer = peer, .next = agent->asks, .at = &agent->asks};
    if (agent->asks != NULL)
        agent->asks->at = &a->next;
    agent->asks = a;
    ipc_peer_set(peer, a);
    a->request = json_copy(request);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (view_is(verb, verbs[i].verb)) {
            if (verbs[i].needs_login && signed_out(agent))
                ask_fail(a, &(struct refusal){.exit = EXIT_LOGIN,
                                              .code = "login",
                                              .what = "Not signed in.",
                                              .next = "sallyport login"});
            else if (verbs[i].needs_login && ask_text(a, "app").len > PROTO_NAME_MAX)
                ask_fail(a, &nameless);
            else
                verbs[i].run(a);
            return;
        }
    ask_fail(a, &(struct refusal){.exit = EXIT_USAGE,
                                  .code = "unsupported",
                                  .what = "The agent does not know this request.",
                                  .why = "Agent and command line are of different versions.",
                                  .next = "restart the agent"});
}

/* Also called by stdio, whose peer was taken over. */
void ask_free(struct ask *a)
{
    apps_forget(a->agent->apps, a);
    reporter_forget(a->agent->reporter, a);
    if (a->tries_desktop)
        notify_forget(desk_notify(a->agent->desk), a);
    control_cancel(a->agent->control, a->question);
    opening_cancel(a->opening);
    stream_free(a->stream);
    deferred_cancel(a->agent->loop, &a->after);
    timer_cancel(a->timer);
    forward_release(a->forward);
    json_free(a->request);
    *a->at = a->next;
    if (a->next != NULL)
        a->next->at = a->at;
    free(a);
}

static void gone(void *arg, struct ipc_peer *peer)
{
    struct ask *a = ipc_peer_data(peer);

    (void)arg;
    if (a != NULL)
        ask_free(a);
}

const struct ipc_handlers local_handlers = {asked, gone};

/* ---- what others have to tell ------------------------------------------------------------ */

int64_t local_time(const struct agent *a, int64_t broker_ms)
{
    return broker_ms == 0 ? 0 : broker_ms - control_time(a->control) + clock_unix();
}

static const char *stage_text(enum session_stage stage)
{
    static const char *const texts[] = {"closed", "asking", "placing", "up", "paused"};

    return texts[stage];
}

struct json *session_json(const struct agent *a, const struct session_view *v)
{
    struct json *j = json_object();

    json_set_id(j, "session", v->id);
    json_set_cstr(j, "short", session_short(v->id).s);
    json_set_cstr(j, "app", v->app);
    json_set_cstr(j, "type", v->type);
    json_set_cstr(j, "relay", v->relay);
    json_set_cstr(j, "state", stage_text(v->stage));
    json_set_int(j, "opened", local_time(a, v->opened));
    json_set_int(j, "deadline", local_time(a, v->deadline));
    json_set_int(j, "idle_ms", v->idle_ms);
    json_set_int(j, "idle_since_ms", v->idle_since_ms);
    json_set_int(j, "bytes_up", (int64_t)v->up);
    json_set_int(j, "bytes_down", (int64_t)v->down);
    json_set_int(j, "streams", v->streams);
    json_set_bool(j, "cut_through", v->cut_through);
    return j;
}

struct json *ask_session_json(const struct ask *a, const struct session_view *v)
{
    struct json *j = session_json(a->agent, v), *list = json_array();
    struct address at[SESSION_PORTS_MAX];
    size_t n = a->forward == NULL ? 0 : forward_addresses(a->forward, at, SESSION_PORTS_MAX);

    for (size_t i = 0; i < n; i++)
        json_push(list, json_new_str(view_str(address_text(&at[i]).s)));
    json_set(j, "addresses", list);
    if (n > 0) {
        json_set_cstr(j, "address", address_host_text(&at[0]).s);
        json_set_int(j, "port", address_port(&at[0]));
    }
    return j;
}

void local_session(struct agent *a, const char *event, const struct session_view *v,
                   const struct refusal *why)
{
    for (struct ask *k = a->asks, *next; k != NULL; k = next) {
        struct json *j;

        next = k->next;
        if (!k->watches || strcmp(k->app, v->app) != 0)
            continue;
        j = ask_session_json(k, v);
        if (why != NULL)
            json_set(j, "reason", refusal_json(why));
        ask_event(k, event, j);
    }
}

void local_refused(struct agent *a, const char *app, const struct refusal *why)
{
    log_event(LOG_WARN, "app.refused", why->why, "app", app, "reason", why->code, NULL);
    for (struct ask *k = a->asks, *next; k != NULL; k = next) {
        struct json *j;

        next = k->next;
        if (!k->watches || strcmp(k->app, app) != 0)
            continue;
        j = json_object();
        json_set(j, "reason", refusal_json(why));
        ask_event(k, "refused", j);
    }
}

void local_login_state(struct agent *a, const struct login_state *s)
{
    for (struct ask *k = a->asks, *next; k != NULL; k = next) {
        struct json *j;

        next = k->next;
        if (!k->logs_in)
            continue;
        j = json_object();
        json_set_str(j, "state", s->state);
        json_set_str(j, "text", s->text);
        ask_event(k, "login", j);
    }
}
