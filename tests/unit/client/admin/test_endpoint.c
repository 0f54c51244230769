/*
 * The commands of endpoints, incidents and gateways against a made-up broker: which requests each
 * of them makes, with which body and version, what it prints, and what it refuses by itself.
 */
#include "client/admin/verbs.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "tests/unit/lib/http/harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PART = 256 * 1024 }; /* of an upload: endpoint.c */

#define WIKI "AAAAAAAAAAAAAAAAAAAAAQ"
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
/* A name may look like an id, so each word is looked up; and for each path that it stands in. */
#define FIND(word) "GET /api/v1/apps?name=" word "&limit=200\n"
#define FIND_TWICE(word) FIND(word) FIND(word)

static struct harness broker;
static char home[64], token[96], output[8192], said[8192];
static struct buf asked;    /* a line a request: METHOD PATH[ if-match][ BODY] */
static struct json *parts;  /* the bodies of an upload */
static const char *refused; /* the path that is answered with a problem; NULL: none */

/* ---- the broker --------------------------------------------------------------------------- */

static void answer(struct response *res, struct view path)
{
    static const struct {
        const char *path, *text;
    } known[] = {
        {"/api/v1/apps", "{\"items\":[{\"id\":\"" WIKI "\",\"name\":\"wiki\"}],\"next\":null}"},
        {"/api/v1/apps/" WIKI "/draft", "{\"openapi\":\"3.1.0\",\"paths\":{}}"},
    };
    struct json *j = NULL;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (view_is(path, known[i].path)) {
            assert_int_equal(json_parse(view_str(known[i].text), 4096, NULL, &j), SP_OK);
            response_json(res, 200, j);
            return;
        }
    j = json_object();
    json_set_cstr(j, "name", "what it is now");
    response_json(res, 200, j);
    response_header(res, "etag", view_str("\"7\""));
}

static void serve(void *arg, const struct request *req, struct response *res)
{
    struct view match = request_header(req, "if-match");
    struct json *body = NULL;

    (void)arg;
    buf_addf(&asked, "%s %.*s", http_method_name(req->method), VIEW_ARG(req->path));
    if (req->query.len > 0)
        buf_addf(&asked, "?%.*s", VIEW_ARG(req->query));
    if (match.len > 0)
        buf_addf(&asked, " if %.*s", VIEW_ARG(match));
    if (parts != NULL && json_parse(req->body, 1 << 20, NULL, &body) == SP_OK)
        json_push(parts, body);
    else if (req->body.len > 0)
        buf_addf(&asked, " %.*s", VIEW_ARG(req->body));
    buf_add_byte(&asked, '\n');
    if (!view_is(request_header(req, "authorization"), "Bearer sat_test")) {
        response_empty(res, 401);
    } else if (refused != NULL && view_is(req->path, refused)) {
        response_text(res, 409, "application/problem+json",
                      view_str("{\"code\":\"conflict\",\"title\":\"Somebody was first.\"}"));
    } else {
        answer(res, req->path);
    }
}

static int begin(void **state)
{
    char url[64];

    (void)state;
    snprintf(home, sizeof home, "/tmp/test-endpoint-XXXXXX");
    assert_non_null(mkdtemp(home));
    snprintf(token, sizeof token, "%s/token", home);
    FILE *f = fopen(token, "w");
    assert_non_null(f);
    fputs("sat_test\n", f);
    fclose(f);
    assert_int_equal(chmod(token, 0600), 0);
    buf_init(&asked, 64 * 1024);
    broker = (struct harness){.handle = serve, .tls = "good", .body_max = 1 << 20};
    harness_start(&broker);
    snprintf(url, sizeof url, "https://localhost:%u", broker.port);
    setenv("HOME", home, 1);
    setenv("XDG_CONFIG_HOME", home, 1);
    setenv("SALLYPORT_BROKER", url, 1);
    char *ca = realpath(data_path("tls/ca.pem"), NULL); /* a setting is an absolute path */
    assert_non_null(ca);
    setenv("SALLYPORT_CA_FILE", ca, 1);
    free(ca);
    setenv("SALLYPORT_TOKEN_FILE", token, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    harness_stop(&broker);
    buf_deinit(&asked);
    unlink(token);
    rmdir(home);
    return 0;
}

/* ---- the command -------------------------------------------------------------------------- */

static void read_back(FILE *f, int own, int fd, char *out, size_t size)
{
    assert_int_equal(dup2(own, fd), fd);
    close(own);
    rewind(f);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    fclose(f);
}

/* Runs it with words that are separated by '|'; output and said are what it printed. */
static int run(const char *line)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int own_out = dup(1), own_err = dup(2);
    char copy[512], *argv[32] = {(char *)"sallyport-admin"};
    int argc = 1;

    assert_true(out != NULL && err != NULL && own_out >= 0 && own_err >= 0);
    snprintf(copy, sizeof copy, "%s", line);
    for (char *save, *w = strtok_r(copy, "|", &save); w != NULL; w = strtok_r(NULL, "|", &save))
        argv[argc++] = w;
    buf_reset(&asked);
    fflush(stdout);
    dup2(fileno(out), 1);
    dup2(fileno(err), 2);
    int code = program_main(&admin_program, argc, argv);
    fflush(stdout);
    fflush(stderr);
    read_back(out, own_out, 1, output, sizeof output);
    read_back(err, own_err, 2, said, sizeof said);
    return code;
}

