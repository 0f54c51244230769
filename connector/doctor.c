#include "connector/doctor.h"

#include "connector/config.h"
#include "connector/floor.h"
#include "connector/state.h"

#include "lib/edge/bugreport.h"
#include "lib/edge/status.h"
#include "lib/term/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { TEST_MS = 12 * 1000, LOOK_US = 200 * 1000, AUDIT_LATE_MS = 60 * 1000 };

struct visit {
    struct connector_config config;
    struct connector_state state;
    struct json *status; /* of the running connector; NULL: none runs */
    struct checks checks;
    bool configured, enrolled;
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

static void check_files(struct visit *v, const struct command_call *call)
{
    const char *path = command_value(call, "config");
    struct sp_why why = {{0}, {0}, 0, 0};
    struct floor *floor = NULL;
    sp_error e = connector_config_load(path, command_value(call, "state"), &v->config, &why);

    v->configured = e == SP_OK;
    checks_say(&v->checks, v->configured ? CHECK_PASS : CHECK_FAIL, "Config",
               path != NULL ? path : CONNECTOR_CONFIG_PATH, NULL, "%s",
               v->configured ? "" : why.text);
    if (!v->configured) {
        checks_say(&v->checks, CHECK_SKIP, "State", NULL, NULL, "needs the configuration");
        checks_say(&v->checks, CHECK_SKIP, "Floor", NULL, NULL, "needs the configuration");
        return;
    }
    v->enrolled = state_load(v->config.state, &v->state, &why) == SP_OK;
    checks_say(&v->checks, v->enrolled ? CHECK_PASS : CHECK_FAIL, "State", v->config.state,
               v->enrolled ? NULL : "sallyport-connector enrol --token-file FILE", "%s%s",
               v->enrolled ? "a connector of the site " : "",
               v->enrolled ? v->state.site_name : why.text);
    checks_disk(&v->checks, v->config.state);
    e = floor_load(v->config.floor, &why, &floor);
    checks_say(&v->checks, e == SP_OK ? CHECK_PASS : CHECK_FAIL, "Floor", v->config.floor,
               e == SP_OK ? NULL : "until it is right, nothing new of it is in force", "%s",
               e == SP_OK ? "reads well" : why.text);
    floor_free(floor);
}

static void check_way(struct visit *v)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf path = {0};
    struct proxy_env proxy;
    sp_error e;

    if (!v->enrolled) {
        checks_say(&v->checks, CHECK_SKIP, "Broker", NULL, NULL, "needs the enrolment");
        return;
    }
    if ((e = connector_proxy(&v->config, &proxy, &why)) != SP_OK)
        checks_say(&v->checks, CHECK_FAIL, "Proxy", NULL, NULL, "%s",
                   why.text[0] != '\0' ? why.text : sp_error_text(e));
    else
        checks_way(&v->checks, v->state.host, v->state.port, &proxy,
                   v->state.has_ca ? state_path(&v->state, &path, "ca.pem") : NULL);
    explicit_bzero(&proxy, sizeof proxy);
    buf_deinit(&path);
}

static void check_running(struct visit *v)
{
    bool ready = false;

    if (!v->configured)
        return;
    if (status_ask(v->config.health, "GET /status", &ready, &v->status) != SP_OK) {
        checks_say(&v->checks, CHECK_FAIL, "Program", v->config.health, "sallyport-connector run",
                   "no connector answers here");
        return;
    }
    checks_say(&v->checks, CHECK_PASS, "Program", v->config.health, NULL, "runs, %lld sessions",
               int_of(v->status, "sessions"));
    checks_say(&v->checks, ready ? CHECK_PASS : CHECK_FAIL, "Control", text_of(v->status, "broker"),
               ready ? NULL : "its log says why (control.lost)", "%s",
               text_of(v->status, "control"));
}

