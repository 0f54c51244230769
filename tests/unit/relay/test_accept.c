/* accept.c at a port of the relay's own: who stands before it, and how long one without a proof is
 * counted. */
#include "tests/unit/relay/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct port {
    struct rig rig;
    struct relay_config config;
    struct accepts *front; /* of the rig: comes back at the end */
    char listen[96];
    struct address address;
};

static void on_enrol(struct relay *r, struct view line)
{
    (void)r;
    (void)line;
}

/* A free port of 127.0.0.1, with `proxies` before it. */
static void port_init(struct port *p, const char *proxies)
{
    struct sp_why why = {0};
    int fd;

    rig_init(&p->rig, RELAY_CUT_AUTO);
    check_ok(address_parse(view_str("127.0.0.1:0"), &p->address));
    check_ok(sock_listen(&p->address, NULL, &fd));
    check_ok(sock_local(fd, &p->address));
    close(fd);
    snprintf(p->listen, sizeof p->listen, "%s", address_text(&p->address).s);
    p->config = (struct relay_config){.listen = p->listen};
    if (proxies != NULL) {
        p->config.proxied.count = 1;
        check_ok(prefix_parse(view_str(proxies), &p->config.proxied.at[0]));
    }
    p->front = p->rig.relay.accepts;
    p->rig.relay.config = &p->config;
    check_ok(accepts_new(&p->rig.relay, on_enrol, &why, &p->rig.relay.accepts));
}

static void port_deinit(struct port *p)
{
    accepts_free(p->rig.relay.accepts);
    p->rig.relay.accepts = p->front;
    rig_deinit(&p->rig);
}

