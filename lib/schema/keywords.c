/* What each keyword becomes; see compile.h. Faults of form are told with their JSON pointer. */
#include "lib/schema/compile.h"
#include "lib/schema/format.h"

#include "lib/base/banned.h"

enum { ENUM_LINEAR_MAX = 8, SHORT_PATTERN_MAX = 64 };

static const uint32_t no_args[3];

static bool is(yyjson_val *v, enum value_kind kind)
{
    return value_kind(value_of(v)) == kind;
}

/* 2.0 is a count too. */
uint32_t keywords_count(struct work *w, enum keyword k, uint32_t absent)
{
    yyjson_val *v = w->keywords[k];

    if (v == NULL)
        return absent;
    if (!value_is_number(v) || !value_is_integer(v) || value_double(v) < 0) {
        work_wrong(w, k, "this is a whole number, 0 or more");
        return absent;
    }
    double d = value_double(v);
    return d >= UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)d;
}

static bool flag_of(struct work *w, enum keyword k)
{
    bool on = false;

    if (w->keywords[k] != NULL && !value_bool(value_of(w->keywords[k]), &on))
        work_wrong(w, k, "this is true or false");
    return on;
}

static void emit_bounds(struct work *w, enum op op, enum keyword least, enum keyword most)
{
    if (w->keywords[least] == NULL && w->keywords[most] == NULL)
        return;
    uint32_t low = keywords_count(w, least, 0), high = keywords_count(w, most, UINT32_MAX);
    work_emit(w, op, 0, (const uint32_t[3]){low, high});
}

/* ---- any value ---- */

static uint32_t type_bits(struct view name)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } types[] = {
        {"null", TYPE_NULL},       {"boolean", TYPE_BOOL},
        {"integer", TYPE_INTEGER}, {"number", TYPE_INTEGER | TYPE_NUMBER},
        {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
        {"object", TYPE_OBJECT},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (view_is(name, types[i].name))
            return types[i].bits;
    }
    return 0;
}

static void emit_type(struct work *w)
{
    yyjson_val *v = w->keywords[KEYWORD_TYPE];
    uint32_t bits = 0, one;

    if (v == NULL)
        return;
    if (is(v, VALUE_ARRAY)) {
        for (struct value_iter i = value_iter(value_of(v)); value_next(&i); bits |= one) {
            if ((one = type_bits(value_string(i.value))) == 0)
                work_wrong(w, KEYWORD_TYPE, "one of these types is unknown");
        }
    } else if ((bits = type_bits(value_string(value_of(v)))) == 0) {
        work_wrong(w, KEYWORD_TYPE,
                   "a type is null, boolean, integer, number, string, array or object");
    }
    if (bits != TYPE_ANY)
        work_emit(w, OP_TYPE, 0, (const uint32_t[3]){bits});
}

static void emit_enum(struct work *w)
{
    yyjson_val *v = w->keywords[KEYWORD_ENUM];
    struct list l = {0};
    uint32_t cells = 0, steps = UINT32_MAX;

    if (v == NULL)
        return;
    if (!is(v, VALUE_ARRAY)) {
        work_wrong(w, KEYWORD_ENUM, "an enum is a list");
        return;
    }
    uint32_t count = (uint32_t)unsafe_yyjson_get_len(v);
    if (count > ENUM_LINEAR_MAX) {
        for (cells = 16; cells < count * 2; cells *= 2)
            ;
    }
    list_add(w, &l, count);
    list_add(w, &l, cells == 0 ? 0 : cells - 1);
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i);)
        list_add(w, &l, builder_constant(&w->c->builder, value_yy(i.value)));
    for (uint32_t i = 0; i < cells; i++)
        list_add(w, &l, 0);
    if (w->c->builder.err != SP_OK)
        return;
    uint32_t *cell = l.words + 2 + count;
    for (struct value_iter i = value_iter(value_of(v)); cells > 0 && value_next(&i);) {
        uint32_t at = (uint32_t)value_hash(value_yy(i.value), 0, &steps) & (cells - 1);
        while (cell[at] != 0)
            at = (at + 1) & (cells - 1);
        cell[at] = (uint32_t)i.index + 1;
    }
    work_emit(w, OP_ENUM, 0, (const uint32_t[3]){builder_words(&w->c->builder, l.words, l.count)});
}

