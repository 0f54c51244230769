#include "lib/channel/call.h"

#include "lib/base/clock.h"
#include "lib/os/loop.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A wire that keeps what goes over it. */
static char sent[200][512];
static size_t sent_count;
static enum channel_close closed;
static sp_error wire_state;

static sp_error wire_send(void *arg, struct view text)
{
    (void)arg;
    if (wire_state != SP_OK)
        return wire_state;
    snprintf(sent[sent_count++ % 200], sizeof sent[0], "%.*s", VIEW_ARG(text));
    return SP_OK;
}

static void wire_close(void *arg, enum channel_close code, const char *reason)
{
    (void)arg;
    (void)reason;
    closed = code;
}

static struct loop *loop;
static struct channel *c;
static char got[16][64];
static int64_t got_i[100];
static size_t got_count;

static void on_message(void *arg, struct channel *ch, const struct envelope *m)
{
    (void)arg;
    (void)ch;
    snprintf(got[got_count % 16], sizeof got[0], "%s", m->type);
    got_i[got_count++ % 100] = m->i;
}

static void new_channel(void)
{
    const struct channel_options o = {.loop = loop,
                                      .wire = {wire_send, wire_close, NULL},
                                      .sent = 2,
                                      .received = 1,
                                      .message = on_message};

    assert_int_equal(channel_new(&o, &c), SP_OK);
}

static int start(void **state)
{
    (void)state;
    sent_count = got_count = 0;
    closed = 0;
    wire_state = SP_OK;
    assert_int_equal(loop_new(&loop), SP_OK);
    new_channel();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    channel_free(c);
    loop_free(loop);
    return 0;
}

static sp_error receive(const char *text)
{
    return channel_receive(c, view_str(text));
}

struct result {
    int ended;
    sp_error e;
    char code[32];
    int64_t n;
};

static void done(void *arg, sp_error e, const struct envelope *m)
{
    struct result *r = arg;

    r->ended++;
    r->e = e;
    if (m != NULL && m->is_error)
        snprintf(r->code, sizeof r->code, "%.*s", VIEW_ARG(m->code));
    else if (m != NULL)
        sp_ignore(json_get_int(m->members, "n", 0, 1000, &r->n)); /* checked by the test */
}

static sp_error ask(int64_t timeout_ms, struct result *r, struct call **out)
{
    const struct call_ask q = {.type = "app.test", .timeout_ms = timeout_ms};

    return channel_call(c, &q, done, r, out);
}

static void numbers_go_on_behind_the_opening(void **state)
{
    (void)state;
    assert_int_equal(channel_send(c, "drain", NULL), SP_OK);
    assert_string_equal(sent[0], "{\"t\":\"drain\",\"i\":3}");
    assert_int_equal(receive("{\"t\":\"boot\",\"i\":2}"), SP_OK);
    assert_string_equal(got[0], "boot");
}

static void a_number_that_does_not_rise_by_one_ends_the_channel(void **state)
{
    (void)state;
    assert_int_equal(receive("{\"t\":\"boot\",\"i\":3}"), SP_ERR_PROTOCOL);
    assert_int_equal(receive("{\"t\":\"boot\",\"i\":1}"), SP_ERR_PROTOCOL);
    assert_int_equal(receive("{\"t\":\"boot\",\"i\":2}"), SP_OK);
    assert_int_equal(receive("{\"t\":\"boot\",\"i\":2}"), SP_ERR_PROTOCOL);
    assert_int_equal(got_count, 1);
    assert_int_equal(channel_close_of(SP_ERR_PROTOCOL), 1002);
}

static void an_answer_finds_its_call(void **state)
{
    (void)state;
    struct result a = {0}, b = {0};
    struct call *call;

    assert_int_equal(ask(1000, &a, &call), SP_OK);
    assert_int_equal(ask(1000, &b, &call), SP_OK);
    assert_int_equal(receive("{\"re\":4,\"i\":2,\"n\":44}"), SP_OK);
    assert_int_equal(a.ended, 0);
    assert_int_equal(b.ended, 1);
    assert_int_equal(b.n, 44);
    assert_int_equal(receive("{\"re\":3,\"i\":3,\"error\":{\"code\":\"denied\",\"text\":\"No.\"}}"),
                     SP_OK);
    assert_int_equal(a.e, SP_ERR_REFUSED);
    assert_string_equal(a.code, "denied");
}

