#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Owner rules that read the object before the write: GW-50 for what acts before it answers. */

#define RULE(mode)                                                                             \
    "owner: [{match: '/v1/accounts/{id}', from: {preflight: 'GET /v1/accounts/{id}', "         \
    "pointer: /owner}, equals: '${user.name}', mode: " mode "},\n"                             \
    "        {match: 'POST /v1/accounts/{id}/notes', from: {preflight: 'GET "                  \
    "/v1/accounts/{id}', pointer: /owner}, equals: '${user.name}', mode: " mode ", "           \
    "except_groups: [idp/support]}]\n"                                                         \
    "limits: {inspect: 4KiB, response_time: 1s}\nupstream: {url: 'http://a', host: app.test, " \
    "connect_time: 100ms}"                                                                     \
    "\ndetectors: {inventory: off}\n"
#define PUT(path)                                                                               \
    "PUT " path " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abc\r\nCookie: c=1\r\nIf-Match:" \
    " \"1\"\r\nX-HTTP-Method-Override: DELETE\r\nContent-Type: text/plain\r\nContent-Length: "  \
    "4\r\n\r\nbody"
#define NOTE(path) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nnote"
#define OWNER(name, n)                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " n "\r\n\r\n" \
    "{\"owner\":\"" name "\"}"
#define MINE OWNER("ann", "15")
#define OTHERS OWNER("bob", "15")
#define DONE "HTTP/1.1 204 No Content\r\n\r\n"

static void start(struct rig *r, const char *rules)
{
    rig_init(r, rules);
    rig_send(r, 0, PUT("/v1/accounts/a%2eb"));
    rig_until(r, rig_app_got(r, 0, "\r\n\r\n"));
}

static void again(struct rig *r, size_t user, const char *request)
{
    buf_reset(&r->app_in[0]);
    buf_reset(&r->users[user].in);
    rig_send(r, user, request);
}

static void GW_50_an_own_object_is_read_as_the_caller_and_then_written(void **state)
{
    struct rig r;

    (void)state;
    start(&r, RULE("block"));
    static const char *const asked[] = {
        "GET /v1/accounts/a.b HTTP/1.1\r\n", "host: app.test\r\n",
        "authorization: Bearer abc\r\n",     "cookie: c=1\r\n",
        "sallyport-user: ann\r\n",           "accept: application/json\r\n"};
    static const char *const never[] = {"PUT",      "body",     "content-",
                                        "if-match", "override", "DELETE"};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        if (!rig_app_got(&r, 0, asked[i]))
            fail_msg("no %s", asked[i]);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (rig_app_got(&r, 0, never[i]))
            fail_msg("%s", never[i]);
    rig_answer(&r, 0, MINE);
    rig_until(&r,
              rig_app_got(&r, 0, "PUT /v1/accounts/a.b ") && rig_app_got(&r, 0, "\r\n\r\nbody"));
    rig_answer(&r, 0, DONE);
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 204 "));
    assert_int_equal(r.app_count, 1); /* the same connection of the same person */
    assert_int_equal(r.told, 0);
    rig_deinit(&r);
}

static void GW_50_a_foreign_object_is_as_it_was(void **state)
{
    struct rig r;

    (void)state;
    start(&r, RULE("block"));
    rig_answer(&r, 0, OTHERS);
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 403 ") && rig_got(&r, 0, "problem:owner"));
    for (int i = 0; i < 20; i++)
        rig_turn(&r);
    check(!rig_app_got(&r, 0, "PUT"));
    check(!rig_got(&r, 0, "bob"));
    assert_int_equal(r.told, 1);
    rig_deinit(&r);
}

/* What the application says instead of an object, and what its caller gets; nothing was written. */
static void what_can_not_be_read_is_not_written(void **state)
{
    static const struct {
        const char *answer, *status, *reason;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404", "preflight"},
        {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: "
         "0\r\n\r\n",
         "401", "preflight"},
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "500", "preflight"},
        {"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "403", "preflight"},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", "403", "preflight"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "403", "owner"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\n"
         "{\"owner\":\"ann\"}",
         "403", "owner"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: br\r\n"
         "Content-Length: 15\r\n\r\n{\"owner\":\"ann\"}",
         "403", "owner"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n"
         "{\"owner\":\"ann\",\"owner\":\"bob\"}  ",
         "403", "owner"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
         "{\"owner\":null}",
         "403", "owner"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "502",
         "upstream_framing"},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "502", "upstream_framing"},
        {"", "504", "upstream_timeout"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        char status[32], type[64];
        start(&r, RULE("block"));
        snprintf(status, sizeof status, "HTTP/1.1 %s ", cases[i].status);
        snprintf(type, sizeof type, "urn:sallyport:problem:%s\"", cases[i].reason);
        rig_answer(&r, 0, cases[i].answer);
        rig_until(&r, r.users[0].in.len > 0);
        for (int t = 0; t < 10; t++)
            rig_turn(&r);
        if (!rig_got(&r, 0, status) || !rig_got(&r, 0, type))
            fail_msg("%zu: no %s%s in %s", i, status, type, buf_cstr(&r.users[0].in));
        /* with its blank: an id may have the letters */
        check(!rig_app_got(&r, 0, "PUT /") && !rig_app_got(&r, 1, "PUT /"));
        rig_deinit(&r);
    }
}

