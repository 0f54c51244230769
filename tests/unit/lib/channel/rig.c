#include "tests/unit/lib/channel/rig.h"

#include "lib/os/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *rig_data(const char *name)
{
    static char paths[8][512];
    static unsigned at;
    const char *top = getenv("srcdir");
    char *path = paths[at++ % 8];

    snprintf(path, sizeof paths[0], "%s/tests/data/tls/%s", top != NULL ? top : ".", name);
    return path;
}

/* ---- the broker's side ---- */

static void on_proven(void *arg, uint64_t e, const struct channel_peer *peer)
{
    struct rig_side *side = arg;

    side->proven++;
    side->edge = e;
    side->peer = *peer;
    if (side->refuse != 0)
        listener_refuse(side->listener, e, side->refuse, "no");
    else
        listener_welcome(side->listener, e, &side->welcome);
}

static void on_edge_opened(void *arg, uint64_t e, const struct channel_peer *peer,
                           struct channel *c)
{
    struct rig_side *side = arg;

    (void)e;
    (void)peer;
    (void)c;
    side->opened++;
}

static void on_edge_message(void *arg, uint64_t e, const struct channel_peer *peer,
                            struct channel *c, const struct envelope *m)
{
    struct rig_side *side = arg;
    struct json *answer = json_object();

    (void)e;
    (void)peer;
    side->messages++;
    snprintf(side->type, sizeof side->type, "%s", m->type);
    json_set_int(answer, "n", 42);
    if (strcmp(m->type, "why") == 0)
        assert_int_equal(channel_answer(c, m->i, answer), SP_OK);
    else
        json_free(answer);
}

static void on_edge_lost(void *arg, uint64_t e, const struct channel_peer *peer)
{
    struct rig_side *side = arg;

    (void)e;
    (void)peer;
    side->lost++;
}

static const struct listener_events listener_events = {on_proven, on_edge_opened, on_edge_message,
                                                       on_edge_lost};

static void on_accept(void *arg, unsigned events)
{
    struct rig_side *side = arg;
    int fd;

    (void)events;
    while (sock_accept(side->fd, &fd, NULL) == SP_OK)
        sp_ignore(server_adopt(side->server, fd, NULL, 0)); /* the dialer sees a closed socket */
}

static void no_pages(void *arg, const struct request *req, struct response *res)
{
    (void)arg;
    (void)req;
    response_empty(res, 404);
}

void rig_serve(struct rig *r, const char *stem)
{
    char cert[512], key[512], name[64];
    struct listener_options lo = {
        .server = &r->side.config, .events = &listener_events, .arg = &r->side};
    const struct lws_protocols *endpoints[1];
    struct server_options so = {.pool = r->pool,
                                .cert_file = cert,
                                .key_file = key,
                                .handle = no_pages,
                                .endpoints = endpoints,
                                .endpoint_count = 1};
    struct address at;
    struct sp_why why = {0};

    r->side = (struct rig_side){.config = {.key = r->identity},
                                .welcome = {.state = view_str("approved")}};
    snprintf(name, sizeof name, "%s.pem", stem);
    snprintf(cert, sizeof cert, "%s", rig_data(name));
    snprintf(name, sizeof name, "%s.key", stem);
    snprintf(key, sizeof key, "%s", rig_data(name));
    assert_int_equal(listener_new(r->engine, &lo, &r->side.listener), SP_OK);
    endpoints[0] = listener_protocol(r->side.listener);
    assert_int_equal(server_new(r->engine, &so, &why, &r->side.server), SP_OK);
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &at), SP_OK);
    assert_int_equal(sock_listen(&at, NULL, &r->side.fd), SP_OK);
    assert_int_equal(sock_local(r->side.fd, &at), SP_OK);
    r->side.port = address_port(&at);
    assert_int_equal(
        watch_start(r->loop, r->side.fd, WATCH_READ, on_accept, &r->side, &r->side.watch), SP_OK);
}

