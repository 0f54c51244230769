#include "tests/unit/relay/rig.h"

#include "lib/crypto/random.h"
#include "lib/proto/session.h"

/* ---- a session's life --------------------------------------------------------------------- */

static void carries(int cut_through)
{
    struct rig r;
    struct grant g;

    rig_init(&r, cut_through);
    rig_attach(&r);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    c->to_send = 3000000;
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_stream(a, 2000000);
    rig_until(&r, a->app.ended);
    check_ok(a->app.why);
    assert_int_equal(a->app.got, 3000000);
    check(!a->app.wrong);
    struct rig_spare *s = rig_serving(c);
    rig_until(&r, s->app.ended);
    assert_int_equal(s->app.got, 2000000);
    check(!s->app.wrong);
    check(tunnel_end_figures(a->end).bare_up == (cut_through == RELAY_CUT_AUTO));
    assert_int_equal(pairs_count(r.relay.pairs), 1);
    check(pairs_bytes(r.relay.pairs) > 5000000);
    tunnel_end_drain(a->end);
    rig_until(&r, a->ended && s->ended && pairs_count(r.relay.pairs) == 0);
    assert_int_equal(a->report.why, TUNNEL_DONE);
    assert_int_equal(s->report.why, TUNNEL_DONE);
    rig_until(&r, rig_told(&r, "live.delta", "\"why\":\"end\""));
    rig_deinit(&r);
}

static void a_session_opens_carries_and_ends_in_both_modes(void **state)
{
    (void)state;
    carries(RELAY_CUT_AUTO);
    carries(RELAY_CUT_OFF);
}

/* What the relay tells its broker is what it forwarded; ends of TLS records cost a little. */
static void CT_7_byte_counts_are_those_of_the_ends(void **state)
{
    (void)state;
    for (int mode = RELAY_CUT_AUTO; mode <= RELAY_CUT_OFF; mode++) {
        struct rig r;
        struct grant g;

        rig_init(&r, mode);
        struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
        c->to_send = 5000000;
        struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
        rig_stream(a, 1000);
        rig_until(&r, a->app.ended);
        struct tunnel_figures f = tunnel_end_figures(a->end);
        assert_int_equal(f.bytes_down, 5000000);
        assert_int_equal(f.bytes_up, 1000);
        uint64_t moved = pairs_bytes(r.relay.pairs);
        check(moved >= 5001000 && moved < 5001000 + 5001000 / 100 + 16384);
        rig_deinit(&r);
    }
}

/* ---- grants ------------------------------------------------------------------------------- */

enum { TOKEN_OK, BY_STRANGER, BY_RECORD_KEY, FLIPPED, NO_TOKEN };

struct refusal_case {
    const char *what;
    void (*change)(struct rig *r, struct grant *g);
    int token;
    bool twice, draining;
    unsigned status;
    const char *code;
};

static void other_relay(struct rig *r, struct grant *g)
{
    (void)r;
    g->relay = random_id();
}
static void other_boot(struct rig *r, struct grant *g)
{
    (void)r;
    g->relay_boot = random_id();
}
static void expired(struct rig *r, struct grant *g)
{
    (void)r;
    g->issued -= 60 * 1000;
    g->open_until = clock_unix() - 1;
}
static void from_the_future(struct rig *r, struct grant *g)
{
    (void)r;
    g->issued += GRANT_LEEWAY_MS + 2000;
    g->open_until += GRANT_LEEWAY_MS + 2000;
}
static void other_connector(struct rig *r, struct grant *g)
{
    g->connector = *key_secret_public(r->stranger);
}

