#include "lib/channel/backoff.h"
#include "lib/channel/dialer.h"
#include "lib/channel/listener.h"
#include "lib/http/server.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/sock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * The real thing on one loop: a server with the control endpoint on a loopback port, and a dialer.
 *
 *   dialer ── wss, TLS 1.3, /control ──▶ accept ── server_adopt ── listener
 */

static struct loop *loop;
static struct pool *pool;
static struct engine *engine;
static struct key_secret *identity, *stranger, *device, *tunnel;

struct side {
    struct listener *listener;
    struct server *server;
    struct watch *watch;
    int fd;
    uint16_t port;
    struct opening_server_config config;
    struct opening_welcome welcome;
    enum channel_close refuse; /* 0: welcome */
    /* what was heard */
    unsigned proven, opened, lost, messages;
    uint64_t edge;
    struct channel_peer peer;
    char type[40];
};

static struct side s;

struct heard {
    unsigned opened, lost, messages, done;
    struct dialer_lost end;
    struct channel *channel;
    char type[40], state[20];
    sp_error answer;
    int64_t n;
};

static struct heard h;
static struct dialer *dialer;
static struct opening_edge_config edge;
static struct tls_named trust;

static const char *data(const char *name)
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
    struct side *side = arg;

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
    struct side *side = arg;

    (void)e;
    (void)peer;
    (void)c;
    side->opened++;
}

static void on_edge_message(void *arg, uint64_t e, const struct channel_peer *peer,
                            struct channel *c, const struct envelope *m)
{
    struct side *side = arg;
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
    struct side *side = arg;

    (void)e;
    (void)peer;
    side->lost++;
}

static const struct listener_events listener_events = {on_proven, on_edge_opened, on_edge_message,
                                                       on_edge_lost};

static void on_accept(void *arg, unsigned events)
{
    struct side *side = arg;
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

static void start_side(const char *stem)
{
    char cert[512], key[512], name[64];
    struct listener_options lo = {.server = &s.config, .events = &listener_events, .arg = &s};
    const struct lws_protocols *endpoints[1];
    struct server_options so = {.pool = pool,
                                .cert_file = cert,
                                .key_file = key,
                                .handle = no_pages,
                                .endpoints = endpoints,
                                .endpoint_count = 1};
    struct address at;
    struct sp_why why = {0};

    s = (struct side){.config = {.key = identity}, .welcome = {.state = view_str("approved")}};
    snprintf(name, sizeof name, "%s.pem", stem);
    snprintf(cert, sizeof cert, "%s", data(name));
    snprintf(name, sizeof name, "%s.key", stem);
    snprintf(key, sizeof key, "%s", data(name));
    assert_int_equal(listener_new(engine, &lo, &s.listener), SP_OK);
    endpoints[0] = listener_protocol(s.listener);
    assert_int_equal(server_new(engine, &so, &why, &s.server), SP_OK);
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &at), SP_OK);
    assert_int_equal(sock_listen(&at, NULL, &s.fd), SP_OK);
    assert_int_equal(sock_local(s.fd, &at), SP_OK);
    s.port = address_port(&at);
    assert_int_equal(watch_start(loop, s.fd, WATCH_READ, on_accept, &s, &s.watch), SP_OK);
}

static void stop_side(void)
{
    watch_stop(s.watch);
    close(s.fd);
    server_free(s.server);
    listener_free(s.listener);
}

/* ---- the edge's side ---- */

static void on_opened(void *arg, struct channel *c, const struct opening_welcome *w,
                      const struct opening_edge *o)
{
    struct heard *heard = arg;

    (void)o;
    heard->opened++;
    heard->channel = c;
    snprintf(heard->state, sizeof heard->state, "%.*s", VIEW_ARG(w->state));
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct heard *heard = arg;

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
    struct heard *heard = arg;

    heard->lost++;
    heard->channel = NULL;
    if (heard->lost == 1)
        heard->end = *why;
}

static const struct dialer_events dialer_events = {on_opened, on_message, on_lost};

static void dial(const char *host)
{
    struct dialer_options o = {.host = host,
                               .port = s.port,
                               .pool = pool,
                               .tls = &trust,
                               .edge = &edge,
                               .events = &dialer_events,
                               .arg = &h};
    struct sp_why why = {0};

    h = (struct heard){0};
    assert_int_equal(dialer_new(engine, &o, &why, &dialer), SP_OK);
}

static void turn_until(const unsigned *what, unsigned n)
{
    sp_boot_ms until = clock_boot() + 8000;

    while (*what < n && clock_boot() < until)
        loop_turn(loop, true);
    if (*what < n)
        fail_msg("opened %u lost %u: %s", h.opened, h.lost, h.end.why.text);
}

