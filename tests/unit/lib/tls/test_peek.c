/* The peek over real TCP connections on loopback. */
#include "lib/tls/peek.h"

#include "lib/base/clock.h"
#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The first bytes of a ClientHello whose record says that 512 bytes follow. */
static const uint8_t begun[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};

struct world {
    struct loop *loop;
    struct peek *peek;
    int client;
    size_t ends;
    sp_error e;
};

static void on_end(void *arg, sp_error e, int fd, const struct hello *hello)
{
    struct world *w = arg;

    (void)hello;
    w->ends++;
    w->e = e;
    if (fd >= 0)
        close(fd);
    peek_free(w->peek);
    w->peek = NULL;
}

static void begin(struct world *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = -1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    w->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(w->client, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(sock_accept(listener, &fd, NULL), SP_OK);
    close(listener);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    assert_int_equal(peek_new(w->loop, fd, on_end, w, &w->peek), SP_OK);
}

static void turn_for(struct world *w, int64_t ms)
{
    for (sp_boot_ms until = clock_boot() + ms; clock_boot() < until;)
        loop_turn(w->loop, false);
}

static void say(struct world *w, size_t from, size_t to)
{
    assert_int_equal(send(w->client, begun + from, to - from, 0), to - from);
}

static void leave(struct world *w, bool reset)
{
    const struct linger now = {.l_onoff = 1};

    if (reset)
        assert_int_equal(setsockopt(w->client, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(w->client);
}

static void end(struct world *w)
{
    peek_free(w->peek);
    turn_for(w, 100); /* a timer that outlived the peek would fire here */
    loop_free(w->loop);
}

static void half_a_hello_and_a_reset_end_the_peek_once(void **state)
{
    (void)state;
    for (size_t part = 1; part <= sizeof begun; part += 5) {
        struct world w = {0};
        begin(&w);
        say(&w, 0, part);
        turn_for(&w, 20);
        leave(&w, true);
        turn_for(&w, 200);
        assert_int_equal(w.ends, 1);
        assert_int_equal(w.e, SP_ERR_CLOSED);
        end(&w);
    }
}

static void half_a_hello_and_a_fin_end_the_peek_once(void **state)
{
    (void)state;
    struct world w = {0};

    begin(&w);
    say(&w, 0, sizeof begun);
    turn_for(&w, 20);
    leave(&w, false);
    turn_for(&w, 200);
    assert_int_equal(w.ends, 1);
    assert_int_equal(w.e, SP_ERR_CLOSED);
    end(&w);
}

static void a_peek_that_is_freed_early_leaves_no_timer(void **state)
{
    (void)state;
    struct world w = {0};

    begin(&w);
    for (size_t at = 0; at < sizeof begun; at++) {
        say(&w, at, at + 1);
        turn_for(&w, 3);
    }
    leave(&w, true);
    peek_free(w.peek);
    w.peek = NULL;
    end(&w);
    assert_int_equal(w.ends, 0);
}

static void what_is_no_hello_is_refused(void **state)
{
    (void)state;
    struct world w = {0};

    begin(&w);
    assert_int_equal(send(w.client, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    turn_for(&w, 50);
    assert_int_equal(w.ends, 1);
    assert_int_equal(w.e, SP_ERR_MALFORMED);
    close(w.client);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_hello_and_a_reset_end_the_peek_once),
        cmocka_unit_test(half_a_hello_and_a_fin_end_the_peek_once),
        cmocka_unit_test(a_peek_that_is_freed_early_leaves_no_timer),
        cmocka_unit_test(what_is_no_hello_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
