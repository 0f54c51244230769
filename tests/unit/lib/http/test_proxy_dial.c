/*
 * proxy_dial against a scripted proxy on loopback: test (loop, pool) -> 127.0.0.1:PORT (a thread
 * that reads one request and gives one answer).
 */
#include "lib/http/proxy_answer.h"
#include "lib/http/proxy_dial.h"

#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/sock.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct loop *loop;
    struct pool *pool;
    int listener;
    uint16_t port;
    const char *answer; /* NULL: silent */
    char request[1024];
    pthread_t thread;
    struct proxy_dial *dial;
    int fd;
    sp_error e;
    struct sp_why why;
    bool ended;
};

static void *serve(void *arg)
{
    struct world *w = arg;
    struct pollfd p = {w->listener, POLLIN, 0};
    int fd = -1;

    if (poll(&p, 1, 5000) != 1 || sock_accept(w->listener, &fd, NULL) != SP_OK)
        return NULL;
    p = (struct pollfd){fd, POLLIN, 0};
    if (poll(&p, 1, 5000) == 1)
        (void)!read(fd, w->request, sizeof w->request - 1);
    if (w->answer != NULL)
        (void)!write(fd, w->answer, strlen(w->answer));
    else
        usleep(400000);
    if (w->answer != NULL && strstr(w->answer, " 200 ") != NULL)
        (void)!write(fd, "", 0);
    usleep(50000);
    close(fd);
    return NULL;
}

static void on_dialed(void *arg, int fd, sp_error e, const struct sp_why *why)
{
    struct world *w = arg;

    w->dial = NULL;
    w->fd = fd;
    w->e = e;
    if (why != NULL)
        w->why = *why;
    w->ended = true;
    loop_stop(w->loop);
}

/* One dial of app.example:443 with `url` as proxy; `answer` is what the proxy says. */
static void run(struct world *w, const char *user, const char *answer, int64_t ms)
{
    struct proxy_env env = {.origin = "configuration"};
    struct address at;

    *w = (struct world){.fd = -1, .answer = answer};
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &at), SP_OK);
    assert_int_equal(sock_listen(&at, NULL, &w->listener), SP_OK);
    assert_int_equal(sock_local(w->listener, &at), SP_OK);
    w->port = address_port(&at);
    snprintf(env.url, sizeof env.url, "http://%s127.0.0.1:%u", user, w->port);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    assert_int_equal(pool_new(w->loop, 2, &w->pool), SP_OK);
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
    struct proxy_dial_spec spec = {.loop = w->loop,
                                   .pool = w->pool,
                                   .proxy = &env,
                                   .host = "app.example",
                                   .port = 443,
                                   .deadline = clock_boot() + ms};
    assert_int_equal(proxy_dial_start(&spec, on_dialed, w, &w->why, &w->dial), SP_OK);
    loop_run(w->loop);
    assert_true(w->ended);
}

static void end(struct world *w)
{
    pthread_join(w->thread, NULL);
    if (w->fd >= 0)
        close(w->fd);
    close(w->listener);
    pool_free(w->pool);
    loop_free(w->loop);
}

static void C_025_a_2xx_of_any_version_is_a_success(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.0 200 Connection established\r\nProxy-Agent: edge/2\r\nX-Note: \r\n\r\n",
        "HTTP/1.1 204\r\n\r\n",
        "HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 ok\n\n",
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        run(&w, "", answers[i], 5000);
        if (w.e != SP_OK)
            fail_msg("%s: %s", answers[i], w.why.text);
        assert_true(w.fd >= 0);
        assert_string_equal(w.request, "CONNECT app.example:443 HTTP/1.1\r\n"
                                       "Host: app.example:443\r\n\r\n");
        end(&w);
    }
}