/* The loop waits for nothing to happen for a while. */
static void on_tick(void *arg)
{
    *(bool *)arg = true;
}

static void turn_for(int64_t ms)
{
    bool over = false;
    struct timer *t;

    assert_int_equal(timer_start(loop, clock_boot() + ms, on_tick, &over, &t), SP_OK);
    while (!over)
        loop_turn(loop, true);
}

static int start_all(void **state)
{
    (void)state;
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(pool_new(loop, 2, &pool), SP_OK);
    assert_int_equal(engine_new(loop, &engine), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &identity), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &stranger), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &device), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &tunnel), SP_OK);
    static char ca[512];
    snprintf(ca, sizeof ca, "%s", data("ca.pem"));
    trust = (struct tls_named){.without_system_store = true, .ca_files = {ca}};
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    pool_free(pool);
    engine_free(engine);
    loop_free(loop);
    key_secret_free(identity);
    key_secret_free(stranger);
    key_secret_free(device);
    key_secret_free(tunnel);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    edge = (struct opening_edge_config){
        .kind = PROVE_DEVICE, .key = device, .tunnel_key = tunnel, .software = "test"};
    start_side("good");
    return 0;
}

static int done_with(void **state)
{
    (void)state;
    dialer_free(dialer);
    dialer = NULL;
    turn_for(20);
    stop_side();
    return 0;
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct heard *heard = arg;

    heard->done++;
    heard->answer = e;
    if (m != NULL)
        sp_ignore(json_get_int(m->members, "n", 0, 100, &heard->n)); /* the test looks at n */
}

static void a_channel_opens_and_carries_calls_both_ways(void **state)
{
    (void)state;
    struct call *call;

    s.welcome.id = (struct sp_id){{9}};
    dial("localhost");
    turn_until(&h.opened, 1);
    assert_string_equal(h.state, "approved");
    assert_int_equal(s.peer.kind, PROVE_DEVICE);
    assert_true(key_equal(&s.peer.key, key_secret_public(device)));
    assert_string_equal(s.peer.address, "127.0.0.1");
    assert_true(dialer_broker_time(dialer) > 0);

    assert_int_equal(channel_call(h.channel, "why", NULL, 1000, on_answer, &h, &call), SP_OK);
    turn_until(&h.done, 1);
    assert_int_equal(h.answer, SP_OK);
    assert_int_equal(h.n, 42);
    listener_send(s.listener, s.edge, "drain", NULL);
    turn_until(&h.messages, 1);
    assert_string_equal(h.type, "drain");
}

static void an_address_in_place_of_a_name_is_checked_too(void **state)
{
    (void)state;
    dial("127.0.0.1"); /* in the certificate */
    turn_until(&h.opened, 1);
    dialer_free(dialer);
    dial("127.0.0.2"); /* not in it; nobody listens there anyway */
    turn_until(&h.lost, 1);
    assert_int_equal(h.opened, 0);
}

static void TLS_3_an_address_must_be_an_iPAddress_of_the_certificate(void **state)
{
    static const struct {
        const char *stem;
        bool good;
    } cases[] = {{"ip", true}, {"ip-other", false}, {"ip-as-dns", false}, {"ip-as-cn", false}};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stop_side();
        start_side(cases[i].stem);
        dial("127.0.0.1");
        turn_until(cases[i].good ? &h.opened : &h.lost, 1);
        if ((h.opened == 1) != cases[i].good ||
            (!cases[i].good && (h.end.error != SP_ERR_TLS || s.proven != 0 ||
                                strstr(h.end.why.text, "name") == NULL)))
            fail_msg("%s: %s %s", cases[i].stem, sp_error_code(h.end.error), h.end.why.text);
        dialer_free(dialer);
        dialer = NULL;
    }
}

static void refused_with(const char *stem, const char *part)
{
    stop_side();
    start_side(stem);
    dial("localhost");
    turn_until(&h.lost, 1);
    assert_int_equal(h.opened, 0);
    assert_int_equal(s.proven, 0); /* the edge has said nothing */
    if (h.end.error != SP_ERR_TLS || strstr(h.end.why.text, part) == NULL)
        fail_msg("%s: %s", sp_error_code(h.end.error), h.end.why.text);
    assert_true(h.end.again_ms >= 0);
}

static void TLS_3_a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    refused_with("wrong-name", "name");
}

static void TLS_3_an_expired_certificate_is_refused(void **state)
{
    (void)state;
    refused_with("expired", "");
}

