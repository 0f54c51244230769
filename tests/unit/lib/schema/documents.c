#include "tests/unit/lib/schema/documents.h"

struct api_document *load(const char *text)
{
    struct api_document *d = NULL;
    struct api_notes notes = {0};
    sp_error e = api_load(view_str(text), NULL, &notes, &d);

    if (e != SP_OK)
        fail_msg("%s: %s", sp_error_text(e),
                 notes.count == 0 ? "" : notes.items[notes.count - 1].text);
    api_notes_deinit(&notes);
    return d;
}

const struct api_operation *operation(const struct api_document *d, const char *id)
{
    for (size_t i = 0; i < api_operation_count(d); i++) {
        const struct api_operation *op = api_operation_at(d, i);
        if (op->id != NULL && strcmp(op->id, id) == 0)
            return op;
    }
    fail_msg("no operation %s", id);
    return NULL;
}

/* ---- bodies ---- */
const char bodies_30[] =
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

void check_body(const struct api_document *d, const struct body_row *row,
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
