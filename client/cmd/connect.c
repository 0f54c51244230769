/* The verbs that open apps: connect, connect --stdio, up, down, ssh. */
#include "client/cmd/cmd.h"
#include "client/cmd/pipe.h"
#include "client/cmd/talk.h"
#include "lib/base/num.h"
#include "lib/term/out.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- standard input and output as the connection ------------------------------------------ */

static int stdio(const struct command_call *call)
{
    struct pipe p;
    uint64_t port = 0;
    int code;

    if (call->count > 1 && num_uint(view_str(call->args[1]), 65535, &port) != SP_OK)
        port = 0; /* a service's name: the app's own port */
    if ((code = pipe_open(call, call->args[0], (uint16_t)port, &p)) == EXIT_OK)
        code = pipe_join(call, &p, STDIN_FILENO, STDOUT_FILENO);
    pipe_close(&p);
    return code;
}

/* ---- connect ----------------------------------------------------------------------------- */

static void print_connected(const struct json *a)
{
    struct out out = out_on(stdout);
    int64_t idle = talk_int(a, "idle_ms");

    const char *relay = talk_text(a, "relay");
    out_line(&out, "Session %s · %s · %s · until %s · idle %s%s%s", talk_text(a, "short"),
             talk_text(a, "type"), json_cstr(json_at(json_get(a, "addresses"), 0)),
             talk_time(talk_int(a, "deadline")).s, idle > 0 ? out_age(idle).s : "–",
             relay[0] == '\0' ? "" : " · relay ", relay);
    fflush(stdout);
    fputs("Ctrl-C ends it.\n", stderr);
}

/* Events until the session is over for good or the person ends it. */
static int stand(const struct command_call *call, struct ipc_client *c)
{
    for (int64_t wait_ms = TALK_WAIT_MS;; wait_ms = -1) {
        struct json *line = NULL;
        int code = talk_read(call, c, wait_ms, &line);
        const char *event = talk_text(line, "event");
        const struct json *reason = json_get(line, "reason");

        if (code != EXIT_OK)
            return code;
        if (strcmp(event, "connected") == 0) {
            if (call->json)
                talk_json("connect", json_ref(line));
            else
                print_connected(line);
        } else if (strcmp(event, "refused") == 0) {
            talk_fail(call, reason);
        } else if (strcmp(event, "paused") == 0) {
            talk_fail(call, reason);
            talk_prove(call);
        } else if (strcmp(event, "ended") == 0) {
            const char *why = talk_text(reason, "code");
            code = talk_fail(call, reason);
            /* Idle time and deadline end a session, not the wish: the next connection asks. */
            if (strcmp(why, "killed") == 0 || strcmp(why, "revoked") == 0 ||
                strcmp(why, "policy") == 0 || strcmp(why, "ended") == 0) {
                json_free(line);
                return code;
            }
        }
        json_free(line);
    }
}

int cmd_connect(const struct command_call *call)
{
    for (int tries = 0;; tries++) {
        struct json *q;
        struct ipc_client *c;
        int code;

        if (command_given(call, "stdio")) {
            code = stdio(call);
        } else {
            q = talk_request("connect");
            json_set_cstr(q, "app", call->args[0]);
            if (command_value(call, "local") != NULL)
                json_set_cstr(q, "local", command_value(call, "local"));
            if ((code = talk_open(call, q, &c)) == EXIT_OK) {
                code = stand(call, c);
                ipc_client_free(c);
            }
        }
        if (code != EXIT_STEP_UP || tries == 2 || (code = talk_prove(call)) != EXIT_OK)
            return code;
    }
}

static int up(const struct command_call *call)
{
    struct json *q = talk_request("up"), *a = NULL;
    struct out out = out_on(stdout);
    int code;

    json_set_cstr(q, "app", call->args[0]);
    if ((code = talk_ask(call, q, &a)) != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("connect", a);
    out_line(&out, "%s  %s", talk_text(a, "app"), json_cstr(json_at(json_get(a, "addresses"), 0)));
    json_free(a);
    return EXIT_OK;
}

static int down(const struct command_call *call)
{
    struct json *q = talk_request("down"), *a = NULL;
    int code;

    json_set_cstr(q, "app", call->args[0]);
    code = talk_ask(call, q, &a);
    if (code == EXIT_OK && call->json)
        return talk_json("down", a);
    json_free(a);
    return code;
}

/* As if `app` were the command's only argument: what it says of a refusal names this one. */
static int with(const struct command_call *call, int (*act)(const struct command_call *call),
                const char *app)
{
    char name[256];
    char *args[] = {name, NULL};
    struct command_call one = *call;

    snprintf(name, sizeof name, "%s", app);
    one.args = args;
    one.count = 1;
    return act(&one);
}

/* Each that was named; without a name those of the list for which `wanted` holds. The first
 * failure is the command's, and does not stop the others. */
static int each(const struct command_call *call, int (*act)(const struct command_call *call),
                bool (*wanted)(const struct json *app))
{
    struct json *a = NULL;
    int first = EXIT_OK, code = EXIT_OK;

    for (size_t i = 0; i < call->count; i++)
        if ((code = with(call, act, call->args[i])) != EXIT_OK && first == EXIT_OK)
            first = code;
    if (call->count > 0 || (code = talk_ask(call, talk_request("apps"), &a)) != EXIT_OK)
        return call->count > 0 ? first : code;
    const struct json *all = json_get(a, "apps");
    for (size_t i = 0; i < json_len(all); i++)
        if (wanted(json_at(all, i)) &&
            (code = with(call, act, talk_text(json_at(all, i), "name"))) != EXIT_OK &&
            first == EXIT_OK)
            first = code;
    json_free(a);
    return first;
}

static bool may_open(const struct json *app)
{
    return strcmp(talk_text(app, "access"), "yes") == 0;
}

static bool is_up(const struct json *app)
{
    return json_is_true(json_get(app, "up"));
}

int cmd_up(const struct command_call *call)
{
    return each(call, up, may_open);
}

int cmd_down(const struct command_call *call)
{
    return each(call, down, is_up);
}

/* ---- ssh --------------------------------------------------------------------------------- */

int cmd_ssh(const struct command_call *call)
{
    const char *target = call->args[0], *at = strrchr(target, '@');
    const char *app = at == NULL ? target : at + 1;
    char self[4096], proxy[4300], alias[256];
    char *argv[COMMAND_ARGS_MAX + 8];
    size_t n = 0;

    /* The name becomes an option's value: what ssh would read as more than a word is no app. */
    if (app[0] == '-' || target[0] == '-' || app[0] == '\0' || !talk_self(self) ||
        strpbrk(app, " \t\r\n\"'\\%#=") != NULL)
        return command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                            .code = "usage",
                                                            .what = "ssh needs [USER@]APP"});
    snprintf(proxy, sizeof proxy, "ProxyCommand=%s connect --stdio %%h %%p", self);
    snprintf(alias, sizeof alias, "HostKeyAlias=%s.sallyport.internal", app);
    argv[n++] = (char[]){"ssh"};
    argv[n++] = (char[]){"-o"};
    argv[n++] = proxy;
    argv[n++] = (char[]){"-o"};
    argv[n++] = alias;
    argv[n++] = call->args[0];
    for (size_t i = 1; i < call->count && n < COMMAND_ARGS_MAX; i++)
        argv[n++] = call->args[i];
    argv[n] = NULL;
    execvp("ssh", argv);
    return command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                        .code = "ssh",
                                                        .what = "ssh can't be started.",
                                                        .why = strerror(errno)});
}
