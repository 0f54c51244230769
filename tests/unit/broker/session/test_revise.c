/* What the room's own thread makes of sessions that are due, of those of an earlier life of this
 * broker, and of claims. */
#include "tests/unit/broker/session/scene.h"

#include "broker/session/sessions_internal.h"
#include "lib/trust/grant.h"

/* Waits until the thread has removed the session that begin() made. */
static void wait_until_gone(struct fixture *f)
{
    struct session s;

    for (int i = 0; i < 500 && live_get(f->live, session_id, &s) == SP_OK; i++)
        usleep(10000);
    assert_int_equal(live_get(f->live, session_id, &s), SP_ERR_NOT_FOUND);
}

static void wait_for_orders(struct edge *e, size_t count)
{
    for (int i = 0; i < 1000 && e->orders < count; i++)
        usleep(10000);
    assert_true(e->orders >= count);
}

static bool set_due(struct session *s, void *arg)
{
    (void)arg;
    s->deadline_boot = s->look_at = clock_boot() - 1;
    return false;
}

static bool set_granted_long_ago(struct session *s, void *arg)
{
    (void)arg;
    s->state = SESSION_GRANTED;
    s->granted_at = clock_boot() - LIVE_OPEN_MS - 1;
    return false;
}

static void change(struct fixture *f, bool (*how)(struct session *s, void *arg))
{
    assert_int_equal(live_change(f->live, session_id, how, NULL, LIVE_EVENT_CHANGED, NULL, NULL),
                     SP_OK);
}

static void a_session_whose_time_is_over_is_cut_at_both_edges(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f, true);
    change(&f, set_due);
    sessions_touch(f.sessions, LIVE_SESSION, session_id);
    wait_for_orders(&f.relay, 1);
    wait_for_orders(&f.connector, 1);
    assert_int_equal(f.connector.why, CUT_DEADLINE);
    session_cut_answered(f.sessions, EDGE_RELAY, relay_id, session_id, 0);
    session_cut_answered(f.sessions, EDGE_CONNECTOR, connector_id, session_id, 0);
    wait_until_gone(&f);
    wait_for_record(&f, "session.cut");
    end(&f);
}

static void a_grant_that_nobody_used_is_forgotten_and_recorded(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f, true);
    change(&f, set_granted_long_ago);
    sessions_touch(f.sessions, LIVE_SESSION, session_id);
    wait_until_gone(&f);
    wait_for_record(&f, "session.close");
    assert_int_equal(f.relay.orders, 0); /* nothing runs anywhere */
    end(&f);
}

/* The device of the scene is in no store: nobody is signed in on it. */
static void a_session_of_a_device_without_a_login_is_cut_when_it_is_looked_at(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f, true);
    sessions_touch(f.sessions, LIVE_DEVICE, device_id);
    wait_for_orders(&f.connector, 1);
    assert_int_equal(f.connector.why, CUT_REVOKED);
    end(&f);
}

static struct live_report claim_of(uint32_t number, struct sp_id app)
{
    struct live_report r = {.app = app,
                            .relay = relay_id,
                            .connector = connector_id,
                            .opened = clock_unix(),
                            .deadline = clock_unix() + 3600000};

    memcpy(r.session.bytes, &number, sizeof number);
    r.session.bytes[15] = 0xEE;
    return r;
}

/* The order says so where it runs, and the log has one record, however many are claimed. */
static void TM_03_claims_of_sessions_that_nobody_granted_are_cut_and_one_record_a_minute(
    void **state)
{
    (void)state;
    enum { CLAIMS = 500 };
    struct fixture f;

    begin(&f, true);
    for (uint32_t n = 0; n < CLAIMS; n++) {
        struct live_report r = claim_of(n, app_id);
        live_opened(f.live, EDGE_CONNECTOR, connector_id, &r);
    }
    wait_for_orders(&f.connector, CLAIMS);
    assert_int_equal(f.connector.why, CUT_REVOKED);
    assert_int_equal(records(&f, "session.refuse"), 1);
    assert_int_equal(live_count(f.live), 1);
    end(&f);
}

static sp_error put_row(struct store_tx *tx, void *arg)
{
    const struct fixture *f = ((void **)arg)[0];
    return f->t.s->presence->session_put(tx, ((void **)arg)[1]);
}

