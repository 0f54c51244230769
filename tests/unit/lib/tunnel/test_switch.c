#include "lib/tunnel/idle.h"
#include "tests/unit/check.h"
#include "tests/unit/lib/tunnel/rig.h"

#include <stdlib.h>

/* The switch from frames to bare records, at every place where it may come (SECURITY.md, CT). */

enum { BYTES = 40000 };

static void open_with(struct rig *r, bool offer, bool accept_cut)
{
    rig_init(r, offer, accept_cut);
    rig_open(r);
    rig_stream(r, BYTES, BYTES + 7);
}

static void check_whole(struct rig *r)
{
    assert_int_equal(r->at_connector.got, BYTES);
    assert_int_equal(r->at_agent.got, BYTES + 7);
    check(!r->at_agent.wrong && !r->at_connector.wrong);
    check_ok(r->at_agent.why);
    check_ok(r->at_connector.why);
    check(r->at_agent.ended && r->at_connector.ended);
}

static struct wire *sender_of(struct rig *r, int link)
{
    struct wire *const senders[LINKS] = {[LINK_A_UP] = &r->agent_wire,
                                         [LINK_A_DOWN] = &r->ra_wire,
                                         [LINK_B_DOWN] = &r->rb_wire,
                                         [LINK_B_UP] = &r->connector_wire};
    return senders[link];
}

static bool sender_is_bare(const struct rig *r, int link)
{
    switch (link) {
    case LINK_A_UP:
        return core_figures(r->agent).bare_up;
    case LINK_B_UP:
        return core_figures(r->connector).bare_up;
    case LINK_A_DOWN:
        return outer_tx_bare(r->ra);
    default:
        return outer_tx_bare(r->rb);
    }
}

/* Bytes that have gone, or are to go, over the link when its sender has just switched. */
static size_t switch_near(int link)
{
    struct rig r;
    size_t at;

    open_with(&r, true, true);
    r.piece = 64;
    while (!sender_is_bare(&r, link))
        check(rig_turn(&r));
    at = r.moved[link] + wire_unsent(sender_of(&r, link));
    rig_deinit(&r);
    return at;
}

/* A signature's length may differ by some bytes from run to run: the range is wider than SWITCH. */
static void CT_1_the_switch_may_be_split_at_every_byte(void **state)
{
    (void)state;
    for (int link = 0; link < LINKS; link++) {
        size_t near = switch_near(link);
        for (size_t at = near > 90 ? near - 90 : 0; at < near + 40; at++) {
            struct rig r;
            open_with(&r, true, true);
            r.cut_at[link] = at;
            rig_settle(&r);
            check(rig_bare(&r));
            check_whole(&r);
            rig_deinit(&r);
        }
    }
}

/* The same at fixed piece sizes on all links: SWITCH alone, halved, and with bare bytes. */
static void CT_1_WS_11_pieces_of_any_size_give_the_same_bytes(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 22, 23, 64, 1000, 16384, 65536};
    (void)state;

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (int mode = 0; mode < 2; mode++) {
            struct rig r;
            open_with(&r, mode == 1, true);
            r.piece = pieces[i];
            rig_settle(&r);
            check(rig_bare(&r) == (mode == 1));
            check_whole(&r);
            rig_deinit(&r);
        }
}

static void CT_2_no_end_switches_before_it_has_checked_the_peers_bind(void **state)
{
    struct rig r;
    (void)state;

    open_with(&r, true, true);
    r.piece = 16;
    do {
        struct tunnel_figures a = core_figures(r.agent), c = core_figures(r.connector);
        check(!a.bare_up || r.agent_up);
        check(!c.bare_up || r.connector_up);
        check(!a.bare_down || c.bare_up); /* nobody reads bare what was not sent so */
        check(!c.bare_down || a.bare_up);
    } while (rig_turn(&r));
    check(rig_bare(&r));
    check_whole(&r);
    rig_deinit(&r);
}

static void CT_3_without_both_offers_frames_carry_it_all(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++) { /* neither; agent only; relay only */
        struct rig r;
        open_with(&r, mode == 1, mode == 2);
        rig_settle(&r);
        check(!rig_bare(&r));
        check(!outer_tx_bare(r.ra) && !outer_tx_bare(r.rb));
        check_whole(&r);
        rig_deinit(&r);
    }
}

