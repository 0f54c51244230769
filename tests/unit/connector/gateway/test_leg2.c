#include "connector/gateway/exchange.h"
#include "connector/gateway/grpc.h"
#include "tests/unit/connector/gateway/client2.h"

#include <stdio.h>
#include <stdlib.h>

/* An application that speaks HTTP/2, on the connections that the rig accepts. */

enum { APP_CALLS = 24, APP_LINKS = 4 };

struct app_call {
    struct http2_stream *s;
    size_t link;
    struct buf head, body;
    bool ended, closed;
    uint32_t code;
};

struct app_link {
    struct app *app;
    struct http2 *h2;
    size_t at;
};

struct app {
    struct rig *rig;
    struct client2 *client;
    struct app_link links[APP_LINKS];
    size_t count;
    struct app_call calls[APP_CALLS];
};

static const struct http2_limits limits = {64 * 1024, 200};

static bool on_begins(void *arg, struct http2_stream *s)
{
    struct app_link *l = arg;
    struct app_call *k = &l->app->calls[l->app->count++];

    k->s = s;
    k->link = (size_t)(l - l->app->links);
    buf_init(&k->head, 1 << 20);
    buf_init(&k->body, 16 << 20);
    http2_use(s, k);
    return l->app->count < APP_CALLS;
}

static void on_head(void *arg, void *user, struct http2_stream *s, bool end)
{
    struct arena_pool pool = {.max = 1 << 20};
    struct app_call *k = user;
    struct gw_field *f;
    struct arena *a;
    size_t n;

    (void)arg;
    check_ok(arena_new(&pool, 1 << 20, &a));
    check_ok(http2_fields(s, a, &f, &n));
    for (size_t i = 0; i < n; i++) {
        buf_add(&k->head, f[i].name);
        buf_add_str(&k->head, ": ");
        buf_add(&k->head, f[i].value);
        buf_add_byte(&k->head, '\n');
    }
    arena_free(a);
    k->ended = end;
}

static void on_data(void *arg, void *user, struct view data)
{
    struct app_call *k = user;

    (void)arg;
    check_ok(buf_append(&k->body, data));
    http2_took(k->s, data.len);
}

static void on_end(void *arg, void *user, struct http2_stream *s)
{
    (void)arg;
    (void)s;
    ((struct app_call *)user)->ended = true;
}

static void ignored(void *arg, void *user)
{
    (void)arg;
    (void)user;
}

static void on_closed(void *arg, void *user, uint32_t code)
{
    struct app_call *k = user;

    (void)arg;
    k->s = NULL;
    k->closed = true;
    k->code = code;
}

static const struct http2_events events = {.begins = on_begins,
                                           .head = on_head,
                                           .data = on_data,
                                           .end = on_end,
                                           .drained = ignored,
                                           .broken = ignored,
                                           .closed = on_closed};

static void app_turn(struct app *a)
{
    client2_turn(a->client);
    for (size_t i = 0; i < a->rig->app_count && i < APP_LINKS; i++) {
        struct app_link *l = &a->links[i];
        struct buf *in = &a->rig->app_in[i];
        struct view v;
        l->app = a;
        if (l->h2 == NULL)
            check_ok(http2_new(HTTP2_SERVER, &limits, &events, l, &l->h2));
        if (l->at < in->len) {
            v = view_slice(buf_view(in), l->at, in->len);
            l->at = in->len;
            check_ok(http2_take(l->h2, v));
        }
        while (a->rig->app_fd[i] >= 0 && http2_give(l->h2, &v) == SP_OK && v.len > 0)
            assert_int_equal(send(a->rig->app_fd[i], v.at, v.len, MSG_NOSIGNAL), v.len);
    }
}

#define app_until(a, cond)                        \
    do {                                          \
        int64_t app_end = clock_boot() + 5000;    \
        while (!(cond) && clock_boot() < app_end) \
            app_turn(a);                          \
        check(cond);                              \
    } while (0)

struct three {
    struct rig rig;
    struct client2 client;
    struct app app;
};

static struct three *make(const char *conf)
{
    struct three *t = calloc(1, sizeof *t);

    assert_non_null(t);
    rig_init(&t->rig, conf);
    client2_init(&t->client, &t->rig, 0);
    t->app.rig = &t->rig;
    t->app.client = &t->client;
    return t;
}

