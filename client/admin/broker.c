#include "client/admin/broker.h"

#include "client/admin/bootstrap.h"
#include "client/ipc/ipc.h"
#include "client/settings/way.h"
#include "lib/base/num.h"
#include "lib/http/url.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKET_WAIT_MS = 20 * 1000, TOKEN_BYTES_MAX = 512, REASONS_SHOWN = 8 };

/* ---- where, and who ---------------------------------------------------------------------- */

static int fail(const struct command_call *call, enum exit_code exit, const char *what,
                const char *why, const char *next)
{
    return command_fail(call,
                        &(struct command_failure){.exit = exit,
                                                  .code = exit == EXIT_LOGIN   ? "login"
                                                          : exit == EXIT_USAGE ? "usage"
                                                                               : "unreachable",
                                                  .what = what,
                                                  .why = why,
                                                  .next = next});
}

static void choose(char *out, size_t room, const char *option, const char *variable)
{
    const char *said = option != NULL ? option : getenv(variable);

    if (said != NULL && said[0] != '\0')
        view_copy(out, room, view_str(said));
}

static int gather(const struct command_call *call, struct settings *s)
{
    struct sp_why why = {0};
    struct buf path;
    sp_error e;

    buf_init(&path, 4096);
    e = settings_path(&path);
    if (e == SP_OK)
        e = settings_read(buf_cstr(&path), s, &why);
    else if (e == SP_ERR_NOT_FOUND)
        e = SP_OK;
    buf_deinit(&path);
    if (e != SP_OK)
        return fail(call, EXIT_USAGE, "The settings of sallyport-admin can't be read.", why.text,
                    "sallyport-admin logout, then login again");
    choose(s->broker, sizeof s->broker, command_value(call, "broker"), "SALLYPORT_BROKER");
    choose(s->ca, sizeof s->ca, command_value(call, "ca"), "SALLYPORT_CA_FILE");
    choose(s->token_file, sizeof s->token_file, command_value(call, "token-file"),
           "SALLYPORT_TOKEN_FILE");
    return EXIT_OK;
}

/* The first line of the token file; a token is one word. */
static int token_from_file(struct broker *b, const char *path)
{
    struct sp_why why = {0};
    struct buf text;
    size_t len = 0;
    sp_error e;

    buf_init(&text, TOKEN_BYTES_MAX);
    e = file_read_secret(path, TOKEN_BYTES_MAX, &text, &why);
    while (e == SP_OK && len < text.len && text.at[len] > ' ' && text.at[len] < 0x7f)
        len++;
    for (size_t i = len; e == SP_OK && i < text.len; i++)
        if (text.at[i] != '\n' && text.at[i] != '\r')
            e = sp_why_say(&why, SP_ERR_MALFORMED, "%s holds more than one token", path);
    if (e == SP_OK && len == 0)
        e = sp_why_say(&why, SP_ERR_MALFORMED, "%s is empty", path);
    buf_add_str(&b->authorization, "Bearer ");
    if (e == SP_OK)
        buf_add(&b->authorization, (struct view){text.at, len});
    buf_wipe(&text);
    buf_deinit(&text);
    return e == SP_OK ? EXIT_OK
                      : fail(b->call, EXIT_USAGE, "The token file can't be used.", why.text, NULL);
}

static int agent_refused(struct broker *b, const struct json *error)
{
    int64_t exit = 0;
    struct command_failure f = {.exit = EXIT_LOGIN,
                                .code = json_cstr(json_get(error, "code")),
                                .what = json_cstr(json_get(error, "what")),
                                .why = json_cstr(json_get(error, "why")),
                                .next = json_cstr(json_get(error, "next"))};

    if (json_integer(json_get(error, "exit"), &exit) && exit > 0 && exit <= EXIT_INTERRUPTED)
        f.exit = (enum exit_code)exit;
    if (f.what == NULL)
        f.what = "The agent gave no ticket.";
    return command_fail(b->call, &f);
}

