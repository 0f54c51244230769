/*
 * The public port over real TCP connections on loopback. A connection's first bytes are a recorded
 * ClientHello (tests/fuzz/corpus/hello), before it what a load balancer says.
 */
#include "broker/front.h"

#include "lib/os/file.h"
#include "lib/os/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

struct world {
    struct loop *loop;
    struct front *front;
    struct prefixes proxies;
    struct buf browser, tunnel; /* hellos */
    size_t tunnels, others;
    struct address peer; /* of the last one that was steered */
    struct buf read;     /* what its taker found on the socket */
};

static void take(struct world *w, int fd, const struct address *peer)
{
    uint8_t room[4096];
    ssize_t n = recv(fd, room, sizeof room, 0);

    w->peer = *peer;
    buf_reset(&w->read);
    buf_add(&w->read, (struct view){room, n < 0 ? 0 : (size_t)n});
    close(fd);
}

static void on_tunnel(void *arg, int fd, const struct address *peer)
{
    struct world *w = arg;

    w->tunnels++;
    take(w, fd, peer);
}

static void on_http(void *arg, int fd, const struct address *peer)
{
    struct world *w = arg;

    w->others++;
    take(w, fd, peer);
}

static void read_hello(const char *name, struct buf *out)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/hello/%s", getenv("SP_SRCDIR"), name);
    buf_init(out, 16384);
    assert_int_equal(file_read(path, 16384, out, NULL), SP_OK);
}

/* `proxy`: loopback is a load balancer. */
static void begin(struct world *w, bool proxy)
{
    char *address = (char *)"127.0.0.1:0";
    const struct config_strings listen = {.items = &address, .count = 1};
    const struct front_targets targets = {
        .proxies = &w->proxies, .tunnel = on_tunnel, .http = on_http, .arg = w};

    *w = (struct world){.proxies = {.count = proxy ? 1 : 0}};
    buf_init(&w->read, 4096);
    read_hello("browser", &w->browser);
    read_hello("tunnel", &w->tunnel);
    assert_int_equal(prefix_parse(view_str("127.0.0.0/8"), &w->proxies.at[0]), SP_OK);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    assert_int_equal(front_new(w->loop, &listen, &targets, NULL, &w->front), SP_OK);
}

static void end(struct world *w)
{
    front_free(w->front);
    loop_free(w->loop);
    buf_deinit(&w->browser);
    buf_deinit(&w->tunnel);
    buf_deinit(&w->read);
}

static int connect_to(struct world *w)
{
    struct address at = front_address(w->front);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&at.at, at.len), 0);
    return fd;
}

static void turn_for(struct world *w, int64_t ms)
{
    for (sp_boot_ms until = clock_boot() + ms; clock_boot() < until;)
        loop_turn(w->loop, false);
}

static void say(int fd, struct view v)
{
    assert_int_equal(send(fd, v.at, v.len, MSG_NOSIGNAL), v.len);
}

/* A header that speaks for 203.0.113.N, port 4711. */
static struct view header_of(uint8_t n)
{
    static uint8_t room[28] =
        SIGNATURE "\x21\x11\x00\x0c\xcb\x00\x71\x00\xc6\x12\x00\x01\x12\x67\x01";

    room[19] = n;
    room[27] = 0xbb;
    return (struct view){room, sizeof room};
}

/* One connection that says `header`, then `hello`, cut after `cut` bytes of both together. */
static void once(struct world *w, struct view header, struct view hello, size_t cut)
{
    int fd = connect_to(w);
    struct buf all;

    buf_init(&all, 8192);
    buf_add(&all, header);
    buf_add(&all, hello);
    assert_int_equal(buf_error(&all), SP_OK);
    say(fd, view_slice(buf_view(&all), 0, cut));
    if (cut < all.len) {
        turn_for(w, 15);
        say(fd, view_slice(buf_view(&all), cut, all.len));
    }
    turn_for(w, 60);
    close(fd);
    turn_for(w, 5);
    buf_deinit(&all);
}

