#include "relay/doctor.h"

#include "lib/edge/bugreport.h"
#include "lib/edge/status.h"
#include "lib/http/url.h"
#include "lib/os/file.h"
#include "relay/config.h"
#include "relay/state.h"

#include <stdio.h>
#include <stdlib.h>

struct visit {
    struct relay_config config;
    struct relay_state state;
    struct json *status; /* of the running relay; NULL: none runs */
    struct checks checks;
    const char *path;
    bool configured, opened;
};

static const char *text_of(const struct json *j, const char *name)
{
    const char *s = json_cstr(json_get(j, name));

    return s == NULL ? "" : s;
}

static long long int_of(const struct json *j, const char *name)
{
    int64_t n = 0;

    sp_ignore(json_get_int(j, name, INT64_MIN, INT64_MAX, &n)); /* absent: 0 */
    return (long long)n;
}

/* ---- the checks --------------------------------------------------------------------------- */

static void check_files(struct visit *v)
{
    struct sp_why why = {0};

    v->configured = relay_config_load(v->path, &v->config, &why) == SP_OK;
    checks_say(&v->checks, v->configured ? CHECK_PASS : CHECK_FAIL, "Config", v->path, NULL, "%s",
               v->configured ? "" : why.text);
    if (!v->configured) {
        checks_say(&v->checks, CHECK_SKIP, "State", NULL, NULL, "needs the configuration");
        return;
    }
    v->opened = relay_state_open(v->config.state, false, &v->state, &why) == SP_OK;
    bool enrolled = v->opened && relay_state_has_broker(&v->state);
    checks_say(
        &v->checks,
        !v->opened                                   ? CHECK_FAIL
        : enrolled || v->config.front_socket != NULL ? CHECK_PASS
                                                     : CHECK_FAIL,
        "State", v->config.state,
        enrolled || v->config.front_socket != NULL ? NULL : "sallyport-relay enrol TOKEN-FILE",
        "%s",
        !v->opened ? why.text
        : enrolled
            ? (id_is_zero(v->state.id) ? "a token waits for the next start" : "known to its broker")
            : "no broker is known yet");
}

static void check_disk(struct visit *v)
{
    if (v->configured)
        checks_disk(&v->checks, v->config.state);
}

static void check_way(struct visit *v)
{
    char host[URL_HOST_MAX + 1];
    struct proxy_env proxy;
    struct sp_why why = {0};
    struct url url;
    sp_error e;

    if (!v->opened || !relay_state_has_broker(&v->state) ||
        url_parse(view_str(v->state.broker.url), &url) != SP_OK) {
        checks_say(&v->checks, CHECK_SKIP, "Broker", NULL, NULL, "needs an enrolment");
        return;
    }
    snprintf(host, sizeof host, "%.*s", VIEW_ARG(url.host));
    /* the CA of an enrolment line is not in a file: TLS is judged by the running relay */
    if ((e = relay_proxy(&v->config, &proxy, &why)) != SP_OK)
        checks_say(&v->checks, CHECK_FAIL, "Proxy", NULL, NULL, "%s",
                   why.text[0] != '\0' ? why.text : sp_error_text(e));
    else if (v->state.broker.ca_len > 0)
        checks_reach(&v->checks, host, url.port, &proxy);
    else
        checks_way(&v->checks, host, url.port, &proxy, NULL);
    explicit_bzero(&proxy, sizeof proxy);
}

static void check_running(struct visit *v)
{
    bool ready = false;

    if (!v->configured)
        return;
    if (status_ask(v->config.health_socket, "GET /status", &ready, &v->status) != SP_OK) {
        checks_say(&v->checks, CHECK_FAIL, "Program", v->config.health_socket,
                   "sallyport-relay run", "no relay answers here");
        return;
    }
    const struct json *s = v->status;
    bool up = strcmp(text_of(s, "control"), "connected") == 0;
    checks_say(&v->checks, CHECK_PASS, "Program", v->config.health_socket, NULL,
               "runs, %lld sessions", int_of(s, "sessions"));
    checks_say(&v->checks, up ? CHECK_PASS : CHECK_FAIL, "Control", text_of(s, "broker"), NULL,
               "%s%s%s", text_of(s, "control"), text_of(s, "trouble")[0] != '\0' ? ": " : "",
               text_of(s, "trouble"));
    bool open = json_is_true(json_get(s, "accepting"));
    checks_say(&v->checks, open ? CHECK_PASS : CHECK_FAIL, "Port",
               v->config.listen != NULL ? v->config.listen : v->config.front_socket,
               open                       ? NULL
               : v->config.listen == NULL ? "does the broker of this machine run?"
                                          : "it drains, or the port could not be opened",
               "%s", open ? "takes connections" : "takes no connections");
    long long n = int_of(s, "connectors");
    checks_say(&v->checks, n > 0 ? CHECK_PASS : CHECK_WARN, "Connectors", NULL,
               n > 0 ? NULL : "without one no session can be opened here", "%lld stand here", n);
}

static void visit(struct visit *v, const struct command_call *call)
{
    const char *path = command_value(call, "config");

    v->state.lock = -1;
    v->path = path == NULL ? RELAY_CONFIG_PATH : path;
    check_files(v);
    check_disk(v);
    check_way(v);
    check_running(v);
}

static void visit_end(struct visit *v)
{
    json_free(v->status);
    if (v->opened)
        relay_state_close(&v->state);
    relay_config_free(&v->config);
    free(v);
}

int cmd_doctor(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);

    if (v == NULL)
        return EXIT_ERROR;
    visit(v, call);
    int code = checks_print(&v->checks, call, "relay.doctor");
    visit_end(v);
    return code;
}

/* ---- bugreport ---------------------------------------------------------------------------- */

static void add_files(void *arg, struct parcel *p)
{
    const struct visit *v = arg;

    parcel_add_file(p, "relay.yaml", v->path);
}

int cmd_bugreport(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);

    if (v == NULL)
        return EXIT_ERROR;
    visit(v, call);
    const struct bugreport b = {.program = "sallyport-relay",
                                .schema = "relay.bugreport",
                                .checks = &v->checks,
                                .status = v->status,
                                .more = add_files,
                                .arg = v};
    int code = bugreport_write(call, &b);
    visit_end(v);
    return code;
}