static const struct refusal_case refusal_cases[] = {
    {"replayed", NULL, TOKEN_OK, true, false, 401, ""},
    {"another relay's", other_relay, TOKEN_OK, false, false, 401, ""},
    {"from before the relay's start", other_boot, TOKEN_OK, false, false, 503, "relay_restarted"},
    {"expired", expired, TOKEN_OK, false, false, 401, ""},
    {"not valid yet", from_the_future, TOKEN_OK, false, false, 401, ""},
    {"signed by a stranger", NULL, BY_STRANGER, false, false, 401, ""},
    {"signed by the record key", NULL, BY_RECORD_KEY, false, false, 401, ""},
    {"one bit flipped", NULL, FLIPPED, false, false, 401, ""},
    {"no token at all", NULL, NO_TOKEN, false, false, 400, ""},
    {"for a connector that is not here", other_connector, TOKEN_OK, false, false, 503,
     "connector_absent"},
    {"while draining", NULL, TOKEN_OK, false, true, 503, "relay_draining"},
};

static void refuses(struct rig *r, const struct refusal_case *k)
{
    struct rig_connector *c = &r->connectors[0];
    char token[GRANT_MAX + 1];
    struct grant g = rig_grant(r, c);
    unsigned opens = c->opens;

    if (k->change != NULL)
        k->change(r, &g);
    rig_mint(r, &g,
             k->token == BY_STRANGER     ? r->stranger
             : k->token == BY_RECORD_KEY ? r->record_key
                                         : r->grant_key,
             token);
    if (k->token == FLIPPED) /* in the payload: the footer's key id stays right */
        token[strlen("v4.public.") + 40] = token[strlen("v4.public.") + 40] == 'A' ? 'B' : 'A';
    if (k->token == NO_TOKEN)
        strcpy(token, "v4.public.AAAA");
    if (k->twice) {
        struct rig_agent *first = rig_ask(r, 0, &g, token);
        rig_until(r, first->up);
        opens++;
    }
    r->relay.draining = k->draining;
    struct rig_agent *a = rig_ask(r, 1, &g, token);
    sp_boot_ms began = clock_boot();
    rig_until(r, a->ended);
    if (a->report.status != k->status || strcmp(a->report.code, k->code) != 0)
        fail_msg("%s: %u %s", k->what, a->report.status, a->report.code);
    assert_int_equal(a->report.why, TUNNEL_REFUSED);
    check(clock_boot() - began < 1000);
    assert_int_equal(c->opens, opens); /* the connector never heard of it */
    r->relay.draining = false;
}

static void every_bad_grant_is_refused_at_once_with_its_code(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    rig_stand(&r, 0, SPARES_WAITING);
    for (size_t i = 0; i < sizeof refusal_cases / sizeof refusal_cases[0]; i++)
        refuses(&r, &refusal_cases[i]);
    rig_deinit(&r);
}

/* A second agent shows the same grant before the first one's session is up. */
static void two_openings_with_one_grant_at_one_time_give_one_session(void **state)
{
    struct rig r;
    char token[GRANT_MAX + 1];
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    struct grant g = rig_grant(&r, c);
    rig_mint(&r, &g, r.grant_key, token);
    struct rig_agent *a = rig_ask(&r, 0, &g, token), *b = rig_ask(&r, 1, &g, token);
    rig_until(&r, (a->up && b->ended) || (b->up && a->ended));
    assert_int_equal(c->opens, 1);
    assert_int_equal((a->ended ? a : b)->report.status, 401);
    rig_deinit(&r);
}

/* ---- what a connector says ---------------------------------------------------------------- */

static void a_connectors_refusal_reaches_the_agent_at_once(void **state)
{
    static const char *const codes[] = {"record", "floor", "deadline", "policy", "killed"};
    (void)state;

    for (size_t i = 0; i < 2 * sizeof codes / sizeof codes[0]; i++) {
        struct rig r;
        struct grant g;

        rig_init(&r, i % 2 == 0 ? RELAY_CUT_AUTO : RELAY_CUT_OFF);
        struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
        c->refuse = codes[i / 2];
        struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
        sp_boot_ms began = clock_boot();
        rig_until(&r, a->ended);
        check(clock_boot() - began < 1000);
        assert_int_equal(a->report.why, TUNNEL_CUT);
        assert_int_equal(a->report.close, CLOSE_CUT);
        assert_string_equal(a->report.code, codes[i / 2]);
        check(!a->report.was_up);
        rig_until(&r, pairs_count(r.relay.pairs) == 0);
        rig_until(&r, rig_waiting(c) == SPARES_WAITING); /* its spare is replaced */
        rig_deinit(&r);
    }
}

