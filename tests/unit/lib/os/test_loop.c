#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/os/loop.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct record {
    struct loop *loop;
    int fd;
    int order[8];
    size_t count, turns;
    struct timer *later;
    struct deferred deferred;
};

static void note(struct record *r, int what)
{
    r->order[r->count++] = what;
}

static void first(void *arg)
{
    note(arg, 1);
}

static void second(void *arg)
{
    note(arg, 2);
}

static void stop(void *arg)
{
    struct record *r = arg;

    note(r, 9);
    loop_stop(r->loop);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
    struct record r = {0};
    struct timer *t[4];
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    sp_boot_ms now = clock_boot();
    assert_int_equal(timer_start(r.loop, now + 30, stop, &r, &t[0]), SP_OK);
    assert_int_equal(timer_start(r.loop, now + 10, second, &r, &t[1]), SP_OK);
    assert_int_equal(timer_start(r.loop, now - 5, first, &r, &t[2]), SP_OK);
    assert_int_equal(timer_start(r.loop, now + 1, first, &r, &t[3]), SP_OK);
    timer_cancel(t[3]);
    loop_run(r.loop);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.order[0], 1);
    assert_int_equal(r.order[1], 2);
    assert_int_equal(r.order[2], 9);
    loop_free(r.loop);
}

static void a_moved_timer_fires_at_its_new_time(void **state)
{
    struct record r = {0};
    struct timer *late, *end;
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    sp_boot_ms now = clock_boot();
    assert_int_equal(timer_start(r.loop, now + 100000, first, &r, &late), SP_OK);
    assert_int_equal(timer_start(r.loop, now + 20, stop, &r, &end), SP_OK);
    timer_move(late, now + 5);
    loop_run(r.loop);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.order[0], 1);
    loop_free(r.loop);
}

static void *post_from_outside(void *arg)
{
    struct record *r = arg;

    assert_false(loop_here(r->loop));
    assert_int_equal(loop_post(r->loop, first, r), SP_OK);
    assert_int_equal(loop_post(r->loop, second, r), SP_OK);
    assert_int_equal(loop_post(r->loop, stop, r), SP_OK);
    return NULL;
}

static void posts_of_another_thread_run_on_the_loop_in_order(void **state)
{
    struct record r = {0};
    pthread_t thread;
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    assert_int_equal(pthread_create(&thread, NULL, post_from_outside, &r), 0);
    loop_run(r.loop);
    pthread_join(thread, NULL);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.order[0], 1);
    assert_int_equal(r.order[1], 2);
    loop_free(r.loop);
}

static void on_byte(void *arg, unsigned events)
{
    struct record *r = arg;
    char byte;

    assert_true((events & WATCH_READ) != 0);
    assert_int_equal(read(r->fd, &byte, 1), 1);
    note(r, 1);
    deferred_queue(r->loop, &r->deferred);
    deferred_queue(r->loop, &r->deferred); /* once a turn */
}

static void deferred_work_runs_once_after_the_turn(void **state)
{
    struct record r = {0};
    struct watch *w;
    int pair[2];
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    deferred_init(&r.deferred, stop, &r);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    r.fd = pair[0];
    assert_int_equal(watch_start(r.loop, pair[0], WATCH_READ, on_byte, &r, &w), SP_OK);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_run(r.loop);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.order[0], 1);
    assert_int_equal(r.order[1], 9);

    watch_set(w, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_turn(r.loop, false);
    assert_int_equal(r.count, 2); /* nothing is watched */
    watch_stop(w);
    close(pair[0]);
    close(pair[1]);
    loop_free(r.loop);
}

static void cancelled_deferred_work_does_not_run(void **state)
{
    struct record r = {0};
    struct deferred d;
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    deferred_init(&r.deferred, first, &r);
    deferred_init(&d, second, &r);
    deferred_queue(r.loop, &r.deferred);
    deferred_queue(r.loop, &d);
    deferred_cancel(r.loop, &r.deferred);
    deferred_cancel(r.loop, &r.deferred);
    loop_turn(r.loop, false);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.order[0], 2);
    loop_free(r.loop);
}

