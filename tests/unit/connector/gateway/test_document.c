#include "tests/unit/connector/gateway/rig.h"

#include "lib/crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

static const char document[] =
    "openapi: 3.1.0\n"
    "info: {title: pets, version: '1'}\n"
    "paths:\n"
    "  /pets/{id}:\n"
    "    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
    "    get:\n"
    "      operationId: get\n"
    "      parameters: [{name: limit, in: query, schema: {type: integer, maximum: 10}}]\n"
    "      responses: {'200': {content: {application/json: {schema: {type: object, required: "
    "[name], properties: {name: {type: string}}}}}}}\n"
    "    post:\n"
    "      operationId: post\n"
    "      requestBody: {required: true, content: {application/json: {schema: {type: object, "
    "required: [name], properties: {name: {type: string, maxLength: 3}}}}}}\n"
    "      responses: {'200': {description: ok}}\n";

#define BLOCK \
    "openapi: {file: api.yaml, request: block, response: block, unknown_endpoint: block}\n"
#define MONITOR "openapi: {file: api.yaml}\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST(type, n, body)                                                            \
    "POST /pets/7 HTTP/1.1\r\nHost: h\r\nContent-Type: " type "\r\nContent-Length: " n \
    "\r\n\r\n" body
#define JSON "application/json"
#define ANSWER(type, n, body) \
    "HTTP/1.1 200 OK\r\nContent-Type: " type "\r\nContent-Length: " n "\r\n\r\n" body

/* What the gateway answers itself, and what it says besides. */
static void requests_that_break_the_document_are_refused_with_a_pointer(void **state)
{
    static const struct {
        const char *request, *status, *says[3];
    } cases[] = {
        {GET("/nothing"), "404", {"unknown_endpoint", NULL, NULL}},
        {"DELETE /pets/7 HTTP/1.1\r\nHost: h\r\n\r\n",
         "405",
         {"method", "allow: GET, HEAD, POST", NULL}},
        {GET("/pets/seven"), "400", {"problem:schema", "path/id", "\"type\""}},
        {GET("/pets/7?limit=11"), "400", {"problem:schema", "query/limit", "maximum"}},
        {GET("/pets/7?limit=1&limit=2"), "400", {"duplicate_parameter", "query/limit", NULL}},
        {POST(JSON, "15", "{\"name\":\"long\"}"), "400", {"problem:schema", "/name", "maxLength"}},
        {POST(JSON, "2", "{}"), "400", {"problem:schema", "required", NULL}},
        {POST(JSON, "1", "{"), "400", {"problem:schema", "json", NULL}},
        {POST(JSON, "21", "{\"name\":1,\"name\":\"a\"}"),
         "400",
         {"duplicate_parameter", NULL, NULL}},
        {POST("text/plain", "1", "x"), "415", {"media_type", NULL, NULL}},
        {"POST /pets/7 HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Encoding: "
         "br\r\nContent-Length: 1\r\n\r\nx",
         "415",
         {"media_type", NULL, NULL}},
        {"POST /pets/7 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
         "400",
         {"problem:schema", "required", NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        char line[32];
        rig_init_documented(&r, BLOCK, document);
        rig_send(&r, 0, cases[i].request);
        snprintf(line, sizeof line, "HTTP/1.1 %s ", cases[i].status);
        rig_until(&r, rig_got(&r, 0, "urn:sallyport:problem:"));
        for (int t = 0; t < 5; t++)
            rig_turn(&r);
        for (size_t k = 0; k < 3 && cases[i].says[k] != NULL; k++) {
            if (!rig_got(&r, 0, line) || !rig_got(&r, 0, cases[i].says[k]))
                fail_msg("%s: no %s in %.*s", cases[i].request, cases[i].says[k],
                         (int)r.users[0].in.len, (const char *)r.users[0].in.at);
        }
        assert_int_equal(r.app_count, 0);
        assert_int_equal(r.told, 1);
        rig_deinit(&r);
    }
}

static void what_the_document_describes_passes_unchanged(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BLOCK, document);
    rig_send(&r, 0, POST(JSON, "14", "{\"name\":\"abc\"}"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n{\"name\":\"abc\"}"));
    rig_answer(&r, 0, ANSWER("text/html", "3", "<p>"));
    rig_until(&r, rig_got(&r, 0, "<p>"));
    rig_send(&r, 0, GET("/pets/7?limit=10"));
    rig_until(&r, rig_app_got(&r, 0, "GET /pets/7?limit=10 "));
    rig_answer(&r, 0, ANSWER(JSON, "12", "{\"name\":\"a\"}"));
    rig_until(&r, rig_got(&r, 0, "{\"name\":\"a\"}"));
    assert_int_equal(r.told, 0);
    rig_deinit(&r);
}

static void an_answer_that_breaks_the_document_is_withheld(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BLOCK, document);
    rig_send(&r, 0, GET("/pets/7"));
    rig_until(&r, rig_app_got(&r, 0, "GET /pets/7 "));
    rig_answer(&r, 0, ANSWER(JSON, "19", "{\"secret\":\"s3cr3t\"}"));
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 502 "));
    rig_until(&r, rig_got(&r, 0, "required"));
    check(!rig_got(&r, 0, "s3cr3t"));
    assert_int_equal(r.told, 1);
    /* the record: which text it was held to, and the size of what nobody got */
    struct hash text = hash_sha256(view_str(document));
    check(r.trace.documented);
    assert_memory_equal(r.trace.document, text.bytes, sizeof text.bytes);
    assert_int_equal(r.trace.response_bytes, 19);
    check(r.trace.latency_us > 0);
    assert_int_equal(strlen(r.trace.decision), 16);
    assert_string_equal(r.found_by, ""); /* an exact rule */
    rig_deinit(&r);
}

/* GW-63 for the schema: the same requests, told and not stopped. */
static void monitor_tells_what_block_would_have_done(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, MONITOR, document);
    rig_send(&r, 0, GET("/nothing?x=1"));
    rig_until(&r, rig_app_got(&r, 0, "GET /nothing?x=1 "));
    rig_answer(&r, 0, ANSWER("text/plain", "1", "1"));
    rig_until(&r, r.told == 1);
    assert_string_equal(r.reason, "unknown_endpoint");
    rig_send(&r, 0, POST(JSON, "15", "{\"name\":\"long\"}"));
    rig_until(&r, rig_app_got(&r, 0, "{\"name\":\"long\"}"));
    rig_answer(&r, 0, ANSWER("text/plain", "1", "2"));
    rig_until(&r, r.told == 2);
    assert_string_equal(r.reason, "schema");
    rig_send(&r, 0, GET("/pets/7"));
    rig_until(&r, rig_app_got(&r, 0, "GET /pets/7 "));
    rig_answer(&r, 0, ANSWER(JSON, "2", "{}"));
    rig_until(&r, r.told == 3);
    rig_until(&r, rig_got(&r, 0, "\r\n\r\n{}"));
    rig_deinit(&r);
}

