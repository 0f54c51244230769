/* stand.c: a connector at a relay: what it refuses there and tells of it, and how it stands. */
#include "tests/unit/connector/house.h"

#include "lib/crypto/random.h"
#include "lib/proto/relay.h"

#include <stdio.h>

/* ---- what is refused ---------------------------------------------------------------------- */

/* The broker's answer to the last batch. */
static void answer(struct house *h)
{
    char text[96];

    if (h->asked == 0)
        return;
    snprintf(text, sizeof text, "{\"re\":%lld,\"i\":%lld,\"told\":%lld}", (long long)h->asked,
             (long long)(2 + h->said++), (long long)h->told);
    h->asked = 0;
    check_ok(channel_receive(h->broker, view_str(text)));
}

static bool told(struct house *h, const char *why, struct sp_id session)
{
    char word[64];

    answer(h);
    snprintf(word, sizeof word, "\"why\":\"%s\"", why);
    return strstr(h->heard, "\"t\":\"audit.batch\"") != NULL && strstr(h->heard, word) != NULL &&
           (id_is_zero(session) || strstr(h->heard, id_text(session).s) != NULL);
}

static void E2E_T7_a_grant_that_does_not_hold_opens_nothing_and_is_told(void **state)
{
    struct house h;
    (void)state;

    house_stands(&h);
    fake_relay_spares(&h.relay, 2);
    struct grant g = fake_relay_grant(&h.relay, h.app_id);
    struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.scene.record_key);
    assert_string_equal(a->refused, "policy");
    scene_until(&h.scene, told(&h, "policy", (struct sp_id){{0}}));
    check(strstr(h.heard, id_text(g.session).s) == NULL); /* a forged grant names nobody */

    g.relay = random_id(); /* another relay's, handed on by this one */
    a = fake_relay_ask(&h.relay, 1, &g, h.scene.grants);
    assert_string_equal(a->refused, "policy");

    g = fake_relay_grant(&h.relay, random_id());
    a = fake_relay_ask(&h.relay, 2, &g, h.scene.grants);
    assert_string_equal(a->refused, "record");
    scene_until(&h.scene, told(&h, "record", g.session));
    assert_int_equal(sessions_count(h.sessions), 0);
    house_deinit(&h);
}

static void a_grant_counts_once_here_too(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    house_begin(&h, &g);
    struct fake_agent *b = fake_relay_ask(&h.relay, 1, &g, h.scene.grants);
    assert_string_equal(b->refused, "replay");
    scene_until(&h.scene, told(&h, "replay", g.session));
    house_deinit(&h);
}

static void E2E_6_a_target_outside_the_floor_is_403_and_told_with_its_line(void **state)
{
    struct house h;
    char floor[128];
    (void)state;

    house_stands(&h);
    snprintf(floor, sizeof floor, "allow *.internal:*\ndeny 127.0.0.0/8:%u\n", h.app_port);
    scene_floor(&h.scene, floor);
    struct grant g = fake_relay_grant(&h.relay, h.app_id);
    struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.scene.grants);
    scene_until(&h.scene, a->up);
    fake_relay_stream(a, 10);
    scene_until(&h.scene, a->app.ended);
    assert_int_equal(a->app.status, 403);
    scene_until(&h.scene, told(&h, "floor", g.session));
    check(strstr(h.heard, "\"floor_line\":2") != NULL);
    check(!house_app_came(&h)); /* not even a SYN */
    house_deinit(&h);
}

static void a_draining_connector_takes_no_session(void **state)
{
    struct house h;
    (void)state;

    house_stands(&h);
    stands_drain(h.stands);
    scene_until(&h.scene, fake_relay_waiting(&h.relay) == 0); /* waiting spares go */
    const struct ticket t = {
        .tickets = {random_id()}, .ticket_count = 1, .until = clock_unix() + 60 * 1000};
    check_ok(channel_send(h.relay.channel, "ticket", fields_write(ticket_fields, &t)));
    scene_for(&h.scene, 100);
    assert_int_equal(fake_relay_waiting(&h.relay), 0); /* and none comes */
    house_deinit(&h);
}

/* ---- standing ----------------------------------------------------------------------------- */

static void a_lost_standing_channel_is_dialled_again_and_sessions_stay(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    struct fake_agent *a = house_begin(&h, &g);
    assert_int_equal(h.relay.stood, 1);
    fake_relay_lose(&h.relay);
    scene_until(&h.scene, h.relay.stood == 2);
    scene_until(&h.scene, fake_relay_waiting(&h.relay) == 0); /* its spares went with it */
    check(!a->ended && h.closed == 0);
    fake_relay_spares(&h.relay, 1);
    struct stand_at at;
    stands_report(h.stands, &at);
    assert_int_equal(at.at_count, 1);
    assert_int_equal(at.at[0].generation, 2);
    assert_int_equal(at.at[0].spares, 1);
    house_deinit(&h);
}

static void a_relay_with_another_key_than_the_pinned_is_not_stood_at(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    fake_relay_stand(&h.relay, &h.stand);
    h.stand.key[0] = h.stand.key[0] == 'A' ? 'B' : 'A';
    check_ok(stands_put(h.stands, &h.stand.put));
    scene_for(&h.scene, 300);
    assert_int_equal(h.relay.stood, 0);
    assert_int_equal(h.changed >= 1, 1); /* it tried, and will again */
    stands_drop(h.stands, h.relay.id);
    house_deinit(&h);
}

static void stands_are_few_and_need_an_address(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    fake_relay_stand(&h.relay, &h.stand);
    struct stand_put p = h.stand.put;
    p.address_count = 0;
    assert_int_equal(stands_put(h.stands, &p), SP_ERR_INVALID);
    p = h.stand.put;
    p.addresses[0] = view_str("127.0.0.1");
    assert_int_equal(stands_put(h.stands, &p), SP_ERR_INVALID);
    p.addresses[0] = view_str("[::1]:0");
    assert_int_equal(stands_put(h.stands, &p), SP_ERR_INVALID);
    p = h.stand.put;
    p.key = view_str("AAAA");
    assert_int_equal(stands_put(h.stands, &p), SP_ERR_INVALID);
    p = h.stand.put;
    for (int i = 0; i < STANDS_LIMIT; i++) {
        p.relay = random_id();
        check_ok(stands_put(h.stands, &p));
        check_ok(stands_put(h.stands, &p)); /* a renewed statement is no further stand */
    }
    p.relay = random_id();
    assert_int_equal(stands_put(h.stands, &p), SP_ERR_FULL);
    house_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(E2E_T7_a_grant_that_does_not_hold_opens_nothing_and_is_told),
        cmocka_unit_test(a_grant_counts_once_here_too),
        cmocka_unit_test(E2E_6_a_target_outside_the_floor_is_403_and_told_with_its_line),
        cmocka_unit_test(a_draining_connector_takes_no_session),
        cmocka_unit_test(a_lost_standing_channel_is_dialled_again_and_sessions_stay),
        cmocka_unit_test(a_relay_with_another_key_than_the_pinned_is_not_stood_at),
        cmocka_unit_test(stands_are_few_and_need_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