static void emit_const(struct work *w)
{
    yyjson_val *v = w->keywords[KEYWORD_CONST];

    if (v != NULL)
        work_emit(w, OP_CONST, 0, (const uint32_t[3]){builder_constant(&w->c->builder, v)});
}

/* ---- numbers ---- */

/* 2020-12 has numbers under the exclusive words; OpenAPI 3.0 has booleans that change the others.
 */
static void emit_limit(struct work *w, enum op op, enum keyword limit, enum keyword exclusive)
{
    yyjson_val *v = w->keywords[limit], *x = w->keywords[exclusive];
    bool shut = false;

    if (w->old && x != NULL)
        shut = flag_of(w, exclusive);
    if (v != NULL && !value_is_number(v))
        work_wrong(w, limit, "this is a number");
    else if (v != NULL)
        work_emit(w, op, shut, (const uint32_t[3]){builder_constant(&w->c->builder, v)});
    if (w->old || x == NULL)
        return;
    if (!value_is_number(x))
        work_wrong(w, exclusive, "this is a number");
    else
        work_emit(w, op, 1, (const uint32_t[3]){builder_constant(&w->c->builder, x)});
}

static void emit_multiple(struct work *w)
{
    yyjson_val *v = w->keywords[KEYWORD_MULTIPLE_OF];

    if (v == NULL)
        return;
    if (!value_is_number(v) || value_double(v) <= 0)
        work_wrong(w, KEYWORD_MULTIPLE_OF, "this is a number above 0");
    else if (yyjson_is_raw(v))
        work_wrong(w, KEYWORD_MULTIPLE_OF, "this number has more digits than can be divided by");
    else
        work_emit(w, OP_MULTIPLE, 0, (const uint32_t[3]){builder_constant(&w->c->builder, v)});
}

/* ---- strings ---- */

uint32_t keywords_pattern(struct work *w, struct view text, const struct trail *at)
{
    bool portable = true;
    const char *what = "";
    uint32_t id = NONE;

    switch (builder_pattern(&w->c->builder, text, &id, &portable, &what)) {
    case SP_OK:
        if (!portable)
            compiler_say(w->c, false, at,
                         "\"%s\" is not portable: ECMA-262 does not know all of it", text);
        return id;
    case SP_ERR_UNSUPPORTED:
        compiler_say(w->c, false, at, "unchecked: %s", view_str(what));
        return NONE;
    case SP_ERR_INVALID:
        compiler_say(w->c, true, at, "\"%s\" is no regular expression", text);
        return NONE;
    default:
        return NONE; /* memory; the builder keeps it */
    }
}

static void emit_pattern(struct work *w)
{
    struct trail at = {.up = w->at, .name = view_str("pattern")};
    yyjson_val *v = w->keywords[KEYWORD_PATTERN];

    if (v == NULL)
        return;
    if (!is(v, VALUE_STRING)) {
        work_wrong(w, KEYWORD_PATTERN, "a pattern is text");
        return;
    }
    uint32_t id = keywords_pattern(w, value_text_of(v), &at);
    if (id != NONE)
        work_emit(w, OP_PATTERN, 0, (const uint32_t[3]){id});
}

static void emit_format(struct work *w)
{
    struct view name = value_string(value_of(w->keywords[KEYWORD_FORMAT]));

    if (w->keywords[KEYWORD_FORMAT] == NULL || !w->c->asserts_formats)
        return;
    enum format f = format_by_name(name);
    if (f != FORMAT_NONE)
        work_emit(w, OP_FORMAT, 0, (const uint32_t[3]){(uint32_t)f});
}

/* ---- arrays, and schemas beside each other ---- */

