#include "broker/ops.h"

#include "lib/base/clock.h"
#include "lib/base/view.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct loop *loop;
static struct pool *pool;
static struct ops *ops;
static char listen_at[32];
static uint16_t port;

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static int start(void **state)
{
    struct ops_sources none = {0};
    struct sp_why why = {0};

    (void)state;
    port = free_port();
    snprintf(listen_at, sizeof listen_at, "127.0.0.1:%u", port);
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(pool_new(loop, 2, &pool), SP_OK);
    assert_int_equal(ops_new(loop, pool, listen_at, &none, &why, &ops), SP_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pool_free(pool);
    ops_free(ops);
    loop_free(loop);
    return 0;
}

/* The whole answer; the loop turns meanwhile. */
static const char *get(const char *request)
{
    static char room[65536];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    sp_boot_ms until = clock_boot() + 5000;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t n = 0;
    ssize_t k = -1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
    while (k != 0 && clock_boot() < until && n < sizeof room - 1) {
        loop_turn(loop, false);
        if ((k = recv(fd, room + n, sizeof room - 1 - n, MSG_DONTWAIT)) > 0)
            n += (size_t)k;
    }
    room[n] = '\0';
    close(fd);
    return room;
}

#define END " HTTP/1.1\r\nHost: public\r\nConnection: close\r\n\r\n"

static void a_process_that_answers_is_alive(void **state)
{
    (void)state;
    assert_non_null(strstr(get("GET /livez" END), "HTTP/1.1 200 OK"));
    assert_non_null(strstr(get("GET /readyz?verbose" END), "ready"));
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    const char *text = get("GET /metrics" END);

    assert_non_null(strstr(text, "content-type: text/plain; version=0.0.4"));
    assert_non_null(strstr(text, "# TYPE sallyport_build_info gauge"));
}

static void nothing_else_is_here(void **state)
{
    (void)state;
    assert_non_null(strstr(get("GET /api/v1/me" END), "HTTP/1.1 404"));
    assert_non_null(strstr(get("DELETE /metrics" END), "HTTP/1.1 405"));
}

static void only_loopback_is_taken(void **state)
{
    struct ops_sources none = {0};
    struct ops *second = NULL;
    struct sp_why why = {0};

    (void)state;
    assert_int_equal(ops_new(loop, pool, "0.0.0.0:7480", &none, &why, &second), SP_ERR_INVALID);
    assert_int_equal(ops_new(loop, pool, "198.18.0.1:7480", &none, &why, &second), SP_ERR_INVALID);
    assert_int_equal(ops_new(loop, pool, "localhost:7480", &none, &why, &second), SP_ERR_INVALID);
    assert_null(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_answers_is_alive),
        cmocka_unit_test(metrics_are_prometheus_text),
        cmocka_unit_test(nothing_else_is_here),
        cmocka_unit_test(only_loopback_is_taken),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
