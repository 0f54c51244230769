/* session.c, dial.c: bytes between an agent and the app, both ways, and a pause in between. */
#include "tests/unit/connector/house.h"

#include "lib/os/sock.h"

#include <unistd.h>

static void a_session_reaches_the_app_and_ends_clean(void **state)
{
    struct house h;
    struct grant g;
    uint8_t room[2000], got[1000];
    size_t n = 0;
    (void)state;

    struct fake_agent *a = house_begin_with(&h, &g, 1000);
    check(id_equal(h.facts.grant.session, g.session));
    while (n < 1000) {
        ssize_t more = house_app_reads(&h, room, sizeof room);
        check(more >= 0 && n + (size_t)more <= 1000);
        memcpy(got + n, room, (size_t)more);
        n += (size_t)more;
        scene_turn(&h.scene);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(got[i], (uint8_t)(11 + i * 7 + (i >> 8) * 13));
    bool fin = false; /* the agent's FIN is the app's */
    for (int i = 0; i < 20000 && !fin; i++, scene_turn(&h.scene))
        fin = house_app_reads(&h, room, sizeof room) == -2;
    check(fin);
    assert_int_equal(write(h.app, "\x63\x6a", 2), 2); /* pattern 99 */
    close(h.app);
    h.app = -1;
    scene_until(&h.scene, a->app.ended);
    check_ok(a->app.why);
    assert_int_equal(a->app.got, 2);
    check(!a->app.wrong);
    assert_string_equal(records_get(&h.scene.records, h.app_id)->last, "connected");
    tunnel_end_drain(a->end);
    scene_until(&h.scene, h.closed == 1);
    assert_string_equal(h.why, "end");
    assert_int_equal(h.facts.up, 1000);
    assert_int_equal(h.facts.down, 2);
    assert_int_equal(sessions_count(h.sessions), 0);
    house_deinit(&h);
}

static void an_app_that_refuses_is_502_and_the_session_stays(void **state)
{
    struct house h;
    (void)state;

    house_stands(&h);
    close(h.app_listener);
    h.app_listener = dup(0);
    struct grant g = fake_relay_grant(&h.relay, h.app_id);
    struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.scene.grants);
    scene_until(&h.scene, a->up);
    fake_relay_stream(a, 10);
    scene_until(&h.scene, a->app.ended);
    assert_int_equal(a->app.status, 502);
    assert_string_equal(records_get(&h.scene.records, h.app_id)->last, "refused");
    assert_int_equal(sessions_count(h.sessions), 1);
    house_deinit(&h);
}

static void a_reset_of_the_app_is_a_reset_of_the_stream(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    struct fake_agent *a = house_begin(&h, &g);
    sock_reset(h.app);
    h.app = -1;
    scene_until(&h.scene, a->app.ended);
    check(a->app.why != SP_OK);
    assert_int_equal(sessions_count(h.sessions), 1);
    house_deinit(&h);
}

/* ---- a pause ------------------------------------------------------------------------------ */

static size_t drain_app(struct house *h)
{
    uint8_t room[65536];
    size_t n = 0;
    ssize_t got;

    while ((got = house_app_reads(h, room, sizeof room)) > 0)
        n += (size_t)got;
    return n;
}

static void a_paused_session_moves_no_byte_and_goes_on(void **state)
{
    struct house h;
    size_t got = 0, want = 3000000;
    uint8_t answer[1] = {99};
    (void)state;

    house_stands(&h);
    struct grant g = fake_relay_grant(&h.relay, h.app_id);
    struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.scene.grants);
    scene_until(&h.scene, a->up);
    fake_relay_stream(a, want);
    scene_until(&h.scene, house_app_came(&h));
    while (got < 100000) {
        got += drain_app(&h);
        scene_turn(&h.scene);
    }
    sessions_pause(h.sessions, g.session, clock_unix() + 60 * 1000);
    for (int i = 0; i < 100; i++) { /* what the kernel has already, then nothing */
        got += drain_app(&h);
        scene_turn(&h.scene);
    }
    size_t before = got;
    assert_int_equal(write(h.app, answer, 1), 1);
    scene_for(&h.scene, 200);
    got += drain_app(&h);
    assert_int_equal(got, before);
    assert_int_equal(a->app.got, 0);
    sessions_resume(h.sessions, g.session);
    while (got < want && !a->ended) {
        got += drain_app(&h);
        scene_turn(&h.scene);
    }
    assert_int_equal(got, want);
    scene_until(&h.scene, a->app.got == 1);
    assert_int_equal(h.closed, 0);
    house_deinit(&h);
}

static void a_stream_that_opens_in_a_pause_waits_too(void **state)
{
    struct house h;
    uint8_t room[100];
    (void)state;

    house_stands(&h);
    struct grant g = fake_relay_grant(&h.relay, h.app_id);
    struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.scene.grants);
    scene_until(&h.scene, a->up);
    sessions_pause(h.sessions, g.session, clock_unix() + 60 * 1000);
    fake_relay_stream(a, 100);
    scene_until(&h.scene, house_app_came(&h));
    scene_for(&h.scene, 100);
    assert_int_equal(house_app_reads(&h, room, sizeof room), 0);
    sessions_resume(h.sessions, g.session);
    size_t got = 0;
    for (int i = 0; i < 20000 && got < 100; i++) {
        got += drain_app(&h);
        scene_turn(&h.scene);
    }
    assert_int_equal(got, 100);
    house_deinit(&h);
}

static void a_pause_without_a_proof_in_time_is_the_end(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    house_begin(&h, &g);
    sessions_pause(h.sessions, g.session, clock_unix() + 100);
    scene_until(&h.scene, h.closed == 1);
    assert_string_equal(h.why, "policy");
    house_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_reaches_the_app_and_ends_clean),
        cmocka_unit_test(an_app_that_refuses_is_502_and_the_session_stays),
        cmocka_unit_test(a_reset_of_the_app_is_a_reset_of_the_stream),
        cmocka_unit_test(a_paused_session_moves_no_byte_and_goes_on),
        cmocka_unit_test(a_stream_that_opens_in_a_pause_waits_too),
        cmocka_unit_test(a_pause_without_a_proof_in_time_is_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
