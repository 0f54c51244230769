/* dialer.c, listener.c: a channel over TLS: how it opens, what it carries, whom it is closed to. */
#include "tests/unit/lib/channel/rig.h"

#include "lib/channel/backoff.h"

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct rig_heard *heard = arg;

    heard->done++;
    heard->answer = e;
    if (m != NULL)
        sp_ignore(json_get_int(m->members, "n", 0, 100, &heard->n)); /* the test looks at n */
}

static void a_channel_opens_and_carries_calls_both_ways(void **state)
{
    struct rig *r = *state;
    struct call *call;

    r->side.welcome.id = (struct sp_id){{9}};
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    assert_string_equal(r->heard.state, "approved");
    assert_int_equal(r->side.peer.kind, PROVE_DEVICE);
    assert_true(key_equal(&r->side.peer.key, key_secret_public(r->device)));
    assert_string_equal(r->side.peer.address, "127.0.0.1");
    assert_true(dialer_broker_time(r->dialer) > 0);

    assert_int_equal(channel_call(r->heard.channel, &(struct call_ask){"why", NULL, 1000},
                                  on_answer, &r->heard, &call),
                     SP_OK);
    rig_until(r, &r->heard.done, 1);
    assert_int_equal(r->heard.answer, SP_OK);
    assert_int_equal(r->heard.n, 42);
    listener_send(r->side.listener, r->side.edge, "drain", NULL);
    rig_until(r, &r->heard.messages, 1);
    assert_string_equal(r->heard.type, "drain");
}

static void a_key_that_is_not_admitted_gets_4401(void **state)
{
    struct rig *r = *state;

    r->side.refuse = CHANNEL_CLOSE_PROOF;
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.lost, 1);
    assert_int_equal(r->heard.end.close, 4401);
    assert_int_equal(r->heard.opened, 0);
    assert_int_equal(r->side.opened, 0);
    assert_int_equal(r->heard.end.again_ms, BACKOFF_MAX_MS);
}

static void a_second_channel_of_a_key_closes_the_first_with_4409(void **state)
{
    struct rig *r = *state;
    struct rig_heard first;
    struct dialer *older;

    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    older = r->dialer;
    /* a second dialer with the same key; events of both go to `heard` */
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    rig_until(r, &r->heard.lost, 1);
    first = r->heard;
    assert_int_equal(first.end.close, 4409);
    assert_int_equal(first.end.again_ms, -1); /* it does not fight for the place */
    assert_int_equal(r->side.lost, 1);
    dialer_free(older);
}

static void a_message_that_breaks_the_protocol_ends_the_channel(void **state)
{
    struct rig *r = *state;
    struct channel *c;

    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    c = listener_channel(r->side.listener, r->side.edge);
    assert_non_null(c);
    /* an answer to a call that was never made */
    assert_int_equal(channel_receive(c, view_str("{\"re\":9,\"i\":2}")), SP_ERR_PROTOCOL);
}

struct waiter {
    struct rig *rig;
    unsigned over;
    sp_error e;
    int64_t ms;
    uint64_t edge;
};

static void wait_work(void *arg)
{
    struct waiter *w = arg;
    struct envelope answer;

    w->e = listener_call_wait(w->rig->side.listener, w->edge, "app.test", NULL, 1000, &answer);
    if (w->e == SP_OK) {
        sp_ignore(json_get_int(answer.members, "ms", 0, 100, &w->ms)); /* the test looks at ms */
        envelope_deinit(&answer);
    }
}

static void wait_done(void *arg)
{
    ((struct waiter *)arg)->over++;
}

static void a_worker_waits_for_an_edge(void **state)
{
    struct rig *r = *state;
    struct waiter w = {.rig = r};

    rig_dial(r, "localhost");
    rig_until(r, &r->heard.opened, 1);
    w.edge = r->side.edge;
    assert_int_equal(pool_submit(r->pool, POOL_PLAIN, wait_work, wait_done, &w), SP_OK);
    rig_until(r, &w.over, 1);
    assert_int_equal(w.e, SP_OK);
    assert_int_equal(w.ms, 7);

    w = (struct waiter){.rig = r, .edge = 12345};
    assert_int_equal(pool_submit(r->pool, POOL_PLAIN, wait_work, wait_done, &w), SP_OK);
    rig_until(r, &w.over, 1);
    assert_int_equal(w.e, SP_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_channel_opens_and_carries_calls_both_ways),
        RIG_TEST(a_key_that_is_not_admitted_gets_4401),
        RIG_TEST(a_second_channel_of_a_key_closes_the_first_with_4409),
        RIG_TEST(a_message_that_breaks_the_protocol_ends_the_channel),
        RIG_TEST(a_worker_waits_for_an_edge),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