/* What servers of the field send (DATAPATH fact 6): the trusted root's key lies behind `mid`. */
static void TLS_3_odd_chains_are_judged_by_what_holds(void **state)
{
    static const struct {
        const char *stem;
        bool good;
    } cases[] = {
        {"chain-plain", true},     {"chain-cross", true},    {"chain-swapped", true},
        {"chain-extra", true},     {"chain-gap", false},     {"chain-late", false},
        {"chain-stranger", false}, {"chain-leaf-ca", false},
    };
    const struct tls_named before = trust;
    char root[512];
    (void)state;

    snprintf(root, sizeof root, "%s", data("chain-root.pem"));
    trust = (struct tls_named){.without_system_store = true, .ca_files = {root}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stop_side();
        start_side(cases[i].stem);
        dial("localhost");
        turn_until(cases[i].good ? &h.opened : &h.lost, 1);
        if ((h.opened == 1) != cases[i].good || (!cases[i].good && h.end.error != SP_ERR_TLS))
            fail_msg("%s: %s", cases[i].stem, h.end.why.text);
        dialer_free(dialer);
        dialer = NULL;
    }
    trust = before;
}

static void TLS_3_a_certificate_of_an_unknown_CA_is_refused(void **state)
{
    (void)state;
    refused_with("untrusted", "");
}

static void OA_7_another_identity_key_than_the_pinned_one_is_refused(void **state)
{
    (void)state;
    edge.pin = key_secret_public(stranger);
    dial("localhost");
    turn_until(&h.lost, 1);
    assert_int_equal(h.end.error, SP_ERR_AUDIENCE);
    assert_int_equal(s.proven, 0);
    assert_int_equal(h.end.again_ms, BACKOFF_MAX_MS);
}

static void a_key_that_is_not_admitted_gets_4401(void **state)
{
    (void)state;
    s.refuse = CHANNEL_CLOSE_PROOF;
    dial("localhost");
    turn_until(&h.lost, 1);
    assert_int_equal(h.end.close, 4401);
    assert_int_equal(h.opened, 0);
    assert_int_equal(s.opened, 0);
    assert_int_equal(h.end.again_ms, BACKOFF_MAX_MS);
}

static void a_second_channel_of_a_key_closes_the_first_with_4409(void **state)
{
    (void)state;
    struct heard first;
    struct dialer *older;

    dial("localhost");
    turn_until(&h.opened, 1);
    older = dialer;
    /* a second dialer with the same key; events of both go to h */
    dial("localhost");
    turn_until(&h.opened, 1);
    turn_until(&h.lost, 1);
    first = h;
    assert_int_equal(first.end.close, 4409);
    assert_int_equal(first.end.again_ms, -1); /* it does not fight for the place */
    assert_int_equal(s.lost, 1);
    dialer_free(older);
}

static void a_lost_channel_comes_back(void **state)
{
    (void)state;
    dial("localhost");
    turn_until(&h.opened, 1);
    listener_close(s.listener, s.edge, CHANNEL_CLOSE_GOING, "restart");
    turn_until(&h.lost, 1);
    assert_true(h.end.again_ms >= BACKOFF_LEAST_MS && h.end.again_ms <= BACKOFF_FIRST_MS);
    turn_until(&h.opened, 2);
    assert_int_equal(s.lost, 1);
    dialer_again(dialer);
    turn_until(&h.opened, 3);
}

static void a_message_that_breaks_the_protocol_ends_the_channel(void **state)
{
    (void)state;
    struct channel *c;

    dial("localhost");
    turn_until(&h.opened, 1);
    c = listener_channel(s.listener, s.edge);
    assert_non_null(c);
    /* an answer to a call that was never made */
    assert_int_equal(channel_receive(c, view_str("{\"re\":9,\"i\":2}")), SP_ERR_PROTOCOL);
}

struct waiter {
    unsigned over;
    sp_error e;
    int64_t ms;
    uint64_t edge;
};

static void wait_work(void *arg)
{
    struct waiter *w = arg;
    struct envelope answer;

    w->e = listener_call_wait(s.listener, w->edge, "app.test", NULL, 1000, &answer);
    if (w->e == SP_OK) {
        sp_ignore(json_get_int(answer.members, "ms", 0, 100, &w->ms)); /* the test looks at ms */
        envelope_deinit(&answer);
    }
}

static void wait_done(void *arg)
{
    ((struct waiter *)arg)->over++;
}

static void a_worker_waits_for_an_edge(void **state)
{
    (void)state;
    struct waiter w = {0};

    dial("localhost");
    turn_until(&h.opened, 1);
    w.edge = s.edge;
    assert_int_equal(pool_submit(pool, POOL_PLAIN, wait_work, wait_done, &w), SP_OK);
    turn_until(&w.over, 1);
    assert_int_equal(w.e, SP_OK);
    assert_int_equal(w.ms, 7);

    w = (struct waiter){.edge = 12345};
    assert_int_equal(pool_submit(pool, POOL_PLAIN, wait_work, wait_done, &w), SP_OK);
    turn_until(&w.over, 1);
    assert_int_equal(w.e, SP_ERR_NOT_FOUND);
}

