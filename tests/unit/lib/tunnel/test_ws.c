/* outer.c, outer_frames.c: frames, closes and switches of a peer that keeps no rule. */
#include "lib/tunnel/frame.h"
#include "lib/tunnel/lifecycle.h"
#include "lib/tunnel/outer.h"
#include "lib/tunnel/thread_internal.h"
#include "tests/unit/check.h"

/*
 * One of our websockets against a peer that writes what it likes into the TLS connection: a
 * client against our server, a server against our client.
 */
struct evil {
    struct tunnel_thread *thread;
    struct key_secret *key;
    struct tls_context *client, *server;
    uint8_t pin[TLS_PIN_BYTES];
    struct wire ours, theirs;
    struct outer *outer;
    struct tls_conn *tls; /* the peer's */
    bool we_serve;
    uint8_t said[4096]; /* what we sent after the upgrade, decrypted */
    size_t said_len;
};

static void pass(struct wire *from, struct wire *to)
{
    struct view out = wire_out(from);

    wire_feed(to, out);
    check_ok(wire_keep(to));
    wire_sent(from, out.len);
}

/* Both layers' handshakes and the upgrade go on until nothing moves. */
static void exchange(struct evil *e)
{
    for (int i = 0; i < 8; i++) {
        sp_ignore(outer_advance(e->outer));
        pass(&e->ours, &e->theirs);
        sp_ignore(tls_conn_handshake(e->tls));
        pass(&e->theirs, &e->ours);
    }
}

static void say(struct evil *e, const void *bytes, size_t len)
{
    check_ok(tls_conn_write(e->tls, (struct view){bytes, len}));
    pass(&e->theirs, &e->ours);
}

static size_t hear(struct evil *e, uint8_t *to, size_t room)
{
    size_t got, all = 0;

    pass(&e->ours, &e->theirs);
    while (all < room && tls_conn_read(e->tls, to + all, room - all, &got) == SP_OK)
        all += got;
    return all;
}

static struct upgrade_request asking(bool cut_through)
{
    return (struct upgrade_request){.path = UPGRADE_TUNNEL,
                                    .host = view_str("relay.test"),
                                    .has_ticket = true,
                                    .ticket = {1},
                                    .cut_through = cut_through};
}

static void upgrade_as_client(struct evil *e, bool cut_through)
{
    struct upgrade_request ask = asking(cut_through);
    uint8_t answer[1024];
    struct buf head;

    buf_init(&head, UPGRADE_HEAD_MAX);
    upgrade_write_request(&ask, &head);
    say(e, head.at, head.len);
    buf_deinit(&head);
    check_ok(outer_advance(e->outer));
    assert_int_equal(outer_state(e->outer), OUTER_ASKED);
    check_ok(outer_accept(e->outer, cut_through));
    check(hear(e, answer, sizeof answer) > 0);
}

static void upgrade_as_server(struct evil *e, bool cut_through)
{
    struct upgrade_request r;
    uint8_t request[4096];
    struct buf head;
    size_t used, n = hear(e, request, sizeof request);

    check_ok(upgrade_parse_request((struct view){request, n}, &r, &used));
    buf_init(&head, UPGRADE_HEAD_MAX);
    upgrade_write_accept(r.key, cut_through, &head);
    say(e, head.at, head.len);
    buf_deinit(&head);
    check_ok(outer_advance(e->outer));
}

/* TLS is up, nothing more. `ask` NULL: our client has not asked yet. */
static void evil_tls(struct evil *e, bool we_serve, const struct upgrade_request *ask)
{
    const struct tls_expect expect = {.name = "relay.test", .pin = e->pin};
    const struct tls_wire wire = {wire_take, wire_put, &e->theirs};

    *e = (struct evil){.we_serve = we_serve};
    check_ok(tunnel_thread_new(&e->thread));
    check_ok(key_secret_new(KEY_P256, &e->key));
    check_ok(tls_pin(key_secret_public(e->key), e->pin));
    check_ok(tls_pinned_client("sallyport-tunnel/1", &e->client));
    check_ok(tls_pinned_server(e->key, "sallyport-tunnel/1", &e->server));
    wire_init(&e->ours, e->thread);
    wire_init(&e->theirs, e->thread);
    if (we_serve) {
        check_ok(outer_server(&e->ours, e->server, &e->outer));
        check_ok(tls_conn_new(e->client, &expect, &wire, &e->tls));
        sp_ignore(tls_conn_handshake(e->tls));
        pass(&e->theirs, &e->ours);
    } else {
        check_ok(outer_client(&e->ours, e->client, &expect, ask, &e->outer));
        check_ok(tls_conn_new(e->server, NULL, &wire, &e->tls));
    }
    exchange(e);
}

