#include "tests/unit/connector/gateway/rig.h"

/* Answers that rules read: a copy where they only monitor, the answer itself where they block. */

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define JSON_HEAD \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CARD "{\"card\":\"4111111111111111\"}"

/* The application's first piece, and some turns. */
static void first_piece(struct rig *r, const char *piece)
{
    rig_send(r, 0, GET("/x"));
    rig_until(r, rig_app_got(r, 0, "GET /x "));
    rig_answer(r, 0, JSON_HEAD);
    rig_answer(r, 0, piece);
    for (int i = 0; i < 30; i++)
        rig_turn(r);
}

static void in_monitor_the_first_byte_in_is_the_first_byte_out(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "owner: [{match: 'GET /x', from: {response: /owner}, equals: '${user.name}'}]\n");
    first_piece(&r, "8\r\n{\"owner\"\r\n");
    check(rig_got(&r, 0, "{\"owner\"")); /* while the application still thinks */
    assert_int_equal(r.told, 0);
    rig_answer(&r, 0, "7\r\n:\"bob\"}\r\n0\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "\r\n0\r\n\r\n"));
    assert_int_equal(r.told, 1); /* what block would have done */
    assert_string_equal(r.reason, "owner");
    rig_deinit(&r);
}

static void in_block_no_byte_leaves_before_it_was_read(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "detectors: {exposure: block}\n");
    first_piece(&r, "1b\r\n" CARD "\r\n");
    assert_int_equal(r.users[0].in.len, 0);
    rig_answer(&r, 0, "0\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "problem:exposure"));
    check(!rig_got(&r, 0, "4111"));
    rig_deinit(&r);
}

/* GW-63 for one detector: the same traffic, the same finding. */
static void GW_63_a_copy_tells_what_block_refuses(void **state)
{
    static const char *const confs[] = {"detectors: {exposure: monitor}\n",
                                        "detectors: {exposure: block}\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        rig_init(&r, confs[i]);
        first_piece(&r, "1b\r\n" CARD "\r\n0\r\n\r\n");
        rig_until(&r, r.told == 1);
        assert_string_equal(r.reason, "exposure");
        check(rig_got(&r, 0, "4111") == (i == 0));
        rig_deinit(&r);
    }
}

static void what_is_over_the_limit_streams_on_uncopied(void **state)
{
    static const uint8_t kib[1000];
    struct rig r;

    (void)state;
    rig_init(&r, "limits: {inspect: 4KiB}\n"
                 "owner: [{match: 'GET /x', from: {response: /owner}, equals: '${user.name}'}]\n");
    first_piece(&r, "2710\r\n");
    for (int i = 0; i < 10; i++)
        rig_answer_bytes(&r, 0, (struct view){kib, sizeof kib});
    rig_until(&r, r.users[0].in.len > 10000);
    rig_answer(&r, 0, "\r\n0\r\n\r\n");
    rig_until(&r, r.told == 1); /* nobody's, since nobody could read it */
    rig_until(&r, memcmp(r.users[0].in.at + r.users[0].in.len - 5, "0\r\n\r\n", 5) == 0);
    rig_deinit(&r);
}

/* The copy is read before the answer's end leaves: who has the answer is known by it. */
static void a_subject_read_from_a_copy_counts_for_the_next_request(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "subject: {match: GET /me, pointer: /id}\n"
                 "owner: [{match: 'GET /of/{id}', from: {path: id}, equals: '${app.subject}', "
                 "mode: block}]\n");
    rig_send(&r, 0, GET("/me") GET("/of/7") GET("/of/8"));
    rig_until(&r, rig_app_got(&r, 0, "GET /me "));
    rig_answer(&r, 0,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
               "{\"id\":7}");
    rig_until(&r, rig_app_got(&r, 0, "GET /of/7 "));
    rig_answer(&r, 0, "HTTP/1.1 204 No Content\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    check(!rig_app_got(&r, 0, "/of/8"));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_monitor_the_first_byte_in_is_the_first_byte_out),
        cmocka_unit_test(in_block_no_byte_leaves_before_it_was_read),
        cmocka_unit_test(GW_63_a_copy_tells_what_block_refuses),
        cmocka_unit_test(what_is_over_the_limit_streams_on_uncopied),
        cmocka_unit_test(a_subject_read_from_a_copy_counts_for_the_next_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
