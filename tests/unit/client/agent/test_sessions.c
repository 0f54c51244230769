#include "client/agent/sessions.h"

#include "client/agent/place.h"
#include "lib/base/encode.h"
#include "lib/os/loop.h"
#include "lib/trust/grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * sessions.c and live.c between a scripted broker (control), a scripted way (place) and a scripted
 * tunnel: those rooms have tests of their own. The linker takes these functions in place of theirs.
 */

static struct {
    /* the broker */
    unsigned asked, told;
    call_done *done;
    void *arg;
    struct sp_id session; /* of the last session.open */
    char type[40];
    /* the way */
    place_done *placed;
    void *place_arg;
    unsigned places;
    /* the tunnel */
    const struct tunnel_end_events *events;
    void *tunnel_arg;
    unsigned begun, streams, cuts, doubts;
    char cut_code[32];
    bool tunnel;
} w;

static struct keyset keys;
static struct proxy_env proxy;
static struct key_secret *identity, *connector;

sp_error control_ask(struct control *c, const struct call_ask *call, call_done *done, void *arg,
                     struct question **out)
{
    struct session_open open;

    (void)c;
    assert_string_equal(call->type, "session.open");
    assert_int_equal(fields_read(call->members, session_open_fields, NULL, &open), SP_OK);
    w.session = open.session;
    w.asked++;
    w.done = done;
    w.arg = arg;
    json_free(call->members);
    *out = (struct question *)&w;
    return SP_OK;
}

sp_error control_tell(struct control *c, const struct call_ask *call, call_done *done, void *arg,
                      struct question **out)
{
    (void)c, (void)done, (void)arg, (void)out;
    snprintf(w.type, sizeof w.type, "%s", call->type);
    json_free(call->members);
    w.told++;
    return SP_ERR_CLOSED;
}

bool control_is_open(const struct control *c)
{
    (void)c;
    return true;
}

void control_doubt(struct control *c)
{
    (void)c;
    w.doubts++;
}

void control_cancel(struct control *c, struct question *q)
{
    (void)c;
    if (q != NULL)
        w.done = NULL;
}

const struct keyset *control_keys(const struct control *c)
{
    (void)c;
    return &keys;
}

const struct proxy_env *control_proxy(const struct control *c)
{
    (void)c;
    return &proxy;
}

sp_unix_ms control_time(const struct control *c)
{
    (void)c;
    return 1764000000000;
}

struct refusal control_refusal(const struct control *c, const char *what, sp_error e,
                               const struct envelope *m)
{
    (void)c;
    return refusal_call(what, e, m);
}

sp_error keyset_signer(const struct keyset *k, struct view token, enum keyset_purpose purpose,
                       sp_unix_ms now, const struct key_public **out)
{
    (void)k, (void)token, (void)purpose, (void)now;
    *out = key_secret_public(identity);
    return SP_OK;
}

sp_error grant_verify(struct view token, const struct key_public *broker,
                      const struct grant_reader *me, sp_unix_ms now, struct grant *out)
{
    (void)broker, (void)me, (void)now;
    *out = (struct grant){.session = {{1}}, .app = {{2}}, .relay = {{3}}};
    out->connector = *key_secret_public(connector);
    return view_is(token, "forged") ? SP_ERR_SIGNATURE : SP_OK;
}

sp_error place_start(const struct place_spec *spec, const struct view addresses[], size_t count,
                     place_done *done, void *arg, struct place **out)
{
    (void)spec, (void)addresses;
    assert_true(count > 0);
    w.placed = done;
    w.place_arg = arg;
    w.places++;
    *out = (struct place *)&w;
    return SP_OK;
}

void place_free(struct place *p)
{
    if (p != NULL)
        w.placed = NULL;
}

sp_error tunnel_end_agent(const struct tunnel_end_config *c, int fd, struct tunnel_end **out)
{
    close(fd);
    w.events = c->events;
    w.tunnel_arg = c->arg;
    w.tunnel = true;
    *out = (struct tunnel_end *)&w;
    return SP_OK;
}