static void an_answer_to_nothing_ends_the_channel(void **state)
{
    (void)state;
    assert_int_equal(receive("{\"re\":9,\"i\":2}"), SP_ERR_PROTOCOL);
}

static void a_call_times_out_and_its_late_answer_is_dropped(void **state)
{
    (void)state;
    struct result r = {0};
    struct call *call;

    assert_int_equal(ask(10, &r, &call), SP_OK);
    while (r.ended == 0)
        loop_turn(loop, true);
    assert_int_equal(r.e, SP_ERR_TIMEOUT);
    assert_int_equal(receive("{\"re\":3,\"i\":2}"), SP_OK);
    assert_int_equal(r.ended, 1);
}

/* Fills every place with calls that end after `ms`, and waits until `n` of them have. */
static void call_all(struct result *r, int64_t ms, int n)
{
    struct call *call;

    for (int i = 0; i < ENVELOPE_UNANSWERED_MAX; i++)
        assert_int_equal(ask(i < n ? ms : 600000, r, &call), SP_OK);
    while (r->ended < n)
        loop_turn(loop, true);
    assert_int_equal(r->e, SP_ERR_TIMEOUT);
}

static void on_room(void *arg)
{
    ++*(int *)arg;
}

/* The peer counts a call until it has answered it: one more would be its 65th. */
static void a_call_that_timed_out_holds_its_place_until_the_late_answer(void **state)
{
    (void)state;
    static struct result r; /* outlives the calls, which stop() ends */
    struct deferred room;
    struct call *call;
    int rooms = 0;

    r = (struct result){0};
    deferred_init(&room, on_room, &rooms);
    channel_on_room(c, &room);
    call_all(&r, 10, 1);
    assert_false(channel_may_call(c));
    assert_int_equal(ask(1000, &r, &call), SP_ERR_LIMIT);
    assert_int_equal(receive("{\"re\":3,\"i\":2}"), SP_OK);
    assert_int_equal(r.ended, 1);
    assert_true(channel_may_call(c));
    loop_turn(loop, false);
    assert_int_equal(rooms, 1);
    assert_int_equal(ask(600000, &r, &call), SP_OK);
    assert_int_equal(closed, 0);
    channel_on_room(c, NULL);
}

static void a_cancelled_call_holds_its_place_until_the_answer(void **state)
{
    (void)state;
    static struct result r;
    struct call *call;

    r = (struct result){0};
    assert_int_equal(ask(10, &r, &call), SP_OK);
    call_cancel(call);
    for (int i = 1; i < ENVELOPE_UNANSWERED_MAX; i++)
        assert_int_equal(ask(600000, &r, &call), SP_OK);
    for (int64_t end = clock_boot() + 50; clock_boot() < end;)
        loop_turn(loop, false);
    assert_false(channel_may_call(c));
    assert_int_equal(receive("{\"re\":3,\"i\":2}"), SP_OK);
    assert_true(channel_may_call(c));
    assert_int_equal(r.ended, 0);
}

static void a_peer_that_answers_no_call_is_left(void **state)
{
    (void)state;
    struct result r = {0};

    call_all(&r, 10, ENVELOPE_UNANSWERED_MAX - 1);
    assert_int_equal(closed, 0);
    channel_free(c);
    c = NULL;
    new_channel();
    r = (struct result){0};
    call_all(&r, 10, ENVELOPE_UNANSWERED_MAX);
    assert_int_equal(closed, CHANNEL_CLOSE_TOO_MUCH);
    assert_int_equal(r.ended, ENVELOPE_UNANSWERED_MAX);
}

static void a_cancelled_call_ends_in_silence(void **state)
{
    (void)state;
    struct result r = {0};
    struct call *call;

    assert_int_equal(ask(1000, &r, &call), SP_OK);
    call_cancel(call);
    assert_int_equal(receive("{\"re\":3,\"i\":2}"), SP_OK);
    assert_int_equal(r.ended, 0);
}

static void the_end_of_the_channel_ends_its_calls(void **state)
{
    (void)state;
    struct result r = {0};
    struct call *call;

    assert_int_equal(ask(1000, &r, &call), SP_OK);
    channel_free(c);
    c = NULL;
    assert_int_equal(r.e, SP_ERR_CLOSED);
}

