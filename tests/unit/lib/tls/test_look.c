#include "lib/http/engine.h"
#include "lib/http/server.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/sock.h"
#include "lib/tls/look.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A server on the loop, and a look at it from a worker. */

static struct loop *loop;
static struct pool *pool;
static struct engine *engine;
static struct server *server;
static struct watch *watch;
static int listening;

static void no_pages(void *arg, const struct request *req, struct response *res)
{
    (void)arg, (void)req;
    response_empty(res, 404);
}

static void on_accept(void *arg, unsigned events)
{
    int fd;

    (void)arg, (void)events;
    while (sock_accept(listening, &fd, NULL) == SP_OK)
        sp_ignore(server_adopt(server, fd, NULL, 0)); /* the look sees a closed socket */
}

static void path_of(const char *name, char out[512])
{
    const char *top = getenv("srcdir");

    snprintf(out, 512, "%s/tests/data/tls/%s", top != NULL ? top : ".", name);
}

static uint16_t start(const char *stem)
{
    char cert[512], key[512], name[64];
    struct server_options o = {
        .pool = pool, .cert_file = cert, .key_file = key, .handle = no_pages};
    struct sp_why why = {0};
    struct address at;

    snprintf(name, sizeof name, "%s.pem", stem);
    path_of(name, cert);
    snprintf(name, sizeof name, "%s.key", stem);
    path_of(name, key);
    assert_int_equal(server_new(engine, &o, &why, &server), SP_OK);
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &at), SP_OK);
    assert_int_equal(sock_listen(&at, NULL, &listening), SP_OK);
    assert_int_equal(sock_local(listening, &at), SP_OK);
    assert_int_equal(watch_start(loop, listening, WATCH_READ, on_accept, NULL, &watch), SP_OK);
    return address_port(&at);
}

static void stop(void)
{
    watch_stop(watch);
    close(listening);
    server_free(server);
}

struct looking {
    uint16_t port;
    sp_error e;
    struct tls_seen seen;
    bool over;
};

static void work(void *arg)
{
    struct looking *k = arg;
    char ca[512], text[32];
    struct tls_named named = {.without_system_store = true, .ca_files = {ca}};
    struct sp_why why = {0};
    struct address at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    path_of("ca.pem", ca);
    snprintf(text, sizeof text, "127.0.0.1:%u", k->port);
    k->e = address_parse(view_str(text), &at);
    if (k->e == SP_OK && connect(fd, (struct sockaddr *)&at.at, at.len) == 0)
        k->e = fcntl(fd, F_SETFL, O_NONBLOCK) != 0
                   ? SP_ERR_IO
                   : tls_look(fd, "localhost", &named, clock_boot() + 3000, &why, &k->seen);
    close(fd);
}

static void done(void *arg)
{
    ((struct looking *)arg)->over = true;
}

static struct looking look_at(uint16_t port)
{
    struct looking k = {.port = port};

    assert_int_equal(pool_submit(pool, POOL_PLAIN, work, done, &k), SP_OK);
    while (!k.over)
        loop_turn(loop, true);
    return k;
}

static void what_was_seen_and_why_it_was_refused(void **state)
{
    (void)state;
    static const struct {
        const char *stem;
        enum tls_refusal refusal;
    } rows[] = {
        {"good", TLS_REFUSAL_NONE},
        {"wrong-name", TLS_REFUSAL_NAME},
        {"expired", TLS_REFUSAL_DATE},
        {"untrusted", TLS_REFUSAL_ISSUER},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct looking k = look_at(start(rows[i].stem));

        assert_int_equal(k.e, SP_OK);
        assert_int_equal(k.seen.refusal, rows[i].refusal);
        if (rows[i].refusal != TLS_REFUSAL_NONE) {
            assert_string_not_equal(k.seen.issuer, "");
            assert_int_equal(strlen(k.seen.valid_to), strlen("2026-11-25 15:04"));
        }
        stop();
    }
}

/* Accepts and says nothing: the deadline ends it. */
static void a_silent_peer_costs_the_deadline(void **state)
{
    (void)state;
    struct address at;
    struct looking k;
    sp_boot_ms began = clock_boot();

    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &at), SP_OK);
    assert_int_equal(sock_listen(&at, NULL, &listening), SP_OK);
    assert_int_equal(sock_local(listening, &at), SP_OK);
    k = look_at(address_port(&at));
    assert_int_equal(k.e, SP_ERR_TIMEOUT);
    assert_true(clock_boot() - began >= 3000);
    close(listening);
}

static int start_all(void **state)
{
    (void)state;
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(pool_new(loop, 2, &pool), SP_OK);
    assert_int_equal(engine_new(loop, &engine), SP_OK);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    pool_free(pool);
    engine_free(engine);
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_and_why_it_was_refused),
        cmocka_unit_test(a_silent_peer_costs_the_deadline),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