static void a_connector_that_never_answers_costs_ten_seconds_at_most(void **state)
{
    struct rig r;
    struct grant g;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    c->silent = true;
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_until(&r, c->opens == 1);
    rig_later(&r, ENVELOPE_CALL_MS - 500);
    rig_for(&r, 50);
    check(!a->ended);
    rig_later(&r, 600);
    rig_until(&r, a->ended);
    assert_int_equal(a->report.why, TUNNEL_CUT);
    assert_string_equal(a->report.code, "connector_busy");
    rig_deinit(&r);
}

static void a_connector_that_leaves_while_a_session_opens_ends_it_at_once(void **state)
{
    struct rig r;
    struct grant g;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    c->silent = true;
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_until(&r, c->opens == 1);
    over_free(c->over);
    c->over = NULL;
    rig_until(&r, a->ended);
    assert_int_equal(a->report.why, TUNNEL_CUT);
    rig_deinit(&r);
}

/* ---- cuts --------------------------------------------------------------------------------- */

struct cut_case {
    const char *what;
    void (*select)(const struct rig *r, const struct grant *g, struct pair_selector *s);
};

static void by_session(const struct rig *r, const struct grant *g, struct pair_selector *s)
{
    (void)r;
    s->session = g->session;
}
static void by_app(const struct rig *r, const struct grant *g, struct pair_selector *s)
{
    (void)r;
    s->app = g->app;
}
static void by_user(const struct rig *r, const struct grant *g, struct pair_selector *s)
{
    (void)r;
    s->user = g->user;
}
static void by_connector(const struct rig *r, const struct grant *g, struct pair_selector *s)
{
    (void)g;
    s->connector = r->connectors[0].id;
}
static void by_device(const struct rig *r, const struct grant *g, struct pair_selector *s)
{
    (void)r;
    s->device = g->device;
}

static const struct cut_case cut_cases[] = {{"session", by_session},
                                            {"app", by_app},
                                            {"user", by_user},
                                            {"connector", by_connector},
                                            {"device", by_device}};

/* A transfer runs both ways when the order comes: no byte afterwards, and both ends hear of it. */
static void cut_in_mid_transfer(int mode, const struct cut_case *k)
{
    struct pair_selector which = {0};
    struct rig r;
    struct grant g;
    int64_t ms;

    rig_init(&r, mode);
    rig_attach(&r);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    c->to_send = SIZE_MAX / 2;
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_stream(a, SIZE_MAX / 2);
    rig_until(&r,
              a->app.got > 1000000 && rig_serving(c) != NULL && rig_serving(c)->app.got > 1000000);
    struct rig_spare *s = rig_serving(c);
    k->select(&r, &g, &which);
    assert_int_equal(pairs_cut(r.relay.pairs, &which, "killed", &ms), 1);
    check(ms < 100);
    uint64_t moved = pairs_bytes(r.relay.pairs);
    rig_until(&r, a->ended && s->ended);
    assert_int_equal(pairs_bytes(r.relay.pairs), moved);
    if (mode == RELAY_CUT_OFF) {
        assert_int_equal(a->report.close, CLOSE_CUT);
        assert_string_equal(a->report.code, "killed");
        assert_string_equal(s->report.code, "killed");
    } else { /* a bare direction can't say why; the connector hears it on its channel */
        assert_int_equal(a->report.why, TUNNEL_FAULT);
        rig_until(&r, c->cuts == 1);
        assert_string_equal(c->cut_why, "killed");
    }
    check(a->report.was_up);
    check(a->app.ended && a->app.why != SP_OK); /* never a clean end */
    rig_until(&r, rig_told(&r, "live.delta", "\"why\":\"killed\""));
    rig_deinit(&r);
}

static void CT_7_an_order_cuts_in_mid_transfer_in_both_modes(void **state)
{
    (void)state;
    for (int mode = RELAY_CUT_AUTO; mode <= RELAY_CUT_OFF; mode++)
        for (size_t i = 0; i < sizeof cut_cases / sizeof cut_cases[0]; i++)
            cut_in_mid_transfer(mode, &cut_cases[i]);
}