/* ---- what a path sees --------------------------------------------------------------------- */

struct capture {
    uint8_t *bytes; /* of one link, as they came */
    size_t len;
};

static void keep(struct rig *r, int link, uint8_t *bytes, size_t *len, size_t at)
{
    struct capture *c = &((struct capture *)r->spoil_arg)[link];

    (void)at;
    c->bytes = realloc(c->bytes, c->len + *len);
    assert_non_null(c->bytes);
    memcpy(c->bytes + c->len, bytes, *len);
    c->len += *len;
}

static bool holds(const struct capture *c, struct view what)
{
    return memmem(c->bytes, c->len, what.at, what.len) != NULL;
}

/* How many TLS records of that content type the link carried; the whole link is such records. */
static unsigned records(const struct capture *c, uint8_t type)
{
    unsigned n = 0;
    size_t at = 0;

    while (at < c->len) {
        check(c->len - at >= 5 && c->bytes[at + 1] == 3);
        n += c->bytes[at] == type;
        at += 5 + ((size_t)c->bytes[at + 3] << 8 | c->bytes[at + 4]);
    }
    check(at == c->len);
    return n;
}

enum { RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

static void CT_4_a_capture_of_both_legs_holds_no_identity(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        struct capture links[LINKS] = {{0}};
        struct rig r;

        open_with(&r, mode == 1, true);
        r.spoil = keep;
        r.spoil_arg = links;
        rig_settle(&r);
        check(rig_bare(&r) == (mode == 1));
        struct id_text app = id_text(r.session.app);
        for (int link = 0; link < LINKS; link++) {
            const struct capture *c = &links[link];

            check(c->len > BYTES);
            check(!holds(c, (struct view){r.session.device.bytes, 32}));
            check(!holds(c, (struct view){r.session.connector.bytes, 32}));
            check(!holds(c, r.session.grant));
            check(!holds(c, view_str(app.s)));
            check(!holds(c, (struct view){r.session.app.bytes, sizeof r.session.app.bytes}));
            /* One hello each way, which is the outer one: the inner handshake is application data
             * of the outer TLS from its first byte, and bare records are application data too. */
            assert_int_equal(records(c, RECORD_HANDSHAKE), 1);
            check(records(c, RECORD_DATA) > 4);
        }
        check(holds(&links[LINK_A_UP], view_str("relay.example"))); /* the capture works: SNI */
        check_whole(&r);
        rig_deinit(&r);
        for (int link = 0; link < LINKS; link++)
            free(links[link].bytes);
    }
}

/* ---- a path that spoils, a relay that lies ------------------------------------------------- */

enum harm { FLIP, DROP, DOUBLE, INJECT, TRUNCATE, HARMS };

struct spoiler {
    int link;
    enum harm harm;
    bool done;
};

static void spoil(struct rig *r, int link, uint8_t *bytes, size_t *len, size_t at)
{
    struct spoiler *s = r->spoil_arg;

    (void)at;
    if (link == s->link && s->done && s->harm == TRUNCATE)
        *len = 0; /* nothing comes any more */
    if (link != s->link || s->done || !rig_bare(r) || *len < 64)
        return;
    s->done = true;
    switch (s->harm) {
    case FLIP:
        bytes[*len / 2] ^= 1;
        break;
    case DROP:
        memmove(bytes + 10, bytes + 11, *len - 11);
        *len -= 1;
        break;
    case DOUBLE: /* the piece comes twice: rig pieces are at most half of what fits */
        memcpy(bytes + *len, bytes, *len);
        *len *= 2;
        break;
    case INJECT:
        memmove(bytes + 5, bytes, *len);
        memcpy(bytes, "\x17\x03\x03\x00\x05", 5);
        *len += 5;
        break;
    default:
        *len /= 2; /* in the middle of a record, most likely */
        break;
    }
}

