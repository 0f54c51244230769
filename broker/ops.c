#include "broker/ops.h"

#include "broker/control/control.h"
#include "broker/control/tally.h"
#include "broker/front.h"
#include "broker/ops_feeds.h"
#include "broker/ops_gateways.h"
#include "broker/posture/judge.h"
#include "broker/session/sessions.h"
#include "broker/store/store.h"
#include "lib/http/server.h"
#include "lib/os/acceptor.h"
#include "lib/os/loop.h"
#include "lib/os/resolve.h"
#include "lib/os/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { METRICS_MAX = 2 * 1024 * 1024 };

struct ops {
    struct ops_sources of;
    struct engine *engine;     /* owned */
    struct server *server;     /* owned */
    struct acceptor *acceptor; /* owned */
    int fd;
};

/* ---- health -----------------------------------------------------------------------------------
 */

struct check {
    const char *name;
    char text[120];
    bool ok;
};

struct spools {
    int64_t waiting, dropped;
    sp_unix_ms oldest;
};

static void add_spool(void *arg, const char *connector, const struct tally_spool *s)
{
    struct spools *sum = arg;

    (void)connector;
    sum->waiting += s->waiting;
    sum->dropped += s->dropped;
    if (s->oldest > 0 && (sum->oldest == 0 || s->oldest < sum->oldest))
        sum->oldest = s->oldest;
}

/* Never a reason not to be ready: the broker is what they wait for. */
static struct check check_spools(struct control *control)
{
    struct check c = {.name = "audit", .text = "ok", .ok = true};
    struct spools sum = {0};

    control_spools(control, add_spool, &sum);
    if (sum.waiting > 0 || sum.dropped > 0)
        snprintf(c.text, sizeof c.text,
                 "%lld records wait at connectors, the oldest for %lld s; %lld were dropped there",
                 (long long)sum.waiting,
                 (long long)(sum.oldest > 0 ? (clock_unix() - sum.oldest) / 1000 : 0),
                 (long long)sum.dropped);
    return c;
}

static struct check check_of(const char *name, bool ok, const char *otherwise)
{
    struct check c = {.name = name, .ok = ok};

    snprintf(c.text, sizeof c.text, "%s", ok ? "ok" : otherwise);
    return c;
}

/* What a feed does not say is unknown and decided as that: no reason not to be ready either. */
static struct check check_feeds(struct feeds *feeds)
{
    struct check c = {.name = "feeds", .ok = true};

    ops_feeds_text(feeds, c.text, sizeof c.text);
    return c;
}

enum { CHECKS_MAX = 5 };

static size_t run_checks(const struct ops *o, struct check out[CHECKS_MAX])
{
    size_t n = 0;

    if (o->of.store != NULL) {
        struct store_health h = store_health(o->of.store);
        out[n++] = check_of("store", !h.broken, "refuses: a sync failed");
        out[n++] = check_of("disk", !h.full, "full");
    }
    if (o->of.edges != NULL) {
        bool any = edges_count(o->of.edges, EDGE_RELAY) > 0;
        out[n++] = check_of("relay", any, "no relay is connected");
    }
    if (o->of.control != NULL)
        out[n++] = check_spools(o->of.control);
    if (o->of.feeds != NULL)
        out[n++] = check_feeds(o->of.feeds);
    return n;
}

static void ready(const struct ops *o, const struct request *req, struct response *res)
{
    bool verbose = view_is(view_slice(req->query, 0, 7), "verbose"), all = true;
    struct check checks[CHECKS_MAX];
    size_t n = run_checks(o, checks);
    struct buf text;

    buf_init(&text, 4096);
    for (size_t i = 0; i < n; i++) {
        all = all && checks[i].ok;
        if (verbose || !checks[i].ok)
            buf_addf(&text, "[%c] %s: %s\n", checks[i].ok ? '+' : '-', checks[i].name,
                     checks[i].text);
    }
    buf_add_str(&text, all ? "ready\n" : "not ready\n");
    response_text(res, all ? 200 : 503, "text/plain; charset=utf-8", buf_view(&text));
    buf_deinit(&text);
}

/* ---- metrics ----------------------------------------------------------------------------------
 */

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help,
                unsigned long long value)
{
    head(b, name, type, help);
    buf_addf(b, "%s %llu\n", name, value);
}

