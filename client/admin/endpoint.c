/* What admins say of endpoints and incidents of the API gateways. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/clock.h"
#include "lib/base/num.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <string.h>

enum { UPLOAD_MAX = 16 * 1024 * 1024, UPLOAD_PART = 256 * 1024 };

static int usage(const struct command_call *call, const char *what)
{
    return command_fail(
        call, &(struct command_failure){.exit = EXIT_USAGE, .code = "usage", .what = what});
}

/* One call with a body; `read` (NULL: none) is read first for its version. Takes `body`. */
static int send(const struct command_call *call, enum http_method method, const char *path,
                const char *read, struct json *body)
{
    struct broker_request q = {.method = method, .body = body};
    struct json *answer = NULL, *now = NULL;
    struct buf url, before;
    struct broker b;
    size_t next = 0, first = 0;
    int code = broker_open(call, &b);

    if (code != EXIT_OK) {
        json_free(body);
        return code;
    }
    buf_init(&url, 2048);
    buf_init(&before, 2048);
    code = act_path(&b, path, &next, &url);
    if (code == EXIT_OK && read != NULL && (code = act_path(&b, read, &first, &before)) == EXIT_OK)
        code = broker_call(
            &b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&before)}, &now,
            &q.if_match);
    json_free(now);
    q.path = buf_cstr(&url);
    if (code == EXIT_OK)
        code = broker_call(&b, &q, &answer, NULL);
    else
        json_free(body);
    buf_deinit(&url);
    buf_deinit(&before);
    broker_close(&b);
    return code == EXIT_OK ? act_show(call, answer) : code;
}

/* {until, reason} from --for and --reason; NULL: said why. */
static struct json *expectation(const struct command_call *call, int *code)
{
    const char *life = command_value(call, "for"), *reason = command_value(call, "reason");
    struct json *body;
    int64_t ms = 0;

    *code = EXIT_OK;
    if (reason == NULL)
        *code = usage(call, "--reason TEXT is missing: it goes into the audit record");
    else if (life == NULL || num_duration(view_str(life), &ms) != SP_OK || ms <= 0)
        *code = usage(call, "--for is a duration such as 12h, 7d or 90d");
    if (*code != EXIT_OK)
        return NULL;
    body = json_object();
    json_set_time(body, "until", clock_unix() + ms);
    json_set_cstr(body, "reason", reason);
    return body;
}

int verb_endpoint_expect(const struct command_call *call)
{
    int code;
    struct json *body = expectation(call, &code);

    return body == NULL
               ? code
               : send(call, METHOD_PUT, "/endpoints/{text}/expected", "/endpoints/{text}", body);
}

int verb_endpoint_unexpect(const struct command_call *call)
{
    return send(call, METHOD_DELETE, "/endpoints/{text}/expected", "/endpoints/{text}", NULL);
}

int verb_incident_expect(const struct command_call *call)
{
    const char *group = command_value(call, "group");
    int code;
    struct json *body = expectation(call, &code);

    if (body == NULL)
        return code;
    if (group != NULL)
        json_set_cstr(body, "group", group);
    return send(call, METHOD_POST, "/incidents/{text}/expect", NULL, body);
}

int verb_endpoint_retire(const struct command_call *call)
{
    static const char *const names[] = {"deprecated", "sunset", "successor", "after"};
    struct json *body = json_object();

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (command_value(call, names[i]) != NULL)
            json_set_cstr(body, names[i], command_value(call, names[i]));
    return send(call, METHOD_POST, "/endpoints/{text}/retire", NULL, body);
}

int verb_endpoint_limit(const struct command_call *call)
{
    const char *mode = command_value(call, "mode");
    struct json *body;
    int64_t n;

    if (num_int(view_str(call->args[1]), 1, INT32_MAX, &n) != SP_OK)
        return usage(call, "N is how many requests of one person a minute may have");
    body = json_object();
    json_set_int(body, "per_minute", n);
    if (mode != NULL)
        json_set_cstr(body, "mode", mode);
    return send(call, METHOD_POST, "/endpoints/{text}/limit", NULL, body);
}

/* What stands before the words, as `endpoint show` lists it under merged or split. */
static int tell_below(const struct command_call *call, const char *path)
{
    struct json *body = json_object();

    json_set_cstr(body, "below", call->args[1]);
    return send(call, METHOD_POST, path, NULL, body);
}

