#include "connector/gateway/coding.h"
#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* GW-76, and that a coding hides nothing from the rules. */

enum { MAX = 1024 * 1024 };

/* gzip with bits 31, deflate with 15. */
static struct view coded(struct view plain, int bits)
{
    z_stream z = {0};
    size_t room = plain.len + 1024;
    uint8_t *to = malloc(room);

    assert_non_null(to);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (uint8_t *)(uintptr_t)plain.at;
    z.avail_in = (uInt)plain.len;
    z.next_out = to;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return (struct view){to, room - z.avail_out};
}

static void discard(struct view v)
{
    free((void *)(uintptr_t)v.at);
}

struct arenas {
    struct arena_pool pool;
    struct arena *a;
};

static void begin(struct arenas *s)
{
    *s = (struct arenas){.pool = {.max = (size_t)16 << 20}};
    check_ok(arena_new(&s->pool, s->pool.max, &s->a));
}

static void both_codings_give_the_text_back(void **state)
{
    struct view text = view_str("{\"owner\":\"ann\"}"), out;
    static const struct {
        const char *name;
        int bits;
    } rows[] = {{"gzip", 31}, {"x-gzip", 31}, {"deflate", 15}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct view in = coded(text, rows[i].bits);
        struct arenas s;
        begin(&s);
        check_ok(coding_undo(view_str(rows[i].name), in, text.len, s.a, &out));
        check(view_equal(out, text));
        assert_int_equal(coding_undo(view_str(rows[i].name), in, text.len - 1, s.a, &out),
                         SP_ERR_LIMIT);
        arena_free(s.a);
        discard(in);
    }
}

static void several_members_are_one_text(void **state)
{
    struct view one = coded(view_str("ab"), 31), two = coded(view_str("cd"), 31), out;
    struct arenas s;
    struct buf in;

    (void)state;
    begin(&s);
    buf_init(&in, 4096);
    buf_add(&in, one);
    buf_add(&in, two);
    check_ok(coding_undo(view_str("gzip"), buf_view(&in), MAX, s.a, &out));
    check(view_is(out, "abcd"));
    buf_deinit(&in);
    arena_free(s.a);
    discard(one);
    discard(two);
}

static void what_is_not_whole_is_malformed(void **state)
{
    struct view whole = coded(view_str("{\"owner\":\"ann\",\"n\":[1,2,3]}"), 31), out;
    uint8_t more[256];

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct arenas s;
        begin(&s);
        assert_int_equal(coding_undo(view_str("gzip"), view_slice(whole, 0, n), MAX, s.a, &out),
                         SP_ERR_MALFORMED);
        arena_free(s.a);
    }
    struct arenas s;
    begin(&s);
    memcpy(more, whole.at, whole.len);
    more[whole.len] = 'x';
    struct view longer = {more, whole.len + 1};
    assert_int_equal(coding_undo(view_str("gzip"), longer, MAX, s.a, &out), SP_ERR_MALFORMED);
    more[whole.len - 5] ^= 1; /* the check sum */
    assert_int_equal(
        coding_undo(view_str("gzip"), view_slice(longer, 0, whole.len), MAX, s.a, &out),
        SP_ERR_MALFORMED);
    static const char *const others[] = {"br", "zstd", "gzip, gzip", "several"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(coding_undo(view_str(others[i]), whole, MAX, s.a, &out),
                         SP_ERR_UNSUPPORTED);
    arena_free(s.a);
    discard(whole);
}

static void GW_76_a_bomb_costs_no_more_than_its_ratio(void **state)
{
    struct view zeros = {calloc(8, MAX), (size_t)8 * MAX}, out;
    struct view bomb = coded(zeros, 31);
    struct arenas s;

    (void)state;
    begin(&s);
    check(bomb.len < 10000);
    assert_int_equal(coding_undo(view_str("gzip"), bomb, (size_t)8 * MAX, s.a, &out), SP_ERR_LIMIT);
    check(arena_used(s.a) < 3 * CODING_RATIO * bomb.len + 64 * 1024);
    /* small ones may be as dense as they like */
    struct view dense = coded(view_slice(zeros, 0, CODING_FREE), 31);
    check_ok(coding_undo(view_str("gzip"), dense, MAX, s.a, &out));
    assert_int_equal(out.len, CODING_FREE);
    arena_free(s.a);
    discard(dense);
    discard(bomb);
    discard(zeros);
}

/* ---- through the gateway ---- */

static const char document[] =
    "openapi: 3.1.0\n"
    "info: {title: t, version: '1'}\n"
    "paths:\n"
    "  /x:\n"
    "    post:\n"
    "      requestBody: {content: {application/json: {schema: {type: object, properties: {n: "
    "{type: integer}}}}}}\n"
    "      responses: {'200': {description: ok}}\n";

