#include "client/cmd/talk.h"

#include "lib/term/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { QUIET_MS = 300 };

struct json *talk_request(const char *verb)
{
    struct json *j = json_object();

    json_set_cstr(j, "do", verb);
    return j;
}

const char *talk_text(const struct json *object, const char *name)
{
    const char *s = json_cstr(json_get(object, name));

    return s == NULL ? "" : s;
}

int64_t talk_int(const struct json *object, const char *name)
{
    int64_t n = 0;

    return json_integer(json_get(object, name), &n) ? n : 0;
}

struct talk_time talk_time(int64_t unix_ms)
{
    struct talk_time t = {"–"};
    time_t then = (time_t)(unix_ms / 1000), now = time(NULL);
    struct tm at, today;

    if (unix_ms > 0 && localtime_r(&then, &at) != NULL && localtime_r(&now, &today) != NULL)
        strftime(t.s, sizeof t.s,
                 at.tm_yday == today.tm_yday && at.tm_year == today.tm_year ? "%H:%M"
                                                                            : "%Y-%m-%d %H:%M",
                 &at);
    return t;
}

/* The agent in the background: a session of its own, its log beside its socket. */
static sp_error spawn_agent(const char *socket)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char self[4096], log[IPC_PATH_MAX + 8];
    char *argv[] = {self, (char[]){"agent"}, (char[]){"--idle-exit"}, NULL};
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    int error;
    pid_t pid;

    if (n <= 0)
        return SP_ERR_IO;
    self[n] = '\0';
    snprintf(log, sizeof log, "%s.log", socket);
    if (posix_spawn_file_actions_init(&files) != 0)
        return SP_ERR_NOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return SP_ERR_NOMEM;
    }
    error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    error = error ? error : posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    /* The folder may not be there before the agent made it: then its log is dropped. */
    if (!error && access(log, F_OK) != 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0)
            close(fd);
        else
            snprintf(log, sizeof log, "/dev/null");
    }
    error =
        error ? error : posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_APPEND, 0600);
    error = error ? error : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    error = error ? error : posix_spawn(&pid, self, &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error == 0 ? SP_OK : SP_ERR_IO;
}

static sp_error reach(const char *path, struct ipc_client **out)
{
    sp_boot_ms until = clock_boot() + TALK_START_MS;
    sp_error e = ipc_client_new(path, out);

    if (e != SP_ERR_UNREACHABLE || getenv("SALLYPORT_NO_SPAWN") != NULL)
        return e;
    if ((e = spawn_agent(path)) != SP_OK)
        return e;
    while ((e = ipc_client_new(path, out)) == SP_ERR_UNREACHABLE && clock_boot() < until)
        poll(NULL, 0, 20);
    return e;
}

int talk_open(const struct command_call *call, struct json *request, struct ipc_client **out)
{
    char path[IPC_PATH_MAX];
    struct ipc_client *c = NULL;
    sp_error e = ipc_path(path);

    if (e == SP_OK)
        e = reach(path, &c);
    if (e != SP_OK) {
        json_free(request);
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_UNREACHABLE,
                                            .code = "agent",
                                            .what = "The agent does not answer.",
                                            .why = sp_error_text(e),
                                            .next = "sallyport agent, and read what it says"});
    }
    if ((e = ipc_client_ask(c, request)) != SP_OK) {
        ipc_client_free(c);
        return command_fail(call, &(struct command_failure){.exit = EXIT_UNREACHABLE,
                                                            .code = "agent",
                                                            .what = "The agent hung up.",
                                                            .next = "sallyport status"});
    }
    *out = c;
    return EXIT_OK;
}

/* The app that this command is about, when a decision refused it: `why` tells it in full. */
static const char *denied_app(const struct command_call *call, int64_t exit)
{
    static const char *const verbs[] = {"connect", "up", "ssh"};

    if (strcmp(call->command->name, "db") == 0 && (exit == EXIT_DENIED || exit == EXIT_POSTURE))
        return call->args[1]; /* db CLIENT APP */
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(call->command->name, verbs[i]) == 0 && call->count > 0 &&
            (exit == EXIT_DENIED || exit == EXIT_POSTURE))
            return call->args[0];
    return NULL;
}