/* `we_serve`: our server against an evil client; else the other way round. */
static void evil_init(struct evil *e, bool we_serve, bool cut_through)
{
    const struct upgrade_request ask = asking(cut_through);

    evil_tls(e, we_serve, &ask);
    if (we_serve)
        upgrade_as_client(e, cut_through);
    else
        upgrade_as_server(e, cut_through);
    assert_int_equal(outer_state(e->outer), OUTER_OPEN);
}

static void evil_deinit(struct evil *e)
{
    outer_free(e->outer);
    tls_conn_free(e->tls);
    wire_deinit(&e->ours);
    wire_deinit(&e->theirs);
    check(e->thread->live == 0);
    tls_context_free(e->client);
    tls_context_free(e->server);
    key_secret_free(e->key);
    tunnel_thread_free(e->thread);
}

/* Reads until it needs more; the error, or SP_ERR_AGAIN. `*bytes`: payload that was delivered. */
static sp_error read_all(struct evil *e, size_t *bytes)
{
    static uint8_t to[FRAME_PAYLOAD_MAX];
    struct outer_bit bit;
    sp_error err;

    *bytes = 0;
    while ((err = outer_read(e->outer, false, to, sizeof to, &bit)) == SP_OK &&
           bit.kind == OUTER_DATA)
        *bytes += bit.len;
    return err;
}

/* The code of the close frame that we sent; 0: none. */
static unsigned close_code(struct evil *e)
{
    size_t n = hear(e, e->said, sizeof e->said), at = 0;

    while (at + 2 <= n) {
        size_t mask = (e->said[at + 1] & 0x80) != 0 ? 4 : 0, len = e->said[at + 1] & 0x7f;
        const uint8_t *p = e->said + at + 2 + mask, *k = e->said + at + 2;
        if ((e->said[at] & 0x0f) == FRAME_CLOSE && len >= 2)
            return (unsigned)((p[0] ^ (mask != 0 ? k[0] : 0)) << 8 |
                              (p[1] ^ (mask != 0 ? k[1] : 0)));
        at += 2 + mask + len;
    }
    return 0;
}

static void an_answer_to_a_client_that_did_not_ask_ends_it(void **state)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n";
    const struct upgrade_request ask = asking(true);
    struct evil e;

    (void)state;
    evil_tls(&e, false, NULL);
    assert_int_equal(outer_advance(e.outer), SP_ERR_AGAIN);
    assert_int_equal(outer_state(e.outer), OUTER_UPGRADE);
    say(&e, answer, sizeof answer - 1);
    assert_int_equal(outer_advance(e.outer), SP_ERR_PROTOCOL);
    assert_int_equal(outer_ask(e.outer, &ask), SP_ERR_CLOSED);
    evil_deinit(&e);
}

/* ---- frames ------------------------------------------------------------------------------- */

struct frame_case {
    const char *what;
    const char *bytes;
    size_t len;
    unsigned close;
};
#define FRAME(what, bytes, close)             \
    {                                         \
        what, bytes, sizeof(bytes) - 1, close \
    }
#define M "\x00\x00\x00\x00" /* a mask that changes nothing */

static void refuse_all(const struct frame_case *cases, size_t count, bool we_serve)
{
    for (size_t i = 0; i < count; i++) {
        struct evil e;
        size_t bytes;

        evil_init(&e, we_serve, false);
        say(&e, cases[i].bytes, cases[i].len);
        sp_error err = read_all(&e, &bytes);
        unsigned code = close_code(&e);
        if (err != SP_ERR_PROTOCOL || code != cases[i].close)
            fail_msg("%s: error %d, close %u", cases[i].what, err, code);
        assert_int_equal(outer_state(e.outer), OUTER_CLOSED);
        /* nothing more is read, whatever comes */
        say(&e, "\x82\x81" M "x", 7);
        check(read_all(&e, &bytes) != SP_ERR_AGAIN && bytes == 0);
        evil_deinit(&e);
    }
}
#define REFUSE_ALL(cases, we_serve) refuse_all(cases, sizeof cases / sizeof cases[0], we_serve)

static void WS_01_an_unmasked_client_frame_is_1002(void **state)
{
    static const struct frame_case cases[] = {FRAME("data", "\x82\x01x", 1002),
                                              FRAME("ping", "\x89\x00", 1002),
                                              FRAME("close", "\x88\x02\x03\xe8", 1002)};
    (void)state;
    REFUSE_ALL(cases, true);
}

static void WS_02_a_masked_server_frame_fails_our_client(void **state)
{
    static const struct frame_case cases[] = {FRAME("data", "\x82\x81" M "x", 1002),
                                              FRAME("ping", "\x89\x80" M, 1002)};
    (void)state;
    REFUSE_ALL(cases, false);
}

