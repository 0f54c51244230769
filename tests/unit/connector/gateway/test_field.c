/*
 * What clients and applications of the field were seen to send, byte for byte, at the gateway:
 * tests/data/cases/C-*.http. Each case stands for its family.
 */
#include "tests/unit/connector/gateway/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CASE_MAX = 64 * 1024 };

/* The text of a case's file, with the rest of a request line's host as it is. */
static const char *field_case(const char *name)
{
    static char text[CASE_MAX];
    const char *top = getenv("srcdir");
    char path[512];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/tests/data/cases/%s", top == NULL ? "." : top, name);
    f = fopen(path, "re");
    if (f == NULL)
        fail_msg("%s can't be read", path);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    return text;
}

/* An expectation is met by the gateway for what passes, and a refusal does not wait for a body that
 * the client holds back. 100-Continue is a name in any case. */
static void C_028_the_body_that_is_held_back_is_asked_for_or_never_read(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, field_case("C-028.expect.http"));
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 100 Continue\r\n\r\n"));
    rig_deinit(&r);
    rig_init(&r, "limits: {body: 64KiB, inspect: 1KiB}\n"); /* 413 by the head */
    rig_send(&r, 0, field_case("C-028.expect.http"));
    rig_until(&r, rig_got(&r, 0, "413 Content Too Large"));
    check(!rig_got(&r, 0, "100 Continue"));
    assert_int_equal(r.app_count, 0);
    rig_deinit(&r);
    rig_init(&r, "operations: [{match: \"POST /upload\", deny: on}]\n"); /* 403 by a rule */
    rig_send(&r, 0, field_case("C-028.expect.http"));
    rig_until(&r, rig_got(&r, 0, "403 Forbidden"));
    check(!rig_got(&r, 0, "100 Continue"));
    assert_int_equal(r.app_count, 0);
    rig_deinit(&r);
}

/* The head when it is complete, each event when it is there, and in the pieces that it came in. */
static void C_029_an_event_stream_is_held_back_at_no_place(void **state)
{
    const char *said = field_case("C-029.sse.http"), *body = strstr(said, "\r\n\r\n");
    char head[1024];
    struct rig r;

    (void)state;
    assert_non_null(body);
    (void)snprintf(head, sizeof head, "%.*s\r\n\r\n", (int)(body - said), said);
    rig_init(&r, "");
    rig_send(&r, 0, "GET /sse HTTP/1.1\r\nHost: h\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    rig_answer(&r, 0, head);
    rig_until(&r, rig_got(&r, 0, "text/event-stream") && rig_got(&r, 0, "\r\n\r\n"));
    check(!rig_got(&r, 0, "data:"));
    rig_answer(&r, 0, "9\r\ndata: 1\n\n\r\n");
    rig_until(&r, rig_got(&r, 0, "9\r\ndata: 1\n\n\r\n"));
    rig_answer(&r, 0, "9\r\ndata: 2\n\n\r\n");
    rig_until(&r, rig_got(&r, 0, "9\r\ndata: 2\n\n\r\n"));
    check(!rig_got(&r, 0, "content-encoding"));
    rig_deinit(&r);
}

/* Our names from a client reach nobody: in the head, in another spelling, as a hop-by-hop name, and
 * as a trailer. */
static void C_031_forged_identity_fields_never_arrive(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, field_case("C-031.forged.http"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    check(!rig_app_got(&r, 0, "root") && !rig_app_got(&r, 0, "admins"));
    check(!rig_app_got(&r, 0, "e30.e30"));
    check(rig_app_got(&r, 0, "sallyport-user: ") || rig_app_got(&r, 0, "Sallyport-User: "));
    rig_deinit(&r);
    rig_init(&r, "");
    rig_send(
        &r, 0,
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: X-Sallyport-User, Sallyport-Groups\r\n\r\n1\r\nx\r\n0\r\n"
        "X-Sallyport-User: root\r\nsallyport_groups: admins\r\nSallyport-Groups: admins\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "0\r\n\r\n"));
    check(!rig_app_got(&r, 0, "root") && !rig_app_got(&r, 0, "admins"));
    rig_deinit(&r);
}

/* After the session's end a script's request and its preflight get a policy's answer that says what
 * is wrong, never a redirect to a page; readable for the scripts of the origins that the app lists,
 * and for no other. */
static void C_032_an_expired_session_is_401_for_scripts_and_their_preflights(void **state)
{
    static const char *const allowed[] = {"cors_origins: [\"https://ui.example.test\"]\n",
                                          "cors_origins: [\"https://other.example.test\"]\n", ""};
    char text[4096], *second;

    (void)state;
    (void)snprintf(text, sizeof text, "%s", field_case("C-032.requests.http"));
    second = strstr(text, "GET /api");
    assert_non_null(second);
    for (size_t a = 0; a < sizeof allowed / sizeof allowed[0]; a++)
        for (int which = 0; which < 2; which++) {
            char one[2048];
            struct rig r;
            (void)snprintf(one, sizeof one, "%.*s", which == 0 ? (int)(second - text) : 2047,
                           which == 0 ? text : second);
            rig_init(&r, allowed[a]);
            gateway_person_limit(r.users[0].person, r.now);
            rig_send(&r, 0, one);
            rig_until(&r, r.users[0].ended);
            check(rig_got(&r, 0, "401 Unauthorized"));
            check(rig_got(&r, 0, "application/problem+json"));
            check(!rig_got(&r, 0, "\r\nlocation:"));
            check(rig_got(&r, 0, "access-control-allow-origin: https://ui.example.test") ==
                  (a == 0));
            check(!rig_got(&r, 0, "access-control-allow-origin: *"));
            assert_int_equal(r.app_count, 0);
            rig_deinit(&r);
        }
}

/* An upgrade to what is not allowed is no upgrade: the application sees a plain request. To a
 * websocket it is one, and what its subprotocols say passes as it is. */
static void C_033_an_upgrade_that_is_not_allowed_is_not_forwarded(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, field_case("C-033.spdy.http"));
    rig_until(&r, r.app_count == 1 && rig_app_got(&r, 0, "\r\n\r\n"));
    check(!rig_app_got(&r, 0, "SPDY") && !rig_app_got(&r, 0, "upgrade") &&
          !rig_app_got(&r, 0, "Upgrade"));
    rig_deinit(&r);
    rig_init(&r, "websocket: on\n");
    rig_send(&r, 0, field_case("C-033.ws.http"));
    rig_until(&r, r.app_count == 1 && rig_app_got(&r, 0, "\r\n\r\n"));
    check(rig_app_got(&r, 0, "websocket") &&
          rig_app_got(&r, 0, "v5.channel.k8s.io, v4.channel.k8s.io"));
    rig_answer(&r, 0,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
               "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "101 Switching Protocols"));
    check(rig_got(&r, 0, "v5.channel.k8s.io"));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_028_the_body_that_is_held_back_is_asked_for_or_never_read),
        cmocka_unit_test(C_029_an_event_stream_is_held_back_at_no_place),
        cmocka_unit_test(C_031_forged_identity_fields_never_arrive),
        cmocka_unit_test(C_032_an_expired_session_is_401_for_scripts_and_their_preflights),
        cmocka_unit_test(C_033_an_upgrade_that_is_not_allowed_is_not_forwarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
