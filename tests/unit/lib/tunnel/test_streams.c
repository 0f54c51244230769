#include "tests/unit/check.h"

#include "tests/unit/lib/tunnel/app.h"

#include <stdlib.h>
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

/* ---- many readers that stand still -------------------------------------------------------- */

enum { MANY = STREAMS_MAX, LARGE = 300 * 1000, READ_ON = 40 * 1000 * 1000 };

struct crowd {
    struct side agent, connector;
    struct app at_agent[MANY], at_connector[MANY];
    struct app *reader[MANY], *writer[MANY];
    size_t open, accepted;
};

static void on_crowd_opened(void *arg, struct stream *s, unsigned port)
{
    struct crowd *c = arg;
    struct app *a = &c->at_connector[c->accepted++];

    assert_int_equal(port, 0);
    a->stream = s;
    stream_accept(s);
    stream_attach(s, &app_io, a);
}

static const struct streams_hooks crowd_hooks = {.opened = on_crowd_opened};

/* Whoever reads: the agent (a download) or the connector. `room` is what the reader's kernel says.
 */
static void crowd_join(struct crowd *c, bool agent_reads, size_t bytes, bool stalled, size_t room)
{
    size_t i = c->open++;
    struct app *mine = &c->at_agent[i], *theirs = &c->at_connector[i];

    *mine = (struct app){.seed = (uint8_t)i, .expect = (uint8_t)(i + 100)};
    *theirs = (struct app){.seed = (uint8_t)(i + 100), .expect = (uint8_t)i};
    c->reader[i] = agent_reads ? mine : theirs;
    c->writer[i] = agent_reads ? theirs : mine;
    c->reader[i]->stalled = stalled;
    c->reader[i]->room = room;
    c->writer[i]->to_send = bytes;
    check_ok(streams_open(c->agent.streams, 0, &mine->stream));
    stream_attach(mine->stream, &app_io, mine);
    settle(&c->agent, &c->connector);
    assert_int_equal(c->accepted, c->open);
}

static void crowd_open(struct crowd *c, bool agent_reads, size_t bytes, bool stalled)
{
    crowd_join(c, agent_reads, bytes, stalled, stalled ? 0 : 512 * 1024);
}

static struct crowd *crowd_new(void)
{
    struct crowd *c = calloc(1, sizeof *c);
    struct sp_id app = {{1}};

    check(c != NULL);
    check_ok(streams_new(STREAMS_AGENT, app, MANY, &crowd_hooks, c, &c->agent.streams));
    check_ok(streams_new(STREAMS_CONNECTOR, app, MANY, &crowd_hooks, c, &c->connector.streams));
    streams_allow_data(c->agent.streams);
    streams_allow_data(c->connector.streams);
    return c;
}

static void crowd_free(struct crowd *c)
{
    for (size_t i = 0; i < c->open; i++) {
        stream_free(c->at_agent[i].stream);
        stream_free(c->at_connector[i].stream);
    }
    streams_free(c->agent.streams);
    streams_free(c->connector.streams);
    free(c);
}

/* All but one of as many streams as a session may have stand still, each in the middle of a large
 * answer: what they hold is bounded, and the one that reads gets its bytes, far more than a
 * session's window. When they read again nothing is missing. */
static void CT_8_FLT_17_however_many_readers_stand_still_the_others_read_on(void **state)
{
    (void)state;
    for (int agent_reads = 0; agent_reads < 2; agent_reads++) {
        struct crowd *c = crowd_new();
        struct streams *reading = agent_reads ? c->agent.streams : c->connector.streams;

        for (size_t i = 0; i < MANY - 1; i++) {
            crowd_open(c, agent_reads, LARGE, true);
            check(stream_piled(c->reader[i]->stream) <= STREAM_PILE_BYTES);
            check(stream_piled(c->reader[i]->stream) >= STREAM_FIRST_BYTES); /* its share */
        }
        assert_int_equal(stream_piled(c->reader[0]->stream), STREAM_PILE_BYTES);
        check(streams_piled(reading) <= MANY * STREAM_FIRST_BYTES + SESSION_LENT_BYTES);
        crowd_open(c, agent_reads, READ_ON, false);
        assert_int_equal(c->reader[MANY - 1]->got, READ_ON);
        check(c->reader[MANY - 1]->finished);

        for (size_t i = 0; i < MANY - 1; i++) {
            c->reader[i]->stalled = false;
            c->reader[i]->room = 64 * 1024;
            stream_writable(c->reader[i]->stream);
            settle(&c->agent, &c->connector);
        }
        for (size_t i = 0; i < MANY - 1; i++) {
            assert_int_equal(c->reader[i]->got, LARGE);
            check(!c->reader[i]->wrong && c->reader[i]->finished);
        }
        assert_int_equal(streams_piled(reading), 0);
        crowd_free(c);
    }
}