static void WS_03_reserved_bits_and_opcodes_are_1002(void **state)
{
    (void)state;
    for (unsigned bit = 0x10; bit <= 0x40; bit <<= 1) {
        char bytes[] = "\x82\x81" M "x";
        bytes[0] = (char)(0x82 | bit);
        struct frame_case k = {"reserved bit", bytes, sizeof bytes - 1, 1002};
        refuse_all(&k, 1, true);
    }
    for (unsigned op = 3; op <= 15; op++) {
        char bytes[] = "\x80\x80" M;
        if (op >= 8 && op <= 10)
            continue;
        bytes[0] = (char)(0x80 | op); /* SWITCH too: it was not agreed */
        struct frame_case k = {"reserved opcode", bytes, sizeof bytes - 1, 1002};
        refuse_all(&k, 1, true);
    }
}

static void WS_04_control_frames_are_short_and_whole(void **state)
{
    static const struct frame_case cases[] = {
        FRAME("ping of 126 bytes", "\x89\xfe\x00\x7e" M, 1002),
        FRAME("ping in pieces", "\x09\x80" M, 1002), FRAME("close in pieces", "\x08\x80" M, 1002)};
    (void)state;
    REFUSE_ALL(cases, true);
}

static void INC_18_WS_05_lengths_are_shortest_form_and_bounded_before_any_byte(void **state)
{
    static const struct frame_case cases[] = {
        FRAME("top bit", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01" M, 1002),
        FRAME("2^63-1", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" M, 1009),
        FRAME("2^32", "\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00" M, 1009),
        FRAME("one more than we take", "\x82\xff\x00\x00\x00\x00\x00\x04\x00\x01" M, 1009),
        FRAME("125 in 16 bits", "\x82\xfe\x00\x7d" M, 1002),
        FRAME("65535 in 64 bits", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff" M, 1002)};
    (void)state;
    REFUSE_ALL(cases, true);
}

static void WS_06_pieces_of_messages_keep_their_order(void **state)
{
    static const struct frame_case cases[] = {
        FRAME("continuation of nothing", "\x80\x81" M "x", 1002),
        FRAME("message inside a message", "\x02\x81" M "x\x82\x81" M "y", 1002),
        FRAME("continuation after the end", "\x82\x81" M "x\x80\x81" M "y", 1002)};
    struct evil e;
    size_t bytes;
    (void)state;

    REFUSE_ALL(cases, true);
    evil_init(&e, true, false); /* a ping between two pieces is allowed */
    say(&e, "\x02\x81" M "x\x89\x80" M "\x80\x81" M "y", 20);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_AGAIN);
    assert_int_equal(bytes, 2);
    evil_deinit(&e);
}

static void WS_07_text_is_1003(void **state)
{
    static const struct frame_case cases[] = {FRAME("text", "\x81\x81" M "x", 1003),
                                              FRAME("bad UTF-8", "\x81\x81" M "\xff", 1003)};
    (void)state;
    REFUSE_ALL(cases, true);
}

static void WS_08_close_codes_that_may_not_be_sent_are_1002(void **state)
{
    static const unsigned codes[] = {0, 999, 1004, 1005, 1006, 1016, 5000, 65535};
    static const struct frame_case cases[] = {
        FRAME("one byte", "\x88\x81" M "\x03", 1002),
        FRAME("bad UTF-8", "\x88\x83" M "\x03\xe8\xff", 1002)};
    (void)state;

    REFUSE_ALL(cases, true);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char bytes[] = "\x88\x82" M "\0\0";
        bytes[6] = (char)(codes[i] >> 8);
        bytes[7] = (char)codes[i];
        struct frame_case k = {"close code", bytes, sizeof bytes - 1, 1002};
        refuse_all(&k, 1, true);
    }
}

static void WS_09_nothing_counts_after_a_close(void **state)
{
    struct evil e;
    size_t bytes;
    (void)state;

    evil_init(&e, true, false);
    say(&e, "\x88\x82" M "\x03\xe8\x82\x81" M "x", 15);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_CLOSED);
    assert_int_equal(bytes, 0);
    assert_int_equal(outer_end(e.outer)->close, 1000);
    assert_int_equal(close_code(&e), 1000); /* answered, once */
    assert_int_equal(close_code(&e), 0);
    evil_deinit(&e);
}

static void WS_10_a_flood_of_pings_is_4429_and_fills_no_memory(void **state)
{
    struct evil e;
    size_t bytes;
    (void)state;

    evil_init(&e, true, false);
    for (int i = 0; i < PINGS_A_MINUTE_MAX; i++)
        say(&e, "\x89\x84" M "ping", 10);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_AGAIN);
    say(&e, "\x89\x84" M "ping", 10);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    check(wire_unsent(&e.ours) < 64 * 1024);
    assert_int_equal(close_code(&e), CLOSE_TOO_MUCH);
    evil_deinit(&e);
}