static void again(void *arg)
{
    struct record *r = arg;

    r->turns++;
    deferred_queue(r->loop, &r->deferred);
}

static void on_any_byte(void *arg, unsigned events)
{
    (void)events;
    stop(arg);
}

static void deferred_work_that_queues_itself_leaves_the_sockets_their_turn(void **state)
{
    struct record r = {0};
    struct watch *w;
    int pair[2];
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    deferred_init(&r.deferred, again, &r);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(watch_start(r.loop, pair[0], WATCH_READ, on_any_byte, &r, &w), SP_OK);
    assert_int_equal(write(pair[1], "x", 1), 1);
    deferred_queue(r.loop, &r.deferred);
    loop_run(r.loop);
    assert_int_equal(r.count, 1);
    assert_in_range(r.turns, 1, 3);

    size_t before = r.turns;
    loop_turn(r.loop, true); /* nothing is ready, and it does not sleep either */
    assert_true(r.turns > before);
    deferred_cancel(r.loop, &r.deferred);
    watch_stop(w);
    close(pair[0]);
    close(pair[1]);
    loop_free(r.loop);
}

static void on_term(void *arg, int signo)
{
    assert_int_equal(signo, SIGUSR1);
    stop(arg);
}

static void signals_arrive_on_the_loop(void **state)
{
    struct record r = {0};
    struct signal_watch *s;
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    assert_int_equal(signal_start(r.loop, SIGUSR1, on_term, &r, &s), SP_OK);
    kill(getpid(), SIGUSR1);
    loop_run(r.loop);
    assert_int_equal(r.count, 1);
    signal_stop(s);
    loop_free(r.loop);
}

struct failing {
    struct watch *watch;
    unsigned events, told;
    bool again; /* the owner asks for the same events anew */
};

static void on_failing(void *arg, unsigned events)
{
    struct failing *f = arg;

    f->events |= events;
    f->told++;
    if (f->again)
        watch_set(f->watch, WATCH_WRITE);
}

/* A refused connection is the socket's error: told once, whatever its owner asked for. */
static void an_error_of_a_socket_is_told_once_until_it_is_watched_again(void **state)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;
    (void)state;

    for (int again = 0; again < 2; again++) {
        struct loop *loop;
        struct failing f = {.again = again == 1};
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        assert_int_equal(bind(listener, (struct sockaddr *)&to, sizeof to), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
        close(listener); /* nobody listens there */
        assert_int_equal(loop_new(&loop), SP_OK);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
        assert_int_equal(watch_start(loop, fd, WATCH_WRITE, on_failing, &f, &f.watch), SP_OK);
        for (int turn = 0; turn < 50; turn++) {
            usleep(500);
            loop_turn(loop, false);
        }
        assert_int_equal(f.events & (WATCH_FAILED | WATCH_READ | WATCH_WRITE),
                         WATCH_FAILED | WATCH_READ | WATCH_WRITE);
        if (again == 0)
            assert_int_equal(f.told, 1);
        else
            assert_true(f.told > 1); /* nobody took the error: asking again tells it again */
        watch_stop(f.watch);
        close(fd);
        loop_free(loop);
    }
}

static void a_program_with_a_loop_may_have_many_descriptors(void **state)
{
    struct rlimit had, now;
    struct loop *loop;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
    now = had;
    now.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(loop_new(&loop), SP_OK);
    loop_free(loop);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur,
                     had.rlim_max < LOOP_DESCRIPTORS_MAX ? had.rlim_max : LOOP_DESCRIPTORS_MAX);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &had), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(a_moved_timer_fires_at_its_new_time),
        cmocka_unit_test(posts_of_another_thread_run_on_the_loop_in_order),
        cmocka_unit_test(deferred_work_runs_once_after_the_turn),
        cmocka_unit_test(cancelled_deferred_work_does_not_run),
        cmocka_unit_test(deferred_work_that_queues_itself_leaves_the_sockets_their_turn),
        cmocka_unit_test(signals_arrive_on_the_loop),
        cmocka_unit_test(a_program_with_a_loop_may_have_many_descriptors),
        cmocka_unit_test(an_error_of_a_socket_is_told_once_until_it_is_watched_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
