/* db: opens an app on its local address and runs a database's own client there, as long as it runs.
 */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GONE_LOOK_MS = 200 };

/* How a client is told where its server is. The options stand before the person's own. */
static const struct tool {
    const char *name;
    const char *host, *port;
    const char *more; /* one option besides; NULL */
} tools[] = {
    {"psql", "-h", "-p", NULL},
    {"mysql", "-h", "-P", "--protocol=TCP"},
    {"mariadb", "-h", "-P", "--protocol=TCP"},
    {"mongosh", "--host", "--port", NULL},
    {"redis-cli", "-h", "-p", NULL},
};

static const struct tool *tool_of(const char *name)
{
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}

/* In the child: never returns. */
static void start(const struct command_call *call, const struct tool *tool, const char *address,
                  const char *port)
{
    char host[64], joined[128];
    char *argv[COMMAND_ARGS_MAX + 8];
    size_t n = 0;

    snprintf(host, sizeof host, "%s", address);
    snprintf(joined, sizeof joined, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, port);
    setenv("SALLYPORT_PROXIED_IP", host, 1);
    setenv("SALLYPORT_PROXIED_PORT", port, 1);
    setenv("SALLYPORT_PROXIED_ADDR", joined, 1);
    argv[n++] = (char *)tool->name;
    argv[n++] = (char *)tool->host;
    argv[n++] = host;
    argv[n++] = (char *)tool->port;
    argv[n++] = (char *)port;
    if (tool->more != NULL)
        argv[n++] = (char *)tool->more;
    for (size_t i = 2; i < call->count && n < COMMAND_ARGS_MAX; i++)
        argv[n++] = call->args[i];
    argv[n] = NULL;
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    execvp(tool->name, argv);
    _exit(command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                       .code = "client",
                                                       .what = "The client can't be started.",
                                                       .why = strerror(errno),
                                                       .next = "install it, or: sallyport up APP, "
                                                               "for any other client"}));
}

/* Why the session went, when it went while the client ran: the client only knows that it did. */
static void tell_end(const struct command_call *call, struct ipc_client *c)
{
    struct json *line = NULL;

    while (ipc_client_read(c, GONE_LOOK_MS, &line) == SP_OK) {
        if (strcmp(talk_text(line, "event"), "ended") == 0)
            talk_fail(call, json_get(line, "reason"));
        json_free(line);
        line = NULL;
    }
}

/* Ctrl-C is the client's: it ends a query, not the session. */
static int run(const struct command_call *call, const struct tool *tool, const struct json *opened,
               struct ipc_client *c)
{
    char port[16];
    int status = 0;
    pid_t child;

    snprintf(port, sizeof port, "%lld", (long long)talk_int(opened, "port"));
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    fflush(NULL);
    if ((child = fork()) == 0)
        start(call, tool, talk_text(opened, "address"), port);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child < 0)
        return command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                            .code = "client",
                                                            .what = "The client can't be started.",
                                                            .why = strerror(errno)});
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code != EXIT_OK)
        tell_end(call, c);
    return code;
}

static int open_and_run(const struct command_call *call, const struct tool *tool)
{
    struct json *q = talk_request("connect"), *opened = NULL;
    struct ipc_client *c = NULL;
    int code;

    json_set_cstr(q, "app", call->args[1]);
    if ((code = talk_open(call, q, &c)) != EXIT_OK)
        return code;
    if ((code = talk_read(call, c, TALK_WAIT_MS, &opened)) == EXIT_OK)
        code = strcmp(talk_text(opened, "event"), "connected") == 0
                   ? run(call, tool, opened, c)
                   : talk_fail(call, json_get(opened, "reason"));
    json_free(opened);
    ipc_client_free(c);
    return code;
}

int cmd_db(const struct command_call *call)
{
    const struct tool *tool = tool_of(call->args[0]);
    int code = EXIT_STEP_UP;

    if (tool == NULL)
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "db knows psql, mysql, mariadb, mongosh and "
                                                    "redis-cli.",
                                            .next = "sallyport up APP, for any other client"});
    for (int tries = 0; tries < 3; tries++) {
        code = open_and_run(call, tool);
        if (code != EXIT_STEP_UP || (code = talk_prove(call)) != EXIT_OK)
            return code;
    }
    return EXIT_STEP_UP;
}
