/* stand.c, session.c, sessions.c, dial.c: a connector at a relay, from the ticket to the app's
 * bytes. */
#include "connector/spool.h"
#include "connector/stand.h"
#include "connector/tell.h"

#include "lib/crypto/random.h"
#include "lib/os/sock.h"
#include "lib/proto/relay.h"
#include "lib/proto/session.h"
#include "tests/unit/connector/fake_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A connector without its broker: sessions and stands, a fake relay, an app on loopback. */
struct house {
    struct scene scene;
    struct fake_relay relay;
    struct fake_stand stand;
    struct sessions *sessions;
    struct stands *stands;
    struct tell *tell;
    char audit[40];         /* its folder */
    struct channel *broker; /* hears what tell says */
    char heard[16 * 1024];
    int64_t asked, told, said; /* of audit.batch: number of the call, of the last record; ours */
    int app_listener, app;     /* the app's side of its connection; -1: none */
    bool reset;                /* the app has seen it */
    uint16_t app_port;
    struct sp_id app_id;
    unsigned opened, closed, changed;
    char why[32]; /* of the last closing */
    struct session_facts facts;
};

static void on_session_opened(void *arg, const struct session_facts *f)
{
    struct house *h = arg;

    h->opened++;
    h->facts = *f;
}

static void on_session_closed(void *arg, const struct session_facts *f, const char *why)
{
    struct house *h = arg;

    h->closed++;
    h->facts = *f;
    snprintf(h->why, sizeof h->why, "%s", why);
    if (h->stands != NULL)
        stands_cut(h->stands, f->grant.session, why); /* as control.c does for ordered ends */
}

static const struct sessions_events events = {on_session_opened, on_session_closed};

static void on_changed(void *arg)
{
    ((struct house *)arg)->changed++;
}

static sp_error hear(void *arg, struct view text)
{
    struct house *h = arg;
    size_t n = strlen(h->heard);

    snprintf(h->heard + n, sizeof h->heard - n, "%.*s\n", VIEW_ARG(text));
    struct audit_batch batch;
    struct envelope m;
    check_ok(envelope_parse(text, &m));
    if (strcmp(m.type, "audit.batch") == 0) {
        check_ok(fields_read(m.members, audit_batch_fields, NULL, &batch));
        h->asked = m.i;
        h->told = batch.first + (int64_t)batch.record_count - 1;
    }
    envelope_deinit(&m);
    return SP_OK;
}

static void hang_up(void *arg, enum channel_close code, const char *reason)
{
    (void)arg;
    (void)code;
    (void)reason;
}

static void no_message(void *arg, struct channel *c, const struct envelope *m)
{
    (void)arg;
    (void)c;
    (void)m;
}

static void house_init(struct house *h)
{
    const struct channel_wire wire = {hear, hang_up, h};
    struct sp_why why = {{0}, {0}, 0, 0};
    char floor[64];

    *h = (struct house){.app = -1};
    h->app_port = scene_listen(&h->app_listener);
    snprintf(floor, sizeof floor, "allow 127.0.0.1:%u\n", h->app_port);
    scene_init(&h->scene, floor);
    h->app_id = scene_app(&h->scene, (struct sp_id){{0}}, "127.0.0.1", h->app_port);
    fake_relay_init(&h->relay, &h->scene);
    snprintf(h->audit, sizeof h->audit, "/tmp/sp-stand-XXXXXX");
    assert_non_null(mkdtemp(h->audit));
    const struct courier_options co = {
        .loop = h->scene.loop, .pool = h->scene.pool, .folder = h->audit, .max = SPOOL_BYTES_MIN};
    check_ok(tell_new(&co, &why, &h->tell));
    check_ok(channel_new(h->scene.loop, &wire, 1, 1, no_message, h, &h->broker));
    tell_channel(h->tell, h->broker);
    const struct sessions_options so = {.loop = h->scene.loop,
                                        .pool = h->scene.pool,
                                        .records = &h->scene.records,
                                        .floor = (const struct floor *const *)&h->scene.floor,
                                        .broker_time = scene_now,
                                        .tell = h->tell,
                                        .events = &events,
                                        .arg = h};
    check_ok(sessions_new(&so, &h->sessions));
    const struct stands_options o = {.loop = h->scene.loop,
                                     .pool = h->scene.pool,
                                     .key = h->scene.own,
                                     .id = &h->scene.id,
                                     .sessions = h->sessions,
                                     .tell = h->tell,
                                     .records = &h->scene.records,
                                     .keys = &h->scene.keys,
                                     .floor = (const struct floor *const *)&h->scene.floor,
                                     .broker_time = scene_now,
                                     .changed = on_changed,
                                     .arg = h};
    check_ok(stands_new(&o, &h->stands));
}