static void CT_5_spoiled_bytes_after_the_switch_are_an_error_at_both_ends(void **state)
{
    (void)state;
    for (int link = 0; link < LINKS; link++)
        for (enum harm harm = FLIP; harm < HARMS; harm++) {
            struct spoiler s = {.link = link, .harm = harm};
            struct tunnel_report a, c;
            struct rig r;
            open_with(&r, true, true);
            /* more than a window: the other direction can't end without credit either */
            r.at_agent.to_send = r.at_connector.to_send = STREAM_WINDOW_MAX + 1000000;
            r.piece = 4000;
            r.spoil = spoil;
            r.spoil_arg = &s;
            for (int i = 0; i < 20000 && rig_turn(&r); i++)
                if (core_state(r.agent) == CORE_ENDED || core_state(r.connector) == CORE_ENDED)
                    break;
            check(s.done);
            core_eof(r.agent, SP_OK); /* whoever failed closes its socket */
            core_eof(r.connector, SP_OK);
            core_report(r.agent, &a);
            core_report(r.connector, &c);
            check(a.why != TUNNEL_DONE && c.why != TUNNEL_DONE);
            core_abandon(r.agent);
            core_abandon(r.connector);
            /* what came is a prefix of what was sent, and neither app saw a clean end */
            check(!r.at_agent.wrong && !r.at_connector.wrong);
            check(!r.at_agent.finished && !r.at_connector.finished);
            check(r.at_agent.ended && r.at_connector.ended);
            check(r.at_agent.why != SP_OK && r.at_connector.why != SP_OK);
            bool up = link == LINK_A_UP || link == LINK_B_DOWN; /* the harmed direction */
            check((up ? r.at_connector.got : r.at_agent.got) < 1000000);
            rig_deinit(&r);
        }
}

/* The relay says SWITCH to one end although the other has not: it gets an error, no data. */
static void CT_6_a_relay_that_lies_about_the_switch_only_breaks_the_session(void **state)
{
    unsigned lies[2] = {0};
    (void)state;

    for (int to_agent = 0; to_agent < 2; to_agent++)
        for (size_t turns = 3; turns < 12; turns++) {
            struct rig r;
            open_with(&r, true, true);
            for (size_t i = 0; i < turns; i++)
                rig_turn(&r);
            struct outer *o = to_agent ? r.ra : r.rb;
            bool lied = r.paired && !outer_tx_bare(o) && outer_state(o) == OUTER_OPEN;
            if (lied) {
                lies[to_agent]++;
                outer_mode(o, true);
                check_ok(outer_switch(o, true));
            }
            rig_settle(&r);
            check(!r.at_agent.wrong && !r.at_connector.wrong);
            if (lied) {
                check(r.at_agent.got < BYTES + 7 || r.at_connector.got < BYTES);
                core_eof(r.agent, SP_OK);
                core_eof(r.connector, SP_OK);
                check(core_state(r.agent) == CORE_ENDED);
                core_abandon(r.agent);
                core_abandon(r.connector);
                check(r.at_agent.why != SP_OK || r.at_connector.why != SP_OK);
            }
            rig_deinit(&r);
        }
    check(lies[0] >= 2 && lies[1] >= 2); /* at several moments, to both */
}

/* ---- halves, stalls, keys, silence ---------------------------------------------------------- */

static void CT_8_one_direction_ends_while_the_other_goes_on(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++)
        for (int side = 0; side < 2; side++) {
            struct rig r;
            rig_init(&r, mode == 1, true);
            rig_open(&r);
            rig_stream(&r, side == 0 ? 0 : 3000000, side == 0 ? 3000000 : 0);
            rig_settle(&r);
            assert_int_equal(r.at_connector.got, side == 0 ? 0 : 3000000);
            assert_int_equal(r.at_agent.got, side == 0 ? 3000000 : 0);
            check(r.at_agent.finished && r.at_connector.finished);
            check(!r.at_agent.wrong && !r.at_connector.wrong);
            rig_deinit(&r);
        }
}

static void CT_8_FLT_17_a_stalled_reader_piles_up_one_window_and_goes_on_later(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        struct rig r;
        rig_init(&r, mode == 1, true);
        rig_open(&r);
        r.at_connector.stalled = true;
        r.at_connector.room = 0;
        rig_stream(&r, 3000000, 1000);
        rig_settle(&r);
        assert_int_equal(r.at_connector.got, 0);
        check(core_figures(r.connector).piled <= STREAM_PILE_BYTES);
        check(wire_unsent(&r.rb_wire) <= TUNNEL_OUT_BYTES);
        assert_int_equal(r.at_agent.got, 1000); /* the other direction is untouched */
        r.at_connector.stalled = false;
        r.at_connector.room = 1024 * 1024;
        stream_writable(r.at_connector.stream);
        rig_settle(&r);
        assert_int_equal(r.at_connector.got, 3000000);
        check(!r.at_connector.wrong);
        rig_deinit(&r);
    }
}

