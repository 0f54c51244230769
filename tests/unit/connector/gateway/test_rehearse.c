#include "connector/gateway/rehearse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char document[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"servers\":[{\"url\":"
    "\"https://x/v1\"}],\"paths\":{\"/users/{id}\":{\"get\":{\"operationId\":\"user\","
    "\"parameters\":[{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":"
    "\"integer\"}}],\"responses\":{\"200\":{\"description\":\"\",\"content\":{\"application/json\":"
    "{\"schema\":{\"type\":\"object\",\"required\":[\"name\"]}}}}}}},\"/users/me\":{\"get\":{"
    "\"operationId\":\"me\",\"responses\":{\"200\":{\"description\":\"\"}}}},\"/notes\":{\"post\":{"
    "\"operationId\":\"note\",\"requestBody\":{\"required\":true,\"content\":{\"application/"
    "json\":{"
    "\"schema\":{\"type\":\"object\",\"required\":[\"text\"]}}}},\"responses\":{\"201\":{"
    "\"description\":\"\"}}}}}}";

/* One entry of a HAR file, at second `s`. */
static void add(struct buf *har, unsigned s, const char *method, const char *url, const char *type,
                const char *body, int status, const char *answer)
{
    struct json *e = json_object(), *q = json_object(), *r = json_object(), *c = json_object();
    struct buf text;
    char at[64];

    buf_init(&text, 8192);
    snprintf(at, sizeof at, "2026-11-25T12:%02u:%02u.5+02:00", s / 60, s % 60);
    json_set_cstr(e, "startedDateTime", at);
    json_set_cstr(q, "method", method);
    json_set_cstr(q, "url", url);
    json_set(q, "headers", json_array());
    if (body != NULL) {
        struct json *post = json_object();
        json_set_cstr(post, "mimeType", type);
        json_set_cstr(post, "text", body);
        json_set(q, "postData", post);
    }
    json_set_int(r, "status", status);
    json_set_cstr(c, "mimeType", "application/json; charset=utf-8");
    json_set_cstr(c, "text", answer);
    json_set_int(c, "size", (int64_t)strlen(answer));
    json_set(r, "content", c);
    json_set(e, "request", q);
    json_set(e, "response", r);
    assert_int_equal(json_write(e, &text), SP_OK);
    if (har->len > 0)
        buf_add_byte(har, ',');
    buf_add(har, buf_view(&text));
    buf_deinit(&text);
    json_free(e);
}

static const char *who_name = "ann", *who_email = "ann@example.test";

static struct rehearsal play(const char *conf_text, const struct api_document *d,
                             const struct buf *entries)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct gwconf *conf = NULL;
    struct rehearsal r;
    struct view group = view_str("idp/staff");
    struct buf har;

    buf_init(&har, 1 << 20);
    buf_addf(&har, "{\"log\":{\"version\":\"1.2\",\"entries\":[%.*s]}}", (int)entries->len,
             (const char *)entries->at);
    if (gwconf_parse(view_str(conf_text), &why, &conf) != SP_OK)
        fail_msg("%s", why.text);
    const struct rehearsal_options o = {.conf = conf,
                                        .document = d,
                                        .caller = {.name = view_str(who_name),
                                                   .email = view_str(who_email),
                                                   .groups = &group,
                                                   .group_count = 1,
                                                   .alive = true}};
    if (rehearse_har(buf_view(&har), &o, &why, &r) != SP_OK)
        fail_msg("%s", why.text);
    gwconf_free(conf);
    buf_deinit(&har);
    return r;
}

static const struct rehearsal_finding *found(const struct rehearsal *r, const char *reason,
                                             const char *rule)
{
    for (size_t i = 0; i < r->finding_count; i++) {
        if (strcmp(r->findings[i].reason, reason) == 0 &&
            strncmp(r->findings[i].rule, rule, strlen(rule)) == 0)
            return &r->findings[i];
    }
    fail_msg("no %s %s", reason, rule);
    return NULL;
}

