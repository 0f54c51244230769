/* dialer.c: when it dials again, and that no try leaves a descriptor behind. */
#include "tests/unit/lib/channel/rig.h"

#include "lib/channel/backoff.h"

#include <dirent.h>
#include <unistd.h>

static void a_lost_channel_comes_back(void **state)
{
    struct rig *r = *state;

    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    listener_close(r->side.listener, r->side.edge, CHANNEL_CLOSE_GOING, "restart");
    rig_until(r, &r->heard.lost, 1);
    assert_true(r->heard.end.again_ms >= BACKOFF_LEAST_MS &&
                r->heard.end.again_ms <= BACKOFF_FIRST_MS);
    rig_until(r, &r->heard.opened, 2);
    assert_int_equal(r->side.lost, 1);
    dialer_again(r->dialer);
    rig_until(r, &r->heard.opened, 3);
}

/* Descriptors of this process that stand for sockets. */
static unsigned sockets_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;
    char target[64];

    assert_non_null(folder);
    for (struct dirent *d; (d = readdir(folder)) != NULL;) {
        ssize_t len = readlinkat(dirfd(folder), d->d_name, target, sizeof target - 1);
        n += len > 7 && memcmp(target, "socket:", 7) == 0;
    }
    closedir(folder);
    return n;
}

static void fifty_reconnects_leave_no_descriptor(void **state)
{
    struct rig *r = *state;
    unsigned before;

    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    rig_for(r, 50);
    before = sockets_open();
    for (unsigned i = 0; i < 50; i++) {
        dialer_again(r->dialer);
        rig_until(r, &r->heard.opened, i + 2);
    }
    rig_for(r, 50);
    assert_int_equal(sockets_open(), before);
}

static void tries_that_end_early_or_in_refusal_leave_no_descriptor(void **state)
{
    struct rig *r = *state;
    unsigned before = sockets_open();

    for (unsigned i = 0; i < 10; i++) {
        rig_dial(r, "localhost");
        rig_for(r, i); /* in the lookup, the handshake, the opening */
        dialer_free(r->dialer);
    }
    r->dialer = NULL;
    rig_for(r, 50);
    assert_int_equal(sockets_open(), before);

    rig_stop_serving(r);
    rig_serve(r, "untrusted");
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.lost, 1);
    rig_for(r, 50);
    assert_int_equal(sockets_open(), before);
}

static void a_hurry_dials_once_and_leaves_an_open_channel_alone(void **state)
{
    struct rig *r = *state;

    r->side.refuse = CHANNEL_CLOSE_PROOF; /* then the wait is a minute */
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.lost, 1);
    r->side.refuse = 0;
    for (int i = 0; i < 5; i++) {
        dialer_hurry(r->dialer, clock_boot() + 1000);
        rig_for(r, 1);
    }
    rig_until(r, &r->heard.opened, 1);
    dialer_hurry(r->dialer, clock_boot() + 1000);
    rig_for(r, 50);
    assert_int_equal(r->heard.opened, 1);
    assert_int_equal(r->heard.lost, 1);
    assert_int_equal(r->side.proven, 2);
}

static void while_somebody_waits_tries_are_a_second_apart(void **state)
{
    struct rig *r = *state;
    uint16_t real = r->side.port;
    sp_boot_ms began;

    r->side.port = 1;
    rig_dial(r, "localhost");
    r->side.port = real;
    began = clock_boot();
    dialer_hurry(r->dialer, began + 4000);
    rig_until(r, &r->heard.lost, 5);
    assert_true(clock_boot() - began < 5500);
}

static void starting_over_waits_for_no_answer_of_the_old_peer(void **state)
{
    struct rig *r = *state;
    sp_boot_ms began;

    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    began = clock_boot();
    dialer_again(r->dialer);
    rig_until(r, &r->heard.lost, 1);
    assert_int_equal(r->heard.end.error, SP_ERR_CANCELLED);
    assert_int_equal(r->heard.end.again_ms, 0);
    rig_until(r, &r->heard.opened, 2);
    assert_true(clock_boot() - began < 1000);
}

static void nobody_listens(void **state)
{
    struct rig *r = *state;
    uint16_t real = r->side.port;

    r->side.port = 1;
    rig_dial(r, "localhost");
    r->side.port = real;
    rig_until(r, &r->heard.lost, 1);
    assert_int_equal(r->heard.end.error, SP_ERR_UNREACHABLE);
    assert_non_null(strstr(r->heard.end.why.text, "localhost:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_lost_channel_comes_back),
        RIG_TEST(fifty_reconnects_leave_no_descriptor),
        RIG_TEST(tries_that_end_early_or_in_refusal_leave_no_descriptor),
        RIG_TEST(a_hurry_dials_once_and_leaves_an_open_channel_alone),
        RIG_TEST(while_somebody_waits_tries_are_a_second_apart),
        RIG_TEST(starting_over_waits_for_no_answer_of_the_old_peer),
        RIG_TEST(nobody_listens),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