static const char *asked_text(void)
{
    const char *text = buf_cstr(&asked);

    return text == NULL ? "" : text;
}

static void each_command_is_its_requests(void **state)
{
    static const struct {
        const char *line, *asked;
    } rows[] = {
        {"endpoint|unexpect|e1",
         "GET /api/v1/endpoints/e1\nDELETE /api/v1/endpoints/e1/expected if \"7\"\n"},
        {"endpoint|retire|e1|--deprecated|2026-12-01|--sunset|2026-12-31|--successor|/v2|--after|"
         "block",
         "POST /api/v1/endpoints/e1/retire {\"deprecated\":\"2026-12-01\",\"sunset\":\"2026-12-31\""
         ",\"successor\":\"/v2\",\"after\":\"block\"}\n"},
        {"endpoint|retire|e1", "POST /api/v1/endpoints/e1/retire {}\n"},
        {"endpoint|limit|e1|120", "POST /api/v1/endpoints/e1/limit {\"per_minute\":120}\n"},
        {"endpoint|limit|e1|1|--mode|block",
         "POST /api/v1/endpoints/e1/limit {\"per_minute\":1,\"mode\":\"block\"}\n"},
        {"endpoint|limit|e1|2147483647",
         "POST /api/v1/endpoints/e1/limit {\"per_minute\":2147483647}\n"},
        {"endpoint|split|e1|/reports",
         "POST /api/v1/endpoints/e1/split {\"below\":\"/reports\"}\n"},
        {"endpoint|merge|e1|/reports",
         "POST /api/v1/endpoints/e1/merge {\"below\":\"/reports\"}\n"},
        /* an id is a segment of the path, whatever stands in it */
        {"endpoint|merge|a b?c#d|/", "POST /api/v1/endpoints/a b?c#d/merge {\"below\":\"/\"}\n"},
        {"gateway|mode|wiki|owner|block",
         FIND_TWICE("wiki") "GET /api/v1/apps/" WIKI "\nPUT /api/v1/apps/" WIKI
                            "/gateway/mode if \"7\" "
                            "{\"reason\":\"owner\",\"rule\":\"\",\"mode\":\"block\"}\n"},
        {"gateway|mode|" WIKI "|rate|monitor|--rule|slow",
         FIND_TWICE(WIKI) "GET /api/v1/apps/" WIKI "\nPUT /api/v1/apps/" WIKI
                          "/gateway/mode if \"7\" "
                          "{\"reason\":\"rate\",\"rule\":\"slow\",\"mode\":\"monitor\"}\n"},
        {"gateway|restore|" WIKI "|" SHA "|--reason|it was right",
         FIND_TWICE(WIKI) "GET /api/v1/apps/" WIKI "\nPOST /api/v1/apps/" WIKI "/documents/" SHA
                          "/restore if \"7\" {\"reason\":\"it was right\"}\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (run(rows[i].line) != EXIT_OK)
            fail_msg("%s: %s", rows[i].line, said);
        if (strcmp(asked_text(), rows[i].asked) != 0)
            fail_msg("%s asked\n%sinstead of\n%s", rows[i].line, asked_text(), rows[i].asked);
        assert_non_null(strstr(output, "what it is now"));
        assert_string_equal(said, "");
    }
}

static void what_is_expected_is_so_until_a_time_and_for_a_reason(void **state)
{
    static const struct {
        const char *line, *asked, *group;
        int64_t ms;
    } rows[] = {
        {"endpoint|expect|e1|--for|12h|--reason|a trial",
         "GET /api/v1/endpoints/e1\nPUT /api/v1/endpoints/e1/expected if \"7\" {", NULL,
         INT64_C(12) * 3600 * 1000},
        {"incident|expect|i1|--for|7d|--reason|a trial", "POST /api/v1/incidents/i1/expect {", NULL,
         INT64_C(7) * 24 * 3600 * 1000},
        {"incident|expect|i1|--for|90d|--reason|a trial|--group|corp/staff",
         "POST /api/v1/incidents/i1/expect {", "corp/staff", INT64_C(90) * 24 * 3600 * 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sp_unix_ms before = clock_unix(), until = 0;
        struct json *body = NULL;

        assert_int_equal(run(rows[i].line), EXIT_OK);
        const char *text = asked_text();
        if (strncmp(text, rows[i].asked, strlen(rows[i].asked)) != 0)
            fail_msg("%s asked %s", rows[i].line, text);
        text += strlen(rows[i].asked) - 1;
        assert_int_equal(
            json_parse((struct view){(const uint8_t *)text, strlen(text) - 1}, 4096, NULL, &body),
            SP_OK);
        assert_string_equal(json_cstr(json_get(body, "reason")), "a trial");
        if (rows[i].group != NULL)
            assert_string_equal(json_cstr(json_get(body, "group")), rows[i].group);
        else
            assert_null(json_get(body, "group"));
        assert_int_equal(clock_parse(json_str(json_get(body, "until")), &until), SP_OK);
        assert_true(until >= before + rows[i].ms - 1000 && until <= clock_unix() + rows[i].ms);
        json_free(body);
    }
}

static void what_can_not_be_meant_is_refused_before_anybody_is_asked(void **state)
{
    static const struct {
        const char *line, *said;
    } rows[] = {
        {"endpoint|expect|e1|--for|7d", "--reason TEXT is missing"},
        {"endpoint|expect|e1|--reason|why", "--for is a duration such as 12h, 7d or 90d"},
        {"endpoint|expect|e1|--reason|why|--for|soon", "--for is a duration"},
        {"endpoint|expect|e1|--reason|why|--for|0s", "--for is a duration"},
        {"incident|expect|i1|--for|7d", "--reason TEXT is missing"},
        {"incident|expect|i1|--reason|why", "--for is a duration"},
        {"endpoint|limit|e1|0", "N is how many requests"},
        {"endpoint|limit|e1|2147483648", "N is how many requests"},
        {"endpoint|limit|e1|many", "N is how many requests"},
        {"endpoint|limit|e1", ""},
        {"endpoint|split|e1", ""},
        {"gateway|upload|wiki|/nonexistent", "--note says what is new in the document"},
        {"gateway|upload|wiki|/nonexistent|--note|x", "The file can't be read."},
        {"gateway|restore|wiki|" SHA, "--reason says why"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (run(rows[i].line) != EXIT_USAGE || strstr(said, rows[i].said) == NULL)
            fail_msg("%s said %s", rows[i].line, said);
        assert_string_equal(asked_text(), "");
        assert_string_equal(output, "");
    }
}

static void what_the_broker_refuses_ends_the_command_and_nothing_follows(void **state)
{
    static const struct {
        const char *line, *refused, *asked;
    } rows[] = {
        {"endpoint|unexpect|e1", "/api/v1/endpoints/e1", "GET /api/v1/endpoints/e1\n"},
        {"endpoint|unexpect|e1", "/api/v1/endpoints/e1/expected",
         "GET /api/v1/endpoints/e1\nDELETE /api/v1/endpoints/e1/expected if \"7\"\n"},
        {"endpoint|limit|e1|5", "/api/v1/endpoints/e1/limit",
         "POST /api/v1/endpoints/e1/limit {\"per_minute\":5}\n"},
        {"gateway|mode|wiki|owner|block", "/api/v1/apps", FIND("wiki")},
        {"gateway|mode|" WIKI "|owner|block", "/api/v1/apps/" WIKI,
         FIND_TWICE(WIKI) "GET /api/v1/apps/" WIKI "\n"},
        {"gateway|draft|" WIKI, "/api/v1/apps/" WIKI "/draft",
         FIND(WIKI) "GET /api/v1/apps/" WIKI "/draft\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        refused = rows[i].refused;
        int code = run(rows[i].line);
        refused = NULL;
        if (code != EXIT_ERROR || strstr(said, "Somebody was first.") == NULL)
            fail_msg("%s: %d, %s", rows[i].line, code, said);
        if (strcmp(asked_text(), rows[i].asked) != 0)
            fail_msg("%s asked %s", rows[i].line, asked_text());
        assert_string_equal(output, "");
    }
    /* a name that no app has */
    assert_int_equal(run("gateway|mode|payroll|owner|block"), EXIT_ERROR);
    assert_non_null(strstr(said, "payroll"));
    assert_string_equal(asked_text(), "GET /api/v1/apps?name=payroll&limit=200\n");
    /* nobody is signed in */
    unlink(token);
    assert_int_equal(run("endpoint|limit|e1|5"), EXIT_USAGE);
    assert_int_equal(run("gateway|draft|wiki"), EXIT_USAGE);
    assert_string_equal(asked_text(), "");
    FILE *f = fopen(token, "w");
    fputs("sat_test\n", f);
    fclose(f);
    chmod(token, 0600);
}

static void a_draft_is_printed_as_it_is(void **state)
{
    struct json *j = NULL;

    (void)state;
    assert_int_equal(run("gateway|draft|" WIKI), EXIT_OK);
    assert_int_equal(json_parse(view_str(output), sizeof output, NULL, &j), SP_OK);
    assert_string_equal(json_cstr(json_get(j, "openapi")), "3.1.0");
    assert_null(json_get(j, "schema"));
    json_free(j);
}

/* ---- uploads ------------------------------------------------------------------------------ */

/* `head` bytes, then `piece` again and again until `size`. */
static void write_file(const char *path, size_t head, const char *piece, size_t size)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    for (size_t i = 0; i < head; i++)
        fputc('x', f);
    for (size_t n = head; n < size; n += strlen(piece))
        fputs(piece, f);
    fclose(f);
}

static void a_document_goes_up_in_parts_that_end_between_characters(void **state)
{
    static const struct {
        size_t head, size;
        const char *piece;
        size_t ends[4]; /* of the parts; 0 ends the list */
    } rows[] = {
        {0, 0, "a", {0}},
        {0, 10, "a", {10}},
        {0, PART, "a", {PART}},
        {0, PART + 1, "a", {PART, PART + 1}},
        {0, 2 * PART, "a", {PART, 2 * PART}},
        {1, PART + 3, "\xc3\xb6", {PART - 1, PART + 3}}, /* ö over the end of a part */
        {2, PART + 2, "\xe2\x82\xac", {PART - 2, PART + 4}},
    };
    char path[128], line[256];

    (void)state;
    snprintf(path, sizeof path, "%s/document", home);
    snprintf(line, sizeof line, "gateway|upload|" WIKI "|%s|--note|a new one", path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t at = 0, n = 0, size = rows[i].head;
        int64_t said_at = 0, said_size = 0;

        while (size < rows[i].size)
            size += strlen(rows[i].piece);
        write_file(path, rows[i].head, rows[i].piece, rows[i].size);
        parts = json_array();
        assert_int_equal(run(line), EXIT_OK);
        for (; n < json_len(parts); n++) {
            const struct json *part = json_at(parts, n);
            struct view text = json_str(json_get(part, "text"));

            assert_string_equal(json_cstr(json_get(part, "note")), "a new one");
            assert_int_equal(json_get_int(part, "at", 0, INT64_MAX, &said_at), SP_OK);
            assert_int_equal(json_get_int(part, "size", 0, INT64_MAX, &said_size), SP_OK);
            assert_int_equal(said_at, at);
            assert_int_equal(said_size, size);
            at += text.len;
            if (size > 0)
                assert_int_equal(at, rows[i].ends[n]);
        }
        assert_int_equal(at, size);
        assert_true(n > 0 && (n == 4 || rows[i].ends[n] == 0 || size == 0));
        /* all of them under the version that was read first */
        assert_ptr_equal(strstr(asked_text(), FIND_TWICE(WIKI) "GET /api/v1/apps/" WIKI "\nPUT "),
                         asked_text());
        assert_non_null(strstr(asked_text(), "/document if \"7\"\n"));
        json_free(parts);
        parts = NULL;
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_its_requests),
        cmocka_unit_test(what_is_expected_is_so_until_a_time_and_for_a_reason),
        cmocka_unit_test(what_can_not_be_meant_is_refused_before_anybody_is_asked),
        cmocka_unit_test(what_the_broker_refuses_ends_the_command_and_nothing_follows),
        cmocka_unit_test(a_draft_is_printed_as_it_is),
        cmocka_unit_test(a_document_goes_up_in_parts_that_end_between_characters),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
