/* The command that asks the running broker whether it is ready. */

#include "broker/health.h"

#include "broker/commands.h"
#include "broker/offline.h"

#include <stdio.h>

enum { HEALTH_MS = 5 * 1000, HEALTH_BODY_MAX = 64 * 1024 };

sp_error health_ask(const char *operations, bool verbose, struct client_response *out,
                    struct sp_why *why)
{
    struct client *client = NULL;
    char url[300];
    sp_error e;

    if (operations == NULL)
        return sp_why_say(why, SP_ERR_INVALID, "the configuration names no operations address");
    snprintf(url, sizeof url, "http://%s/readyz%s", operations, verbose ? "?verbose" : "");
    const struct client_request q = {
        .method = METHOD_GET, .url = url, .deadline_ms = HEALTH_MS, .body_max = HEALTH_BODY_MAX};
    if ((e = client_new(&(struct client_options){0}, why, &client)) == SP_OK)
        e = client_call(client, &q, why, out);
    client_free(client);
    return e;
}

static int tell(const struct command_call *call, const struct client_response *r)
{
    bool ready = r->status == 200;
    struct json *j;

    if (call->json) {
        j = json_object();
        json_set_bool(j, "ready", ready);
        json_set_str(j, "text", buf_view(&r->body));
        if (command_json("broker.health", j) != EXIT_OK)
            return EXIT_ERROR;
    } else {
        printf("%.*s", VIEW_ARG(buf_view(&r->body)));
    }
    return ready ? EXIT_OK : EXIT_UNREACHABLE;
}

int cmd_health(const struct command_call *call)
{
    struct client_response answer;
    struct offline o;
    struct sp_why why = {0};
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e;

    client_response_init(&answer);
    if (code == EXIT_OK && (e = health_ask(o.config.operations, command_given(call, "verbose"),
                                           &answer, &why)) != SP_OK) {
        const struct command_failure f = {.exit =
                                              e == SP_ERR_INVALID ? EXIT_USAGE : EXIT_UNREACHABLE,
                                          .code = sp_error_code(e),
                                          .what = "The broker does not answer.",
                                          .why = why.text,
                                          .next = "systemctl status sallyport-broker"};
        code = command_fail(call, &f);
    } else if (code == EXIT_OK) {
        code = tell(call, &answer);
    }
    client_response_deinit(&answer);
    offline_close(&o);
    return code;
}