sp_error tunnel_end_begin(struct tunnel_end *t, const char *host, bool cut_through,
                          const struct tunnel_session *session,
                          const struct tunnel_agent_says *says)
{
    (void)t, (void)host, (void)cut_through, (void)session, (void)says;
    w.begun++;
    return SP_OK;
}

sp_error tunnel_end_stream(struct tunnel_end *t, unsigned port, struct stream **out)
{
    (void)t, (void)port;
    w.streams++;
    *out = (struct stream *)&w;
    return SP_OK;
}

void stream_free(struct stream *s)
{
    (void)s;
}

void tunnel_end_cut(struct tunnel_end *t, const char *code)
{
    (void)t;
    w.cuts++;
    snprintf(w.cut_code, sizeof w.cut_code, "%s", code);
}

struct tunnel_figures tunnel_end_figures(const struct tunnel_end *t)
{
    (void)t;
    return (struct tunnel_figures){.last_byte = clock_boot()};
}

void tunnel_end_free(struct tunnel_end *t)
{
    if (t != NULL)
        w.tunnel = false;
}

const char *tunnel_why_text(enum tunnel_why why)
{
    (void)why;
    return "the way broke";
}

/* ---- what is heard ------------------------------------------------------------------------ */

static struct heard {
    unsigned given, refused, changed, ended;
    struct refusal why, end;
    enum session_stage stage;
} h;

static struct loop *loop;
static struct state state;
static struct sessions *s;

static void on_changed(void *arg, const struct session_view *v, const struct refusal *why)
{
    (void)arg;
    h.changed++;
    h.stage = v->stage;
    if (why != NULL)
        h.why = *why;
}

static void on_ended(void *arg, const struct session_view *v, const struct refusal *why)
{
    (void)arg, (void)v;
    h.ended++;
    h.end = *why;
}

static const struct sessions_events events = {on_changed, on_ended};

static void on_opened(void *arg, struct stream *stream, const struct session_view *v,
                      const struct refusal *why)
{
    (void)v;
    *(struct opening **)arg = NULL;
    if (why != NULL) {
        h.refused++;
        h.why = *why;
    } else {
        h.given++;
        assert_true(stream == NULL || stream == (struct stream *)&w);
    }
}

static struct opening *openings[8];
static size_t opening_count;

static void open_port(unsigned port)
{
    size_t i = opening_count++;

    assert_true(i < 8);
    assert_int_equal(opening_start(s, "wiki", port, on_opened, &openings[i], &openings[i]), SP_OK);
    loop_turn(loop, false);
}

static void on_tick(void *arg)
{
    *(bool *)arg = true;
}

static void turn_for(int64_t ms)
{
    bool over = false;
    struct timer *t;

    assert_int_equal(timer_start(loop, clock_boot() + ms, on_tick, &over, &t), SP_OK);
    while (!over)
        loop_turn(loop, true);
}

static void answer(const struct session_open_answer *a)
{
    struct envelope m = {.members = fields_write(session_open_answer_fields, a)};
    call_done *done = w.done;

    assert_non_null(done);
    assert_non_null(m.members);
    w.done = NULL;
    done(w.arg, SP_OK, &m);
    json_free(m.members);
}

static void answer_error(const char *code)
{
    struct envelope m = {.is_error = true, .code = view_str(code), .text = view_str("so it is")};
    call_done *done = w.done;

    assert_non_null(done);
    w.done = NULL;
    done(w.arg, SP_ERR_REFUSED, &m);
}

