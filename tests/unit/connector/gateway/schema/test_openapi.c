#include "connector/gateway/schema/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 8 * 1024 * 1024 };

static const struct api_strictness as_written, strict = {true, true, NULL, NULL};

static struct api_document *load(const char *text)
{
    struct api_document *d = NULL;
    struct api_notes notes = {0};
    sp_error e = api_load(view_str(text), NULL, NULL, &notes, &d);

    if (e != SP_OK)
        fail_msg("%s: %s", sp_error_text(e),
                 notes.count == 0 ? "" : notes.items[notes.count - 1].text);
    api_notes_deinit(&notes);
    return d;
}

static const struct api_operation *operation(const struct api_document *d, const char *id)
{
    for (size_t i = 0; i < api_operation_count(d); i++) {
        const struct api_operation *op = api_operation_at(d, i);
        if (op->id != NULL && strcmp(op->id, id) == 0)
            return op;
    }
    fail_msg("no operation %s", id);
    return NULL;
}

/* ---- parameters ---- */

/* One parameter of each style and shape; `x` is its name everywhere. */
static const char styles[] =
    "openapi: 3.1.0\n"
    "info: {title: styles, version: '1'}\n"
    "components:\n"
    "  schemas:\n"
    "    list: {type: array, items: {type: integer}, maxItems: 3}\n"
    "    words: {type: array, items: {type: string}, minItems: 1}\n"
    "    object: {type: object, required: [R], additionalProperties: false,\n"
    "             properties: {R: {type: integer}, G: {type: integer}, N: {type: string}}}\n"
    "paths:\n"
#define PATH(id, style, explode, schema)                                                     \
    "  /" id "/{x}: {get: {operationId: " id ", parameters: [{name: x, in: path, required: " \
    "true, style: " style ", explode: " explode ", schema: " schema "}]}}\n"
#define PLACE(id, in, style, explode, schema)                               \
    "  /" id ": {get: {operationId: " id ", parameters: [{name: x, in: " in \
    ", required: true, style: " style ", explode: " explode ", schema: " schema "}]}}\n"
#define LIST "{$ref: '#/components/schemas/list'}"
#define WORDS "{$ref: '#/components/schemas/words'}"
#define OBJECT "{$ref: '#/components/schemas/object'}"
    PATH("p-simple", "simple", "false", "{type: integer}") PATH(
        "p-simple-list", "simple", "false",
        LIST) PATH("p-simple-object", "simple", "false",
                   OBJECT) PATH("p-simple-object-x", "simple", "true",
                                OBJECT) PATH("p-label", "label", "false", "{type: integer}")
        PATH("p-label-list", "label", "false", LIST) PATH(
            "p-label-list-x", "label", "true",
            LIST) PATH("p-label-object", "label", "false",
                       OBJECT) PATH("p-label-object-x", "label", "true",
                                    OBJECT) PATH("p-matrix", "matrix", "false", "{type: integer}")
            PATH("p-matrix-list", "matrix", "false", LIST) PATH(
                "p-matrix-list-x",
                "matrix", "true",
                LIST) PATH("p-matrix-object", "matrix", "false",
                           OBJECT) PATH("p-matrix-object-x", "matrix", "true", OBJECT)
                PLACE("q-form", "query", "form", "true", "{type: integer}") PLACE(
                    "q-form-list",
                    "query", "form", "false",
                    LIST) PLACE("q-form-list-x", "query", "form", "true", LIST)
                    PLACE("q-form-words", "query", "form", "false", WORDS) PLACE(
                        "q-form-object",
                        "query", "form",
                        "false", OBJECT) PLACE("q-form-object-x", "query", "form", "true", OBJECT)
                        PLACE("q-space", "query", "spaceDelimited", "false",
                              LIST) PLACE("q-pipe", "query", "pipeDelimited", "false", LIST)
                            PLACE("q-deep", "query", "deepObject", "true", OBJECT) PLACE(
                                "q-deep-words",
                                "query", "deepObject", "true",
                                "{type: object, properties: {tags: {type: array, items: {type: "
                                "string}}, in: {type: "
                                "object, properties: {n: {type: integer}}, additionalProperties: "
                                "false}}}") PLACE("h-simple", "header", "simple", "false",
                                                  "{type: integer}") PLACE("h-list", "header",
                                                                           "simple", "false", LIST)
                                PLACE("h-object-x", "header", "simple", "true",
                                      OBJECT) PLACE("c-form", "cookie", "form", "true",
                                                    "{type: integer}")
                                    PLACE("q-bool", "query", "form", "true",
                                          "{type: boolean}") PLACE("q-text",
                                                                   "query", "form", "true",
                                                                   "{type: string, maxLength: 4}")
                                        PLACE("q-either", "query", "form", "true",
                                              "{anyOf: [{type: integer}, {const: 0x10}, "
                                              "{type: string, enum: ['07', all]}]}")
                                            PLACE("q-none", "query", "form", "true",
                                                  "true") "  /q-json: {get: {operationId: "
                                                          "q-json, parameters: [{name: x, in: "
                                                          "query, content: "
                                                          "{application/json: {schema: {$ref: "
                                                          "'#/components/schemas/object'}}}}]}}\n"
                                                          "  /q-more: {get: {operationId: "
                                                          "q-more, parameters: [{name: x, in: "
                                                          "query, schema: {type: "
                                                          "integer}}, {name: e, in: query, "
                                                          "allowEmptyValue: true, schema: {type: "
                                                          "integer}}]}}\n";

