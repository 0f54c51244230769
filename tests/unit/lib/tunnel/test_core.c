#include "lib/tunnel/bind.h"
#include "tests/unit/check.h"
#include "tests/unit/lib/tunnel/rig.h"

#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif

static void run_both_ways(bool offer, bool accept_cut, size_t piece, size_t bytes)
{
    struct rig r;

    rig_init(&r, offer, accept_cut);
    r.piece = piece;
    rig_open(&r);
    rig_stream(&r, bytes, bytes + 1000);
    rig_settle(&r);
    check(r.agent_up && r.connector_up);
    assert_int_equal(r.said.deadline, 4711);
    assert_int_equal(r.at_connector.got, bytes);
    assert_int_equal(r.at_agent.got, bytes + 1000);
    check(!r.at_agent.wrong && !r.at_connector.wrong);
    check(r.at_agent.finished && r.at_connector.finished);
    check(r.at_agent.ended && r.at_connector.ended);
    check_ok(r.at_agent.why);
    check_ok(r.at_connector.why);
    assert_int_equal(r.at_agent.status, 200);
    check(rig_bare(&r) == (offer && accept_cut));
    rig_deinit(&r);
}

static void both_modes_carry_the_same_bytes(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes <= 3000000; bytes = bytes * 9 + 100) {
        run_both_ways(false, false, 0, bytes);
        run_both_ways(true, true, 0, bytes);
    }
}

/* An agent shakes hands with the relay while its broker still decides. */
static void a_session_may_come_after_the_handshake(void **state)
{
    struct rig r;

    (void)state;
    for (size_t piece = 0; piece <= 700; piece += 700) {
        rig_init(&r, true, true);
        r.piece = piece;
        rig_open_ahead(&r);
        rig_settle(&r);
        check(!r.agent_up && core_state(r.agent) == CORE_OUTER);
        check(outer_state(r.ra) == OUTER_UPGRADE); /* TLS is up, and nothing was asked */
        rig_begin(&r);
        rig_stream(&r, 5000, 7000);
        rig_settle(&r);
        check(r.agent_up && r.connector_up && rig_bare(&r));
        assert_int_equal(r.at_connector.got, 5000);
        assert_int_equal(r.at_agent.got, 7000);
        const struct upgrade_request again = {.path = UPGRADE_TUNNEL, .host = view_str("x")};
        assert_int_equal(SP_ERR_CLOSED, core_begin(r.agent, &again, &r.session,
                                                   &(struct tunnel_agent_says){{0}, {0}}));
        rig_deinit(&r);
    }
}

/* The two ends mean different things by one session: what each was told is in the exporter. */
static void E2E_4_another_grant_app_or_key_ends_it_before_any_byte(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct rig r;
        rig_init(&r, true, true);
        if (what == 0)
            r.connector_session.grant = view_str("v4.public.another-grant-of-the-same-broker");
        else if (what == 1)
            r.connector_session.app.bytes[0] ^= 1;
        else if (what == 2)
            r.connector_session.device = *key_secret_public(r.stranger);
        else
            r.session.connector = *key_secret_public(r.stranger);
        rig_open(&r);
        rig_stream(&r, 1000, 1000);
        rig_settle(&r);
        check(!r.agent_up && !r.connector_up);
        assert_int_equal(r.at_connector.got + r.at_agent.got, 0);
        check(r.at_connector.stream == NULL);
        rig_deinit(&r);
    }
}

/* Somebody on the way ends both connections in order, as far as TCP can tell. */
static void TLS_8_a_cut_without_close_notify_is_an_error_at_both_ends(void **state)
{
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct rig r;
        rig_init(&r, bare, bare);
        r.piece = 4000;
        rig_open(&r);
        rig_stream(&r, 400000, 400000);
        for (int i = 0; i < 300 && (r.at_connector.got == 0 || r.at_agent.got == 0); i++)
            check(rig_turn(&r));
        check(rig_bare(&r) == (bool)bare);
        core_eof(r.agent, SP_OK);
        core_eof(r.connector, SP_OK);
        core_abandon(r.agent);
        core_abandon(r.connector);
        check(r.at_agent.ended && !r.at_agent.finished && r.at_agent.why != SP_OK);
        check(r.at_connector.ended && !r.at_connector.finished && r.at_connector.why != SP_OK);
        check(!r.at_agent.wrong && !r.at_connector.wrong);
        rig_deinit(&r);
    }
}

static sp_error read_back(const char *json, enum bind_from from)
{
    static const uint8_t value[TLS_EXPORT_BYTES] = {0}; /* 43 times 'A' */
    struct buf b;
    struct bind out;
    size_t used;

    buf_init(&b, 4096);
    buf_add_uint(&b, strlen(json), 4);
    buf_add(&b, view_str(json));
    sp_error e = bind_read(buf_view(&b), from, value, &out, &used);
    if (e == SP_OK)
        bind_deinit(&out);
    buf_deinit(&b);
    return e;
}

#define ZERO_42 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define GOOD "\"bind\":\"" ZERO_42 "A\",\"limits\":{}}"

