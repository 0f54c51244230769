/* doctor: each step of the way to the broker on its own, from name to login; changes nothing. */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "lib/base/num.h"
#include "lib/http/client.h"
#include "lib/http/url.h"
#include "lib/os/resolve.h"
#include "lib/term/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DIAL_MS = 5 * 1000, ASK_MS = 10 * 1000, SKEW_MAX_MS = 60 * 1000, ROWS_MAX = 16 };

enum row_state { ROW_SKIP = 0, ROW_PASS, ROW_WARN, ROW_FAIL };

struct row {
    enum row_state state;
    const char *component;
    char target[320], details[640], action[320];
};

struct visit {
    const struct json *status; /* the agent's; borrowed */
    struct url url;
    bool known; /* a broker is named */
    struct proxy_env proxy;
    struct proxy_choice way;
    struct address at;
    bool resolved, dialled, answered;
    struct row rows[ROWS_MAX];
    size_t count;
};

static struct row *add(struct visit *v, enum row_state state, const char *component)
{
    struct row *r = &v->rows[v->count < ROWS_MAX ? v->count++ : ROWS_MAX - 1];

    *r = (struct row){.state = state, .component = component};
    return r;
}

static void skip(struct visit *v, const char *component, const char *needs)
{
    snprintf(add(v, ROW_SKIP, component)->details, sizeof v->rows[0].details, "needs %s", needs);
}

static void host_of(const struct visit *v, char out[URL_HOST_MAX + 1])
{
    snprintf(out, URL_HOST_MAX + 1, "%.*s", VIEW_ARG(v->url.host));
}

/* ---- the checks, in the order of the way -------------------------------------------------- */

static void check_agent(struct visit *v)
{
    const char *version = talk_text(v->status, "agent_version");
    bool same = strcmp(version, SP_VERSION) == 0;
    struct row *r = add(v, same ? ROW_PASS : ROW_WARN, "Agent");

    snprintf(r->target, sizeof r->target, "version %s", version);
    snprintf(r->details, sizeof r->details, "process %lld, up %s",
             (long long)talk_int(v->status, "agent_pid"),
             out_age(talk_int(v->status, "agent_up_ms")).s);
    if (!same)
        snprintf(r->action, sizeof r->action,
                 "this command is version %s: restart the agent after an upgrade", SP_VERSION);
}

static void check_proxy(struct visit *v)
{
    struct sp_why why = {0};
    char host[URL_HOST_MAX + 1];
    struct row *r;

    if (!v->known) {
        skip(v, "Proxy", "a broker: sallyport login --broker URL");
        return;
    }
    host_of(v, host);
    proxy_env_read(NULL, proxy_getenv, &v->proxy);
    if (proxy_choose(&v->proxy, host, v->url.port, &why, &v->way) != SP_OK) {
        r = add(v, ROW_FAIL, "Proxy");
        snprintf(r->target, sizeof r->target, "%s", v->proxy.origin == NULL ? "" : v->proxy.origin);
        snprintf(r->details, sizeof r->details, "%s", why.text);
        v->known = false;
        return;
    }
    r = add(v, ROW_PASS, "Proxy");
    if (v->way.direct)
        snprintf(r->details, sizeof r->details, "none: the broker is dialled directly");
    else
        snprintf(r->target, sizeof r->target, "%s:%u", v->way.host, v->way.port);
    if (!v->way.direct)
        snprintf(r->details, sizeof r->details, "from %s", v->proxy.origin);
    if (v->way.skipped > 0)
        snprintf(r->action, sizeof r->action, "%u entries of no_proxy are not understood",
                 v->way.skipped);
}

static void check_name(struct visit *v)
{
    struct address found[RESOLVE_ADDRESSES_MAX];
    sp_boot_ms began = clock_boot();
    char host[URL_HOST_MAX + 1];
    size_t count = 0, used = 0;
    struct row *r;
    sp_error e;

    if (!v->known) {
        skip(v, "DNS", "a broker");
        return;
    }
    host_of(v, host);
    const char *name = v->way.direct ? host : v->way.host;
    e = resolve_blocking(view_str(name), v->way.direct ? v->url.port : v->way.port, found, &count);
    r = add(v, e == SP_OK ? ROW_PASS : ROW_FAIL, "DNS");
    snprintf(r->target, sizeof r->target, "%.180s", name);
    if (e != SP_OK) {
        snprintf(r->details, sizeof r->details, "%s", sp_error_text(e));
        snprintf(r->action, sizeof r->action, "check the name, and this machine's resolver");
        return;
    }
    for (size_t i = 0; i < count && used + 80 < sizeof r->details; i++)
        used += (size_t)snprintf(r->details + used, sizeof r->details - used, "%s%s",
                                 i == 0 ? "" : ", ", address_text(&found[i]).s);
    snprintf(r->details + used, sizeof r->details - used, " (%lld ms)",
             (long long)(clock_boot() - began));
    v->at = found[0];
    v->resolved = true;
}

