/* draft save, draft approve: a policy's text on its way into force by two people. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/encode.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <string.h>

enum { POLICY_BYTES_MAX = 256 * 1024 };

static void set_or_null(struct json *o, const char *member, const char *value)
{
    json_set(o, member, value == NULL ? json_new_null() : json_new_str(view_str(value)));
}

/* The draft is written against what is in force now. */
static int save(struct broker *b, struct view text, struct json **out)
{
    const char *note = command_value(b->call, "note");
    struct json *now = NULL;
    int64_t base = 0;
    int code = broker_call(
        b, &(struct broker_request){.method = METHOD_GET, .path = "/api/v1/policy"}, &now, NULL);

    if (code != EXIT_OK)
        return code;
    json_integer(json_get(now, "version"), &base);
    json_free(now);
    struct json *body = json_object();
    set_or_null(body, "policy", command_value(b->call, "policy"));
    json_set_str(body, "text", text);
    json_set_cstr(body, "note", note == NULL ? "" : note);
    json_set_int(body, "base", base);
    return broker_call(b,
                       &(struct broker_request){
                           .method = METHOD_POST, .path = "/api/v1/policy/drafts", .body = body},
                       out, NULL);
}

int verb_draft_save(const struct command_call *call)
{
    const char *file = call->args[0];
    struct json *answer = NULL;
    struct sp_why why = {0};
    struct broker b;
    struct buf text;
    int code = EXIT_OK;

    buf_init(&text, POLICY_BYTES_MAX);
    sp_error e = strcmp(file, "-") == 0 ? file_read_stdin(POLICY_BYTES_MAX, &text, &why)
                                        : file_read(file, POLICY_BYTES_MAX, &text, &why);
    if (e != SP_OK)
        code = command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                            .code = "file",
                                                            .what = "The draft can't be read.",
                                                            .why = why.text});
    if (code == EXIT_OK && (code = broker_open(call, &b)) == EXIT_OK) {
        code = save(&b, buf_view(&text), &answer);
        broker_close(&b);
    }
    buf_deinit(&text);
    if (code != EXIT_OK)
        return code;
    if (call->json)
        return act_json(call, answer);
    const char *id = json_cstr(json_get(answer, "id"));
    const struct out o = out_on(stdout);
    out_line(&o, "Draft %s is kept.", id);
    printf("Next: sallyport-admin draft approve %s\n", id);
    json_free(answer);
    return EXIT_OK;
}

int verb_draft_approve(const struct command_call *call)
{
    struct json *answer = NULL;
    struct broker b;
    struct buf path;
    int64_t draft = 0, version = 0;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    buf_init(&path, 1024);
    buf_add_str(&path, "/api/v1/policy/drafts/");
    encode_percent(view_str(call->args[0]), &path);
    code = broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                       &answer, &draft);
    json_free(answer);
    answer = NULL;
    buf_add_str(&path, "/approve");
    if (code == EXIT_OK)
        code = broker_call(&b,
                           &(struct broker_request){.method = METHOD_POST,
                                                    .path = buf_cstr(&path),
                                                    .body = json_object(),
                                                    .if_match = draft},
                           &answer, NULL);
    buf_deinit(&path);
    broker_close(&b);
    if (code != EXIT_OK)
        return code;
    if (call->json)
        return act_json(call, answer);
    json_integer(json_get(answer, "version"), &version);
    printf("Version %lld is in force.\n", (long long)version);
    json_free(answer);
    return EXIT_OK;
}
