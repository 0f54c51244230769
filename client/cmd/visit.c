/* The checks of `doctor`, in the order of the way; each says what it saw and what to do. */
#include "client/cmd/visit.h"

#include "client/cmd/talk.h"
#include "client/settings/way.h"
#include "lib/base/num.h"
#include "lib/http/client.h"
#include "lib/http/portal.h"
#include "lib/os/resolve.h"
#include "lib/term/out.h"
#include "lib/tls/look.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DIAL_MS = 5 * 1000,
    ASK_MS = 10 * 1000,
    SKEW_WARN_MS = 60 * 1000,
    SKEW_FAIL_MS = 5 * 60 * 1000
};

static struct check *add(struct visit *v, enum check_state state, const char *component)
{
    return checks_add(&v->checks, state, component);
}

static void skip(struct visit *v, const char *component, const char *needs)
{
    checks_say(&v->checks, CHECK_SKIP, component, NULL, NULL, "needs %s", needs);
}

static void host_of(const struct visit *v, char out[URL_HOST_MAX + 1])
{
    snprintf(out, URL_HOST_MAX + 1, "%.*s", VIEW_ARG(v->url.host));
}

/* ---- agent, proxy, name, TCP ------------------------------------------------------------- */

static void check_agent(struct visit *v)
{
    const char *version = talk_text(v->status, "agent_version");
    bool same = strcmp(version, SP_VERSION) == 0;
    struct check *r = add(v, same ? CHECK_PASS : CHECK_WARN, "Agent");

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
    struct check *r;

    if (!v->known) {
        skip(v, "Proxy", "a broker: sallyport login --broker URL");
        return;
    }
    host_of(v, host);
    if (settings_way(&v->proxy, &why) != SP_OK ||
        proxy_choose(&v->proxy, host, v->url.port, &why, &v->way) != SP_OK) {
        r = add(v, CHECK_FAIL, "Proxy");
        snprintf(r->target, sizeof r->target, "%s", v->proxy.origin == NULL ? "" : v->proxy.origin);
        snprintf(r->details, sizeof r->details, "%s", why.text);
        v->known = false;
        return;
    }
    bool exposed = proxy_login_exposed(&v->proxy, &why);
    r = add(v, exposed ? CHECK_WARN : CHECK_PASS, "Proxy");
    if (v->way.direct)
        snprintf(r->details, sizeof r->details, "none: the broker is dialled directly");
    else
        snprintf(r->target, sizeof r->target, "%s:%u", v->way.host, v->way.port);
    if (!v->way.direct)
        snprintf(r->details, sizeof r->details, "from %s", v->proxy.origin);
    if (v->way.skipped > 0)
        snprintf(r->action, sizeof r->action, "%u entries of no_proxy are not understood",
                 v->way.skipped);
    if (exposed)
        view_copy(r->action, sizeof r->action, view_str(why.text));
}