/* Free texts: what the schema narrows is no attack, whatever it looks like. */
static const char noted[] =
    "openapi: 3.1.0\n"
    "info: {title: notes, version: '1'}\n"
    "paths:\n"
    "  /notes:\n"
    "    parameters:\n"
    "      - {name: q, in: query, schema: {type: string}}\n"
    "      - {name: sort, in: query, schema: {type: string, enum: [\"1' OR '1'='1\"]}}\n"
    "    get: {responses: {'200': {description: ok}}}\n"
    "    post:\n"
    "      requestBody: {content: {application/json: {schema: {type: object, properties: {\n"
    "        text: {type: string}, kind: {const: \"1' OR '1'='1\"}}}}}}\n"
    "      responses: {'200': {description: ok}}\n"
    "  /free: {post: {responses: {'200': {description: ok}}}}\n";

#define ATTACK "1'%20OR%20'1'='1"
#define BODY(path, n, body)                                                   \
    "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n" \
    "Content-Length: " n "\r\n\r\n" body

static void GW_60_only_texts_that_the_schema_leaves_free_are_judged(void **state)
{
    static const struct {
        const char *request, *says; /* NULL: it passes */
    } cases[] = {
        {GET("/notes?q=" ATTACK), "query/q"},
        {GET("/notes?other=" ATTACK), "query/other"},
        {GET("/notes?sort=" ATTACK), NULL},
        {BODY("/notes", "24", "{\"text\":\"1' OR '1'='1\"} "), "\"/text\""},
        {BODY("/notes", "24", "{\"kind\":\"1' OR '1'='1\"} "), NULL},
        {BODY("/free", "24", "{\"text\":\"1' OR '1'='1\"} "), "\"/text\""},
        /* not read to its end: every text of it counts as free */
        {GET("/notes?sort=1&sort=" ATTACK), "sort"},
        {BODY("/free", "8", "{\"broken"), "problem:schema"},
        {BODY("/free", "20", "{\"a\":\"x\",\"a\":\"drop\"}"), "duplicate_parameter"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_init_documented(&r,
                            "openapi: {file: api.yaml, request: monitor, unknown_endpoint: 'off'}\n"
                            "input_rules: {mode: block, sqli: free-text, xss: free-text}\n",
                            noted);
        rig_send(&r, 0, cases[i].request);
        rig_until(&r, r.app_count > 0 || rig_got(&r, 0, "\r\n\r\n{"));
        for (int t = 0; t < 5; t++)
            rig_turn(&r);
        if (cases[i].says == NULL ? r.app_count == 0
                                  : r.app_count > 0 || !rig_got(&r, 0, cases[i].says))
            fail_msg("%s: %s", cases[i].request, buf_cstr(&r.users[0].in));
        rig_deinit(&r);
    }
}

/* Without a length it would stream by, and its schema with it. */
static void a_multipart_body_says_how_long_it_is_where_its_schema_blocks(void **state)
{
    static const char described[] =
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /up:\n    post:\n"
        "      requestBody: {content: {multipart/form-data: {schema: {type: object, properties: "
        "{a: {type: string}}}}}}\n"
        "      responses: {'200': {description: ok}}\n";
    static const char request[] =
        "POST /up HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    struct rig r;

    (void)state;
    rig_init_documented(&r, BLOCK, described);
    rig_send(&r, 0, request);
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 411 ") && rig_got(&r, 0, "problem:length_required"));
    assert_int_equal(r.app_count, 0);
    rig_deinit(&r);
    rig_init_documented(&r, MONITOR, described);
    rig_send(&r, 0, request);
    rig_until(&r, rig_app_got(&r, 0, "POST /up "));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_break_the_document_are_refused_with_a_pointer),
        cmocka_unit_test(what_the_document_describes_passes_unchanged),
        cmocka_unit_test(an_answer_that_breaks_the_document_is_withheld),
        cmocka_unit_test(monitor_tells_what_block_would_have_done),
        cmocka_unit_test(a_multipart_body_says_how_long_it_is_where_its_schema_blocks),
        cmocka_unit_test(GW_60_only_texts_that_the_schema_leaves_free_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