/* What waits for the broker's audit log, and whether new sessions are refused for it. */
static void check_audit(struct visit *v)
{
    const struct json *a = json_get(v->status, "audit");
    long long waiting = int_of(a, "waiting"), oldest = int_of(a, "oldest");
    long long dropped = int_of(a, "dropped"), unread = int_of(a, "unread");
    bool refusing = json_is_true(json_get(a, "refusing"));
    bool late = waiting > 0 && oldest > 0 && clock_unix() - oldest > AUDIT_LATE_MS;
    char lost[80] = "";

    if (a == NULL)
        return;
    if (dropped > 0 || unread > 0)
        snprintf(lost, sizeof lost, "; %lld found no room, %lld bytes can't be read", dropped,
                 unread);
    checks_say(&v->checks,
               refusing                            ? CHECK_FAIL
               : late || dropped > 0 || unread > 0 ? CHECK_WARN
                                                   : CHECK_PASS,
               "Audit", text_of(a, "disk"),
               refusing ? "make room on the disk, or let it reach its broker: until then it takes "
                          "no new session"
               : late   ? "its log says why the broker does not take them (audit.send)"
                        : NULL,
               "%lld records wait, %lld of %lld KiB%s", waiting, int_of(a, "bytes") / 1024,
               int_of(a, "bytes_max") / 1024, lost);
}

static void check_relays(struct visit *v)
{
    const struct json *relays = json_get(v->status, "relays");

    if (v->status == NULL)
        return;
    if (json_len(relays) == 0)
        checks_say(&v->checks, CHECK_FAIL, "Relay", NULL,
                   "no relay lets this connector stand: see the console's relays",
                   "it stands nowhere: no session can come");
    for (size_t i = 0; i < json_len(relays); i++) {
        const struct json *r = json_at(relays, i);
        long long spares = int_of(r, "spares");
        checks_say(&v->checks, spares > 0 ? CHECK_PASS : CHECK_WARN, "Relay", text_of(r, "id"),
                   NULL, "stands there, %lld spares wait, %lld us away", spares,
                   int_of(r, "rtt_us"));
    }
}

/* The running connector tests its apps; we wait for the results. */
static bool run_tests(struct visit *v)
{
    sp_boot_ms until = clock_boot() + TEST_MS;
    struct json *j = NULL;
    bool ok = false;

    if (status_ask(v->config.health, "POST /test", &ok, &j) != SP_OK || !ok) {
        json_free(j);
        return false;
    }
    json_free(j);
    do {
        usleep(LOOK_US);
        json_free(v->status);
        v->status = NULL;
        if (status_ask(v->config.health, "GET /status", &ok, &v->status) != SP_OK)
            return false;
    } while (json_is_true(json_get(v->status, "testing")) && clock_boot() < until);
    return true;
}

static void check_apps(struct visit *v)
{
    if (v->status == NULL || !run_tests(v)) {
        checks_say(&v->checks, CHECK_SKIP, "App", NULL, NULL, "needs the running connector");
        return;
    }
    const struct json *dials = json_get(v->status, "dials");
    for (size_t i = 0; i < json_len(dials); i++) {
        const struct json *d = json_at(dials, i);
        const char *last = text_of(d, "last");
        bool good = strcmp(last, "connected") == 0;

        checks_say(&v->checks, good ? CHECK_PASS : CHECK_FAIL, "App", text_of(d, "name"),
                   good ? NULL
                   : strcmp(last, "floor") == 0
                       ? "allow it in the floor file, or remove the app"
                       : "is the app up, and is there a way to it from here?",
                   "%s", last);
    }
}

static void visit(struct visit *v, const struct command_call *call)
{
    check_files(v, call);
    check_way(v);
    check_running(v);
    check_audit(v);
    check_relays(v);
    check_apps(v);
}

static void visit_end(struct visit *v)
{
    json_free(v->status);
    state_end(&v->state);
    connector_config_end(&v->config);
    free(v);
}

int cmd_doctor(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);

    if (v == NULL)
        return EXIT_ERROR;
    visit(v, call);
    int code = checks_print(&v->checks, call, "connector.doctor");
    visit_end(v);
    return code;
}

/* ---- bugreport ---------------------------------------------------------------------------- */

struct files {
    const char *config;
    const struct visit *visit;
};

static void add_files(void *arg, struct parcel *p)
{
    const struct files *f = arg;

    parcel_add_file(p, "connector.yaml", f->config != NULL ? f->config : CONNECTOR_CONFIG_PATH);
    if (f->visit->configured)
        parcel_add_file(p, "floor", f->visit->config.floor);
}

int cmd_bugreport(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);

    if (v == NULL)
        return EXIT_ERROR;
    visit(v, call);
    struct files files = {command_value(call, "config"), v};
    const struct bugreport b = {.program = "sallyport-connector",
                                .schema = "connector.bugreport",
                                .checks = &v->checks,
                                .status = v->status,
                                .more = add_files,
                                .arg = &files};
    int code = bugreport_write(call, &b);
    visit_end(v);
    return code;
}
