/* A listener on loopback: who is let in, and what happens to web pages of others. Root is needed
 * to play another user; without it that one test is skipped. */
#include "client/agent/listen.h"
#include "lib/os/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop *loop;
static struct listener *listener;
static int accepted_fd, accepted_count;

static void on_accepted(void *arg, int fd)
{
    (void)arg;
    accepted_count++;
    if (accepted_fd >= 0)
        close(accepted_fd);
    accepted_fd = fd;
}

static void open_listener(bool http)
{
    struct hosthead_expect host = {.names = {"127.77.201.1"}, .count = 1};
    struct listener_options o = {
        .app = "wiki", .host = http ? &host : NULL, .accepted = on_accepted};

    accepted_fd = -1;
    accepted_count = 0;
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(address_parse(view_str("127.77.201.1:0"), &o.at), SP_OK);
    assert_int_equal(listener_new(loop, &o, NULL, &listener), SP_OK);
}

static void close_listener(void)
{
    listener_free(listener);
    if (accepted_fd >= 0)
        close(accepted_fd);
    loop_free(loop);
}

static int dial(void)
{
    struct address at = listener_address(listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&at.at, at.len), 0);
    return fd;
}

static void turns(void)
{
    for (int i = 0; i < 20; i++) {
        loop_turn(loop, false);
        usleep(1000);
    }
}

static void TM_14_the_owner_is_let_in(void **state)
{
    int fd;
    (void)state;
    open_listener(false);
    fd = dial();
    turns();
    assert_int_equal(accepted_count, 1);
    close(fd);
    close_listener();
}

/* In a child with another uid: SP_OK 0 when its connection was reset. */
static int as_stranger(void)
{
    char c;
    int fd;

    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 2;
    fd = dial();
    return recv(fd, &c, 1, 0) < 0 ? 0 : 1;
}

static void TM_14_another_local_user_gets_rst(void **state)
{
    int status = -1;
    pid_t pid;
    (void)state;
    if (getuid() != 0) {
        print_message("only root can be another user: not tested here\n");
        skip();
    }
    open_listener(false);
    if ((pid = fork()) == 0)
        _exit(as_stranger());
    while (waitpid(pid, &status, WNOHANG) == 0)
        turns();
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(accepted_count, 0);
    assert_int_equal(listener_refused(listener), 1);
    close_listener();
}

static void TM_14_a_taken_address_is_an_error(void **state)
{
    struct listener *second = NULL;
    struct listener_options o = {.app = "b", .accepted = on_accepted};
    struct sp_why why = {0};
    (void)state;
    open_listener(false);
    o.at = listener_address(listener);
    assert_int_equal(listener_new(loop, &o, &why, &second), SP_ERR_EXISTS);
    assert_non_null(strstr(why.text, "another program listens there"));
    close_listener();
}

static void say(int fd, const char *host, const char *rest)
{
    char text[256];
    struct address at = listener_address(listener);

    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s:%u\r\n%s", host, address_port(&at),
             rest);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void TM_13_the_head_is_looked_at_and_left_whole(void **state)
{
    char text[256] = "";
    int fd;
    (void)state;
    open_listener(true);
    fd = dial();
    say(fd, "127.77.201.1", "");
    turns();
    assert_int_equal(accepted_count, 0); /* no whole head yet */
    assert_int_equal(write(fd, "\r\nbody", 6), 6);
    turns();
    assert_int_equal(accepted_count, 1);
    assert_true(recv(accepted_fd, text, sizeof text - 1, 0) > 0);
    assert_true(strncmp(text, "GET / HTTP/1.1\r\nHost: 127.77.201.1:", 35) == 0);
    assert_non_null(strstr(text, "\r\n\r\nbody"));
    close(fd);
    close_listener();
}

static void TM_13_a_rebound_name_gets_421_and_reaches_nobody(void **state)
{
    char text[512] = "";
    int fd;
    (void)state;
    open_listener(true);
    fd = dial();
    say(fd, "evil.example", "\r\n");
    turns();
    assert_int_equal(accepted_count, 0);
    assert_true(recv(fd, text, sizeof text - 1, 0) > 0);
    assert_true(strncmp(text, "HTTP/1.1 421 ", 13) == 0);
    close(fd);
    close_listener();
}

static void a_browser_that_leaves_early_is_forgotten(void **state)
{
    (void)state;
    open_listener(true);
    close(dial());
    turns();
    assert_int_equal(accepted_count, 0);
    close_listener();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TM_14_the_owner_is_let_in),
        cmocka_unit_test(TM_14_another_local_user_gets_rst),
        cmocka_unit_test(TM_14_a_taken_address_is_an_error),
        cmocka_unit_test(TM_13_the_head_is_looked_at_and_left_whole),
        cmocka_unit_test(TM_13_a_rebound_name_gets_421_and_reaches_nobody),
        cmocka_unit_test(a_browser_that_leaves_early_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
