/* policy show, check, apply, rollback: the document, or one policy of it, as text. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <string.h>

enum { POLICY_BYTES_MAX = 256 * 1024 };

static const struct column findings[] = {{"SEVERITY", "severity", SHOW_STATE},
                                         {"LINE", "line", SHOW_TEXT},
                                         {"COLUMN", "column", SHOW_TEXT},
                                         {"POLICY", "policy", SHOW_TEXT},
                                         {"FIELD", "field", SHOW_TEXT},
                                         {"WHAT", "text", SHOW_TEXT},
                                         {NULL, NULL, SHOW_TEXT}};

/* "/api/v1/policies/NAME", or the whole document's path. */
static void path_of(const char *name, struct buf *path)
{
    buf_add_str(path, name == NULL ? "/api/v1/policy" : "/api/v1/policies/");
    if (name != NULL)
        encode_percent(view_str(name), path);
}

static int read_text(const struct command_call *call, const char *file, struct buf *text)
{
    struct sp_why why = {0};
    sp_error e = strcmp(file, "-") == 0 ? file_read_stdin(POLICY_BYTES_MAX, text, &why)
                                        : file_read(file, POLICY_BYTES_MAX, text, &why);

    return e == SP_OK
               ? EXIT_OK
               : command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                              .code = "file",
                                                              .what = "The policy can't be read.",
                                                              .why = why.text});
}

int verb_policy_show(const struct command_call *call)
{
    const char *name = call->count > 0 ? call->args[0] : NULL;
    const char *version = command_value(call, "version");
    struct json *answer = NULL;
    struct broker b;
    struct buf path;
    int code;

    if (name != NULL && version != NULL)
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "--version is of the whole document"});
    if ((code = broker_open(call, &b)) != EXIT_OK)
        return code;
    buf_init(&path, 1024);
    path_of(name, &path);
    if (version != NULL) {
        buf_add_str(&path, "/versions/");
        encode_percent(view_str(version), &path);
    }
    code = broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                       &answer, NULL);
    buf_deinit(&path);
    broker_close(&b);
    if (code != EXIT_OK)
        return code;
    if (call->json)
        return act_json(call, answer);
    /* As it was written, so that it can be edited and applied again. */
    struct view text = json_str(json_get(answer, "text"));
    if (fwrite(text.at, 1, text.len, stdout) != text.len)
        code = EXIT_ERROR;
    if (text.len > 0 && text.at[text.len - 1] != '\n')
        putchar('\n');
    json_free(answer);
    return code;
}

/* ---- check ------------------------------------------------------------------------------- */

int print_policy_check(const struct json *check)
{
    int64_t passed = 0, failed = 0;
    const struct json *list = json_get(check, "findings");
    int code = json_len(list) == 0 ? EXIT_OK : show_table(findings, list);

    /* Missing counts stay zeros: the broker's word is `ok`. */
    json_integer(json_get(json_get(check, "tests"), "passed"), &passed);
    json_integer(json_get(json_get(check, "tests"), "failed"), &failed);
    printf("%s: %zu finding%s, %lld of %lld tests pass\n",
           json_is_true(json_get(check, "ok")) ? "ok" : "refused", json_len(list),
           json_len(list) == 1 ? "" : "s", (long long)passed, (long long)(passed + failed));
    return code;
}

static int check(struct broker *b, const char *name, struct view text, struct json **out)
{
    struct json *body = json_object();

    json_set_str(body, "text", text);
    if (name != NULL)
        json_set_cstr(body, "policy", name);
    return broker_call(b,
                       &(struct broker_request){
                           .method = METHOD_POST, .path = "/api/v1/policy/check", .body = body},
                       out, NULL);
}

/* Prints and frees what the check found; EXIT_USAGE when it could not be put in force. */
static int finish_check(const struct command_call *call, struct json *answer)
{
    bool ok = json_is_true(json_get(answer, "ok"));
    int code = call->json ? act_json(call, json_ref(answer)) : print_policy_check(answer);

    json_free(answer);
    return ok ? code : EXIT_USAGE;
}