static void test_rules_are_replayed_at_the_times_of_the_record(void **state)
{
    struct buf har;

    (void)state;
    buf_init(&har, 1 << 20);
    for (unsigned s = 0; s < 10; s++)
        add(&har, 10 * s, "GET", "https://x/v1/a?q=1", NULL, NULL, 200, "{}");
    add(&har, 101, "DELETE", "https://x/v1/a", NULL, NULL, 200, "{}");
    add(&har, 102, "GET", "https://x/admin/y", NULL, NULL, 200, "{}");
    add(&har, 103, "POST", "https://x/v1/a?file=../../etc", "application/json",
        "{\"n\":\"x' or '1'='1\"}", 200, "{}");
    add(&har, 104, "GET", "https://x/old/z", NULL, NULL, 200, "{}");
    add(&har, 105, "TRACE", "https://x/v1/a", NULL, NULL, 200, "{}");
    add(&har, 106, "GET", "https://x/v1/../secret", NULL, NULL, 200, "{}");
    add(&har, 107, "GET", "about:blank", NULL, NULL, 200, "{}");
    struct rehearsal r =
        play("operations:\n"
             " - { match: '/admin/**', groups: [idp/admins] }\n"
             "rate:\n"
             " - { name: slow, match: 'GET /v1/a', key: [user], rate: 3/m, burst: 2 }\n"
             " - { name: seen, match: 'GET /v1/**', key: [user], rate: 1/h, mode: "
             "monitor }\n"
             "methods: [GET, POST]\n"
             "input_rules: { mode: block, sqli: free-text, path_traversal: monitor }\n"
             "retire: [ { match: '/old/**', sunset: 2026-01-01, after: block } ]\n",
             NULL, &har);
    assert_int_equal(r.requests, 16);
    assert_int_equal(r.unreadable, 1);
    /* 10 s apart, 3 a minute, burst 2: 0 10 20 . 40 . 60 . 80 . */
    const struct rehearsal_finding *f = found(&r, "rate", "slow");
    assert_int_equal(f->count, 4);
    assert_true(f->blocks && f->status == 429);
    assert_string_equal(f->example, "GET /v1/a");
    assert_false(found(&r, "rate", "seen")->blocks);
    assert_int_equal(found(&r, "policy", "")->count, 1);
    assert_int_equal(found(&r, "method", "")->count, 2);
    assert_int_equal(found(&r, "gone", "")->status, 410);
    assert_true(found(&r, "input", "sqli")->blocks);
    assert_false(found(&r, "input", "path_traversal")->blocks);
    assert_int_equal(found(&r, "framing", "")->status, 400);
    assert_int_equal(r.blocked, 4 + 1 + 2 + 1 + 1 + 1);
    assert_int_equal(r.passed, r.requests - r.blocked);
    buf_deinit(&har);
}

static void test_a_document_judges_requests_and_answers(void **state)
{
    struct api_notes notes = {0};
    struct api_document *d = NULL;
    struct buf har;

    (void)state;
    buf_init(&har, 1 << 20);
    assert_int_equal(api_load(view_str(document), NULL, &notes, &d), SP_OK);
    add(&har, 1, "GET", "https://x/v1/users/7", NULL, NULL, 200, "{\"name\":\"a\"}");
    add(&har, 2, "GET", "https://x/v1/users/me", NULL, NULL, 200, "{}");
    add(&har, 3, "GET", "https://x/v1/users/seven", NULL, NULL, 200, "{\"name\":\"a\"}");
    add(&har, 4, "GET", "https://x/v1/users/8", NULL, NULL, 200, "{\"title\":\"a\"}");
    add(&har, 5, "POST", "https://x/v1/notes", "application/json", "{\"txt\":1}", 201, "");
    add(&har, 6, "GET", "https://x/v1/else", NULL, NULL, 200, "{}");
    add(&har, 7, "DELETE", "https://x/v1/notes", NULL, NULL, 200, "{}"); /* a known path */
    add(&har, 8, "HEAD", "https://x/v1/users/8", NULL, NULL, 200, "");   /* as GET is */
    add(&har, 9, "GET", "https://x/v1/users/9", NULL, NULL, 200, "{\"name\":\"a\"}");
    struct rehearsal r = play("openapi: { file: x.json, request: block, response: monitor, "
                              "unknown_endpoint: block }\n"
                              /* what is refused before it pays for nothing */
                              "rate: [ { name: all, key: [user], rate: 1/h, burst: 7 } ]\n",
                              d, &har);
    assert_int_equal(r.requests, 9);
    assert_int_equal(found(&r, "method", "")->status, 405);
    assert_int_equal(found(&r, "schema", "parameter")->count, 1);
    assert_true(found(&r, "schema", "body")->blocks);
    assert_false(found(&r, "schema", "response")->blocks);
    assert_int_equal(found(&r, "unknown_endpoint", "")->status, 404);
    assert_int_equal(r.blocked, 4);
    api_free(d);
    api_notes_deinit(&notes);
    buf_deinit(&har);
}

static void test_what_is_no_record(void **state)
{
    static const char *const bad[] = {"", "[]", "{}", "{\"log\":{}}", "{\"log\":{\"entries\":7}}"};
    struct gwconf *conf = NULL;
    struct rehearsal r;

    (void)state;
    assert_int_equal(gwconf_parse(view_str(""), NULL, &conf), SP_OK);
    const struct rehearsal_options o = {.conf = conf};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        if (rehearse_har(view_str(bad[i]), &o, &why, &r) != SP_ERR_MALFORMED)
            fail_msg("%s", bad[i]);
    }
    assert_int_equal(rehearse_har(view_str("{\"log\":{\"entries\":[7,{},[]]}}"), &o, NULL, &r),
                     SP_OK);
    assert_int_equal(r.unreadable, 3);
    gwconf_free(conf);
}

static void collect(void *arg, const char *text)
{
    buf_addf(arg, "%s;", text);
}

