/* control.c: what a connector does with its broker's word, and what the broker hears of it. */
#include "connector/control.h"
#include "connector/courier.h"
#include "connector/spool.h"
#include "connector/tell.h"

#include "lib/crypto/random.h"
#include "lib/http/engine.h"
#include "tests/unit/connector/fake_relay.h"
#include "tests/unit/lib/channel/fake_broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct house {
    struct scene scene; /* its keys and records are the control's */
    struct engine *engine;
    struct fake_broker broker;
    struct fake_relay relay;
    struct connector_state state;
    struct tls_named tls;
    struct tell *tell;
    struct sessions *sessions;
    struct stands *stands;
    struct control *control;
    unsigned opened;
    char dir[40], audit[64];
};

static void on_opened(void *arg)
{
    ((struct house *)arg)->opened++;
}

static void make_state(struct house *h)
{
    struct connector_state *s = &h->state;
    struct sp_why why = {{0}, {0}, 0, 0};

    snprintf(h->dir, sizeof h->dir, "/tmp/sp-control-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    check_ok(state_prepare(h->dir, s, &why));
    snprintf(s->host, sizeof s->host, "localhost");
    snprintf(s->site_name, sizeof s->site_name, "site");
    s->port = h->broker.port;
    s->id = h->scene.id;
    s->site = h->scene.site;
    s->identity = *key_secret_public(h->broker.identity);
    key_secret_free(h->scene.own); /* one key: the connector's */
    struct key_secret *own = s->key;
    h->scene.own = own;
}

static void house_init(struct house *h)
{
    const struct floor *const *floor = (const struct floor *const *)&h->scene.floor;
    struct sp_why why = {{0}, {0}, 0, 0};

    *h = (struct house){0};
    scene_init(&h->scene, "allow 127.0.0.1:*\n");
    check_ok(engine_new(h->scene.loop, &h->engine));
    fake_broker_init(&h->broker, h->scene.loop, h->engine, h->scene.pool);
    fake_relay_init(&h->relay, &h->scene);
    make_state(h);
    h->scene.keys = (struct keyset){0}; /* nothing is known before the broker's word */
    h->broker.welcome.id = h->scene.id;
    h->tls = (struct tls_named){.without_system_store = true, .ca_files = {fake_broker_ca()}};
    snprintf(h->audit, sizeof h->audit, "%s/audit", h->dir);
    const struct courier_options co = {
        .loop = h->scene.loop, .pool = h->scene.pool, .folder = h->audit, .max = SPOOL_BYTES_MIN};
    check_ok(tell_new(&co, &why, &h->tell));
    const struct control_options o = {.loop = h->scene.loop,
                                      .engine = h->engine,
                                      .pool = h->scene.pool,
                                      .tls = &h->tls,
                                      .state = &h->state,
                                      .keys = &h->scene.keys,
                                      .records = &h->scene.records,
                                      .tell = h->tell,
                                      .floor = floor,
                                      .opened = on_opened,
                                      .arg = h};
    check_ok(control_new(&o, &why, &h->control));
    const struct sessions_options so = {.loop = h->scene.loop,
                                        .pool = h->scene.pool,
                                        .records = &h->scene.records,
                                        .floor = floor,
                                        .broker_time = control_broker_time,
                                        .tell = h->tell,
                                        .events = &control_sessions_events,
                                        .arg = h->control};
    check_ok(sessions_new(&so, &h->sessions));
    const struct stands_options st = {.loop = h->scene.loop,
                                      .pool = h->scene.pool,
                                      .key = h->scene.own,
                                      .id = &h->scene.id,
                                      .sessions = h->sessions,
                                      .tell = h->tell,
                                      .records = &h->scene.records,
                                      .keys = &h->scene.keys,
                                      .floor = floor,
                                      .broker_time = control_broker_time,
                                      .changed = control_stands_changed,
                                      .arg = h->control};
    check_ok(stands_new(&st, &h->stands));
    control_join(h->control, h->sessions, h->stands);
    scene_until(&h->scene, h->opened == 1 && h->broker.edge != 0);
}

static void house_deinit(struct house *h)
{
    char path[80];

    stands_free(h->stands);
    control_free(h->control);
    sessions_free(h->sessions);
    tell_free(h->tell);
    fake_relay_deinit(&h->relay);
    fake_broker_deinit(&h->broker);
    scene_for(&h->scene, 20); /* libwebsockets closes from the loop */
    engine_free(h->engine);
    scene_deinit(&h->scene);
    snprintf(path, sizeof path, "%s/key", h->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/state.json", h->dir);
    unlink(path);
    scene_clear(h->audit);
    rmdir(h->dir);
}

/* The broker hands out a record of an app; its id. */
static struct sp_id put_app(struct house *h, uint16_t port, int64_t version, struct sp_id app)
{
    struct apprec a = {.id = id_is_zero(app) ? random_id() : app,
                       .site = h->scene.site,
                       .version = version,
                       .name = "wiki",
                       .type = APPREC_TCP,
                       .host_count = 1,
                       .port_count = 1,
                       .hosts = {"127.0.0.1"},
                       .ports = {port},
                       .streams_max = 8};
    struct statement_put p;
    struct buf token;
    char at[96];

    buf_init(&token, APPREC_MAX);
    check_ok(apprec_mint(&a, h->broker.records, &token));
    p = (struct statement_put){.statement = buf_view(&token)};
    fake_broker_send(&h->broker, "app.put", fields_write(statement_put_fields, &p));
    buf_deinit(&token);
    snprintf(at, sizeof at, "\"scope\":\"app %s\",\"version\":%lld", id_text(a.id).s,
             (long long)version);
    scene_until(&h->scene, fake_broker_heard(&h->broker, "at", at));
    return a.id;
}

static void an_attached_connector_lists_its_sessions_and_takes_keys(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    assert_int_equal(h.scene.keys.epoch, 1); /* from the opening */
    assert_int_equal(h.state.epoch, 1);
    scene_until(&h.scene, fake_broker_heard(&h.broker, "live.list", "\"last\":true"));
    check(control_broker_time(h.control) > 0);

    fake_broker_new_keys(&h.broker, 7, NULL);
    fake_broker_send(&h.broker, "keys", fake_broker_keys(&h.broker));
    scene_until(&h.scene, fake_broker_heard(&h.broker, "at", "\"scope\":\"keys\",\"version\":7"));
    struct connector_state again;
    struct sp_why why = {{0}, {0}, 0, 0};
    check_ok(state_load(h.dir, &again, &why)); /* durable before it counts */
    assert_int_equal(again.epoch, 7);
    state_end(&again);

    fake_broker_new_keys(&h.broker, 3, NULL); /* an old set comes back */
    fake_broker_send(&h.broker, "keys", fake_broker_keys(&h.broker));
    struct key_secret *stranger;
    check_ok(key_secret_new(KEY_ED25519, &stranger));
    fake_broker_new_keys(&h.broker, 9, stranger); /* another key's word */
    key_secret_free(stranger);
    fake_broker_send(&h.broker, "keys", fake_broker_keys(&h.broker));
    scene_for(&h.scene, 100);
    assert_int_equal(h.scene.keys.epoch, 7);
    check(!fake_broker_heard(&h.broker, "at", "\"version\":9"));
    house_deinit(&h);
}

static void records_come_rise_and_go(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    struct sp_id app = put_app(&h, 80, 1, (struct sp_id){{0}});
    assert_non_null(records_get(&h.scene.records, app));
    put_app(&h, 81, 2, app);
    assert_int_equal(records_get(&h.scene.records, app)->app.ports[0], 81);
    const struct app_drop d = {.app = app, .version = 3};
    fake_broker_send(&h.broker, "app.drop", fields_write(app_drop_fields, &d));
    scene_until(&h.scene, records_get(&h.scene.records, app) == NULL);
    house_deinit(&h);
}

/* A stand, a session over it, and the broker's cut by each selector. */
static void a_cut_by_any_selector_is_answered_with_count_and_time(void **state)
{
    enum { BY_SESSION, BY_APP, BY_USER, BY_DEVICE, BY_CONNECTOR, BY_NOTHING, WAYS };
    (void)state;

    for (int by = 0; by < WAYS; by++) {
        struct fake_stand stand;
        struct house h;
        int listener;

        house_init(&h);
        struct sp_id app = put_app(&h, scene_listen(&listener), 1, (struct sp_id){{0}});
        key_secret_free(h.scene.record_key); /* the relay's stand is this broker's word */
        h.scene.record_key = h.broker.records;
        fake_relay_stand(&h.relay, &stand);
        h.scene.record_key = NULL;
        fake_broker_send(&h.broker, "stand.put", fields_write(stand_put_fields, &stand.put));
        scene_until(&h.scene, h.relay.channel != NULL);
        scene_until(&h.scene, fake_broker_heard(&h.broker, "stand.at", id_text(h.relay.id).s));
        fake_relay_spares(&h.relay, 1);
        struct grant g = fake_relay_grant(&h.relay, app);
        struct fake_agent *a = fake_relay_ask(&h.relay, 0, &g, h.broker.grants);
        assert_string_equal(a->refused, "");
        scene_until(&h.scene, a->up);
        scene_until(&h.scene, fake_broker_heard(&h.broker, "live.delta", id_text(g.session).s));
        struct key_text device = key_text(&g.device);
        const struct session_cut cut = {
            .session = by == BY_SESSION ? g.session : (struct sp_id){{0}},
            .app = by == BY_APP ? app : (struct sp_id){{0}},
            .user = by == BY_USER ? g.user : (struct sp_id){{0}},
            .connector = by == BY_CONNECTOR ? h.scene.id : (struct sp_id){{0}},
            .device = by == BY_DEVICE ? view_str(device.s) : (struct view){0},
            .why = view_str("revoked")};
        fake_broker_call(&h.broker, "session.cut", fields_write(session_cut_fields, &cut));
        scene_until(&h.scene, h.broker.answered);
        check_ok(h.broker.answer);
        struct session_cut_answer answer;
        check_ok(fields_read(h.broker.said, session_cut_answer_fields, NULL, &answer));
        assert_int_equal(answer.count, by == BY_NOTHING ? 0 : 1);
        if (by != BY_NOTHING) {
            scene_until(&h.scene,
                        fake_broker_heard(&h.broker, "live.delta", "\"why\":\"revoked\""));
            scene_until(&h.scene, a->ended);
            assert_string_equal(a->report.code, "revoked");
        }
        close(listener);
        house_deinit(&h);
    }
}

static void an_app_is_tested_and_what_nobody_knows_is_unsupported(void **state)
{
    struct house h;
    int listener;
    (void)state;

    house_init(&h);
    struct sp_id app = put_app(&h, scene_listen(&listener), 1, (struct sp_id){{0}});
    const struct app_test ask = {.app = app}, other = {.app = random_id()};
    struct app_test_answer answer;

    fake_broker_call(&h.broker, "app.test", fields_write(app_test_fields, &ask));
    scene_until(&h.scene, h.broker.answered);
    check_ok(h.broker.answer);
    check_ok(fields_read(h.broker.said, app_test_answer_fields, NULL, &answer));
    assert_int_equal(answer.failed.len, 0);
    fake_broker_call(&h.broker, "app.test", fields_write(app_test_fields, &other));
    scene_until(&h.scene, h.broker.answered);
    check_ok(fields_read(h.broker.said, app_test_answer_fields, NULL, &answer));
    check(view_is(answer.failed, "record"));
    fake_broker_call(&h.broker, "make.coffee", json_object());
    scene_until(&h.scene, h.broker.answered);
    assert_int_equal(h.broker.answer, SP_ERR_REFUSED);
    close(listener);
    house_deinit(&h);
}

/* The records that the broker took are these texts with the numbers from 1, each once. */
static void check_audited(const struct house *h, int count)
{
    struct buf want;

    buf_init(&want, 1024 * 1024);
    for (int i = 1; i <= count; i++)
        buf_addf(&want, "%d refusal %d\n", i, i);
    check(view_equal(buf_view(&h->broker.audited), buf_view(&want)));
    buf_deinit(&want);
}

static void refuse(struct house *h, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char text[32];
        snprintf(text, sizeof text, "refusal %d", i);
        struct tell_refusal r = {.why = "floor", .text = text, .host = "wiki"};
        memcpy(r.session.bytes, &i, sizeof i); /* one session's would share records */
        tell_refused(h->tell, &r);
    }
}

/* What happened while no broker listened is told to the next one, in order, and only once. */
static void refusals_wait_for_a_broker(void **state)
{
    enum { MANY = 3 * AUDIT_BATCH_MAX + 5 };
    struct house h;
    (void)state;

    house_init(&h);
    listener_close(h.broker.listener, h.broker.edge, CHANNEL_CLOSE_GOING, "restart");
    scene_until(&h.scene, !control_is_open(h.control));
    refuse(&h, 1, MANY);
    assert_int_equal(h.broker.batches, 0);
    scene_until(&h.scene, h.opened == 2);
    scene_until(&h.scene, h.broker.told == MANY);
    check_audited(&h, MANY);
    check(!fake_broker_heard(&h.broker, "audit.batch", "\"lost\""));
    house_deinit(&h);
}

/* The broker records a batch and dies before it says so: the next one hears the same numbers. */
static void a_batch_whose_answer_is_lost_is_said_again_under_its_numbers(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    h.broker.mute = true;
    refuse(&h, 1, 3);
    scene_until(&h.scene, h.broker.told >= 1);
    int64_t before = h.broker.told;
    listener_close(h.broker.listener, h.broker.edge, CHANNEL_CLOSE_GOING, "restart");
    scene_until(&h.scene, !control_is_open(h.control));
    refuse(&h, 4, 5);
    h.broker.mute = false;
    scene_until(&h.scene, h.broker.told == 5);
    check(h.broker.batches >= 2 && before < 5);
    check_audited(&h, 5);
    house_deinit(&h);
}

static void a_broker_that_takes_none_is_asked_again(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    h.broker.refuse = "busy";
    refuse(&h, 1, 2);
    scene_until(&h.scene, h.broker.batches >= 1);
    assert_int_equal(h.broker.told, 0);
    h.broker.refuse = NULL;
    scene_until(&h.scene, h.broker.told == 2);
    check_audited(&h, 2);
    house_deinit(&h);
}

/* More than memory can hold before a worker came: the next that finds room says how many. */
static void what_finds_no_room_is_counted(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    listener_close(h.broker.listener, h.broker.edge, CHANNEL_CLOSE_GOING, "restart");
    scene_until(&h.scene, !control_is_open(h.control));
    refuse(&h, 1, COURIER_WAITING_MAX + 7);
    scene_until(&h.scene, h.broker.told == COURIER_WAITING_MAX);
    refuse(&h, COURIER_WAITING_MAX + 1, COURIER_WAITING_MAX + 1);
    scene_until(&h.scene, h.broker.told == COURIER_WAITING_MAX + 1);
    check_audited(&h, COURIER_WAITING_MAX + 1);
    check(fake_broker_heard(&h.broker, "audit.batch", "\"lost\":7"));
    house_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attached_connector_lists_its_sessions_and_takes_keys),
        cmocka_unit_test(records_come_rise_and_go),
        cmocka_unit_test(a_cut_by_any_selector_is_answered_with_count_and_time),
        cmocka_unit_test(an_app_is_tested_and_what_nobody_knows_is_unsupported),
        cmocka_unit_test(refusals_wait_for_a_broker),
        cmocka_unit_test(a_batch_whose_answer_is_lost_is_said_again_under_its_numbers),
        cmocka_unit_test(a_broker_that_takes_none_is_asked_again),
        cmocka_unit_test(what_finds_no_room_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