/* Standing at the relay, with two spares waiting. */
static void house_stands(struct house *h)
{
    house_init(h);
    fake_relay_stand(&h->relay, &h->stand);
    check_ok(stands_put(h->stands, &h->stand.put));
    scene_until(&h->scene, h->relay.channel != NULL);
    fake_relay_spares(&h->relay, 2);
}

static void house_deinit(struct house *h)
{
    struct stands *stands = h->stands;

    h->stands = NULL;
    stands_free(stands);
    sessions_free(h->sessions);
    tell_free(h->tell);
    channel_free(h->broker);
    fake_relay_deinit(&h->relay);
    scene_deinit(&h->scene);
    scene_clear(h->audit);
    close(h->app_listener);
    if (h->app >= 0)
        close(h->app);
}

static bool app_came(struct house *h)
{
    if (h->app < 0 && sock_accept(h->app_listener, &h->app, NULL) != SP_OK)
        h->app = -1;
    return h->app >= 0;
}

static bool app_has(const struct house *h, size_t n)
{
    uint8_t room[2000];

    return recv(h->app, room, sizeof room, MSG_PEEK | MSG_DONTWAIT) >= (ssize_t)n;
}

/* What the app reads, without waiting; 0: nothing now, -1: its connection was reset, -2: FIN. */
static ssize_t app_reads(struct house *h, uint8_t *to, size_t room)
{
    ssize_t n = read(h->app, to, room);

    return n > 0 ? n : n == 0 ? -2 : errno == EAGAIN ? 0 : -1;
}

static bool app_is_reset(struct house *h)
{
    uint8_t room[4096];
    ssize_t n;

    while ((n = app_reads(h, room, sizeof room)) > 0)
        continue;
    h->reset |= n == -1; /* told once */
    return h->reset;
}

/* A session that is up, with a stream of so many bytes whose first have reached the app. */
static struct fake_agent *begin_with(struct house *h, struct grant *g, size_t bytes)
{
    house_stands(h);
    *g = fake_relay_grant(&h->relay, h->app_id);
    struct fake_agent *a = fake_relay_ask(&h->relay, 0, g, h->scene.grants);
    assert_string_equal(a->refused, "");
    scene_until(&h->scene, a->up && h->opened == 1);
    fake_relay_stream(a, bytes);
    scene_until(&h->scene, app_came(h) && app_has(h, 1000));
    return a;
}

/* The same with more than the app will read: the stream is in its middle when the test ends it. */
static struct fake_agent *begin(struct house *h, struct grant *g)
{
    return begin_with(h, g, 64 * 1024 * 1024);
}

/* ---- the way ------------------------------------------------------------------------------ */

