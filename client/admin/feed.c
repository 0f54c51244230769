/* feed add, feed set, feed secret: the account at a vendor that says how devices stand. The secret
 * comes from a file or the terminal, never from the command line. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/os/file.h"
#include "lib/term/ask.h"

#include <stdio.h>

enum { SECRET_BYTES_MAX = 512 };

static int usage(const struct command_call *call, const char *what, const char *why)
{
    return command_fail(call, &(struct command_failure){
                                  .exit = EXIT_USAGE, .code = "feed", .what = what, .why = why});
}

/* ---- the secret --------------------------------------------------------------------------- */

static void trim(struct buf *b)
{
    while (b->len > 0 && (b->at[b->len - 1] == '\n' || b->at[b->len - 1] == '\r'))
        b->len--;
}

/* From --secret-file, or asked for. Wipe `out` afterwards. */
static int read_secret(const struct command_call *call, struct buf *out)
{
    const char *file = command_value(call, "secret-file");
    struct sp_why why = {0};
    sp_error e;

    if (file != NULL)
        e = file_read_secret(file, SECRET_BYTES_MAX, out, &why);
    else if ((e = ask_hidden("Client secret: ", out)) == SP_ERR_UNSUPPORTED)
        return usage(call, "The client's secret is needed.", "without a terminal: --secret-file");
    trim(out);
    if (e == SP_OK && out->len > 0)
        return EXIT_OK;
    return usage(call, "The client's secret can't be read.",
                 e == SP_OK            ? "it is empty"
                 : why.text[0] != '\0' ? why.text
                                       : sp_error_text(e));
}

static void put_secret(struct json *body, struct buf *secret)
{
    json_set_str(body, "secret", buf_view(secret));
}

/* ---- the rest of the body ----------------------------------------------------------------- */

static void put_text(const struct command_call *call, const char *option, const char *member,
                     struct json *body)
{
    const char *value = command_value(call, option);

    if (value != NULL)
        json_set_cstr(body, member, value);
}

static int put_time(const struct command_call *call, const char *option, const char *member,
                    struct json *body)
{
    const char *value = command_value(call, option);
    int64_t ms = 0;

    if (value == NULL)
        return EXIT_OK;
    if (num_duration(view_str(value), &ms) != SP_OK || ms <= 0)
        return usage(call, "The feed stays as it is.",
                     "--interval and --ttl are durations such as 15m, 4h or 2d");
    json_set_int(body, member, ms);
    return EXIT_OK;
}

/* What the options say goes over what `body` has. */
static int put_options(const struct command_call *call, struct json *body)
{
    int code;

    if (command_value(call, "region") != NULL) {
        json_remove(body, "base_url");
        json_remove(body, "login_url");
    }
    put_text(call, "region", "region", body);
    put_text(call, "base-url", "base_url", body);
    put_text(call, "login-url", "login_url", body);
    put_text(call, "tenant", "tenant", body);
    put_text(call, "client-id", "client_id", body);
    put_text(call, "untested", "untested", body);
    if ((code = put_time(call, "interval", "interval_ms", body)) == EXIT_OK)
        code = put_time(call, "ttl", "ttl_ms", body);
    return code;
}

static void feed_path(const struct command_call *call, const char *rest, struct buf *out)
{
    buf_init(out, 1024);
    buf_add_str(out, "/api/v1/feeds/");
    encode_percent(view_str(call->args[0]), out);
    buf_add_str(out, rest);
}

/* Takes `body`. */
static int send_feed(const struct command_call *call, struct broker *b,
                     const struct broker_request *q, const char *done)
{
    struct json *answer = NULL;
    int code = broker_call(b, q, &answer, NULL);

    if (code != EXIT_OK)
        return code;
    if (call->json)
        return act_json(call, answer);
    const struct out o = out_on(stdout);
    out_line(&o, "%s", done);
    printf("Next: sallyport-admin feed show %s\n", call->args[0]);
    json_free(answer);
    return EXIT_OK;
}

/* ---- the commands ------------------------------------------------------------------------- */

int verb_feed_add(const struct command_call *call)
{
    struct json *body = json_object();
    struct buf secret, path;
    struct broker b;
    int code = put_options(call, body);

    buf_init(&secret, SECRET_BYTES_MAX);
    feed_path(call, "", &path);
    if (code == EXIT_OK && command_value(call, "client-id") == NULL)
        code = usage(call, "No feed was added.", "say which client: --client-id ID");
    if (code == EXIT_OK && (code = read_secret(call, &secret)) == EXIT_OK &&
        (code = broker_open(call, &b)) == EXIT_OK) {
        put_secret(body, &secret);
        code = send_feed(call, &b,
                         &(struct broker_request){
                             .method = METHOD_PUT, .path = buf_cstr(&path), .body = json_ref(body)},
                         "The feed is kept, and asked now.");
        broker_close(&b);
    }
    json_free(body);
    buf_wipe(&secret);
    buf_deinit(&path);
    return code;
}

/* What is there, as the body of a change. Takes `now`. */
static struct json *as_input(struct json *now)
{
    static const char *const members[] = {"base_url",  "login_url",   "tenant",
                                          "client_id", "interval_ms", "ttl_ms"};
    struct json *body = json_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_set(body, members[i], json_ref(json_get(now, members[i])));
    json_free(now);
    return body;
}

int verb_feed_set(const struct command_call *call)
{
    struct json *now = NULL, *body = NULL;
    struct buf secret, path;
    struct broker b;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    buf_init(&secret, SECRET_BYTES_MAX);
    feed_path(call, "", &path);
    code = broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                       &now, NULL);
    if (code == EXIT_OK) {
        body = as_input(now);
        code = put_options(call, body);
    }
    if (code == EXIT_OK && command_value(call, "secret-file") != NULL &&
        (code = read_secret(call, &secret)) == EXIT_OK)
        put_secret(body, &secret);
    if (code == EXIT_OK)
        code = send_feed(call, &b,
                         &(struct broker_request){
                             .method = METHOD_PUT, .path = buf_cstr(&path), .body = json_ref(body)},
                         "Changed.");
    broker_close(&b);
    json_free(body);
    buf_wipe(&secret);
    buf_deinit(&path);
    return code;
}

int verb_feed_secret(const struct command_call *call)
{
    struct json *body = json_object();
    struct buf secret, path;
    struct broker b;
    int code;

    buf_init(&secret, SECRET_BYTES_MAX);
    feed_path(call, "/secret", &path);
    put_text(call, "untested", "untested", body);
    if ((code = read_secret(call, &secret)) == EXIT_OK &&
        (code = broker_open(call, &b)) == EXIT_OK) {
        put_secret(body, &secret);
        code =
            send_feed(call, &b,
                      &(struct broker_request){
                          .method = METHOD_POST, .path = buf_cstr(&path), .body = json_ref(body)},
                      "The new secret is kept.");
        broker_close(&b);
    }
    json_free(body);
    buf_wipe(&secret);
    buf_deinit(&path);
    return code;
}