/* A connection to the port, which begins with a PROXY header of version 2 unless `from` is NULL. */
static int port_connect(struct port *p, const char *from)
{
    uint8_t header[28] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&p->address.at, p->address.len), 0);
    if (from != NULL) {
        assert_int_equal(inet_pton(AF_INET, from, header + 16), 1);
        header[24] = 0x12; /* a source port; the destination's is not looked at */
        header[26] = 0x01;
        assert_int_equal(send(fd, header, sizeof header, MSG_NOSIGNAL), sizeof header);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static bool closed(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* ---- a standing channel that says nothing --------------------------------------------------- */

struct mute {
    struct leg *leg;
    bool opened, ended;
};

static void on_opened(void *arg, bool cut_through)
{
    (void)cut_through;
    ((struct mute *)arg)->opened = true;
}

static void on_message(void *arg, struct view bytes)
{
    (void)arg;
    (void)bytes;
}

static void on_ended(void *arg, const struct leg_report *r)
{
    (void)r;
    ((struct mute *)arg)->ended = true;
}

/* It asks for /stand over `fd`, is let in, and proves nothing. */
static void stand_mute(struct rig *r, int fd, struct mute *m)
{
    static const struct leg_events events = {
        .opened = on_opened, .message = on_message, .ended = on_ended};
    const struct leg_config c = {
        .loop = r->loop, .thread = r->relay.thread, .tls = r->outer, .events = &events, .arg = m};
    const struct tls_expect expect = {.name = "relay.test", .pin = r->pin};
    const struct upgrade_request ask = {
        .path = UPGRADE_STAND, .host = view_str("relay.test"), .has_nonce = true};

    *m = (struct mute){0};
    check_ok(leg_client(&c, fd, &expect, &ask, &m->leg));
}

static void WS_15_a_standing_channel_counts_for_its_source_until_it_has_proved_itself(void **state)
{
    struct rig r;
    struct mute m;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    stand_mute(&r, rig_connect(&r), &m);
    rig_until(&r, m.opened);
    assert_int_equal(accepts_unproven(r.relay.accepts), 1);
    leg_free(m.leg);
    rig_until(&r, accepts_unproven(r.relay.accepts) == 0);
    rig_stand(&r, 0, 0); /* proven: it stands, and is not counted */
    rig_until(&r, accepts_unproven(r.relay.accepts) == 0);
    assert_int_equal(stands_count(r.relay.stands), 1);

    stand_mute(&r, rig_connect(&r), &m); /* the accepts go before what they count */
    rig_until(&r, m.opened);
    leg_free(m.leg);
    rig_deinit(&r);
}

/* ---- who stands before the port ------------------------------------------------------------- */

static void INC_9_a_balancer_says_who_comes_and_each_of_them_is_counted(void **state)
{
    int fds[ACCEPT_UNPROVEN_A_SOURCE];
    struct port p;
    struct mute m;
    (void)state;

    port_init(&p, "127.0.0.0/24");
    struct accepts *a = p.rig.relay.accepts;
    for (int i = 0; i < ACCEPT_UNPROVEN_A_SOURCE; i++) {
        fds[i] = port_connect(&p, "198.18.0.9");
        rig_turn(&p.rig);
    }
    rig_until(&p.rig, accepts_unproven(a) == ACCEPT_UNPROVEN_A_SOURCE);
    int more = port_connect(&p, "198.18.0.9");
    rig_until(&p.rig, closed(more));
    close(more);
    stand_mute(&p.rig, port_connect(&p, "198.18.0.10"),
               &m); /* another one behind the same balancer */
    rig_until(&p.rig, m.opened);
    assert_int_equal(accepts_unproven(a), ACCEPT_UNPROVEN_A_SOURCE + 1);
    leg_free(m.leg);
    for (int i = 0; i < ACCEPT_UNPROVEN_A_SOURCE; i++)
        close(fds[i]);
    rig_until(&p.rig, accepts_unproven(a) == 0);
    port_deinit(&p);
}

static void INC_9_a_header_is_taken_of_a_balancer_only_and_demanded_of_it(void **state)
{
    struct port p;
    struct mute m;
    (void)state;

    port_init(&p, "127.0.0.0/24");
    stand_mute(&p.rig, port_connect(&p, NULL), &m); /* a balancer that forgets it */
    rig_until(&p.rig, m.ended);
    check(!m.opened);
    leg_free(m.leg);
    port_deinit(&p);

    port_init(&p, "198.18.66.0/24");
    int liar = port_connect(&p, "198.18.0.9"); /* no balancer: not TLS */
    rig_until(&p.rig, closed(liar));
    close(liar);
    stand_mute(&p.rig, port_connect(&p, NULL), &m);
    rig_until(&p.rig, m.opened);
    leg_free(m.leg);
    port_deinit(&p);
}

static sp_error load(const char *text, struct relay_config *c, struct sp_why *why)
{
    char path[] = "/tmp/sp-accept-XXXXXX";
    int fd = mkstemp(path);

    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    *why = (struct sp_why){0};
    sp_error e = relay_config_load(path, c, why);
    unlink(path);
    return e;
}

static void who_stands_before_the_port_is_listed_and_needs_a_port(void **state)
{
    static const char *const wrong[] = {
        "front_socket: /x\nfront: l7\nproxies: [198.18.0.0/24]\n", /* no port */
        "front_socket: /x\nproxies: [198.18.0.0/24]\n",
        "listen: 127.0.0.1:1\nfront: l7\n", /* anybody */
        "listen: 127.0.0.1:1\nproxies: [0.0.0.0/0]\n",
        "listen: 127.0.0.1:1\nproxies: [balancer]\n",
        "listen: 127.0.0.1:1\nfront: l4\n",
    };
    struct relay_config c;
    struct sp_why why;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_not_equal(load(wrong[i], &c, &why), SP_OK);
        check(why.text[0] != '\0');
        relay_config_free(&c);
    }
    check_ok(load("listen: 127.0.0.1:1\nfront: l7\nproxies: [198.18.0.0/24]\n", &c, &why));
    check(c.front == RELAY_FRONT_L7 && c.proxied.count == 1);
    relay_config_free(&c);
    check_ok(load("listen: 127.0.0.1:1\n", &c, &why));
    check(c.front == RELAY_FRONT_DIRECT && c.proxied.count == 0);
    relay_config_free(&c);
}

/* ---- the broker's front ---------------------------------------------------------------------- */

static void a_front_that_sends_us_away_is_asked_more_seldom_each_time(void **state)
{
    struct rig r;
    int tries = 0, fd;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    close(r.front_relay);
    for (sp_boot_ms end = clock_boot() + 650; clock_boot() < end; rig_turn(&r))
        if (sock_accept(r.front_listener, &fd, NULL) == SP_OK) {
            close(fd);
            tries++;
        }
    check(tries >= 1 && tries <= 3); /* after 100, 300 and 700 ms; six when each waits 100 */
    rig_later(&r, 5000);
    r.front_relay = -1;
    for (int i = 0; i < 5000 && r.front_relay < 0; i++) {
        rig_turn(&r);
        sp_ignore(sock_accept(r.front_listener, &r.front_relay, NULL)); /* nobody yet */
    }
    check(r.front_relay >= 0);
    close(rig_connect(&r));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(WS_15_a_standing_channel_counts_for_its_source_until_it_has_proved_itself),
        cmocka_unit_test(INC_9_a_balancer_says_who_comes_and_each_of_them_is_counted),
        cmocka_unit_test(INC_9_a_header_is_taken_of_a_balancer_only_and_demanded_of_it),
        cmocka_unit_test(who_stands_before_the_port_is_listed_and_needs_a_port),
        cmocka_unit_test(a_front_that_sends_us_away_is_asked_more_seldom_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