/* Nodes of a list of schemas: count and ids, as words. NONE: absent, or a fault. */
static uint32_t list_of(struct work *w, enum keyword k)
{
    struct trail at = {.up = w->at, .name = view_str(keyword_word(k))};
    yyjson_val *v = w->keywords[k];
    struct list l = {0};

    if (v == NULL)
        return NONE;
    if (!is(v, VALUE_ARRAY) || unsafe_yyjson_get_len(v) == 0) {
        work_wrong(w, k, "this is a list of at least one schema");
        return NONE;
    }
    list_add(w, &l, (uint32_t)unsafe_yyjson_get_len(v));
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i);) {
        struct trail item = {.up = &at, .index = i.index};
        list_add(w, &l, work_child(w, value_yy(i.value), &item));
    }
    return builder_words(&w->c->builder, l.words, l.count);
}

static void emit_array(struct work *w)
{
    uint32_t prefix = list_of(w, KEYWORD_PREFIX_ITEMS);
    uint32_t rest = work_keyword_child(w, KEYWORD_ITEMS);

    if (prefix != NONE || rest != NONE) {
        if (prefix == NONE)
            prefix = builder_words(&w->c->builder, (const uint32_t[1]){0}, 1);
        work_emit(w, OP_ITEMS, 0, (const uint32_t[3]){prefix, rest});
    }
    emit_bounds(w, OP_COUNT_ITEMS, KEYWORD_MIN_ITEMS, KEYWORD_MAX_ITEMS);
    if (flag_of(w, KEYWORD_UNIQUE_ITEMS))
        work_emit(w, OP_UNIQUE, 0, no_args);
    uint32_t contains = work_keyword_child(w, KEYWORD_CONTAINS);
    if (contains != NONE)
        work_emit(w, OP_CONTAINS, 0,
                  (const uint32_t[3]){contains, keywords_count(w, KEYWORD_MIN_CONTAINS, 1),
                                      keywords_count(w, KEYWORD_MAX_CONTAINS, UINT32_MAX)});
}

static void note_dynamic(struct work *w, uint32_t text)
{
    struct compiler *c = w->c;
    struct list l = {c->dynamic_names, c->dynamic_count, c->dynamic_room};

    for (size_t i = 0; i < c->dynamic_count; i++) {
        if (c->dynamic_names[i] == text)
            return;
    }
    list_add(w, &l, text);
    c->dynamic_names = l.words;
    c->dynamic_count = l.count;
    c->dynamic_room = l.room;
}

static void emit_refs(struct work *w)
{
    struct view ref = value_string(value_of(w->keywords[KEYWORD_REF]));
    struct view dynamic = value_string(value_of(w->keywords[KEYWORD_DYNAMIC_REF]));
    struct target t;

    if (ref.at != NULL)
        work_emit(w, OP_REF, 0, (const uint32_t[3]){compile_ref(w->c, ref, w->resource, w->at)});
    if (w->keywords[KEYWORD_DYNAMIC_REF] == NULL)
        return;
    if (dynamic.at == NULL) {
        work_wrong(w, KEYWORD_DYNAMIC_REF, "a $dynamicRef is text");
        return;
    }
    uint32_t node = compile_ref(w->c, dynamic, w->resource, w->at);
    const uint8_t *hash = dynamic.len == 0 ? NULL : memchr(dynamic.at, '#', dynamic.len);
    struct view name = hash == NULL
                           ? (struct view){0}
                           : view_slice(dynamic, (size_t)(hash - dynamic.at) + 1, dynamic.len);
    /* Only an anchor that is dynamic itself can be overridden from outside. */
    if (name.len == 0 || sources_follow(&w->c->sources, w->resource, dynamic, &t) != SP_OK ||
        sources_dynamic(&w->c->sources, t.resource, name) == NULL) {
        work_emit(w, OP_REF, 0, (const uint32_t[3]){node});
        return;
    }
    uint32_t text = builder_text(&w->c->builder, name);
    note_dynamic(w, text);
    work_emit(w, OP_DYNAMIC_REF, 0, (const uint32_t[3]){node, text});
}

/* The name under which a branch goes when the mapping does not say: the last part of its $ref. */
static struct view branch_name(yyjson_val *branch)
{
    struct view ref = {0};

    if (is(branch, VALUE_OBJECT))
        ref = value_string(value_of(yyjson_obj_get(branch, "$ref")));
    const uint8_t *slash = ref.len == 0 ? NULL : memrchr(ref.at, '/', ref.len);
    return slash == NULL ? (struct view){0}
                         : view_slice(ref, (size_t)(slash - ref.at) + 1, ref.len);
}