struct row {
    const char *id, *value;
    enum schema_verdict v;
};

static void check_rows(const struct row *rows, size_t count)
{
    struct api_document *d = load(styles);
    struct scratch s;

    scratch_init(&s, ROOM);
    for (size_t i = 0; i < count; i++) {
        const char *value = rows[i].value;
        struct api_pair pair = {view_str("x"), view_str(value)};
        struct api_parameters given = {{0}, {0}, {0}};
        struct schema_report r = {0};
        switch (rows[i].id[0]) {
        case 'p':
            given.path = (struct api_pairs){&pair, 1};
            break;
        case 'h':
            given.header = (struct api_pairs){&pair, 1};
            break;
        case 'c':
            pair.name = view_str("cookie");
            given.header = (struct api_pairs){&pair, 1};
            break;
        default:
            given.query = view_str(value);
        }
        enum schema_verdict v =
            api_check_parameters(operation(d, rows[i].id), &given, &as_written, &s, &r);
        if (v != rows[i].v || r.verdict != v || (v == SCHEMA_VALID) != (r.count == 0))
            fail_msg("%s %s: %d, %s %s", rows[i].id, value, (int)v,
                     r.count == 0 ? "" : r.faults[0].keyword,
                     r.count == 0 ? "" : r.faults[0].pointer);
        scratch_reset(&s, ROOM);
    }
    scratch_deinit(&s);
    api_free(d);
}

