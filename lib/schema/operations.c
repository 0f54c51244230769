/* The operations of a document; see openapi_internal.h. */
#include "lib/schema/openapi_internal.h"

#include "lib/base/banned.h"

/* OpenAPI's words for methods. */
static const char *const methods[][2] = {
    {"get", "GET"},         {"put", "PUT"},   {"post", "POST"},   {"delete", "DELETE"},
    {"options", "OPTIONS"}, {"head", "HEAD"}, {"patch", "PATCH"}, {"trace", "TRACE"},
};

static bool flag(const struct target *t, const char *name)
{
    bool on = false;

    return value_bool(value_of(loader_get(t, name)), &on) && on;
}

static struct api_strings strings_of(struct loader *l, yyjson_val *list)
{
    size_t count = value_kind(value_of(list)) == VALUE_ARRAY ? unsafe_yyjson_get_len(list) : 0;
    const char **items = loader_take(l, count + 1, sizeof(const char *));

    if (items == NULL)
        return (struct api_strings){0};
    for (struct value_iter i = value_iter(value_of(list)); count > 0 && value_next(&i);)
        items[i.index] = loader_text(l, value_string(i.value));
    return (struct api_strings){items, count};
}

/* ---- security ---- */

static const char *scheme_type(struct loader *l, struct view name)
{
    struct target components = {loader_get(&l->root, "components"), l->root.resource};
    struct target schemes = {loader_get(&components, "securitySchemes"), l->root.resource};
    struct trail at = {.name = view_str("/components/securitySchemes")};
    struct target one = schemes;

    if (schemes.at == NULL || value_kind(value_of(schemes.at)) != VALUE_OBJECT)
        return "";
    one.at = yyjson_obj_getn(schemes.at, (const char *)name.at, name.len);
    if (one.at == NULL || !loader_follow(l, &one, &at))
        return "";
    return loader_text(l, value_string(value_of(loader_get(&one, "type"))));
}

static void read_alternative(struct loader *l, yyjson_val *v, struct api_security *out)
{
    size_t count = value_kind(value_of(v)) == VALUE_OBJECT ? unsafe_yyjson_get_len(v) : 0;
    struct api_scheme *schemes = loader_take(l, count + 1, sizeof *schemes);

    if (schemes == NULL)
        return;
    for (struct value_iter i = value_iter(value_of(v)); count > 0 && value_next(&i);) {
        struct view name = value_string(i.name);
        schemes[i.index] = (struct api_scheme){.name = loader_text(l, name),
                                               .type = scheme_type(l, name),
                                               .scopes = strings_of(l, value_yy(i.value))};
    }
    *out = (struct api_security){count, schemes};
}

static void read_security(struct loader *l, const struct target *operation,
                          struct api_operation *out)
{
    yyjson_val *list = loader_get(operation, "security");

    if (list == NULL)
        list = loader_get(&l->root, "security");
    size_t count = value_kind(value_of(list)) == VALUE_ARRAY ? unsafe_yyjson_get_len(list) : 0;
    struct api_security *all = loader_take(l, count + 1, sizeof *all);
    if (all == NULL)
        return;
    for (struct value_iter i = value_iter(value_of(list)); count > 0 && value_next(&i);)
        read_alternative(l, value_yy(i.value), &all[i.index]);
    out->security = all;
    out->security_count = count;
}

/* ---- one operation ---- */

static void add_operation(struct loader *l, struct operation *op, const struct trail *at)
{
    struct api_document *d = l->d;

    if (d->operation_count == API_OPERATIONS_MAX) {
        loader_say(l, true, at, "more operations than a document may have");
        return;
    }
    if (d->operation_count == l->operation_room) {
        size_t room = l->operation_room == 0 ? 64 : l->operation_room * 2;
        struct operation **grown = scratch_resize(&d->memory, d->operations,
                                                  l->operation_room * sizeof(struct operation *),
                                                  room * sizeof(struct operation *));
        if (grown == NULL) {
            l->nomem = true;
            return;
        }
        d->operations = grown;
        l->operation_room = room;
    }
    d->operations[d->operation_count++] = op;
}

