/* What stands in place of an http app that is not given: who gets a page, its status, its text. */
#include "client/agent/webanswer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "GET / HTTP/1.1\r\nHost: 127.77.3.9\r\n"

static void a_page_is_for_who_navigates(void **state)
{
    static const struct {
        const char *head;
        bool http, page, no_body;
    } rows[] = {
        {"", false, false, false},
        {"\x16\x03\x01\x02", false, false, false}, /* TLS */
        {"\x16"
         "5GET - HTTP/1.1\r\n\r\n",
         false, false, false},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false, false, false},
        {"SSH-2.0-OpenSSH\r\n\r\n", false, false, false},
        {HEAD "\r\n", true, false, false},
        {HEAD "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\r\n", true, true, false},
        {HEAD "aCCept:\tTEXT/HTML\r\n\r\n", true, true, false},
        {HEAD "Accept: application/json, text/html\r\n\r\n", true, false, false},
        {HEAD "Accept: */*\r\n\r\n", true, false, false},
        {HEAD "X-Accept: text/html\r\n\r\n", true, false, false},
        {HEAD "\r\nAccept: text/html\r\n\r\n", true, false, false}, /* in the body */
        {"HEAD /a HTTP/1.0\r\nAccept: text/html\r\n\r\n", true, true, true},
        {"GET http://elsewhere/ HTTP/1.1\r\n\r\n", true, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hosthead_asks a = hosthead_asks(view_str(rows[i].head));
        assert_int_equal(a.http, rows[i].http);
        assert_int_equal(a.page, rows[i].page);
        assert_int_equal(a.head, rows[i].no_body);
    }
}

static struct webanswer denial(enum exit_code exit)
{
    return (struct webanswer){.app = "wiki",
                              .broker = "https://access.example.org",
                              .device = {{1}},
                              .why = refusal_make(exit, "denied", "Denied: wiki.",
                                                  "<img src=x> \x1b[2J closed.",
                                                  "Turn it on, then `sallyport posture --send`")};
}

static const char *written(const struct webanswer *w, struct hosthead_asks asks, struct buf *out)
{
    buf_reset(out);
    assert_int_equal(webanswer_write(w, asks, out), SP_OK);
    buf_add_byte(out, 0);
    assert_int_equal(buf_error(out), SP_OK);
    return (const char *)out->at;
}

static void each_end_has_its_status(void **state)
{
    static const struct {
        enum exit_code exit;
        const char *line, *title;
        bool checks;
    } rows[] = {
        {EXIT_LOGIN, "HTTP/1.1 401 ", "<h1>Sign in to open wiki</h1>", false},
        {EXIT_DENIED, "HTTP/1.1 403 ", "<h1>wiki is closed for now</h1>", true},
        {EXIT_POSTURE, "HTTP/1.1 403 ", "<h1>wiki is closed for now</h1>", true},
        {EXIT_STEP_UP, "HTTP/1.1 401 ", "<h1>wiki asks for a newer code</h1>", true},
        {EXIT_SESSION, "HTTP/1.1 401 ", "<h1>Your session on wiki has ended</h1>", true},
        {EXIT_UNREACHABLE, "HTTP/1.1 503 ", "<h1>wiki can&#39;t be reached now</h1>", false},
        {EXIT_INTEGRITY, "HTTP/1.1 502 ", "<h1>The way to wiki can&#39;t be trusted</h1>", false},
        {EXIT_ERROR, "HTTP/1.1 503 ", "<h1>wiki can&#39;t be reached now</h1>", false},
    };
    struct buf out;

    (void)state;
    buf_init(&out, WEBANSWER_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct webanswer w = denial(rows[i].exit);
        const char *text = written(&w, (struct hosthead_asks){.http = true, .page = true}, &out);
        assert_memory_equal(text, rows[i].line, strlen(rows[i].line));
        assert_non_null(strstr(text, rows[i].title));
        assert_int_equal(strstr(text, "/denied?app=wiki&device=") != NULL, rows[i].checks);
        assert_int_equal(strstr(text, "WWW-Authenticate: ") != NULL,
                         strncmp(rows[i].line + 9, "401", 3) == 0);
    }
    buf_deinit(&out);
}

static void no_text_is_markup_and_programs_get_a_problem(void **state)
{
    struct webanswer w = denial(EXIT_DENIED);
    struct json *o = NULL;
    struct buf out;
    (void)state;

    buf_init(&out, WEBANSWER_MAX);
    snprintf(w.why.request, sizeof w.why.request, "R-7Q4K9M");
    const char *text = written(&w, (struct hosthead_asks){.http = true, .page = true}, &out);
    assert_null(strstr(text, "<img"));
    assert_null(strchr(text, 0x1b));
    assert_non_null(strstr(text, "&lt;img src=x&gt;"));
    assert_non_null(strstr(text, "<code>sallyport posture --send</code>"));
    assert_non_null(strstr(text, "R-7Q4K9M"));
    text = written(&w, (struct hosthead_asks){.http = true}, &out);
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(strstr(text, "Content-Type: application/problem+json\r\n"));
    assert_non_null(body);
    assert_int_equal(json_parse(view_str(body + 4), 4096, NULL, &o), SP_OK);
    assert_string_equal(json_cstr(json_get(o, "code")), "denied");
    assert_string_equal(json_cstr(json_get(o, "request_id")), "R-7Q4K9M");
    json_free(o);
    text = written(&w, (struct hosthead_asks){.http = true, .page = true, .head = true}, &out);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    buf_deinit(&out);
}

static void what_has_no_room_is_no_answer(void **state)
{
    struct webanswer w = denial(EXIT_DENIED);
    struct buf out;
    (void)state;

    buf_init(&out, 400);
    assert_int_equal(webanswer_write(&w, (struct hosthead_asks){.http = true}, &out), SP_ERR_LIMIT);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_for_who_navigates),
        cmocka_unit_test(each_end_has_its_status),
        cmocka_unit_test(no_text_is_markup_and_programs_get_a_problem),
        cmocka_unit_test(what_has_no_room_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
