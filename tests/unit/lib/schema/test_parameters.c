#include "tests/unit/lib/schema/documents.h"

static const struct api_strictness as_written;
static const struct api_strictness strict = {true, true, NULL, NULL};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_24_every_style_and_explode),
        cmocka_unit_test(an_unknown_query_parameter_is_refused_where_asked),
        cmocka_unit_test(repeated_fields_are_one_list_or_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