static void GW_24_every_style_and_explode(void **state)
{
    static const struct row rows[] = {
        {"p-simple", "5", SCHEMA_VALID},
        {"p-simple", "x", SCHEMA_REFUSED},
        {"p-simple", "05", SCHEMA_REFUSED},
        {"p-simple", "+5", SCHEMA_REFUSED},
        {"p-simple", "", SCHEMA_REFUSED},
        {"p-simple-list", "3,4,5", SCHEMA_VALID},
        {"p-simple-list", "3", SCHEMA_VALID},
        {"p-simple-list", "3,x", SCHEMA_REFUSED},
        {"p-simple-list", "3,4,5,6", SCHEMA_REFUSED},
        {"p-simple-object", "R,100,G,200", SCHEMA_VALID},
        {"p-simple-object", "R,100,G", SCHEMA_REFUSED},
        {"p-simple-object", "G,200", SCHEMA_REFUSED},
        {"p-simple-object", "R,1,R,2", SCHEMA_REFUSED},
        {"p-simple-object-x", "R=100,G=200", SCHEMA_VALID},
        {"p-simple-object-x", "R=100,B=200", SCHEMA_REFUSED},
        {"p-label", ".5", SCHEMA_VALID},
        {"p-label", "5", SCHEMA_REFUSED},
        {"p-label-list", ".3,4,5", SCHEMA_VALID},
        {"p-label-list", ".3.4.5", SCHEMA_VALID},
        {"p-label-list-x", ".3.4.5", SCHEMA_VALID},
        {"p-label-list-x", ".3.x", SCHEMA_REFUSED},
        {"p-label-object", ".R,100,G,200", SCHEMA_VALID},
        {"p-label-object", ".R.100.G.200", SCHEMA_VALID},
        {"p-label-object-x", ".R=100.G=200", SCHEMA_VALID},
        {"p-label-object-x", ".R=100.G=x", SCHEMA_REFUSED},
        {"p-matrix", ";x=5", SCHEMA_VALID},
        {"p-matrix", ";y=5", SCHEMA_REFUSED},
        {"p-matrix", "x=5", SCHEMA_REFUSED},
        {"p-matrix-list", ";x=3,4,5", SCHEMA_VALID},
        {"p-matrix-list-x", ";x=3;x=4;x=5", SCHEMA_VALID},
        {"p-matrix-list-x", ";x=3;y=4", SCHEMA_REFUSED},
        {"p-matrix-object", ";x=R,100,G,200", SCHEMA_VALID},
        {"p-matrix-object-x", ";R=100;G=200", SCHEMA_VALID},
        {"p-matrix-object-x", ";R=100;B=200", SCHEMA_REFUSED},
        {"q-form", "x=5", SCHEMA_VALID},
        {"q-form", "x=-5", SCHEMA_VALID},
        {"q-form", "x=5&x=6", SCHEMA_DUPLICATE},
        {"q-form", "x=5&%78=6", SCHEMA_DUPLICATE},
        {"q-form", "y=5", SCHEMA_REFUSED},
        {"q-form", "", SCHEMA_REFUSED},
        {"q-form", "x", SCHEMA_REFUSED},
        {"q-form", "x=%35", SCHEMA_VALID},
        {"q-form", "x=1e400", SCHEMA_REFUSED},
        {"q-form-list", "x=3,4,5", SCHEMA_VALID},
        {"q-form-list", "x=3&x=4", SCHEMA_DUPLICATE},
        {"q-form-list", "x=", SCHEMA_VALID},
        {"q-form-list-x", "x=3&x=4&x=5", SCHEMA_VALID},
        {"q-form-list-x", "x=3", SCHEMA_VALID},
        {"q-form-list-x", "x=3,4", SCHEMA_REFUSED},
        {"q-form-list-x", "x=3&x=4&x=5&x=6", SCHEMA_REFUSED},
        {"q-form-words", "x=a%2Cb,c", SCHEMA_VALID}, /* split first, decoded after */
        {"q-form-words", "x=", SCHEMA_REFUSED},
        {"q-form-object", "x=R,100,G,200", SCHEMA_VALID},
        {"q-form-object", "x=R,100,N,a%2Cb", SCHEMA_VALID},
        {"q-form-object-x", "R=100&G=200", SCHEMA_VALID},
        {"q-form-object-x", "R=100&R=200", SCHEMA_DUPLICATE},
        {"q-form-object-x", "G=200", SCHEMA_REFUSED},
        {"q-space", "x=3%204%205", SCHEMA_VALID},
        {"q-space", "x=3+4+5", SCHEMA_VALID},
        {"q-space", "x=3,4", SCHEMA_REFUSED},
        {"q-pipe", "x=3|4|5", SCHEMA_VALID},
        {"q-pipe", "x=3%7C4%7c5", SCHEMA_VALID},
        {"q-pipe", "x=3|x", SCHEMA_REFUSED},
        {"q-deep", "x[R]=100&x[G]=200", SCHEMA_VALID},
        {"q-deep", "x%5BR%5D=100", SCHEMA_VALID},
        {"q-deep", "x[R]=100&x[R]=200", SCHEMA_REFUSED},
        {"q-deep", "x[G]=200", SCHEMA_REFUSED},
        {"q-deep", "x[R]=1&x[B]=1", SCHEMA_REFUSED},
        {"q-deep", "x[R=100", SCHEMA_REFUSED},
        {"q-deep", "x[R]y=100", SCHEMA_REFUSED},
        {"q-deep-words", "x[tags][]=a&x[tags][]=b", SCHEMA_VALID},
        {"q-deep-words", "x[tags][0]=a&x[tags][1]=b", SCHEMA_VALID},
        {"q-deep-words", "x[in][n]=7", SCHEMA_VALID},
        {"q-deep-words", "x[in][n]=a", SCHEMA_REFUSED},
        {"q-deep-words", "x[in][m]=7", SCHEMA_REFUSED},
        {"q-deep-words", "x[in][n][a][b][c][d][e][f][g][h]=7", SCHEMA_REFUSED},
        {"h-simple", "5", SCHEMA_VALID},
        {"h-simple", "%35", SCHEMA_REFUSED}, /* fields are not percent-coded */
        {"h-list", "3, 4,5", SCHEMA_VALID},
        {"h-list", "3, x", SCHEMA_REFUSED},
        {"h-object-x", "R=100, G=200", SCHEMA_VALID},
        {"c-form", "a=1; x=5; b=2", SCHEMA_VALID},
        {"c-form", "x=a", SCHEMA_REFUSED},
        {"c-form", "a=1", SCHEMA_REFUSED},
        {"c-form", "x=5; x=6", SCHEMA_DUPLICATE},
        {"q-bool", "x=true", SCHEMA_VALID},
        {"q-bool", "x=1", SCHEMA_REFUSED},
        {"q-bool", "x=True", SCHEMA_REFUSED},
        {"q-text", "x=1234", SCHEMA_VALID}, /* a text that looks like a number stays one */
        {"q-text", "x=a+b", SCHEMA_VALID},
        {"q-text", "x=%C3%A9%C3%A9%C3%A9%C3%A9", SCHEMA_VALID},
        {"q-text", "x=%C3%28", SCHEMA_MALFORMED},
        {"q-text", "x=12345", SCHEMA_REFUSED},
        {"q-either", "x=7", SCHEMA_VALID},
        {"q-either", "x=07", SCHEMA_VALID},
        {"q-either", "x=all", SCHEMA_VALID},
        {"q-either", "x=none", SCHEMA_REFUSED},
        {"q-none", "x=anything", SCHEMA_VALID},
        {"q-json", "x=%7B%22R%22%3A1%7D", SCHEMA_VALID},
        {"q-json", "x={\"R\":1}", SCHEMA_VALID},
        {"q-json", "x={\"R\":1,\"R\":2}", SCHEMA_DUPLICATE},
        {"q-json", "x={\"R\":\"1\"}", SCHEMA_REFUSED},
        {"q-json", "x={", SCHEMA_MALFORMED},
        {"q-json", "", SCHEMA_VALID},
        {"q-more", "e=&x=1", SCHEMA_VALID},
        {"q-more", "e=a", SCHEMA_REFUSED},
        {"q-more", "x=&e=1", SCHEMA_REFUSED},
        {"q-more", "unknown=1", SCHEMA_VALID},
    };
    (void)state;
    check_rows(rows, sizeof rows / sizeof *rows);
}