static void answer_allow(const char *grant)
{
    struct key_text key = key_text(key_secret_public(connector));
    struct session_open_answer a = {.decision = SESSION_ALLOW,
                                    .session = {{1}},
                                    .app = {{2}},
                                    .relay = {{3}},
                                    .relay_name = view_str("fra-1"),
                                    .name = view_str("wiki"),
                                    .type = view_str("tcp"),
                                    .ports = {80},
                                    .port_count = 1,
                                    .grant = view_str(grant),
                                    .addresses = {view_str("relay.test:443")},
                                    .address_count = 1,
                                    .connector = view_str(key.s),
                                    .deadline = 1764000600000,
                                    .idle = 60000};
    struct buf pin;

    buf_init(&pin, 64);
    encode_base64url((struct view){(const uint8_t *)"0123456789abcdef0123456789abcdef", 32}, &pin);
    a.relay_key = buf_view(&pin);
    answer(&a);
    buf_deinit(&pin);
}

/* From asked to up. */
static void come_up(void)
{
    static const struct tunnel_limits limits = {0};

    answer_allow("grant");
    if (w.placed != NULL)
        w.placed(w.place_arg, dup(0), "relay.test", SP_OK);
    assert_true(w.tunnel);
    w.events->up(w.tunnel_arg, &limits, NULL);
    loop_turn(loop, false);
}

static void tunnel_ends(struct tunnel_report report)
{
    w.events->ended(w.tunnel_arg, &report);
    loop_turn(loop, false);
}

static int fresh(void **unused)
{
    (void)unused;
    memset(&w, 0, sizeof w);
    memset(&h, 0, sizeof h);
    opening_count = 0;
    assert_int_equal(loop_new(&loop), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &identity), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &connector), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &state.tunnel), SP_OK);
    const struct sessions_options o = {.loop = loop, .state = &state, .events = &events};
    assert_int_equal(sessions_new(&o, &s), SP_OK);
    return 0;
}

static int gone(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < opening_count; i++)
        opening_cancel(openings[i]);
    sessions_free(s);
    key_secret_free(identity);
    key_secret_free(connector);
    key_secret_free(state.tunnel);
    loop_free(loop);
    return 0;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void many_openings_wait_on_one_question(void **unused)
{
    (void)unused;
    struct session_view v;

    open_port(0);
    open_port(0);
    open_port(OPENING_SESSION_ONLY);
    assert_int_equal(w.asked, 1);
    assert_false(sessions_find(s, "wiki", &v)); /* not decided yet */
    come_up();
    assert_int_equal(h.given, 3);
    assert_int_equal(w.streams, 2);
    assert_true(sessions_find(s, "wiki", &v));
    assert_int_equal(v.stage, SESSION_STAGE_UP);
    assert_string_equal(v.relay, "fra-1");
    open_port(0); /* no further question */
    assert_int_equal(h.given, 4);
    assert_int_equal(w.asked, 1);
}

static void a_denial_refuses_all_and_leaves_no_session(void **unused)
{
    (void)unused;
    struct session_view v;

    open_port(0);
    open_port(OPENING_SESSION_ONLY);
    answer(&(struct session_open_answer){.decision = SESSION_DENY, .code = view_str("no_allow")});
    assert_int_equal(h.refused, 2);
    assert_int_equal(h.why.exit, EXIT_DENIED);
    assert_false(sessions_find(s, "wiki", &v));
    assert_int_equal(w.places, 0);
}

static void a_grant_that_does_not_hold_is_an_integrity_failure(void **unused)
{
    (void)unused;
    open_port(0);
    answer_allow("forged");
    assert_int_equal(h.refused, 1);
    assert_int_equal(h.why.exit, EXIT_INTEGRITY);
    assert_false(w.tunnel);
}

static void an_edge_that_the_broker_misses_is_waited_for_with_doubling_waits(void **unused)
{
    (void)unused;
    sp_boot_ms began = clock_boot();

    open_port(0);
    answer_error("unreachable");
    assert_int_equal(h.refused, 0);
    turn_for(450);
    assert_int_equal(w.asked, 2);
    answer_error("unreachable");
    turn_for(450);
    assert_int_equal(w.asked, 3);
    come_up(); /* it is back */
    assert_int_equal(h.given, 1);

    tunnel_ends((struct tunnel_report){.why = TUNNEL_CUT, .was_up = true, .code = "policy"});
    began = clock_boot();
    open_port(0);
    while (h.refused == 0 && clock_boot() - began < 6000) {
        if (w.done != NULL)
            answer_error("unreachable");
        turn_for(50);
    }
    assert_int_equal(h.refused, 1);
    assert_int_equal(h.why.exit, EXIT_UNREACHABLE);
    assert_true(clock_boot() - began >= SESSIONS_PATIENCE_MS - 500);
}