static void done(struct three *t)
{
    for (size_t i = 0; i < APP_LINKS; i++)
        http2_free(t->app.links[i].h2);
    for (size_t i = 0; i < t->app.count; i++) {
        buf_deinit(&t->app.calls[i].head);
        buf_deinit(&t->app.calls[i].body);
    }
    client2_deinit(&t->client);
    rig_deinit(&t->rig);
    free(t);
}

static void answer(struct app_call *k, int status, const char *type, const char *body, bool end)
{
    const struct gw_field f[] = {{view_str("content-type"), view_str(type)}};

    check_ok(http2_answer(k->s, status, (struct write_fields){f, 1}, (struct write_fields){0},
                          body == NULL && end));
    if (body == NULL)
        return;
    check_ok(http2_write(k->s, view_str(body)));
    if (end)
        check_ok(http2_end(k->s, (struct write_fields){0}));
}

static void end_with_status(struct app_call *k, const char *status)
{
    const struct gw_field f[] = {{view_str("grpc-status"), view_str(status)},
                                 {view_str("sallyport-user"), view_str("root")}};

    check_ok(http2_end(k->s, (struct write_fields){f, 2}));
}

static bool has(struct buf *b, const char *text)
{
    return strstr(buf_cstr(b), text) != NULL;
}

#define BOTH "http2: on\nupstream: {http2: on}\n"
#define CALLS "http2: on\ngrpc: on\nupstream: {http2: on}\n"

static const char *const grpc[] = {"content-type", "application/grpc+proto", "te", "trailers",
                                   NULL};

static void requests_of_one_user_share_a_connection_to_the_application(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *one = client2_ask(&t->client, "GET", "/one?a=1", NULL, true);
    struct client2_call *two = client2_ask(&t->client, "POST", "/two", NULL, false);

    (void)state;
    client2_say(two, "abc", true);
    app_until(&t->app, t->app.count == 2 && t->app.calls[1].ended);
    check(has(&t->app.calls[0].head, ":path: /one?a=1\n"));
    check(has(&t->app.calls[0].head, "sallyport-user: ann\n"));
    check(has(&t->app.calls[1].body, "abc"));
    answer(&t->app.calls[1], 201, "text/plain", "second", true);
    app_until(&t->app, two->closed);
    check(client2_got(two, ":status: 201\n") && client2_got(two, "second") && !one->closed);
    answer(&t->app.calls[0], 200, "text/plain", "first", true);
    app_until(&t->app, one->closed);
    check(client2_got(one, "first") && client2_got(one, "sallyport-decision: "));
    assert_int_equal(t->rig.app_count, 1);
    done(t);
}

static void GW_08_two_users_never_share_one(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *k = client2_ask(&t->client, "GET", "/ann", NULL, true);

    (void)state;
    app_until(&t->app, t->app.count == 1);
    rig_send(&t->rig, 1, "GET /bob HTTP/1.1\r\nHost: h\r\n\r\n"); /* HTTP/1 in front, 2 behind */
    app_until(&t->app, t->app.count == 2);
    assert_int_not_equal(t->app.calls[0].link, t->app.calls[1].link);
    check(has(&t->app.calls[1].head, "sallyport-user: bob\n"));
    answer(&t->app.calls[1], 200, "text/plain", "hi bob", true);
    app_until(&t->app, rig_got(&t->rig, 1, "hi bob"));
    check(rig_got(&t->rig, 1, "HTTP/1.1 200 OK\r\n"));
    answer(&t->app.calls[0], 204, "text/plain", NULL, true);
    app_until(&t->app, k->closed);
    done(t);
}

/* ---- owner rules that ask first ------------------------------------------------------------ */

#define ASKS                                                                                  \
    BOTH "owner: [{match: 'PUT /a/{id}', from: {preflight: 'GET /a/{id}', pointer: /owner}, " \
         "equals: '${user.name}', mode: block}]\ndetectors: {inventory: off}\n"

static struct client2_call *put_and_be_asked(struct three *t)
{
    struct client2_call *k = client2_ask(&t->client, "PUT", "/a/7", NULL, false);

    client2_say(k, "body", true);
    app_until(&t->app, t->app.count == 1 && t->app.calls[0].ended);
    check(has(&t->app.calls[0].head, ":method: GET\n"));
    check(has(&t->app.calls[0].head, ":path: /a/7\n"));
    check(has(&t->app.calls[0].head, "sallyport-user: ann\n"));
    return k;
}