static void an_unknown_query_parameter_is_refused_where_asked(void **state)
{
    struct api_document *d = load(styles);
    struct api_parameters given = {.query = view_str("x=1&other=2")};
    struct schema_report r = {0};
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    assert_int_equal(api_check_parameters(operation(d, "q-more"), &given, &strict, &s, &r),
                     SCHEMA_REFUSED);
    assert_string_equal(r.faults[0].keyword, "unknownParameter");
    assert_string_equal(r.faults[0].pointer, "/other");
    assert_string_equal(r.faults[0].in, "query");
    given.query = view_str("x=1");
    assert_int_equal(api_check_parameters(operation(d, "q-more"), &given, &strict, &s, &r),
                     SCHEMA_VALID);
    scratch_deinit(&s);
    api_free(d);
}

static void repeated_fields_are_one_list_or_a_fault(void **state)
{
    struct api_document *d = load(styles);
    const struct api_pair twice[] = {{view_str("x"), view_str("3")},
                                     {view_str("x"), view_str("4")}};
    struct api_parameters given = {.header = {twice, 2}};
    struct schema_report r = {0};
    struct scratch s;

    (void)state;
    scratch_init(&s, ROOM);
    assert_int_equal(api_check_parameters(operation(d, "h-list"), &given, &as_written, &s, &r),
                     SCHEMA_VALID);
    assert_int_equal(api_check_parameters(operation(d, "h-simple"), &given, &as_written, &s, &r),
                     SCHEMA_DUPLICATE);
    scratch_deinit(&s);
    api_free(d);
}

/* ---- bodies ---- */

static const char bodies_30[] =
    "openapi: 3.0.3\n"
    "info: {title: bodies, version: '2'}\n"
    "servers: [{url: 'https://{host}/v{n}/', variables: {host: {default: a.example}, n: {default: "
    "'2'}}}, {url: /old}, {url: 'https://b.example/old/'}]\n"
    "security: [{key: []}]\n"
    "tags: [{name: pets}]\n"
    "paths:\n"
    "  /pets/{id}:\n"
    "    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
    "    get:\n"
    "      operationId: get\n"
    "      tags: [pets, login]\n"
    "      deprecated: true\n"
    "      security: [{oauth: [read, write], key: []}, {}]\n"
    "      responses:\n"
    "        '200': {description: ok, content: {application/json: {schema: {$ref: "
    "'#/components/schemas/Pet'}}}}\n"
    "        4XX: {description: no, content: {application/problem+json: {schema: {type: object, "
    "required: [title]}}}}\n"
    "        default: {description: other}\n"
    "    put:\n"
    "      operationId: put\n"
    "      requestBody: {$ref: '#/components/requestBodies/Pet'}\n"
    "      responses: {'204': {description: done}}\n"
    "  /animals:\n"
    "    post:\n"
    "      operationId: post\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json: {schema: {$ref: '#/components/schemas/Animal'}}\n"
    "          application/x-www-form-urlencoded:\n"
    "            schema: {$ref: '#/components/schemas/Form'}\n"
    "            encoding: {tags: {style: form, explode: false}}\n"
    "          multipart/form-data:\n"
    "            schema: {type: object, required: [meta, file], additionalProperties: false,\n"
    "                     properties: {meta: {type: object, required: [n], properties: {n: {type: "
    "integer}}}, file: {type: string, format: binary}, note: {type: string, maxLength: 5}, "
    "count: {type: integer}}}\n"
    "            encoding: {file: {contentType: 'image/png, image/*'}}\n"
    "          text/*: {schema: {type: string}}\n"
    "      responses: {'200': {description: ok}}\n"
    "components:\n"
    "  securitySchemes: {key: {type: apiKey, name: k, in: header}, oauth: {type: oauth2, flows: "
    "{}}}\n"
    "  requestBodies:\n"
    "    Pet: {required: true, content: {'application/json; charset=utf-8': {schema: {$ref: "
    "'#/components/schemas/Pet'}}}}\n"
    "  schemas:\n"
    "    Pet:\n"
    "      type: object\n"
    "      required: [id, name, secret]\n"
    "      properties:\n"
    "        id: {type: integer, readOnly: true}\n"
    "        name: {type: string, nullable: true, maxLength: 3}\n"
    "        secret: {allOf: [{type: string}], writeOnly: true}\n"
    "        price: {type: number, minimum: 0, exclusiveMinimum: true}\n"
    "        kind: {$ref: '#/components/schemas/Kind', maxLength: 1}\n"
    "    Kind: {type: string, enum: [cat, dog]}\n"
    "    Animal:\n"
    "      oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]\n"
    "      discriminator: {propertyName: type, mapping: {kitty: Cat, Hound: "
    "'#/components/schemas/Dog'}}\n"
    "    Cat: {type: object, required: [type, lives], properties: {lives: {type: integer}}}\n"
    "    Dog: {type: object, required: [type, bark], properties: {bark: {type: string}}}\n"
    "    Form:\n"
    "      type: object\n"
    "      required: [a]\n"
    "      additionalProperties: false\n"
    "      properties:\n"
    "        a: {type: integer}\n"
    "        tags: {type: array, items: {type: string}, maxItems: 2}\n"
    "        list: {type: array, items: {type: integer}}\n"
    "        deep: {type: object, properties: {x: {type: object, properties: {y: {type: boolean}}}"
    "}, additionalProperties: false}\n";

