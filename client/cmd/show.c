/* The verbs that show something: apps, posture, sessions, why, key, wait. */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "client/posture/collect.h"
#include "lib/base/num.h"
#include "lib/term/out.h"
#include "lib/term/trace.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- apps -------------------------------------------------------------------------------- */

static struct json *ask_apps(const struct command_call *call, const char *name, int *code)
{
    struct json *q = talk_request("apps"), *a = NULL;

    if (name != NULL)
        json_set_cstr(q, "app", name);
    *code = talk_ask(call, q, &a);
    return a;
}

static enum out_tone tone_of(const char *word)
{
    return strcmp(word, "yes") == 0 || strcmp(word, "pass") == 0  ? OUT_GOOD
           : strcmp(word, "no") == 0 || strcmp(word, "fail") == 0 ? OUT_BAD
                                                                  : OUT_WARN;
}

int cmd_apps(const struct command_call *call)
{
    static const char *const heads[] = {"NAME", "ADDRESS", "TYPE", "ACCESS", "WHY"};
    struct out out = out_on(stdout);
    struct out_table *t;
    int code;
    struct json *a = ask_apps(call, call->count > 0 ? call->args[0] : NULL, &code);

    if (code != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("apps", a);
    t = out_table_new(heads, 5);
    for (size_t i = 0; t != NULL && i < json_len(json_get(a, "apps")); i++) {
        const struct json *app = json_at(json_get(a, "apps"), i);
        const char *address = json_cstr(json_at(json_get(app, "addresses"), 0));
        const char *access = talk_text(app, "access");
        bool web = address != NULL && strcmp(talk_text(app, "type"), "http") == 0;
        char where[96];

        snprintf(where, sizeof where, "%s%.80s", web ? "http://" : "",
                 address == NULL ? "–" : address);
        struct out_cell cells[5] = {{talk_text(app, "name"), OUT_PLAIN},
                                    {where, OUT_PLAIN},
                                    {talk_text(app, "type"), OUT_PLAIN},
                                    {access, tone_of(access)},
                                    {talk_text(app, "why"), OUT_PLAIN}};

        out_table_row(t, cells);
    }
    code = t != NULL && out_table_print(t, &out) == SP_OK ? EXIT_OK : EXIT_ERROR;
    out_table_free(t);
    json_free(a);
    return code;
}

enum { WAIT_LOOK_MS = 500 };

/* The same without a word about what is not there yet. */
static struct json *try_apps(const char *name, int *code)
{
    struct json *q = talk_request("apps"), *a = NULL;

    json_set_cstr(q, "app", name);
    *code = talk_try(q, &a);
    return a;
}

/* What stood in the way to the last, in the same words as elsewhere. */
static int still_closed(const struct command_call *call, const char *name, int code,
                        const struct json *app)
{
    char what[160];

    snprintf(what, sizeof what, "%.100s did not open in time.", name);
    return command_fail(call, &(struct command_failure){
                                  .exit = (enum exit_code)code,
                                  .code = code == EXIT_STEP_UP ? "step_up" : "denied",
                                  .what = what,
                                  .why = talk_text(app, "why"),
                                  .next = code == EXIT_STEP_UP ? "sallyport connect, which asks "
                                                                 "for the code"
                                                               : NULL,
                                  .more = app == NULL ? NULL : name});
}

/* Until the app may be opened; the last obstacle is the exit code. */
int cmd_wait(const struct command_call *call)
{
    const char *name = command_value(call, "app"), *limit = command_value(call, "timeout");
    int64_t ms = 30 * 1000;
    sp_boot_ms until;

    if (name == NULL || (limit != NULL && num_duration(view_str(limit), &ms) != SP_OK))
        return command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                            .code = "usage",
                                                            .what = "wait needs --app NAME, and a "
                                                                    "timeout like 30s"});
    until = clock_boot() + ms;
    for (;;) {
        bool last = clock_boot() + WAIT_LOOK_MS >= until;
        int code;
        struct json *a = last ? ask_apps(call, name, &code) : try_apps(name, &code);
        const struct json *app = json_at(json_get(a, "apps"), 0);
        const char *access = talk_text(app, "access");
        bool asked = code == EXIT_OK;

        if (asked)
            code = strcmp(access, "yes") == 0       ? EXIT_OK
                   : strcmp(access, "step-up") == 0 ? EXIT_STEP_UP
                                                    : EXIT_DENIED;
        if (code != EXIT_OK && last && asked) /* else talk_ask has said it */
            code = still_closed(call, name, code, app);
        json_free(a);
        if (code == EXIT_OK || last)
            return code;
        poll(NULL, 0, WAIT_LOOK_MS);
    }
}