#define CONF                                                                                \
    "openapi: {file: api.yaml, request: block, unknown_endpoint: 'off'}\n"                  \
    "limits: {inspect: 32KiB}\n"                                                            \
    "input_rules: {mode: block, sqli: free-text}\n"                                         \
    "owner: [{match: 'GET /mine', from: {response: /owner}, equals: '${user.name}', mode: " \
    "block}]\n"

static void post(struct rig *r, const char *path, const char *coding, struct view body)
{
    char head[256];

    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
             "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
             path, coding, body.len);
    rig_send(r, 0, head);
    rig_send_bytes(r, 0, body);
}

static void a_coding_hides_nothing_from_schema_and_input_rules(void **state)
{
    static uint8_t zeros[200000];
    struct view bomb = coded((struct view){zeros, sizeof zeros}, 31);
    struct view wrong = coded(view_str("{\"n\":\"x\"}"), 31);
    struct view attack = coded(view_str("{\"q\":\"1' OR '1'='1' -- \"}"), 15);
    const struct {
        const char *path, *coding;
        struct view body;
        const char *status, *reason;
    } cases[] = {
        {"/x", "gzip", wrong, "400", "problem:schema"},
        {"/x", "gzip", view_slice(wrong, 0, wrong.len - 1), "400", "problem:schema"},
        {"/x", "gzip", bomb, "413", "problem:body_size"},
        {"/x", "br", wrong, "415", "problem:media_type"},
        {"/x", "gzip, gzip", wrong, "415", "problem:media_type"},
        {"/free", "deflate", attack, "403", "problem:input"},
        {"/free", "br", attack, "415", "problem:media_type"},
        {"/free", "gzip", bomb, "413", "problem:body_size"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        char status[32];
        rig_init_documented(&r, CONF, document);
        post(&r, cases[i].path, cases[i].coding, cases[i].body);
        snprintf(status, sizeof status, "HTTP/1.1 %s ", cases[i].status);
        rig_until(&r, r.users[0].in.len > 0 || r.app_count > 0);
        if (!rig_got(&r, 0, status) || !rig_got(&r, 0, cases[i].reason))
            fail_msg("%zu: %s", i, buf_cstr(&r.users[0].in));
        assert_int_equal(r.app_count, 0);
        rig_deinit(&r);
    }
    discard(bomb);
    discard(wrong);
    discard(attack);
}

static void what_passes_goes_on_as_it_was_sent(void **state)
{
    struct view right = coded(view_str("{\"n\":7}"), 31);
    struct view others = coded(view_str("{\"owner\":\"bob\"}"), 31);
    char head[256];
    struct rig r;

    (void)state;
    rig_init_documented(&r, CONF, document);
    post(&r, "/x", "gzip", right);
    rig_until(&r, rig_app_got(&r, 0, "content-encoding: gzip\r\n"));
    rig_until(&r,
              r.app_in[0].len > right.len &&
                  memcmp(r.app_in[0].at + r.app_in[0].len - right.len, right.at, right.len) == 0);
    rig_answer(&r, 0, "HTTP/1.1 204 No Content\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, " 204 "));
    buf_reset(&r.app_in[0]);
    rig_send(&r, 0, "GET /mine HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "GET /mine "));
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
             "Content-Length: %zu\r\n\r\n",
             others.len);
    rig_answer(&r, 0, head);
    rig_answer_bytes(&r, 0, others);
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    rig_deinit(&r);
    discard(right);
    discard(others);
}

static void an_own_answer_in_gzip_passes(void **state)
{
    struct view mine = coded(view_str("{\"owner\":\"ann\"}"), 31);
    char head[256];
    struct rig r;

    (void)state;
    rig_init_documented(&r, CONF, document);
    rig_send(&r, 0, "GET /mine HTTP/1.1\r\nHost: h\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "GET /mine "));
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
             "Content-Length: %zu\r\n\r\n",
             mine.len);
    rig_answer(&r, 0, head);
    rig_answer_bytes(&r, 0, mine);
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 200 "));
    rig_until(&r, memcmp(r.users[0].in.at + r.users[0].in.len - mine.len, mine.at, mine.len) == 0);
    assert_int_equal(r.told, 0);
    rig_deinit(&r);
    discard(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_codings_give_the_text_back),
        cmocka_unit_test(several_members_are_one_text),
        cmocka_unit_test(what_is_not_whole_is_malformed),
        cmocka_unit_test(GW_76_a_bomb_costs_no_more_than_its_ratio),
        cmocka_unit_test(a_coding_hides_nothing_from_schema_and_input_rules),
        cmocka_unit_test(what_passes_goes_on_as_it_was_sent),
        cmocka_unit_test(an_own_answer_in_gzip_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