static void an_application_that_hangs_up_is_502(void **state)
{
    struct rig r;

    (void)state;
    start(&r, RULE("block"));
    rig_answer(&r, 0,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{");
    rig_hang_up(&r, 0);
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 502 "));
    rig_deinit(&r);
}

static void a_body_over_the_limit_is_nobodys(void **state)
{
    static char answer[9000];
    struct rig r;

    (void)state;
    int n =
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8015\r\n\r\n"
                 "{\"owner\":\"ann\"}");
    memset(answer + n, ' ', 8000);
    start(&r, RULE("block"));
    rig_answer(&r, 0, answer);
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    check(!rig_app_got(&r, 0, "PUT"));
    rig_deinit(&r);
}

/* One question serves several writes beside the object; a write of the object itself ends that. */
static void what_was_said_counts_for_a_while_and_for_one_person(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, RULE("block"));
    rig_send(&r, 0, NOTE("/v1/accounts/7/notes"));
    rig_until(&r, rig_app_got(&r, 0, "GET /v1/accounts/7 "));
    rig_answer(&r, 0, MINE);
    rig_until(&r, rig_app_got(&r, 0, "note"));
    rig_answer(&r, 0, DONE);
    rig_until(&r, rig_got(&r, 0, " 204 "));

    again(&r, 0, NOTE("/v1/accounts/7/notes"));
    rig_until(&r, rig_app_got(&r, 0, "note"));
    check(!rig_app_got(&r, 0, "GET "));
    rig_answer(&r, 0, DONE);
    rig_until(&r, rig_got(&r, 0, " 204 "));

    rig_send(&r, 1, NOTE("/v1/accounts/7/notes"));
    rig_until(&r, rig_app_got(&r, 1, "GET /v1/accounts/7 "));
    check(rig_app_got(&r, 1, "sallyport-user: bob"));
    rig_answer(&r, 1, MINE);
    rig_until(&r, rig_got(&r, 1, "problem:owner"));

    again(&r, 0, PUT("/v1/accounts/7"));
    rig_until(&r, rig_app_got(&r, 0, "PUT ") && rig_app_got(&r, 0, "body"));
    check(!rig_app_got(&r, 0, "GET "));
    rig_answer(&r, 0, DONE); /* it may be bob's now */
    rig_until(&r, rig_got(&r, 0, " 204 "));
    again(&r, 0, NOTE("/v1/accounts/7/notes"));
    rig_until(&r, rig_app_got(&r, 0, "GET /v1/accounts/7 "));
    rig_answer(&r, 0, OTHERS);
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    rig_deinit(&r);
}

/* GW-63: the same question and the same finding, but the request goes on. */
static void monitor_asks_too_and_tells(void **state)
{
    struct rig r;

    (void)state;
    start(&r, RULE("monitor"));
    rig_answer(&r, 0, OTHERS);
    rig_until(&r, rig_app_got(&r, 0, "PUT "));
    rig_answer(&r, 0, DONE);
    rig_until(&r, rig_got(&r, 0, " 204 ") && r.told == 1);
    assert_string_equal(r.reason, "owner");
    again(&r, 0, PUT("/v1/accounts/8"));
    rig_until(&r, rig_app_got(&r, 0, "GET "));
    rig_hang_up(&r, 0);
    rig_until(&r, rig_app_got(&r, 1, "GET "));
    rig_answer(&r, 1, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 1, "PUT "));
    rig_answer(&r, 1, DONE);
    rig_until(&r, rig_got(&r, 0, " 204 ") && r.told == 2);
    assert_string_equal(r.reason, "preflight");
    rig_deinit(&r);
}

static void a_large_body_waits_outside_while_it_is_asked(void **state)
{
    static const uint8_t kib[1000];
    struct rig r;

    (void)state;
    rig_init(&r, RULE("block"));
    rig_send(&r, 0,
             "PUT /v1/accounts/7 HTTP/1.1\r\nHost: h\r\nContent-Type: "
             "application/octet-stream\r\nContent-Length: 9000000\r\n\r\n");
    for (int i = 0; i < 9000; i++)
        check_ok(buf_append(&r.users[0].out, (struct view){kib, 1000}));
    stream_readable(r.users[0].stream);
    rig_until(&r, rig_app_got(&r, 0, "GET "));
    for (int i = 0; i < 50; i++)
        rig_turn(&r);
    check(r.users[0].out_at < 2000000); /* the stream's window, and no more */
    rig_answer(&r, 0, MINE);
    rig_until(&r, r.app_in[0].len > 9000000);
    rig_answer(&r, 0, DONE);
    rig_until(&r, rig_got(&r, 0, " 204 "));
    rig_deinit(&r);
}

static void who_goes_away_meanwhile_leaves_nothing(void **state)
{
    struct rig r;

    (void)state;
    start(&r, RULE("block"));
    stream_free(r.users[0].stream);
    r.users[0].stream = NULL;
    rig_until(&r, r.users[0].conn == NULL);
    assert_int_equal(write(r.app_fd[0], MINE, strlen(MINE)), -1); /* nobody listens */
    for (int i = 0; i < 20; i++)
        rig_turn(&r);
    check(!rig_app_got(&r, 0, "PUT"));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_50_an_own_object_is_read_as_the_caller_and_then_written),
        cmocka_unit_test(GW_50_a_foreign_object_is_as_it_was),
        cmocka_unit_test(what_can_not_be_read_is_not_written),
        cmocka_unit_test(an_application_that_hangs_up_is_502),
        cmocka_unit_test(a_body_over_the_limit_is_nobodys),
        cmocka_unit_test(what_was_said_counts_for_a_while_and_for_one_person),
        cmocka_unit_test(monitor_asks_too_and_tells),
        cmocka_unit_test(a_large_body_waits_outside_while_it_is_asked),
        cmocka_unit_test(who_goes_away_meanwhile_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
