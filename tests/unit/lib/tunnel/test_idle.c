/* The clock of a tunnel by itself: pings, what is lost, what is idle. */
#include "lib/tunnel/idle.h"
#include "lib/tunnel/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { START = 1000000, STEP = 250 };

/* What a tunnel's life looks like from here: the peer answers pings, sends all the time, or
 * neither. */
struct life {
    bool live, answers, busy;
};

/* Runs `ms` and returns the longest time between two pings; `lost` is set when the peer was given
 * up. */
static int64_t longest_silence(const struct life *l, int64_t ms, bool *lost)
{
    sp_boot_ms now = START, last = START;
    int64_t longest = 0;
    struct idle i;

    idle_begin(&i, now);
    if (l->live) {
        idle_serving(&i, now, 0);
        idle_up(&i, now);
    } else {
        idle_waiting(&i, now);
    }
    *lost = false;
    for (; now < START + ms && !*lost; now += STEP) {
        if (l->busy) {
            idle_heard(&i, now);
            idle_bytes_moved(&i, now);
        }
        for (enum idle_verdict v; (v = idle_due(&i, now)) != IDLE_NOTHING && !*lost;) {
            *lost = v == IDLE_LOST;
            if (v != IDLE_PING)
                continue;
            longest = now - last > longest ? now - last : longest;
            last = now;
            if (l->answers)
                idle_heard(&i, now + STEP);
        }
    }
    return now - last > longest ? now - last : longest;
}

/* C-021: a middlebox that counts only what this end sends cuts after 60 s of it. What the peer says
 * resets nothing: a busy download is pinged like a silent shell, and a tunnel that waits like one
 * that has a session. */
static void C_021_pings_leave_at_most_25_s_apart_whatever_the_peer_does(void **state)
{
    static const struct life lives[] = {{false, true, false}, {false, true, true},
                                        {true, true, false},  {true, true, true},
                                        {false, false, true}, {true, false, true}};
    bool lost;

    (void)state;
    for (size_t n = 0; n < sizeof lives / sizeof lives[0]; n++) {
        int64_t longest = longest_silence(&lives[n], 5 * 60 * 1000, &lost);
        if (lost || longest > 25 * 1000 + STEP)
            fail_msg("life %zu: %lld ms without a ping%s", n, (long long)longest,
                     lost ? ", given up" : "");
    }
}

/* C-024: who answers nothing is given up within 30 s of the last sign of life in a session. */
static void C_024_a_peer_that_vanished_is_given_up_in_time(void **state)
{
    static const struct life gone[] = {{true, false, false}, {false, false, false}};
    bool lost;

    (void)state;
    for (size_t n = 0; n < 2; n++) {
        int64_t quiet = longest_silence(&gone[n], 5 * 60 * 1000, &lost);
        assert_true(lost);
        assert_true(quiet <= PEER_LOST_MS);
    }
}

static void an_opening_that_stands_still_ends_and_is_not_pinged(void **state)
{
    struct idle i;
    sp_boot_ms now = START;
    enum idle_verdict v;

    (void)state;
    idle_begin(&i, now);
    while ((v = idle_due(&i, now)) == IDLE_NOTHING && now < START + 120 * 1000) {
        idle_heard(&i, now); /* bytes alone prolong no opening */
        now += STEP;
    }
    assert_int_equal(v, IDLE_LATE);
    assert_true(now <= START + OUTER_TLS_MS + OUTER_UPGRADE_MS + INNER_BIND_MS);
}

/* Pings and their answers are no use of the session: the idle time counts bytes. */
static void a_session_that_moves_nothing_is_over_although_it_is_pinged(void **state)
{
    struct idle i;
    sp_boot_ms now = START;
    enum idle_verdict v = IDLE_NOTHING;

    (void)state;
    idle_begin(&i, now);
    idle_serving(&i, now, 60 * 1000);
    idle_up(&i, now);
    for (; v != IDLE_OVER && now < START + 300 * 1000; now += STEP)
        if ((v = idle_due(&i, now)) == IDLE_PING)
            idle_heard(&i, now + STEP);
    assert_int_equal(v, IDLE_OVER);
    assert_in_range(now, START + 60 * 1000, START + 60 * 1000 + 2 * STEP);
    idle_up(&i, START); /* and one that moves is not */
    for (now = START, v = IDLE_NOTHING; now < START + 300 * 1000 && v != IDLE_OVER; now += STEP) {
        idle_bytes_moved(&i, now);
        if ((v = idle_due(&i, now)) == IDLE_PING)
            idle_heard(&i, now + STEP);
    }
    assert_int_not_equal(v, IDLE_OVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_021_pings_leave_at_most_25_s_apart_whatever_the_peer_does),
        cmocka_unit_test(C_024_a_peer_that_vanished_is_given_up_in_time),
        cmocka_unit_test(an_opening_that_stands_still_ends_and_is_not_pinged),
        cmocka_unit_test(a_session_that_moves_nothing_is_over_although_it_is_pinged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
