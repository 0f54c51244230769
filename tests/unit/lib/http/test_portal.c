#include "lib/http/portal.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Answers one request on loopback with a fixed text. */
struct network {
    int fd;
    uint16_t port;
    const char *answer;
    pthread_t thread;
};

static void *answer(void *arg)
{
    struct network *n = arg;
    char room[2048];
    int fd = accept(n->fd, NULL, NULL);

    if (recv(fd, room, sizeof room, 0) > 0)
        send(fd, n->answer, strlen(n->answer), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void network_start(struct network *n, const char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    n->answer = text;
    n->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(n->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(n->fd, 1), 0);
    assert_int_equal(getsockname(n->fd, (struct sockaddr *)&at, &len), 0);
    n->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&n->thread, NULL, answer, n), 0);
}

static void network_stop(struct network *n)
{
    pthread_join(n->thread, NULL);
    close(n->fd);
}

static void a_redirect_to_another_host_or_511_is_a_portal(void **state)
{
    static const struct {
        const char *text, *where; /* where: NULL: no portal */
    } rows[] = {
        {"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?from=x\r\n"
         "Content-Length: 0\r\n\r\n",
         "portal.example"},
        {"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n", "status 511"},
        {"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", NULL},
        {"HTTP/1.1 302 Found\r\nLocation: /here\r\nContent-Length: 0\r\n\r\n", NULL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NULL},
        {"no HTTP\r\n\r\n", NULL},
    };
    const struct proxy_env none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char where[URL_HOST_MAX + 1] = "";
        struct network n;
        network_start(&n, rows[i].text);
        bool found = portal_look("127.0.0.1", n.port, &none, where);
        network_stop(&n);
        if (found != (rows[i].where != NULL) || (found && strcmp(where, rows[i].where) != 0))
            fail_msg("row %zu: %d \"%s\"", i, found, where);
    }
}

static void nobody_is_no_portal(void **state)
{
    const struct proxy_env none = {0};
    char where[URL_HOST_MAX + 1];
    struct network n;

    (void)state;
    network_start(&n, ""); /* a port that was free a moment ago */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(n.port)};
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    network_stop(&n);
    assert_false(portal_look("127.0.0.1", n.port, &none, where));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redirect_to_another_host_or_511_is_a_portal),
        cmocka_unit_test(nobody_is_no_portal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