static void own_object_is_written(struct three *t, struct client2_call *k, size_t at)
{
    answer(&t->app.calls[at], 200, "application/json", "{\"owner\":\"ann\"}", true);
    app_until(&t->app, t->app.count == at + 2 && t->app.calls[at + 1].ended);
    check(has(&t->app.calls[at + 1].head, ":method: PUT\n"));
    check(has(&t->app.calls[at + 1].body, "body"));
    answer(&t->app.calls[at + 1], 204, "text/plain", NULL, true);
    app_until(&t->app, k->closed);
    check(client2_got(k, ":status: 204\n"));
}

static void GW_50_a_preflight_is_a_stream_of_the_users_connection(void **state)
{
    struct three *t = make(ASKS);
    struct client2_call *k = put_and_be_asked(t);

    (void)state;
    own_object_is_written(t, k, 0);
    assert_int_equal(t->rig.app_count, 1);
    assert_int_equal(t->rig.told, 0);
    done(t);
}

static void GW_50_a_foreign_object_is_as_it_was(void **state)
{
    struct three *t = make(ASKS);
    struct client2_call *k = put_and_be_asked(t);

    (void)state;
    answer(&t->app.calls[0], 200, "application/json", "{\"owner\":\"bob\"}", true);
    app_until(&t->app, k->closed);
    check(client2_got(k, ":status: 403\n") && client2_got(k, "problem:owner"));
    check(!client2_got(k, "bob"));
    assert_int_equal(t->app.count, 1);
    done(t);
}

static void a_preflight_that_was_not_looked_at_is_asked_once_more(void **state)
{
    struct three *t = make(ASKS);
    struct client2_call *k = put_and_be_asked(t);

    (void)state;
    http2_reset(t->app.calls[0].s, HTTP2_REFUSED_STREAM);
    app_until(&t->app, t->app.count == 2 && t->app.calls[1].ended);
    check(has(&t->app.calls[1].head, ":method: GET\n"));
    own_object_is_written(t, k, 1);
    done(t);
}

static void a_preflight_without_an_answer_writes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct three *t = make(ASKS);
        struct client2_call *k = put_and_be_asked(t);
        const char *status = ":status: 502\n";
        if (i == 0) {
            http2_reset(t->app.calls[0].s, HTTP2_INTERNAL_ERROR);
        } else if (i == 1) { /* half of an answer */
            answer(&t->app.calls[0], 200, "application/json", "{\"owner\"", false);
            app_turn(&t->app);
            http2_reset(t->app.calls[0].s, HTTP2_INTERNAL_ERROR);
        } else {
            answer(&t->app.calls[0], 404, "text/plain", "none", true);
            status = ":status: 404\n";
        }
        app_until(&t->app, k->closed);
        check(client2_got(k, status));
        assert_int_equal(t->app.count, 1);
        done(t);
    }
}

/* Its caller has gone: nobody waits for the answer, and the application is told. */
static void a_preflight_ends_with_its_request(void **state)
{
    struct three *t = make(ASKS);
    struct client2_call *k = put_and_be_asked(t);

    (void)state;
    http2_reset(k->s, HTTP2_CANCEL);
    app_until(&t->app, t->app.calls[0].closed);
    assert_int_equal(t->app.calls[0].code, HTTP2_CANCEL);
    assert_int_equal(t->app.count, 1);
    done(t);
}

/* Twenty names of methods that are not there are a scan, though HTTP says 200 each time; a call
 * that the application does not know is no endpoint. */
static void GW_73_detectors_see_the_status_of_a_call(void **state)
{
    struct three *t = make(CALLS "detectors: {scanner: block}\n");
    struct client2_call *k = NULL;

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        char path[40];
        snprintf(path, sizeof path, "/pkg.Echo/Try%zu", i);
        k = client2_ask(&t->client, "POST", path, grpc, true);
        app_until(&t->app, t->app.count == i + 1 && t->app.calls[i].ended);
        answer(&t->app.calls[i], 200, "application/grpc", NULL, false);
        end_with_status(&t->app.calls[i], "12");
        app_until(&t->app, k->closed);
    }
    k = client2_ask(&t->client, "POST", "/pkg.Echo/Once", grpc, true);
    app_until(&t->app, k->closed);
    check(client2_got(k, "grpc-status: 7\n"));
    assert_int_equal(t->app.count, 20);
    done(t);
}