/* What a mapping names: a reference, or a schema of the components by its bare name. */
static uint32_t mapped(struct work *w, struct view to, const struct trail *at)
{
    static const char components[] = "#/components/schemas/";
    struct target t;

    if (to.len > 0 && memchr(to.at, '/', to.len) == NULL && memchr(to.at, '#', to.len) == NULL &&
        memchr(to.at, '.', to.len) == NULL) {
        struct view full = {scratch_take(&w->c->memory, sizeof components + to.len),
                            sizeof components - 1 + to.len};
        if (full.at == NULL)
            return NONE;
        memcpy((uint8_t *)(uintptr_t)full.at, components, sizeof components - 1);
        memcpy((uint8_t *)(uintptr_t)full.at + sizeof components - 1, to.at, to.len);
        to = full;
    }
    if (sources_follow(&w->c->sources, w->resource, to, &t) != SP_OK) {
        compiler_say(w->c, false, at, "unchecked: the mapping to \"%s\" leads nowhere", to);
        return NONE;
    }
    return compile_ref(w->c, to, w->resource, at);
}

static void add_choice(struct work *w, struct list *l, struct view name, uint32_t node)
{
    if (node == NONE || name.len == 0)
        return;
    list_add(w, l, builder_text(&w->c->builder, name));
    list_add(w, l, node);
    l->words[1]++;
}

/* Words of the discriminator over the branches in `k`, or NONE. */
static uint32_t discriminator_of(struct work *w, enum keyword k)
{
    struct trail at = {.up = w->at, .name = view_str("discriminator")};
    yyjson_val *d = w->keywords[KEYWORD_DISCRIMINATOR], *branches = w->keywords[k];
    struct list l = {0};

    if (d == NULL)
        return NONE;
    struct view property = is(d, VALUE_OBJECT)
                               ? value_string(value_of(yyjson_obj_get(d, "propertyName")))
                               : (struct view){0};
    if (property.len == 0) {
        work_wrong(w, KEYWORD_DISCRIMINATOR, "a discriminator names its property");
        return NONE;
    }
    list_add(w, &l, builder_text(&w->c->builder, property));
    list_add(w, &l, 0);
    if (w->c->builder.err != SP_OK)
        return NONE;
    for (struct value_iter i = value_iter(value_of(yyjson_obj_get(d, "mapping"))); value_next(&i);)
        add_choice(w, &l, value_string(i.name), mapped(w, value_string(i.value), &at));
    for (struct value_iter i = value_iter(value_of(branches)); value_next(&i);) {
        struct view name = branch_name(value_yy(i.value));
        if (name.len > 0)
            add_choice(w, &l, name, work_child(w, value_yy(i.value), &at));
    }
    if (w->c->builder.err != SP_OK || l.words[1] == 0)
        return NONE;
    return builder_words(&w->c->builder, l.words, l.count);
}

static void emit_beside(struct work *w)
{
    static const struct {
        enum keyword k;
        enum op op;
    } lists[] = {{KEYWORD_ALL_OF, OP_ALL}, {KEYWORD_ANY_OF, OP_ANY}, {KEYWORD_ONE_OF, OP_ONE}};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        uint32_t words = list_of(w, lists[i].k);
        if (words == NONE)
            continue;
        uint32_t choice = lists[i].op == OP_ALL ? NONE : discriminator_of(w, lists[i].k);
        work_emit(w, lists[i].op, 0, (const uint32_t[3]){words, choice});
    }
    uint32_t not = work_keyword_child(w, KEYWORD_NOT);
    if (not != NONE)
        work_emit(w, OP_NOT, 0, (const uint32_t[3]){not });
    if (w->keywords[KEYWORD_IF] != NULL) {
        uint32_t when = work_keyword_child(w, KEYWORD_IF);
        uint32_t then = work_keyword_child(w, KEYWORD_THEN);
        uint32_t otherwise = work_keyword_child(w, KEYWORD_ELSE);
        work_emit(w, OP_IF, 0,
                  (const uint32_t[3]){when, then == NONE ? NODE_TRUE : then,
                                      otherwise == NONE ? NODE_TRUE : otherwise});
    }
}