static void add_decisions(struct buf *b, const struct sessions_stats *s)
{
    static const char *const results[3] = {"deny", "step_up", "allow"};

    head(b, "sallyport_authz_decisions_total", "counter", "Decisions by result and reason.");
    for (size_t r = 0; r < 3; r++)
        for (size_t k = 0; k < 8; k++)
            if (s->decisions[r][k] > 0)
                buf_addf(b, "sallyport_authz_decisions_total{result=\"%s\",reason=\"%zu\"} %llu\n",
                         results[r], k, (unsigned long long)s->decisions[r][k]);
}

static void add_cuts(struct buf *b, const struct sessions_stats *s)
{
    static const char *const bounds[8] = {"0.05", "0.1", "0.25", "0.5", "1", "2", "5", "+Inf"};
    static const char name[] = "sallyport_revocation_duration_seconds";
    unsigned long long sum = 0;

    head(b, name, "histogram", "From the decision to the last byte.");
    for (size_t i = 0; i < 8; i++) {
        sum += s->cut_ms_buckets[i];
        buf_addf(b, "%s_bucket{le=\"%s\"} %llu\n", name, bounds[i], sum);
    }
    buf_addf(b, "%s_sum %.3f\n%s_count %llu\n", name, s->cut_seconds_sum, name, sum);
}

static void add_sessions(struct buf *b, const struct ops_sources *of)
{
    if (of->sessions != NULL) {
        struct sessions_stats s = sessions_stats(of->sessions);
        add_decisions(b, &s);
        add_cuts(b, &s);
        one(b, "sallyport_grants_total", "counter", "Grants signed.", s.grants);
        head(b, "sallyport_authz_decision_duration_seconds_sum", "counter", "Time spent deciding.");
        buf_addf(b, "sallyport_authz_decision_duration_seconds_sum %.6f\n",
                 (double)s.decide_ns_sum / 1e9);
    }
    if (of->live != NULL)
        one(b, "sallyport_sessions_active", "gauge", "Live sessions.", live_count(of->live));
}

static void add_edges(struct buf *b, const struct ops_sources *of)
{
    static const struct {
        enum edge_kind kind;
        const char *label;
    } kinds[] = {{EDGE_AGENT, "agent"}, {EDGE_CONNECTOR, "connector"}, {EDGE_RELAY, "relay"}};

    if (of->edges == NULL)
        return;
    head(b, "sallyport_edges_connected", "gauge", "Control channels by kind of peer.");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        buf_addf(b, "sallyport_edges_connected{kind=\"%s\"} %zu\n", kinds[i].label,
                 edges_count(of->edges, kinds[i].kind));
}

static void add_rest(struct buf *b, const struct ops_sources *of)
{
    if (of->store != NULL) {
        struct store_health h = store_health(of->store);
        one(b, "sallyport_audit_queue_depth", "gauge", "Writers that wait for the lane.",
            h.waiting);
        one(b, "sallyport_store_commits_total", "counter", "Transactions committed.", h.commits);
        one(b, "sallyport_store_batches_total", "counter", "Batches made durable.", h.batches);
    }
    if (of->judge != NULL) {
        struct judge_health h = judge_health(of->judge);
        head(b, "sallyport_posture_reports_total", "counter", "Posture reports by result.");
        buf_addf(b, "sallyport_posture_reports_total{result=\"accepted\"} %llu\n",
                 (unsigned long long)h.accepted);
        buf_addf(b, "sallyport_posture_reports_total{result=\"refused\"} %llu\n",
                 (unsigned long long)h.refused);
    }
    if (of->front != NULL) {
        struct front_counts c = front_counts(of->front);
        one(b, "sallyport_front_accepted_total", "counter", "Connections accepted.", c.accepted);
        one(b, "sallyport_front_tunnels_total", "counter", "Handed to the relay.", c.tunnels);
        one(b, "sallyport_front_refused_total", "counter", "Closed at the peek.", c.refused);
    }
    if (of->server != NULL)
        one(b, "sallyport_http_requests_total", "counter", "Requests that reached a handler.",
            server_counts(of->server).requests);
    if (of->control != NULL)
        one(b, "sallyport_control_unproven", "gauge", "Control channels before their proof.",
            control_counts(of->control).unproven);
}

/* Names of connectors are an administrator's text. */
static void add_label(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++)
        buf_add_byte(b, *text == '"' || *text == '\\' || *text < ' ' ? '_' : (uint8_t)*text);
}

struct spool_lines {
    struct buf *b;
    const char *family;
    int64_t (*value)(const struct tally_spool *s);
};

static void add_spool_line(void *arg, const char *connector, const struct tally_spool *s)
{
    struct spool_lines *l = arg;

    buf_addf(l->b, "%s{connector=\"", l->family);
    add_label(l->b, connector);
    buf_addf(l->b, "\"} %lld\n", (long long)l->value(s));
}