/* A kernel whose memory for TCP is used up says that it has room and takes nothing. Without an end
 * the piles would take the whole window; the largest ones end, at both ends, and no others. */
static void CT_8_FLT_17_a_kernel_that_takes_less_than_it_said_costs_single_streams(void **state)
{
    enum { LYING = 24, ROOM = 4 * 1024 * 1024, MUCH = 6 * 1000 * 1000, LESS = 600 * 1000 };

    (void)state;
    for (int agent_reads = 0; agent_reads < 2; agent_reads++) {
        struct crowd *c = crowd_new();
        struct streams *reading = agent_reads ? c->agent.streams : c->connector.streams;
        size_t resets = 0;

        for (size_t i = 0; i < LYING; i++) {
            crowd_join(c, agent_reads, i % 2 == 0 ? MUCH : LESS, true, ROOM);
            check(streams_piled(reading) <= SESSION_PILED_MAX);
        }
        crowd_open(c, agent_reads, READ_ON, false);
        assert_int_equal(c->reader[LYING]->got, READ_ON);
        check(c->reader[LYING]->finished);

        for (size_t i = 0; i < LYING; i++) {
            struct app *r = c->reader[i];
            r->stalled = false;
            if (r->stream != NULL)
                stream_writable(r->stream);
            settle(&c->agent, &c->connector);
            bool lost = r->why != SP_OK;
            check(r->ended && !r->wrong && r->finished == !lost);
            check(lost ? r->why == SP_ERR_LIMIT && c->writer[i]->why == SP_ERR_RESET && r->got == 0
                       : r->got == (i % 2 == 0 ? MUCH : LESS));
            check(!lost || i % 2 == 0); /* the smaller piles stay */
            resets += lost;
        }
        check(resets > 0 && resets < LYING / 2);
        assert_int_equal(streams_piled(reading), 0);
        crowd_free(c);
    }
}

/* What was lent comes back with its stream: after a crowd has gone the next one holds as much. */
static void CT_8_what_stalled_readers_held_is_given_back_when_they_go(void **state)
{
    struct crowd *c = crowd_new();

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100; i++)
            crowd_open(c, true, LARGE, true);
        assert_int_equal(stream_piled(c->reader[0]->stream), STREAM_PILE_BYTES);
        check(streams_piled(c->agent.streams) > SESSION_LENT_BYTES);
        for (size_t i = 0; i < 100; i++) {
            stream_free(c->at_agent[i].stream); /* the person's program has gone: RST */
            c->at_agent[i].stream = NULL;
        }
        settle(&c->agent, &c->connector);
        assert_int_equal(streams_live(c->agent.streams), 0);
        assert_int_equal(streams_live(c->connector.streams), 0);
        assert_int_equal(streams_piled(c->agent.streams), 0);
        c->open = c->accepted = 0;
    }
    crowd_open(c, true, READ_ON, false);
    assert_int_equal(c->reader[0]->got, READ_ON);
    crowd_free(c);
}

/* The first words of a client, then SETTINGS without an entry. */
#define HELLO "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