/* A ticket of this user's agent, which also knows the broker and its private CA. */
static int ticket_from_agent(struct broker *b, struct settings *s)
{
    char path[IPC_PATH_MAX];
    struct ipc_client *c = NULL;
    struct json *q = json_object(), *a = NULL;
    sp_error e = ipc_path(path);
    int code = EXIT_OK;

    json_set_cstr(q, "do", "ticket");
    if (e == SP_OK)
        e = ipc_client_new(path, &c);
    if (e == SP_OK)
        e = ipc_client_ask(c, q);
    else
        json_free(q);
    if (e == SP_OK)
        e = ipc_client_read(c, TICKET_WAIT_MS, &a);
    const char *ticket = json_cstr(json_get(a, "ticket"));
    const char *broker = json_cstr(json_get(a, "broker")), *ca = json_cstr(json_get(a, "ca"));
    if (e != SP_OK) {
        code = fail(b->call, EXIT_LOGIN, "Not signed in.",
                    "No token file is given and no agent of yours answers.",
                    "sallyport login, or --token-file FILE");
    } else if (ticket == NULL || broker == NULL) {
        code = agent_refused(b, json_get(a, "error"));
    } else {
        buf_addf(&b->authorization, "Bearer %s", ticket);
        if (s->broker[0] == '\0')
            view_copy(s->broker, sizeof s->broker, view_str(broker));
        if (s->ca[0] == '\0' && ca != NULL)
            view_copy(s->ca, sizeof s->ca, view_str(ca));
    }
    json_free(a);
    ipc_client_free(c);
    return code;
}

/* Scheme, host and port only: a pinned fingerprint after '#' and a path are dropped. */
static int set_origin(struct broker *b, const char *text)
{
    struct url u;
    struct buf origin;
    bool good = url_parse(view_str(text), &u) == SP_OK && u.https;

    buf_init(&origin, sizeof b->origin - 1);
    if (good) {
        url_write_origin(&u, &origin);
        good = buf_error(&origin) == SP_OK && origin.len > 0;
    }
    if (good)
        view_copy(b->origin, sizeof b->origin, buf_view(&origin));
    buf_deinit(&origin);
    if (good)
        return EXIT_OK;
    return fail(b->call, EXIT_USAGE,
                text[0] == '\0' ? "No broker is named." : "The broker's address is no https URL.",
                text, "--broker https://access.example.org");
}

/* As this person's other programs go, and with their warning. */
static int find_way(struct broker *b)
{
    struct sp_why why = {0};

    if (settings_way(&b->proxy, &why) != SP_OK)
        return fail(b->call, EXIT_USAGE, "The settings of sallyport can't be read.", why.text,
                    "sallyport get");
    if (proxy_login_exposed(&b->proxy, &why))
        fprintf(stderr, "Warning: %s.\n", why.text);
    return EXIT_OK;
}

int broker_open(const struct command_call *call, struct broker *out)
{
    struct broker b = {.call = call};
    struct settings s = {0};
    struct sp_why why = {0};
    int code;

    buf_init(&b.authorization, TOKEN_BYTES_MAX + sizeof "Bearer ");
    *out = b;
    code = find_way(out);
    if (code == EXIT_OK)
        code = gather(call, &s);
    if (code == EXIT_OK)
        code = s.token_file[0] != '\0' ? token_from_file(out, s.token_file)
                                       : ticket_from_agent(out, &s);
    if (code == EXIT_OK && bootstrap_is_token(out) && strcmp(call->command->name, "login") != 0)
        code = fail(call, EXIT_LOGIN, "A bootstrap token is spent once, by login.", NULL,
                    "sallyport-admin login --token-file FILE");
    if (code == EXIT_OK)
        code = set_origin(out, s.broker);
    if (code == EXIT_OK) {
        struct client_options o = {.ca_file = s.ca[0] == '\0' ? NULL : s.ca,
                                   .user_agent = "sallyport-admin/" SP_VERSION,
                                   .proxy = &out->proxy};
        if (client_new(&o, &why, &out->http) != SP_OK)
            code = fail(call, EXIT_USAGE, "The CA file can't be used.", why.text, NULL);
    }
    if (code != EXIT_OK)
        broker_close(out);
    return code;
}

void broker_close(struct broker *b)
{
    client_free(b->http);
    buf_wipe(&b->authorization);
    buf_deinit(&b->authorization);
    b->http = NULL;
    explicit_bzero(&b->proxy, sizeof b->proxy);
}

/* ---- what a refusal means ---------------------------------------------------------------- */

