#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/os/child.h"
#include "lib/os/fdpass.h"
#include "lib/os/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_descriptor_travels_with_its_message(void **state)
{
    int pair[2], pipe_fd[2], got;
    uint8_t room[FDPASS_MESSAGE_MAX];
    size_t len;
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(pipe(pipe_fd), 0);
    assert_int_equal(fdpass_receive(pair[1], room, &len, &got), SP_ERR_AGAIN);
    assert_int_equal(fdpass_send(pair[0], view_str("peer"), pipe_fd[1]), SP_OK);
    assert_int_equal(fdpass_send(pair[0], view_str("none"), -1), SP_OK);
    assert_int_equal(fdpass_send(pair[0], (struct view){0}, -1), SP_ERR_LIMIT);
    assert_int_equal(fdpass_receive(pair[1], room, &len, &got), SP_OK);
    assert_int_equal(len, 4);
    assert_true((fcntl(got, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(got, "x", 1), 1);
    assert_int_equal(read(pipe_fd[0], room, sizeof room), 1);
    close(got);
    assert_int_equal(fdpass_receive(pair[1], room, &len, &got), SP_OK);
    assert_int_equal(got, -1);
    close(pair[0]);
    assert_int_equal(fdpass_receive(pair[1], room, &len, &got), SP_ERR_CLOSED);
    close(pair[1]);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void too_long_messages_are_refused_whole(void **state)
{
    int pair[2], got = -1;
    uint8_t big[FDPASS_MESSAGE_MAX + 1] = {1}, room[FDPASS_MESSAGE_MAX];
    size_t len;
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(send(pair[0], big, sizeof big, 0), sizeof big);
    assert_int_equal(fdpass_receive(pair[1], room, &len, &got), SP_ERR_MALFORMED);
    assert_int_equal(got, -1);
    close(pair[0]);
    close(pair[1]);
}

struct watch_end {
    struct loop *loop;
    int status, signo;
};

static void on_ended(void *arg, int status, int signo)
{
    struct watch_end *w = arg;

    w->status = status;
    w->signo = signo;
    loop_stop(w->loop);
}

static void a_childs_end_is_told(void **state)
{
    static const char *const argv[] = {"sh", "-c", "exit 7", NULL};
    static const char *const sleeping[] = {"sleep", "60", NULL};
    struct child_spec spec = {.path = "sh", .argv = argv, .search = true, .quiet = true};
    struct watch_end w = {0};
    struct child *c;
    (void)state;

    assert_int_equal(loop_new(&w.loop), SP_OK);
    assert_int_equal(child_start(w.loop, &spec, on_ended, &w, &c), SP_OK);
    loop_run(w.loop);
    child_free(c);
    assert_int_equal(w.status, 7);

    spec = (struct child_spec){.path = "sleep", .argv = sleeping, .search = true};
    spec.die_with_parent = true;
    assert_int_equal(child_start(w.loop, &spec, on_ended, &w, &c), SP_OK);
    child_signal(c, SIGTERM);
    loop_run(w.loop);
    child_free(c);
    assert_int_equal(w.status, -1);
    assert_int_equal(w.signo, SIGTERM);

    spec.path = "/nonexistent/program";
    spec.search = false;
    assert_int_equal(child_start(w.loop, &spec, on_ended, &w, &c), SP_ERR_NOT_FOUND);
    loop_free(w.loop);
}

static void *set_soon(void *stop)
{
    usleep(20 * 1000);
    atomic_store((atomic_bool *)stop, true);
    return NULL;
}

static void output_is_bounded_in_time_and_size(void **state)
{
    static const char *const env[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};
    static const char *const echo[] = {"sh", "-c", "echo $LC_ALL$HOME; echo lost >&2; exit 3",
                                       NULL};
    static const char *const slow[] = {"sleep", "60", NULL};
    static const char *const endless[] = {"yes", NULL};
    struct child_spec spec = {.path = "sh", .argv = echo, .env = env, .search = true};
    struct buf out;
    int status = -1;
    (void)state;

    buf_init(&out, 100);
    assert_int_equal(child_output(&spec, 5000, &out, &status), SP_OK);
    assert_int_equal(status, 3);
    assert_true(view_is(buf_view(&out), "C\n"));
    spec.path = "sleep";
    spec.argv = slow;
    assert_int_equal(child_output(&spec, 50, &out, &status), SP_ERR_TIMEOUT);
    atomic_bool stop = false;
    pthread_t later;
    spec.stop = &stop;
    assert_int_equal(pthread_create(&later, NULL, set_soon, &stop), 0);
    assert_int_equal(child_output(&spec, 50000, &out, &status), SP_ERR_CLOSED); /* under way */
    pthread_join(later, NULL);
    assert_int_equal(child_output(&spec, 50000, &out, &status), SP_ERR_CLOSED); /* not begun */
    spec.stop = NULL;
    spec.path = "yes";
    spec.argv = endless;
    assert_int_equal(child_output(&spec, 5000, &out, &status), SP_ERR_LIMIT);
    buf_deinit(&out);
}

static void a_child_has_as_many_descriptors_as_from_any_other_parent(void **state)
{
    static const char *const argv[] = {"sh", "-c", "ulimit -Sn", NULL};
    const struct child_spec spec = {.path = "sh", .argv = argv, .search = true};
    struct loop *loop;
    struct buf out;
    int status;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(child_output(&spec, 5000, &out, &status), SP_OK);
    assert_true(view_is(buf_view(&out), "1024\n"));
    loop_free(loop);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_travels_with_its_message),
        cmocka_unit_test(too_long_messages_are_refused_whole),
        cmocka_unit_test(a_childs_end_is_told),
        cmocka_unit_test(output_is_bounded_in_time_and_size),
        cmocka_unit_test(a_child_has_as_many_descriptors_as_from_any_other_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
