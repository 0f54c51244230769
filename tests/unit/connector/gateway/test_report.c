/* What the broker hears of an app's requests: endpoints, whom rules touched, what was read. */
#include "tests/unit/connector/gateway/rig.h"

#include "connector/gateway/inventory/inventory.h"
#include "lib/proto/gateway.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define JSON(body, n) \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " n "\r\n\r\n" body

static struct api_report report;

/* The next report with a row or a hit; its views live until the one after it. */
static void next(struct rig *r)
{
    unsigned before = r->reports;

    rig_until(r, r->reports > before);
    check_ok(api_report_read(r->report, NULL, &report));
}

static const struct api_row *row_of(const char *path)
{
    for (size_t i = 0; i < report.row_count; i++)
        if (view_is(report.rows[i].path, path))
            return &report.rows[i];
    return NULL;
}

static void what_was_seen_is_told_with_its_shape_and_without_values(void **state)
{
    struct rig r;
    struct buf text;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, GET("/users/17?page=2"));
    rig_until(&r, rig_app_got(&r, 0, "/users/17"));
    rig_answer(&r, 0, JSON("{\"secret\":\"s3cr3t\"}", "19"));
    rig_until(&r, rig_got(&r, 0, "s3cr3t"));
    do
        next(&r);
    while (report.row_count == 0);
    const struct api_row *row = row_of("/users/{user_id}");
    assert_non_null(row);
    assert_true(view_is(row->method, "GET"));
    assert_int_equal(row->calls, 1);
    assert_int_equal(row->users, 1);
    assert_true(view_is(json_str(json_get(json_at(json_get(row->detail, "properties"), 0), "name")),
                        "secret"));
    buf_init(&text, 64 * 1024);
    check_ok(json_write(r.report, &text));
    assert_null(strstr(buf_cstr(&text), "s3cr3t"));
    buf_deinit(&text);
    assert_int_equal(report.coverage[0].requests, 1);
    assert_int_equal(report.coverage[0].read, 1);
    assert_int_equal(report.coverage[0].read_bytes, 19);
    assert_int_equal(report.coverage[0].classes[1], 1); /* 2xx */
    int64_t own = 0, upstream = 0;
    for (size_t i = 0; i < API_BUCKETS; i++) {
        own += report.coverage[0].own[i];
        upstream += report.coverage[0].upstream[i];
    }
    assert_int_equal(own, 1);
    assert_int_equal(upstream, 1);
    assert_true(report.coverage[0].upstream_us > 0);
    rig_deinit(&r);
}

static void who_would_have_been_refused_is_told_once(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "owner: [{match: \"GET /a/{id}\", from: {response: /owner}, "
                 "equals: \"${user.email}\", mode: monitor}]\n");
    for (int i = 0; i < 2; i++) {
        rig_send(&r, 0, GET("/a/17"));
        rig_until(&r, rig_app_got(&r, 0, "/a/17"));
        rig_answer(&r, 0, JSON("{\"owner\":\"other\"}", "17"));
        rig_until(&r, rig_got(&r, 0, "other"));
        r.users[0].in.len = 0;
        r.app_in[0].len = 0;
    }
    do
        next(&r);
    while (report.hit_count == 0);
    assert_int_equal(report.hit_count, 1);
    assert_true(view_is(report.hits[0].reason, "owner"));
    assert_true(view_is(report.hits[0].endpoint, "GET /a/{a_id}"));
    assert_true(id_equal(report.hits[0].session, r.users[0].grant.session));
    int64_t told = report.hits[0].monitor;
    assert_int_equal(report.hits[0].blocked, 0);
    assert_int_equal(report.coverage[0].owner, told);
    while (told < 2) {
        next(&r);
        told += report.hit_count > 0 ? report.hits[0].monitor : 0;
    }
    assert_int_equal(told, 2);
    rig_deinit(&r);
}

/* Rules read it, and it stayed here: it counts as one that was read, and as an answer of ours. */
static void a_withheld_answer_was_read(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "owner: [{match: \"GET /a/{id}\", from: {response: /owner}, "
                 "equals: \"${user.email}\", mode: block}]\n");
    rig_send(&r, 0, GET("/a/17"));
    rig_until(&r, rig_app_got(&r, 0, "/a/17"));
    rig_answer(&r, 0, JSON("{\"owner\":\"other\"}", "17"));
    rig_until(&r, rig_got(&r, 0, "problem:owner"));
    check(!rig_got(&r, 0, "other"));
    do
        next(&r);
    while (report.hit_count == 0);
    assert_int_equal(report.hits[0].blocked, 1);
    assert_int_equal(report.coverage[0].read, 1);
    assert_int_equal(report.coverage[0].read_bytes, 17);
    assert_int_equal(report.coverage[0].classes[3], 1); /* 4xx */
    rig_deinit(&r);
}

