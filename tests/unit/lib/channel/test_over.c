#include "lib/channel/over.h"

#include "lib/os/loop.h"
#include "lib/tls/hello.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A connector stands at a relay: both ends of a socket pair on one loop. */

static struct loop *loop;
static struct tunnel_thread *thread;
static struct key_secret *relay, *stranger, *connector;
static struct tls_context *client_tls, *server_tls;
static uint8_t pin[TLS_PIN_BYTES];

struct side {
    struct over *over;
    unsigned proven, opened, messages, ended, answered;
    struct channel *channel;
    struct over_report report;
    struct channel_peer peer;
    bool refuse;
    char type[40];
};

static struct side edge, server;
static struct leg *leg; /* until over_serve takes it */
static struct opening_server_config server_config;
static struct opening_edge_config edge_config;

static void on_proven(void *arg, struct over *o, const struct channel_peer *peer)
{
    struct side *s = arg;
    struct opening_welcome w = {.state = view_str("approved")};

    s->proven++;
    s->peer = *peer;
    if (s->refuse)
        over_refuse(o, CHANNEL_CLOSE_PROOF, "stand");
    else
        over_welcome(o, &w);
}

static void on_opened(void *arg, struct over *o, struct channel *c, const struct opening_welcome *w)
{
    struct side *s = arg;

    (void)o;
    (void)w;
    s->opened++;
    s->channel = c;
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    struct side *s = arg;

    s->messages++;
    snprintf(s->type, sizeof s->type, "%s", m->type);
    if (strcmp(m->type, "open") == 0)
        assert_int_equal(channel_answer(c, m->i, NULL), SP_OK);
}

static void on_ended(void *arg, const struct over_report *r)
{
    struct side *s = arg;

    s->ended++;
    s->report = *r;
}

static const struct over_events events = {on_proven, on_opened, on_message, on_ended};

static void on_asked(void *arg, const struct upgrade_request *r)
{
    const struct over_serve_spec spec = {.loop = loop,
                                         .request = r,
                                         .server = &server_config,
                                         .address = "198.18.0.9",
                                         .events = &events,
                                         .arg = &server};
    struct leg *mine = leg;

    (void)arg;
    leg = NULL;
    assert_int_equal(over_serve(&spec, mine, &server.over), SP_OK);
}

static void leg_over(void *arg, const struct leg_report *r)
{
    (void)arg;
    (void)r;
}

static const struct leg_events before = {.asked = on_asked, .ended = leg_over};

static int start(void **state)
{
    (void)state;
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(tunnel_thread_new(&thread), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &relay), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &stranger), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &connector), SP_OK);
    assert_int_equal(tls_pinned_client(HELLO_TUNNEL_ALPN, &client_tls), SP_OK);
    assert_int_equal(tls_pinned_server(relay, HELLO_TUNNEL_ALPN, &server_tls), SP_OK);
    assert_int_equal(tls_pin(key_secret_public(relay), pin), SP_OK);
    edge = server = (struct side){0};
    server_config = (struct opening_server_config){.key = relay};
    edge_config = (struct opening_edge_config){.kind = PROVE_CONNECTOR,
                                               .key = connector,
                                               .pin = key_secret_public(relay),
                                               .software = "test",
                                               .stand = view_str("v4.public.stand")};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    over_free(edge.over);
    over_free(server.over);
    leg_free(leg);
    leg = NULL;
    tls_context_free(client_tls);
    tls_context_free(server_tls);
    key_secret_free(relay);
    key_secret_free(stranger);
    key_secret_free(connector);
    tunnel_thread_free(thread);
    loop_free(loop);
    return 0;
}

static void dial(void)
{
    struct leg_config c = {.loop = loop, .thread = thread, .tls = server_tls, .events = &before};
    struct tls_expect expect = {.name = "relay.test", .pin = pin};
    const struct over_dial_spec spec = {.loop = loop,
                                        .thread = thread,
                                        .tls = client_tls,
                                        .host = "relay.test",
                                        .expect = &expect,
                                        .edge = &edge_config,
                                        .events = &events,
                                        .arg = &edge};
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(leg_server(&c, fds[0], &leg), SP_OK);
    assert_int_equal(over_dial(&spec, fds[1], &edge.over), SP_OK);
}

static void turn_until(const unsigned *what)
{
    sp_boot_ms until = clock_boot() + 5000;

    while (*what == 0 && clock_boot() < until)
        loop_turn(loop,
                  usleep(200) != 0); /* not waiting: the last event may come before the wait */
    assert_true(*what > 0);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct side *s = arg;

    (void)m;
    assert_int_equal(e, SP_OK);
    s->answered++;
}

static void a_standing_channel_opens_and_carries_calls_both_ways(void **state)
{
    (void)state;
    struct call *call;

    dial();
    turn_until(&edge.opened);
    turn_until(&server.opened);
    assert_true(key_equal(&server.peer.key, key_secret_public(connector)));
    assert_string_equal(server.peer.stand, "v4.public.stand");
    assert_string_equal(server.peer.address, "198.18.0.9");
    assert_int_equal(channel_send(server.channel, "ticket", NULL), SP_OK);
    turn_until(&edge.messages);
    assert_string_equal(edge.type, "ticket");
    assert_int_equal(channel_call(server.channel, &(struct call_ask){"open", NULL, 1000}, on_answer,
                                  &server, &call),
                     SP_OK);
    turn_until(&server.answered);
}

static void OA_7_a_relay_that_signs_with_another_key_is_refused(void **state)
{
    (void)state;
    server_config.key = stranger; /* its TLS key is the pinned one, its hello is not */
    dial();
    turn_until(&edge.ended);
    assert_int_equal(edge.report.error, SP_ERR_AUDIENCE);
    assert_int_equal(server.proven, 0);
}

static void a_relay_with_another_TLS_key_is_refused(void **state)
{
    (void)state;
    pin[0] ^= 1;
    dial();
    turn_until(&edge.ended);
    assert_int_equal(edge.report.error, SP_ERR_TLS);
    assert_int_equal(edge.opened, 0);
}

static void a_connector_that_may_not_stand_here_gets_4401(void **state)
{
    (void)state;
    server.refuse = true;
    dial();
    turn_until(&edge.ended);
    assert_int_equal(edge.report.close, 4401);
    assert_int_equal(edge.opened, 0);
    assert_int_equal(server.opened, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_standing_channel_opens_and_carries_calls_both_ways),
        T(OA_7_a_relay_that_signs_with_another_key_is_refused),
        T(a_relay_with_another_TLS_key_is_refused),
        T(a_connector_that_may_not_stand_here_gets_4401),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
