/* doctor and bugreport of the broker: its files, the way in from outside, and what the running one
 * says of itself. Changes nothing. */
#include "broker/commands.h"
#include "broker/config.h"
#include "broker/health.h"
#include "lib/edge/bugreport.h"
#include "lib/http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usual[] = "/etc/sallyport/broker.yaml";

struct visit {
    struct broker_config config;
    struct checks checks;
    const char *path;
    bool configured;
};

static void check_files(struct visit *v)
{
    struct sp_why why = {0};
    char store[600];
    sp_error e = broker_config_load(v->path, &v->config, &why);

    v->configured = e == SP_OK;
    if (e == SP_OK)
        e = broker_config_check(&v->config, &why);
    if (why.line > 0)
        checks_say(&v->checks, CHECK_FAIL, "Config", v->path, "sallyport-broker check",
                   "line %u, column %u: %s", why.line, why.column, why.text);
    else
        checks_say(&v->checks, e == SP_OK ? CHECK_PASS : CHECK_FAIL, "Config", v->path,
                   e == SP_OK ? NULL : "sallyport-broker check", "%s", e == SP_OK ? "" : why.text);
    if (!v->configured) {
        checks_say(&v->checks, CHECK_SKIP, "State", NULL, NULL, "needs the configuration");
        return;
    }
    snprintf(store, sizeof store, "%s/store.db", v->config.state);
    bool mine = access(store, R_OK | W_OK) == 0;
    checks_say(&v->checks, mine ? CHECK_PASS : CHECK_FAIL, "State", store,
               mine ? NULL : "run this as the broker's user; before its first start there is none",
               "%s", mine ? "is there, and ours to write" : "is not there, or not ours to write");
    checks_disk(&v->checks, v->config.state);
}

/* On the way out, to providers and feeds. Without a proxy there is nothing to say. */
static void check_proxy(struct visit *v)
{
    struct sp_why why = {0};
    struct proxy_env proxy;

    if (!v->configured)
        return;
    if (broker_proxy(&v->config, &proxy, &why) != SP_OK)
        checks_say(&v->checks, CHECK_FAIL, "Way out", v->config.proxy_login, NULL, "%s", why.text);
    else if (proxy_login_exposed(&proxy, &why))
        checks_say(&v->checks, CHECK_WARN, "Way out", NULL, why.text, "%s", proxy.origin);
    else if (proxy.url[0] != '\0')
        checks_say(&v->checks, CHECK_PASS, "Way out", NULL, NULL, "%s", proxy.origin);
    explicit_bzero(&proxy, sizeof proxy);
}

/* As people and edges come: by the public name. Before a proxy that ends TLS (`front: l7`) it is
 * the proxy that answers. */
static void check_way(struct visit *v)
{
    struct proxy_env direct = {0};
    char host[URL_HOST_MAX + 1];
    struct url url;

    if (!v->configured || url_parse(view_str(v->config.public_url), &url) != SP_OK) {
        checks_say(&v->checks, CHECK_SKIP, "Way in", NULL, NULL, "needs the configuration");
        return;
    }
    snprintf(host, sizeof host, "%.*s", VIEW_ARG(url.host));
    checks_way(&v->checks, host, url.port, &direct, v->config.ca_file);
}

/* "[+] NAME: TEXT" and "[-] NAME: TEXT" of /readyz?verbose, a row each. */
static void check_line(struct visit *v, const char *line, size_t len)
{
    const char *colon = len < 6 ? NULL : memchr(line + 4, ':', len - 4);
    bool good = len > 1 && line[1] == '+';
    char name[64];

    if (len < 6 || line[0] != '[' || colon == NULL)
        return;
    snprintf(name, sizeof name, "%.*s", (int)(colon - line - 4), line + 4);
    checks_say(&v->checks, good ? CHECK_PASS : CHECK_FAIL, "Broker", name,
               good ? NULL : "its log says more: journalctl -u sallyport-broker", "%.*s",
               (int)(line + len - colon - 1), colon + 1);
}

static void check_running(struct visit *v)
{
    struct client_response answer;
    struct sp_why why = {0};

    if (!v->configured) {
        checks_say(&v->checks, CHECK_SKIP, "Program", NULL, NULL, "needs the configuration");
        return;
    }
    client_response_init(&answer);
    if (health_ask(v->config.operations, true, &answer, &why) != SP_OK) {
        checks_say(&v->checks, CHECK_FAIL, "Program", v->config.operations,
                   "systemctl status sallyport-broker", "no broker answers here: %s", why.text);
    } else {
        const char *at = (const char *)answer.body.at, *end = at + answer.body.len;

        checks_say(&v->checks, answer.status == 200 ? CHECK_PASS : CHECK_FAIL, "Program",
                   v->config.operations, NULL, "%s",
                   answer.status == 200 ? "runs, and is ready" : "runs, and is not ready");
        while (at < end) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));

            stop = stop == NULL ? end : stop;
            check_line(v, at, (size_t)(stop - at));
            at = stop + 1;
        }
    }
    client_response_deinit(&answer);
}

static struct visit *visit(const struct command_call *call)
{
    struct visit *v = calloc(1, sizeof *v);
    const char *path = command_value(call, "config");

    if (v == NULL)
        return NULL;
    v->path = path == NULL ? usual : path;
    check_files(v);
    check_proxy(v);
    check_way(v);
    check_running(v);
    return v;
}

static void visit_end(struct visit *v)
{
    broker_config_free(&v->config);
    free(v);
}

int cmd_doctor(const struct command_call *call)
{
    struct visit *v = visit(call);
    int code = v == NULL ? EXIT_ERROR : checks_print(&v->checks, call, "broker.doctor");

    if (v != NULL)
        visit_end(v);
    return code;
}

static void add_files(void *arg, struct parcel *p)
{
    parcel_add_file(p, "broker.yaml", arg);
}

int cmd_bugreport(const struct command_call *call)
{
    struct visit *v = visit(call);

    if (v == NULL)
        return EXIT_ERROR;
    const struct bugreport b = {.program = "sallyport-broker",
                                .schema = "broker.bugreport",
                                .checks = &v->checks,
                                .more = add_files,
                                .arg = (void *)(uintptr_t)v->path};
    int code = bugreport_write(call, &b);
    visit_end(v);
    return code;
}
