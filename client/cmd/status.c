/* status: login, broker, device, posture, sessions and warnings, once or for as long as it is
 * watched.
 */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "lib/term/out.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool yes(const struct json *object, const char *name)
{
    return json_is_true(json_get(object, name));
}

/* live: the agent has its broker. ready: an app could be opened now, as far as this machine knows.
 */
static int check(const struct json *a, bool ready)
{
    const struct json *broker = json_get(a, "broker");
    const char *device = talk_text(json_get(a, "device"), "state");

    if (!yes(broker, "connected"))
        return talk_text(broker, "url")[0] == '\0' ? EXIT_LOGIN : EXIT_UNREACHABLE;
    if (!ready)
        return EXIT_OK;
    if (strcmp(device, "blocked") == 0 || strcmp(device, "lost") == 0)
        return EXIT_SESSION;
    if (talk_text(json_get(a, "login"), "user")[0] == '\0')
        return EXIT_LOGIN;
    if (strcmp(device, "approved") != 0)
        return EXIT_DENIED;
    return talk_int(json_get(a, "posture"), "fail") > 0 ? EXIT_POSTURE : EXIT_OK;
}

enum { STATUS_LINES_MAX = 48, STATUS_TEXT_MAX = 512 };

struct lines {
    struct out_pair pairs[STATUS_LINES_MAX];
    char texts[STATUS_LINES_MAX][STATUS_TEXT_MAX];
    size_t count;
};

static void say(struct lines *l, const char *key, const char *text, ...) SP_PRINTF(3, 4);

static void say(struct lines *l, const char *key, const char *text, ...)
{
    va_list args;

    if (l->count == STATUS_LINES_MAX)
        return;
    va_start(args, text);
    vsnprintf(l->texts[l->count], STATUS_TEXT_MAX, text, args);
    va_end(args);
    l->pairs[l->count] = (struct out_pair){key, {l->texts[l->count], OUT_PLAIN}};
    l->count++;
}

/* "until 16:12, idle 2 min of 30 min" */
static void say_sessions(struct lines *l, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *s = json_at(list, i);
        int64_t idle = talk_int(s, "idle_ms"), since = talk_int(s, "idle_since_ms");
        bool paused = strcmp(talk_text(s, "state"), "paused") == 0;

        say(l, i == 0 ? "Sessions" : "", "%.100s  %s%s%s%s%s%s%s%s", talk_text(s, "app"),
            talk_text(s, "address"), talk_text(s, "address")[0] == '\0' ? "" : "   ",
            paused ? "waits for a code, " : "", "until ", talk_time(talk_int(s, "deadline")).s,
            idle > 0 && since >= 0 ? ", idle " : "", idle > 0 && since >= 0 ? out_age(since).s : "",
            idle > 0 && since >= 0 ? " of " : "");
        if (idle > 0 && since >= 0) {
            char *text = l->texts[l->count - 1];
            size_t len = strlen(text);
            snprintf(text + len, STATUS_TEXT_MAX - len, "%s", out_age(idle).s);
        }
    }
}

static void say_login(struct lines *l, const struct json *login)
{
    const char *until = "";
    struct talk_time at = talk_time(talk_int(login, "until"));

    if (talk_text(login, "user")[0] == '\0') {
        say(l, "Signed in", "nobody");
        return;
    }
    until = at.s;
    if (talk_int(login, "mfa_at") > 0)
        say(l, "Signed in", "%.128s until %s · MFA %s (%.32s)", talk_text(login, "user"), until,
            out_ago(clock_unix() - talk_int(login, "mfa_at")).s, talk_text(login, "mfa_kind"));
    else
        say(l, "Signed in", "%.128s until %s", talk_text(login, "user"), until);
}

static void say_broker(struct lines *l, const struct json *broker)
{
    const char *url = talk_text(broker, "url");

    if (url[0] == '\0')
        say(l, "Broker", "none is known");
    else if (!yes(broker, "connected"))
        say(l, "Broker", "%.200s   not connected: %.250s", url, talk_text(broker, "lost"));
    else if (talk_int(broker, "rtt_ms") >= 0)
        say(l, "Broker", "%.200s   connected, %lld ms", url, (long long)talk_int(broker, "rtt_ms"));
    else
        say(l, "Broker", "%.200s   connected", url);
}

