#include "connector/gateway/inventory/inventory_internal.h"

#include <stdio.h>

/* What others read: one endpoint as JSON, and the whole as an OpenAPI 3.1 draft. */

static void set_count(struct json *o, const char *name, uint64_t n)
{
    json_set_int(o, name, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

/* The narrowest class that covers all that were seen; different ones are words. */
static enum value_class class_of(uint16_t classes)
{
    if (classes == (1u << VALUE_INTEGER | 1u << VALUE_DECIMAL))
        return VALUE_DECIMAL;
    for (unsigned c = 0; c < VALUE_CLASSES; c++)
        if (classes == 1u << c)
            return (enum value_class)c;
    return VALUE_WORD;
}

static struct json *schema_of(uint16_t classes)
{
    enum value_class c = class_of(classes);
    struct json *o = json_object();

    json_set_cstr(o, "type", classify_type(c));
    if (classify_format(c) != NULL)
        json_set_cstr(o, "format", classify_format(c));
    return o;
}

static struct json *seen_json(const struct inventory *v, const struct seen *all, size_t n,
                              uint64_t calls)
{
    struct json *list = json_array();

    for (size_t i = 0; i < n; i++) {
        struct json *o = json_object();
        json_set_str(o, "name", name_text(&v->names, all[i].name));
        json_set_cstr(o, "type", classify_type(class_of(all[i].classes)));
        json_set_bool(o, "always", all[i].count >= calls);
        json_push(list, o);
    }
    return list;
}

static struct json *quantiles(const struct loghist *h)
{
    struct json *o = json_object();

    set_count(o, "p50", loghist_quantile(h, 0.5));
    set_count(o, "p95", loghist_quantile(h, 0.95));
    set_count(o, "p99", loghist_quantile(h, 0.99));
    return o;
}

static void add_figures(struct json *o, const struct endpoint *e)
{
    static const char *const hundreds[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct json *statuses = json_object();

    for (size_t i = 1; i < 6; i++)
        if (e->statuses[i] > 0)
            json_set_int(statuses, hundreds[i], e->statuses[i]);
    json_set(o, "statuses", statuses);
    json_set_int(o, "with_token", e->with_token);
    json_set_int(o, "ok_without_token", e->ok_without_token);
    json_set_int(o, "tls", e->tls);
    if (e->figures != NULL) {
        set_count(o, "users", hll_count(e->figures->users, HLL_LARGE));
        json_set(o, "latency_us", quantiles(&e->figures->latency_us));
        json_set(o, "bytes", quantiles(&e->figures->bytes));
    } else {
        json_set_int(o, "users", e->calls > 0);
    }
}

static void set_time(struct json *o, const char *name, sp_unix_ms t)
{
    if (t > 0)
        json_set_time(o, name, t);
}

static struct json *path_parameters(const struct inventory *v, const struct endpoint *e,
                                    const char *text);

/* The paths before segments that are words become one ("/reports" of "/reports/{report_id}"), and
 * those below which an admin keeps words apart. */
static void add_merged(const struct inventory *v, const struct endpoint *e, const char *text,
                       struct json *o)
{
    uint16_t way[INVENTORY_SEGMENTS_MAX + 1];
    struct json *merged = json_array(), *split = json_array();
    size_t depth = 0;

    for (uint16_t at = e->node; at != ROOT && depth < INVENTORY_SEGMENTS_MAX;
         at = v->nodes[at].parent)
        way[depth++] = at;
    for (const char *s = text; s != NULL && *s == '/' && depth > 0; s = strchr(s + 1, '/')) {
        const struct node *n = &v->nodes[way[--depth]];
        struct view before =
            s == text ? view_str("/") : (struct view){(const uint8_t *)text, (size_t)(s - text)};
        if ((n->flags & (NODE_GROUP | NODE_FIXED)) == NODE_GROUP)
            json_push(merged, json_new_str(before));
        if (v->nodes[n->parent].flags & NODE_SPLIT)
            json_push(split, json_new_str(before));
    }
    json_set(o, "merged", merged);
    json_set(o, "split", split);
}

struct json *endpoint_json(const struct inventory *v, const struct endpoint *e, sp_unix_ms now)
{
    static const char *const shapes[] = {[SHAPE_OBJECT] = "object", [SHAPE_ARRAY] = "array"};
    struct json *o = json_object(), *states = json_array(), *groups = json_array();
    char text[INVENTORY_TEMPLATE_MAX];
    unsigned is = endpoint_states(v, e, now);

    endpoint_template(v, e, text, sizeof text);
    json_set_cstr(o, "method", gw_method_name((enum gw_method)e->method));
    json_set_cstr(o, "path", text);
    for (unsigned s = 1; s <= ENDPOINT_UNAUTHENTICATED; s <<= 1)
        if (is & s)
            json_push(states, json_new_str(view_str(endpoint_state_name((enum endpoint_state)s))));
    json_set(o, "states", states);
    set_count(o, "calls", e->calls);
    set_time(o, "first_seen", e->first);
    set_time(o, "last_seen", e->last);
    add_figures(o, e);
    for (size_t i = 0; i < GROUPS_KEPT && e->groups[i] != 0; i++)
        json_push(groups, json_new_str(name_text(&v->names, e->groups[i])));
    json_set(o, "groups", groups);
    json_set(o, "parameters", path_parameters(v, e, text));
    if (e->shape != SHAPE_NONE)
        json_set_cstr(o, "shape", shapes[e->shape]);
    json_set(o, "query", seen_json(v, e->query, e->query_count, e->calls));
    json_set(o, "properties", seen_json(v, e->properties, e->property_count, e->statuses[2]));
    json_set_int(o, "sensitive", e->sensitive);
    if (e->drift != 0) {
        json_set_str(o, "drift_property", name_text(&v->names, e->drift));
        set_time(o, "drift_since", e->drift_since);
    }
    set_time(o, "deprecated", e->deprecated);
    set_time(o, "sunset", e->sunset);
    add_merged(v, e, text, o);
    struct json *pace = e->figures != NULL ? pace_json(&e->figures->pace) : NULL;
    if (pace != NULL)
        json_set(o, "pace", pace);
    return o;
}

/* OpenAPI 3.1 ------------------------------------------------------------------------------- */

static struct json *parameter_json(struct view name, const char *in, uint16_t classes)
{
    struct json *o = json_object();

    json_set_str(o, "name", name);
    json_set_cstr(o, "in", in);
    json_set_bool(o, "required", in[0] == 'p');
    json_set(o, "schema", schema_of(classes));
    return o;
}

/* "{name}" of the template, in order, with the classes of their nodes. */
static struct json *path_parameters(const struct inventory *v, const struct endpoint *e,
                                    const char *text)
{
    uint16_t way[INVENTORY_SEGMENTS_MAX + 1];
    size_t depth = 0;
    struct json *list = json_array();

    for (uint16_t at = e->node; at != ROOT && depth < INVENTORY_SEGMENTS_MAX;
         at = v->nodes[at].parent)
        way[depth++] = at;
    for (const char *s = text; *s == '/' && depth > 0;) {
        const char *end = strchr(s + 1, '/');
        size_t len = end == NULL ? strlen(s + 1) : (size_t)(end - s - 1);
        const struct node *n = &v->nodes[way[--depth]];
        if ((n->flags & NODE_PARAM) && len > 2)
            json_push(list, parameter_json((struct view){(const uint8_t *)s + 2, len - 2}, "path",
                                           n->classes == 0 ? 1u << VALUE_WORD : n->classes));
        if (end == NULL)
            break;
        s = end;
    }
    return list;
}

static struct json *parameters_json(const struct inventory *v, const struct endpoint *e,
                                    const char *text)
{
    struct json *list = path_parameters(v, e, text);

    for (size_t i = 0; i < e->query_count; i++)
        json_push(list, parameter_json(name_text(&v->names, e->query[i].name), "query",
                                       e->query[i].classes));
    return list;
}

static struct json *answer_schema(const struct inventory *v, const struct endpoint *e)
{
    struct json *object = json_object(), *properties = json_object(), *array;

    json_set_cstr(object, "type", "object");
    for (size_t i = 0; i < e->property_count; i++) {
        struct view name = name_text(&v->names, e->properties[i].name);
        char text[INVENTORY_NAME_BYTES_MAX + 1];
        view_copy(text, sizeof text, name);
        /* What a nested value is isn't known: any. */
        json_set(properties, text,
                 e->properties[i].classes == 1u << VALUE_WORD
                     ? json_object()
                     : schema_of(e->properties[i].classes));
    }
    json_set(object, "properties", properties);
    if (e->shape != SHAPE_ARRAY)
        return object;
    array = json_object();
    json_set_cstr(array, "type", "array");
    json_set(array, "items", object);
    return array;
}

static struct json *operation_json(const struct inventory *v, const struct endpoint *e,
                                   const char *text)
{
    struct json *o = json_object(), *responses = json_object(), *ok = json_object();

    json_set(o, "parameters", parameters_json(v, e, text));
    if ((e->flags & ENDPOINT_DEPRECATED) || e->deprecated != 0)
        json_set_bool(o, "deprecated", true);
    json_set_cstr(ok, "description", "as seen");
    if (e->shape != SHAPE_NONE && e->property_count > 0) {
        struct json *content = json_object(), *media = json_object();
        json_set(media, "schema", answer_schema(v, e));
        json_set(content, "application/json", media);
        json_set(ok, "content", content);
    }
    json_set(responses, e->statuses[2] > 0 || e->calls == 0 ? "2XX" : "default", ok);
    json_set(o, "responses", responses);
    return o;
}

struct json *inventory_draft(const struct inventory *v, struct view title)
{
    static const char *const verbs[GW_METHODS] = {
        [GW_GET] = "get",     [GW_HEAD] = "head",     [GW_POST] = "post",      [GW_PUT] = "put",
        [GW_PATCH] = "patch", [GW_DELETE] = "delete", [GW_OPTIONS] = "options"};
    struct json *o = json_object(), *info = json_object(), *paths = json_object();
    char text[INVENTORY_TEMPLATE_MAX];

    json_set_cstr(o, "openapi", "3.1.0");
    json_set_str(info, "title", title);
    json_set_cstr(info, "version", "draft");
    json_set(o, "info", info);
    for (uint16_t i = 0; i < INVENTORY_NODES_MAX; i++) {
        struct json *item = NULL;
        for (uint16_t n = v->nodes[i].used ? v->nodes[i].endpoint : NONE; n != NONE;
             n = v->endpoints[n]->next) {
            const struct endpoint *e = v->endpoints[n];
            if (item == NULL)
                item = json_object();
            endpoint_template(v, e, text, sizeof text);
            json_set(item, verbs[e->method], operation_json(v, e, text));
        }
        if (item != NULL)
            json_set(paths, text, item);
    }
    json_set(o, "paths", paths);
    return o;
}