static void CT_7_the_deadline_cuts_in_both_modes_and_an_order_may_move_it(void **state)
{
    (void)state;
    for (int mode = RELAY_CUT_AUTO; mode <= RELAY_CUT_OFF; mode++) {
        struct rig r;
        char token[GRANT_MAX + 1];

        rig_init(&r, mode);
        rig_attach(&r);
        struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
        struct grant g = rig_grant(&r, c);
        g.deadline = g.open_until; /* 30 s */
        rig_mint(&r, &g, r.grant_key, token);
        struct rig_agent *a = rig_ask(&r, 0, &g, token);
        rig_until(&r, a->up);
        rig_later(&r, 10 * 1000);
        rig_for(&r, 20);
        check(!a->ended);
        pairs_limit(r.relay.pairs, g.session, clock_unix() + 200);
        rig_until(&r, a->ended);
        rig_until(&r, rig_told(&r, "live.delta", "\"why\":\"deadline\""));
        if (mode == RELAY_CUT_OFF)
            assert_string_equal(a->report.code, "deadline");
        rig_deinit(&r);
    }
}

/* A cut that comes before the session does: the grant is no good any more. */
static void a_cut_overtakes_an_opening_for_a_minute(void **state)
{
    struct pair_selector which = {0};
    struct rig r;
    struct grant g;
    char token[GRANT_MAX + 1];
    int64_t ms;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    g = rig_grant(&r, c);
    rig_mint(&r, &g, r.grant_key, token);
    which.session = g.session;
    assert_int_equal(pairs_cut(r.relay.pairs, &which, "revoked", &ms), 0);
    struct rig_agent *a = rig_ask(&r, 0, &g, token);
    rig_until(&r, a->ended);
    assert_int_equal(a->report.status, 401);
    assert_int_equal(c->opens, 0);
    rig_deinit(&r);
}

static void a_connector_ends_its_own_session_and_no_other(void **state)
{
    (void)state;
    struct rig r;
    struct grant g, other;

    rig_init(&r, RELAY_CUT_OFF);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    struct rig_connector *d = rig_stand(&r, 1, SPARES_WAITING);
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g), *b = rig_ask_fresh(&r, 1, d, &other);
    rig_until(&r, a->up && b->up);
    const struct session_cut theirs = {.session = other.session, .why = view_str("killed")};
    check_ok(channel_send(c->channel, "cut", fields_write(session_cut_fields, &theirs)));
    const struct session_cut ours = {.session = g.session, .why = view_str("idle")};
    check_ok(channel_send(c->channel, "cut", fields_write(session_cut_fields, &ours)));
    rig_until(&r, a->ended);
    assert_string_equal(a->report.code, "idle");
    rig_for(&r, 50);
    check(!b->ended);
    rig_deinit(&r);
}

/* ---- faults ------------------------------------------------------------------------------- */

/* kill -9 of one end: the other one's session breaks, and is not a clean end. */
static void a_lost_end_ends_the_other_at_once(void **state)
{
    (void)state;
    for (int mode = RELAY_CUT_AUTO; mode <= RELAY_CUT_OFF; mode++) {
        struct rig r;
        struct grant g;

        rig_init(&r, mode);
        struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
        c->to_send = SIZE_MAX / 2;
        struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
        rig_stream(a, 10);
        rig_until(&r, a->app.got > 1000000);
        struct rig_spare *s = rig_serving(c);
        tunnel_end_free(s->end);
        s->end = NULL;
        s->up = false;
        rig_until(&r, a->ended);
        check(a->report.why != TUNNEL_DONE);
        check(a->app.ended && a->app.why != SP_OK);
        rig_until(&r, pairs_count(r.relay.pairs) == 0);
        rig_deinit(&r);
    }
}