static void read_body(struct loader *l, const struct target *t, struct operation *op,
                      const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str("requestBody")};
    struct target body = {loader_get(t, "requestBody"), t->resource};

    if (body.at == NULL || !loader_follow(l, &body, &here))
        return;
    op->shown.has_body = true;
    op->shown.body_required = flag(&body, "required");
    op->body = parts_content(l, &body, &here);
}

static bool has_parameter(const struct operation *op, struct view name)
{
    for (size_t i = 0; i < op->parameter_count; i++) {
        if (op->parameters[i].in == IN_PATH && view_equal(op->parameters[i].name, name))
            return true;
    }
    return false;
}

/* A name of the template that no parameter describes takes any value. */
static void check_template(struct loader *l, const struct operation *op, const struct trail *at)
{
    struct view path = view_str(op->shown.path);

    for (size_t i = 0; i < path.len; i++) {
        const uint8_t *end = path.at[i] == '{' ? memchr(path.at + i, '}', path.len - i) : NULL;
        if (end == NULL)
            continue;
        size_t len = (size_t)(end - path.at) - i - 1;
        struct view name = view_slice(path, i + 1, len);
        if (!has_parameter(op, name))
            compiler_say(&l->c, false, at, "unchecked: no parameter describes {%s}", name);
        i += len;
    }
}

static void read_operation(struct loader *l, const struct target *item, size_t method,
                           const char *path, const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str(methods[method][0])};
    struct target t = {loader_get(item, methods[method][0]), item->resource};
    struct operation *op;

    if (t.at == NULL)
        return;
    if (value_kind(value_of(t.at)) != VALUE_OBJECT) {
        loader_say(l, true, &here, "an operation is an object");
        return;
    }
    if ((op = loader_take(l, 1, sizeof *op)) == NULL)
        return;
    struct view id = value_string(value_of(loader_get(&t, "operationId")));
    op->document = l->d;
    op->shown.method = methods[method][1];
    op->shown.path = path;
    op->shown.id = id.len > 0 ? loader_text(l, id) : NULL;
    op->shown.tags = strings_of(l, loader_get(&t, "tags"));
    op->shown.deprecated = flag(&t, "deprecated");
    op->shown.sensitive = flag(&t, "x-sallyport-sensitive");
    read_security(l, &t, &op->shown);
    const struct target lists[2] = {{loader_get(item, "parameters"), item->resource},
                                    {loader_get(&t, "parameters"), t.resource}};
    parts_parameters(l, op, lists, &here);
    check_template(l, op, &here);
    read_body(l, &t, op, &here);
    struct target responses = {loader_get(&t, "responses"), t.resource};
    parts_answers(l, op, &responses, &here);
    if (loader_get(&t, "servers") != NULL)
        loader_say(l, false, &here, "unchecked: servers of its own; those of the document count");
    add_operation(l, op, &here);
}

void operations_load(struct loader *l)
{
    struct trail root = {.name = view_str("")};
    struct trail paths = {.up = &root, .name = view_str("paths")};
    yyjson_val *all = loader_get(&l->root, "paths");

    if (all == NULL && loader_get(&l->root, "webhooks") != NULL)
        loader_say(l, false, &root, "unchecked: there are webhooks and no paths");
    if (all != NULL && value_kind(value_of(all)) != VALUE_OBJECT)
        loader_say(l, true, &paths, "this is an object");
    for (struct value_iter i = value_iter(value_of(all)); value_next(&i);) {
        struct view path = value_string(i.name);
        struct trail at = {.up = &paths, .name = path};
        struct target item = {value_yy(i.value), l->root.resource};
        if (path.len >= 2 && memcmp(path.at, "x-", 2) == 0)
            continue;
        if (path.len == 0 || path.at[0] != '/') {
            loader_say(l, true, &at, "a path begins with /");
            continue;
        }
        if (!loader_follow(l, &item, &at))
            continue;
        const char *kept = loader_text(l, path);
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
            read_operation(l, &item, m, kept, &at);
    }
}