/* 0, or the errno of a connection attempt. */
static int dial(const struct address *to)
{
    socklen_t len = sizeof(int);
    int error = 0, fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return errno;
    if (connect(fd, (const struct sockaddr *)&to->at, to->len) != 0) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};

        error = errno;
        if (error == EINPROGRESS)
            error = poll(&p, 1, DIAL_MS) == 1 ? 0 : ETIMEDOUT;
        if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
    }
    close(fd);
    return error;
}

static void check_tcp(struct visit *v)
{
    sp_boot_ms began = clock_boot();
    int error;
    struct row *r;

    if (!v->resolved) {
        skip(v, "TCP", "an address");
        return;
    }
    error = dial(&v->at);
    v->dialled = error == 0;
    r = add(v, v->dialled ? ROW_PASS : ROW_FAIL, "TCP");
    snprintf(r->target, sizeof r->target, "%s", address_text(&v->at).s);
    if (v->dialled)
        snprintf(r->details, sizeof r->details, "connected (%lld ms)",
                 (long long)(clock_boot() - began));
    else
        snprintf(r->details, sizeof r->details, "%s", strerror(error));
    if (!v->dialled)
        snprintf(r->action, sizeof r->action, "%s",
                 v->way.direct ? "a firewall between, or the broker is down"
                               : "the proxy does not answer");
}

/* One request of the way a browser goes: certificate, name, and that it is a broker at all. */
static void check_tls(struct visit *v)
{
    const struct json *broker = json_get(v->status, "broker");
    const char *ca = talk_text(broker, "ca");
    struct client_options o = {.ca_file = ca[0] == '\0' ? NULL : ca, .proxy = &v->proxy};
    struct sp_why why = {0};
    struct client *c = NULL;
    struct client_response answer;
    struct buf url;
    sp_error e;

    if (!v->dialled) {
        skip(v, "TLS", "TCP");
        skip(v, "HTTP", "TLS");
        return;
    }
    client_response_init(&answer);
    buf_init(&url, URL_BYTES_MAX);
    url_write_origin(&v->url, &url);
    buf_add_str(&url, "/api/openapi.json");
    if ((e = client_new(&o, &why, &c)) == SP_OK)
        e = client_call(
            c,
            &(struct client_request){
                .method = METHOD_GET, .url = buf_cstr(&url), .deadline_ms = ASK_MS, .want = "date"},
            &why, &answer);
    struct row *r = add(v, e == SP_OK ? ROW_PASS : ROW_FAIL, "TLS");
    snprintf(r->target, sizeof r->target, "%s", ca[0] == '\0' ? "system's CAs" : "own CA");
    snprintf(r->details, sizeof r->details, "%s",
             e == SP_OK ? "the certificate holds for this name" : why.text);
    if (e == SP_ERR_TLS)
        snprintf(r->action, sizeof r->action,
                 "a private CA (login --ca FILE), or a proxy opens TLS: ask your network team to "
                 "exempt the broker");
    v->answered = e == SP_OK && answer.status == 200 &&
                  view_is(view_slice(buf_view(&answer.type), 0, 16), "application/json");
    if (e != SP_OK) {
        skip(v, "HTTP", "TLS");
    } else {
        r = add(v, v->answered ? ROW_PASS : ROW_FAIL, "HTTP");
        snprintf(r->details, sizeof r->details,
                 v->answered ? "a Sallyport broker answers" : "status %d is not a broker's",
                 answer.status);
        if (!v->answered)
            snprintf(r->action, sizeof r->action,
                     "a captive portal or another server answers in its place");
    }
    buf_deinit(&url);
    client_response_deinit(&answer);
    client_free(c);
}

/* The broker says its time when the control channel opens. */
static void check_clock(struct visit *v)
{
    const struct json *broker = json_get(v->status, "broker");
    long long off = talk_int(broker, "skew_ms");
    struct row *r;

    if (!json_is_true(json_get(broker, "connected"))) {
        skip(v, "Clock", "the control channel");
        return;
    }
    r = add(v, off > SKEW_MAX_MS || off < -SKEW_MAX_MS ? ROW_WARN : ROW_PASS, "Clock");
    snprintf(r->details, sizeof r->details, "%lld ms %s the broker's", off < 0 ? -off : off,
             off < 0 ? "behind" : "ahead of");
    if (r->state == ROW_WARN)
        snprintf(r->action, sizeof r->action, "set the clock: codes and certificates need it");
}