static void a_paused_session_tells_at_once_which_proof_and_streams_wait(void **unused)
{
    (void)unused;
    struct session_limit pause = {.session = {{1}}, .step_up = view_str("otp")};

    open_port(0);
    come_up();
    sessions_pause(s, &pause);
    assert_int_equal(h.stage, SESSION_STAGE_PAUSED);
    assert_int_equal(h.why.exit, EXIT_STEP_UP);
    open_port(OPENING_SESSION_ONLY);
    assert_int_equal(h.refused, 1);
    assert_int_equal(h.why.exit, EXIT_STEP_UP);
    assert_non_null(strstr(h.why.why, "otp"));
    open_port(0);
    assert_int_equal(h.refused, 1);
    assert_int_equal(h.given, 1);
    sessions_resume(s, (struct sp_id){{1}});
    loop_turn(loop, false);
    assert_int_equal(h.given, 2);
}

static void a_proof_that_was_just_given_is_waited_for(void **unused)
{
    (void)unused;
    struct session_limit pause = {.session = {{1}}, .step_up = view_str("otp")};

    open_port(0);
    come_up();
    sessions_pause(s, &pause);
    sessions_proved(s);
    open_port(OPENING_SESSION_ONLY);
    assert_int_equal(h.refused, 0);
    sessions_resume(s, (struct sp_id){{1}});
    loop_turn(loop, false);
    assert_int_equal(h.given, 2);

    sessions_pause(s, &pause);
    sessions_proved(s);
    open_port(OPENING_SESSION_ONLY); /* it was not enough: the person is asked again */
    turn_for(SESSIONS_RESUME_MS + 100);
    assert_int_equal(h.refused, 1);
}

static void a_hold_of_the_person_turns_everything_away_until_it_is_undone(void **unused)
{
    (void)unused;
    sessions_hold(s, true);
    open_port(0);
    assert_int_equal(h.refused, 1);
    assert_string_equal(h.why.code, "paused");
    assert_int_equal(w.asked, 0);
    sessions_hold(s, false);
    open_port(0);
    assert_int_equal(w.asked, 1);
}

static void a_cut_ends_it_with_its_reason(void **unused)
{
    (void)unused;
    struct session_cut cut = {
        .session = {{1}}, .why = view_str("killed"), .text = view_str("maintenance")};
    struct session_cut_answer told = {0};
    struct session_view v;

    open_port(0);
    come_up();
    sessions_cut(s, &cut, &told);
    assert_int_equal(told.count, 1);
    assert_int_equal(w.cuts, 1);
    assert_string_equal(w.cut_code, "killed");
    tunnel_ends((struct tunnel_report){.why = TUNNEL_LOST, .was_up = true});
    assert_int_equal(h.ended, 1);
    assert_int_equal(h.end.exit, EXIT_SESSION);
    assert_non_null(strstr(h.end.why, "maintenance"));
    assert_false(sessions_find(s, "wiki", &v));

    cut.session = (struct sp_id){{9}}; /* of nobody here */
    told = (struct session_cut_answer){0};
    sessions_cut(s, &cut, &told);
    assert_int_equal(told.count, 0);
}

