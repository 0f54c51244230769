#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void addresses_have_one_spelling(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
    } cases[] = {
        {"127.0.0.1:8443", SP_OK},
        {"[::1]:0", SP_OK},
        {"[2001:db8::1]:65535", SP_OK},
        {"127.0.0.1", SP_ERR_MALFORMED},
        {"127.0.0.1:65536", SP_ERR_MALFORMED},
        {"127.0.0.1:08", SP_ERR_MALFORMED},
        {"127.1:80", SP_ERR_MALFORMED},
        {"::1:80", SP_ERR_MALFORMED},
        {"localhost:80", SP_ERR_MALFORMED},
        {"", SP_ERR_MALFORMED},
        {":80", SP_ERR_MALFORMED},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a;
        if (address_parse(view_str(cases[i].text), &a) != cases[i].e)
            fail_msg("%s", cases[i].text);
        if (cases[i].e == SP_OK)
            assert_string_equal(address_text(&a).s, cases[i].text);
    }
}

struct meeting {
    struct loop *loop;
    int fd;
    sp_error e;
};

static void on_connected(void *arg, int fd, sp_error e)
{
    struct meeting *m = arg;

    m->fd = fd;
    m->e = e;
    loop_stop(m->loop);
}

static void TM_14_the_owner_of_a_loopback_connection_is_known(void **state)
{
    struct meeting m = {.fd = -1};
    struct connecting *c;
    struct address any, at, peer;
    int listener, accepted, diag;
    uid_t uid = 12345;
    (void)state;

    assert_int_equal(loop_new(&m.loop), SP_OK);
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &any), SP_OK);
    assert_int_equal(sock_listen(&any, NULL, &listener), SP_OK);
    assert_int_equal(sock_local(listener, &at), SP_OK);
    assert_int_equal(sock_accept(listener, &accepted, &peer), SP_ERR_AGAIN);
    assert_int_equal(sock_diag_open(&diag), SP_OK);
    assert_int_equal(connect_start(m.loop, &at, clock_boot() + 2000, on_connected, &m, &c), SP_OK);
    loop_run(m.loop);
    assert_int_equal(m.e, SP_OK);
    assert_int_equal(sock_accept(listener, &accepted, &peer), SP_OK);
    assert_int_equal(sock_tcp_owner(accepted, &uid), SP_OK);
    assert_int_equal(uid, geteuid());
    for (int again = 0; again < 3; again++) { /* one socket for many questions */
        uid = 12345;
        assert_int_equal(sock_diag_owner(diag, accepted, &uid), SP_OK);
        assert_int_equal(uid, geteuid());
    }

    /* An answer that nobody took is not taken for that of the next question. */
    uint8_t stale[72] = {72, 0, 0, 0, 20, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, AF_INET, IPPROTO_TCP};
    assert_int_equal(send(diag, stale, sizeof stale, 0), sizeof stale);
    uid = 12345;
    assert_int_equal(sock_diag_owner(diag, accepted, &uid), SP_ERR_IO);
    assert_int_equal(uid, 12345);
    close(diag);

    sock_reset(m.fd);
    uid = 12345;
    assert_int_equal(sock_tcp_owner(accepted, &uid), SP_ERR_IO); /* the peer is gone */
    assert_int_equal(uid, 12345);
    close(accepted);

    close(listener);
    assert_int_equal(connect_start(m.loop, &at, clock_boot() + 2000, on_connected, &m, &c), SP_OK);
    loop_run(m.loop);
    assert_int_equal(m.e, SP_ERR_REFUSED);
    assert_int_equal(m.fd, -1);
    loop_free(m.loop);
}

static void unix_sockets_are_private_and_dead_ones_replaced(void **state)
{
    char folder[] = "/tmp/sp-sock-XXXXXX", path[64];
    struct stat st;
    uid_t uid;
    int a, b, client, server;
    (void)state;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    assert_int_equal(sock_listen_unix(path, SOCK_STREAM, &a), SP_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sock_listen_unix(path, SOCK_STREAM, &b), SP_ERR_EXISTS);
    assert_int_equal(sock_connect_unix(path, SOCK_STREAM, &client), SP_OK);
    /* the probe of the second listener waits in front */
    assert_int_equal(sock_accept(a, &server, NULL), SP_OK);
    close(server);
    assert_int_equal(sock_accept(a, &server, NULL), SP_OK);
    assert_int_equal(sock_peer_uid(server, &uid), SP_OK);
    assert_int_equal(uid, geteuid());
    close(server);
    close(client);
    close(a);
    assert_int_equal(sock_connect_unix(path, SOCK_STREAM, &client), SP_ERR_UNREACHABLE);
    assert_int_equal(sock_listen_unix(path, SOCK_STREAM, &b), SP_OK);
    close(b);
    unlink(path);
    rmdir(folder);
}

static void an_address_that_no_interface_has_is_known_as_gone(void **state)
{
    static const struct {
        const char *text;
        bool gone;
    } cases[] = {{"127.0.0.1:443", false}, {"127.77.1.2:0", false}, {"192.0.2.7:443", true}};
    struct address a;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(address_parse(view_str(cases[i].text), &a), SP_OK);
        assert_int_equal(sock_address_gone(&a), cases[i].gone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_one_spelling),
        cmocka_unit_test(TM_14_the_owner_of_a_loopback_connection_is_known),
        cmocka_unit_test(unix_sockets_are_private_and_dead_ones_replaced),
        cmocka_unit_test(an_address_that_no_interface_has_is_known_as_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