static void C_025_refusals_say_what_a_person_can_do(void **state)
{
    static const struct {
        const char *user, *answer;
        sp_error e;
        const char *says;
    } cases[] = {
        {"", "HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n<h1>", SP_ERR_DENIED,
         "wants a user name and a password"},
        {"ada:pw%40@", "HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
         SP_ERR_DENIED, "refused the user name or password"},
        {"ada:pw@",
         "HTTP/1.1 407 no\r\nVia: 1.1 EDGE\r\nProxy-Authenticate: Negotiate\r\n"
         "Proxy-Authenticate: NTLM\r\nConnection: close\r\n\r\n",
         SP_ERR_DENIED, "Negotiate, NTLM"},
        {"", "HTTP/1.1 403 no\r\n\r\n", SP_ERR_REFUSED, "the proxy answered 403"},
        {"", "SSH-2.0-OpenSSH\r\n", SP_ERR_PROTOCOL, "does not answer as HTTP does"},
        {"", "HTTP/1.1 200 ok\r\n\r\nearly", SP_ERR_PROTOCOL, "bytes came before"},
        {"", "", SP_ERR_REFUSED, "closed the connection"},
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run(&w, cases[i].user, cases[i].answer, 5000);
        if (w.e != cases[i].e || strstr(w.why.text, cases[i].says) == NULL)
            fail_msg("%zu: %s %s", i, sp_error_code(w.e), w.why.text);
        assert_int_equal(w.fd, -1);
        assert_null(strstr(w.why.text, "pw")); /* no password in what is logged */
        end(&w);
    }
}

static void test_credentials_are_sent_once(void **state)
{
    struct world w;

    (void)state;
    run(&w, "ada:pw%40@", "HTTP/1.1 200 ok\r\n\r\n", 5000);
    assert_int_equal(w.e, SP_OK);
    assert_non_null(strstr(w.request, "\r\nProxy-Authorization: Basic YWRhOnB3QA==\r\n"));
    end(&w);
}

static void test_a_silent_proxy_ends_at_the_deadline(void **state)
{
    struct world w;

    (void)state;
    run(&w, "", NULL, 150);
    assert_int_equal(w.e, SP_ERR_TIMEOUT);
    end(&w);
}

static void test_direct_and_names(void **state)
{
    struct proxy_dial *never = NULL;
    struct world w = {.fd = -1};
    struct address at;

    (void)state;
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &at), SP_OK);
    assert_int_equal(sock_listen(&at, NULL, &w.listener), SP_OK);
    assert_int_equal(sock_local(w.listener, &at), SP_OK);
    assert_int_equal(loop_new(&w.loop), SP_OK);
    assert_int_equal(pool_new(w.loop, 2, &w.pool), SP_OK);
    struct proxy_dial_spec spec = {.loop = w.loop,
                                   .pool = w.pool,
                                   .host = "127.0.0.1",
                                   .port = address_port(&at),
                                   .deadline = clock_boot() + 5000};
    assert_int_equal(proxy_dial_start(&spec, on_dialed, &w, NULL, &w.dial), SP_OK);
    loop_run(w.loop);
    assert_int_equal(w.e, SP_OK);
    close(w.fd);
    close(w.listener); /* now nobody listens there */
    assert_int_equal(proxy_dial_start(&spec, on_dialed, &w, NULL, &w.dial), SP_OK);
    loop_run(w.loop);
    assert_int_equal(w.e, SP_ERR_REFUSED);
    spec.host = "0x7f.1";
    assert_int_equal(proxy_dial_start(&spec, on_dialed, &w, &w.why, &never), SP_ERR_INVALID);
    assert_null(never);
    spec.host = "127.0.0.1"; /* cancelled while its look-up may be under way */
    w.ended = false;
    assert_int_equal(proxy_dial_start(&spec, on_dialed, &w, NULL, &w.dial), SP_OK);
    proxy_dial_cancel(w.dial);
    for (int i = 0; i < 20; i++)
        loop_turn(w.loop, false);
    assert_false(w.ended);
    pool_free(w.pool);
    loop_turn(w.loop, false);
    loop_free(w.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_025_a_2xx_of_any_version_is_a_success),
        cmocka_unit_test(C_025_refusals_say_what_a_person_can_do),
        cmocka_unit_test(test_credentials_are_sent_once),
        cmocka_unit_test(test_a_silent_proxy_ends_at_the_deadline),
        cmocka_unit_test(test_direct_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
