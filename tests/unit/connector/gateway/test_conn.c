#include "tests/unit/connector/gateway/rig.h"

#include "lib/crypto/jwt.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK(body, n) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n" body

static void a_request_goes_to_the_application_with_the_callers_identity(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0,
             "GET /a%2Db?x=1 HTTP/1.1\r\nHost: h\r\nSallyport-User: root\r\nX-Mine: 1\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    check(rig_app_got(&r, 0, "GET /a-b?x=1 HTTP/1.1\r\nhost: h\r\nx-mine: 1\r\n"));
    check(rig_app_got(&r, 0, "\r\nsallyport-user: ann\r\n"));
    check(rig_app_got(&r, 0, "\r\nsallyport-email: x@example\r\n"));
    check(rig_app_got(&r, 0, "\r\nsallyport-groups: idp/staff\r\n"));
    check(!rig_app_got(&r, 0, "root"));
    rig_answer(&r, 0, OK("hello", "5"));
    rig_until(&r, rig_got(&r, 0, "hello"));
    check(rig_got(&r, 0, "HTTP/1.1 200 OK\r\n") && rig_got(&r, 0, "\r\nsallyport-decision: "));
    assert_int_equal(r.told, 0);
    rig_deinit(&r);
}

static void pipelined_requests_go_one_at_a_time_over_one_connection(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, GET("/one") GET("/two"));
    rig_until(&r, rig_app_got(&r, 0, "/one"));
    for (int i = 0; i < 20; i++)
        rig_turn(&r);
    check(!rig_app_got(&r, 0, "/two"));
    rig_answer(&r, 0, OK("1", "1"));
    rig_until(&r, rig_app_got(&r, 0, "/two"));
    rig_answer(&r, 0, OK("2", "1"));
    rig_until(&r, rig_got(&r, 0, "\r\n\r\n2"));
    assert_int_equal(r.app_count, 1);
    rig_deinit(&r);
}

static void SMG_24_GW_08_two_users_never_share_a_connection(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, GET("/ann"));
    rig_until(&r, rig_app_got(&r, 0, "/ann"));
    rig_answer(&r, 0, OK("1", "1"));
    rig_until(&r, rig_got(&r, 0, "\r\n\r\n1"));
    rig_send(&r, 1, GET("/bob"));
    rig_until(&r, rig_app_got(&r, 1, "/bob"));
    check(!rig_app_got(&r, 0, "/bob"));
    rig_answer(&r, 1, OK("2", "1"));
    rig_until(&r, rig_got(&r, 1, "\r\n\r\n2"));
    rig_send(&r, 0, GET("/again"));
    rig_until(&r, rig_app_got(&r, 0, "/again"));
    assert_int_equal(r.app_count, 2);
    rig_deinit(&r);
}

static void a_connection_that_the_application_gave_up_is_tried_once_more(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, GET("/one"));
    rig_until(&r, rig_app_got(&r, 0, "/one"));
    rig_answer(&r, 0, OK("1", "1"));
    rig_until(&r, rig_got(&r, 0, "\r\n\r\n1"));
    rig_send(&r, 0, GET("/two"));
    rig_until(&r, rig_app_got(&r, 0, "/two"));
    rig_hang_up(&r, 0); /* without an answer: it may have closed before it read */
    rig_until(&r, rig_app_got(&r, 1, "/two"));
    rig_hang_up(&r, 1); /* and a new one that says nothing is an error */
    rig_until(&r, rig_got(&r, 0, "urn:sallyport:problem:upstream_down"));
    rig_deinit(&r);
}

static void a_refusal_reaches_nobody_and_the_connection_lives_on(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "methods: [GET, POST]\n");
    rig_send(&r, 0, "DELETE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" GET("/next"));
    rig_until(&r, rig_got(&r, 0, "405 Method Not Allowed"));
    check(rig_got(&r, 0, "\r\nallow: GET, POST\r\n"));
    rig_until(&r, rig_app_got(&r, 0, "GET /next "));
    check(!rig_app_got(&r, 0, "DELETE"));
    assert_int_equal(r.told, 1);
    assert_string_equal(r.reason, "method");
    rig_deinit(&r);
}

