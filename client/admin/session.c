/* session kill: one session by its id, or all of a user, device, connector or app. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/encode.h"

#include <string.h>

static const struct {
    const char *option;
    enum ref kind;
} by[] = {
    {"user", REF_USER}, {"device", REF_DEVICE}, {"connector", REF_CONNECTOR}, {"app", REF_APP}};

enum { BY = sizeof by / sizeof *by };

static int kill_many(struct broker *b, size_t which, const char *reason, struct json **out)
{
    struct json *body;
    struct buf id;
    int code;

    buf_init(&id, 64);
    code = name_resolve(b, by[which].kind, command_value(b->call, by[which].option), &id);
    if (code == EXIT_OK) {
        body = json_object();
        json_set_cstr(body, "by", by[which].option);
        json_set_str(body, "id", buf_view(&id));
        json_set_cstr(body, "reason", reason);
        code =
            broker_call(b,
                        &(struct broker_request){
                            .method = METHOD_POST, .path = "/api/v1/sessions/kill", .body = body},
                        out, NULL);
    }
    buf_deinit(&id);
    return code;
}

static int kill_one(struct broker *b, const char *id, const char *reason, struct json **out)
{
    struct json *body = json_object();
    struct buf path;
    int code;

    buf_init(&path, 4096);
    buf_add_str(&path, "/api/v1/sessions/");
    encode_percent(view_str(id), &path);
    buf_add_str(&path, "/kill");
    json_set_cstr(body, "reason", reason);
    code = broker_call(
        b, &(struct broker_request){.method = METHOD_POST, .path = buf_cstr(&path), .body = body},
        out, NULL);
    buf_deinit(&path);
    return code;
}

int verb_session_kill(const struct command_call *call)
{
    const char *reason = command_value(call, "reason");
    struct json *answer = NULL;
    struct broker b;
    size_t said = call->count, which = BY;
    int code;

    for (size_t i = 0; i < BY; i++)
        if (command_given(call, by[i].option)) {
            said++;
            which = i;
        }
    if (said != 1 || reason == NULL)
        return command_fail(
            call,
            &(struct command_failure){
                .exit = EXIT_USAGE,
                .code = "usage",
                .what = reason == NULL ? "--reason TEXT is missing: whoever is cut off reads it"
                                       : "session kill takes one of: a session's id, --user, "
                                         "--device, --connector, --app",
                .next = "sallyport-admin session list"});
    if ((code = broker_open(call, &b)) != EXIT_OK)
        return code;
    code = which == BY ? kill_one(&b, call->args[0], reason, &answer)
                       : kill_many(&b, which, reason, &answer);
    broker_close(&b);
    if (code != EXIT_OK)
        return code;
    if (call->json)
        return act_json(call, answer);
    code = show_cut(answer, NULL, NULL);
    json_free(answer);
    return code;
}