static void a_connection_goes_where_its_hello_says_with_its_peer(void **state)
{
    (void)state;
    struct world w;

    begin(&w, false);
    once(&w, (struct view){0}, buf_view(&w.browser), SIZE_MAX);
    assert_int_equal(w.others, 1);
    once(&w, (struct view){0}, buf_view(&w.tunnel), SIZE_MAX);
    assert_int_equal(w.tunnels, 1);
    assert_string_equal(address_host_text(&w.peer).s, "127.0.0.1");
    assert_true(view_equal(buf_view(&w.read), buf_view(&w.tunnel)));
    end(&w);
}

static void INC_9_behind_a_listed_proxy_the_peer_is_whom_its_header_names(void **state)
{
    (void)state;
    static const size_t cuts[] = {SIZE_MAX, 1, 12, 16, 27, 28, 29, 33, 60};
    struct world w;

    begin(&w, true);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        size_t before = w.tunnels;
        once(&w, header_of((uint8_t)(10 + i)), buf_view(&w.tunnel), cuts[i]);
        assert_int_equal(w.tunnels, before + 1);
        char expected[32];
        snprintf(expected, sizeof expected, "203.0.113.%zu:4711", 10 + i);
        assert_string_equal(address_text(&w.peer).s, expected);
        assert_true(view_equal(buf_view(&w.read), buf_view(&w.tunnel))); /* the header is gone */
    }
    once(&w, header_of(9), buf_view(&w.browser), SIZE_MAX);
    assert_int_equal(w.others, 1);
    end(&w);
}

static void INC_9_a_header_from_anyone_else_and_none_from_a_proxy_are_refused(void **state)
{
    (void)state;
    struct world w;

    begin(&w, false);
    once(&w, header_of(9), buf_view(&w.browser), SIZE_MAX);
    assert_int_equal(w.others + w.tunnels, 0);
    assert_int_equal(front_counts(w.front).refused, 1);
    end(&w);

    begin(&w, true);
    once(&w, (struct view){0}, buf_view(&w.browser), SIZE_MAX);
    once(&w, (struct view){(const uint8_t *)"PROXY TCP4 203.0.113.9 198.18.0.1 1 2\r\n", 39},
         buf_view(&w.browser), SIZE_MAX);
    assert_int_equal(w.others + w.tunnels, 0);
    assert_int_equal(front_counts(w.front).refused, 2);
    end(&w);
}

static void a_health_check_of_the_proxy_is_its_own(void **state)
{
    (void)state;
    struct world w;

    begin(&w, true);
    once(&w, (struct view){(const uint8_t *)SIGNATURE "\x20\x00\x00\x00", 16}, buf_view(&w.browser),
         SIZE_MAX);
    assert_int_equal(w.others, 1);
    assert_string_equal(address_host_text(&w.peer).s, "127.0.0.1");
    end(&w);
}

static void the_limit_of_a_source_counts_who_is_behind_the_proxy(void **state)
{
    (void)state;
    enum { MORE = 6 };
    int fds[FRONT_PEEKS_A_SOURCE + MORE], other;
    struct world w;

    begin(&w, true);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        fds[i] = connect_to(&w);
        say(fds[i], header_of(7)); /* and then nothing */
        turn_for(&w, 2);
    }
    turn_for(&w, 50);
    assert_int_equal(front_counts(w.front).peeking, FRONT_PEEKS_A_SOURCE);
    assert_int_equal(front_counts(w.front).refused, MORE);
    other = connect_to(&w); /* somebody else behind the same proxy */
    say(other, header_of(8));
    say(other, buf_view(&w.browser));
    turn_for(&w, 50);
    assert_int_equal(w.others, 1);
    close(other);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
    turn_for(&w, 50);
    assert_int_equal(front_counts(w.front).peeking, 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_goes_where_its_hello_says_with_its_peer),
        cmocka_unit_test(INC_9_behind_a_listed_proxy_the_peer_is_whom_its_header_names),
        cmocka_unit_test(INC_9_a_header_from_anyone_else_and_none_from_a_proxy_are_refused),
        cmocka_unit_test(a_health_check_of_the_proxy_is_its_own),
        cmocka_unit_test(the_limit_of_a_source_counts_who_is_behind_the_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
