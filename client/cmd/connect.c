/* The verbs that open apps: connect, connect --stdio, up, down, ssh, config ssh. */
#include "client/cmd/cmd.h"
#include "client/cmd/pipe.h"
#include "client/cmd/talk.h"
#include "lib/base/num.h"
#include "lib/os/file.h"
#include "lib/term/ask.h"
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

/* The person's code, where there is a person. EXIT_OK: proved. */
static int prove(const struct command_call *call)
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
            prove(call);
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
        if (code != EXIT_STEP_UP || tries == 2 || (code = prove(call)) != EXIT_OK)
            return code;
    }
}

int cmd_up(const struct command_call *call)
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

int cmd_down(const struct command_call *call)
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

/* ---- ssh --------------------------------------------------------------------------------- */

static bool self_path(char out[4096])
{
    ssize_t n = readlink("/proc/self/exe", out, 4095);

    out[n < 0 ? 0 : n] = '\0';
    /* ssh hands ProxyCommand to a shell: only a path that means itself there is written. */
    return n > 0 && strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._+-") == strlen(out);
}

int cmd_ssh(const struct command_call *call)
{
    const char *target = call->args[0], *at = strrchr(target, '@');
    const char *app = at == NULL ? target : at + 1;
    char self[4096], proxy[4300], alias[256];
    char *argv[COMMAND_ARGS_MAX + 8];
    size_t n = 0;

    /* The name becomes an option's value: what ssh would read as more than a word is no app. */
    if (app[0] == '-' || target[0] == '-' || app[0] == '\0' || !self_path(self) ||
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

/* ~/.ssh/config without our line; gone when nothing else was in it. */
static sp_error drop_include(const char *file, struct buf *whole, const char *include,
                             struct sp_why *why)
{
    const uint8_t *at =
        whole->len == 0 ? NULL : memmem(whole->at, whole->len, include, strlen(include));
    size_t before = at == NULL ? 0 : (size_t)(at - whole->at), len = strlen(include);

    if (at == NULL)
        return SP_OK;
    memmove(whole->at + before, whole->at + before + len, whole->len - before - len);
    whole->len -= len;
    return whole->len == 0 ? file_remove(file, why) : file_write(file, buf_view(whole), 0600, why);
}

int cmd_config(const struct command_call *call)
{
    static const char include[] = "Include config.d/sallyport\n";
    const char *home = getenv("HOME");
    char self[4096], folder[1024], part[sizeof folder + 16], main_file[1024];
    struct sp_why why = {0};
    struct buf text, whole;
    sp_error e = SP_ERR_INVALID;

    buf_init(&text, 16 * 1024);
    buf_init(&whole, 1024 * 1024);
    if (home != NULL && strcmp(call->args[0], "ssh") == 0 && self_path(self)) {
        snprintf(folder, sizeof folder, "%s/.ssh/config.d", home);
        snprintf(part, sizeof part, "%s/sallyport", folder);
        snprintf(main_file, sizeof main_file, "%s/.ssh/config", home);
        buf_addf(&text, "Host *.sallyport.internal\n    ProxyCommand %s connect --stdio %%h %%p\n",
                 self);
        e = file_read(main_file, 1024 * 1024, &whole, NULL);
        if (e == SP_ERR_NOT_FOUND)
            e = SP_OK;
        bool has = whole.len > 0 && memmem(whole.at, whole.len, include, strlen(include)) != NULL;
        if (e == SP_OK && command_given(call, "undo")) {
            e = file_remove(part, &why);
            if (e == SP_OK || e == SP_ERR_NOT_FOUND)
                e = drop_include(main_file, &whole, include, &why);
            sp_ignore(rmdir(folder) == 0 ? SP_OK : SP_ERR_IO); /* others' parts may be there */
        } else if (e == SP_OK && (e = file_make_dir(folder, &why)) == SP_OK &&
                   (e = file_write(part, buf_view(&text), 0600, &why)) == SP_OK && !has) {
            buf_reset(&text);
            buf_add_str(&text, include); /* first: an Include after a Host line is scoped to it */
            if ((e = buf_append(&text, buf_view(&whole))) == SP_OK)
                e = file_write(main_file, buf_view(&text), 0600, &why);
        }
    }
    buf_deinit(&text);
    buf_deinit(&whole);
    if (e != SP_OK)
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "config",
                                            .what = "The ssh configuration was not written.",
                                            .why = why.text});
    if (call->json) {
        struct json *j = json_object();
        json_set_cstr(j, "file", part);
        return command_json("config", j);
    }
    printf("%s\nUndo: sallyport config ssh --undo\n", part);
    return EXIT_OK;
}
