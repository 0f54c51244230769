#include "tests/unit/lib/http/harness.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char room[128 * 1024];
static volatile bool admitted = true;

static void nothing(void *arg, const struct request *req, struct response *res)
{
    (void)arg;
    (void)req;
    response_empty(res, 204);
}

/* Who shows the cookie may see. */
static bool admit(void *arg, const struct request *req)
{
    (void)arg;
    return admitted && view_is(request_header(req, "cookie"), "__Host-sallyport=yes");
}

static struct harness h;

static int start(void **state)
{
    (void)state;
    admitted = true;
    h = (struct harness){.handle = nothing, .admit = admit};
    harness_start(&h);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

static int open_page(const char *path, const char *origin, const char *cookie)
{
    char request[512];
    int fd = harness_connect(&h);

    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
             "Sec-WebSocket-Protocol: sallyport-live.1\r\nOrigin: %s\r\nCookie: %s\r\n\r\n",
             path, origin, cookie);
    send_text(fd, request);
    return fd;
}

/* One masked text frame, with a mask of zeros. */
static void ask(int fd, const char *text)
{
    size_t n = strlen(text);
    uint8_t frame[200] = {0x81, (uint8_t)(0x80 | n)};

    assert_true(n < 126);
    memcpy(frame + 6, text, n);
    assert_int_equal(send(fd, frame, n + 6, MSG_NOSIGNAL), n + 6);
}

static int good_page(const char *after)
{
    int fd = open_page("/api/v1/live", "https://localhost", "__Host-sallyport=yes");

    assert_true(read_until(fd, room, sizeof room, "\r\n\r\n") > 0);
    assert_non_null(strstr(room, "101 Switching Protocols"));
    ask(fd, after);
    return fd;
}

static void post(int n)
{
    struct json *d = json_object();

    json_set_int(d, "n", n);
    live_post(h.live, "test.event", d);
}

static void a_page_gets_what_happens_in_order(void **state)
{
    (void)state;
    int fd = good_page("{\"after\":0}");

    post(1);
    post(2);
    assert_true(read_until(fd, room, sizeof room, "\"n\":2}}") > 0);
    assert_non_null(strstr(room, "{\"id\":1,\"t\":\"test.event\",\"d\":{\"n\":1}}"));
    assert_non_null(strstr(room, "{\"id\":2,\"t\":\"test.event\",\"d\":{\"n\":2}}"));
    close(fd);
}

static void a_page_that_comes_back_gets_what_it_missed_and_nothing_twice(void **state)
{
    (void)state;
    for (int i = 1; i <= 5; i++)
        post(i);
    usleep(50 * 1000);
    int fd = good_page("{\"after\":3}");

    assert_true(read_until(fd, room, sizeof room, "\"n\":5}}") > 0);
    assert_null(strstr(room, "\"id\":3,"));
    assert_non_null(strstr(room, "\"id\":4,"));
    close(fd);
}

static void a_page_that_missed_too_much_is_told_to_load_anew(void **state)
{
    (void)state;
    char want[64];

    for (int i = 1; i <= LIVE_RING_EVENTS + 2; i++)
        post(i);
    usleep(100 * 1000);
    int fd = good_page("{\"after\":1}");
    snprintf(want, sizeof want, "{\"reset\":true,\"id\":%d}", LIVE_RING_EVENTS + 2);
    assert_true(read_until(fd, room, sizeof room, want) > 0);
    close(fd);

    fd = good_page("{\"after\":2}"); /* exactly what the ring still holds */
    assert_true(read_until(fd, room, sizeof room, "\"id\":3,") > 0);
    assert_null(strstr(room, "reset"));
    close(fd);
}

static void an_id_that_was_never_given_out_is_a_reset(void **state)
{
    (void)state;
    int fd = good_page("{\"after\":77}");

    assert_true(read_until(fd, room, sizeof room, "{\"reset\":true,\"id\":0}") > 0);
    close(fd);
}

static void WS_14_a_foreign_origin_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path, *origin;
    } rows[] = {{"/api/v1/live", "https://evil.test"},
                {"/api/v1/live", "http://localhost"},
                {"/api/v1/live", "null"},
                {"/api/v1/live?ticket=x", "https://localhost"},
                {"/other", "https://localhost"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = open_page(rows[i].path, rows[i].origin, "__Host-sallyport=yes");
        assert_true(read_until(fd, room, sizeof room, NULL) >= 0); /* it is closed */
        assert_null(strstr(room, "101"));
        close(fd);
    }
}

static void without_a_login_nothing_is_sent_but_4401(void **state)
{
    (void)state;
    int fd = open_page("/api/v1/live", "https://localhost", "__Host-sallyport=no");

    assert_true(read_until(fd, room, sizeof room, "\r\n\r\n") > 0);
    post(1);
    ask(fd, "{\"after\":0}");
    int n = read_until(fd, room, sizeof room, NULL);
    assert_true(n >= 4);
    assert_memory_equal(room, "\x88\x02\x11\x31", 4); /* close, 4401 */
    close(fd);
}

static void a_page_that_says_anything_else_is_closed(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "{\"after\":-1}", "{\"after\":1,\"x\":2}", "hello",
                                      "{\"after\":\"1\"}"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int fd = good_page(bad[i]);
        int n = read_until(fd, room, sizeof room, NULL);
        assert_true(n >= 4);
        assert_memory_equal(room, "\x88\x02\x03\xea", 4); /* close, 1002 */
        close(fd);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_page_gets_what_happens_in_order),
        T(a_page_that_comes_back_gets_what_it_missed_and_nothing_twice),
        T(a_page_that_missed_too_much_is_told_to_load_anew),
        T(an_id_that_was_never_given_out_is_a_reset),
        T(WS_14_a_foreign_origin_is_refused),
        T(without_a_login_nothing_is_sent_but_4401),
        T(a_page_that_says_anything_else_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