struct body_row {
    const char *id, *type, *body;
    unsigned status; /* 0: a request */
    enum schema_verdict v;
    const char *fault; /* "keyword@pointer" of the first; NULL: any or none */
};

static void check_body(const struct api_document *d, const struct body_row *row,
                       const struct api_strictness *how)
{
    struct api_message m = {row->status, view_str(row->type), view_str(row->body)};
    const struct value *json = NULL;
    struct schema_report r = {0};
    struct scratch s;
    char fault[SCHEMA_POINTER_MAX + 64] = "";

    scratch_init(&s, ROOM);
    const struct api_operation *op = operation(d, row->id);
    enum schema_verdict v = row->status == 0 ? api_check_request(op, &m, how, &s, &r, &json)
                                             : api_check_response(op, &m, how, &s, &r, &json);
    if (r.count > 0)
        snprintf(fault, sizeof fault, "%s@%s", r.faults[0].keyword, r.faults[0].pointer);
    if (v != row->v || r.verdict != v || (row->fault != NULL && strcmp(fault, row->fault) != 0))
        fail_msg("%s %s %s: %d %s", row->id, row->type, row->body, (int)v, fault);
    scratch_deinit(&s);
}

#define JSON "application/json"

static void GW_25_read_only_write_only_nullable_and_old_bounds(void **state)
{
    static const struct body_row rows[] = {
        {"put", JSON, "{\"name\":\"a\",\"secret\":\"s\"}", 0, SCHEMA_VALID, NULL},
        {"put", JSON "; charset=utf-8", "{\"name\":null,\"secret\":\"s\"}", 0, SCHEMA_VALID, NULL},
        {"put", "Application/JSON", "{\"name\":\"a\",\"secret\":\"s\"}", 0, SCHEMA_VALID, NULL},
        {"put", JSON, "{\"id\":1,\"name\":\"a\",\"secret\":\"s\"}", 0, SCHEMA_REFUSED,
         "readOnly@/id"},
        {"put", JSON, "{\"name\":\"a\"}", 0, SCHEMA_REFUSED, "required@"},
        {"put", JSON, "{\"name\":\"abcd\",\"secret\":\"s\"}", 0, SCHEMA_REFUSED, "maxLength@/name"},
        {"put", JSON, "{\"name\":\"a\",\"secret\":null}", 0, SCHEMA_REFUSED, "type@/secret"},
        {"put", JSON, "{\"name\":\"a\",\"secret\":\"s\",\"price\":0}", 0, SCHEMA_REFUSED,
         "exclusiveMinimum@/price"},
        {"put", JSON, "{\"name\":\"a\",\"secret\":\"s\",\"price\":0.1}", 0, SCHEMA_VALID, NULL},
        /* 3.0: siblings of $ref mean nothing */
        {"put", JSON, "{\"name\":\"a\",\"secret\":\"s\",\"kind\":\"cat\"}", 0, SCHEMA_VALID, NULL},
        {"put", JSON, "{\"name\":\"a\",\"secret\":\"s\",\"kind\":\"cow\"}", 0, SCHEMA_REFUSED,
         "enum@/kind"},
        {"put", "", "", 0, SCHEMA_REFUSED, "required@"},
        {"put", JSON, "", 0, SCHEMA_MALFORMED, "json@"},
        {"put", "text/plain", "x", 0, SCHEMA_MEDIA_TYPE, "content-type@"},
        {"put", "", "{}", 0, SCHEMA_MEDIA_TYPE, "content-type@"},
        {"put", JSON, "{\"name\":\"a\",\"name\":\"b\"}", 0, SCHEMA_DUPLICATE, "json@"},
        {"get", JSON, "{\"id\":1,\"name\":\"a\"}", 200, SCHEMA_VALID, NULL},
        {"get", JSON, "{\"id\":1,\"name\":\"a\",\"secret\":\"s\"}", 200, SCHEMA_REFUSED,
         "writeOnly@/secret"},
        {"get", JSON, "{\"name\":\"a\"}", 200, SCHEMA_REFUSED, "required@"},
        {"get", "application/problem+json", "{\"title\":\"t\"}", 404, SCHEMA_VALID, NULL},
        {"get", "application/problem+json", "{}", 499, SCHEMA_REFUSED, "required@"},
        {"get", "text/html", "<p>", 404, SCHEMA_MEDIA_TYPE, NULL},
        {"get", "text/html", "<p>", 500, SCHEMA_UNCHECKED, NULL},
        {"get", "", "", 200, SCHEMA_VALID, NULL},
        {"put", JSON, "{}", 200, SCHEMA_UNDECLARED, "status@"},
        {"get", JSON, "{}", 0, SCHEMA_UNCHECKED, NULL},
    };
    struct api_document *d = load(bodies_30);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_body(d, &rows[i], &as_written);
    api_free(d);
}

