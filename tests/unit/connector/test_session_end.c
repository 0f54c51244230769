/* session.c, sessions.c: what ends a session, and with which word. */
#include "tests/unit/connector/house.h"

#include "lib/crypto/random.h"

#include <stdio.h>

static bool app_is_reset(struct house *h)
{
    uint8_t room[4096];
    ssize_t n;

    while ((n = house_app_reads(h, room, sizeof room)) > 0)
        continue;
    h->reset |= n == -1; /* told once */
    return h->reset;
}

static void a_cut_resets_the_app_and_its_word_reaches_the_agent(void **state)
{
    static const char *const words[] = {"floor",  "record", "deadline", "idle",
                                        "policy", "killed", "revoked"};
    (void)state;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct house h;
        struct grant g;
        int64_t ms = -1;
        struct fake_agent *a = house_begin(&h, &g);
        const struct session_selector which = {.session = g.session};

        assert_int_equal(sessions_cut(h.sessions, &which, words[i], &ms), 1);
        check(ms >= 0 && ms < 5000);
        assert_int_equal(h.closed, 1);
        assert_string_equal(h.why, words[i]);
        scene_until(&h.scene, app_is_reset(&h));
        scene_until(&h.scene, a->ended && h.relay.cuts == 1);
        assert_int_equal(a->report.why, TUNNEL_CUT);
        assert_string_equal(a->report.code, words[i]);
        assert_string_equal(h.relay.cut_why, words[i]); /* for a bare tunnel, which can't say it */
        /* a cut overtakes an opening */
        struct fake_agent *b = fake_relay_ask(&h.relay, 1, &g, h.scene.grants);
        assert_string_equal(b->refused, "killed");
        house_deinit(&h);
    }
}

static void the_relays_word_of_a_cut_is_the_sessions_end(void **state)
{
    static const char *const words[][2] = {{"deadline", "deadline"},
                                           {"revoked", "revoked"},
                                           {"policy", "policy"},
                                           {"made up", "killed"}};
    (void)state;

    for (size_t i = 0; i < 2 * sizeof words / sizeof *words; i++) {
        struct house h;
        struct grant g;
        struct fake_agent *a = house_begin(&h, &g);

        if (i % 2 == 0) /* over the standing channel, or by the close frame of its tunnel */
            fake_relay_cut(&h.relay, g.session, words[i / 2][0]);
        else
            leg_close(a->pair.spare, CLOSE_CUT, words[i / 2][0]);
        scene_until(&h.scene, h.closed == 1);
        assert_string_equal(h.why, words[i / 2][1]);
        scene_until(&h.scene, app_is_reset(&h));
        house_deinit(&h);
    }
}

/* A relay may end sessions, and only those that it names. */
static void a_relays_cut_without_a_session_ends_nothing(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    house_begin(&h, &g);
    fake_relay_cut(&h.relay, random_id(), "killed");
    scene_for(&h.scene, 50);
    assert_int_equal(h.closed, 0);
    house_deinit(&h);
}

static void a_floor_that_no_longer_allows_ends_the_session(void **state)
{
    struct house h;
    struct grant g;
    char floor[128];
    (void)state;

    house_begin(&h, &g);
    snprintf(floor, sizeof floor, "allow 127.0.0.1:%u\n# a comment\n", h.app_port);
    scene_floor(&h.scene, floor);
    sessions_rules_changed(h.sessions);
    assert_int_equal(h.closed, 0);
    scene_floor(&h.scene, "allow 127.0.0.1:1\n");
    sessions_rules_changed(h.sessions);
    assert_int_equal(h.closed, 1);
    assert_string_equal(h.why, "floor");
    house_deinit(&h);
}

static void a_record_that_names_another_host_ends_the_session(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    house_begin(&h, &g);
    scene_app(&h.scene, h.app_id, "127.0.0.1", h.app_port); /* a new version, the same target */
    sessions_rules_changed(h.sessions);
    assert_int_equal(h.closed, 0);
    scene_app(&h.scene, h.app_id, "wiki.internal", h.app_port);
    sessions_rules_changed(h.sessions);
    assert_int_equal(h.closed, 1);
    assert_string_equal(h.why, "record");
    house_deinit(&h);
}

static void a_deadline_may_come_earlier_and_never_later(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    house_begin(&h, &g);
    sessions_limit(h.sessions, g.session, g.deadline + 60 * 1000);
    assert_int_equal(h.closed, 0);
    sp_boot_ms began = clock_boot();
    sessions_limit(h.sessions, g.session, clock_unix() + 80);
    scene_until(&h.scene, h.closed == 1);
    check(clock_boot() - began >= 70 && clock_boot() - began < 2000);
    assert_string_equal(h.why, "deadline");
    house_deinit(&h);
}

/* No broker for longer than the grant's reverify: the session ends (INC-5, P5). */
static void a_session_that_nobody_can_verify_ends(void **state)
{
    struct house h;
    (void)state;

    house_stands(&h);
    struct grant g = fake_relay_grant(&h.relay, h.app_id);
    g.reverify_ms = 500;
    struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.scene.grants);
    scene_until(&h.scene, a->up);
    sessions_broker_lost(h.sessions, clock_boot());
    sessions_broker_lost(h.sessions, 0); /* back in time */
    scene_for(&h.scene, 1200);
    assert_int_equal(h.closed, 0);
    sessions_broker_lost(h.sessions, clock_boot());
    scene_until(&h.scene, h.closed == 1);
    assert_string_equal(h.why, "policy");
    house_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_resets_the_app_and_its_word_reaches_the_agent),
        cmocka_unit_test(the_relays_word_of_a_cut_is_the_sessions_end),
        cmocka_unit_test(a_relays_cut_without_a_session_ends_nothing),
        cmocka_unit_test(a_floor_that_no_longer_allows_ends_the_session),
        cmocka_unit_test(a_record_that_names_another_host_ends_the_session),
        cmocka_unit_test(a_deadline_may_come_earlier_and_never_later),
        cmocka_unit_test(a_session_that_nobody_can_verify_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