int talk_fail(const struct command_call *call, const struct json *error)
{
    int64_t exit = talk_int(error, "exit");
    const char *next = talk_text(error, "next");
    struct command_failure f = {.exit = exit > 0 && exit <= 130 ? (enum exit_code)exit : EXIT_ERROR,
                                .code = talk_text(error, "code"),
                                .what = talk_text(error, "what"),
                                .why = talk_text(error, "why"),
                                .next = next,
                                .more = denied_app(call, exit),
                                .request = talk_text(error, "request")};

    return command_fail(call, &f);
}

/* A person sees after 300 ms that something goes on, on the terminal only, and no trace of it
 * after. */
static sp_error read_with_progress(const struct command_call *call, struct ipc_client *c,
                                   int64_t wait_ms, struct json **out)
{
    sp_boot_ms began = clock_boot(), until = began + wait_ms;
    bool shown = false;
    sp_error e = ipc_client_read(c, wait_ms < QUIET_MS ? wait_ms : QUIET_MS, out);

    while (e == SP_ERR_TIMEOUT && clock_boot() < until) {
        int64_t s = (clock_boot() - began) / 1000;

        fprintf(stderr, "\r%s: waiting for an answer%s%.0lld%s", call->command->name,
                s > 0 ? ", " : "", (long long)s, s > 0 ? " s" : "");
        fflush(stderr);
        shown = true;
        e = ipc_client_read(c, 1000, out);
    }
    if (shown)
        fputs("\r\033[K", stderr);
    return e;
}

int talk_read(const struct command_call *call, struct ipc_client *c, int64_t wait_ms,
              struct json **out)
{
    struct json *line = NULL;
    const char *term = getenv("TERM");
    bool progress = wait_ms > QUIET_MS && !call->json && isatty(STDERR_FILENO) && term != NULL &&
                    strcmp(term, "dumb") != 0;
    sp_error e =
        progress ? read_with_progress(call, c, wait_ms, &line) : ipc_client_read(c, wait_ms, &line);

    if (e != SP_OK)
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_UNREACHABLE,
                                            .code = "agent",
                                            .what = e == SP_ERR_TIMEOUT
                                                        ? "The agent did not answer in time."
                                                        : "The agent hung up.",
                                            .next = "sallyport status"});
    if (json_get(line, "error") != NULL) {
        int code = talk_fail(call, json_get(line, "error"));
        json_free(line);
        return code;
    }
    *out = line;
    return EXIT_OK;
}

int talk_ask(const struct command_call *call, struct json *request, struct json **out)
{
    struct ipc_client *c;
    int code = talk_open(call, request, &c);

    if (code != EXIT_OK)
        return code;
    code = talk_read(call, c, TALK_WAIT_MS, out);
    ipc_client_free(c);
    return code;
}

int talk_try(struct json *request, struct json **out)
{
    char path[IPC_PATH_MAX];
    struct ipc_client *c = NULL;
    struct json *line = NULL;
    int64_t exit = EXIT_UNREACHABLE;

    if (ipc_path(path) != SP_OK || reach(path, &c) != SP_OK) {
        json_free(request);
        return EXIT_UNREACHABLE;
    }
    if (ipc_client_ask(c, request) == SP_OK && ipc_client_read(c, TALK_WAIT_MS, &line) == SP_OK)
        exit =
            json_get(line, "error") == NULL ? EXIT_OK : talk_int(json_get(line, "error"), "exit");
    ipc_client_free(c);
    if (exit == EXIT_OK)
        *out = line;
    else
        json_free(line);
    return (int)exit;
}

int talk_json(const char *schema, struct json *answer)
{
    json_remove(answer, "ok");
    json_remove(answer, "event");
    return command_json(schema, answer);
}

int talk_prove(const struct command_call *call)
{
    struct json *q, *a = NULL;
    struct buf code;
    sp_error e;
    int exit;

    if (!isatty(STDIN_FILENO))
        return EXIT_STEP_UP;
    buf_init(&code, 64);
    e = ask_hidden("Code from your authenticator: ", &code);
    q = talk_request("factor");
    json_set_str(q, "code", buf_view(&code));
    buf_wipe(&code);
    if (e != SP_OK) {
        json_free(q);
        return e == SP_ERR_CANCELLED ? EXIT_INTERRUPTED : EXIT_STEP_UP;
    }
    exit = talk_ask(call, q, &a);
    json_free(a);
    return exit;
}

bool talk_self(char out[4096])
{
    ssize_t n = readlink("/proc/self/exe", out, 4095);

    out[n < 0 ? 0 : n] = '\0';
    /* ssh hands ProxyCommand to a shell: only a path that means itself there is written. */
    return n > 0 && strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._+-") == strlen(out);
}