/* The store knows it: it is live again, with the user and device of the store, not the edge's. */
static void a_session_of_an_earlier_life_is_taken_back_only_with_its_own_app(void **state)
{
    (void)state;
    struct live_report r = claim_of(7, app_id), lie;
    struct session_row row = {.id = r.session,
                              .user = user_id,
                              .device = device_id,
                              .app = app_id,
                              .relay = relay_id,
                              .connector = connector_id,
                              .opened = clock_unix(),
                              .deadline = clock_unix() + 1000000};
    struct fixture f;

    begin(&f, true);
    void *arg[] = {&f, &row};
    assert_int_equal(store_commit(f.t.st, put_row, arg), SP_OK);
    lie = r;
    lie.app = (struct sp_id){{99}};
    live_opened(f.live, EDGE_CONNECTOR, connector_id, &lie);
    wait_for_orders(&f.connector, 1); /* the same session with another app is none */
    assert_int_equal(records(&f, "session.refuse"), 1);

    live_opened(f.live, EDGE_CONNECTOR, connector_id, &r);
    /* Adopted, and decided about at once: nobody is signed in on the scene's device. */
    wait_for_orders(&f.connector, 2);
    assert_true(id_equal(f.connector.session, r.session));
    assert_int_equal(records(&f, "session.refuse"), 1);
    end(&f);
}

/* The relay's word that a session opened comes while its end is being told: what it says is late,
 * no session of an earlier life and no false claim. */
static void say_opened_late(void *arg, enum live_event event, const struct session *s,
                            const char *why)
{
    const struct live_report r = {
        .session = s->id, .app = s->app, .relay = s->relay, .connector = s->connector};

    (void)why;
    if (event == LIVE_EVENT_ENDED)
        live_opened(arg, EDGE_RELAY, relay_id, &r);
}

static void FLT_14_a_late_word_of_an_edge_does_not_bring_back_what_ended(void **state)
{
    struct session_row row = {.id = session_id,
                              .user = user_id,
                              .device = device_id,
                              .app = app_id,
                              .opened = clock_unix(),
                              .deadline = clock_unix() + 1000000};
    struct fixture f;
    struct session s;

    (void)state;
    heard_first = say_opened_late;
    begin(&f, true);
    heard_first = NULL;
    void *arg[] = {&f, &row};
    assert_int_equal(store_commit(f.t.st, put_row, arg), SP_OK);
    live_closed(f.live, EDGE_CONNECTOR, connector_id, &(struct live_report){.session = session_id},
                "end");
    wait_for_record(&f, "session.close");
    wait_for_orders(&f.relay, 1); /* that it may close what it still has */
    assert_int_equal(live_get(f.live, session_id, &s), SP_ERR_NOT_FOUND);
    assert_int_equal(records(&f, "session.refuse"), 0);
    end(&f);
}

/* ---- a connector that stays away ---- */

static bool set_unheard_long(struct session *s, void *arg)
{
    (void)arg;
    s->unheard_since = clock_boot() - GRANT_REVERIFY_MS - LIVE_NOTICE_MS;
    return false;
}

static struct session now_of(struct fixture *f)
{
    struct session s;

    assert_int_equal(live_get(f->live, session_id, &s), SP_OK);
    return s;
}

static void FLT_14_a_session_whose_connector_stays_away_is_cut_when_that_has_let_it_go(void **state)
{
    (void)state;
    struct fixture f;

    begin(&f, true);
    sessions_connector_gone(f.sessions, connector_id);
    assert_int_equal(now_of(&f).unheard_since, 0); /* an older channel: a newer one is here */
    edges_detach(f.edges, f.handles[1]);
    sessions_connector_gone(f.sessions, connector_id);
    assert_true(now_of(&f).unheard_since != 0);
    assert_int_equal(now_of(&f).state, SESSION_RUNNING);
    change(&f, set_unheard_long);
    sessions_connector_gone(f.sessions, connector_id); /* the first time counts */
    wait_for_orders(&f.relay, 1);
    assert_int_equal(f.relay.why, CUT_POLICY);
    assert_int_equal(f.connector.orders, 0);
    session_cut_answered(f.sessions, EDGE_RELAY, relay_id, session_id, 0);
    wait_until_gone(&f);
    wait_for_record(&f, "session.cut");
    end(&f);
}

