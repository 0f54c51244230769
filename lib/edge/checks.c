#include "lib/edge/checks.h"

#include "lib/http/client.h"
#include "lib/http/portal.h"
#include "lib/http/url.h"
#include "lib/os/resolve.h"
#include "lib/term/out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { DIAL_MS = 5 * 1000, ASK_MS = 10 * 1000, DISK_WARN_MIB = 512, DISK_FAIL_MIB = 32 };

static const char *const words[] = {"SKIP", "PASS", "WARN", "FAIL"};

struct check *checks_add(struct checks *c, enum check_state state, const char *component)
{
    struct check *r = &c->rows[c->count < CHECKS_MAX ? c->count++ : CHECKS_MAX - 1];

    *r = (struct check){.state = state};
    snprintf(r->component, sizeof r->component, "%s", component);
    return r;
}

void checks_say(struct checks *c, enum check_state state, const char *component, const char *target,
                const char *action, const char *details, ...)
{
    struct check *r = checks_add(c, state, component);
    va_list args;

    snprintf(r->target, sizeof r->target, "%s", target == NULL ? "" : target);
    snprintf(r->action, sizeof r->action, "%s", action == NULL ? "" : action);
    va_start(args, details);
    vsnprintf(r->details, sizeof r->details, details, args);
    va_end(args);
}

/* ---- the way to the broker ---------------------------------------------------------------- */

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

static bool check_proxy(struct checks *c, const char *host, uint16_t port,
                        const struct proxy_env *proxy, struct proxy_choice *way)
{
    struct sp_why why = {0};
    char target[300] = "";

    if (proxy_choose(proxy, host, port, &why, way) != SP_OK) {
        checks_say(c, CHECK_FAIL, "Proxy", "", "correct the proxy's address", "%s", why.text);
        return false;
    }
    if (!way->direct)
        snprintf(target, sizeof target, "%s:%u", way->host, way->port);
    bool exposed = proxy_login_exposed(proxy, &why);
    checks_say(c, exposed ? CHECK_WARN : CHECK_PASS, "Proxy", target, why.text, "%s",
               way->direct ? "none: the broker is dialled directly" : proxy->origin);
    return true;
}

static bool check_name(struct checks *c, const char *name, uint16_t port, struct address *out)
{
    struct address found[RESOLVE_ADDRESSES_MAX];
    sp_boot_ms began = clock_boot();
    size_t count = 0;
    sp_error e = resolve_blocking(view_str(name), port, found, &count);

    if (e != SP_OK || count == 0) {
        checks_say(c, CHECK_FAIL, "DNS", name, "check the name, and this machine's resolver", "%s",
                   sp_error_text(e));
        return false;
    }
    *out = found[0];
    checks_say(c, CHECK_PASS, "DNS", name, NULL, "%s, %zu in all (%lld ms)", address_text(out).s,
               count, (long long)(clock_boot() - began));
    return true;
}

static bool check_tcp(struct checks *c, const struct address *to, bool direct)
{
    sp_boot_ms began = clock_boot();
    int error = dial(to);

    if (error == 0)
        checks_say(c, CHECK_PASS, "TCP", address_text(to).s, NULL, "connected (%lld ms)",
                   (long long)(clock_boot() - began));
    else
        checks_say(c, CHECK_FAIL, "TCP", address_text(to).s,
                   direct ? "a firewall between, or the broker is down"
                          : "the proxy does not answer",
                   "%s", strerrordesc_np(error));
    return error == 0;
}

/* Where the broker's port or its TLS does not come through, the network may say why. */
static void check_portal(struct checks *c, const char *host, const struct proxy_env *proxy)
{
    char where[URL_HOST_MAX + 1];

    if (portal_look(host, PORTAL_PORT, proxy, where))
        checks_say(c, CHECK_FAIL, "Portal", where,
                   "accept its terms in a browser of this network, or have this machine exempted; "
                   "it is back by itself then",
                   "this network answers in the broker's place: a captive portal");
}

/* One request of the way a browser goes: certificate, name, and that it is a broker at all. false:
 * TLS did not come through. */
static bool check_tls(struct checks *c, const char *host, uint16_t port,
                      const struct proxy_env *proxy, const char *ca)
{
    struct client_options o = {.ca_file = ca, .proxy = proxy};
    struct client_response answer;
    struct sp_why why = {0};
    struct client *client = NULL;
    char url[400];
    bool v6 = strchr(host, ':') != NULL;
    sp_error e;

    snprintf(url, sizeof url, "https://%s%s%s:%u/api/openapi.json", v6 ? "[" : "", host,
             v6 ? "]" : "", port);
    client_response_init(&answer);
    const struct client_request q = {.method = METHOD_GET, .url = url, .deadline_ms = ASK_MS};
    if ((e = client_new(&o, &why, &client)) == SP_OK)
        e = client_call(client, &q, &why, &answer);
    checks_say(c, e == SP_OK ? CHECK_PASS : CHECK_FAIL, "TLS",
               ca == NULL ? "system's CAs" : "own CA and the system's",
               e == SP_ERR_TLS ? "a private CA that is not known here, or a proxy that opens TLS"
                               : NULL,
               "%s", e == SP_OK ? "the certificate holds for this name" : why.text);
    bool broker = e == SP_OK && answer.status == 200 &&
                  view_is(view_slice(buf_view(&answer.type), 0, 16), "application/json");
    if (e != SP_OK)
        checks_say(c, CHECK_SKIP, "HTTP", NULL, NULL, "needs TLS");
    else if (broker)
        checks_say(c, CHECK_PASS, "HTTP", NULL, NULL, "a Sallyport broker answers");
    else
        checks_say(c, CHECK_FAIL, "HTTP", NULL, "another server answers in its place",
                   "status %d is not a broker's", answer.status);
    client_response_deinit(&answer);
    client_free(client);
    return e == SP_OK;
}

