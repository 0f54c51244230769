/* request approve: how long, and what to say to who asked. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/num.h"

int verb_request_approve(const struct command_call *call)
{
    const char *life = command_value(call, "for"), *reason = command_value(call, "reason");
    struct json *answer = NULL, *body = json_object();
    struct broker b;
    struct buf path;
    int64_t ms = 0;
    size_t next = 0;
    int code;

    if (life != NULL && num_duration(view_str(life), &ms) != SP_OK) {
        json_free(body);
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "--for is a duration such as 30m, 4h or 2d"});
    }
    if (life != NULL)
        json_set_int(body, "for_ms", ms);
    if (reason != NULL)
        json_set_cstr(body, "reason", reason);
    if ((code = broker_open(call, &b)) != EXIT_OK) {
        json_free(body);
        return code;
    }
    buf_init(&path, 1024);
    code = act_path(&b, "/requests/{text}/approve", &next, &path);
    if (code == EXIT_OK)
        code = broker_call(
            &b,
            &(struct broker_request){.method = METHOD_POST, .path = buf_cstr(&path), .body = body},
            &answer, NULL);
    else
        json_free(body);
    buf_deinit(&path);
    broker_close(&b);
    if (code != EXIT_OK)
        return code;
    return act_show(call, answer);
}