static void a_connector_keeps_a_session_for_its_reverify_or_a_quarter_of_an_hour(void **state)
{
    static const struct {
        struct session s;
        sp_boot_ms until;
    } rows[] = {
        {{.state = SESSION_RUNNING}, 0},
        {{.state = SESSION_RUNNING, .reverify_ms = 5000}, 0},
        {{.state = SESSION_RUNNING, .unheard_since = 7}, 7 + GRANT_REVERIFY_MS + LIVE_NOTICE_MS},
        {{.state = SESSION_RUNNING, .unheard_since = 7, .reverify_ms = 5000},
         7 + 5000 + LIVE_NOTICE_MS},
        {{.state = SESSION_PAUSED, .unheard_since = 7, .reverify_ms = 5000},
         7 + 5000 + LIVE_NOTICE_MS},
        {{.state = SESSION_CUTTING, .unheard_since = 7, .reverify_ms = 5000}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(session_unheard_until(&rows[i].s), rows[i].until);
}

static void what_a_connector_names_when_it_is_back_goes_on(void **state)
{
    (void)state;
    const struct live_report r = {
        .session = session_id, .app = app_id, .relay = relay_id, .connector = connector_id};
    struct fixture f;

    begin(&f, false);
    sessions_connector_gone(f.sessions, connector_id);
    live_opened(f.live, EDGE_RELAY, relay_id, &r); /* a tunnel is no word of the connector */
    assert_true(now_of(&f).unheard_since != 0);
    live_list_begins(f.live, EDGE_CONNECTOR, connector_id);
    live_list(f.live, EDGE_CONNECTOR, connector_id, &r, 1, true);
    assert_int_equal(now_of(&f).unheard_since, 0);
    assert_true(now_of(&f).at_connector);
    end(&f);
}

/* Both edges list them, one right behind the other, while the thread still looks them up: however
 * the two words meet, both count. With the connector away again, its silence is measured. */
static void sessions_of_an_earlier_life_are_seen_at_both_edges(void **state)
{
    enum { MANY = 64 };
    struct fixture f;
    struct session s;

    (void)state;
    begin(&f, true);
    for (uint32_t n = 0; n < MANY; n++) {
        struct live_report r = claim_of(n, app_id);
        struct session_row row = {.id = r.session,
                                  .user = {{(uint8_t)(n + 1)}},
                                  .device = device_id,
                                  .app = app_id,
                                  .opened = clock_unix(),
                                  .deadline = clock_unix() + 1000000};
        void *arg[] = {&f, &row};
        assert_int_equal(store_commit(f.t.st, put_row, arg), SP_OK);
    }
    for (enum edge_kind k = EDGE_RELAY; k >= EDGE_CONNECTOR; k--)
        for (uint32_t n = 0; n < MANY; n++) {
            struct live_report r = claim_of(n, app_id);
            live_opened(f.live, k, k == EDGE_RELAY ? relay_id : connector_id, &r);
        }
    for (uint32_t n = 0; n < MANY; n++) {
        struct live_report r = claim_of(n, app_id);
        bool both = false;
        for (int i = 0; i < 500 && !both; i++) {
            both = live_get(f.live, r.session, &s) == SP_OK && s.at_relay && s.at_connector;
            if (!both)
                usleep(10000);
        }
        if (!both)
            fail_msg("session %u is not seen at both edges", (unsigned)n);
        assert_int_equal(s.unheard_since, 0);
    }
    assert_int_equal(records(&f, "session.refuse"), 0);
    end(&f);
}

static void a_session_of_an_earlier_life_whose_connector_is_away_is_unheard_of(void **state)
{
    (void)state;
    const struct live_report r = claim_of(9, app_id);
    struct session_row row = {.id = r.session,
                              .user = user_id,
                              .device = device_id,
                              .app = app_id,
                              .opened = clock_unix(),
                              .deadline = clock_unix() + 1000000};
    struct fixture f;
    struct session s;

    begin(&f, false);
    void *arg[] = {&f, &row};
    assert_int_equal(store_commit(f.t.st, put_row, arg), SP_OK);
    live_opened(f.live, EDGE_RELAY, relay_id, &r);
    bool marked = false;
    for (int i = 0; i < 500 && !marked; i++) {
        marked = live_get(f.live, r.session, &s) == SP_OK && s.unheard_since != 0;
        if (!marked)
            usleep(10000);
    }
    assert_true(marked);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_whose_time_is_over_is_cut_at_both_edges),
        cmocka_unit_test(a_grant_that_nobody_used_is_forgotten_and_recorded),
        cmocka_unit_test(a_session_of_a_device_without_a_login_is_cut_when_it_is_looked_at),
        cmocka_unit_test(
            TM_03_claims_of_sessions_that_nobody_granted_are_cut_and_one_record_a_minute),
        cmocka_unit_test(a_session_of_an_earlier_life_is_taken_back_only_with_its_own_app),
        cmocka_unit_test(
            FLT_14_a_session_whose_connector_stays_away_is_cut_when_that_has_let_it_go),
        cmocka_unit_test(a_connector_keeps_a_session_for_its_reverify_or_a_quarter_of_an_hour),
        cmocka_unit_test(FLT_14_a_late_word_of_an_edge_does_not_bring_back_what_ended),
        cmocka_unit_test(what_a_connector_names_when_it_is_back_goes_on),
        cmocka_unit_test(sessions_of_an_earlier_life_are_seen_at_both_edges),
        cmocka_unit_test(a_session_of_an_earlier_life_whose_connector_is_away_is_unheard_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