bool checks_reach(struct checks *c, const char *host, uint16_t port, const struct proxy_env *proxy)
{
    struct proxy_choice way = {0};
    struct address at;

    bool on = check_proxy(c, host, port, proxy, &way);
    if (on)
        on = check_name(c, way.direct ? host : way.host, way.direct ? port : way.port, &at);
    else
        checks_say(c, CHECK_SKIP, "DNS", NULL, NULL, "needs a way to go");
    if (on)
        on = check_tcp(c, &at, way.direct);
    else
        checks_say(c, CHECK_SKIP, "TCP", NULL, NULL, "needs an address");
    proxy_choice_wipe(&way);
    return on;
}

void checks_way(struct checks *c, const char *host, uint16_t port, const struct proxy_env *proxy,
                const char *ca)
{
    bool whole = false;

    if (checks_reach(c, host, port, proxy))
        whole = check_tls(c, host, port, proxy, ca);
    else
        checks_say(c, CHECK_SKIP, "TLS", NULL, NULL, "needs TCP");
    if (!whole)
        check_portal(c, host, proxy);
}

/* ---- what is printed ---------------------------------------------------------------------- */

void checks_disk(struct checks *c, const char *folder)
{
    struct statvfs s;

    if (statvfs(folder, &s) != 0) {
        checks_say(c, CHECK_FAIL, "Disk", folder, NULL, "%s", strerror(errno));
        return;
    }
    uint64_t free_mib = (uint64_t)s.f_bavail * s.f_frsize / (1024 * 1024);
    if ((s.f_flag & ST_RDONLY) != 0)
        checks_say(c, CHECK_FAIL, "Disk", folder, "mount it so that it can be written",
                   "is mounted read-only");
    else if (s.f_favail == 0 && s.f_files > 0)
        checks_say(c, CHECK_FAIL, "Disk", folder, "remove files", "has room for no further file");
    else
        checks_say(c,
                   free_mib < DISK_FAIL_MIB   ? CHECK_FAIL
                   : free_mib < DISK_WARN_MIB ? CHECK_WARN
                                              : CHECK_PASS,
                   "Disk", folder, free_mib < DISK_WARN_MIB ? "make room" : NULL,
                   "%llu MiB are free", (unsigned long long)free_mib);
}

size_t checks_failed(const struct checks *c)
{
    size_t failed = 0;

    for (size_t i = 0; i < c->count; i++)
        failed += c->rows[i].state == CHECK_FAIL;
    return failed;
}

struct json *checks_json(const struct checks *c)
{
    struct json *list = json_array(), *j = json_object();

    for (size_t i = 0; i < c->count; i++) {
        const struct check *r = &c->rows[i];
        struct json *row = json_object();

        json_set_cstr(row, "state", words[r->state]);
        json_set_cstr(row, "component", r->component);
        json_set_cstr(row, "target", r->target);
        json_set_cstr(row, "details", r->details);
        json_set_cstr(row, "action", r->action);
        json_push(list, row);
    }
    json_set(j, "checks", list);
    json_set_int(j, "failed", (int64_t)checks_failed(c));
    return j;
}

static enum out_tone tone_of(enum check_state s)
{
    static const enum out_tone tones[] = {OUT_PLAIN, OUT_GOOD, OUT_WARN, OUT_BAD};

    return tones[s];
}

/* The action stands in a row of its own below the check that needs it. */
static void print_rows(const struct checks *c, const struct out *out)
{
    struct out_table *t = out_table_new(NULL, 4);

    for (size_t i = 0; t != NULL && i < c->count; i++) {
        const struct check *r = &c->rows[i];
        struct out_cell cells[4] = {{words[r->state], tone_of(r->state)},
                                    {r->component, OUT_PLAIN},
                                    {r->target, OUT_PLAIN},
                                    {r->details, OUT_PLAIN}};
        struct out_cell action[4] = {
            {"", OUT_PLAIN}, {"", OUT_PLAIN}, {"action", OUT_PLAIN}, {r->action, OUT_PLAIN}};

        out_table_row(t, cells);
        if (r->action[0] != '\0')
            out_table_row(t, action);
    }
    sp_ignore(t == NULL ? SP_ERR_NOMEM : out_table_print(t, out)); /* the exit code tells it too */
    out_table_free(t);
}

int checks_print(const struct checks *c, const struct command_call *call, const char *schema)
{
    struct out out = out_on(stdout);
    size_t failed = checks_failed(c);

    if (call->json) {
        int code = command_json(schema, checks_json(c));
        return failed > 0 ? EXIT_ERROR : code;
    }
    print_rows(c, &out);
    if (failed == 0)
        out_line(&out, "No check failed. Nothing was changed.");
    else
        out_line(&out, "%zu check%s failed. Nothing was changed.", failed, failed == 1 ? "" : "s");
    return failed > 0 || fflush(stdout) != 0 ? EXIT_ERROR : EXIT_OK;
}