static void GW_73_a_status_of_gRPC_means_one_of_HTTP(void **state)
{
    static const struct {
        const char *text;
        int http;
    } rows[] = {{"0", 200},  {"3", 400},  {"5", 404},  {"7", 403},  {"8", 429}, {"12", 404},
                {"14", 503}, {"16", 401}, {"17", 500}, {"00", 500}, {"", 500},  {"ok", 500}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (grpc_http_status(view_str(rows[i].text)) != rows[i].http)
            fail_msg("%s", rows[i].text);
}

static void GW_73_C_034_a_call_streams_both_ways_and_its_trailers_arrive(void **state)
{
    struct three *t = make(CALLS);
    struct client2_call *k = client2_ask(&t->client, "POST", "/pkg.Echo/Chat", grpc, false);
    const struct view message = {(const uint8_t *)"\0\0\0\0\3abc", 8};

    (void)state;
    app_until(&t->app, t->app.count == 1 && t->app.calls[0].head.len > 0);
    check(has(&t->app.calls[0].head, "te: trailers\n"));
    for (int i = 1; i < 4; i++) { /* each message is answered before the next is sent */
        check_ok(http2_write(k->s, message));
        app_until(&t->app, t->app.calls[0].body.len == (size_t)i * message.len);
        if (i == 1)
            answer(&t->app.calls[0], 200, "application/grpc", NULL, false);
        check_ok(http2_write(t->app.calls[0].s, message));
        app_until(&t->app, k->body.len == (size_t)i * message.len);
    }
    check(!k->ended);
    end_with_status(&t->app.calls[0], "5");
    app_until(&t->app, k->closed);
    check(client2_got(k, "grpc-status: 5\n"));
    check(!client2_got(k, "root")); /* ours alone may say that name, in trailers too */
    done(t);
}

static void GW_73_refusals_are_statuses_of_gRPC(void **state)
{
    struct three *t = make(CALLS "operations: [{match: \"POST /pkg.Echo/Admin\", deny: on}]\n"
                                 "limits: {body: 16KiB, inspect: 1KiB, line: 1KiB}\n"
                                 "rate: [{name: r, key: [user], rate: 2/h, burst: 2}]\n");
    static const uint8_t large[] = {0, 0, 1, 0, 0};
    static const uint8_t odd[] = {9, 0, 0, 0, 0};

    (void)state;
    struct client2_call *k = client2_ask(&t->client, "POST", "/pkg.Echo/Admin", grpc, false);
    app_until(&t->app, k->closed);
    check(client2_got(k, ":status: 200\n") && client2_got(k, "grpc-status: 7\n"));
    check(client2_got(k, "content-type: application/grpc\n"));
    check(client2_got(k, "grpc-message: ") && client2_got(k, "sallyport-decision: "));

    k = client2_ask(&t->client, "POST", "/pkg.Echo/Say", grpc, false);
    check_ok(http2_write(k->s, (struct view){large, sizeof large}));
    app_until(&t->app, k->closed);
    check(client2_got(k, "grpc-status: 8\n"));

    k = client2_ask(&t->client, "POST", "/pkg.Echo/Say", grpc, false);
    check_ok(http2_write(k->s, (struct view){odd, sizeof odd}));
    app_until(&t->app, k->closed);
    check(client2_got(k, "grpc-status: 3\n"));

    k = client2_ask(&t->client, "POST", "/pkg.Echo/Say", grpc, false);
    app_until(&t->app, k->closed);
    check(client2_got(k, "grpc-status: 8\n")); /* the rate */

    gateway_person_limit(t->rig.users[0].person, t->rig.now);
    k = client2_ask(&t->client, "POST", "/pkg.Echo/Say", grpc, false);
    app_until(&t->app, k->closed);
    check(client2_got(k, "grpc-status: 16\n"));
    done(t);
}

static void a_call_past_its_deadline_ends_on_both_sides(void **state)
{
    struct three *t = make(CALLS);
    const char *const soon[] = {"content-type", "application/grpc", "grpc-timeout", "50m", NULL};
    struct client2_call *k = client2_ask(&t->client, "POST", "/pkg.Echo/Say", soon, false);

    (void)state;
    app_until(&t->app, t->app.count == 1);
    answer(&t->app.calls[0], 200, "application/grpc", NULL, false);
    app_until(&t->app, k->closed && t->app.calls[0].closed);
    check(client2_got(k, "grpc-status: 4\n"));
    assert_int_equal(t->app.calls[0].code, HTTP2_CANCEL);
    done(t);
}

static void C_034_without_grpc_a_call_is_415(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *k = client2_ask(&t->client, "POST", "/pkg.Echo/Say", grpc, false);

    (void)state;
    app_until(&t->app, k->closed);
    check(client2_got(k, ":status: 415\n"));
    assert_int_equal(t->rig.app_count, 0);
    done(t);
}

static void a_stream_that_the_application_did_not_look_at_is_asked_again(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *k = client2_ask(&t->client, "DELETE", "/once", NULL, true);

    (void)state;
    app_until(&t->app, t->app.count == 1 && t->app.calls[0].ended);
    http2_reset(t->app.calls[0].s, HTTP2_REFUSED_STREAM);
    app_until(&t->app, t->app.count == 2 && t->app.calls[1].ended);
    answer(&t->app.calls[1], 200, "text/plain", "done", true);
    app_until(&t->app, k->closed);
    check(client2_got(k, "done"));
    done(t);
}

static void an_application_that_goes_away_is_502(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *k = client2_ask(&t->client, "POST", "/x", NULL, true);

    (void)state;
    app_until(&t->app, t->app.count == 1 && t->app.calls[0].ended);
    rig_hang_up(&t->rig, 0);
    app_until(&t->app, k->closed);
    check(client2_got(k, ":status: 502\n") && client2_got(k, "problem:upstream_down"));
    done(t);
}

static void a_client_that_cancels_cancels_at_the_application(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *k = client2_ask(&t->client, "GET", "/slow", NULL, true);

    (void)state;
    app_until(&t->app, t->app.count == 1 && t->app.calls[0].ended);
    http2_reset(k->s, HTTP2_CANCEL);
    app_until(&t->app, t->app.calls[0].closed);
    assert_int_equal(t->app.calls[0].code, HTTP2_CANCEL);
    done(t);
}

static void a_slow_client_holds_back_its_own_stream_alone(void **state)
{
    struct three *t = make(BOTH);
    struct client2_call *held = client2_ask(&t->client, "GET", "/big", NULL, true);
    static char block[1 << 20];

    (void)state;
    held->holds = true;
    memset(block, 'x', sizeof block - 1);
    app_until(&t->app, t->app.count == 1 && t->app.calls[0].ended);
    answer(&t->app.calls[0], 200, "application/octet-stream", block, false);
    for (int i = 0; i < 300; i++)
        app_turn(&t->app);
    /* the rest of the MiB waits at the application */
    size_t here = sizeof block - 1 - http2_held(t->app.calls[0].s) - held->body.len;
    print_message("waits in the gateway: %zu bytes\n", here);
    assert_in_range(here, ASKER_OUT_MAX, HTTP2_APP_STREAM_WINDOW + ASKER_OUT_MAX);
    struct client2_call *next = client2_ask(&t->client, "GET", "/next", NULL, true);
    app_until(&t->app, t->app.count == 2 && t->app.calls[1].ended);
    answer(&t->app.calls[1], 200, "text/plain", "quick", true);
    app_until(&t->app, next->closed);
    held->holds = false;
    http2_took(held->s, held->body.len);
    app_until(&t->app, held->body.len == sizeof block - 1);
    done(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_one_user_share_a_connection_to_the_application),
        cmocka_unit_test(GW_08_two_users_never_share_one),
        cmocka_unit_test(GW_50_a_preflight_is_a_stream_of_the_users_connection),
        cmocka_unit_test(GW_50_a_foreign_object_is_as_it_was),
        cmocka_unit_test(a_preflight_that_was_not_looked_at_is_asked_once_more),
        cmocka_unit_test(a_preflight_without_an_answer_writes_nothing),
        cmocka_unit_test(a_preflight_ends_with_its_request),
        cmocka_unit_test(GW_73_detectors_see_the_status_of_a_call),
        cmocka_unit_test(GW_73_a_status_of_gRPC_means_one_of_HTTP),
        cmocka_unit_test(GW_73_C_034_a_call_streams_both_ways_and_its_trailers_arrive),
        cmocka_unit_test(GW_73_refusals_are_statuses_of_gRPC),
        cmocka_unit_test(a_call_past_its_deadline_ends_on_both_sides),
        cmocka_unit_test(C_034_without_grpc_a_call_is_415),
        cmocka_unit_test(a_stream_that_the_application_did_not_look_at_is_asked_again),
        cmocka_unit_test(an_application_that_goes_away_is_502),
        cmocka_unit_test(a_client_that_cancels_cancels_at_the_application),
        cmocka_unit_test(a_slow_client_holds_back_its_own_stream_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