static void GW_25_the_discriminator_picks_the_branch(void **state)
{
    static const struct body_row rows[] = {
        {"post", JSON, "{\"type\":\"Cat\",\"lives\":9}", 0, SCHEMA_VALID, NULL},
        {"post", JSON, "{\"type\":\"kitty\",\"lives\":9}", 0, SCHEMA_VALID, NULL},
        {"post", JSON, "{\"type\":\"Dog\",\"bark\":\"w\"}", 0, SCHEMA_VALID, NULL},
        {"post", JSON, "{\"type\":\"Hound\",\"bark\":\"w\"}", 0, SCHEMA_VALID, NULL},
        /* the fault is of the branch that was named, not of the other one */
        {"post", JSON, "{\"type\":\"Cat\",\"lives\":\"9\"}", 0, SCHEMA_REFUSED, "type@/lives"},
        {"post", JSON, "{\"type\":\"kitty\",\"bark\":\"w\"}", 0, SCHEMA_REFUSED, "required@"},
        /* both would hold: the name decides */
        {"post", JSON, "{\"type\":\"Cat\",\"lives\":9,\"bark\":\"w\"}", 0, SCHEMA_VALID, NULL},
        {"post", JSON, "{\"type\":\"Cow\",\"lives\":9,\"bark\":\"w\"}", 0, SCHEMA_REFUSED,
         "oneOf@"},
        {"post", JSON, "{\"lives\":9}", 0, SCHEMA_REFUSED, "oneOf@"},
    };
    struct api_document *d = load(bodies_30);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_body(d, &rows[i], &as_written);
    api_free(d);
}

#define FORM "application/x-www-form-urlencoded"