/* ---- the switch, by a peer that does not keep its rules ------------------------------------ */

static void CT_2_a_switch_that_is_early_doubled_or_unagreed_breaks_the_session(void **state)
{
    static const char switch_frame[] = "\x8b\x80" M;
    struct evil e;
    size_t bytes;
    (void)state;

    evil_init(&e, true, true); /* agreed, but the pair stays in frames */
    outer_proved(e.outer);
    say(&e, switch_frame, 6);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    evil_deinit(&e);

    evil_init(&e, true, true); /* before the bind was checked */
    outer_mode(e.outer, true);
    say(&e, switch_frame, 6);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    assert_int_equal(bytes, 0);
    evil_deinit(&e);

    evil_init(&e, true, true); /* something behind it in its own TLS record */
    outer_mode(e.outer, true);
    outer_proved(e.outer);
    say(&e, "\x8b\x80" M "\x82\x81" M "x", 13);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    assert_int_equal(bytes, 0);
    evil_deinit(&e);

    evil_init(&e, true, true); /* in the middle of a message */
    outer_mode(e.outer, true);
    outer_proved(e.outer);
    say(&e, "\x02\x81" M "x\x8b\x80" M, 13);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    evil_deinit(&e);

    evil_init(&e, true, true); /* with a payload */
    outer_mode(e.outer, true);
    outer_proved(e.outer);
    say(&e, "\x8b\x81" M "x", 7);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    evil_deinit(&e);

    evil_init(&e, true, true); /* by the rules; what follows in outer TLS is not ours to read */
    outer_mode(e.outer, true);
    outer_proved(e.outer);
    say(&e, switch_frame, 6);
    assert_int_equal(read_all(&e, &bytes), SP_OK);
    check(outer_rx_bare(e.outer));
    say(&e, switch_frame, 6);
    assert_int_equal(read_all(&e, &bytes), SP_ERR_PROTOCOL);
    evil_deinit(&e);
}

/* Five moves there are; every other event, in every state, ends the connection. */
static void HRD_7_what_the_table_does_not_name_closes(void **state)
{
    static const struct {
        enum outer_state from;
        enum outer_event event;
        enum outer_state to;
    } moves[] = {
        {OUTER_TLS, OUTER_EV_TLS_DONE, OUTER_UPGRADE},
        {OUTER_UPGRADE, OUTER_EV_REQUEST, OUTER_ASKED},
        {OUTER_UPGRADE, OUTER_EV_ADMITTED, OUTER_OPEN},
        {OUTER_ASKED, OUTER_EV_ADMITTED, OUTER_OPEN},
        {OUTER_OPEN, OUTER_EV_CLOSE, OUTER_CLOSING},
    };
    (void)state;

    check(OUTER_CLOSED == 0); /* a zeroed connection is over */
    for (unsigned s = 0; s < OUTER_STATES; s++)
        for (unsigned ev = 0; ev < OUTER_EVENTS; ev++) {
            enum outer_state expected = OUTER_CLOSED;
            for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
                if (moves[i].from == s && moves[i].event == ev)
                    expected = moves[i].to;
            assert_int_equal(outer_next((enum outer_state)s, (enum outer_event)ev), expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_to_a_client_that_did_not_ask_ends_it),
        cmocka_unit_test(WS_01_an_unmasked_client_frame_is_1002),
        cmocka_unit_test(WS_02_a_masked_server_frame_fails_our_client),
        cmocka_unit_test(WS_03_reserved_bits_and_opcodes_are_1002),
        cmocka_unit_test(WS_04_control_frames_are_short_and_whole),
        cmocka_unit_test(INC_18_WS_05_lengths_are_shortest_form_and_bounded_before_any_byte),
        cmocka_unit_test(WS_06_pieces_of_messages_keep_their_order),
        cmocka_unit_test(WS_07_text_is_1003),
        cmocka_unit_test(WS_08_close_codes_that_may_not_be_sent_are_1002),
        cmocka_unit_test(WS_09_nothing_counts_after_a_close),
        cmocka_unit_test(WS_10_a_flood_of_pings_is_4429_and_fills_no_memory),
        cmocka_unit_test(CT_2_a_switch_that_is_early_doubled_or_unagreed_breaks_the_session),
        cmocka_unit_test(HRD_7_what_the_table_does_not_name_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
