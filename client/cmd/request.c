/*
 * request: asks for access to an app, or shows what became of it. It speaks to the broker's REST
 * API itself, with a ticket of the agent (PROTOCOL.md section 5, `api.ticket`).
 */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "client/settings/way.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/http/client.h"
#include "lib/http/url.h"
#include "lib/term/out.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1024 * 1024, DEADLINE_MS = 20 * 1000 };

/* ---- one call ----------------------------------------------------------------------------- */

struct asked {
    const struct command_call *call;
    enum http_method method;
    const char *path;
    struct json *body; /* taken; NULL: none */
};

static int unreachable(const struct command_call *call, sp_error e, const char *why)
{
    return command_fail(call,
                        &(struct command_failure){.exit = EXIT_UNREACHABLE,
                                                  .code = e == SP_ERR_TLS ? "tls" : "unreachable",
                                                  .what = "The broker does not answer.",
                                                  .why = why[0] == '\0' ? sp_error_text(e) : why});
}

/* A problem document (RFC 9457) as exit code and what/why/next. */
static int refused(const struct command_call *call, int status, const struct json *p)
{
    const char *code = talk_text(p, "code"), *title = talk_text(p, "title");
    const struct json *reasons = json_get(p, "reasons"), *remedies = json_get(p, "remedies");
    const char *reason = json_cstr(json_at(reasons, 0)), *remedy = json_cstr(json_at(remedies, 0));
    char what[160];

    if (status == 404)
        snprintf(what, sizeof what, "There is no app or request of this name for you.");
    else
        snprintf(what, sizeof what, "%.120s.", title[0] == '\0' ? "The broker refused" : title);
    return command_fail(
        call, &(struct command_failure){.exit = status == 401                    ? EXIT_LOGIN
                                                : status == 400 || status == 422 ? EXIT_USAGE
                                                : status >= 500                  ? EXIT_UNREACHABLE
                                                                                 : EXIT_DENIED,
                                        .code = code[0] == '\0' ? "http" : code,
                                        .what = what,
                                        .why = reason != NULL ? reason : talk_text(p, "detail"),
                                        .next = remedy != NULL  ? remedy
                                                : status == 404 ? "sallyport apps"
                                                                : NULL,
                                        .request = talk_text(p, "request_id")});
}

static int judge(const struct asked *q, const struct client_response *r, struct json **out)
{
    struct json *j = NULL;
    int code;

    if (json_parse(buf_view(&r->body), ANSWER_MAX, NULL, &j) != SP_OK)
        j = NULL; /* a proxy's page: its status is told alone */
    if (r->status >= 200 && r->status < 300 && j != NULL) {
        *out = j;
        return EXIT_OK;
    }
    code = refused(q->call, r->status, j);
    json_free(j);
    return code;
}

static int exchange(const struct asked *q, const struct json *ticket, struct view body,
                    struct json **out)
{
    const char *ca = talk_text(ticket, "ca");
    struct proxy_env proxy;
    struct client_options o = {.ca_file = ca[0] == '\0' ? NULL : ca, .proxy = &proxy};
    struct client_request http = {
        .method = q->method, .deadline_ms = DEADLINE_MS, .body_max = ANSWER_MAX, .body = body};
    struct client *client = NULL;
    struct client_response r;
    struct sp_why why = {0};
    struct buf url, proof;
    int code;

    buf_init(&url, URL_BYTES_MAX);
    buf_init(&proof, 256);
    client_response_init(&r);
    buf_addf(&url, "%s/api/v1%s", talk_text(ticket, "broker"), q->path);
    buf_addf(&proof, "Bearer %s", talk_text(ticket, "ticket"));
    http.url = buf_cstr(&url);
    http.headers[0].name = "Authorization";
    http.headers[0].value = buf_view(&proof);
    if (body.len > 0) {
        http.headers[1].name = "Content-Type";
        http.headers[1].value = view_str("application/json");
    }
    sp_error e = settings_way(&proxy, &why);
    if (e == SP_OK && (e = client_new(&o, &why, &client)) == SP_OK)
        e = client_call(client, &http, &why, &r);
    code = e == SP_OK ? judge(q, &r, out) : unreachable(q->call, e, why.text);
    client_free(client);
    explicit_bzero(&proxy, sizeof proxy);
    client_response_deinit(&r);
    buf_wipe(&proof);
    buf_deinit(&url);
    return code;
}