static void test_what_is_not_judged_is_said(void **state)
{
    struct gwconf *conf = NULL;
    struct buf said;

    (void)state;
    buf_init(&said, 4096);
    assert_int_equal(
        gwconf_parse(
            view_str("oauth: { require: on, issuers: [ { iss: x, jwks_file: k, aud: [a], "
                     "algs: [ES256] } ] }\n"
                     "rate: [ { name: t, key: [token_client], rate: 1/s } ]\n"
                     "owner: [ { match: /a, from: { response: /o }, equals: '${user.id}' } ]\n"
                     "detectors: { bola: block }\n"),
            NULL, &conf),
        SP_OK);
    const struct rehearsal_options o = {.conf = conf};
    rehearse_unjudged(&o, collect, &said);
    assert_string_equal(
        buf_cstr(&said),
        "access tokens: their signatures need the issuer's keys;limits with the key "
        "token_client: there is no token;owner rules on ids, attributes and claims: the record "
        "does not have them;"
        "detectors that block: they learn from days of traffic;");
    gwconf_free(conf);
    buf_deinit(&said);
}

static const char owners[] =
    "owner:\n"
    " - {match: 'GET /a/{id}', from: {response: /owner}, equals: '${user.email}', mode: block}\n"
    " - {match: 'PUT /a/{id}', from: {preflight: 'GET /a/{id}', pointer: /owner}, equals: "
    "'${user.email}', mode: block}\n"
    " - {match: 'GET /of/{name}', from: {path: name}, equals: '${user.name}', mode: monitor}\n"
    " - {match: 'POST /n', from: {body: /by}, equals: '${app.subject}', mode: block}\n"
    "subject: {match: 'GET /me', pointer: /id}\n"
    "detectors: {exposure: block, pollution: block}\n";

static void test_owner_rules_are_judged_by_the_answers_of_the_record(void **state)
{
    struct buf har;

    (void)state;
    buf_init(&har, 1 << 20);
    add(&har, 1, "GET", "https://x/a/1", NULL, NULL, 200, "{\"owner\":\"ann@example.test\"}");
    add(&har, 2, "GET", "https://x/a/2", NULL, NULL, 200, "{\"owner\":\"bob@example.test\"}");
    add(&har, 3, "GET", "https://x/a/3", NULL, NULL, 404, "{}");
    add(&har, 4, "PUT", "https://x/a/1", "application/json", "{}", 204, "");
    add(&har, 5, "PUT", "https://x/a/2", "application/json", "{}", 204, "");
    add(&har, 6, "PUT", "https://x/a/9", "application/json", "{}", 204, ""); /* never shown */
    add(&har, 7, "GET", "https://x/of/ann", NULL, NULL, 200, "{}");
    add(&har, 8, "GET", "https://x/of/bob", NULL, NULL, 200, "{}");
    add(&har, 9, "POST", "https://x/n", "application/json", "{\"by\":\"u9\"}", 200, "{}");
    add(&har, 10, "GET", "https://x/me", NULL, NULL, 200, "{\"id\":\"u7\"}");
    add(&har, 11, "POST", "https://x/n", "application/json", "{\"by\":\"u7\"}", 200, "{}");
    add(&har, 12, "POST", "https://x/n", "application/json", "{\"by\":\"u9\"}", 200, "{}");
    struct rehearsal r = play(owners, NULL, &har);
    assert_int_equal(r.requests, 12);
    assert_int_equal(r.blocked, 3); /* a/2 read, a/2 written, u9's after the app said u7 */
    assert_int_equal(r.owners_unknown, 1);
    assert_int_equal(found(&r, "owner", "owner")->count, 3);
    bool noted = false;
    for (size_t i = 0; i < r.finding_count; i++)
        noted = noted || (!r.findings[i].blocks && strcmp(r.findings[i].reason, "owner") == 0 &&
                          r.findings[i].count == 1);
    assert_true(noted); /* of/bob */

    who_email = ""; /* nobody said whose requests they are: nobody is blamed */
    r = play(owners, NULL, &har);
    who_email = "ann@example.test";
    assert_int_equal(r.blocked, 1);
    buf_deinit(&har);
}

static void test_exposure_and_pollution_are_judged(void **state)
{
    struct buf har;

    (void)state;
    buf_init(&har, 1 << 20);
    add(&har, 1, "GET", "https://x/p", NULL, NULL, 200, "{\"password\":\"hunter2hunter2\"}");
    add(&har, 2, "GET", "https://x/p?a=1&a=2", NULL, NULL, 200, "{}");
    add(&har, 3, "POST", "https://x/p", "application/json", "{\"a\":1,\"a\":2}", 200, "{}");
    add(&har, 4, "GET", "https://x/p?a=1&b=2", NULL, NULL, 200, "{\"name\":\"ann\"}");
    struct rehearsal r = play(owners, NULL, &har);
    assert_int_equal(r.blocked, 3);
    assert_int_equal(found(&r, "exposure", "exposure")->status, 502);
    assert_int_equal(found(&r, "duplicate_parameter", "pollution")->count, 2);
    buf_deinit(&har);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_rules_are_judged_by_the_answers_of_the_record),
        cmocka_unit_test(test_exposure_and_pollution_are_judged),
        cmocka_unit_test(test_rules_are_replayed_at_the_times_of_the_record),
        cmocka_unit_test(test_a_document_judges_requests_and_answers),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_what_is_not_judged_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