int verb_endpoint_split(const struct command_call *call)
{
    return tell_below(call, "/endpoints/{text}/split");
}

int verb_endpoint_merge(const struct command_call *call)
{
    return tell_below(call, "/endpoints/{text}/merge");
}

int verb_gateway_mode(const struct command_call *call)
{
    const char *rule = command_value(call, "rule");
    struct json *body = json_object();

    json_set_cstr(body, "reason", call->args[1]);
    json_set_cstr(body, "rule", rule == NULL ? "" : rule);
    json_set_cstr(body, "mode", call->args[2]);
    return send(call, METHOD_PUT, "/apps/{app}/gateway/mode", "/apps/{app}", body);
}

/* The document is text in the body: JSON or YAML, read as it is. */
/* Where the part that begins at `at` ends: not within a character. */
static size_t part_end(struct view text, size_t at)
{
    size_t end = text.len - at <= UPLOAD_PART ? text.len : at + UPLOAD_PART;

    while (end < text.len && end > at && (text.at[end] & 0xc0) == 0x80)
        end--;
    return end;
}

/* Part by part; the answer to the last one is shown. */
static int upload(const struct command_call *call, struct view text, const char *note)
{
    struct broker_request q = {.method = METHOD_PUT};
    struct json *answer = NULL;
    struct buf url, app;
    struct broker b;
    size_t first = 0, next = 0, at = 0;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    buf_init(&url, 2048);
    buf_init(&app, 2048);
    if ((code = act_path(&b, "/apps/{app}", &first, &app)) == EXIT_OK &&
        (code = act_path(&b, "/apps/{app}/document", &next, &url)) == EXIT_OK)
        code =
            broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&app)},
                        &answer, &q.if_match);
    q.path = buf_cstr(&url);
    for (bool more = true; code == EXIT_OK && more; more = at < text.len) {
        size_t end = part_end(text, at);
        json_free(answer);
        answer = NULL;
        q.body = json_object();
        json_set_str(q.body, "text", view_slice(text, at, end - at));
        json_set_cstr(q.body, "note", note);
        json_set_int(q.body, "at", (int64_t)at);
        json_set_int(q.body, "size", (int64_t)text.len);
        code = broker_call(&b, &q, &answer, NULL);
        at = end > at ? end : text.len;
    }
    buf_deinit(&url);
    buf_deinit(&app);
    broker_close(&b);
    if (code == EXIT_OK)
        return act_show(call, answer);
    json_free(answer);
    return code;
}

int verb_gateway_upload(const struct command_call *call)
{
    const char *note = command_value(call, "note");
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf text;
    int code;

    if (note == NULL)
        return usage(call, "--note says what is new in the document");
    buf_init(&text, UPLOAD_MAX);
    sp_error e = strcmp(call->args[1], "-") == 0
                     ? file_read_stdin(UPLOAD_MAX, &text, &why)
                     : file_read(call->args[1], UPLOAD_MAX, &text, &why);
    if (e != SP_OK) {
        code = command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                            .code = "file",
                                                            .what = "The file can't be read.",
                                                            .why = why.text});
    } else {
        code = upload(call, buf_view(&text), note);
    }
    buf_deinit(&text);
    return code;
}

int verb_gateway_restore(const struct command_call *call)
{
    const char *reason = command_value(call, "reason");
    struct json *body;

    if (reason == NULL)
        return usage(call, "--reason says why");
    body = json_object();
    json_set_cstr(body, "reason", reason);
    return send(call, METHOD_POST, "/apps/{app}/documents/{text}/restore", "/apps/{app}", body);
}

int verb_gateway_draft(const struct command_call *call)
{
    struct json *answer = NULL;
    struct buf url, text;
    struct broker b;
    size_t next = 0;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    buf_init(&url, 2048);
    buf_init(&text, BROKER_ANSWER_MAX);
    if ((code = act_path(&b, "/apps/{app}/draft", &next, &url)) == EXIT_OK)
        code =
            broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&url)},
                        &answer, NULL);
    buf_deinit(&url);
    broker_close(&b);
    /* A document for other programs: as it is, without our own frame. */
    if (code == EXIT_OK && (json_write_pretty(answer, &text) != SP_OK || buf_cstr(&text) == NULL))
        code = EXIT_ERROR;
    if (code == EXIT_OK)
        puts(buf_cstr(&text));
    buf_deinit(&text);
    json_free(answer);
    return code;
}