/* Descriptors of this process that stand for sockets. */
static unsigned sockets_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;
    char target[64];

    assert_non_null(folder);
    for (struct dirent *d; (d = readdir(folder)) != NULL;) {
        ssize_t len = readlinkat(dirfd(folder), d->d_name, target, sizeof target - 1);
        n += len > 7 && memcmp(target, "socket:", 7) == 0;
    }
    closedir(folder);
    return n;
}

static void fifty_reconnects_leave_no_descriptor(void **state)
{
    (void)state;
    unsigned before;

    dial("localhost");
    turn_until(&h.opened, 1);
    turn_for(50);
    before = sockets_open();
    for (unsigned i = 0; i < 50; i++) {
        dialer_again(dialer);
        turn_until(&h.opened, i + 2);
    }
    turn_for(50);
    assert_int_equal(sockets_open(), before);
}

static void tries_that_end_early_or_in_refusal_leave_no_descriptor(void **state)
{
    (void)state;
    unsigned before = sockets_open();

    for (unsigned i = 0; i < 10; i++) {
        dial("localhost");
        turn_for(i); /* in the lookup, the handshake, the opening */
        dialer_free(dialer);
    }
    dialer = NULL;
    turn_for(50);
    assert_int_equal(sockets_open(), before);

    stop_side();
    start_side("untrusted");
    dial("localhost");
    turn_until(&h.lost, 1);
    turn_for(50);
    assert_int_equal(sockets_open(), before);
}

static void a_hurry_dials_once_and_leaves_an_open_channel_alone(void **state)
{
    (void)state;
    s.refuse = CHANNEL_CLOSE_PROOF; /* then the wait is a minute */
    dial("localhost");
    turn_until(&h.lost, 1);
    s.refuse = 0;
    for (int i = 0; i < 5; i++) {
        dialer_hurry(dialer, clock_boot() + 1000);
        turn_for(1);
    }
    turn_until(&h.opened, 1);
    dialer_hurry(dialer, clock_boot() + 1000);
    turn_for(50);
    assert_int_equal(h.opened, 1);
    assert_int_equal(h.lost, 1);
    assert_int_equal(s.proven, 2);
}

static void while_somebody_waits_tries_are_a_second_apart(void **state)
{
    (void)state;
    uint16_t real = s.port;
    sp_boot_ms began;

    s.port = 1;
    dial("localhost");
    s.port = real;
    began = clock_boot();
    dialer_hurry(dialer, began + 4000);
    turn_until(&h.lost, 5);
    assert_true(clock_boot() - began < 5500);
}

static void starting_over_waits_for_no_answer_of_the_old_peer(void **state)
{
    (void)state;
    sp_boot_ms began;

    dial("localhost");
    turn_until(&h.opened, 1);
    began = clock_boot();
    dialer_again(dialer);
    turn_until(&h.lost, 1);
    assert_int_equal(h.end.error, SP_ERR_CANCELLED);
    assert_int_equal(h.end.again_ms, 0);
    turn_until(&h.opened, 2);
    assert_true(clock_boot() - began < 1000);
}

static void nobody_listens(void **state)
{
    (void)state;
    uint16_t real = s.port;

    s.port = 1;
    dial("localhost");
    s.port = real;
    turn_until(&h.lost, 1);
    assert_int_equal(h.end.error, SP_ERR_UNREACHABLE);
    assert_non_null(strstr(h.end.why.text, "localhost:1"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done_with)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_channel_opens_and_carries_calls_both_ways),
        T(an_address_in_place_of_a_name_is_checked_too),
        T(TLS_3_a_certificate_for_another_name_is_refused),
        T(TLS_3_an_address_must_be_an_iPAddress_of_the_certificate),
        T(TLS_3_an_expired_certificate_is_refused),
        T(TLS_3_odd_chains_are_judged_by_what_holds),
        T(TLS_3_a_certificate_of_an_unknown_CA_is_refused),
        T(OA_7_another_identity_key_than_the_pinned_one_is_refused),
        T(a_key_that_is_not_admitted_gets_4401),
        T(a_second_channel_of_a_key_closes_the_first_with_4409),
        T(a_lost_channel_comes_back),
        T(a_message_that_breaks_the_protocol_ends_the_channel),
        T(a_worker_waits_for_an_edge),
        T(fifty_reconnects_leave_no_descriptor),
        T(tries_that_end_early_or_in_refusal_leave_no_descriptor),
        T(a_hurry_dials_once_and_leaves_an_open_channel_alone),
        T(while_somebody_waits_tries_are_a_second_apart),
        T(starting_over_waits_for_no_answer_of_the_old_peer),
        T(nobody_listens),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
