#include "connector/gateway/problem.h"
#include "connector/gateway/write.h"
#include "lib/base/json.h"
#include "lib/http/phrase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void every_reason_has_name_status_and_title(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_REASONS; i++) {
        assert_non_null(gw_reasons[i].name);
        assert_in_range(gw_reasons[i].status, 400, 504);
        assert_true(gw_reasons[i].title != NULL && gw_reasons[i].title[0] != '\0');
        assert_string_not_equal(http_phrase(gw_reasons[i].status), "");
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(gw_reasons[i].name, gw_reasons[other].name);
    }
}

static void a_zeroed_verdict_refuses_with_403(void **state)
{
    const struct gw_verdict v = {0};

    (void)state;
    assert_int_equal(v.outcome, GW_REFUSE);
    assert_int_equal(problem_status(&v), 403);
}

static const char *answer_of(const struct gw_verdict *v, const struct problem_options *o,
                             bool close, int minor, struct buf *out)
{
    struct gw_problem p;

    buf_init(out, 1 << 16);
    assert_int_equal(gw_problem_make(v, "0123456789abcdef", o, &p), SP_OK);
    assert_int_equal(gw_problem_write(&p, close, minor, out), SP_OK);
    gw_problem_deinit(&p);
    return buf_cstr(out);
}

static void problem_is_json_with_decision_and_details(void **state)
{
    struct gw_verdict v = gw_refuse(GW_REASON_SCHEMA);
    struct gw_words words = {.detail_count = 1, .details = {{"/a/\"b", "type"}}};
    struct problem_options o = {0};
    struct json *body;
    struct buf out;

    (void)state;
    v.words = &words;
    const char *text = answer_of(&v, &o, false, 1, &out);
    assert_non_null(strstr(text, "HTTP/1.1 400 Bad Request\r\n"));
    assert_non_null(strstr(text, "application/problem+json"));
    assert_non_null(strstr(text, "sallyport-decision: 0123456789abcdef\r\n"));
    const char *at = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(json_parse(view_str(at), 4096, NULL, &body), SP_OK);
    assert_string_equal(json_cstr(json_get(body, "type")), "urn:sallyport:problem:schema");
    assert_string_equal(json_cstr(json_get(body, "decision")), "0123456789abcdef");
    assert_string_equal(json_cstr(json_get(json_at(json_get(body, "errors"), 0), "pointer")),
                        "/a/\"b");
    json_free(body);
    buf_deinit(&out);
}

static void limits_challenges_and_cors_are_fields(void **state)
{
    struct gw_verdict v = gw_refuse(GW_REASON_RATE);
    struct gw_words words = {.challenge = "Bearer error=\"x\"",
                             .limit_fields = {"\"per-user\";r=0;t=2"}};
    struct problem_options o = {.origin = view_str("https://spa")};
    struct buf out;

    (void)state;
    v.retry_after_ms = 1001;
    v.words = &words;
    const char *text = answer_of(&v, &o, true, 1, &out);
    assert_non_null(strstr(text, "retry-after: 2\r\n"));
    assert_non_null(strstr(text, "www-authenticate: Bearer error=\"x\"\r\n"));
    assert_non_null(strstr(text, "ratelimit: \"per-user\";r=0;t=2\r\n"));
    assert_non_null(strstr(text, "access-control-allow-origin: https://spa\r\n"));
    assert_non_null(strstr(text, "connection: close\r\n"));
    assert_non_null(strstr(text, "\"retry_after\":2"));
    buf_deinit(&out);
}

static void a_browser_gets_a_page_and_head_gets_no_body(void **state)
{
    struct gw_verdict v = gw_refuse(GW_REASON_METHOD);
    struct problem_options o = {.html = true, .allowed = 1u << GW_GET | 1u << GW_PUT};
    struct buf out;

    (void)state;
    const char *text = answer_of(&v, &o, false, 1, &out);
    assert_non_null(strstr(text, "text/html"));
    assert_non_null(strstr(text, "allow: GET, PUT\r\n"));
    buf_deinit(&out);
    o.head = true;
    text = answer_of(&v, &o, false, 1, &out);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    buf_deinit(&out);
    assert_true(problem_prefers_html(view_str("text/html,application/xhtml+xml,*/*;q=0.8")));
    assert_false(problem_prefers_html(view_str("application/json, text/html")));
    assert_false(problem_prefers_html(view_str("*/*")));
    assert_false(problem_prefers_html(view_str("")));
}