static void a_call_is_answered_once(void **state)
{
    (void)state;
    assert_int_equal(receive("{\"t\":\"session.open\",\"i\":2,\"app\":\"a\"}"), SP_OK);
    assert_int_equal(channel_answer(c, got_i[0], NULL), SP_OK);
    assert_string_equal(sent[0], "{\"i\":3,\"re\":2}");
    assert_int_equal(channel_answer(c, got_i[0], NULL), SP_ERR_INVALID);
    assert_int_equal(channel_refuse(c, got_i[0], "x", "y", NULL), SP_ERR_INVALID);
    assert_int_equal(channel_answer(c, 99, NULL), SP_ERR_INVALID);
    assert_int_equal(sent_count, 1);
}

static void an_event_is_not_answered(void **state)
{
    (void)state;
    assert_int_equal(receive("{\"t\":\"live.delta\",\"i\":2}"), SP_OK);
    assert_int_equal(channel_answer(c, 2, NULL), SP_ERR_INVALID);
}

static void a_verb_that_nobody_knows_can_be_refused(void **state)
{
    (void)state;
    assert_int_equal(receive("{\"t\":\"some.future\",\"i\":2}"), SP_OK);
    assert_int_equal(channel_refuse(c, 2, "unsupported", "not known", "R-1"), SP_OK);
    assert_string_equal(sent[0], "{\"error\":{\"code\":\"unsupported\",\"text\":\"not known\","
                                 "\"request\":\"R-1\"},\"i\":3,\"re\":2}");
}

static void sixty_four_unanswered_calls_each_way_and_no_more(void **state)
{
    (void)state;
    static struct result r; /* outlives the calls, which stop() ends */
    struct call *call;
    char text[64];

    for (int i = 0; i < ENVELOPE_UNANSWERED_MAX; i++) {
        snprintf(text, sizeof text, "{\"t\":\"why\",\"i\":%d}", i + 2);
        assert_int_equal(receive(text), SP_OK);
        assert_int_equal(ask(1000, &r, &call), SP_OK);
    }
    assert_int_equal(ask(1000, &r, &call), SP_ERR_LIMIT);
    assert_int_equal(receive("{\"t\":\"why\",\"i\":66}"), SP_ERR_LIMIT);
    assert_int_equal(channel_close_of(SP_ERR_LIMIT), 4429);
    assert_int_equal(got_count, ENVELOPE_UNANSWERED_MAX);
}

static void what_the_wire_refuses_uses_up_no_number(void **state)
{
    (void)state;
    struct result r = {0};
    struct call *call;

    wire_state = SP_ERR_BUSY;
    assert_int_equal(channel_send(c, "drain", NULL), SP_ERR_BUSY);
    assert_int_equal(ask(1000, &r, &call), SP_ERR_BUSY);
    assert_int_equal(r.ended, 0);
    wire_state = SP_OK;
    assert_int_equal(channel_send(c, "drain", NULL), SP_OK);
    assert_string_equal(sent[0], "{\"t\":\"drain\",\"i\":3}");
}

static void after_closing_nothing_is_sent_or_heard(void **state)
{
    (void)state;
    channel_close_with(c, CHANNEL_CLOSE_CUT, "revoked");
    assert_int_equal(closed, 4403);
    assert_int_equal(channel_send(c, "drain", json_object()), SP_ERR_CLOSED);
    assert_int_equal(receive("{\"t\":\"boot\",\"i\":2}"), SP_OK);
    assert_int_equal(got_count, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(numbers_go_on_behind_the_opening),
        T(a_number_that_does_not_rise_by_one_ends_the_channel),
        T(an_answer_finds_its_call),
        T(an_answer_to_nothing_ends_the_channel),
        T(a_call_times_out_and_its_late_answer_is_dropped),
        T(a_call_that_timed_out_holds_its_place_until_the_late_answer),
        T(a_cancelled_call_holds_its_place_until_the_answer),
        T(a_peer_that_answers_no_call_is_left),
        T(a_cancelled_call_ends_in_silence),
        T(the_end_of_the_channel_ends_its_calls),
        T(a_call_is_answered_once),
        T(an_event_is_not_answered),
        T(a_verb_that_nobody_knows_can_be_refused),
        T(sixty_four_unanswered_calls_each_way_and_no_more),
        T(what_the_wire_refuses_uses_up_no_number),
        T(after_closing_nothing_is_sent_or_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