static void forms_are_read_as_their_schema_says(void **state)
{
    static const struct body_row rows[] = {
        {"post", FORM, "a=1", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=x", 0, SCHEMA_REFUSED, "type@/a"},
        {"post", FORM, "a=1&a=2", 0, SCHEMA_DUPLICATE, NULL},
        {"post", FORM, "a=1&b=2", 0, SCHEMA_REFUSED, "additionalProperties@/b"},
        {"post", FORM, "tags=x", 0, SCHEMA_REFUSED, "required@"},
        {"post", FORM, "a=1&tags=x,y", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=1&tags=x,y,z", 0, SCHEMA_REFUSED, "maxItems@/tags"},
        {"post", FORM, "a=1&list=1&list=2&list=3", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=1&list=1&list=x", 0, SCHEMA_REFUSED, "type@/list/1"},
        {"post", FORM, "a=1&list[]=1&list[]=2", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=1&list%5B0%5D=1", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=1&deep[x][y]=true", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=1&deep[x][y]=no", 0, SCHEMA_REFUSED, "type@/deep/x/y"},
        {"post", FORM, "a=1&deep[z]=no", 0, SCHEMA_REFUSED, "additionalProperties@/deep/z"},
        {"post", FORM, "a=1&deep={\"x\":{\"y\":true}}", 0, SCHEMA_VALID, NULL},
        {"post", FORM, "a=1&deep={\"x\":1,\"x\":2}", 0, SCHEMA_DUPLICATE, NULL},
        {"post", FORM, "a=%FF", 0, SCHEMA_MALFORMED, "encoding@"},
        {"post", FORM, "", 0, SCHEMA_VALID, NULL}, /* the body is not required */
        {"post", "text/plain", "anything", 0, SCHEMA_UNCHECKED, NULL},
        {"post", "image/png", "x", 0, SCHEMA_MEDIA_TYPE, NULL},
    };
    struct api_document *d = load(bodies_30);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_body(d, &rows[i], &as_written);
    api_free(d);
}

#define MULTIPART "multipart/form-data; boundary=\"b.1\""
#define PART(head, content) \
    "--b.1\r\nContent-Disposition: form-data; name=" head "\r\n\r\n" content "\r\n"
#define META PART("meta\r\nContent-Type: application/json", "{\"n\":1}")
#define FILEPART \
    PART("\"file\"; filename=\"a.png\"\r\nContent-Type: image/png", "\x01\xFF\r\n--b.2")
#define END "--b.1--\r\n"

static void multipart_parts_are_known_by_name_and_type(void **state)
{
    static const struct body_row rows[] = {
        {"post", MULTIPART, META FILEPART END, 0, SCHEMA_VALID, NULL},
        {"post", "multipart/form-data; boundary=b.1", META FILEPART "--b.1--", 0, SCHEMA_VALID,
         NULL},
        {"post", MULTIPART, META FILEPART PART("note", "12345") PART("count", "7") END, 0,
         SCHEMA_VALID, NULL},
        {"post", MULTIPART, META FILEPART PART("note", "123456") END, 0, SCHEMA_REFUSED,
         "maxLength@/note"},
        {"post", MULTIPART, META FILEPART PART("count", "x") END, 0, SCHEMA_REFUSED, "type@/count"},
        {"post", MULTIPART, META END, 0, SCHEMA_REFUSED, "required@"},
        {"post", MULTIPART, META FILEPART PART("more", "x") END, 0, SCHEMA_REFUSED,
         "additionalProperties@/more"},
        {"post", MULTIPART, META FILEPART FILEPART END, 0, SCHEMA_DUPLICATE, NULL},
        {"post", MULTIPART, META META FILEPART END, 0, SCHEMA_DUPLICATE, NULL},
        {"post", MULTIPART,
         PART("meta\r\nContent-Type: application/json", "{\"n\":\"x\"}") FILEPART END, 0,
         SCHEMA_REFUSED, "type@/meta/n"},
        {"post", MULTIPART, PART("meta\r\nContent-Type: application/json", "{") FILEPART END, 0,
         SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART,
         META PART("file; filename=a.exe\r\nContent-Type: application/x-dosexec", "x") END, 0,
         SCHEMA_REFUSED, "content-type@/file"},
        {"post", "multipart/form-data", META FILEPART END, 0, SCHEMA_MALFORMED, "boundary@"},
        {"post", "multipart/form-data; boundary=b.1; boundary=b.2", META FILEPART END, 0,
         SCHEMA_MALFORMED, "boundary@"},
        {"post", MULTIPART, "preamble\r\n" META FILEPART END, 0, SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART, META FILEPART END "epilogue", 0, SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART, META FILEPART, 0, SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART,
         "--b.1\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n" END, 0,
         SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART, "--b.1\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n" END, 0,
         SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART, "--b.1\r\nContent-Type: text/plain\r\n\r\nx\r\n" END, 0,
         SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART,
         PART("note\r\nContent-Transfer-Encoding: base64", "eA==") META FILEPART END, 0,
         SCHEMA_MALFORMED, NULL},
        {"post", MULTIPART, "--b.1\nContent-Disposition: form-data; name=a\n\nx\n--b.1--\n", 0,
         SCHEMA_MALFORMED, NULL},
    };
    struct api_document *d = load(bodies_30);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_body(d, &rows[i], &as_written);
    api_free(d);
}

static void unknown_members_are_refused_where_asked(void **state)
{
    static const struct body_row lax = {"get", JSON,         "{\"id\":1,\"name\":\"a\",\"more\":1}",
                                        200,   SCHEMA_VALID, NULL};
    static const struct body_row rows[] = {
        {"get", JSON, "{\"id\":1,\"name\":\"a\",\"more\":1}", 200, SCHEMA_REFUSED,
         "unknownProperty@/more"},
        {"get", JSON, "{\"id\":1,\"name\":\"a\"}", 200, SCHEMA_VALID, NULL},
        /* a schema that lists no members at all means any */
        {"get", "application/problem+json", "{\"title\":\"t\",\"more\":1}", 404, SCHEMA_REFUSED,
         NULL},
        {"post", JSON, "{\"type\":\"Cat\",\"lives\":9,\"x\":1}", 0, SCHEMA_REFUSED, NULL},
    };
    struct api_document *d = load(bodies_30);

    (void)state;
    check_body(d, &lax, &as_written);
    for (size_t i = 0; i < 2; i++)
        check_body(d, &rows[i], &strict);
    check_body(d, &rows[3], &strict);
    api_free(d);
}

/* ---- free texts ---- */

static const char texts_31[] =
    "openapi: 3.1.0\n"
    "info: {title: texts, version: '1'}\n"
    "paths:\n"
    "  /x/{kind}:\n"
    "    post:\n"
    "      operationId: post\n"
    "      parameters:\n"
    "        - {name: kind, in: path, required: true, schema: {enum: [cat]}}\n"
    "        - {name: q, in: query, schema: {type: string}}\n"
    "        - {name: n, in: query, schema: {type: integer}}\n"
    "        - {name: x-note, in: header, schema: {type: array, items: {type: string}}}\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json:\n"
    "            schema:\n"
    "              properties:\n"
    "                title: {type: string, maxLength: 3}\n"
    "                mail: {type: string, format: email}\n"
    "                colour: {anyOf: [{enum: [red]}, {pattern: '^#[0-9a-f]+$'}]}\n"
    "                long: {type: string, pattern: '^[abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
    "TUVWXYZ0123456789 -]*$'}\n"
    "                list: {type: array, items: {type: [string, number]}}\n"
    "          application/x-www-form-urlencoded: {schema: {properties: {a/b: {type: string}}}}\n";

static void note_text(void *arg, const char *in, struct view pointer, struct view text)
{
    buf_addf(arg, "%s%.*s=%.*s;", in, VIEW_ARG(pointer), VIEW_ARG(text));
}

static void the_texts_that_a_schema_leaves_free_are_told(void **state)
{
    static const struct {
        const char *query, *type, *body, *told;
    } cases[] = {
        {"q=a+b&n=7&z=%3Cz%3E", NULL, NULL,
         "query/q=a b;header/x-note/0=1;header/x-note/1=2;query/z=<z>;"},
        {NULL, JSON,
         "{\"title\":\"t\",\"mail\":\"a@b.c\",\"colour\":\"red\",\"more\":[{\"x\":\"y\"}]}",
         "body/title=t;body/more/0/x=y;"},
        {NULL, JSON, "{\"colour\":\"#ff\",\"long\":\"l\",\"list\":[1,\"s\"]}",
         "body/long=l;body/list/1=s;"},
        /* what is refused is told as well: in monitor mode the request goes on */
        {NULL, JSON, "{\"mail\":\"no\",\"colour\":\"none\",\"title\":\"toolong\"}",
         "body/mail=no;body/colour=none;body/title=toolong;"},
        {NULL, FORM, "a/b=x+y&c=z&d=1", "body/a~1b=x y;body/c=z;"},
    };
    const struct api_pair path = {view_str("kind"), view_str("cat")},
                          header = {view_str("x-note"), view_str("1, 2")};
    struct api_document *d = load(texts_31);
    const struct api_operation *op = operation(d, "post");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schema_report r = {0};
        struct scratch s;
        struct buf told;
        buf_init(&told, 4096);
        scratch_init(&s, ROOM);
        struct api_strictness how = {.text = note_text, .text_arg = &told};
        if (cases[i].query != NULL) {
            struct api_parameters given = {{&path, 1}, view_str(cases[i].query), {&header, 1}};
            assert_int_equal(api_check_parameters(op, &given, &how, &s, &r), SCHEMA_VALID);
        } else {
            struct api_message m = {0, view_str(cases[i].type), view_str(cases[i].body)};
            (void)api_check_request(op, &m, &how, &s, &r, NULL);
        }
        assert_string_equal(buf_cstr(&told), cases[i].told);
        scratch_deinit(&s);
        buf_deinit(&told);
    }
    api_free(d);
}

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
    assert_int_equal(api_load(view_str(good), beside, NULL, &notes, &d), SP_OK);
    api_notes_deinit(&notes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_body(d, &rows[i], &as_written);
    api_free(d);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        d = NULL;
        assert_int_equal(api_load(view_str(bad[i].text), beside, NULL, &notes, &d), SP_ERR_INVALID);
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
        sp_error e = api_load(view_str(cases[i].text), NULL, NULL, &notes, &d);
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
    assert_int_equal(api_load(view_str(text), NULL, NULL, &notes, &d), SP_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_24_every_style_and_explode),
        cmocka_unit_test(an_unknown_query_parameter_is_refused_where_asked),
        cmocka_unit_test(repeated_fields_are_one_list_or_a_fault),
        cmocka_unit_test(GW_25_read_only_write_only_nullable_and_old_bounds),
        cmocka_unit_test(GW_25_the_discriminator_picks_the_branch),
        cmocka_unit_test(forms_are_read_as_their_schema_says),
        cmocka_unit_test(multipart_parts_are_known_by_name_and_type),
        cmocka_unit_test(unknown_members_are_refused_where_asked),
        cmocka_unit_test(the_texts_that_a_schema_leaves_free_are_told),
        cmocka_unit_test(a_document_tells_its_operations),
        cmocka_unit_test(refs_lead_to_files_beside_the_document_only),
        cmocka_unit_test(a_document_with_faults_is_refused_as_a_whole),
        cmocka_unit_test(what_stays_unchecked_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