static void emit_unevaluated(struct work *w)
{
    uint32_t items = work_keyword_child(w, KEYWORD_UNEVALUATED_ITEMS);
    uint32_t members = work_keyword_child(w, KEYWORD_UNEVALUATED_PROPERTIES);

    if (items != NONE)
        work_emit(w, OP_UNEVALUATED_ITEMS, 0, (const uint32_t[3]){items});
    if (members != NONE)
        work_emit(w, OP_UNEVALUATED, 0, (const uint32_t[3]){members});
    if (items != NONE || members != NONE)
        w->flags |= NODE_TRACKS;
}

/* A meta-schema without the validation vocabulary makes remarks of these. */
static void drop_validation(struct work *w)
{
    static const enum keyword validation[] = {
        KEYWORD_TYPE,
        KEYWORD_CONST,
        KEYWORD_ENUM,
        KEYWORD_MINIMUM,
        KEYWORD_MAXIMUM,
        KEYWORD_EXCLUSIVE_MINIMUM,
        KEYWORD_EXCLUSIVE_MAXIMUM,
        KEYWORD_MULTIPLE_OF,
        KEYWORD_MIN_LENGTH,
        KEYWORD_MAX_LENGTH,
        KEYWORD_PATTERN,
        KEYWORD_MIN_ITEMS,
        KEYWORD_MAX_ITEMS,
        KEYWORD_UNIQUE_ITEMS,
        KEYWORD_MIN_CONTAINS,
        KEYWORD_MAX_CONTAINS,
        KEYWORD_MIN_PROPERTIES,
        KEYWORD_MAX_PROPERTIES,
        KEYWORD_REQUIRED,
        KEYWORD_DEPENDENT_REQUIRED,
    };
    for (size_t i = 0; i < sizeof validation / sizeof *validation; i++)
        w->keywords[validation[i]] = NULL;
}

/* What a person may write as they like is told apart from what the schema narrows (input rules). */
static bool narrows(const struct work *w)
{
    struct view pattern = value_string(value_of(w->keywords[KEYWORD_PATTERN]));

    return w->keywords[KEYWORD_ENUM] != NULL || w->keywords[KEYWORD_CONST] != NULL ||
           w->keywords[KEYWORD_FORMAT] != NULL ||
           (pattern.len > 0 && pattern.len <= SHORT_PATTERN_MAX);
}

void keywords_emit(struct work *w)
{
    if (narrows(w))
        w->flags |= NODE_NARROWS;
    if (w->c->sources.resources[w->resource].without_validation)
        drop_validation(w);
    /* Read as every tool reads it: null is allowed, whatever the rest of the schema says. */
    if (w->old && flag_of(w, KEYWORD_NULLABLE))
        work_emit(w, OP_NULLABLE, 0, no_args);
    emit_type(w);
    emit_const(w);
    emit_enum(w);
    emit_limit(w, OP_MINIMUM, KEYWORD_MINIMUM, KEYWORD_EXCLUSIVE_MINIMUM);
    emit_limit(w, OP_MAXIMUM, KEYWORD_MAXIMUM, KEYWORD_EXCLUSIVE_MAXIMUM);
    emit_multiple(w);
    emit_bounds(w, OP_LENGTH, KEYWORD_MIN_LENGTH, KEYWORD_MAX_LENGTH);
    emit_format(w);
    emit_pattern(w);
    emit_array(w);
    keywords_emit_object(w);
    if (w->c->messages && flag_of(w, KEYWORD_READ_ONLY))
        work_emit(w, OP_READ_ONLY, 0, no_args);
    if (w->c->messages && flag_of(w, KEYWORD_WRITE_ONLY))
        work_emit(w, OP_WRITE_ONLY, 0, no_args);
    if (flag_of(w, KEYWORD_SENSITIVE))
        work_emit(w, OP_SENSITIVE, 0, no_args);
    emit_refs(w);
    emit_beside(w);
    emit_unevaluated(w);
}
