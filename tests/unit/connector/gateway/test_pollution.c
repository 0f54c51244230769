#include "tests/unit/connector/gateway/rig.h"

/* GW-53, and what the document marks as meant to leave. */

static const char document[] =
    "openapi: 3.1.0\n"
    "info: {title: t, version: '1'}\n"
    "paths:\n"
    "  /users/{id}:\n"
    "    parameters:\n"
    "      - {name: id, in: path, required: true, schema: {type: string}}\n"
    "      - {name: tag, in: query, schema: {type: array, items: {type: string}}}\n"
    "    get:\n"
    "      responses: {'200': {content: {application/json: {schema: {$ref: "
    "'#/components/schemas/user'}}}}}\n"
    "    put: {responses: {'200': {description: ok}}}\n"
    "  /tokens: {post: {x-sallyport-sensitive: true, responses: {'200': {description: ok}}}}\n"
    "components: {schemas: {user: {type: object, properties: {\n"
    "  token: {type: string, x-sallyport-sensitive: true},\n"
    "  cards: {type: array, items: {allOf: [{x-sallyport-sensitive: true}]}},\n"
    "  note: {type: string}}}}}\n";

#define CONF                                                               \
    "openapi: {file: api.yaml, request: block, unknown_endpoint: 'off'}\n" \
    "detectors: {pollution: block, exposure: block}\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define SEND(method, path, type, n, body)                                                  \
    method " " path " HTTP/1.1\r\nHost: h\r\nContent-Type: " type "\r\nContent-Length: " n \
           "\r\n\r\n" body
#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

static void GW_53_one_name_with_two_values_is_refused(void **state)
{
    static const struct {
        const char *request, *says; /* NULL: it passes */
    } cases[] = {
        {GET("/free?a=1&a=2"), "query/a"},
        {GET("/free?a=1&b=2&a=1"), NULL}, /* the same value: nobody can be misled */
        {GET("/free?a%5b%5d=1&a[]=2"), NULL},
        {GET("/users/7?tag=a&tag=b"), NULL}, /* the document says it is a list */
        {GET("/users/7?other=a&other=b"), "query/other"},
        {GET("/users/7?id=8"), "query/id"},
        {GET("/users/7?id=7"), NULL},
        {SEND("POST", "/free", FORM, "7", "a=1&a=2"), "/a"},
        {SEND("POST", "/free", JSON, "13", "{\"a\":1,\"a\":2}"), "duplicate"},
        {SEND("PUT", "/users/7", JSON, "8", "{\"id\":8}"), "/id"},
        {SEND("PUT", "/users/7", JSON, "8", "{\"id\":7}"), NULL},
        {SEND("PUT", "/users/7", FORM, "4", "id=8"), "/id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_init_documented(&r, CONF, document);
        rig_send(&r, 0, cases[i].request);
        rig_until(&r, r.app_count > 0 || rig_got(&r, 0, "\r\n\r\n{"));
        if (cases[i].says == NULL
                ? r.app_count == 0
                : !rig_got(&r, 0, "HTTP/1.1 400 ") || !rig_got(&r, 0, "duplicate_parameter") ||
                      !rig_got(&r, 0, cases[i].says))
            fail_msg("%s: %s", cases[i].request, buf_cstr(&r.users[0].in));
        rig_deinit(&r);
    }
}

static void what_the_document_marks_sensitive_may_leave(void **state)
{
    static const char jwt[] = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl";
    static const struct {
        const char *request, *before, *after;
        bool leaves;
    } cases[] = {
        {GET("/users/7"), "\"token\":", "", true},
        {GET("/users/7"), "\"cards\":[", "]", true},
        {GET("/users/7"), "\"note\":", "", false},
        {GET("/users/7"), "\"other\":{\"token\":", "}", false},
        {SEND("POST", "/tokens", JSON, "2", "{}"), "\"any\":", "", true},
        {GET("/free"), "\"token\":", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct buf answer, body;
        buf_init(&body, 1024);
        buf_init(&answer, 1024);
        buf_addf(&body, "{%s\"%s\"%s}", cases[i].before, jwt, cases[i].after);
        buf_addf(&answer,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 body.len, buf_cstr(&body));
        rig_init_documented(&r, CONF, document);
        rig_send(&r, 0, cases[i].request);
        rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
        rig_answer_bytes(&r, 0, buf_view(&answer));
        rig_until(&r, rig_got(&r, 0, "\r\n\r\n{"));
        if (rig_got(&r, 0, jwt) != cases[i].leaves)
            fail_msg("%zu: %s", i, buf_cstr(&r.users[0].in));
        rig_deinit(&r);
        buf_deinit(&answer);
        buf_deinit(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_53_one_name_with_two_values_is_refused),
        cmocka_unit_test(what_the_document_marks_sensitive_may_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
