#include "tests/unit/relay/rig.h"

#include "lib/crypto/random.h"
#include "lib/os/fdpass.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- who may stand here ------------------------------------------------------------------- */

static void WS_15_only_a_connector_with_a_stand_statement_for_this_relay_stands(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    assert_int_equal(stands_count(r.relay.stands), 1);

    /* another connector shows the first one's statement */
    struct rig_connector *d = &r.connectors[1];
    char stolen[STAND_MAX + 1];
    memcpy(stolen, c->statement, sizeof stolen);
    memset(d, 0, sizeof *d);
    rig_stand(&r, 1, 0);
    assert_int_equal(d->opened, 1); /* with its own it may */
    over_free(d->over);
    d->over = NULL;
    rig_until(&r, stands_count(r.relay.stands) == 1);
    memcpy(d->statement, stolen, sizeof stolen);
    rig_stand(&r, 1, 0);
    assert_int_equal(d->opened, 1);
    assert_int_equal(d->report.close, CLOSE_PROOF);

    /* a statement that a grant key signed is no stand statement */
    d->statement[0] = '\0';
    struct key_secret *record = r.record_key;
    r.record_key = r.grant_key;
    rig_stand(&r, 1, 0);
    r.record_key = record;
    assert_int_equal(d->opened, 1);
    assert_int_equal(d->report.close, CLOSE_PROOF);
    rig_deinit(&r);
}

/* ---- spares ------------------------------------------------------------------------------- */

static void two_spares_wait_and_a_used_one_is_replaced(void **state)
{
    struct rig r;
    struct grant g;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    rig_for(&r, 30);
    assert_int_equal(rig_waiting(c), SPARES_WAITING);
    assert_int_equal(c->tickets, SPARES_WAITING);
    for (int i = 0; i < 3; i++) {
        struct rig_agent *a = rig_ask_fresh(&r, i, c, &g);
        rig_until(&r, a->up);
    }
    rig_until(&r, rig_waiting(c) >= SPARES_WAITING);
    check(rig_waiting(c) <= SPARES_WAITING_MAX);
    assert_int_equal(stands_spares(r.relay.stands), rig_waiting(c));
    rig_deinit(&r);
}

static void more_sessions_than_spares_all_open(void **state)
{
    struct rig r;
    struct grant g;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    for (int i = 0; i < RIG_AGENTS; i++)
        rig_ask_fresh(&r, i, c, &g);
    for (int i = 0; i < RIG_AGENTS; i++)
        rig_until(&r, r.agents[i].up);
    assert_int_equal(pairs_count(r.relay.pairs), RIG_AGENTS);
    assert_int_equal(c->opens, RIG_AGENTS);
    rig_deinit(&r);
}

static void tickets_and_spares_end_with_their_channel(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    over_free(c->over);
    c->over = NULL;
    rig_until(&r, stands_spares(r.relay.stands) == 0 && stands_count(r.relay.stands) == 0);
    rig_until(&r, rig_waiting(c) == 0);
    rig_deinit(&r);
}

/* ---- drain -------------------------------------------------------------------------------- */

static void CT_7_a_draining_relay_tells_connectors_and_keeps_its_sessions(void **state)
{
    (void)state;
    for (int mode = RELAY_CUT_AUTO; mode <= RELAY_CUT_OFF; mode++) {
        struct rig r;
        struct grant g;

        rig_init(&r, mode);
        struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
        c->to_send = 1000000;
        struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
        rig_until(&r, a->up);
        r.relay.draining = true;
        stands_drain(r.relay.stands, clock_unix() + 1000);
        rig_until(&r, c->drains == 1);
        struct rig_agent *b = rig_ask_fresh(&r, 1, c, &g);
        rig_until(&r, b->ended);
        assert_string_equal(b->report.code, "relay_draining");
        rig_stream(a, 1000); /* the old session still carries */
        rig_until(&r, a->app.ended);
        assert_int_equal(a->app.got, 1000000);
        rig_deinit(&r);
    }
}

