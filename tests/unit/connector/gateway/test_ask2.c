#include "tests/unit/connector/gateway/client2.h"

#include <stdio.h>
#include <stdlib.h>

#define OK(body, n) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n" body

struct pair {
    struct rig rig;
    struct client2 client;
};

static struct pair *make(const char *conf)
{
    struct pair *p = calloc(1, sizeof *p);

    assert_non_null(p);
    rig_init(&p->rig, conf);
    client2_init(&p->client, &p->rig, 0);
    return p;
}

static void done(struct pair *p)
{
    client2_deinit(&p->client);
    rig_deinit(&p->rig);
    free(p);
}

static void a_stream_is_a_request_with_identity_and_its_answer_comes_back(void **state)
{
    struct pair *p = make("http2: on\n");
    const char *const extra[] = {"sallyport-user", "root", "x-mine", "1", "cookie", "a=1",
                                 "cookie",         "b=2",  NULL};
    struct client2_call *k = client2_ask(&p->client, "GET", "/a%2Db?x=1", extra, true);

    (void)state;
    client2_until(&p->client, rig_app_got(&p->rig, 0, "\r\n\r\n"));
    check(rig_app_got(&p->rig, 0, "GET /a-b?x=1 HTTP/1.1\r\nhost: h\r\nx-mine: 1\r\n"));
    check(rig_app_got(&p->rig, 0, "\r\ncookie: a=1; b=2\r\n"));
    check(rig_app_got(&p->rig, 0, "\r\nsallyport-user: ann\r\n"));
    check(!rig_app_got(&p->rig, 0, "root"));
    rig_answer(&p->rig, 0, OK("hello", "5"));
    client2_until(&p->client, k->closed);
    check(client2_got(k, ":status: 200\n") && client2_got(k, "hello"));
    check(client2_got(k, "sallyport-decision: ") && client2_got(k, "content-length: 5\n"));
    assert_int_equal(k->code, 0);
    done(p);
}

static void streams_run_beside_each_other_and_a_slow_one_holds_up_none(void **state)
{
    struct pair *p = make("http2: on\n");
    struct client2_call *slow = client2_ask(&p->client, "GET", "/slow", NULL, true);
    struct client2_call *fast;

    (void)state;
    client2_until(&p->client, rig_app_got(&p->rig, 0, "/slow"));
    fast = client2_ask(&p->client, "GET", "/fast", NULL, true);
    client2_until(&p->client, rig_app_got(&p->rig, 1, "/fast"));
    rig_answer(&p->rig, 1, OK("2", "1"));
    client2_until(&p->client, fast->closed);
    check(!slow->closed && client2_got(fast, "2"));
    rig_answer(&p->rig, 0, OK("1", "1"));
    client2_until(&p->client, slow->closed);
    check(client2_got(slow, "1"));
    done(p);
}

static void each_stream_counts_among_the_persons(void **state)
{
    struct pair *p = make("http2: on\nlimits: {streams_per_user: 1}\n");
    struct client2_call *first = client2_ask(&p->client, "GET", "/first", NULL, true), *second;

    (void)state;
    client2_until(&p->client, rig_app_got(&p->rig, 0, "/first"));
    second = client2_ask(&p->client, "GET", "/second", NULL, true);
    client2_until(&p->client, second->closed);
    check(client2_got(second, ":status: 429\n") && client2_got(second, "problem:in_flight"));
    rig_answer(&p->rig, 0, OK("1", "1"));
    client2_until(&p->client, first->closed);
    client2_ask(&p->client, "GET", "/third", NULL, true);
    client2_until(&p->client, rig_app_got(&p->rig, 0, "/third"));
    done(p);
}