static int ask_broker(const struct asked *q, struct json **out)
{
    struct json *ticket = NULL;
    struct buf body;
    int code = talk_ask(q->call, talk_request("ticket"), &ticket);

    buf_init(&body, 64 * 1024);
    if (code == EXIT_OK && q->body != NULL && json_write(q->body, &body) != SP_OK)
        code = command_fail(
            q->call, &(struct command_failure){.exit = EXIT_USAGE,
                                               .code = "usage",
                                               .what = "An argument is too long, or not UTF-8."});
    if (code == EXIT_OK)
        code = exchange(q, ticket, buf_view(&body), out);
    buf_deinit(&body);
    json_free(q->body);
    json_free(ticket);
    return code;
}

/* ---- what people read --------------------------------------------------------------------- */

static void say_one(const struct out *out, const struct json *r)
{
    const char *state = talk_text(r, "state"), *approvers = talk_text(r, "approvers");

    out_line(out, "Request %s   %s   %s", talk_text(r, "ref"),
             talk_text(json_get(r, "app"), "name"), state);
    if (approvers[0] != '\0')
        out_line(out, "Who may answer: %s", approvers);
    if (talk_text(r, "answer")[0] != '\0')
        out_line(out, "Answer: %s", talk_text(r, "answer"));
    if (strcmp(state, "approved") == 0)
        out_line(out, "Until %s", talk_text(r, "until"));
}

static int show_mine(const struct command_call *call)
{
    static const char *const heads[] = {"REQUEST", "APP",    "STATE", "ASKED",
                                        "UNTIL",   "ANSWER", "ID"};
    const struct asked q = {.call = call, .method = METHOD_GET, .path = "/me/requests?limit=200"};
    struct out out = out_on(stdout);
    struct json *a = NULL;
    int code = ask_broker(&q, &a);

    if (code != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("requests", a);
    const struct json *items = json_get(a, "items");
    struct out_table *t = out_table_new(heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; t != NULL && i < json_len(items); i++) {
        const struct json *r = json_at(items, i);
        out_table_row(t, (struct out_cell[]){{.text = talk_text(r, "ref")},
                                             {.text = talk_text(json_get(r, "app"), "name")},
                                             {.text = talk_text(r, "state")},
                                             {.text = talk_text(r, "created")},
                                             {.text = talk_text(r, "until")},
                                             {.text = talk_text(r, "answer")},
                                             {.text = talk_text(r, "id")}});
    }
    if (json_len(items) == 0)
        out_line(&out, "No requests. One is made with: sallyport request APP --reason TEXT");
    else if (t == NULL || out_table_print(t, &out) != SP_OK)
        code = EXIT_ERROR;
    out_table_free(t);
    json_free(a);
    return code;
}

static int show_one(const struct command_call *call, const struct asked *q)
{
    struct out out = out_on(stdout);
    struct json *a = NULL;
    int code = ask_broker(q, &a);

    if (code != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("request", a);
    say_one(&out, a);
    json_free(a);
    return EXIT_OK;
}

static int withdraw(const struct command_call *call, const char *id)
{
    struct buf path;

    buf_init(&path, 256);
    buf_add_str(&path, "/me/requests/");
    encode_percent(view_str(id), &path);
    int code = show_one(
        call, &(struct asked){.call = call, .method = METHOD_DELETE, .path = buf_cstr(&path)});
    buf_deinit(&path);
    return code;
}

int cmd_request(const struct command_call *call)
{
    const char *reason = command_value(call, "reason"), *life = command_value(call, "for");
    const char *drop = command_value(call, "withdraw");
    struct asked q = {.call = call, .method = METHOD_POST, .path = "/me/requests"};
    int64_t ms = 0;

    if (drop != NULL && call->count == 0)
        return withdraw(call, drop);
    if (call->count == 0)
        return show_mine(call);
    if (reason == NULL || (life != NULL && num_duration(view_str(life), &ms) != SP_OK))
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = reason == NULL
                                                        ? "--reason TEXT is missing: whoever "
                                                          "answers reads it"
                                                        : "--for is a duration such as 4h or 2d"});
    q.body = json_object();
    json_set_cstr(q.body, "app", call->args[0]);
    json_set_cstr(q.body, "reason", reason);
    if (life != NULL)
        json_set_int(q.body, "for_ms", ms);
    return show_one(call, &q);
}