static void check_control(struct visit *v)
{
    const struct json *broker = json_get(v->status, "broker");
    bool open = json_is_true(json_get(broker, "connected"));
    struct row *r;

    if (talk_text(broker, "url")[0] == '\0') {
        skip(v, "WebSocket", "a broker");
        return;
    }
    r = add(v, open ? ROW_PASS : ROW_FAIL, "WebSocket");
    snprintf(r->target, sizeof r->target, "control channel");
    if (open && talk_int(broker, "rtt_ms") < 0)
        snprintf(r->details, sizeof r->details, "open");
    else if (open)
        snprintf(r->details, sizeof r->details, "open, round trip %lld ms",
                 (long long)talk_int(broker, "rtt_ms"));
    else
        snprintf(r->details, sizeof r->details, "%s", talk_text(broker, "lost"));
    if (!open && v->answered)
        snprintf(r->action, sizeof r->action,
                 "HTTPS works and this does not: something between stops websockets");
}

static void check_login(struct visit *v)
{
    const struct json *login = json_get(v->status, "login");
    const struct json *device = json_get(v->status, "device");
    const char *user = talk_text(login, "user"), *state = talk_text(device, "state");
    bool open = json_is_true(json_get(json_get(v->status, "broker"), "connected"));
    struct row *r;

    if (!open) {
        skip(v, "Login", "the control channel");
        return;
    }
    r = add(v, user[0] != '\0' ? ROW_PASS : ROW_FAIL, "Login");
    snprintf(r->target, sizeof r->target, "%s", user);
    if (user[0] == '\0')
        snprintf(r->action, sizeof r->action, "sallyport login");
    else
        snprintf(r->details, sizeof r->details, "until %s, device %s",
                 talk_time(talk_int(login, "until")).s, state);
    if (user[0] != '\0' && strcmp(state, "approved") != 0) {
        r->state = ROW_WARN;
        snprintf(r->action, sizeof r->action, "an administrator has to approve this device");
    }
}

static void check_posture(struct visit *v)
{
    const struct json *p = json_get(v->status, "posture");
    long long fail = talk_int(p, "fail"), unknown = talk_int(p, "unknown");
    int64_t reported = talk_int(p, "reported");

    if (reported == 0) {
        skip(v, "Posture", "a first report");
        return;
    }
    struct row *r = add(v, fail > 0 ? ROW_WARN : ROW_PASS, "Posture");
    snprintf(r->details, sizeof r->details, "%lld pass, %lld fail, %lld unknown; reported %s",
             (long long)talk_int(p, "pass"), fail, unknown, out_ago(clock_unix() - reported).s);
    if (fail > 0 || unknown > 0)
        snprintf(r->action, sizeof r->action,
                 "sallyport posture says which; apps may ask for them");
}

/* ---- what is printed --------------------------------------------------------------------- */

static const char *const words[] = {"SKIP", "PASS", "WARN", "FAIL"};

static struct json *rows_json(const struct visit *v)
{
    struct json *list = json_array();

    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];
        struct json *j = json_object();

        json_set_cstr(j, "state", words[r->state]);
        json_set_cstr(j, "component", r->component);
        json_set_cstr(j, "target", r->target);
        json_set_cstr(j, "details", r->details);
        json_set_cstr(j, "action", r->action);
        json_push(list, j);
    }
    return list;
}

static void print_rows(const struct visit *v, size_t failed)
{
    struct out out = out_on(stdout);

    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];

        out_line(&out, "%s  %-10s %s%s%s", words[r->state], r->component, r->target,
                 r->target[0] != '\0' && r->details[0] != '\0' ? "   " : "", r->details);
        if (r->action[0] != '\0')
            out_line(&out, "      %-10s %s", "action", r->action);
    }
    if (failed == 0)
        out_line(&out, "No check failed. Nothing was changed.");
    else
        out_line(&out, "%zu check%s failed. Nothing was changed.", failed, failed == 1 ? "" : "s");
}

int cmd_doctor(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);
    struct json *a = NULL;
    size_t failed = 0;
    int code = v == NULL ? EXIT_ERROR : talk_ask(call, talk_request("status"), &a);

    if (code != EXIT_OK) {
        free(v);
        return EXIT_ERROR;
    }
    v->status = a;
    v->known = url_parse(view_str(talk_text(json_get(a, "broker"), "url")), &v->url) == SP_OK;
    check_agent(v);
    check_proxy(v);
    check_name(v);
    check_tcp(v);
    check_tls(v);
    check_control(v);
    check_clock(v);
    check_login(v);
    check_posture(v);
    for (size_t i = 0; i < v->count; i++)
        failed += v->rows[i].state == ROW_FAIL;
    if (call->json) {
        struct json *j = json_object();

        json_set(j, "checks", rows_json(v));
        json_set_int(j, "failed", (int64_t)failed);
        code = command_json("doctor", j);
    } else {
        print_rows(v, failed);
    }
    proxy_choice_wipe(&v->way);
    json_free(a);
    free(v);
    return failed > 0 ? EXIT_ERROR : code;
}
