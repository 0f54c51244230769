/* An OpenAPI 3.1 document of what the connectors of an app saw. */
#include "broker/api/gateways.h"

#include <ctype.h>

struct drafting {
    struct json *paths;
};

static struct json *schema_of(const struct json *seen)
{
    struct json *o = json_object();
    const char *type = json_cstr(json_get(seen, "type"));
    const char *format = json_cstr(json_get(seen, "format"));

    /* "string" may also be an object or a list: of a word nothing is known. */
    if (type != NULL && (strcmp(type, "string") != 0 || format != NULL)) {
        json_set_cstr(o, "type", type);
        if (format != NULL)
            json_set_cstr(o, "format", format);
    }
    return o;
}

static void add_query(struct json *parameters, const struct json *query)
{
    for (size_t i = 0; i < json_len(query); i++) {
        struct json *o = json_object();
        json_set_str(o, "name", json_str(json_get(json_at(query, i), "name")));
        json_set_cstr(o, "in", "query");
        json_set(o, "schema", schema_of(json_at(query, i)));
        json_push(parameters, o);
    }
}

static struct json *answer_schema(const struct json *body)
{
    const struct json *seen = json_get(body, "properties");
    struct json *object = json_object(), *properties = json_object();

    for (size_t i = 0; i < json_len(seen); i++) {
        const char *name = json_cstr(json_get(json_at(seen, i), "name"));
        if (name != NULL)
            json_set(properties, name, schema_of(json_at(seen, i)));
    }
    json_set_cstr(object, "type", "object");
    json_set(object, "properties", properties);
    if (!view_is(json_str(json_get(body, "shape")), "array"))
        return object;
    struct json *array = json_object();
    json_set_cstr(array, "type", "array");
    json_set(array, "items", object);
    return array;
}

static struct json *responses_of(const struct json *body)
{
    struct json *responses = json_object(), *ok = json_object();
    bool seen = json_len(json_get(body, "properties")) > 0;

    json_set_cstr(ok, "description", "as seen");
    if (seen) {
        struct json *content = json_object(), *media = json_object();
        json_set(media, "schema", answer_schema(body));
        json_set(content, "application/json", media);
        json_set(ok, "content", content);
    }
    json_set(responses,
             json_get(json_get(body, "statuses"), "2xx") != NULL || seen ? "2XX" : "default", ok);
    return responses;
}

/* The first connector that tells an operation has it: the others saw the same API. */
static bool add_operation(void *arg, const struct endpoint_row *row)
{
    struct drafting *d = arg;
    struct json *item = json_get(d->paths, row->path), *body = NULL, *o;
    char verb[sizeof row->method];
    size_t i = 0;

    for (; row->method[i] != '\0'; i++)
        verb[i] = (char)tolower((unsigned char)row->method[i]);
    verb[i] = '\0';
    if (item == NULL) {
        json_set(d->paths, row->path, json_object());
        item = json_get(d->paths, row->path);
    }
    if (json_get(item, verb) != NULL ||
        (row->body.len > 0 && json_parse(row->body, 32 * 1024, NULL, &body) != SP_OK))
        return true;
    o = json_object();
    struct json *parameters = json_get(body, "parameters");
    parameters = parameters != NULL ? json_copy(parameters) : json_array();
    add_query(parameters, json_get(body, "query"));
    json_set(o, "parameters", parameters);
    if (json_get(body, "deprecated") != NULL)
        json_set_bool(o, "deprecated", true);
    json_set(o, "responses", responses_of(body));
    json_set(item, verb, o);
    json_free(body);
    return true;
}

sp_error draft_make(struct store *st, struct sp_id app, const char *title, struct json **out)
{
    struct json *o = json_object(), *info = json_object();
    struct drafting d = {json_object()};
    sp_error e =
        store_services(st)->inventory->parts(st, (struct sp_id){0}, app, add_operation, &d);

    json_set_cstr(o, "openapi", "3.1.0");
    json_set_cstr(info, "title", title);
    json_set_cstr(info, "version", "draft");
    json_set(o, "info", info);
    json_set(o, "paths", d.paths);
    if (e == SP_OK)
        *out = o;
    else
        json_free(o);
    return e;
}