static void E2E_T10_no_other_version_of_the_first_message_is_spoken(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
    } rows[] = {
        {"{\"v\":1," GOOD, SP_OK},
        {"{\"v\":0," GOOD, SP_ERR_VERSION},
        {"{\"v\":2," GOOD, SP_ERR_VERSION},
        {"{\"v\":\"1\"," GOOD, SP_ERR_MALFORMED},
        {"{" GOOD, SP_ERR_MALFORMED},
        {"{\"v\":1,\"profile\":\"old\"," GOOD, SP_ERR_MALFORMED},
        {"{\"v\":1,\"bind\":\"" ZERO_42 "\",\"limits\":{}}", SP_ERR_MALFORMED},
        {"{\"v\":1,\"bind\":\"B" ZERO_42 "\",\"limits\":{}}", SP_ERR_SIGNATURE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(read_back(rows[i].text, BIND_FROM_CONNECTOR), rows[i].e);
    /* and the one end's message is not the other's */
    assert_int_equal(read_back(rows[0].text, BIND_FROM_AGENT), SP_ERR_MALFORMED);
}

/* Blocks are kept for the next who needs one; what is kept is nobody's (poisoned under ASan). */
static void HRD_6_blocks_that_went_back_are_few_and_nobody_s(void **state)
{
    enum { MANY = BLOCKS_KEPT_MAX + 5 };
    struct tunnel_thread *t;
    struct block *blocks[MANY];

    (void)state;
    check_ok(tunnel_thread_new(&t));
    for (int i = 0; i < MANY; i++) {
        blocks[i] = thread_block(t);
        check(blocks[i] != NULL);
        memset(blocks[i]->at, i, sizeof blocks[i]->at);
    }
    assert_int_equal(t->live, MANY);
    for (int i = 0; i < MANY; i++)
        thread_block_back(t, blocks[i]);
    assert_int_equal(t->live, 0);
    assert_int_equal(t->free_count, BLOCKS_KEPT_MAX);
#ifdef __has_feature
#if __has_feature(address_sanitizer)
    check(__asan_address_is_poisoned(t->free_blocks->at));
#endif
#endif
    struct block *again = thread_block(t);
    memset(again->at, 1, sizeof again->at); /* and usable at once */
    thread_block_back(t, again);
    tunnel_thread_free(t);
}

/* A local side whose reads give as many bytes as the test says. */
struct sized {
    size_t reads[3]; /* the next ones; 0: no more for now */
    size_t next, sent;
    bool over;
};

static sp_error sized_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    struct sized *s = arg;
    size_t n = s->reads[s->next];

    if (n == 0)
        return s->over ? SP_ERR_CLOSED : SP_ERR_AGAIN;
    check(n <= room);
    memset(to, 0, n);
    s->next++;
    s->sent += n;
    *got = n;
    return SP_OK;
}

static sp_error sized_write(void *arg, struct view bytes, size_t *took)
{
    (void)arg;
    *took = bytes.len;
    return SP_OK;
}

static size_t sized_room(void *arg)
{
    (void)arg;
    return 1024 * 1024;
}

static void sized_told(void *arg)
{
    (void)arg;
}

static void sized_answered(void *arg, int status)
{
    (void)arg, (void)status;
}

static void sized_ended(void *arg, sp_error why)
{
    (void)arg;
    check_ok(why);
}

static const struct stream_io sized_io = {sized_read, sized_write,    sized_room,
                                          sized_told, sized_answered, sized_ended};

static void give(struct rig *r, struct stream *s, struct sized *local, size_t a, size_t b)
{
    *local = (struct sized){.reads = {a, b}, .sent = local->sent};
    stream_readable(s);
    check_ok(core_flush(r->agent));
}

/* A slow socket has left almost a batch, almost a batch is staged, and then comes a whole one. */
static void what_a_slow_socket_left_and_two_batches_never_overflow(void **state)
{
    (void)state;
    for (size_t almost = TUNNEL_BATCH_BYTES - 110; almost < TUNNEL_BATCH_BYTES - 88; almost++) {
        struct sized local = {.next = 0};
        struct stream *s;
        struct rig r;

        rig_init(&r, false, false);
        rig_open(&r);
        check_ok(core_stream(r.agent, 3, &s));
        stream_attach(s, &sized_io, &local);
        rig_settle(&r);
        give(&r, s, &local, TUNNEL_BATCH_BYTES - 9, 0);
        r.piece = wire_unsent(&r.agent_wire) - (TUNNEL_BATCH_BYTES - 1);
        check(rig_turn(&r));
        assert_int_equal(wire_unsent(&r.agent_wire), TUNNEL_BATCH_BYTES - 1);
        give(&r, s, &local, almost - 9, TUNNEL_BATCH_BYTES - 9);
        assert_int_equal(core_state(r.agent), CORE_UP);
        r.piece = 0;
        rig_settle(&r);
        assert_int_equal(r.at_connector.got, local.sent);
        local.over = true;
        stream_readable(s);
        rig_settle(&r);
        check(r.at_connector.finished);
        stream_free(s);
        rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_modes_carry_the_same_bytes),
        cmocka_unit_test(a_session_may_come_after_the_handshake),
        cmocka_unit_test(what_a_slow_socket_left_and_two_batches_never_overflow),
        cmocka_unit_test(E2E_4_another_grant_app_or_key_ends_it_before_any_byte),
        cmocka_unit_test(TLS_8_a_cut_without_close_notify_is_an_error_at_both_ends),
        cmocka_unit_test(HRD_6_blocks_that_went_back_are_few_and_nobody_s),
        cmocka_unit_test(E2E_T10_no_other_version_of_the_first_message_is_spoken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