/* Silence is noticed within 30 s of the last sign of life, with and without a session. */
static void CT_9_a_dead_peer_is_found_within_thirty_seconds(void **state)
{
    (void)state;
    for (sp_boot_ms last = 0; last < 60 * 1000; last += 777) {
        struct idle i;
        sp_boot_ms now = 1000;
        unsigned pings = 0;
        enum idle_verdict v;

        idle_begin(&i, now);
        idle_up(&i, now);
        for (;;) {
            check(idle_next(&i) > now || now == 1000);
            now = idle_next(&i) > now ? idle_next(&i) : now + 1;
            v = idle_due(&i, now);
            if (v == IDLE_LOST)
                break;
            if (v == IDLE_PING && now <= 1000 + last)
                idle_heard(&i, now); /* answered, until it died */
            else if (v == IDLE_PING)
                pings++;
        }
        check(now - i.heard <= 30 * 1000);
        check(pings >= PINGS_MISSED_MAX); /* never for want of asking */
    }
}

static void CT_10_new_inner_keys_while_bare(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        struct rig r;
        unsigned updates = 0;

        rig_init(&r, mode == 1, true);
        rig_open(&r);
        rig_stream(&r, 2000000, 2000000);
        r.piece = 10000;
        for (int turn = 0; rig_turn(&r); turn++) {
            if (turn % 10 != 0 || !r.agent_up || !r.connector_up ||
                core_state(r.agent) != CORE_UP || core_state(r.connector) != CORE_UP)
                continue;
            check_ok(tls_conn_update_keys(core_inner(turn % 20 == 0 ? r.agent : r.connector)));
            updates++;
        }
        check(updates > 10);
        assert_int_equal(r.at_connector.got, 2000000);
        assert_int_equal(r.at_agent.got, 2000000);
        check(!r.at_agent.wrong && !r.at_connector.wrong);
        check(rig_bare(&r) == (mode == 1));
        rig_deinit(&r);
    }
}

/* SP_SWITCHES=100000 for the whole of it (about ten minutes); each run in pieces of its own. */
static void CT_11_many_switches_lose_and_repeat_no_byte(void **state)
{
    const char *asked = getenv("SP_SWITCHES");
    long count = asked == NULL ? 150 : strtol(asked, NULL, 10);
    unsigned seed = 4711;
    (void)state;

    for (long i = 0; i < count; i++) {
        struct rig r;
        open_with(&r, true, true);
        while (seed = seed * 1103515245 + 12345, r.piece = 1 + (seed >> 16) % 3000, rig_turn(&r))
            continue;
        check(rig_bare(&r));
        check_whole(&r);
        rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(CT_1_the_switch_may_be_split_at_every_byte),
        cmocka_unit_test(CT_1_WS_11_pieces_of_any_size_give_the_same_bytes),
        cmocka_unit_test(CT_2_no_end_switches_before_it_has_checked_the_peers_bind),
        cmocka_unit_test(CT_3_without_both_offers_frames_carry_it_all),
        cmocka_unit_test(CT_4_a_capture_of_both_legs_holds_no_identity),
        cmocka_unit_test(CT_5_spoiled_bytes_after_the_switch_are_an_error_at_both_ends),
        cmocka_unit_test(CT_6_a_relay_that_lies_about_the_switch_only_breaks_the_session),
        cmocka_unit_test(CT_8_one_direction_ends_while_the_other_goes_on),
        cmocka_unit_test(CT_8_FLT_17_a_stalled_reader_piles_up_one_window_and_goes_on_later),
        cmocka_unit_test(CT_9_a_dead_peer_is_found_within_thirty_seconds),
        cmocka_unit_test(CT_10_new_inner_keys_while_bare),
        cmocka_unit_test(CT_11_many_switches_lose_and_repeat_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
