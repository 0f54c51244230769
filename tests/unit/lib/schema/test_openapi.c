#include "lib/base/json.h"
#include "tests/unit/lib/schema/documents.h"

static const struct api_strictness as_written;

/* ---- loading ---- */

static void a_document_tells_its_operations(void **state)
{
    struct api_document *d = load(bodies_30);
    const struct api_operation *get = operation(d, "get"), *put = operation(d, "put");

    (void)state;
    assert_int_equal(api_operation_count(d), 3);
    assert_null(api_operation_at(d, 3));
    assert_string_equal(api_title(d), "bodies");
    assert_string_equal(api_version(d), "2");
    assert_int_equal(api_bases(d).count, 2);
    assert_string_equal(api_bases(d).items[0], "/v2");
    assert_string_equal(api_bases(d).items[1], "/old");
    assert_string_equal(get->method, "GET");
    assert_string_equal(get->path, "/pets/{id}");
    assert_true(get->deprecated && !get->has_body && put->has_body && put->body_required);
    assert_int_equal(get->tags.count, 2);
    assert_string_equal(get->tags.items[1], "login");
    assert_int_equal(get->security_count, 2);
    assert_int_equal(get->security[0].count, 2);
    assert_string_equal(get->security[0].schemes[0].name, "oauth");
    assert_string_equal(get->security[0].schemes[0].type, "oauth2");
    assert_int_equal(get->security[0].schemes[0].scopes.count, 2);
    assert_string_equal(get->security[0].schemes[0].scopes.items[1], "write");
    assert_int_equal(get->security[1].count, 0);
    assert_int_equal(put->security_count, 1);
    assert_string_equal(put->security[0].schemes[0].type, "apiKey");
    api_free(d);
}

/* The files beside a document, in memory. */
static sp_error beside(void *arg, const char *name, struct buf *out)
{
    (void)arg;
    if (strcmp(name, "common.yaml") == 0)
        buf_add_str(out, "components:\n  schemas:\n    Id: {type: integer, minimum: 1}\n"
                         "    Node: {type: object, properties: {next: {$ref: "
                         "'#/components/schemas/Node'}, id: {$ref: 'other.json#/id'}}, "
                         "additionalProperties: false}\n"
                         "parameters:\n  page: {name: page, in: query, schema: {type: integer}}\n");
    else if (strcmp(name, "other.json") == 0)
        buf_add_str(out, "{\"id\":{\"$ref\":\"common.yaml#/components/schemas/Id\"}}");
    else
        return SP_ERR_NOT_FOUND;
    return buf_error(out);
}

static const struct api_options with_files = {.read = beside};

#define HEAD "openapi: 3.0.0\ninfo: {title: t, version: '1'}\n"
#define GET(parameters) \
    "paths: {/x: {get: {operationId: x, parameters: [" parameters "], responses: {}}}}\n"

static void refs_lead_to_files_beside_the_document_only(void **state)
{
    static const char good[] =
        HEAD "paths: {/x: {post: {operationId: post, parameters: [{$ref: "
             "'common.yaml#/parameters/page'}], requestBody: {content: {application/json: {schema: "
             "{$ref: './common.yaml#/components/schemas/Node'}}}}}}}\n";
    static const struct {
        const char *text, *pointer, *says;
    } bad[] = {
        {HEAD GET("{$ref: 'missing.yaml#/a'}"), "/paths/~1x/get/parameters/0", "nowhere"},
        {HEAD GET("{$ref: '../common.yaml#/parameters/page'}"), "/paths/~1x/get/parameters/0",
         "nowhere"},
        {HEAD GET("{$ref: '/etc/passwd'}"), "/paths/~1x/get/parameters/0", "nowhere"},
        {HEAD GET("{$ref: 'http://example.com/x.yaml'}"), "/paths/~1x/get/parameters/0", "nowhere"},
        {HEAD GET("{name: a, in: query, schema: {$ref: 'sub/common.yaml#/a'}}"),
         "/paths/~1x/get/parameters/0/schema/$ref", "not a file beside"},
    };
    static const struct body_row rows[] = {
        {"post", JSON, "{\"next\":{\"next\":{\"id\":1}}}", 0, SCHEMA_VALID, NULL},
        {"post", JSON, "{\"next\":{\"next\":{\"id\":0}}}", 0, SCHEMA_REFUSED,
         "minimum@/next/next/id"},
    };
    struct api_document *d = NULL;
    struct api_notes notes = {0};

    (void)state;
    assert_int_equal(api_load(view_str(good), &with_files, &notes, &d), SP_OK);
    api_notes_deinit(&notes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_body(d, &rows[i], &as_written);
    api_free(d);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        d = NULL;
        assert_int_equal(api_load(view_str(bad[i].text), &with_files, &notes, &d), SP_ERR_INVALID);
        assert_null(d);
        assert_string_equal(notes.items[0].pointer, bad[i].pointer);
        if (strstr(notes.items[0].text, bad[i].says) == NULL)
            fail_msg("%s", notes.items[0].text);
        api_notes_deinit(&notes);
    }
}