/* ---- what a broker hears ------------------------------------------------------------------ */

static void sessions_outlive_their_broker_and_the_next_one_hears_of_all(void **state)
{
    struct rig r;
    struct grant g;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    rig_attach(&r);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_until(&r, a->up);
    struct id_text id = id_text(g.session), connector = id_text(c->id);
    rig_until(&r, rig_told(&r, "live.delta", id.s));
    check(rig_told(&r, "boot", id_text(r.state.boot).s));
    rig_until(&r, rig_told(&r, "stand.at", connector.s));
    report_attach(r.relay.report, NULL);
    rig_for(&r, 150);
    check(!a->ended);
    rig_attach(&r);
    check(rig_told(&r, "live.list", id.s));
    check(rig_told(&r, "stand.at", connector.s));
    rig_later(&r, 6000);
    rig_until(&r, rig_told(&r, "load", "\"sessions\":1"));
    rig_deinit(&r);
}

/* ---- who has proved nothing --------------------------------------------------------------- */

static bool closed(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN);
}

static void WS_15_who_says_nothing_is_closed_in_time(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    int fd = rig_connect(&r);
    rig_until(&r, accepts_unproven(r.relay.accepts) == 1);
    rig_later(&r, OUTER_TLS_MS + OUTER_UPGRADE_MS - 1000);
    rig_for(&r, 20);
    check(!closed(fd));
    rig_later(&r, 1100);
    rig_until(&r, closed(fd) && accepts_unproven(r.relay.accepts) == 0);
    close(fd);
    rig_deinit(&r);
}

static void WS_15_one_source_holds_64_unproven_connections_at_most(void **state)
{
    struct rig r;
    int fds[ACCEPT_UNPROVEN_A_SOURCE + 1];
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    for (int i = 0; i < ACCEPT_UNPROVEN_A_SOURCE; i++) {
        fds[i] = rig_connect(&r);
        rig_turn(&r);
    }
    rig_until(&r, accepts_unproven(r.relay.accepts) == ACCEPT_UNPROVEN_A_SOURCE);
    fds[ACCEPT_UNPROVEN_A_SOURCE] = rig_connect(&r);
    rig_until(&r, closed(fds[ACCEPT_UNPROVEN_A_SOURCE]));
    check(!closed(fds[0]));
    close(fds[0]); /* one leaves, the next may come */
    rig_until(&r, accepts_unproven(r.relay.accepts) == ACCEPT_UNPROVEN_A_SOURCE - 1);
    fds[0] = rig_connect(&r);
    rig_until(&r, accepts_unproven(r.relay.accepts) == ACCEPT_UNPROVEN_A_SOURCE);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
    rig_deinit(&r);
}

static void the_fronts_words_are_exact(void **state)
{
    struct rig r;
    int fd = -1;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    check_ok(fdpass_send(r.front_relay, view_str("enrol https://x"), fd));
    rig_until(&r, r.enrol_lines == 1);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    check_ok(fdpass_send(r.front_relay, view_str("socket nowhere"), pair[1]));
    close(pair[1]);
    rig_until(&r, closed(pair[0])); /* no descriptor is left behind */
    close(pair[0]);
    assert_int_equal(accepts_unproven(r.relay.accepts), 0);
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(WS_15_only_a_connector_with_a_stand_statement_for_this_relay_stands),
        cmocka_unit_test(two_spares_wait_and_a_used_one_is_replaced),
        cmocka_unit_test(more_sessions_than_spares_all_open),
        cmocka_unit_test(tickets_and_spares_end_with_their_channel),
        cmocka_unit_test(CT_7_a_draining_relay_tells_connectors_and_keeps_its_sessions),
        cmocka_unit_test(sessions_outlive_their_broker_and_the_next_one_hears_of_all),
        cmocka_unit_test(WS_15_who_says_nothing_is_closed_in_time),
        cmocka_unit_test(WS_15_one_source_holds_64_unproven_connections_at_most),
        cmocka_unit_test(the_fronts_words_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