static void say_posture(struct lines *l, const struct json *posture)
{
    const char *fail = talk_text(posture, "first_fail");
    const char *first = fail[0] != '\0' ? fail : talk_text(posture, "first_unknown");
    const char *why = talk_text(posture, "first_why");

    say(l, "Posture", "%lld pass · %lld fail · %lld unknown%s%.64s%s%.190s%s",
        (long long)talk_int(posture, "pass"), (long long)talk_int(posture, "fail"),
        (long long)talk_int(posture, "unknown"), first[0] == '\0' ? "" : " (", first,
        why[0] == '\0' ? "" : ": ", why, first[0] == '\0' ? "" : ")");
}

static int print_status(const struct out *out, const struct json *a)
{
    const struct json *device = json_get(a, "device"), *warnings = json_get(a, "warnings");
    struct lines *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return EXIT_ERROR;
    say_login(l, json_get(a, "login"));
    say_broker(l, json_get(a, "broker"));
    say(l, "Device", "%.64s, %.32s, key in a file", talk_text(device, "name"),
        talk_text(device, "state")[0] == '\0' ? "unknown" : talk_text(device, "state"));
    say_posture(l, json_get(a, "posture"));
    say_sessions(l, json_get(a, "sessions"));
    e = out_pairs(out, l->pairs, l->count);
    if (yes(a, "paused"))
        out_line(out, "! Paused: no application is open. Next: sallyport pause --off");
    for (size_t i = 0; i < json_len(warnings); i++)
        out_line(out, "! %s", talk_text(json_at(warnings, i), "text"));
    free(l);
    return e == SP_OK ? EXIT_OK : EXIT_ERROR;
}

/* ---- --watch ----------------------------------------------------------------------------- */

enum { WATCH_MS = 1000 };

/* What print_status says, as it would stand on `out`; owned by the caller; NULL: out of memory. */
static char *draw(const struct out *out, const struct json *a)
{
    struct out memory = *out;
    char *text = NULL;
    size_t len = 0;
    int code;

    if ((memory.file = open_memstream(&text, &len)) == NULL)
        return NULL;
    code = print_status(&memory, a);
    if (fclose(memory.file) != 0 || code != EXIT_OK) {
        free(text);
        return NULL;
    }
    return text;
}

/* One picture in place of the one before on a terminal, one below the other elsewhere; with --json
 * an object a line. */
static int show(const struct command_call *call, const struct out *out, bool first,
                const char *text, struct json *a)
{
    if (call->json)
        return talk_json("status", a);
    fprintf(out->file, "%s%s", out->width > 0 ? "\033[H\033[2J" : first ? "" : "\n", text);
    json_free(a);
    return fflush(out->file) == 0 ? EXIT_OK : EXIT_ERROR;
}

/* Until Ctrl-C, or until nobody reads: each time that something is different. */
static int watch(const struct command_call *call)
{
    char *last = NULL;
    int code = EXIT_OK;

    while (code == EXIT_OK) {
        const struct out out = out_on(stdout); /* the window may have another width by now */
        struct json *a = NULL;
        char *text;

        if ((code = talk_ask(call, talk_request("status"), &a)) != EXIT_OK)
            break;
        if ((text = draw(&out, a)) == NULL)
            code = EXIT_ERROR;
        else if (last == NULL || strcmp(text, last) != 0)
            code = show(call, &out, last == NULL, text, json_ref(a));
        json_free(a);
        free(last);
        last = text;
        poll(NULL, 0, WATCH_MS);
    }
    free(last);
    return code;
}

int cmd_status(const struct command_call *call)
{
    const struct out out = out_on(stdout);
    const char *what = command_value(call, "check");
    struct json *a = NULL;
    int code;

    if (what != NULL && strcmp(what, "live") != 0 && strcmp(what, "ready") != 0)
        return command_fail(
            call, &(struct command_failure){
                      .exit = EXIT_USAGE, .code = "usage", .what = "--check takes live or ready."});
    if (what == NULL && command_given(call, "watch"))
        return watch(call);
    if ((code = talk_ask(call, talk_request("status"), &a)) != EXIT_OK)
        return code;
    if (what == NULL && call->json)
        return talk_json("status", a);
    code = what != NULL ? check(a, strcmp(what, "ready") == 0) : print_status(&out, a);
    json_free(a);
    return code;
}