enum exit_code broker_exit(int status, const char *code)
{
    static const struct {
        const char *code;
        enum exit_code exit;
    } words[] = {
        {"login", EXIT_LOGIN},
        {"step_up", EXIT_STEP_UP},
        {"role", EXIT_DENIED},
        {"cross_site", EXIT_DENIED},
        {"malformed", EXIT_USAGE},
        {"invalid", EXIT_USAGE},
        {"too_large", EXIT_USAGE},
        {"media_type", EXIT_USAGE},
        {"unreachable", EXIT_UNREACHABLE},
        {"timeout", EXIT_UNREACHABLE},
        {"unavailable", EXIT_UNREACHABLE},
        {"busy", EXIT_UNREACHABLE},
    };

    for (size_t i = 0; code != NULL && i < sizeof words / sizeof *words; i++)
        if (strcmp(code, words[i].code) == 0)
            return words[i].exit;
    return status == 401                                     ? EXIT_LOGIN
           : status == 403                                   ? EXIT_DENIED
           : status == 400 || status == 422                  ? EXIT_USAGE
           : status == 502 || status == 503 || status == 504 ? EXIT_UNREACHABLE
                                                             : EXIT_ERROR;
}

static void add_all(struct buf *out, const struct json *list)
{
    for (size_t i = 0; i < json_len(list) && i < REASONS_SHOWN; i++)
        if (json_cstr(json_at(list, i)) != NULL)
            buf_addf(out, "%s%s", out->len == 0 ? "" : " ", json_cstr(json_at(list, i)));
}

static const char *next_for(enum exit_code exit, const char *code)
{
    return exit == EXIT_LOGIN     ? "sallyport login, or --token-file FILE"
           : exit == EXIT_STEP_UP ? "sallyport login --extend, and within 5 minutes this again"
           : exit == EXIT_DENIED  ? "ask an administrator: your role does not allow this"
           : code != NULL && strcmp(code, "conflict") == 0 ? "read it again, then repeat"
                                                           : NULL;
}

static int problem(struct broker *b, int status, struct view body)
{
    struct json *j = NULL;
    struct buf why, next;
    char what[128];
    int64_t line = 0;

    buf_init(&why, 4096);
    buf_init(&next, 4096);
    /* An answer that is no problem document (a proxy's page) is told by its status alone. */
    if (json_parse(body, BROKER_ANSWER_MAX, NULL, &j) != SP_OK)
        j = NULL;
    const char *code = json_cstr(json_get(j, "code")), *title = json_cstr(json_get(j, "title"));
    const char *field = json_cstr(json_get(j, "field"));
    enum exit_code exit = broker_exit(status, code);

    if (title != NULL)
        snprintf(what, sizeof what, "%.100s.", title);
    else
        snprintf(what, sizeof what, "The broker answered with status %d.", status);
    if (json_integer(json_get(j, "line"), &line) && line > 0)
        buf_addf(&why, "Line %lld: ", (long long)line);
    if (json_cstr(json_get(j, "detail")) != NULL)
        buf_add_str(&why, json_cstr(json_get(j, "detail")));
    if (field != NULL && field[0] != '\0')
        buf_addf(&why, " (%s)", field);
    add_all(&why, json_get(j, "reasons"));
    add_all(&next, json_get(j, "remedies"));
    if (next.len == 0 && next_for(exit, code) != NULL)
        buf_add_str(&next, next_for(exit, code));
    command_fail(b->call,
                 &(struct command_failure){.exit = exit,
                                           .code = code == NULL ? "http" : code,
                                           .what = what,
                                           .why = buf_cstr(&why),
                                           .next = buf_cstr(&next),
                                           .request = json_cstr(json_get(j, "request_id"))});
    buf_deinit(&next);
    buf_deinit(&why);
    json_free(j);
    return (int)exit;
}

/* ---- one call ---------------------------------------------------------------------------- */

static int transport_failed(struct broker *b, sp_error e, const char *why)
{
    return command_fail(
        b->call, &(struct command_failure){
                     .exit = e == SP_ERR_NOMEM || e == SP_ERR_LIMIT ? EXIT_ERROR : EXIT_UNREACHABLE,
                     .code = e == SP_ERR_TLS ? "tls" : "unreachable",
                     .what = e == SP_ERR_TLS ? "The broker's certificate was refused."
                                             : "The broker does not answer.",
                     .why = why[0] == '\0' ? sp_error_text(e) : why,
                     .next = e == SP_ERR_TLS ? "--ca FILE, when it has a private CA" : NULL});
}