static void bodies_stream_both_ways(void **state)
{
    struct pair *p = make("http2: on\n");
    struct client2_call *k = client2_ask(&p->client, "POST", "/a", NULL, false);

    (void)state;
    client2_say(k, "abc", false);
    client2_until(&p->client, rig_app_got(&p->rig, 0, "3\r\nabc\r\n"));
    client2_say(k, "de", true);
    client2_until(&p->client, rig_app_got(&p->rig, 0, "2\r\nde\r\n0\r\n\r\n"));
    rig_answer(&p->rig, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    client2_until(&p->client, client2_got(k, "hi"));
    check(!k->ended);
    rig_answer(&p->rig, 0, "0\r\nX-Trailer: 1\r\n\r\n");
    client2_until(&p->client, k->closed);
    check(!client2_got(k, "x-trailer"));
    done(p);
}

static void a_refusal_is_of_its_stream_alone(void **state)
{
    struct pair *p = make("http2: on\nmethods: [GET]\n");
    struct client2_call *bad = client2_ask(&p->client, "DELETE", "/a", NULL, true);
    struct client2_call *good = client2_ask(&p->client, "GET", "/b", NULL, true);

    (void)state;
    client2_until(&p->client, bad->closed && rig_app_got(&p->rig, 0, "/b"));
    check(client2_got(bad, ":status: 405\n") && client2_got(bad, "problem:method"));
    check(client2_got(bad, "allow: GET\n"));
    rig_answer(&p->rig, 0, OK("1", "1"));
    client2_until(&p->client, good->closed);
    check(!rig_app_got(&p->rig, 0, "DELETE"));
    assert_int_equal(p->rig.told, 1);
    done(p);
}

/* What a downgrade could turn into a second request or another body. */
static void SMG_27_header_blocks_that_smuggle_are_refused_and_reach_nobody(void **state)
{
    static const char *const bad[][3] = {
        {"connection", "close"},
        {"transfer-encoding", "chunked"},
        {"te", "gzip"},
        {"upgrade", "h2c"},
        {"keep-alive", "1"},
        {"host", "other"},
        {"x", "a\r\nx-injected: 1"},
        {"x\r\ny", "1"},
        {"x", " padded"},
        {"content-length", "+3"},
        {"content-length", "03"},
        {"content-length", "5"}, /* and no byte comes */
        {":path", "/other"},
        {"x y", "1"},
        {"", "1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pair *p = make("http2: on\n");
        struct client2_call *k = client2_ask(&p->client, "POST", "/smuggle", bad[i], true);
        client2_until(&p->client, k->closed || p->client.broken);
        check(!client2_got(k, ":status: 200"));
        assert_int_equal(p->rig.app_count, 0);
        assert_int_equal(p->rig.told, 1);
        assert_string_equal(p->rig.reason, "framing");
        done(p);
    }
}

static void targets_are_read_as_strictly_as_those_of_http1(void **state)
{
    static const char *const bad[] = {"/a b",       "/a#b", "/../x", "/a\\b",
                                      "http://h/x", "*",    "x",     "/%00"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pair *p = make("http2: on\n");
        struct client2_call *k = client2_ask(&p->client, "GET", bad[i], NULL, true);
        client2_until(&p->client, k->closed || p->client.broken);
        assert_int_equal(p->rig.app_count, 0);
        assert_int_equal(p->rig.told, 1);
        done(p);
    }
}

static void a_body_of_another_length_than_promised_is_never_whole(void **state)
{
    static const char *const three[] = {"content-length", "3", NULL};

    (void)state;
    for (int longer = 0; longer < 2; longer++) {
        struct pair *p = make("http2: on\n");
        struct client2_call *k = client2_ask(&p->client, "POST", "/a", three, false);
        client2_say(k, longer ? "abcGET /smuggled HTTP/1.1" : "ab", true);
        client2_until(&p->client, k->closed);
        for (int i = 0; i < 20; i++)
            client2_turn(&p->client);
        check(!rig_app_got(&p->rig, 0, "smuggled") && !rig_app_got(&p->rig, 0, "abc"));
        done(p);
    }
}

static void without_http2_the_preface_is_no_request(void **state)
{
    struct pair *p = make("");
    struct client2_call *k = client2_ask(&p->client, "GET", "/a", NULL, true);

    (void)state;
    client2_until(&p->client, p->rig.users[0].ended);
    check(!client2_got(k, ":status"));
    check(rig_got(&p->rig, 0, "HTTP/1.1 4"));
    assert_int_equal(p->rig.app_count, 0);
    done(p);
}

static void with_http2_a_client_of_http1_is_served_as_ever(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "http2: on\n");
    rig_send(&r, 0, "P"); /* as the preface begins */
    for (int i = 0; i < 5; i++)
        rig_turn(&r);
    rig_send(&r, 0, "OST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "POST /a HTTP/1.1\r\n"));
    rig_answer(&r, 0, OK("1", "1"));
    rig_until(&r, rig_got(&r, 0, "\r\n\r\n1"));
    rig_deinit(&r);
}

static void a_client_that_goes_away_takes_its_request_with_it(void **state)
{
    struct pair *p = make("http2: on\n");
    struct client2_call *k = client2_ask(&p->client, "GET", "/slow", NULL, true);

    (void)state;
    client2_until(&p->client, rig_app_got(&p->rig, 0, "/slow"));
    http2_reset(k->s, HTTP2_CANCEL);
    client2_until(&p->client, k->closed);
    struct client2_call *next = client2_ask(&p->client, "GET", "/next", NULL, true);
    client2_until(&p->client, rig_app_got(&p->rig, 1, "/next")); /* on a connection of its own */
    rig_answer(&p->rig, 1, OK("1", "1"));
    client2_until(&p->client, next->closed);
    done(p);
}

static void a_browser_that_leaves_page_after_page_is_not_sent_away(void **state)
{
    struct pair *p = make("http2: on\n");

    (void)state;
    while (p->client.count < CLIENT2_CALLS) {
        struct client2_call *k = client2_ask(&p->client, "GET", "/x", NULL, true);
        client2_turn(&p->client);
        if (k->s != NULL)
            http2_reset(k->s, HTTP2_CANCEL);
        client2_turn(&p->client);
        assert_false(p->client.broken || p->rig.users[0].ended);
    }
    done(p);
}

static void a_slow_reader_holds_back_the_application_and_nobody_else(void **state)
{
    struct pair *p = make("http2: on\n");
    struct client2_call *held = client2_ask(&p->client, "GET", "/big", NULL, true);
    static char block[64 * 1024];

    (void)state;
    held->holds = true;
    memset(block, 'x', sizeof block - 1);
    client2_until(&p->client, rig_app_got(&p->rig, 0, "/big"));
    rig_answer(&p->rig, 0, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    size_t sent = 0;
    for (int idle = 0; idle < 50; idle++) {
        ssize_t n = send(p->rig.app_fd[0], block, sizeof block - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        client2_turn(&p->client);
        assert_true(sent < 32 << 20);
    }
    assert_int_equal(held->body.len, HTTP2_APP_STREAM_WINDOW); /* this client's own window */
    struct client2_call *next = client2_ask(&p->client, "GET", "/next", NULL, true);
    client2_until(&p->client, rig_app_got(&p->rig, 1, "/next"));
    rig_answer(&p->rig, 1, OK("1", "1"));
    client2_until(&p->client, next->closed);
    held->holds = false;
    http2_took(held->s, held->body.len);
    size_t before = held->body.len;
    client2_until(&p->client, held->body.len > before + 64 * 1024);
    done(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_a_request_with_identity_and_its_answer_comes_back),
        cmocka_unit_test(streams_run_beside_each_other_and_a_slow_one_holds_up_none),
        cmocka_unit_test(each_stream_counts_among_the_persons),
        cmocka_unit_test(bodies_stream_both_ways),
        cmocka_unit_test(a_refusal_is_of_its_stream_alone),
        cmocka_unit_test(SMG_27_header_blocks_that_smuggle_are_refused_and_reach_nobody),
        cmocka_unit_test(targets_are_read_as_strictly_as_those_of_http1),
        cmocka_unit_test(a_body_of_another_length_than_promised_is_never_whole),
        cmocka_unit_test(without_http2_the_preface_is_no_request),
        cmocka_unit_test(with_http2_a_client_of_http1_is_served_as_ever),
        cmocka_unit_test(a_client_that_goes_away_takes_its_request_with_it),
        cmocka_unit_test(a_browser_that_leaves_page_after_page_is_not_sent_away),
        cmocka_unit_test(a_slow_reader_holds_back_the_application_and_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