static void a_request_is_written_with_our_framing(void **state)
{
    struct gw_field fields[] = {{view_str("accept"), view_str("*/*")}};
    struct gw_field own[] = {{view_str("sallyport-user"), view_str("ann")}};
    struct gw_request r = {.method = GW_POST,
                           .target = {.path = view_str("/a"), .query = view_str("b=1")},
                           .field_count = 1,
                           .fields = fields};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(
        write_request(&r, &(struct write_to){.prefix = view_str("/base"), .host = view_str("h:1")},
                      (struct write_fields){own, 1}, &out),
        SP_OK);
    assert_string_equal(buf_cstr(&out), "POST /base/a?b=1 HTTP/1.1\r\nhost: h:1\r\naccept: */*\r\n"
                                        "content-length: 0\r\nsallyport-user: ann\r\n\r\n");
    buf_reset(&out);
    r.body = (struct gw_message_body){.kind = GW_BODY_CHUNKED};
    assert_int_equal(write_request(&r, &(struct write_to){.host = view_str("h")},
                                   (struct write_fields){0}, &out),
                     SP_OK);
    assert_non_null(strstr(buf_cstr(&out), "\r\ntransfer-encoding: chunked\r\n"));
    assert_null(strstr(buf_cstr(&out), "content-length"));
    buf_deinit(&out);
}

static void an_answer_is_framed_for_its_client(void **state)
{
    static const struct {
        enum gw_body_kind kind;
        bool until_close, close;
        int minor, status;
        enum gw_method method;
        const char *has, *lacks;
    } rows[] = {
        {GW_BODY_LENGTH, false, false, 1, 200, GW_GET, "content-length: 7", "chunked"},
        {GW_BODY_CHUNKED, false, false, 1, 200, GW_GET, "transfer-encoding: chunked", "length"},
        {GW_BODY_NONE, true, false, 1, 200, GW_GET, "transfer-encoding: chunked", "length"},
        {GW_BODY_CHUNKED, false, true, 0, 200, GW_GET, "connection: close", "chunked"},
        {GW_BODY_NONE, false, false, 1, 200, GW_GET, "content-length: 0", "chunked"},
        {GW_BODY_NONE, false, false, 1, 204, GW_GET, "204 No Content", "content-length"},
        {GW_BODY_LENGTH, false, false, 1, 200, GW_HEAD, "content-length: 7", "chunked"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_response r = {.status = rows[i].status,
                                .body = {.kind = rows[i].kind, .length = 7}};
        struct write_answer to = {rows[i].method, rows[i].minor, rows[i].close};
        struct buf out;

        buf_init(&out, 4096);
        enum gw_body_kind kind = write_body_kind(&r, &to, rows[i].until_close);
        assert_int_equal(write_response(&r, &to, kind, (struct write_fields){0}, &out), SP_OK);
        if (strstr(buf_cstr(&out), rows[i].has) == NULL ||
            strstr(buf_cstr(&out), rows[i].lacks) != NULL)
            fail_msg("row %zu: %s", i, buf_cstr(&out));
        buf_deinit(&out);
    }
}

static void chunks_are_written_in_hex(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    write_chunk_head(0x1f, &out);
    write_chunk_tail(&out);
    write_chunk_last(&out);
    assert_string_equal(buf_cstr(&out), "1f\r\n\r\n0\r\n\r\n");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_name_status_and_title),
        cmocka_unit_test(a_zeroed_verdict_refuses_with_403),
        cmocka_unit_test(problem_is_json_with_decision_and_details),
        cmocka_unit_test(limits_challenges_and_cors_are_fields),
        cmocka_unit_test(a_browser_gets_a_page_and_head_gets_no_body),
        cmocka_unit_test(a_request_is_written_with_our_framing),
        cmocka_unit_test(an_answer_is_framed_for_its_client),
        cmocka_unit_test(chunks_are_written_in_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