int verb_policy_check(const struct command_call *call)
{
    struct json *answer = NULL;
    struct broker b;
    struct buf text;
    int code;

    buf_init(&text, POLICY_BYTES_MAX);
    code = read_text(call, call->args[0], &text);
    if (code == EXIT_OK && (code = broker_open(call, &b)) == EXIT_OK) {
        code = check(&b, command_value(call, "policy"), buf_view(&text), &answer);
        broker_close(&b);
        if (code == EXIT_OK)
            code = finish_check(call, answer);
    }
    buf_deinit(&text);
    return code;
}

/* ---- replay ------------------------------------------------------------------------------ */

static void say_count(const struct json *answer, const char *member, const char *what)
{
    int64_t decisions = 0, people = 0;

    json_integer(json_get(json_get(answer, member), "decisions"), &decisions);
    json_integer(json_get(json_get(answer, member), "people"), &people);
    printf("would newly %s %lld sessions of %lld people\n", what, (long long)decisions,
           (long long)people);
}

static int show_replay(const struct command_call *call, struct json *answer)
{
    static const struct column columns[] = {{"CHANGE", "change", SHOW_TEXT},
                                            {"TIME", "time", SHOW_TIME},
                                            {"USER", "user", SHOW_TEXT},
                                            {"APP", "app", SHOW_TEXT},
                                            {"WAS", "was", SHOW_TEXT},
                                            {"WOULD", "would", SHOW_TEXT},
                                            {"REQUEST", "request_id", SHOW_TEXT},
                                            {NULL, NULL, SHOW_TEXT}};
    int64_t decisions = 0, undecidable = 0, cut = 0, total = 0;
    int code = EXIT_OK;

    if (call->json)
        return act_json(call, answer);
    json_integer(json_get(answer, "decisions"), &decisions);
    printf("%lld decisions taken again%s\n", (long long)decisions,
           json_is_true(json_get(answer, "complete")) ? "" : "; not all of these days");
    say_count(answer, "newly_denied", "deny");
    say_count(answer, "newly_allowed", "allow");
    say_count(answer, "newly_step_up", "ask for a code in");
    json_integer(json_get(answer, "undecidable"), &undecidable);
    json_integer(json_get(json_get(answer, "live"), "cut"), &cut);
    json_integer(json_get(json_get(answer, "live"), "total"), &total);
    if (undecidable > 0)
        printf("%lld undecidable: their facts were not kept\n", (long long)undecidable);
    printf("would cut %lld of %lld live sessions\n", (long long)cut, (long long)total);
    if (json_len(json_get(answer, "changes")) > 0)
        code = show_table(columns, json_get(answer, "changes"));
    json_free(answer);
    return code;
}

int verb_policy_replay(const struct command_call *call)
{
    const char *days = command_value(call, "days"), *name = command_value(call, "policy");
    struct json *answer = NULL, *body;
    struct broker b;
    struct buf text;
    uint64_t n = 7;
    int code;

    if (days != NULL && (num_uint(view_str(days), 30, &n) != SP_OK || n == 0))
        return command_fail(call,
                            &(struct command_failure){.exit = EXIT_USAGE,
                                                      .code = "usage",
                                                      .what = "--days is a number from 1 to 30"});
    buf_init(&text, POLICY_BYTES_MAX);
    code = read_text(call, call->args[0], &text);
    if (code == EXIT_OK && (code = broker_open(call, &b)) == EXIT_OK) {
        body = json_object();
        json_set_str(body, "text", buf_view(&text));
        json_set_int(body, "days", (int64_t)n);
        if (name != NULL)
            json_set_cstr(body, "policy", name);
        code =
            broker_call(&b,
                        &(struct broker_request){
                            .method = METHOD_POST, .path = "/api/v1/policy/replay", .body = body},
                        &answer, NULL);
        broker_close(&b);
        if (code == EXIT_OK)
            code = show_replay(call, answer);
    }
    buf_deinit(&text);
    return code;
}