static void what_breaks_the_framing_ends_the_connection(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(
        &r, 0,
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nX" GET("/smuggled"));
    rig_until(&r, r.users[0].ended);
    check(rig_got(&r, 0, "urn:sallyport:problem:framing"));
    check(rig_got(&r, 0, "connection: close"));
    assert_int_equal(r.app_count, 0);
    assert_string_equal(r.reason, "framing");
    rig_deinit(&r);
}

static void GW_05_without_a_session_every_request_is_401(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "cors_origins: [\"https://spa.example\"]\n");
    gateway_person_limit(r.users[0].person, r.now);
    rig_send(&r, 0, "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://spa.example\r\n\r\n");
    rig_until(&r, r.users[0].ended);
    check(rig_got(&r, 0, "401 Unauthorized"));
    check(rig_got(&r, 0, "urn:sallyport:problem:session_ended"));
    check(rig_got(&r, 0, "access-control-allow-origin: https://spa.example")); /* GW-77 */
    assert_int_equal(r.app_count, 0);
    rig_deinit(&r);
}

static void bodies_stream_both_ways_and_are_framed_anew(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0,
             "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n");
    rig_until(&r, rig_app_got(&r, 0, "3\r\nabc\r\n")); /* before its end: nothing is held back */
    check(!rig_app_got(&r, 0, "x=y"));
    rig_send(&r, 0, "2\r\nde\r\n0\r\nTrailer-X: 1\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "2\r\nde\r\n0\r\n\r\n"));
    rig_answer(&r, 0, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart");
    rig_until(&r, rig_got(&r, 0, "4\r\npart\r\n"));
    rig_hang_up(&r, 0);
    rig_until(&r, rig_got(&r, 0, "0\r\n\r\n"));
    check(!r.users[0].ended); /* the client's connection outlives the application's */
    rig_deinit(&r);
}

static void GW_71_a_large_body_is_never_piled_up(void **state)
{
    enum { SIZE = 6 << 20 };
    struct rig r;
    char *body = malloc(SIZE + 1), head[128];

    (void)state;
    memset(body, 'b', SIZE);
    body[SIZE] = '\0';
    rig_init(&r, "limits: {body: 8MiB}\n");
    snprintf(head, sizeof head, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", SIZE);
    rig_send(&r, 0, head);
    rig_send(&r, 0, body);
    rig_until(&r, r.app_count == 1 && r.app_in[0].len > SIZE);
    rig_answer(&r, 0, OK("ok", "2"));
    rig_until(&r, rig_got(&r, 0, "\r\n\r\nok"));
    free(body);
    rig_deinit(&r);
}

static void SMG_25_a_body_beyond_the_limit_is_413(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "limits: {body: 4, inspect: 4}\n");
    rig_send(&r, 0, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde");
    rig_until(&r, rig_got(&r, 0, "413 Content Too Large"));
    rig_send(&r, 1,
             "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
    rig_until(&r, rig_got(&r, 1, "413 Content Too Large"));
    assert_int_equal(r.told, 2);
    rig_deinit(&r);
}

static void SMG_19_continue_is_said_by_us_and_only_for_what_passes(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "limits: {body: 4, inspect: 4}\n");
    rig_send(&r, 0,
             "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 100 Continue\r\n\r\n"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    check(!rig_app_got(&r, 0, "expect"));
    rig_send(&r, 1,
             "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    rig_until(&r, r.users[1].ended); /* nobody knows whether the body follows */
    check(rig_got(&r, 1, "413") && !rig_got(&r, 1, "100 Continue"));
    rig_deinit(&r);
}

static const struct {
    const char *name, *answer,
        *reason; /* reason NULL: it passes, and `says` is what the client gets */
    const char *says;
} bad_answers[] = {
    {"CL and TE", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     "upstream_framing", NULL},
    {"two CL", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
     "upstream_framing", NULL},
    {"no HTTP", "SSH-2.0-x\r\n", "upstream_framing", NULL},
    {"101 that nobody asked for",
     "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "upstream_framing",
     NULL},
    {"interim ones without end",
     "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
     "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
     "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
     "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
     "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
     "upstream_framing", NULL},
    {"some interim ones",
     "HTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL,
     "\r\n\r\nok"},
    {"204 with a body", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello", NULL,
     "204 No Content"},
    {"surplus bytes", OK("ok", "2") OK("poison", "6"), NULL, "\r\n\r\nok"},
    {"a forged decision", "HTTP/1.1 200 OK\r\nSallyport-Decision: x\r\nContent-Length: 2\r\n\r\nok",
     NULL, "\r\n\r\nok"},
};

static void GW_75_SMG_23_garbage_of_the_application_stops_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_answers / sizeof bad_answers[0]; i++) {
        struct rig r;
        rig_init(&r, "");
        rig_send(&r, 0, GET("/a"));
        rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
        rig_answer(&r, 0, bad_answers[i].answer);
        rig_until(&r,
                  rig_got(&r, 0,
                          bad_answers[i].reason != NULL ? "502 Bad Gateway" : bad_answers[i].says));
        if (bad_answers[i].reason != NULL)
            assert_string_equal(r.reason, bad_answers[i].reason);
        check(!rig_got(&r, 0, "poison") && !rig_got(&r, 0, "Link") &&
              !rig_got(&r, 0, "decision: x"));
        /* what it said too much is nobody's answer */
        rig_send(&r, 0, GET("/b"));
        rig_until(&r, rig_app_got(&r, 0, "/b") || rig_app_got(&r, 1, "/b"));
        check(!rig_got(&r, 0, "poison"));
        rig_deinit(&r);
    }
}

static void an_answer_that_stops_in_the_middle_is_no_whole_one(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, GET("/a"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    rig_answer(&r, 0, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
    rig_until(&r, rig_got(&r, 0, "hello"));
    rig_hang_up(&r, 0);
    rig_until(&r, r.users[0].over);
    assert_int_not_equal(r.users[0].why, SP_OK);
    rig_deinit(&r);
}

static void GW_72_a_websocket_is_bytes_both_ways_where_the_app_has_one(void **state)
{
#define UPGRADE "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    struct rig r;

    (void)state;
    rig_init(&r, "websocket: on\n");
    rig_send(&r, 0, UPGRADE);
    rig_until(&r, rig_app_got(&r, 0, "upgrade: websocket\r\n"));
    rig_answer(&r, 0,
               "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
    rig_until(&r, rig_got(&r, 0, "\x81\x02hi"));
    check(rig_got(&r, 0, "101 Switching Protocols"));
    rig_send(&r, 0, "\x81\x03you");
    rig_until(&r, rig_app_got(&r, 0, "\x81\x03you"));
    rig_hang_up(&r, 0);
    rig_until(&r, r.users[0].ended || r.users[0].over);
    rig_deinit(&r);
    rig_init(&r, ""); /* not allowed: a plain request */
    rig_send(&r, 0, UPGRADE);
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    check(!rig_app_got(&r, 0, "upgrade"));
    rig_deinit(&r);
}

static void GW_74_a_slow_head_is_408_and_a_late_answer_504(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "limits: {header_time: 100ms, response_time: 100ms}\n");
    rig_send(&r, 0, "GET / HTTP/1.1\r\nHos");
    rig_send(&r, 1, GET("/slow"));
    rig_until(&r, r.users[0].ended);
    check(rig_got(&r, 0, "408 Request Timeout"));
    rig_until(&r, rig_got(&r, 1, "504 Gateway Timeout"));
    rig_deinit(&r);
}

static void GW_07_the_assertion_is_verified_by_the_published_key(void **state)
{
    struct rig r;
    struct jwks *keys;
    struct json *claims;

    (void)state;
    rig_init(&r, "identity: {headers: off, assertion: on, audience: payments}\n");
    rig_send(&r, 0, GET("/a?secret=1"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    check(!rig_app_got(&r, 0, "sallyport-user"));
    const char *at = strstr(buf_cstr(&r.app_in[0]), "sallyport-assertion: ") + 21;
    struct view token = {(const uint8_t *)at, strcspn(at, "\r")};
    check_ok(jwks_parse(gateway_jwks(r.gateway), NULL, &keys));
    check_ok(jwt_verify(token, JWT_KIND_ID, keys, JWT_ES256, NULL, &claims));
    assert_string_equal(json_cstr(json_get(claims, "aud")), "payments");
    assert_string_equal(json_cstr(json_get(claims, "name")), "ann");
    assert_string_equal(json_cstr(json_get(claims, "htm")), "GET");
    assert_string_equal(json_cstr(json_get(claims, "htu")), "http://h/a");
    int64_t iat, exp;
    check_ok(json_get_int(claims, "iat", 0, INT64_MAX, &iat));
    check_ok(json_get_int(claims, "exp", 0, INT64_MAX, &exp));
    assert_int_equal(exp - iat, 60);
    assert_int_equal(json_str(json_get(json_get(claims, "cnf"), "jkt")).len, 43);
    json_free(claims);
    jwks_free(keys);
    rig_deinit(&r);
}

static void a_paused_session_moves_no_byte(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    gateway_hold(r.users[0].conn, true);
    rig_send(&r, 0, GET("/a"));
    for (int i = 0; i < 50; i++)
        rig_turn(&r);
    assert_int_equal(r.app_count, 0);
    gateway_hold(r.users[0].conn, false);
    rig_until(&r, rig_app_got(&r, 0, "/a"));
    rig_deinit(&r);
}

/* What has gone makes room for what comes: nothing is lost or twice, however little is taken. */
static void a_client_that_takes_little_gets_all(void **state)
{
    enum { BODY = 1 << 20, PIECE = 8192 };
    struct rig r;
    uint8_t piece[PIECE];
    size_t sent = 0;

    (void)state;
    rig_init(&r, "");
    r.users[0].pace = 1500;
    rig_send(&r, 0, GET("/all"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    rig_answer(&r, 0, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    fcntl(r.app_fd[0], F_SETFL, O_NONBLOCK);
    while (sent < BODY) {
        for (size_t i = 0; i < PIECE; i++)
            piece[i] = (uint8_t)((sent + i) * 2654435761u >> 24);
        ssize_t n = write(r.app_fd[0], piece, BODY - sent < PIECE ? BODY - sent : PIECE);
        sent += n > 0 ? (size_t)n : 0;
        rig_turn(&r);
    }
    rig_until(&r, r.users[0].in.len > BODY && rig_got(&r, 0, "\r\n\r\n"));
    const char *in = buf_cstr(&r.users[0].in);
    size_t head = (size_t)(strstr(in, "\r\n\r\n") - in) + 4;
    rig_until(&r, r.users[0].in.len >= head + BODY);
    assert_int_equal(r.users[0].in.len, head + BODY);
    for (size_t i = 0; i < BODY; i++)
        assert_int_equal(r.users[0].in.at[head + i], (uint8_t)(i * 2654435761u >> 24));
    rig_deinit(&r);
}

/* Bytes of the heap that are in use, as whoever allocates counts them. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* GATEWAY section 17: beside the tunnel, and beside a body that rules read. */
static void a_request_in_flight_takes_at_most_64_kib(void **state)
{
    static uint8_t piece[8192];
    size_t before, took;
    ssize_t n = 1;
    struct rig r;

    (void)state;
    rig_init(&r, "limits: {streams_per_user: 8}\ndetectors: {bola: monitor, exposure: off}\n");
    rig_send(&r, 0, GET("/first")); /* what the person and the endpoint leave behind is there */
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    rig_answer(&r, 0, OK("1", "1"));
    rig_until(&r, rig_got(&r, 0, "\r\n\r\n1"));
    before = heap();
    rig_send(&r, 0, GET("/big"));
    rig_until(&r, rig_app_got(&r, 0, "/big"));
    gateway_hold(r.users[0].conn, true);
    rig_answer(&r, 0, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
    fcntl(r.app_fd[0], F_SETFL, O_NONBLOCK);
    for (int idle = 0; idle<20; idle = n> 0 ? 0 : idle + 1) {
        n = write(r.app_fd[0], piece, sizeof piece);
        rig_turn(&r);
    }
    took = heap() - before;
    print_message("a request in flight: %zu bytes\n", took);
    assert_in_range(took, 31 * 1024, 64 * 1024);
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_to_the_application_with_the_callers_identity),
        cmocka_unit_test(pipelined_requests_go_one_at_a_time_over_one_connection),
        cmocka_unit_test(SMG_24_GW_08_two_users_never_share_a_connection),
        cmocka_unit_test(a_connection_that_the_application_gave_up_is_tried_once_more),
        cmocka_unit_test(a_refusal_reaches_nobody_and_the_connection_lives_on),
        cmocka_unit_test(what_breaks_the_framing_ends_the_connection),
        cmocka_unit_test(GW_05_without_a_session_every_request_is_401),
        cmocka_unit_test(bodies_stream_both_ways_and_are_framed_anew),
        cmocka_unit_test(GW_71_a_large_body_is_never_piled_up),
        cmocka_unit_test(SMG_25_a_body_beyond_the_limit_is_413),
        cmocka_unit_test(SMG_19_continue_is_said_by_us_and_only_for_what_passes),
        cmocka_unit_test(GW_75_SMG_23_garbage_of_the_application_stops_here),
        cmocka_unit_test(an_answer_that_stops_in_the_middle_is_no_whole_one),
        cmocka_unit_test(GW_72_a_websocket_is_bytes_both_ways_where_the_app_has_one),
        cmocka_unit_test(GW_74_a_slow_head_is_408_and_a_late_answer_504),
        cmocka_unit_test(GW_07_the_assertion_is_verified_by_the_published_key),
        cmocka_unit_test(a_paused_session_moves_no_byte),
        cmocka_unit_test(a_client_that_takes_little_gets_all),
        cmocka_unit_test(a_request_in_flight_takes_at_most_64_kib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
