#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>

/* Bodies that rules read: a copy where they only monitor, the bytes themselves where they block. */

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

/* Another's login, or token, in the same session opens nothing of that other. */
static void the_first_name_that_the_application_gives_stays(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "subject: {match: GET /me, pointer: /id}\n"
                 "owner: [{match: 'GET /of/{id}', from: {path: id}, equals: '${app.subject}', "
                 "mode: block}]\n");
    rig_send(&r, 0, GET("/me") GET("/me") GET("/of/8") GET("/of/7"));
    rig_until(&r, rig_app_got(&r, 0, "GET /me "));
    rig_answer(&r, 0,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
               "{\"id\":7}");
    rig_until(&r, rig_got(&r, 0, "{\"id\":7}"));
    rig_answer(&r, 0,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
               "{\"id\":8}");
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    rig_until(&r, rig_app_got(&r, 0, "GET /of/7 "));
    check(!rig_app_got(&r, 0, "/of/8"));
    rig_deinit(&r);
}

/* ---- requests ------------------------------------------------------------------------------ */

#define OWNER_OF_BODY(mode) \
    "owner: [{match: 'POST /x', from: {body: /owner}, equals: '${user.name}', mode: " mode "}]\n"
#define HEAD_OF(n)                                                                                 \
    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: " n "\r\n\r" \
    "\n"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

static void some_turns(struct rig *r)
{
    for (int i = 0; i < 30; i++)
        rig_turn(r);
}

/* What only monitors holds no byte of a request back; what it would have refused is told. */
static void in_monitor_a_request_leaves_as_it_comes(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, OWNER_OF_BODY("monitor"));
    rig_send(&r, 0, HEAD_OF("15") "{\"owner\"");
    rig_until(&r, rig_app_got(&r, 0, "content-length: 15\r\n") && rig_app_got(&r, 0, "{\"owner\""));
    assert_int_equal(r.told, 0);
    rig_send(&r, 0, ":\"bob\"}");
    rig_until(&r, rig_app_got(&r, 0, "{\"owner\":\"bob\"}"));
    rig_answer(&r, 0, NO_CONTENT);
    rig_until(&r, r.told == 1);
    assert_string_equal(r.reason, "owner");
    rig_deinit(&r);
}

static void in_block_no_byte_of_a_request_leaves_before_it_was_read(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, OWNER_OF_BODY("block"));
    rig_send(&r, 0, HEAD_OF("15") "{\"owner\"");
    some_turns(&r);
    assert_int_equal(r.app_count, 0);
    rig_send(&r, 0, ":\"bob\"}");
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    assert_int_equal(r.app_count, 0);
    rig_deinit(&r);
}

/* GW-63 of requests: whole in one turn, in two pieces, chunked; the same findings in both modes. */
static void GW_63_a_copied_request_tells_what_block_refuses(void **state)
{
    static const char *const modes[] = {"monitor", "block"};
    static const struct {
        const char *head, *rest, *reason;
    } cases[] = {
        {HEAD_OF("15") "{\"owner\":\"bob\"}", "", "owner"},
        {HEAD_OF("15"), "{\"owner\":\"bob\"}", "owner"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: "
         "chunked\r\n\r\n8\r\n{\"owner\"\r\n",
         "7\r\n:\"bob\"}\r\n0\r\n\r\n", "owner"},
        {HEAD_OF("34") "{\"owner\":\"ann\",", "\"q\":\"1' OR '1'='1\"}", "input"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t m = 0; m < 2; m++) {
            char conf[400];
            struct rig r;
            snprintf(conf, sizeof conf,
                     "owner: [{match: 'POST /x', from: {body: /owner}, equals: '${user.name}', "
                     "mode: %s}]\ninput_rules: {mode: %s, sqli: free-text}\n",
                     modes[m], modes[m]);
            rig_init(&r, conf);
            rig_send(&r, 0, cases[i].head);
            some_turns(&r);
            rig_send(&r, 0, cases[i].rest);
            some_turns(&r);
            if (m == 0)
                rig_answer(&r, 0, NO_CONTENT);
            rig_until(&r, r.told == 1);
            assert_string_equal(r.reason, cases[i].reason);
            rig_until(&r, rig_got(&r, 0, m == 0 ? "HTTP/1.1 204 " : "HTTP/1.1 403 "));
            rig_deinit(&r);
        }
    }
}

static void a_request_over_the_limit_streams_on_uncopied(void **state)
{
    static const uint8_t kib[1000];
    struct rig r;

    (void)state;
    rig_init(&r, "limits: {inspect: 4KiB}\n" OWNER_OF_BODY("monitor"));
    rig_send(&r, 0,
             "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
             "Transfer-Encoding: chunked\r\n\r\n2710\r\n");
    for (int i = 0; i < 10; i++) {
        rig_send_bytes(&r, 0, (struct view){kib, sizeof kib});
        rig_turn(&r);
    }
    rig_send(&r, 0, "\r\n0\r\n\r\n");
    rig_until(&r, r.app_in[0].len > 10000 &&
                      memcmp(r.app_in[0].at + r.app_in[0].len - 5, "0\r\n\r\n", 5) == 0);
    rig_answer(&r, 0, NO_CONTENT);
    rig_until(&r, r.told == 1); /* nobody's, since nobody could read it */
    rig_deinit(&r);
}

/* The application answers before the body has come: the exchange ends as it would without a copy.
 */
static void an_early_answer_ends_the_copy(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, OWNER_OF_BODY("monitor"));
    rig_send(&r, 0, HEAD_OF("15") "{\"owner\"");
    rig_until(&r, rig_app_got(&r, 0, "{\"owner\""));
    rig_answer(&r, 0, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 400 "));
    assert_int_equal(r.told, 0);
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
        cmocka_unit_test(the_first_name_that_the_application_gives_stays),
        cmocka_unit_test(in_monitor_a_request_leaves_as_it_comes),
        cmocka_unit_test(in_block_no_byte_of_a_request_leaves_before_it_was_read),
        cmocka_unit_test(GW_63_a_copied_request_tells_what_block_refuses),
        cmocka_unit_test(a_request_over_the_limit_streams_on_uncopied),
        cmocka_unit_test(an_early_answer_ends_the_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