/* ---- apply, rollback --------------------------------------------------------------------- */

/* The version in force, 0 when this one policy is not there yet. */
static int version_now(struct broker *b, const char *name, int64_t *version)
{
    struct json *now = NULL;
    struct buf path;
    int code;

    buf_init(&path, 1024);
    path_of(name, &path);
    *version = 0;
    code = broker_call(b,
                       &(struct broker_request){.method = METHOD_GET,
                                                .path = buf_cstr(&path),
                                                .quiet_not_found = name != NULL},
                       &now, version);
    /* The document's version is a member too; before the first save it is 0 and has no text. */
    if (code == EXIT_OK && *version == 0)
        json_integer(json_get(now, "version"), version);
    buf_deinit(&path);
    json_free(now);
    return code;
}

static int put(struct broker *b, const char *name, struct view text, struct json **out)
{
    const char *note = command_value(b->call, "note");
    struct json *body;
    struct buf path;
    int64_t version;
    int code = version_now(b, name, &version);

    if (code != EXIT_OK)
        return code;
    body = json_object();
    json_set_str(body, "text", text);
    json_set_cstr(body, "note", note == NULL ? "" : note);
    buf_init(&path, 1024);
    path_of(name, &path);
    code = broker_call(b,
                       &(struct broker_request){.method = METHOD_PUT,
                                                .path = buf_cstr(&path),
                                                .body = body,
                                                .if_match = version,
                                                .if_match_zero = name == NULL,
                                                .if_none_match = name != NULL && version == 0},
                       out, NULL);
    buf_deinit(&path);
    return code;
}

static int applied(const struct command_call *call, struct json *answer)
{
    int64_t version = 0;

    if (call->json)
        return act_json(call, answer);
    json_integer(json_get(answer, "version"), &version);
    printf("Version %lld is in force.\n", (long long)version);
    json_free(answer);
    return EXIT_OK;
}

int verb_policy_apply(const struct command_call *call)
{
    const char *name = command_value(call, "policy");
    struct json *answer = NULL;
    struct broker b;
    struct buf text;
    int code;

    buf_init(&text, POLICY_BYTES_MAX);
    code = read_text(call, call->args[0], &text);
    if (code == EXIT_OK && (code = broker_open(call, &b)) == EXIT_OK) {
        bool dry = command_given(call, "dry-run");

        code = dry ? check(&b, name, buf_view(&text), &answer)
                   : put(&b, name, buf_view(&text), &answer);
        broker_close(&b);
        if (code == EXIT_OK)
            code = dry ? finish_check(call, answer) : applied(call, answer);
    }
    buf_deinit(&text);
    return code;
}

int verb_policy_rollback(const struct command_call *call)
{
    const char *reason = command_value(call, "reason");
    struct json *answer = NULL, *body;
    struct broker b;
    struct buf path;
    int64_t version;
    int code;

    if (reason == NULL)
        return command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                            .code = "usage",
                                                            .what = "--reason TEXT is missing"});
    if ((code = broker_open(call, &b)) != EXIT_OK)
        return code;
    if ((code = version_now(&b, NULL, &version)) == EXIT_OK) {
        buf_init(&path, 1024);
        buf_add_str(&path, "/api/v1/policy/versions/");
        encode_percent(view_str(call->args[0]), &path);
        buf_add_str(&path, "/rollback");
        body = json_object();
        json_set_cstr(body, "reason", reason);
        code = broker_call(
            &b,
            &(struct broker_request){
                .method = METHOD_POST, .path = buf_cstr(&path), .body = body, .if_match = version},
            &answer, NULL);
        buf_deinit(&path);
    }
    broker_close(&b);
    return code == EXIT_OK ? applied(call, answer) : code;
}
