#include "lib/schema/sources.h"

#include "lib/schema/meta.h"
#include "lib/schema/program.h"
#include "lib/schema/uri.h"

#include "lib/base/num.h"

#include "lib/base/banned.h"

static yyjson_val *get(yyjson_val *object, const char *name)
{
    return object != NULL && unsafe_yyjson_get_type(object) == YYJSON_TYPE_OBJ
               ? yyjson_obj_get(object, name)
               : NULL;
}

static struct view text_of(yyjson_val *v)
{
    return value_string(value_of(v));
}

/* ---- what is known, by place ---- */

static size_t cell_of(const struct sources *s, const yyjson_val *at)
{
    uint64_t mixed = (uint64_t)(uintptr_t)at * 0x9E3779B97F4A7C15u;

    return (mixed >> 32) & (s->known_room - 1);
}

struct known *sources_known(const struct sources *s, const yyjson_val *schema)
{
    if (s->known_room == 0)
        return NULL;
    for (size_t c = cell_of(s, schema); s->cells[c].at != NULL; c = (c + 1) & (s->known_room - 1)) {
        if (s->cells[c].at == schema)
            return &s->cells[c];
    }
    return NULL;
}

static sp_error know(struct sources *s, yyjson_val *at, uint32_t resource)
{
    if (s->known_count * 2 >= s->known_room) {
        struct sources bigger = *s;
        bigger.known_room = s->known_room == 0 ? 256 : s->known_room * 2;
        bigger.cells = scratch_zeroed(s->memory, bigger.known_room, sizeof *s->cells);
        if (bigger.cells == NULL)
            return SP_ERR_NOMEM;
        for (size_t i = 0; i < s->known_room; i++) {
            if (s->cells[i].at == NULL)
                continue;
            size_t c = cell_of(&bigger, s->cells[i].at);
            while (bigger.cells[c].at != NULL)
                c = (c + 1) & (bigger.known_room - 1);
            bigger.cells[c] = s->cells[i];
        }
        s->cells = bigger.cells;
        s->known_room = bigger.known_room;
    }
    size_t c = cell_of(s, at);
    while (s->cells[c].at != NULL)
        c = (c + 1) & (s->known_room - 1);
    s->cells[c] = (struct known){at, resource, NONE};
    s->known_count++;
    return SP_OK;
}

/* ---- resources and anchors ---- */

static sp_error add_resource(struct sources *s, struct view uri, yyjson_val *root, uint32_t *out)
{
    if (s->resource_count == SOURCES_RESOURCES_MAX)
        return SP_ERR_LIMIT;
    if (s->resource_count == s->resource_room) {
        size_t room = s->resource_room == 0 ? 16 : s->resource_room * 2;
        struct resource *r =
            scratch_resize(s->memory, s->resources, s->resource_room * sizeof *r, room * sizeof *r);
        if (r == NULL)
            return SP_ERR_NOMEM;
        s->resources = r;
        s->resource_room = room;
    }
    s->resources[s->resource_count] =
        (struct resource){.uri = uri, .root = root, .openapi_30 = s->openapi_30};
    *out = (uint32_t)s->resource_count++;
    return SP_OK;
}

static sp_error add_anchor(struct sources *s, struct anchor a)
{
    if (s->anchor_count == s->anchor_room) {
        size_t room = s->anchor_room == 0 ? 16 : s->anchor_room * 2;
        struct anchor *grown = scratch_resize(s->memory, s->anchors, s->anchor_room * sizeof *grown,
                                              room * sizeof *grown);
        if (grown == NULL)
            return SP_ERR_NOMEM;
        s->anchors = grown;
        s->anchor_room = room;
    }
    s->anchors[s->anchor_count++] = a;
    return SP_OK;
}

static const struct anchor *find_anchor(const struct sources *s, uint32_t resource,
                                        struct view name)
{
    for (size_t i = 0; i < s->anchor_count; i++) {
        if (s->anchors[i].resource == resource && view_equal(s->anchors[i].name, name))
            return &s->anchors[i];
    }
    return NULL;
}

struct anchor *sources_dynamic(const struct sources *s, uint32_t resource, struct view name)
{
    for (size_t i = 0; i < s->anchor_count; i++) {
        struct anchor *a = &s->anchors[i];
        if (a->dynamic && a->resource == resource && view_equal(a->name, name))
            return a;
    }
    return NULL;
}

/* ---- finding names ---- */

static sp_error load(struct sources *s, struct view uri, uint32_t *resource);

