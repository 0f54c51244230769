/* app add and set: a record from options, whole or changed in parts. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/num.h"
#include "lib/gateway/config.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(const struct command_call *call, const char *what)
{
    return command_fail(
        call, &(struct command_failure){.exit = EXIT_USAGE, .code = "usage", .what = what});
}

/* "tier=internal,env=prod" into an object; "" is none. */
static int set_pairs(const struct command_call *call, struct json *body, const char *member,
                     const char *text)
{
    struct json *pairs = json_object();

    while (*text != '\0') {
        size_t len = strcspn(text, ","), name = strcspn(text, "=");
        char key[128];

        if (name >= len || name == 0 || name >= sizeof key) {
            json_free(pairs);
            return usage(call, "--labels are NAME=VALUE,NAME=VALUE");
        }
        view_copy(key, sizeof key, (struct view){(const uint8_t *)text, name});
        json_set_str(pairs, key, (struct view){(const uint8_t *)text + name + 1, len - name - 1});
        text += len + (text[len] == ',');
    }
    json_set(body, member, pairs);
    return EXIT_OK;
}

/* A limit that is given replaces, "none" removes, the others stay. */
static void set_limits(const struct command_call *call, struct json *body)
{
    static const struct {
        const char *option, *member;
    } rows[] = {{"session-max", "session_max"}, {"idle", "idle"}, {"reverify", "reverify"}};
    struct json *limits =
        json_get(body, "limits") == NULL ? json_object() : json_copy(json_get(body, "limits"));

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *said = command_value(call, rows[i].option);

        if (said != NULL && strcmp(said, "none") == 0)
            json_remove(limits, rows[i].member);
        else if (said != NULL)
            json_set_cstr(limits, rows[i].member, said);
    }
    json_set(body, "limits", limits);
}

/* "KIND:EVERY", such as otp:15m. */
static int set_step_up(const struct command_call *call, struct json *body)
{
    const char *said = command_value(call, "step-up");
    size_t kind = said == NULL ? 0 : strcspn(said, ":");
    struct json *step_up;

    if (said == NULL)
        return EXIT_OK;
    if (strcmp(said, "none") == 0) {
        json_remove(json_get(body, "limits"), "step_up");
        return EXIT_OK;
    }
    if (said[kind] != ':')
        return usage(call, "--step-up is KIND:EVERY, such as otp:15m, or none");
    step_up = json_object();
    json_set_str(step_up, "kind", (struct view){(const uint8_t *)said, kind});
    json_set_cstr(step_up, "every", said + kind + 1);
    json_set(json_get(body, "limits"), "step_up", step_up);
    return EXIT_OK;
}

/* Line and column of a fault are of the file: its text goes as it is. */
static int set_gateway(const struct command_call *call, struct json *body)
{
    const char *file = command_value(call, "gateway");
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf text;
    sp_error e;

    if (file == NULL)
        return EXIT_OK;
    if (strcmp(file, "none") == 0) {
        json_set_cstr(body, "gateway", NULL);
        return EXIT_OK;
    }
    buf_init(&text, GWCONF_MAX);
    e = strcmp(file, "-") == 0 ? file_read_stdin(GWCONF_MAX, &text, &why)
                               : file_read(file, GWCONF_MAX, &text, &why);
    if (e == SP_OK)
        json_set_str(body, "gateway", buf_view(&text));
    buf_deinit(&text);
    return e == SP_OK
               ? EXIT_OK
               : command_fail(call,
                              &(struct command_failure){.exit = EXIT_USAGE,
                                                        .code = "file",
                                                        .what = "The gateway's file can't be read.",
                                                        .why = why.text});
}

/* What the options say, over what `body` holds. */
static int apply(struct broker *b, struct json *body)
{
    static const char *const texts[][2] = {{"description", "description"},
                                           {"type", "type"},
                                           {"host", "host"},
                                           {"cut-through", "cut_through"}};
    const struct command_call *call = b->call;
    const char *site = command_value(call, "site"), *port = command_value(call, "port");
    const char *labels = command_value(call, "labels");
    uint64_t n;
    int code = EXIT_OK;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (command_value(call, texts[i][0]) != NULL)
            json_set_cstr(body, texts[i][1], command_value(call, texts[i][0]));
    if (port != NULL && (num_uint(view_str(port), 65535, &n) != SP_OK || n == 0))
        return usage(call, "--port is a number from 1 to 65535");
    if (port != NULL)
        json_set_int(body, "port", (int64_t)n);
    if (labels != NULL && (code = set_pairs(call, body, "labels", labels)) != EXIT_OK)
        return code;
    set_limits(call, body);
    if ((code = set_step_up(call, body)) != EXIT_OK || (code = set_gateway(call, body)) != EXIT_OK)
        return code;
    if (site != NULL) {
        struct buf id;

        buf_init(&id, 64);
        code = name_resolve(b, REF_SITE, site, &id);
        json_set_str(body, "site", buf_view(&id));
        buf_deinit(&id);
    }
    return code;
}

static int send(struct broker *b, const struct broker_request *q)
{
    const struct command_call *call = b->call;
    struct json *answer = NULL;
    int code = broker_call(b, q, &answer, NULL);

    if (code != EXIT_OK)
        return code;
    return act_show(call, answer);
}

int verb_app_add(const struct command_call *call)
{
    static const char *const needed[] = {"site", "host", "port"};
    struct json *body;
    struct broker b;
    int code;

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (command_value(call, needed[i]) == NULL)
            return usage(call, "app add needs --site, --host and --port");
    if ((code = broker_open(call, &b)) != EXIT_OK)
        return code;
    body = json_object();
    json_set_cstr(body, "name", call->args[0]);
    json_set_cstr(body, "description", "");
    json_set_cstr(body, "type", "tcp");
    json_set(body, "labels", json_object());
    json_set_cstr(body, "cut_through", "auto");
    code = apply(&b, body);
    if (code == EXIT_OK)
        code = send(&b, &(struct broker_request){
                            .method = METHOD_POST, .path = "/api/v1/apps", .body = body});
    else
        json_free(body);
    broker_close(&b);
    return code;
}

/* The record as it can be sent back: the members of AppInput, the site by its id. */
static struct json *input_of(const struct json *app)
{
    static const char *const kept[] = {"name", "description", "type",   "host",
                                       "port", "labels",      "limits", "cut_through"};
    struct json *body = json_object();

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_set(body, kept[i], json_copy(json_get(app, kept[i])));
    json_set_str(body, "site", json_str(json_get(json_get(app, "site"), "id")));
    return body;
}

int verb_app_set(const struct command_call *call)
{
    struct json *now = NULL, *body = NULL;
    struct broker b;
    struct buf path;
    size_t next = 0;
    int64_t version = 0;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    buf_init(&path, 4096);
    code = act_path(&b, "/apps/{app}", &next, &path);
    if (code == EXIT_OK)
        code =
            broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                        &now, &version);
    if (code == EXIT_OK) {
        body = input_of(now);
        if (command_value(call, "name") != NULL)
            json_set_cstr(body, "name", command_value(call, "name"));
        code = apply(&b, body);
    }
    if (code == EXIT_OK)
        code = send(&b, &(struct broker_request){.method = METHOD_PUT,
                                                 .path = buf_cstr(&path),
                                                 .body = body,
                                                 .if_match = version});
    else
        json_free(body);
    json_free(now);
    buf_deinit(&path);
    broker_close(&b);
    return code;
}