/* Also where the library has said goodbye by itself and would read on for ever. */
static void a_peer_that_breaks_http2_ends_the_session_whoever_notices(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
    } lies[] = {
#define LIE(name, bytes) {name, bytes, sizeof bytes - 1}
        LIE("no settings first", HELLO "\0\0\1\0\0\0\0\0\1x"),
        LIE("data on no stream", HELLO SETTINGS "\0\0\1\0\0\0\0\0\0x"),
        LIE("data on a stream that never was", HELLO SETTINGS "\0\0\1\0\0\0\0\0\1x"),
        LIE("the rest of no header", HELLO SETTINGS "\0\0\0\11\4\0\0\0\1"),
        LIE("a ping of 7 bytes", HELLO SETTINGS "\0\0\7\6\0\0\0\0\0aaaaaaa"),
        LIE("a window of 0", HELLO SETTINGS "\0\0\4\10\0\0\0\0\0\0\0\0\0"),
        LIE("a frame of 16 MiB", HELLO SETTINGS "\377\377\377\0\0\0\0\0\1"),
        LIE("a push", HELLO SETTINGS "\0\0\4\5\4\0\0\0\1\0\0\0\2"),
        LIE("another protocol", "GET / HTTP/1.1\r\n\r\n\r\n\r\n\r\n\r\n"),
#undef LIE
    };

    const struct sp_id app = {{1}};

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct side c = {0};
        struct view out = {0};
        sp_error e;

        check_ok(streams_new(STREAMS_CONNECTOR, app, 0, &hooks, &c, &c.streams));
        e = streams_take(c.streams, (struct view){(const uint8_t *)lies[i].bytes, lies[i].len});
        for (unsigned n = 0; n < 10 && e == SP_OK; n++)
            e = streams_give(c.streams, &out);
        if (e != SP_ERR_PROTOCOL)
            fail_msg("%s: %s", lies[i].name, sp_error_code(e));
        assert_int_equal(streams_take(c.streams, view_str("x")), SP_ERR_PROTOCOL);
        streams_free(c.streams);
    }
}

/* Whether `given` resets stream 1 because its window was not kept (RFC 9113 section 7). */
static bool resets_for_its_window(struct view given)
{
    static const uint8_t reset[] = {0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 3};

    for (size_t at = 0; at + sizeof reset <= given.len; at++)
        if (memcmp(given.at + at, reset, sizeof reset) == 0)
            return true;
    return false;
}

/* Who sends on without asking for room: the stream is reset where its pile ends, with the frame
 * that went beyond it: two at most are read before the reset goes. */
static void a_peer_that_sends_beyond_a_window_loses_the_stream(void **state)
{
    static uint8_t frame[9 + 16384] = {0, 0x40, 0, 0, 0, 0, 0, 0, 1};
    const struct sp_id app = {{1}};
    struct side c = {0};
    struct view out = {0};
    struct buf hello;
    size_t sent = 0;
    bool reset = false;

    (void)state;
    check_ok(streams_new(STREAMS_CONNECTOR, app, 0, &hooks, &c, &c.streams));
    buf_init(&hello, 1024);
    buf_add(&hello, (struct view){(const uint8_t *)HELLO SETTINGS, sizeof HELLO SETTINGS - 1});
    buf_add(&hello, (struct view){(const uint8_t *)"\0\0\66\1\4\0\0\0\1", 9}); /* HEADERS of 54 */
    buf_add(&hello, (struct view){(const uint8_t *)"\0\7:method\7CONNECT", 17});
    buf_add(&hello, (struct view){(const uint8_t *)"\0\12:authority\30", 13});
    buf_addf(&hello, "%s:0", id_text(app).s);
    check_ok(streams_take(c.streams, buf_view(&hello)));
    check(c.opened != NULL);
    while (!reset && sent < 10 * (size_t)STREAM_PILE_BYTES) {
        check_ok(streams_take(c.streams, (struct view){frame, sizeof frame}));
        sent += sizeof frame - 9;
        do {
            check_ok(streams_give(c.streams, &out));
            reset = reset || resets_for_its_window(out);
        } while (out.len > 0);
    }
    check(reset);
    check(sent >= STREAM_PILE_BYTES && sent <= STREAM_PILE_BYTES + 2 * sizeof frame);
    check(streams_piled(c.streams) <= STREAM_PILE_BYTES + 2 * sizeof frame);
    stream_free(c.opened);
    streams_free(c.streams);
    buf_deinit(&hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_that_came_before_the_local_side_is_told_after_the_bytes),
        cmocka_unit_test(CT_8_FLT_17_however_many_readers_stand_still_the_others_read_on),
        cmocka_unit_test(CT_8_FLT_17_a_kernel_that_takes_less_than_it_said_costs_single_streams),
        cmocka_unit_test(a_peer_that_breaks_http2_ends_the_session_whoever_notices),
        cmocka_unit_test(a_peer_that_sends_beyond_a_window_loses_the_stream),
        cmocka_unit_test(CT_8_what_stalled_readers_held_is_given_back_when_they_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