static void a_document_with_faults_is_refused_as_a_whole(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
        const char *pointer, *says;
    } cases[] = {
        {"", SP_ERR_UNSUPPORTED, "/openapi", "no OpenAPI"},
        {"{", SP_ERR_MALFORMED, "", ""},
        {"a: &b 1", SP_ERR_MALFORMED, "", "anchors"},
        {"a: 1\na: 2", SP_ERR_MALFORMED, "", "twice"},
        {"swagger: '2.0'", SP_ERR_UNSUPPORTED, "/openapi", "Swagger 2.0"},
        {"openapi: 3.2.0", SP_ERR_UNSUPPORTED, "/openapi", "no OpenAPI"},
        {"openapi: 3.0.1\npaths: []", SP_ERR_INVALID, "/paths", "object"},
        {"openapi: 3.0.1\npaths: {x: {}}", SP_ERR_INVALID, "/paths/x", "begins with /"},
        {"openapi: 3.0.1\npaths: {/x: {get: 1}}", SP_ERR_INVALID, "/paths/~1x/get", "object"},
        {"openapi: 3.0.1\n" GET("{name: a, in: body}"), SP_ERR_INVALID,
         "/paths/~1x/get/parameters/0", "path, query"},
        {"openapi: 3.0.1\n" GET("{name: a, in: query, style: matrix, schema: {}}"), SP_ERR_INVALID,
         "/paths/~1x/get/parameters/0", "matrix"},
        {"openapi: 3.0.1\n" GET("{name: a, in: query, schema: {type: wrong}}"), SP_ERR_INVALID,
         "/paths/~1x/get/parameters/0/schema/type", "integer"},
        {"openapi: 3.0.1\n" GET("{$ref: '#/a'}") "a: {$ref: '#/b'}\nb: {$ref: '#/a'}",
         SP_ERR_INVALID, "/paths/~1x/get/parameters/0", "circle"},
        {"openapi: 3.0.1\npaths: {/x: {get: {responses: {2000: {description: x}}}}}",
         SP_ERR_INVALID, "/paths/~1x/get/responses/2000", "status"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_document *d = NULL;
        struct api_notes notes = {0};
        sp_error e = api_load(view_str(cases[i].text), NULL, &notes, &d);
        if (e != cases[i].e || d != NULL || notes.errors == 0 ||
            strcmp(notes.items[0].pointer, cases[i].pointer) != 0 ||
            strstr(notes.items[0].text, cases[i].says) == NULL)
            fail_msg("%s: %s %s %s", cases[i].text, sp_error_code(e),
                     notes.count == 0 ? "-" : notes.items[0].pointer,
                     notes.count == 0 ? "-" : notes.items[0].text);
        api_notes_deinit(&notes);
    }
}

static void what_stays_unchecked_is_said(void **state)
{
    static const char text[] =
        HEAD "paths: {'/x/{id}': {post: {operationId: post, parameters: [{name: p, in: query, "
             "schema: {type: string, pattern: '\\A\\w+\\z'}}], requestBody: {content: "
             "{application/xml: {schema: {type: object}}, application/json: {schema: {type: "
             "string, pattern: '(?<=a+)b'}}}}}}}\n";
    static const char *const says[] = {
        "/paths/~1x~1{id}/post/parameters/0/schema/pattern|not portable",
        "/paths/~1x~1{id}/post|no parameter describes {id}",
        "/paths/~1x~1{id}/post/requestBody/content/application~1xml|not read",
        "/paths/~1x~1{id}/post/requestBody/content/application~1json/schema/pattern|unbounded",
    };
    struct api_document *d = NULL;
    struct api_notes notes = {0};

    (void)state;
    assert_int_equal(api_load(view_str(text), NULL, &notes, &d), SP_OK);
    assert_int_equal(notes.warnings, sizeof says / sizeof *says);
    for (size_t i = 0; i < notes.count; i++) {
        const char *bar = strchr(says[i], '|');
        assert_false(notes.items[i].error);
        assert_int_equal(strlen(notes.items[i].pointer), bar - says[i]);
        assert_memory_equal(notes.items[i].pointer, says[i], (size_t)(bar - says[i]));
        assert_non_null(strstr(notes.items[i].text, bar + 1));
    }
    api_notes_deinit(&notes);
    api_free(d);
}

static struct json *read_case(const char *name)
{
    static char text[64 * 1024];
    const char *top = getenv("srcdir");
    struct json *j = NULL;
    char path[512];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/tests/data/cases/%s", top == NULL ? "." : top, name);
    f = fopen(path, "re");
    if (f == NULL)
        fail_msg("%s can't be read", path);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    assert_int_equal(json_parse(view_str(text), sizeof text, NULL, &j), SP_OK);
    return j;
}

/* The same API in both dialects: one verdict for each body. */
static void C_030_both_dialects_of_null_and_limits_mean_the_same(void **state)
{
    static const char *const names[] = {"C-030.openapi30.json", "C-030.openapi31.json"};
    struct json *bodies = read_case("C-030.bodies.json");

    (void)state;
    assert_int_equal(json_len(bodies), 6);
    for (size_t d = 0; d < 2; d++) {
        struct json *document = read_case(names[d]), *post;
        struct buf text, body;

        post = json_get(json_get(json_get(document, "paths"), "/orders"), "post");
        json_set_cstr(post, "operationId", "order");
        buf_init(&text, 64 * 1024);
        assert_int_equal(json_write(document, &text), SP_OK);
        struct api_document *api = load(buf_cstr(&text));
        for (size_t i = 0; i < json_len(bodies); i++) {
            const struct json *one = json_at(bodies, i);
            bool accept = json_is_true(json_get(one, "accept"));
            buf_init(&body, 4096);
            assert_int_equal(json_write(json_get(one, "body"), &body), SP_OK);
            const struct body_row row = {
                "order", JSON, buf_cstr(&body), 0, accept ? SCHEMA_VALID : SCHEMA_REFUSED, NULL};
            check_body(api, &row, &as_written);
            buf_deinit(&body);
        }
        api_free(api);
        buf_deinit(&text);
        json_free(document);
    }
    json_free(bodies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_030_both_dialects_of_null_and_limits_mean_the_same),
        cmocka_unit_test(a_document_tells_its_operations),
        cmocka_unit_test(refs_lead_to_files_beside_the_document_only),
        cmocka_unit_test(a_document_with_faults_is_refused_as_a_whole),
        cmocka_unit_test(what_stays_unchecked_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