/* A meta-schema of one's own that leaves the validation vocabulary out turns those keywords off. */
static sp_error apply_meta_schema(struct sources *s, yyjson_val *schema, uint32_t resource)
{
    static const char validation[] = "https://json-schema.org/draft/2020-12/vocab/validation";
    struct view uri = text_of(get(schema, "$schema"));
    uint32_t meta;

    if (uri.len == 0 || meta_schema(uri).len > 0 || s->fetch == NULL)
        return SP_OK;
    sp_error e = load(s, uri, &meta);
    if (e != SP_OK)
        return e == SP_ERR_NOT_FOUND ? SP_OK : e; /* an unknown dialect is read as 2020-12 */
    yyjson_val *vocabulary = get(s->resources[meta].root, "$vocabulary");
    if (vocabulary != NULL && get(vocabulary, validation) == NULL)
        s->resources[resource].without_validation = true;
    return SP_OK;
}

static sp_error name_schema(struct sources *s, yyjson_val *schema, uint32_t *resource)
{
    struct view id = text_of(get(schema, "$id")), anchor = text_of(get(schema, "$anchor")),
                dynamic = text_of(get(schema, "$dynamicAnchor"));
    sp_error e = SP_OK;

    if (id.len > 0 && id.at[0] != '#') {
        struct view uri = uri_resolve(s->resources[*resource].uri, id, s->memory);
        if (uri.at == NULL)
            return SP_ERR_NOMEM;
        if (s->resources[*resource].root == schema)
            s->resources[*resource].uri = uri;
        else if ((e = add_resource(s, uri, schema, resource)) != SP_OK)
            return e;
    }
    if (s->resources[*resource].root == schema &&
        (e = apply_meta_schema(s, schema, *resource)) != SP_OK)
        return e;
    if (anchor.len > 0)
        e = add_anchor(s, (struct anchor){.name = anchor, .resource = *resource, .at = schema});
    if (e == SP_OK && dynamic.len > 0)
        e = add_anchor(
            s,
            (struct anchor){.name = dynamic, .resource = *resource, .dynamic = true, .at = schema});
    return e;
}

static sp_error walk(struct sources *s, yyjson_val *schema, uint32_t resource, unsigned depth);

static sp_error walk_all(struct sources *s, yyjson_val *container, uint32_t resource,
                         unsigned depth)
{
    sp_error e = SP_OK;

    for (struct value_iter i = value_iter(value_of(container)); e == SP_OK && value_next(&i);)
        e = walk(s, value_yy(i.value), resource, depth);
    return e;
}

static sp_error walk(struct sources *s, yyjson_val *schema, uint32_t resource, unsigned depth)
{
    sp_error e = SP_OK;
    bool old = s->openapi_30;

    if (depth == SOURCES_DEPTH_MAX)
        return SP_ERR_LIMIT;
    if (unsafe_yyjson_get_type(schema) != YYJSON_TYPE_OBJ || sources_known(s, schema) != NULL)
        return SP_OK;
    if (!old && (e = name_schema(s, schema, &resource)) != SP_OK)
        return e;
    if ((e = know(s, schema, resource)) != SP_OK)
        return e;
    for (struct value_iter i = value_iter(value_of(schema)); e == SP_OK && value_next(&i);) {
        enum keyword k = keyword_find(value_string(i.name));
        if (k == KEYWORD_COUNT || (old && !keyword_in_openapi_30(k)))
            continue;
        enum children children = keyword_children(k);
        if (children == CHILD_SCHEMA)
            e = walk(s, value_yy(i.value), resource, depth + 1);
        else if ((children == CHILD_LIST && value_kind(i.value) == VALUE_ARRAY) ||
                 (children == CHILD_MAP && value_kind(i.value) == VALUE_OBJECT))
            e = walk_all(s, value_yy(i.value), resource, depth + 1);
    }
    return e;
}

sp_error sources_walk(struct sources *s, yyjson_val *schema, uint32_t resource)
{
    return walk(s, schema, resource, 0);
}

sp_error sources_add_root(struct sources *s, struct view uri, yyjson_val *root, uint32_t *resource)
{
    return add_resource(s, uri, root, resource);
}

sp_error sources_add(struct sources *s, struct view uri, struct view text,
                     struct value_fault *fault, uint32_t *resource)
{
    const struct value *root = NULL;
    struct view kept = uri_resolve(uri, (struct view){0}, s->memory);
    sp_error e;

