/* FUZ-16, GW-3: messages of anyone's making against a document with every keyword and style. The
 * first byte says what is checked, the rest is the text. */
#include "fuzz.h"

#include "lib/schema/openapi.h"

#include "lib/base/encode.h"

#include <stdlib.h>

static const char document[] =
    "openapi: 3.1.0\n"
    "info: {title: fuzz, version: '1'}\n"
    "components:\n"
    "  schemas:\n"
    "    tree: {$dynamicAnchor: t, type: object, properties: {left: {$dynamicRef: '#t'}, right: "
    "{$ref: '#/components/schemas/tree'}, v: {type: number, multipleOf: 0.1}}, "
    "unevaluatedProperties: false}\n"
    "    all:\n"
    "      type: object\n"
    "      required: [id]\n"
    "      minProperties: 1\n"
    "      properties:\n"
    "        id: {type: integer, minimum: -5, exclusiveMaximum: 9007199254740993, readOnly: true}\n"
    "        tree: {$ref: '#/components/schemas/tree'}\n"
    "        when: {anyOf: [{format: date-time}, {format: email}, {format: uri}, {format: ipv6}, "
    "{format: uuid}, {format: regex}, {format: hostname}, {format: byte}]}\n"
    "        list: {type: array, prefixItems: [{const: a}, {enum: [1, {x: [null]}, b]}], items: "
    "{type: [string, 'null']}, uniqueItems: true, contains: {type: string}, maxContains: 3, "
    "unevaluatedItems: false}\n"
    "        word: {type: string, minLength: 1, maxLength: 5, pattern: '^(\\w+\\s?)*$'}\n"
    "      patternProperties: {'^x-': {oneOf: [{type: string}, {type: integer}, {minimum: 3}]}}\n"
    "      propertyNames: {maxLength: 8}\n"
    "      dependentRequired: {a: [b]}\n"
    "      dependentSchemas: {c: {required: [d]}}\n"
    "      if: {required: [kind]}\n"
    "      then: {properties: {kind: {const: k}}}\n"
    "      else: {not: {required: [other]}}\n"
    "paths:\n"
    "  /x/{p}:\n"
    "    post:\n"
    "      operationId: post\n"
    "      parameters:\n"
    "        - {name: p, in: path, required: true, style: matrix, explode: true, schema: {type: "
    "array, items: {type: integer}}}\n"
    "        - {name: l, in: query, style: pipeDelimited, explode: false, schema: {type: array, "
    "items: {type: boolean}}}\n"
    "        - {name: o, in: query, style: deepObject, schema: {type: object, properties: {a: "
    "{type: array, items: {type: number}}, b: {type: object}}}}\n"
    "        - {name: s, in: query, schema: {type: object, properties: {r: {type: integer}, g: "
    "{type: string}}}}\n"
    "        - {name: e, in: query, schema: {anyOf: [{type: integer}, {type: string}]}}\n"
    "        - {name: j, in: query, content: {application/json: {schema: {$ref: "
    "'#/components/schemas/all'}}}}\n"
    "        - {name: h, in: header, schema: {type: array, items: {type: string}}}\n"
    "        - {name: c, in: cookie, schema: {type: integer}}\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json: {schema: {$ref: '#/components/schemas/all'}}\n"
    "          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/all'}}\n"
    "          multipart/form-data: {schema: {$ref: '#/components/schemas/all'}}\n"
    "      responses: {'200': {content: {application/json: {schema: {$ref: "
    "'#/components/schemas/all'}}}}}\n";

static void text(void *arg, const char *in, struct view pointer, struct view free_text)
{
    (void)arg;
    bool declared = in != NULL && strcmp(in, "query") != 0;
    if (in == NULL || pointer.len > SCHEMA_POINTER_MAX || (declared && !utf8_valid(free_text)))
        abort();
}

static void check_report(enum schema_verdict v, const struct schema_report *r)
{
    if (v != r->verdict || r->count > SCHEMA_FAULTS_MAX || (v == SCHEMA_VALID && r->count > 0) ||
        (v == SCHEMA_REFUSED && r->count == 0))
        abort();
    for (size_t i = 0; i < r->count; i++) {
        const struct schema_fault *f = &r->faults[i];
        if (f->in == NULL || f->keyword == NULL || strlen(f->pointer) >= SCHEMA_POINTER_MAX)
            abort();
    }
}

static const struct api_document *loaded(void)
{
    static struct api_document *d;
    struct api_notes notes = {0};

    if (d == NULL && api_load(view_str(document), NULL, &notes, &d) != SP_OK)
        abort();
    api_notes_deinit(&notes);
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/json", "application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=b"};
    const struct api_operation *op = api_operation_at(loaded(), 0);
    struct schema_report report = {0};
    struct scratch s;
    enum schema_verdict v;

    if (size == 0)
        return 0;
    struct view rest = {data + 1, size - 1};
    struct api_strictness how = {(data[0] & 64) != 0, (data[0] & 64) != 0, text, NULL};
    scratch_init(&s, (data[0] & 128) != 0 ? 16 * 1024 : 16 * 1024 * 1024);
    if ((data[0] & 3) == 3) {
        const struct api_pair path = {view_str("p"), rest},
                              header[] = {{view_str("h"), rest}, {view_str("cookie"), rest}};
        struct api_parameters given = {{&path, 1}, rest, {header, 2}};
        v = api_check_parameters(op, &given, &how, &s, &report);
    } else {
        struct api_message m = {200, view_str(types[data[0] & 3]), rest};
        const struct value *json = NULL;
        v = (data[0] & 32) != 0 ? api_check_response(op, &m, &how, &s, &report, &json)
                                : api_check_request(op, &m, &how, &s, &report, &json);
    }
    check_report(v, &report);
    scratch_deinit(&s);
    return 0;
}
