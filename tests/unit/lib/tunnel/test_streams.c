#include "tests/unit/check.h"

#include "lib/tunnel/streams.h"

#include <string.h>

/* Two ends of a session back to back: what one gives the other takes. */
struct side {
    struct streams *streams;
    struct stream *opened; /* connector: what the agent opened */
    char got[16];
    size_t got_len;
    bool sent, finished;
};

static sp_error read_three_bytes(void *arg, uint8_t *to, size_t room, size_t *got)
{
    struct side *s = arg;

    if (s->sent || room < 3)
        return SP_ERR_CLOSED;
    memcpy(to, "abc", 3);
    *got = 3;
    s->sent = true;
    return SP_OK;
}

static sp_error keep(void *arg, struct view bytes, size_t *took)
{
    struct side *s = arg;

    check(s->got_len + bytes.len <= sizeof s->got);
    memcpy(s->got + s->got_len, bytes.at, bytes.len);
    s->got_len += bytes.len;
    *took = bytes.len;
    return SP_OK;
}

static size_t much(void *arg)
{
    (void)arg;
    return 1 << 20;
}

static void on_finished(void *arg)
{
    ((struct side *)arg)->finished = true;
}

static void on_answered(void *arg, int status)
{
    (void)arg;
    assert_int_equal(status, 200);
}

static void on_ended(void *arg, sp_error why)
{
    (void)arg, (void)why;
}

static const struct stream_io io = {read_three_bytes, keep,        much,
                                    on_finished,      on_answered, on_ended};

static void on_opened(void *arg, struct stream *s, unsigned port)
{
    assert_int_equal(port, 0);
    ((struct side *)arg)->opened = s;
}

static const struct streams_hooks hooks = {.opened = on_opened};

static bool move(struct side *from, struct side *to)
{
    struct view out;

    check_ok(streams_give(from->streams, &out));
    if (out.len > 0)
        check_ok(streams_take(to->streams, out));
    return out.len > 0;
}

static void settle(struct side *a, struct side *b)
{
    for (bool more = true; more;) {
        more = move(a, b);
        more = move(b, a) || more;
    }
}

/* A short request whose writer ends at once is all there before the connector has dialled: CONNECT,
 * data and END_STREAM in one batch. Its end must come after its bytes, at the attach. */
static void an_end_that_came_before_the_local_side_is_told_after_the_bytes(void **state)
{
    struct sp_id app = {{1}};
    struct side agent = {0}, connector = {0};
    struct stream *up;

    (void)state;
    check_ok(streams_new(STREAMS_AGENT, app, 8, &hooks, &agent, &agent.streams));
    check_ok(streams_new(STREAMS_CONNECTOR, app, 8, &hooks, &connector, &connector.streams));
    streams_allow_data(agent.streams);
    streams_allow_data(connector.streams);
    check_ok(streams_open(agent.streams, 0, &up));
    stream_attach(up, &io, &agent);
    settle(&agent, &connector);
    check(connector.opened != NULL);
    check(!connector.finished);

    stream_accept(connector.opened);
    stream_attach(connector.opened, &io, &connector);
    stream_writable(connector.opened);
    assert_int_equal(connector.got_len, 3);
    assert_memory_equal(connector.got, "abc", 3);
    check(connector.finished);
    settle(&agent, &connector);
    check(agent.finished); /* the other direction, attached before its bytes came */

    stream_free(connector.opened);
    stream_free(up);
    streams_free(agent.streams);
    streams_free(connector.streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_that_came_before_the_local_side_is_told_after_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