    if (kept.at == NULL)
        return SP_ERR_NOMEM;
    if ((e = value_read(text, SOURCES_DEPTH_MAX, s->memory, fault, &root)) != SP_OK ||
        (e = add_resource(s, kept, value_yy(root), resource)) != SP_OK)
        return e;
    return walk(s, value_yy(root), *resource, 0);
}

static sp_error load(struct sources *s, struct view uri, uint32_t *resource)
{
    struct view text;
    sp_error e;

    for (size_t i = 0; i < s->resource_count; i++) {
        if (view_equal(s->resources[i].uri, uri)) {
            *resource = (uint32_t)i;
            return SP_OK;
        }
    }
    text = s->openapi_30 ? (struct view){0} : meta_schema(uri);
    if (text.len == 0) {
        if (s->fetch == NULL)
            return SP_ERR_NOT_FOUND;
        if ((e = s->fetch(s->fetch_arg, uri, &text)) != SP_OK)
            return e;
    }
    size_t before = s->resource_count;
    if ((e = sources_add(s, uri, text, NULL, resource)) != SP_OK)
        return e;
    /* Its own $id may differ from where it was found: it is known by both. */
    if (!view_equal(s->resources[before].uri, uri)) {
        struct view alias = uri_resolve(uri, (struct view){0}, s->memory);
        uint32_t other;
        if (alias.at == NULL)
            return SP_ERR_NOMEM;
        return add_resource(s, alias, s->resources[before].root, &other);
    }
    return SP_OK;
}

/* ---- following ---- */

/* One step of a JSON pointer that was percent-decoded. */
static yyjson_val *step(yyjson_val *v, struct view token, struct scratch *memory)
{
    uint64_t index;
    size_t len = 0;

    if (value_kind(value_of(v)) == VALUE_ARRAY)
        return num_uint(token, SIZE_MAX, &index) == SP_OK ? yyjson_arr_get(v, index) : NULL;
    if (value_kind(value_of(v)) != VALUE_OBJECT)
        return NULL;
    char *name = scratch_take(memory, token.len);
    if (name == NULL)
        return NULL;
    for (size_t i = 0; i < token.len; i++) {
        char c = (char)token.at[i];
        if (c == '~') {
            if (++i == token.len || (token.at[i] != '0' && token.at[i] != '1'))
                return NULL;
            c = token.at[i] == '0' ? '~' : '/';
        }
        name[len++] = c;
    }
    return yyjson_obj_getn(v, name, len);
}

static sp_error point(struct sources *s, struct view pointer, struct target *t)
{
    while (pointer.len > 0) {
        pointer = view_slice(pointer, 1, pointer.len);
        const uint8_t *slash = pointer.len == 0 ? NULL : memchr(pointer.at, '/', pointer.len);
        struct view token =
            view_slice(pointer, 0, slash == NULL ? pointer.len : (size_t)(slash - pointer.at));
        t->at = step(t->at, token, s->memory);
        if (t->at == NULL)
            return SP_ERR_NOT_FOUND;
        const struct known *k = sources_known(s, t->at);
        if (k != NULL)
            t->resource = k->resource;
        pointer = view_slice(pointer, token.len, pointer.len);
    }
    return SP_OK;
}

sp_error sources_follow(struct sources *s, uint32_t from, struct view ref, struct target *out)
{
    struct view uri = uri_resolve(s->resources[from].uri, ref, s->memory);
    struct uri parts = uri_split(ref);
    struct view fragment = uri_decode(parts.fragment, s->memory);
    struct target t = {0};
    sp_error e;

    if (uri.at == NULL || fragment.at == NULL)
        return SP_ERR_NOMEM;
    if (s->beside_only && parts.path.len > 2 && memmem(parts.path.at, parts.path.len, "..", 2))
        return SP_ERR_DENIED;
    if (view_equal(uri, s->resources[from].uri))
        t.resource = from; /* also where many documents have no URI */
    else if ((e = load(s, uri, &t.resource)) != SP_OK)
        return e;
    t.at = s->resources[t.resource].root;
    const struct known *root = sources_known(s, t.at);
    if (root != NULL)
        t.resource = root->resource; /* an alias leads to the real one */
    if (fragment.len > 0 && fragment.at[0] != '/') {
        const struct anchor *a = find_anchor(s, t.resource, fragment);
        if (a == NULL)
            return SP_ERR_NOT_FOUND;
        t.at = a->at;
    } else if ((e = point(s, fragment, &t)) != SP_OK) {
        return e;
    }
    *out = t;
    return SP_OK;
}
