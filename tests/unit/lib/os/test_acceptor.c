/* acceptor.c: every connection is taken; without descriptors nobody spins. */
#include "lib/os/acceptor.h"
#include "lib/os/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALLERS = 8 };

struct house {
    struct loop *loop;
    struct acceptor *acceptor;
    struct address at;
    int listener, callers[CALLERS], taken[CALLERS];
    unsigned count;
    bool hold_next;
};

static void took(void *arg, int fd, const struct address *peer)
{
    struct house *h = arg;

    assert_true(address_port(peer) > 0);
    assert_true(h->count < CALLERS);
    h->taken[h->count++] = fd;
    if (h->hold_next)
        acceptor_hold(h->acceptor, true);
}

static int setup(void **state)
{
    static struct house h;

    h = (struct house){.listener = -1};
    assert_int_equal(loop_new(&h.loop), SP_OK);
    assert_int_equal(address_parse(view_str("127.0.0.1:0"), &h.at), SP_OK);
    assert_int_equal(sock_listen(&h.at, NULL, &h.listener), SP_OK);
    assert_int_equal(sock_local(h.listener, &h.at), SP_OK);
    assert_int_equal(acceptor_start(h.loop, h.listener, took, &h, &h.acceptor), SP_OK);
    for (int i = 0; i < CALLERS; i++)
        h.callers[i] = h.taken[i] = -1;
    *state = &h;
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;

    acceptor_stop(h->acceptor);
    for (int i = 0; i < CALLERS; i++) {
        if (h->callers[i] >= 0)
            close(h->callers[i]);
        if (h->taken[i] >= 0)
            close(h->taken[i]);
    }
    close(h->listener);
    loop_free(h->loop);
    return 0;
}

static void call(struct house *h, int n)
{
    h->callers[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(h->callers[n], (struct sockaddr *)&h->at.at, h->at.len), 0);
}

static void until(struct house *h, unsigned count, int64_t ms)
{
    sp_boot_ms end = clock_boot() + ms;

    while (h->count < count && clock_boot() < end) {
        usleep(500);
        loop_turn(h->loop, false);
    }
}

static void all_that_wait_are_taken(void **state)
{
    struct house *h = *state;

    for (int i = 0; i < CALLERS; i++)
        call(h, i);
    until(h, CALLERS, 2000);
    assert_int_equal(h->count, CALLERS);
}

static void held_it_takes_nothing_and_goes_on_later(void **state)
{
    struct house *h = *state;

    h->hold_next = true;
    call(h, 0);
    call(h, 1);
    until(h, 2, 100);
    assert_int_equal(h->count, 1);
    h->hold_next = false;
    acceptor_hold(h->acceptor, false);
    until(h, 2, 2000);
    assert_int_equal(h->count, 2);
}

static void nothing(void *arg)
{
    *(bool *)arg = true;
}

static void C_040_without_descriptors_it_rests_and_takes_when_there_are_some(void **state)
{
    struct house *h = *state;
    struct rlimit before, none;
    struct timer *t;
    bool over = false;
    unsigned turns = 0;
    int highest;

    call(h, 0);
    call(h, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    highest = dup(0);
    close(highest);
    none = before;
    none.rlim_cur = (rlim_t)highest; /* the lowest free number: no new one */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(timer_start(h->loop, clock_boot() + 2 * ACCEPTOR_REST_MS, nothing, &over, &t),
                     SP_OK);
    while (!over) {
        loop_turn(h->loop, true);
        turns++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(h->count, 0);
    assert_true(turns < 20); /* a spinning loop turns a hundred thousand times */
    until(h, 2, 2000);
    assert_int_equal(h->count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_that_wait_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(held_it_takes_nothing_and_goes_on_later, setup, teardown),
        cmocka_unit_test_setup_teardown(
            C_040_without_descriptors_it_rests_and_takes_when_there_are_some, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