void rig_stop_serving(struct rig *r)
{
    watch_stop(r->side.watch);
    close(r->side.fd);
    server_free(r->side.server);
    listener_free(r->side.listener);
}

/* ---- the edge's side ---- */

static void on_opened(void *arg, struct channel *c, const struct opening_welcome *w,
                      const struct opening_edge *o)
{
    struct rig_heard *heard = arg;

    (void)o;
    heard->opened++;
    heard->channel = c;
    snprintf(heard->state, sizeof heard->state, "%.*s", VIEW_ARG(w->state));
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct rig_heard *heard = arg;

    heard->messages++;
    snprintf(heard->type, sizeof heard->type, "%s", m->type);
    if (strcmp(m->type, "app.test") == 0) {
        struct json *answer = json_object();
        json_set_int(answer, "ms", 7);
        assert_int_equal(channel_answer(c, m->i, answer), SP_OK);
    }
}

static void on_lost(void *arg, const struct dialer_lost *why)
{
    struct rig_heard *heard = arg;

    heard->lost++;
    heard->channel = NULL;
    if (heard->lost == 1)
        heard->end = *why;
}

static const struct dialer_events dialer_events = {on_opened, on_message, on_lost};

void rig_dial(struct rig *r, const char *host)
{
    struct dialer_options o = {.host = host,
                               .port = r->side.port,
                               .pool = r->pool,
                               .tls = &r->trust,
                               .edge = &r->edge,
                               .events = &dialer_events,
                               .arg = &r->heard};
    struct sp_why why = {0};

    r->heard = (struct rig_heard){0};
    assert_int_equal(dialer_new(r->engine, &o, &why, &r->dialer), SP_OK);
}

void rig_until(struct rig *r, const unsigned *what, unsigned n)
{
    sp_boot_ms until = clock_boot() + 8000;

    while (*what < n && clock_boot() < until)
        loop_turn(r->loop, true);
    if (*what < n)
        fail_msg("opened %u lost %u: %s", r->heard.opened, r->heard.lost, r->heard.end.why.text);
}

/* The loop waits for nothing to happen for a while. */
static void on_tick(void *arg)
{
    *(bool *)arg = true;
}

void rig_for(struct rig *r, int64_t ms)
{
    bool over = false;
    struct timer *t;

    assert_int_equal(timer_start(r->loop, clock_boot() + ms, on_tick, &over, &t), SP_OK);
    while (!over)
        loop_turn(r->loop, true);
}

/* ---- both ---- */

int rig_set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    assert_int_equal(loop_new(&r->loop), SP_OK);
    assert_int_equal(pool_new(r->loop, 2, &r->pool), SP_OK);
    assert_int_equal(engine_new(r->loop, &r->engine), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &r->identity), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &r->stranger), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &r->device), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &r->tunnel), SP_OK);
    snprintf(r->ca, sizeof r->ca, "%s", rig_data("ca.pem"));
    r->trust = (struct tls_named){.without_system_store = true, .ca_files = {r->ca}};
    *state = r;
    return 0;
}

int rig_tear_down(void **state)
{
    struct rig *r = *state;

    pool_free(r->pool);
    engine_free(r->engine);
    loop_free(r->loop);
    key_secret_free(r->identity);
    key_secret_free(r->stranger);
    key_secret_free(r->device);
    key_secret_free(r->tunnel);
    free(r);
    return 0;
}

int rig_begin(void **state)
{
    struct rig *r = *state;

    r->edge = (struct opening_edge_config){
        .kind = PROVE_DEVICE, .key = r->device, .tunnel_key = r->tunnel, .software = "test"};
    rig_serve(r, "good");
    return 0;
}

int rig_end(void **state)
{
    struct rig *r = *state;

    dialer_free(r->dialer);
    r->dialer = NULL;
    rig_for(r, 20);
    rig_stop_serving(r);
    return 0;
}