/* Minutes of a person are counted when the next one begins. */
static void how_often_one_person_calls_is_told(void **state)
{
    struct rig r;
    int64_t minutes = 0, p99 = 0;

    (void)state;
    rig_init(&r, "");
    for (int i = 0; i < 5; i++) {
        for (int n = 0; n < 3; n++) {
            r.users[0].in.len = r.app_in[0].len = 0;
            rig_send(&r, 0, GET("/a/17"));
            rig_until(&r, rig_app_got(&r, 0, "/a/17"));
            rig_answer(&r, 0, JSON("{}", "2"));
            rig_until(&r, rig_got(&r, 0, "{}"));
        }
        r.now += 60 * 1000;
    }
    while (minutes < 4) {
        next(&r);
        const struct api_row *row = row_of("/a/{a_id}");
        const struct json *pace = row != NULL ? json_get(row->detail, "pace") : NULL;
        if (pace == NULL)
            continue;
        check_ok(json_get_int(pace, "minutes", 0, 100, &minutes));
        check_ok(json_get_int(pace, "p99", 0, 100, &p99));
    }
    assert_int_equal(p99, 3);
    rig_deinit(&r);
}

/* What it holds is told with the first counts, and again only where it has changed. */
static void what_it_holds_is_told(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "rate: [{name: a, key: [user], rate: 1/h}]\n");
    r.now += 60 * 1000; /* the reports of a minute */
    rig_send(&r, 0, GET("/users/17"));
    rig_until(&r, rig_app_got(&r, 0, "/users/17"));
    rig_answer(&r, 0, JSON("{}", "2"));
    do
        next(&r);
    while (report.gauge_count == 0);
    assert_true(report.gauges[0].inventory > 0 && report.gauges[0].detectors > 1024 * 1024);
    assert_int_equal(report.gauges[0].limits, 24 * 65536);
    assert_int_equal(report.gauges[0].document, 0);
    rig_deinit(&r);
}

static const char document[] =
    "openapi: 3.1.0\n"
    "info: {title: t, version: '1'}\n"
    "paths:\n"
    "  /users/{id}:\n"
    "    get:\n"
    "      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
    "      responses:\n"
    "        '200':\n"
    "          description: ok\n"
    "          content: {application/json: {schema: {$ref: '#/components/schemas/User'}}}\n"
    "  /open/{id}:\n"
    "    get:\n"
    "      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
    "      responses:\n"
    "        '200':\n"
    "          description: ok\n"
    "          content: {application/json: {schema: {type: object, properties: {a: {}}, "
    "additionalProperties: true}}}\n"
    "components: {schemas: {User: {allOf: [{type: object, properties: {id: {type: integer}}}, "
    "{properties: {name: {type: string}}}]}}}\n";

static void ask(struct rig *r, const char *request, const char *path, const char *answer)
{
    r->users[0].in.len = r->app_in[0].len = 0;
    rig_send(r, 0, request);
    rig_until(r, rig_app_got(r, 0, path));
    rig_answer(r, 0, answer);
    rig_until(r, rig_got(r, 0, "\r\n\r\n{"));
}

static void GW_42_an_answer_with_more_than_the_document_says_is_drift(void **state)
{
    struct rig r;
    const struct api_row *row;

    (void)state;
    rig_init_documented(&r, "openapi: {file: api.yaml, response: off}\n", document);
    ask(&r, GET("/users/1"), "/users/1", JSON("{\"id\":1,\"name\":\"a\"}", "19"));
    ask(&r, GET("/open/1"), "/open/1", JSON("{\"z\":1}", "7"));
    do
        next(&r);
    while ((row = row_of("/users/{id}")) == NULL || row->calls == 0);
    assert_int_equal(row->states, ENDPOINT_DOCUMENTED);
    ask(&r, GET("/users/1"), "/users/1", JSON("{\"id\":1,\"pin\":\"0\"}", "18"));
    do
        next(&r);
    while ((row = row_of("/users/{id}")) == NULL);
    assert_int_equal(row->states, ENDPOINT_DOCUMENTED | ENDPOINT_DRIFT);
    assert_true(view_is(json_str(json_get(row->detail, "drift_property")), "pin"));
    r.now += 1000;
    gateway_tell_again(r.gateway);
    do
        next(&r);
    while ((row = row_of("/open/{id}")) == NULL);
    assert_int_equal(row->states, ENDPOINT_DOCUMENTED); /* the document lets others be there */
    rig_deinit(&r);
}

static void a_broker_that_was_away_hears_everything_again(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, GET("/users/17"));
    rig_until(&r, rig_app_got(&r, 0, "/users/17"));
    rig_answer(&r, 0, JSON("{}", "2"));
    rig_until(&r, rig_got(&r, 0, "{}"));
    do
        next(&r);
    while (row_of("/users/{user_id}") == NULL);
    int64_t round = report.round;
    r.now += 1000;
    gateway_tell_again(r.gateway);
    do
        next(&r);
    while (row_of("/users/{user_id}") == NULL);
    assert_true(report.ended);
    assert_true(report.round > round);
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_is_told_with_its_shape_and_without_values),
        cmocka_unit_test(who_would_have_been_refused_is_told_once),
        cmocka_unit_test(a_withheld_answer_was_read),
        cmocka_unit_test(what_it_holds_is_told),
        cmocka_unit_test(how_often_one_person_calls_is_told),
        cmocka_unit_test(GW_42_an_answer_with_more_than_the_document_says_is_drift),
        cmocka_unit_test(a_broker_that_was_away_hears_everything_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