static void a_session_reaches_the_app_and_ends_clean(void **state)
{
    struct house h;
    struct grant g;
    uint8_t room[2000], got[1000];
    size_t n = 0;
    (void)state;

    struct fake_agent *a = begin_with(&h, &g, 1000);
    check(id_equal(h.facts.grant.session, g.session));
    while (n < 1000) {
        ssize_t more = app_reads(&h, room, sizeof room);
        check(more >= 0 && n + (size_t)more <= 1000);
        memcpy(got + n, room, (size_t)more);
        n += (size_t)more;
        scene_turn(&h.scene);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(got[i], (uint8_t)(11 + i * 7 + (i >> 8) * 13));
    bool fin = false; /* the agent's FIN is the app's */
    for (int i = 0; i < 20000 && !fin; i++, scene_turn(&h.scene))
        fin = app_reads(&h, room, sizeof room) == -2;
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

    struct fake_agent *a = begin(&h, &g);
    sock_reset(h.app);
    h.app = -1;
    scene_until(&h.scene, a->app.ended);
    check(a->app.why != SP_OK);
    assert_int_equal(sessions_count(h.sessions), 1);
    house_deinit(&h);
}

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

    begin(&h, &g);
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
    check(!app_came(&h)); /* not even a SYN */
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

/* ---- how sessions end --------------------------------------------------------------------- */

static void a_cut_resets_the_app_and_its_word_reaches_the_agent(void **state)
{
    static const char *const words[] = {"floor",  "record", "deadline", "idle",
                                        "policy", "killed", "revoked"};
    (void)state;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct house h;
        struct grant g;
        int64_t ms = -1;
        struct fake_agent *a = begin(&h, &g);
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
        struct fake_agent *a = begin(&h, &g);

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

    begin(&h, &g);
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

    begin(&h, &g);
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

    begin(&h, &g);
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

    begin(&h, &g);
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

/* ---- a pause ------------------------------------------------------------------------------ */

static size_t drain_app(struct house *h)
{
    uint8_t room[65536];
    size_t n = 0;
    ssize_t got;

    while ((got = app_reads(h, room, sizeof room)) > 0)
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
    scene_until(&h.scene, app_came(&h));
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
    scene_until(&h.scene, app_came(&h));
    scene_for(&h.scene, 100);
    assert_int_equal(app_reads(&h, room, sizeof room), 0);
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

    begin(&h, &g);
    sessions_pause(h.sessions, g.session, clock_unix() + 100);
    scene_until(&h.scene, h.closed == 1);
    assert_string_equal(h.why, "policy");
    house_deinit(&h);
}

/* ---- standing ----------------------------------------------------------------------------- */

static void a_lost_standing_channel_is_dialled_again_and_sessions_stay(void **state)
{
    struct house h;
    struct grant g;
    (void)state;

    struct fake_agent *a = begin(&h, &g);
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
        cmocka_unit_test(a_session_reaches_the_app_and_ends_clean),
        cmocka_unit_test(an_app_that_refuses_is_502_and_the_session_stays),
        cmocka_unit_test(a_reset_of_the_app_is_a_reset_of_the_stream),
        cmocka_unit_test(E2E_T7_a_grant_that_does_not_hold_opens_nothing_and_is_told),
        cmocka_unit_test(a_grant_counts_once_here_too),
        cmocka_unit_test(E2E_6_a_target_outside_the_floor_is_403_and_told_with_its_line),
        cmocka_unit_test(a_draining_connector_takes_no_session),
        cmocka_unit_test(a_cut_resets_the_app_and_its_word_reaches_the_agent),
        cmocka_unit_test(the_relays_word_of_a_cut_is_the_sessions_end),
        cmocka_unit_test(a_relays_cut_without_a_session_ends_nothing),
        cmocka_unit_test(a_floor_that_no_longer_allows_ends_the_session),
        cmocka_unit_test(a_record_that_names_another_host_ends_the_session),
        cmocka_unit_test(a_deadline_may_come_earlier_and_never_later),
        cmocka_unit_test(a_session_that_nobody_can_verify_ends),
        cmocka_unit_test(a_paused_session_moves_no_byte_and_goes_on),
        cmocka_unit_test(a_stream_that_opens_in_a_pause_waits_too),
        cmocka_unit_test(a_pause_without_a_proof_in_time_is_the_end),
        cmocka_unit_test(a_lost_standing_channel_is_dialled_again_and_sessions_stay),
        cmocka_unit_test(a_relay_with_another_key_than_the_pinned_is_not_stood_at),
        cmocka_unit_test(stands_are_few_and_need_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