static void no_spare_within_five_seconds_is_connector_busy(void **state)
{
    struct rig r;
    struct grant g;
    (void)state;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = &r.connectors[0];
    c->dials_no_spares = true;
    rig_stand(&r, 0, 0);
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_for(&r, 100);
    check(!a->up && !a->ended); /* it waits for a spare */
    rig_later(&r, SPARE_WAIT_MS);
    rig_until(&r, a->ended);
    assert_int_equal(a->report.status, 503);
    assert_string_equal(a->report.code, "connector_busy");
    rig_deinit(&r);
}

/* ---- an end in the middle of the switch --------------------------------------------------- */

enum ender { BY_AGENT, BY_CONNECTOR, BY_RELAY, ENDERS };

static void end_by(struct rig *r, enum ender who, struct rig_agent *a, const struct grant *g)
{
    struct rig_spare *s = r->connectors[0].spares;
    struct pair_selector which = {.session = g->session};
    int64_t ms;

    while (s != NULL && !s->served)
        s = s->next;
    if (who == BY_AGENT)
        tunnel_end_cut(a->end, "kill");
    else if (who == BY_CONNECTOR && s != NULL)
        tunnel_end_cut(s->end, "kill");
    else if (who == BY_RELAY)
        pairs_cut(r->relay.pairs, &which, "kill", &ms);
}

/* Ends a busy session `turns` of the loop after its opening, and lets what is under way arrive: a
 * leg may outlive its pair. Whether the switch was over by then. */
static bool ends_after(unsigned turns, enum ender who)
{
    struct rig r;
    struct grant g;

    rig_init(&r, RELAY_CUT_AUTO);
    struct rig_connector *c = rig_stand(&r, 0, SPARES_WAITING);
    c->to_send = 300000;
    struct rig_agent *a = rig_ask_fresh(&r, 0, c, &g);
    rig_until(&r, c->opens > 0);
    rig_stream(a, 300000);
    for (unsigned i = 0; i < turns; i++)
        rig_turn(&r);
    struct tunnel_figures f = tunnel_end_figures(a->end);
    end_by(&r, who, a, &g);
    rig_until(&r, pairs_count(r.relay.pairs) == 0 || (who == BY_CONNECTOR && !a->up));
    rig_for(&r, 10);
    rig_later(&r, GOODBYE_MS + 1);
    rig_until(&r, r.relay.orphans == NULL);
    rig_deinit(&r);
    return f.bare_up && f.bare_down;
}

/* Where one direction alone is bare at the relay, its leg still had the callbacks of a pair that
 * was gone: AddressSanitizer tells. */
static void CT_7_an_end_at_any_turn_of_the_switch_leaves_no_leg_behind(void **state)
{
    (void)state;
    for (enum ender who = BY_AGENT; who < ENDERS; who++) {
        unsigned turns = 0, over = 0;
        while (turns < 200 && over < 3)
            over += ends_after(turns++, who) ? 1 : 0;
        check(over == 3 && turns > 3); /* the first ones were before the switch was over */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_opens_carries_and_ends_in_both_modes),
        cmocka_unit_test(CT_7_byte_counts_are_those_of_the_ends),
        cmocka_unit_test(every_bad_grant_is_refused_at_once_with_its_code),
        cmocka_unit_test(two_openings_with_one_grant_at_one_time_give_one_session),
        cmocka_unit_test(a_connectors_refusal_reaches_the_agent_at_once),
        cmocka_unit_test(a_connector_that_never_answers_costs_ten_seconds_at_most),
        cmocka_unit_test(a_connector_that_leaves_while_a_session_opens_ends_it_at_once),
        cmocka_unit_test(CT_7_an_order_cuts_in_mid_transfer_in_both_modes),
        cmocka_unit_test(CT_7_the_deadline_cuts_in_both_modes_and_an_order_may_move_it),
        cmocka_unit_test(a_cut_overtakes_an_opening_for_a_minute),
        cmocka_unit_test(a_connector_ends_its_own_session_and_no_other),
        cmocka_unit_test(a_lost_end_ends_the_other_at_once),
        cmocka_unit_test(CT_7_an_end_at_any_turn_of_the_switch_leaves_no_leg_behind),
        cmocka_unit_test(no_spare_within_five_seconds_is_connector_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
