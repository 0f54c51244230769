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
    struct pump *pump; /* owned */
};

static void on_piped(void *arg, const struct pump_report *r)
{
    struct piped *p = arg;

    (void)r; /* the program sees its socket end */
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

static const struct {
    int status;
    const char *code, *why;
} refusals[] = {
    {403, "floor", "The connector's local floor does not allow the app's address."},
    {404, "port", "The app's record has no such port."},
    {502, "refused", "The app refused the connection."},
    {504, "timeout", "The app did not answer in 5 s."},
};

static void on_answered(void *arg, int status)
{
    struct ask *a = arg;

    a->answered = true;
    if (status == 200) {
        deferred_queue(a->agent->loop, &a->after); /* not from inside the stream's own callback */
        return;
    }
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].status == status) {
            fail(a, EXIT_UNREACHABLE, refusals[i].code, "The app can't be reached.",
                 refusals[i].why, "sallyport doctor");
            return;
        }
    fail(a, EXIT_UNREACHABLE, "refused", "The app can't be reached.",
         "The connector refused the connection.", "sallyport doctor");
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

    (void)v;
    a->opening = NULL; /* no longer pending */
    if (stream == NULL) {
        ask_fail(a, why);
        return;
    }
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
    /* A live session needs no question about apps: scp opens many connections. */
    if (sessions_find(a->agent->sessions, a->app, &v) && v.stage == SESSION_STAGE_UP)
        on_listed(a, &last, NULL);
    else
        apps_read(a->agent->apps, on_listed, a);
}