/* ---- posture ----------------------------------------------------------------------------- */

static int explain(const struct command_call *call)
{
    const struct posture_field *f;
    struct out out = out_on(stdout);
    struct json *j = json_object(), *list = json_array();

    for (size_t i = 0; (f = posture_field(i)) != NULL; i++) {
        struct json *one = json_object();

        json_set_cstr(one, "signal", f->name);
        json_set_cstr(one, "reads", f->reads);
        json_set_cstr(one, "why", f->why);
        json_push(list, one);
        if (!call->json)
            out_line(&out, "%s: reads %s; for %s.", f->name, f->reads, f->why);
    }
    json_set(j, "fields", list);
    json_set_cstr(j, "seen_by", "administrators of your organisation, and the policies they write");
    if (call->json)
        return command_json("posture_explain", j);
    out_line(&out, "Seen by administrators of your organisation, and the policies they write.");
    json_free(j);
    return EXIT_OK;
}

int cmd_posture(const struct command_call *call)
{
    static const char *const heads[] = {"SIGNAL", "VALUE", "SOURCE", "ASSURANCE", "AGE"};
    struct json *q, *a = NULL;
    struct out out = out_on(stdout);
    struct out_table *t;
    int code;

    if (command_given(call, "explain"))
        return explain(call);
    q = talk_request("posture");
    json_set_bool(q, "send", command_given(call, "send"));
    if ((code = talk_ask(call, q, &a)) != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("posture", a);
    t = out_table_new(heads, 5);
    for (size_t i = 0; t != NULL && i < json_len(json_get(a, "signals")); i++) {
        const struct json *s = json_at(json_get(a, "signals"), i);
        const char *state = talk_text(s, "state"), *detail = talk_text(s, "reason");
        char value[512];
        int64_t number;

        if (json_integer(json_get(s, "value"), &number))
            snprintf(value, sizeof value, "%lld", (long long)number);
        else if (strcmp(state, "value") == 0)
            snprintf(value, sizeof value, "%s", talk_text(s, "value"));
        else
            snprintf(value, sizeof value, "%s%s%s", state, detail[0] == '\0' ? "" : ": ", detail);
        struct out_cell cells[5] = {{talk_text(s, "signal"), OUT_PLAIN},
                                    {value, OUT_PLAIN},
                                    {talk_text(s, "source"), OUT_PLAIN},
                                    {talk_text(s, "assurance"), OUT_PLAIN},
                                    {NULL, OUT_PLAIN}};
        struct out_age age = out_age(clock_unix() - talk_int(s, "observed"));
        cells[4].text = age.s;
        out_table_row(t, cells);
    }
    code = t != NULL && out_table_print(t, &out) == SP_OK ? EXIT_OK : EXIT_ERROR;
    out_table_free(t);
    if (code == EXIT_OK && talk_int(json_get(a, "counts"), "fail") > 0)
        code = EXIT_POSTURE;
    json_free(a);
    return code;
}

/* ---- sessions, why, key ------------------------------------------------------------------ */

static int end_session(const struct command_call *call)
{
    struct json *q = talk_request("sessions.end"), *a = NULL;
    int code;

    json_set_bool(q, "all", command_given(call, "all"));
    if (call->count > 1)
        json_set_cstr(q, "id", call->args[1]);
    if ((code = talk_ask(call, q, &a)) != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("sessions_end", a);
    printf("%lld ended\n", (long long)talk_int(a, "ended"));
    json_free(a);
    return EXIT_OK;
}

int cmd_sessions(const struct command_call *call)
{
    static const char *const heads[] = {"ID", "APP", "SINCE", "DEADLINE", "IDLE", "BYTES", "RELAY"};
    struct out out = out_on(stdout);
    struct out_table *t;
    struct json *a = NULL;
    int code;

    if (call->count > 0 && strcmp(call->args[0], "end") == 0)
        return end_session(call);
    if ((code = talk_ask(call, talk_request("sessions"), &a)) != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("sessions", a);
    t = out_table_new(heads, 7);
    for (size_t i = 0; t != NULL && i < json_len(json_get(a, "sessions")); i++) {
        const struct json *s = json_at(json_get(a, "sessions"), i);
        struct talk_time since = talk_time(talk_int(s, "opened"));
        struct talk_time until = talk_time(talk_int(s, "deadline"));
        char bytes[32];

        snprintf(bytes, sizeof bytes, "%lld",
                 (long long)num_add_sat(talk_int(s, "bytes_up"), talk_int(s, "bytes_down")));
        int64_t idle = talk_int(s, "idle_since_ms");
        struct out_age since_last = idle < 0 ? (struct out_age){"–"} : out_age(idle);
        struct out_cell cells[7] = {{talk_text(s, "short"), 0},
                                    {talk_text(s, "app"), 0},
                                    {since.s, 0},
                                    {until.s, 0},
                                    {since_last.s, 0},
                                    {bytes, 0},
                                    {talk_text(s, "relay"), 0}};
        out_table_row(t, cells);
    }
    code = t != NULL && out_table_print(t, &out) == SP_OK ? EXIT_OK : EXIT_ERROR;
    out_table_free(t);
    json_free(a);
    return code;
}

int cmd_why(const struct command_call *call)
{
    struct json *q = talk_request("why"), *a = NULL;
    struct out out = out_on(stdout);
    int code;

    json_set_cstr(q, "app", call->args[0]);
    if ((code = talk_ask(call, q, &a)) != EXIT_OK)
        return code;
    code = strcmp(talk_text(a, "decision"), "allow") == 0     ? EXIT_OK
           : strcmp(talk_text(a, "decision"), "step_up") == 0 ? EXIT_STEP_UP
                                                              : EXIT_DENIED;
    if (call->json) {
        talk_json("why", a);
        return code;
    }
    const struct json *trace = json_get(a, "trace");
    const char *decided = talk_text(trace, "decided"), *request = talk_text(a, "request");
    out_line(&out, "%s: %s%s%s", call->args[0],
             decided[0] != '\0' ? decided : talk_text(a, "decision"),
             request[0] == '\0' ? "" : "   request ", request);
    for (size_t i = 0; i < json_len(json_get(a, "reasons")); i++)
        out_line(&out, "%s", talk_text(json_at(json_get(a, "reasons"), i), "text"));
    trace_lines(&out, "To fix: ", json_get(a, "remedies"));
    trace_lines(&out, "What would change it: ", json_get(trace, "changes_it"));
    trace_rules(&out, trace);
    json_free(a);
    return code;
}

int cmd_key(const struct command_call *call)
{
    struct out out = out_on(stdout);
    struct json *a = NULL;
    int code = talk_ask(call, talk_request("key"), &a);

    if (code != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("key", a);
    out_line(&out, "Device   %s", talk_text(a, "device"));
    out_line(&out, "Broker   %s   %s", talk_text(a, "broker_identity"), talk_text(a, "broker"));
    json_free(a);
    return EXIT_OK;
}