static int exchange(struct broker *b, const struct client_request *q, struct client_response *r)
{
    struct sp_why why = {0};
    sp_error e = client_call(b->http, q, &why, r);

    return e == SP_OK ? EXIT_OK : transport_failed(b, e, why.text);
}

static void set_header(struct client_request *q, size_t *n, const char *name, struct view value)
{
    q->headers[*n].name = name;
    q->headers[*n].value = value;
    ++*n;
}

static int64_t version_of(const struct buf *etag)
{
    struct view v = buf_view(etag);
    uint64_t n;

    if (v.len < 3 || v.at[0] != '"' ||
        num_uint(view_slice(v, 1, v.len - 2), INT64_MAX, &n) != SP_OK)
        return 0;
    return (int64_t)n;
}

static int judge(struct broker *b, const struct broker_request *q, const struct client_response *r,
                 struct json **out)
{
    struct sp_why why = {0};

    *out = NULL;
    if (r->status == 204 || (r->status == 404 && q->quiet_not_found))
        return EXIT_OK;
    if (r->status < 200 || r->status > 299)
        return problem(b, r->status, buf_view(&r->body));
    if (json_parse(buf_view(&r->body), BROKER_ANSWER_MAX, &why, out) == SP_OK)
        return EXIT_OK;
    return fail(b->call, EXIT_UNREACHABLE, "The broker's answer is not JSON.", why.text,
                "is this address the broker's?");
}

int broker_call(struct broker *b, const struct broker_request *q, struct json **out, int64_t *etag)
{
    struct client_request http = {
        .method = q->method, .deadline_ms = BROKER_DEADLINE_MS, .body_max = BROKER_ANSWER_MAX};
    struct client_response r;
    struct buf url, body;
    char match[32];
    size_t n = 0;
    int code = EXIT_ERROR;

    client_response_init(&r);
    buf_init(&url, URL_BYTES_MAX);
    buf_init(&body, BROKER_ANSWER_MAX);
    buf_addf(&url, "%s%s", b->origin, q->path);
    http.url = buf_cstr(&url);
    set_header(&http, &n, "Authorization", buf_view(&b->authorization));
    set_header(&http, &n, "Accept", view_str("application/json, application/problem+json"));
    if (q->if_match != 0 || q->if_match_zero) {
        snprintf(match, sizeof match, "\"%lld\"", (long long)q->if_match);
        set_header(&http, &n, "If-Match", view_str(match));
    }
    if (q->if_none_match)
        set_header(&http, &n, "If-None-Match", view_str("*"));
    if (q->body != NULL)
        set_header(&http, &n, "Content-Type", view_str("application/json"));
    if (buf_error(&url) != SP_OK || (q->body != NULL && json_write(q->body, &body) != SP_OK)) {
        code = fail(b->call, EXIT_USAGE, "An argument is too long, or not UTF-8.", NULL, NULL);
    } else {
        http.body = buf_view(&body);
        code = exchange(b, &http, &r);
        if (code == EXIT_OK)
            code = judge(b, q, &r, out);
        if (code == EXIT_OK && etag != NULL)
            *etag = version_of(&r.etag);
    }
    json_free(q->body);
    buf_deinit(&body);
    buf_deinit(&url);
    client_response_deinit(&r);
    return code;
}

int broker_text(struct broker *b, const char *path, struct buf *text, struct buf *next)
{
    struct client_request http = {.method = METHOD_GET,
                                  .deadline_ms = BROKER_DEADLINE_MS,
                                  .body_max = BROKER_ANSWER_MAX,
                                  .want = "sallyport-next"};
    struct client_response r;
    struct buf url;
    size_t n = 0;
    int code;

    client_response_init(&r);
    buf_init(&url, URL_BYTES_MAX);
    buf_addf(&url, "%s%s", b->origin, path);
    http.url = buf_cstr(&url);
    set_header(&http, &n, "Authorization", buf_view(&b->authorization));
    code = exchange(b, &http, &r);
    if (code == EXIT_OK && r.status != 200)
        code = problem(b, r.status, buf_view(&r.body));
    buf_reset(next);
    if (code == EXIT_OK) {
        buf_add(text, buf_view(&r.body));
        buf_add(next, buf_view(&r.wanted));
        if (buf_error(text) != SP_OK || buf_error(next) != SP_OK)
            code = fail(b->call, EXIT_ERROR, "Out of memory.", NULL, NULL);
    }
    buf_deinit(&url);
    client_response_deinit(&r);
    return code;
}