static int64_t waiting_of(const struct tally_spool *s)
{
    return s->waiting;
}

static int64_t age_of(const struct tally_spool *s)
{
    return s->oldest > 0 ? (clock_unix() - s->oldest) / 1000 : 0;
}

static int64_t dropped_of(const struct tally_spool *s)
{
    return s->dropped;
}

static void add_spools(struct buf *b, struct control *c)
{
    static const struct {
        const char *family, *type, *help;
        int64_t (*value)(const struct tally_spool *s);
    } families[] = {
        {"sallyport_audit_spool_records", "gauge", "Audit records that wait at a connector.",
         waiting_of},
        {"sallyport_audit_spool_oldest_seconds", "gauge", "Since when the oldest waits.", age_of},
        {"sallyport_audit_spool_dropped_total", "counter", "That found no room there.",
         dropped_of}};

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct spool_lines l = {b, families[i].family, families[i].value};
        head(b, l.family, families[i].type, families[i].help);
        control_spools(c, add_spool_line, &l);
    }
}

static void each_gateway(void *source, each_tally *each, void *arg)
{
    control_gateways(source, each, arg);
}

static void metrics(const struct ops *o, struct response *res)
{
    struct buf b;

    buf_init(&b, METRICS_MAX);
    head(&b, "sallyport_build_info", "gauge", "The version that runs.");
    buf_add_str(&b, "sallyport_build_info{version=\"" SP_VERSION "\"} 1\n");
    add_sessions(&b, &o->of);
    add_edges(&b, &o->of);
    add_rest(&b, &o->of);
    if (o->of.control != NULL)
        ops_gateways(&b, each_gateway, o->of.control);
    if (o->of.control != NULL)
        add_spools(&b, o->of.control);
    if (o->of.feeds != NULL)
        ops_feeds(&b, o->of.feeds);
    if (buf_error(&b) == SP_OK)
        response_text(res, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&b));
    buf_deinit(&b);
}

static void handle(void *arg, const struct request *req, struct response *res)
{
    const struct ops *o = arg;

    if (req->method != METHOD_GET && req->method != METHOD_HEAD)
        response_text(res, 405, "text/plain", view_str("GET only\n"));
    else if (view_is(req->path, "/livez"))
        response_text(res, 200, "text/plain", view_str("ok\n"));
    else if (view_is(req->path, "/readyz"))
        ready(o, req, res);
    else if (view_is(req->path, "/metrics"))
        metrics(o, res);
    else
        response_text(res, 404, "text/plain", view_str("there is /livez, /readyz, /metrics\n"));
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void on_accept(void *arg, int fd, const struct address *peer)
{
    struct ops *o = arg;

    (void)peer;
    sp_ignore(server_adopt(o->server, fd, NULL, 0)); /* too many: closed, which says it */
}

static sp_error start(struct ops *o, struct loop *loop, struct pool *pool, const char *listen,
                      struct sp_why *why)
{
    struct server_options options = {.pool = pool, .handle = handle, .arg = o, .body_max = 1024};
    struct address at;
    sp_error e;

    if (address_parse(view_str(listen), &at) != SP_OK || address_class(&at) != ADDRESS_LOOPBACK)
        return sp_why_say(why, SP_ERR_INVALID, "operations: %s is no loopback address with a port",
                          listen);
    if ((e = sock_listen(&at, NULL, &o->fd)) != SP_OK)
        return sp_why_say(why, e, "operations: can't listen on %s: %s", listen, sp_error_text(e));
    if ((e = engine_new(loop, &o->engine)) != SP_OK ||
        (e = server_new(o->engine, &options, why, &o->server)) != SP_OK)
        return e;
    return acceptor_start(loop, o->fd, on_accept, o, &o->acceptor);
}

sp_error ops_new(struct loop *loop, struct pool *pool, const char *listen,
                 const struct ops_sources *sources, struct sp_why *why, struct ops **out)
{
    struct ops *o = calloc(1, sizeof *o);
    sp_error e;

    if (o == NULL)
        return SP_ERR_NOMEM;
    o->of = *sources;
    o->fd = -1;
    if ((e = start(o, loop, pool, listen, why)) != SP_OK) {
        ops_free(o);
        return e;
    }
    *out = o;
    return SP_OK;
}

void ops_free(struct ops *o)
{
    if (o == NULL)
        return;
    acceptor_stop(o->acceptor);
    server_free(o->server);
    engine_free(o->engine);
    if (o->fd >= 0)
        close(o->fd);
    free(o);
}
