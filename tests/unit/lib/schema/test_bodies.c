#include "tests/unit/lib/schema/documents.h"

static const struct api_strictness as_written;
static const struct api_strictness strict = {true, true, NULL, NULL};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_25_read_only_write_only_nullable_and_old_bounds),
        cmocka_unit_test(GW_25_the_discriminator_picks_the_branch),
        cmocka_unit_test(forms_are_read_as_their_schema_says),
        cmocka_unit_test(multipart_parts_are_known_by_name_and_type),
        cmocka_unit_test(unknown_members_are_refused_where_asked),
        cmocka_unit_test(the_texts_that_a_schema_leaves_free_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