static void check_name(struct visit *v)
{
    struct address found[RESOLVE_ADDRESSES_MAX];
    sp_boot_ms began = clock_boot();
    char host[URL_HOST_MAX + 1];
    size_t count = 0, used = 0;
    struct check *r;
    sp_error e;

    if (!v->known) {
        skip(v, "DNS", "a broker");
        return;
    }
    host_of(v, host);
    const char *name = v->way.direct ? host : v->way.host;
    e = resolve_blocking(view_str(name), v->way.direct ? v->url.port : v->way.port, found, &count);
    r = add(v, e == SP_OK ? CHECK_PASS : CHECK_FAIL, "DNS");
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

/* A connected, non-blocking socket into *fd; 0, or the errno of the attempt. */
static int dial(const struct address *to, int *fd)
{
    socklen_t len = sizeof(int);
    int error = 0;

    *fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return errno;
    if (connect(*fd, (const struct sockaddr *)&to->at, to->len) != 0) {
        struct pollfd p = {.fd = *fd, .events = POLLOUT};

        error = errno;
        if (error == EINPROGRESS)
            error = poll(&p, 1, DIAL_MS) == 1 ? 0 : ETIMEDOUT;
        if (error == 0 && getsockopt(*fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
    }
    if (error != 0) {
        close(*fd);
        *fd = -1;
    }
    return error;
}

static void check_tcp(struct visit *v)
{
    sp_boot_ms began = clock_boot();
    struct check *r;
    int error, fd;

    if (!v->resolved) {
        skip(v, "TCP", "an address");
        return;
    }
    error = dial(&v->at, &fd);
    v->dialled = error == 0;
    r = add(v, v->dialled ? CHECK_PASS : CHECK_FAIL, "TCP");
    snprintf(r->target, sizeof r->target, "%s", address_text(&v->at).s);
    if (v->dialled) {
        close(fd);
        snprintf(r->details, sizeof r->details, "connected (%lld ms)",
                 (long long)(clock_boot() - began));
        return;
    }
    snprintf(r->details, sizeof r->details, "%s", strerror(error));
    snprintf(r->action, sizeof r->action, "%s",
             v->way.direct ? "a firewall between, or the broker is down"
                           : "the proxy does not answer: check its address");
}

/* ---- certificate and HTTP ---------------------------------------------------------------- */

/* Who signed what was refused: only where we dial ourselves. false: nothing was seen. */
static bool look_at_chain(struct visit *v, const char *ca, struct tls_seen *seen)
{
    struct tls_named named = {.ca_files = {ca[0] == '\0' ? NULL : ca}};
    char host[URL_HOST_MAX + 1];
    struct sp_why why = {0};
    sp_error e;
    int fd;

    host_of(v, host);
    if (!v->way.direct || dial(&v->at, &fd) != 0)
        return false;
    e = tls_look(fd, host, &named, clock_boot() + DIAL_MS, &why, seen);
    close(fd);
    return e == SP_OK && seen->refusal != TLS_REFUSAL_NONE;
}

static void explain_chain(struct visit *v, struct check *r, const char *ca)
{
    struct tls_seen seen = {0};
    char now[24] = "";
    time_t at = time(NULL);
    struct tm utc;

    snprintf(
        r->action, sizeof r->action,
        "a private CA (login --ca FILE), or a proxy opens TLS: ask your network team to exempt "
        "the broker");
    if (!look_at_chain(v, ca, &seen))
        return;
    if (gmtime_r(&at, &utc) != NULL)
        strftime(now, sizeof now, "%Y-%m-%d %H:%M", &utc);
    switch (seen.refusal) {
    case TLS_REFUSAL_ISSUER:
        snprintf(r->details, sizeof r->details,
                 "issuer \"%s\" is not trusted here: a proxy intercepts TLS, or it is a private CA",
                 seen.issuer);
        break;
    case TLS_REFUSAL_DATE:
        snprintf(r->details, sizeof r->details,
                 "the certificate holds from %s to %s UTC; this machine's clock says %s",
                 seen.valid_from, seen.valid_to, now);
        snprintf(r->action, sizeof r->action,
                 "set this machine's clock; if it is right, the broker needs a new certificate");
        break;
    case TLS_REFUSAL_NAME:
        snprintf(r->details, sizeof r->details,
                 "the certificate is for \"%s\", issued by \"%s\": another server answers here",
                 seen.subject, seen.issuer);
        snprintf(r->action, sizeof r->action,
                 "a captive portal, or a wrong name: open a web page first, or check --broker");
        break;
    default:
        break;
    }
}

/* Milliseconds that this machine is ahead of an answer's Date (RFC 9110: whole seconds). */
static bool ahead_of(struct view date, int64_t *ms)
{
    struct tm at = {0};
    char text[64];

    snprintf(text, sizeof text, "%.*s", VIEW_ARG(date));
    if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &at) == NULL)
        return false;
    *ms = clock_unix() - (int64_t)timegm(&at) * 1000 - 500;
    return true;
}

/* Where TLS does not come through, a portal often answers plain HTTP with its own page. */
static void check_portal(struct visit *v)
{
    char host[URL_HOST_MAX + 1], where[URL_HOST_MAX + 1];
    struct check *r;

    host_of(v, host);
    if (!portal_look(host, PORTAL_PORT, &v->proxy, where))
        return;
    r = add(v, CHECK_FAIL, "Portal");
    snprintf(r->target, sizeof r->target, "%s", where);
    snprintf(r->details, sizeof r->details,
             "this network answers in the broker's place: a captive portal");
    snprintf(r->action, sizeof r->action,
             "open any web page in a browser, accept the network's terms, then try again");
}

static sp_error ask_broker(struct visit *v, const char *ca, struct sp_why *why,
                           struct client_response *answer)
{
    struct client_options o = {.ca_file = ca[0] == '\0' ? NULL : ca, .proxy = &v->proxy};
    struct client *c = NULL;
    struct buf url;
    sp_error e;

    buf_init(&url, URL_BYTES_MAX);
    url_write_origin(&v->url, &url);
    buf_add_str(&url, "/api/openapi.json");
    if ((e = client_new(&o, why, &c)) == SP_OK)
        e = client_call(
            c,
            &(struct client_request){
                .method = METHOD_GET, .url = buf_cstr(&url), .deadline_ms = ASK_MS, .want = "date"},
            why, answer);
    buf_deinit(&url);
    client_free(c);
    return e;
}

static void judge_http(struct visit *v, const struct client_response *answer)
{
    struct check *r;

    v->answered = answer->status == 200 &&
                  view_is(view_slice(buf_view(&answer->type), 0, 16), "application/json");
    v->dated = ahead_of(buf_view(&answer->wanted), &v->ahead_ms);
    r = add(v, v->answered ? CHECK_PASS : CHECK_FAIL, "HTTP");
    snprintf(r->details, sizeof r->details,
             v->answered ? "a Sallyport broker answers" : "status %d is not a broker's",
             answer->status);
    if (!v->answered)
        snprintf(r->action, sizeof r->action,
                 "a captive portal or another server answers in its place");
}

/* One request of the way a browser goes: certificate, name, and that it is a broker at all. */
static void check_tls(struct visit *v)
{
    const char *ca = talk_text(json_get(v->status, "broker"), "ca");
    struct client_response answer;
    struct sp_why why = {0};
    struct check *r;
    sp_error e;

    if (!v->dialled) {
        skip(v, "TLS", "TCP");
        skip(v, "HTTP", "TLS");
        if (v->resolved)
            check_portal(v);
        return;
    }
    client_response_init(&answer);
    e = ask_broker(v, ca, &why, &answer);
    r = add(v, e == SP_OK ? CHECK_PASS : CHECK_FAIL, "TLS");
    snprintf(r->target, sizeof r->target, "%s", ca[0] == '\0' ? "system's CAs" : "own CA");
    snprintf(r->details, sizeof r->details, "%s",
             e == SP_OK ? "the certificate holds for this name" : why.text);
    if (e == SP_ERR_TLS)
        explain_chain(v, r, ca);
    if (e == SP_OK) {
        judge_http(v, &answer);
    } else {
        skip(v, "HTTP", "TLS");
        check_portal(v);
    }
    client_response_deinit(&answer);
}

/* The broker says its time when the control channel opens; else its web server does. */
static void check_clock(struct visit *v)
{
    const struct json *broker = json_get(v->status, "broker");
    bool open = json_is_true(json_get(broker, "connected"));
    int64_t off = open ? talk_int(broker, "skew_ms") : v->ahead_ms, size = off < 0 ? -off : off;
    struct check *r;

    if (!open && !v->dated) {
        skip(v, "Clock", "an answer of the broker");
        return;
    }
    r = add(v,
            size > SKEW_FAIL_MS   ? CHECK_FAIL
            : size > SKEW_WARN_MS ? CHECK_WARN
                                  : CHECK_PASS,
            "Clock");
    if (size < 60 * 1000)
        snprintf(r->details, sizeof r->details, "%lld.%lld s %s", (long long)(size / 1000),
                 (long long)(size % 1000 / 100), off < 0 ? "behind" : "ahead");
    else
        snprintf(r->details, sizeof r->details, "%s %s the broker's", out_age(size).s,
                 off < 0 ? "behind" : "ahead of");
    if (r->state != CHECK_PASS)
        snprintf(r->action, sizeof r->action,
                 "set the clock (timedatectl set-ntp true): codes and certificates need it");
}

static void check_control(struct visit *v)
{
    const struct json *broker = json_get(v->status, "broker");
    bool open = json_is_true(json_get(broker, "connected"));
    struct check *r;

    if (talk_text(broker, "url")[0] == '\0') {
        skip(v, "WebSocket", "a broker");
        return;
    }
    r = add(v, open ? CHECK_PASS : CHECK_FAIL, "WebSocket");
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

static void check_posture(struct visit *v)
{
    const struct json *p = json_get(v->status, "posture");
    long long fail = talk_int(p, "fail"), unknown = talk_int(p, "unknown");
    int64_t reported = talk_int(p, "reported");

    if (reported == 0) {
        skip(v, "Posture", "a first report");
        return;
    }
    struct check *r = add(v, fail > 0 ? CHECK_WARN : CHECK_PASS, "Posture");
    snprintf(r->details, sizeof r->details, "%lld pass, %lld fail, %lld unknown; reported %s",
             (long long)talk_int(p, "pass"), fail, unknown, out_ago(clock_unix() - reported).s);
    if (fail > 0 || unknown > 0)
        snprintf(r->action, sizeof r->action,
                 "sallyport posture says which; apps may ask for them");
}

static void check_login(struct visit *v)
{
    const struct json *login = json_get(v->status, "login");
    const struct json *device = json_get(v->status, "device");
    const char *user = talk_text(login, "user"), *state = talk_text(device, "state");
    bool open = json_is_true(json_get(json_get(v->status, "broker"), "connected"));
    int64_t until = talk_int(login, "until");
    struct check *r;

    if (!open) {
        skip(v, "Login", "the control channel");
        return;
    }
    r = add(v, user[0] != '\0' ? CHECK_PASS : CHECK_FAIL, "Login");
    snprintf(r->target, sizeof r->target, "%s", user);
    if (user[0] == '\0') {
        snprintf(r->details, sizeof r->details, "nobody is signed in, or the login has expired");
        snprintf(r->action, sizeof r->action, "sallyport login");
        return;
    }
    snprintf(r->details, sizeof r->details, "until %s, device %s", talk_time(until).s, state);
    if (until != 0 && until <= clock_unix()) {
        r->state = CHECK_FAIL;
        snprintf(r->details, sizeof r->details, "expired at %s", talk_time(until).s);
        snprintf(r->action, sizeof r->action, "sallyport login");
    } else if (strcmp(state, "approved") != 0) {
        r->state = CHECK_WARN;
        snprintf(r->action, sizeof r->action, "an administrator has to approve this device");
    }
}

/* A relay is known by a pin that the next grant brings: here, that one answers at all. Its own
 * certificate is refused by name and issuer; without a relay the handshake just breaks. */
static bool relay_answers(int fd, const char *text, const char *colon)
{
    static const char *const alpn[] = {"sallyport-tunnel/1", NULL};
    struct tls_named named = {.without_system_store = true, .alpn = alpn};
    char name[URL_HOST_MAX + 1];
    struct tls_seen seen = {0};
    struct sp_why why = {0};

    snprintf(name, sizeof name, "%.*s", (int)(colon - text), text);
    return tls_look(fd, name, &named, clock_boot() + DIAL_MS, &why, &seen) == SP_OK &&
           (seen.refusal == TLS_REFUSAL_ISSUER || seen.refusal == TLS_REFUSAL_NAME ||
            seen.refusal == TLS_REFUSAL_DATE);
}

/* The relay of the last session: what it was dialled at. */
static void check_relay(struct visit *v)
{
    const struct json *list = json_get(v->status, "relay_addresses");
    struct address at[RESOLVE_ADDRESSES_MAX];
    size_t found = 0;

    for (size_t i = 0; i < json_len(list) && i < RELAYS_MAX; i++) {
        const char *text = json_cstr(json_at(list, i));
        const char *colon = text == NULL ? NULL : strrchr(text, ':');
        sp_boot_ms began = clock_boot();
        uint64_t port = 0;
        int error = EHOSTUNREACH, fd;
        struct check *r = add(v, CHECK_FAIL, "Relay");

        snprintf(r->target, sizeof r->target, "%.300s", text == NULL ? "" : text);
        if (!v->way.direct) {
            r->state = CHECK_SKIP;
            snprintf(r->details, sizeof r->details, "is dialled through the proxy");
            continue;
        }
        if (colon != NULL && num_uint(view_str(colon + 1), 65535, &port) == SP_OK &&
            resolve_blocking((struct view){(const uint8_t *)text, (size_t)(colon - text)},
                             (uint16_t)port, at, &found) == SP_OK &&
            (error = dial(&at[0], &fd)) == 0) {
            error = relay_answers(fd, text, colon) ? 0 : ECONNRESET;
            close(fd);
        }
        if (error == 0) {
            r->state = CHECK_PASS;
            snprintf(r->details, sizeof r->details, "answers (%lld ms)",
                     (long long)(clock_boot() - began));
            continue;
        }
        snprintf(r->details, sizeof r->details, "%s",
                 error == ECONNRESET ? "ends the connection in its handshake" : strerror(error));
        snprintf(r->action, sizeof r->action,
                 "the broker answers and the relay does not: a firewall between, or it is down");
    }
    if (json_len(list) == 0)
        skip(v, "Relay", "a session since the agent's start");
}

/* ---- all of them ------------------------------------------------------------------------- */

/* ---- this machine ------------------------------------------------------------------------ */

/*
 * Apps' names are resolved by the agent at the far end (`sallyport proxy`, ssh's ProxyCommand), and
 * by nobody else. A resolver that answers for them sends whoever forgot the proxy somewhere.
 */
static void check_names(struct visit *v)
{
    static const char domain[] = "sallyport.internal";
    struct address at[RESOLVE_ADDRESSES_MAX];
    size_t count = 0;
    sp_error e = resolve_blocking(view_str(domain), 443, at, &count);

    if (e == SP_OK && count > 0)
        checks_say(&v->checks, CHECK_WARN, "Split DNS", domain,
                   "ask who runs the resolver not to answer for names that it does not have",
                   "this machine's resolver says %s: a name without the proxy leads there",
                   address_text(&at[0]).s);
    else if (e == SP_ERR_NOT_FOUND)
        checks_say(&v->checks, CHECK_PASS, "Split DNS", domain, NULL,
                   "nobody else answers for apps' names");
    else
        checks_say(&v->checks, CHECK_WARN, "Split DNS", domain,
                   "look at /etc/resolv.conf: the resolver of this machine is slow or away", "%s",
                   sp_error_text(e));
}

static void check_disk(struct visit *v)
{
    const char *folder = talk_text(v->status, "agent_state");

    if (folder[0] == '\0')
        skip(v, "Disk", "an agent of this version");
    else
        checks_disk(&v->checks, folder);
}

void visit_run(struct visit *v)
{
    static void (*const all[])(struct visit * v) = {
        check_agent,   check_proxy, check_name,  check_tcp,     check_tls,   check_clock,
        check_control, check_login, check_relay, check_posture, check_names, check_disk};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i](v);
    proxy_choice_wipe(&v->way);
    explicit_bzero(&v->proxy, sizeof v->proxy);
}
