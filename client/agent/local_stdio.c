/* The verb behind `connect --stdio`: a stream on the program's own socket, for ProxyCommand. */
#include "client/agent/agent_internal.h"
#include "lib/tunnel/pump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(struct ask *a, enum exit_code exit, const char *code, const char *what,
                 const char *why, const char *next)
{
    struct refusal r = refusal_make(exit, code, what, why, next);

    ask_fail(a, &r);
}

/* A stream on the program's own socket: for ProxyCommand. */
struct piped {
    struct pump *pump;   /* owned */
    struct agent *agent; /* borrowed */
    int64_t number;
};

/* The program sees its socket end, and asks by the number whether all was well. */
static void on_piped(void *arg, const struct pump_report *r)
{
    struct piped *p = arg;

    ends_pipe(&p->agent->ends, p->number, r->why != SP_OK && !r->local);
    pump_free(p->pump);
    free(p);
}

static sp_error nothing_to_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    (void)arg, (void)to, (void)room, (void)got;
    return SP_ERR_AGAIN;
}

static sp_error keep_all(void *arg, struct view bytes, size_t *took)
{
    (void)arg, (void)bytes;
    *took = 0;
    return SP_OK;
}

static size_t no_room(void *arg)
{
    (void)arg;
    return 0;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void take_over(void *arg)
{
    struct ask *a = arg;
    struct piped *p = calloc(1, sizeof *p);
    struct loop *loop = a->agent->loop;
    struct stream *stream = a->stream;
    struct json *ok = json_object();
    struct buf early;
    int fd;

    buf_init(&early, IPC_LINE_MAX);
    json_set_bool(ok, "ok", true);
    json_set_id(ok, "session", a->session);
    if (p != NULL) {
        *p = (struct piped){.agent = a->agent, .number = ends_new_pipe(&a->agent->ends)};
        json_set_int(ok, "pipe", p->number);
    }
    /* A program that talks before "ok" breaks the protocol: nothing may be early. */
    if (p == NULL || ipc_peer_take(a->peer, ok, &early, &fd) != SP_OK) {
        free(p);
        buf_deinit(&early);
        return; /* the peer ends by itself */
    }
    a->stream = NULL;
    ask_free(a);
    if (early.len > 0) {
        stream_free(stream);
        close(fd);
        free(p);
    } else if (pump_start(loop, stream, fd, on_piped, p, &p->pump) != SP_OK) {
        free(p);
    }
    buf_deinit(&early);
}

static void on_answered(void *arg, int status)
{
    struct ask *a = arg;

    a->answered = true;
    if (status == 200) {
        deferred_queue(a->agent->loop, &a->after); /* not from inside the stream's own callback */
        return;
    }
    struct refusal r = refusal_stream(status);
    ask_fail(a, &r);
}

static void on_ended(void *arg, sp_error why)
{
    struct ask *a = arg;

    if (!a->answered)
        fail(a, EXIT_UNREACHABLE, "reset", "The app can't be reached.", sp_error_text(why),
             "sallyport doctor");
}

/* Until the connector has answered, nothing moves: a refusal must become an exit code. */
static const struct stream_io waiting_io = {.read = nothing_to_read,
                                            .write = keep_all,
                                            .room = no_room,
                                            .finished = nothing,
                                            .answered = on_answered,
                                            .ended = on_ended};

static void on_stream(void *arg, struct stream *stream, const struct session_view *v,
                      const struct refusal *why)
{
    struct ask *a = arg;

    a->opening = NULL; /* no longer pending */
    if (stream == NULL) {
        ask_fail(a, why);
        return;
    }
    a->session = v->id;
    a->stream = stream;
    stream_attach(stream, &waiting_io, a);
}

static void open_stream(struct ask *a)
{
    if (opening_start(a->agent->sessions, a->app, a->port, on_stream, a, &a->opening) != SP_OK)
        fail(a, EXIT_ERROR, "busy", "No session.", "Too many sessions at once.",
             "sallyport sessions");
}

/* ssh says the port it would dial (%p): it chooses among the app's ports. An app with one port
 * has that one, whatever ssh believes. */
static bool choose_port(struct ask *a, const struct app *app, int64_t port)
{
    for (size_t i = 0; i < app->port_count; i++)
        if (app->ports[i] == port) {
            a->port = (unsigned)i;
            return true;
        }
    a->port = 0;
    return port == 0 || app->port_count <= 1;
}

static void on_listed(void *arg, const struct apps_list *list, const struct refusal *why)
{
    struct ask *a = arg;
    struct view name = view_str(a->app);
    const struct app *app;
    int64_t port;

    if (why != NULL) {
        ask_fail(a, why);
        return;
    }
    if (json_get_int(a->request, "port", 0, 65535, &port) != SP_OK)
        port = 0;
    app = apps_find(list, name);
    if (app != NULL && !choose_port(a, app, port)) {
        fail(a, EXIT_USAGE, "port", "The app has no such port.", "Name one of its own.",
             "sallyport apps");
        return;
    }
    open_stream(a); /* not on the list: the broker's own answer says so */
}

/* "wiki.sallyport.internal" is the app wiki: ssh knows hosts, not apps. */
static void app_of_host(struct view host, char out[PROTO_NAME_MAX + 1])
{
    static const char suffix[] = ".sallyport.internal";
    size_t len = strlen(suffix);

    if (host.len > len && memcmp(host.at + host.len - len, suffix, len) == 0)
        host.len -= len;
    snprintf(out, PROTO_NAME_MAX + 1, "%.*s", VIEW_ARG(host));
}

void do_stdio(struct ask *a)
{
    struct apps_list last = apps_last(a->agent->apps);
    struct session_view v;

    app_of_host(ask_text(a, "app"), a->app);
    deferred_init(&a->after, take_over, a);
    /* Whoever pipes can ask its person; waiting for the proof would only look like a dead network.
     */
    if (sessions_find(a->agent->sessions, a->app, &v) && v.stage == SESSION_STAGE_PAUSED &&
        !v.proving) {
        struct refusal why = refusal_pause(v.step_up);
        ask_fail(a, &why);
        return;
    }
    /* A live session needs no question about apps: scp opens many connections. */
    if (sessions_find(a->agent->sessions, a->app, &v) && v.stage == SESSION_STAGE_UP)
        on_listed(a, &last, NULL);
    else
        apps_read(a->agent->apps, on_listed, a);
}

/* ---- why it ended ------------------------------------------------------------------------ */

/* The stream is reset a moment before the order that explains it arrives. */
enum { EXPLAIN_MS = 600 };

static void on_unexplained(void *arg)
{
    struct ask *a = arg;

    a->timer = NULL; /* no longer pending */
    fail(a, EXIT_UNREACHABLE, "reset", "The connection was broken.",
         "The app reset it, or the way to it was lost.", "sallyport status");
}

void local_ended(struct agent *agent, struct sp_id session)
{
    const struct refusal *why = ends_why(&agent->ends, session);

    for (struct ask *a = agent->asks, *next; a != NULL; a = next) {
        next = a->next;
        if (!a->waits_end || !id_equal(a->session, session) || why == NULL)
            continue;
        a->waits_end = false;
        timer_cancel(a->timer);
        a->timer = NULL;
        ask_fail(a, why);
    }
}

void do_ended(struct ask *a)
{
    struct ends *ends = &a->agent->ends;
    int64_t pipe = 0;
    enum pipe_end end = PIPE_UNKNOWN;

    if (json_get_int(a->request, "pipe", 0, INT64_MAX, &pipe) == SP_OK &&
        json_get_id(a->request, "session", &a->session) == SP_OK)
        end = ends_of_pipe(ends, pipe);
    if (end == PIPE_UNKNOWN)
        fail(a, EXIT_UNREACHABLE, "agent", "The connection was broken.",
             "The agent was started anew meanwhile.", "sallyport status");
    else if (end == PIPE_CLEAN)
        ask_ok(a, NULL);
    else if (ends_why(ends, a->session) != NULL)
        ask_fail(a, ends_why(ends, a->session));
    else if (timer_start(a->agent->loop, clock_boot() + EXPLAIN_MS, on_unexplained, a, &a->timer) ==
             SP_OK)
        a->waits_end = true;
    else
        on_unexplained(a);
}