/* The relay's close frame and the broker's session.cut come over two connections. */
static void the_words_of_a_kill_may_come_after_its_close(void **unused)
{
    (void)unused;
    const struct tunnel_report killed = {.why = TUNNEL_CUT, .was_up = true, .code = "killed"};
    const struct session_cut cut = {
        .session = {{1}}, .why = view_str("killed"), .text = view_str("maintenance")};
    struct session_cut_answer told = {0};
    struct session_view v;

    open_port(0);
    come_up();
    tunnel_ends(killed);
    assert_int_equal(h.ended, 0);
    sessions_cut(s, &cut, &told);
    assert_int_equal(told.count, 1);
    assert_int_equal(h.ended, 1);
    assert_int_equal(h.end.exit, EXIT_SESSION);
    assert_string_equal(h.end.why, "An administrator ended it: maintenance");
    assert_false(sessions_find(s, "wiki", &v));

    open_port(0); /* and where none come, it ends without them */
    come_up();
    tunnel_ends(killed);
    turn_for(1200);
    assert_int_equal(h.ended, 2);
    assert_null(strstr(h.end.why, "maintenance"));
    assert_false(sessions_find(s, "wiki", &v));

    open_port(0); /* who comes meanwhile gets a session of its own */
    come_up();
    tunnel_ends(killed);
    unsigned asked = w.asked, refused = h.refused;
    open_port(0);
    assert_int_equal(w.asked, asked);
    sessions_cut(s, &cut, &told);
    turn_for(50);
    assert_int_equal(h.ended, 3);
    assert_int_equal(h.refused, refused);
    assert_int_equal(w.asked, asked + 1);
    assert_true(id_is_zero(w.session));
}

static void a_lost_tunnel_leaves_its_session_and_the_next_stream_asks_with_its_id(void **unused)
{
    (void)unused;
    open_port(0);
    come_up();
    tunnel_ends((struct tunnel_report){.why = TUNNEL_FAULT, .was_up = true});
    assert_int_equal(w.doubts, 1); /* the channel may have met the same */
    assert_int_equal(h.ended, 0);
    open_port(0);
    assert_int_equal(w.asked, 2);
    assert_true(id_equal(w.session, (struct sp_id){{1}}));
    come_up();
    assert_int_equal(h.given, 2);
}

static void a_limit_only_comes_earlier(void **unused)
{
    (void)unused;
    struct session_view v;
    struct session_limit limit = {.session = {{1}}, .until = 1764000700000};

    open_port(0);
    come_up();
    sessions_limit(s, &limit);
    assert_true(sessions_find(s, "wiki", &v));
    assert_int_equal(v.deadline, 1764000600000);
    limit.until = 1764000500000;
    sessions_limit(s, &limit);
    assert_true(sessions_find(s, "wiki", &v));
    assert_int_equal(v.deadline, 1764000500000);
}

static void the_person_ends_it_and_the_broker_is_told(void **unused)
{
    (void)unused;
    open_port(0);
    come_up();
    assert_int_equal(sessions_end(s, (struct sp_id){{7}}), 0);
    assert_int_equal(sessions_end(s, (struct sp_id){{1}}), 1);
    assert_string_equal(w.type, "session.end");
    tunnel_ends((struct tunnel_report){.why = TUNNEL_LOST, .was_up = true});
    assert_int_equal(h.ended, 1);
    assert_string_equal(h.end.code, "ended");
}

static void who_gives_up_is_not_called(void **unused)
{
    (void)unused;
    open_port(0);
    open_port(0);
    opening_cancel(openings[0]);
    openings[0] = NULL;
    come_up();
    assert_int_equal(h.given, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(many_openings_wait_on_one_question),
        T(a_denial_refuses_all_and_leaves_no_session),
        T(a_grant_that_does_not_hold_is_an_integrity_failure),
        T(an_edge_that_the_broker_misses_is_waited_for_with_doubling_waits),
        T(a_paused_session_tells_at_once_which_proof_and_streams_wait),
        T(a_proof_that_was_just_given_is_waited_for),
        T(a_hold_of_the_person_turns_everything_away_until_it_is_undone),
        T(a_cut_ends_it_with_its_reason),
        T(the_words_of_a_kill_may_come_after_its_close),
        T(a_lost_tunnel_leaves_its_session_and_the_next_stream_asks_with_its_id),
        T(a_limit_only_comes_earlier),
        T(the_person_ends_it_and_the_broker_is_told),
        T(who_gives_up_is_not_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
