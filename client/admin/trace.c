/* why and policy simulate: a decision with everything that it was made from. */
#include "lib/term/trace.h"
#include "client/admin/act.h"
#include "client/admin/past.h"
#include "client/admin/verbs.h"
#include "lib/http/url.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <string.h>

enum { FACTS_BYTES_MAX = 64 * 1024, POLICY_BYTES_MAX = 256 * 1024 };

static const char *text(const struct json *object, const char *name)
{
    const char *s = json_cstr(json_get(object, name));

    return s == NULL ? "" : s;
}

static int print_trace(const struct json *t)
{
    struct out out = out_on(stdout);
    int64_t version = 0;

    if (!json_integer(json_get(t, "policy_version"), &version))
        version = 0;
    out_line(&out, "%s   %s → %s   policy version %lld%s%s",
             text(t, "decided")[0] != '\0' ? text(t, "decided") : text(t, "result"),
             text(json_get(t, "user"), "name"), text(json_get(t, "app"), "name"),
             (long long)version, text(t, "request_id")[0] == '\0' ? "" : "   request ",
             text(t, "request_id"));
    trace_lines(&out, "", json_get(t, "reasons"));
    trace_lines(&out, "Remedy: ", json_get(t, "remedies"));
    trace_lines(&out, "Changes it: ", json_get(t, "changes_it"));
    trace_rules(&out, t);
    return EXIT_OK;
}

static int finish(const struct command_call *call, struct json *answer)
{
    int code;

    if (call->json)
        return act_json(call, answer);
    code = print_trace(answer);
    json_free(answer);
    return code;
}

static int now_path(struct broker *b, struct buf *path)
{
    static const struct {
        const char *name;
        enum ref kind;
    } rows[] = {{"user", REF_USER}, {"app", REF_APP}, {"device", REF_DEVICE}};
    const char *said[] = {b->call->args[0], b->call->args[1], command_value(b->call, "device")};
    bool first = true;
    int code = EXIT_OK;

    buf_add_str(path, "/api/v1/why");
    for (size_t i = 0; i < 3 && code == EXIT_OK; i++) {
        struct buf id;

        if (said[i] == NULL)
            continue;
        buf_init(&id, 64);
        code = name_resolve(b, rows[i].kind, said[i], &id);
        url_add_query(path, &first, rows[i].name, buf_view(&id));
        buf_deinit(&id);
    }
    return code;
}

/* The decision that was made last until --at, by its request id. */
static int past_path(struct broker *b, struct buf *path)
{
    const struct command_call *call = b->call;
    struct buf user, app, request;
    sp_unix_ms at;
    int code;

    if (call->count != 2 || command_value(call, "device") != NULL ||
        past_time(command_value(call, "at"), clock_unix(), &at) != SP_OK)
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "--at TIME stands with USER and APP alone; "
                                                    "TIME is such as 09:42:17, 2026-11-26 09:42 or "
                                                    "2026-11-26T09:42:17Z"});
    buf_init(&user, 64);
    buf_init(&app, 64);
    buf_init(&request, 64);
    if ((code = name_resolve(b, REF_USER, call->args[0], &user)) == EXIT_OK &&
        (code = name_resolve(b, REF_APP, call->args[1], &app)) == EXIT_OK &&
        (code = past_request(b, buf_cstr(&user), buf_cstr(&app), at, &request)) == EXIT_OK)
        buf_addf(path, "/api/v1/why/%s", buf_cstr(&request));
    buf_deinit(&user);
    buf_deinit(&app);
    buf_deinit(&request);
    return code;
}

int verb_why(const struct command_call *call)
{
    struct json *answer = NULL;
    struct broker b;
    struct buf path;
    size_t next = 0;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    buf_init(&path, URL_BYTES_MAX);
    code = command_given(call, "at") ? past_path(&b, &path)
           : call->count == 1        ? act_path(&b, "/why/{text}", &next, &path)
                                     : now_path(&b, &path);
    if (code == EXIT_OK)
        code =
            broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                        &answer, NULL);
    buf_deinit(&path);
    broker_close(&b);
    return code == EXIT_OK ? finish(call, answer) : code;
}

/* ---- simulate ---------------------------------------------------------------------------- */

static int bad_file(const struct command_call *call, const struct sp_why *why)
{
    return command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                        .code = "file",
                                                        .what = "The file can't be used.",
                                                        .why = why->text});
}

/* --facts FILE is JSON as in openapi.yaml's SimulatedFacts, --draft FILE a policy document. */
static int add_files(const struct command_call *call, struct json *body)
{
    const char *facts = command_value(call, "facts"), *draft = command_value(call, "draft");
    struct sp_why why = {0};
    struct json *j = NULL;
    struct buf content;
    sp_error e = SP_OK;

    buf_init(&content, POLICY_BYTES_MAX);
    if (facts != NULL && (e = file_read(facts, FACTS_BYTES_MAX, &content, &why)) == SP_OK &&
        (e = json_parse(buf_view(&content), FACTS_BYTES_MAX, &why, &j)) == SP_OK)
        json_set(body, "facts", j);
    buf_reset(&content);
    if (e == SP_OK && draft != NULL &&
        (e = file_read(draft, POLICY_BYTES_MAX, &content, &why)) == SP_OK)
        json_set_str(body, "text", buf_view(&content));
    buf_deinit(&content);
    return e == SP_OK ? EXIT_OK : bad_file(call, &why);
}

static int add_names(struct broker *b, struct json *body)
{
    static const enum ref kinds[] = {REF_USER, REF_APP, REF_DEVICE};
    const char *said[] = {b->call->args[0], b->call->args[1], command_value(b->call, "device")};
    int code = EXIT_OK;

    for (size_t i = 0; i < 3 && code == EXIT_OK; i++) {
        struct buf id;

        if (said[i] == NULL)
            continue;
        buf_init(&id, 64);
        code = name_resolve(b, kinds[i], said[i], &id);
        json_set_str(body, ref_word(kinds[i]), buf_view(&id));
        buf_deinit(&id);
    }
    return code;
}

int verb_policy_simulate(const struct command_call *call)
{
    struct json *body = json_object(), *answer = NULL;
    struct broker b;
    int code = add_files(call, body);

    if (code == EXIT_OK)
        code = broker_open(call, &b);
    if (code != EXIT_OK) {
        json_free(body);
        return code;
    }
    code = add_names(&b, body);
    if (code == EXIT_OK)
        code =
            broker_call(&b,
                        &(struct broker_request){
                            .method = METHOD_POST, .path = "/api/v1/policy/simulate", .body = body},
                        &answer, NULL);
    else
        json_free(body);
    broker_close(&b);
    return code == EXIT_OK ? finish(call, answer) : code;
}
