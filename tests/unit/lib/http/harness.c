#include "tests/unit/lib/http/harness.h"

#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

const char *data_path(const char *name)
{
    static char paths[8][512];
    static unsigned at;
    const char *top = getenv("srcdir");
    char *path = paths[at++ % 8];

    snprintf(path, sizeof paths[0], "%s/tests/data/%s", top != NULL ? top : ".", name);
    return path;
}

static void must(sp_error e, const char *what)
{
    if (e != SP_OK) {
        fprintf(stderr, "harness: %s: %s\n", what, sp_error_code(e));
        abort();
    }
}

struct acceptor {
    struct harness *h;
    int fd;
};

static void on_accept(void *arg, unsigned events)
{
    struct acceptor *a = arg;
    int fd;

    (void)events;
    while (sock_accept(a->fd, &fd, NULL) == SP_OK)
        sp_ignore(server_adopt(a->h->server, fd, a->h->peer, 4711)); /* or the peer sees it close */
}

static void start_server(struct harness *h, struct engine *engine, struct pool *pool)
{
    char cert[512], key[512];
    const struct lws_protocols *endpoints[1];
    struct server_options o = {.pool = pool,
                               .handle = h->handle,
                               .arg = h->arg,
                               .body_max = h->body_max,
                               .proxies = h->proxies,
                               .endpoints = endpoints};
    struct sp_why why = {0};

    if (h->tls != NULL) {
        char name[64];
        snprintf(name, sizeof name, "tls/%s.pem", h->tls);
        snprintf(cert, sizeof cert, "%s", data_path(name));
        snprintf(name, sizeof name, "tls/%s.key", h->tls);
        snprintf(key, sizeof key, "%s", data_path(name));
        o.cert_file = cert;
        o.key_file = key;
    }
    if (h->admit != NULL) {
        struct live_options l = {
            .pool = pool, .origin = "https://localhost", .admit = h->admit, .arg = h->arg};
        must(live_feed_new(engine, &l, &h->live), "live_feed_new");
        endpoints[o.endpoint_count++] = live_protocol(h->live);
    }
    must(server_new(engine, &o, &why, &h->server), why.text);
}

static void *serve(void *arg)
{
    struct harness *h = arg;
    struct engine *engine;
    struct pool *pool;
    struct watch *watch;
    struct acceptor a = {.h = h};
    struct address at;

    must(loop_new(&h->loop), "loop_new");
    must(pool_new(h->loop, h->workers ? h->workers : 4, &pool), "pool_new");
    must(engine_new(h->loop, &engine), "engine_new");
    start_server(h, engine, pool);
    must(address_parse(view_str("127.0.0.1:0"), &at), "address");
    must(sock_listen(&at, NULL, &a.fd), "sock_listen");
    must(sock_local(a.fd, &at), "sock_local");
    must(watch_start(h->loop, a.fd, WATCH_READ, on_accept, &a, &watch), "watch");

    pthread_mutex_lock(&h->lock);
    h->port = address_port(&at);
    h->up = true;
    pthread_cond_signal(&h->started);
    pthread_mutex_unlock(&h->lock);
    loop_run(h->loop);

    watch_stop(watch);
    close(a.fd);
    pool_free(pool);
    server_free(h->server);
    live_feed_free(h->live);
    engine_free(engine);
    loop_free(h->loop);
    return NULL;
}

void harness_start(struct harness *h)
{
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->started, NULL);
    h->up = false;
    h->live = NULL;
    assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
    pthread_mutex_lock(&h->lock);
    while (!h->up)
        pthread_cond_wait(&h->started, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

void harness_stop(struct harness *h)
{
    loop_stop(h->loop);
    pthread_join(h->thread, NULL);
    pthread_cond_destroy(&h->started);
    pthread_mutex_destroy(&h->lock);
}

int harness_connect(const struct harness *h)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(h->port)};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void send_text(int fd, const char *text)
{
    size_t n = strlen(text), sent = 0;

    while (sent < n) {
        ssize_t k = send(fd, text + sent, n - sent, MSG_NOSIGNAL);
        if (k <= 0)
            return; /* the other side has refused already: its answer says so */
        sent += (size_t)k;
    }
}

int read_until(int fd, char *room, size_t size, const char *until)
{
    size_t n = 0, length = until != NULL ? strlen(until) : 0;

    room[0] = '\0';
    while (n < size - 1) {
        /* byte by byte to a mark: what comes behind it is for who reads next */
        ssize_t k = recv(fd, room + n, length != 0 ? 1 : size - 1 - n, 0);
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return -1;
        if (k <= 0)
            break;
        n += (size_t)k;
        room[n] = '\0';
        if (length != 0 && n >= length && memcmp(room + n - length, until, length) == 0)
            break;
    }
    return (int)n;
}

void exchange_text(const struct harness *h, const char *request, char *room, size_t size)
{
    int fd = harness_connect(h);

    send_text(fd, request);
    if (read_until(fd, room, size, NULL) < 0)
        fail_msg("no answer and no close after: %.60s", request);
    close(fd);
}
