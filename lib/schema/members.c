/* What the keywords about members of objects become: one table that is walked once. */
#include "lib/schema/compile.h"

#include "lib/base/banned.h"

enum { LINEAR_MAX = 8, REF_HOPS_MAX = 16 };

static bool is(yyjson_val *v, enum value_kind kind)
{
    return value_kind(value_of(v)) == kind;
}

/* Follows the $refs of a property's schema and asks for a flag: OpenAPI lifts `required` where a
 * property is readOnly (in requests) or writeOnly (in responses). */
static bool marked(struct work *w, yyjson_val *schema, const char *flag)
{
    struct target t = {schema, w->resource};
    bool on = false;

    for (int hop = 0; hop < REF_HOPS_MAX && is(t.at, VALUE_OBJECT); hop++) {
        if (value_bool(value_of(yyjson_obj_get(t.at, flag)), &on) && on)
            return true;
        struct view ref = value_string(value_of(yyjson_obj_get(t.at, "$ref")));
        if (ref.at == NULL || sources_follow(&w->c->sources, t.resource, ref, &t) != SP_OK)
            return false;
    }
    return false;
}

/* The table while it is put together. */
struct making {
    struct work *w;
    struct list entries, patterns;
    struct table head;
};

static struct entry *entry_at(struct making *m, size_t i)
{
    return (struct entry *)(void *)(m->entries.words + i * ENTRY_WORDS);
}

static size_t entry_count(const struct making *m)
{
    return m->entries.count / ENTRY_WORDS;
}

/* Texts are there once each, so where one begins says which one it is. */
static void add_entry(struct making *m, uint32_t text, uint32_t node, uint32_t bits)
{
    struct builder *b = &m->w->c->builder;

    if (b->err != SP_OK)
        return;
    list_add(m->w, &m->entries, b->p->texts[text].from);
    list_add(m->w, &m->entries, b->p->texts[text].len);
    list_add(m->w, &m->entries, node);
    list_add(m->w, &m->entries, bits);
}

static void add_properties(struct making *m)
{
    struct trail at = {.up = m->w->at, .name = view_str("properties")};
    yyjson_val *v = m->w->keywords[KEYWORD_PROPERTIES];

    if (v != NULL && !is(v, VALUE_OBJECT)) {
        work_wrong(m->w, KEYWORD_PROPERTIES, "this is an object of schemas");
        return;
    }
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i);) {
        struct trail name = {.up = &at, .name = value_string(i.name)};
        uint32_t text = builder_text(&m->w->c->builder, name.name);
        add_entry(m, text, work_child(m->w, value_yy(i.value), &name), ENTRY_DECLARED);
    }
}

static struct entry *find_entry(struct making *m, uint32_t text)
{
    for (size_t i = 0; i < entry_count(m); i++) {
        if (entry_at(m, i)->name.from == m->w->c->builder.p->texts[text].from)
            return entry_at(m, i);
    }
    return NULL;
}

static void add_required(struct making *m)
{
    struct work *w = m->w;
    yyjson_val *v = w->keywords[KEYWORD_REQUIRED], *properties = w->keywords[KEYWORD_PROPERTIES];

    if (v != NULL && !is(v, VALUE_ARRAY)) {
        work_wrong(w, KEYWORD_REQUIRED, "this is a list of names");
        return;
    }
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i);) {
        struct view name = value_string(i.value);
        if (name.at == NULL) {
            work_wrong(w, KEYWORD_REQUIRED, "this is a list of names");
            return;
        }
        uint32_t text = builder_text(&w->c->builder, name);
        struct entry *e = find_entry(m, text);
        if (e == NULL) {
            add_entry(m, text, NODE_TRUE, 0);
            if (w->c->builder.err != SP_OK)
                return;
            e = entry_at(m, entry_count(m) - 1);
        }
        yyjson_val *schema = is(properties, VALUE_OBJECT)
                                 ? yyjson_obj_getn(properties, (const char *)name.at, name.len)
                                 : NULL;
        bool api = w->c->messages && schema != NULL;
        if ((e->bits & ENTRY_REQUIRED_IN_REQUEST) == 0 && !(api && marked(w, schema, "readOnly"))) {
            e->bits |= ENTRY_REQUIRED_IN_REQUEST;
            m->head.required_in_request++;
        }
        if ((e->bits & ENTRY_REQUIRED_IN_RESPONSE) == 0 &&
            !(api && marked(w, schema, "writeOnly"))) {
            e->bits |= ENTRY_REQUIRED_IN_RESPONSE;
            m->head.required_in_response++;
        }
    }
}

static void add_patterns(struct making *m)
{
    struct trail at = {.up = m->w->at, .name = view_str("patternProperties")};
    yyjson_val *v = m->w->keywords[KEYWORD_PATTERN_PROPERTIES];

    if (v != NULL && !is(v, VALUE_OBJECT)) {
        work_wrong(m->w, KEYWORD_PATTERN_PROPERTIES, "this is an object of schemas");
        return;
    }
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i);) {
        struct trail name = {.up = &at, .name = value_string(i.name)};
        uint32_t pattern = keywords_pattern(m->w, name.name, &name);
        uint32_t node = work_child(m->w, value_yy(i.value), &name);
        if (pattern == NONE)
            continue;
        list_add(m->w, &m->patterns, pattern);
        list_add(m->w, &m->patterns, node);
        m->head.patterns++;
    }
}

/* Head, entries, cells and patterns, one behind the other. */
static uint32_t write_table(struct making *m)
{
    struct builder *b = &m->w->c->builder;
    struct list all = {0};
    uint32_t head[TABLE_WORDS], cells = 0;

    m->head.count = (uint32_t)entry_count(m);
    if (m->head.count > LINEAR_MAX) {
        for (cells = 16; cells < m->head.count * 2; cells *= 2)
            ;
        m->head.mask = cells - 1;
    }
    memcpy(head, &m->head, sizeof head);
    for (size_t i = 0; i < TABLE_WORDS; i++)
        list_add(m->w, &all, head[i]);
    for (size_t i = 0; i < m->entries.count; i++)
        list_add(m->w, &all, m->entries.words[i]);
    for (uint32_t i = 0; i < cells; i++)
        list_add(m->w, &all, 0);
    for (size_t i = 0; i < m->patterns.count; i++)
        list_add(m->w, &all, m->patterns.words[i]);
    if (b->err != SP_OK)
        return 0;
    uint32_t *cell = all.words + TABLE_WORDS + m->entries.count;
    for (uint32_t i = 0; cells > 0 && i < m->head.count; i++) {
        uint32_t at = (uint32_t)hash_bytes(entry_name(b->p, entry_at(m, i)), 0) & m->head.mask;
        while (cell[at] != 0)
            at = (at + 1) & m->head.mask;
        cell[at] = i + 1;
    }
    return builder_words(b, all.words, all.count);
}

static void emit_table(struct work *w)
{
    struct making m = {.w = w, .head = {.additional = NONE}};

    if (w->keywords[KEYWORD_PROPERTIES] == NULL && w->keywords[KEYWORD_REQUIRED] == NULL &&
        w->keywords[KEYWORD_PATTERN_PROPERTIES] == NULL && w->keywords[KEYWORD_ADDITIONAL] == NULL)
        return;
    add_properties(&m);
    add_required(&m);
    add_patterns(&m);
    m.head.additional = work_keyword_child(w, KEYWORD_ADDITIONAL);
    if (w->c->builder.err == SP_OK)
        work_emit(w, OP_OBJECT, 0, (const uint32_t[3]){write_table(&m)});
}

/* More than one of each may stand in a schema, so these two are lists of instructions. CODE_MAX
 * leaves room for few; further ones go into a schema of their own, beside this one. */
static void emit_in_own_node(struct work *w, const struct instruction *code, size_t count)
{
    struct list l = {0};

    list_add(w, &l, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        struct instruction one = code[i];
        struct draft d = {&one, 1, 0, w->resource};
        list_add(w, &l, builder_node(&w->c->builder, &d));
    }
    if (w->c->builder.err == SP_OK && count > 0)
        work_emit(w, OP_ALL, 0,
                  (const uint32_t[3]){builder_words(&w->c->builder, l.words, l.count), NONE});
}

static bool names_into(struct work *w, struct list *l, const struct value *names)
{
    if (value_kind(names) != VALUE_ARRAY)
        return false;
    for (struct value_iter i = value_iter(names); value_next(&i);) {
        if (value_kind(i.value) != VALUE_STRING)
            return false;
        list_add(w, l, builder_text(&w->c->builder, value_string(i.value)));
    }
    return true;
}

static void emit_dependent(struct work *w, enum keyword k)
{
    struct trail at = {.up = w->at, .name = view_str(keyword_word(k))};
    yyjson_val *v = w->keywords[k];
    size_t count = 0;

    if (v == NULL)
        return;
    if (!is(v, VALUE_OBJECT)) {
        work_wrong(w, k, "this is an object");
        return;
    }
    struct instruction *code =
        scratch_zeroed(&w->c->memory, unsafe_yyjson_get_len(v) + 1, sizeof *code);
    if (code == NULL) {
        w->c->builder.err = SP_ERR_NOMEM;
        return;
    }
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i);) {
        struct trail name = {.up = &at, .name = value_string(i.name)};
        uint32_t text = builder_text(&w->c->builder, name.name);
        if (k == KEYWORD_DEPENDENT_SCHEMAS) {
            code[count++] = (struct instruction){OP_NEEDS_SCHEMA, 0, text,
                                                 work_child(w, value_yy(i.value), &name), 0};
            continue;
        }
        struct list l = {0};
        list_add(w, &l, text);
        list_add(w, &l, (uint32_t)value_count(i.value));
        if (!names_into(w, &l, i.value)) {
            work_wrong(w, k, "this is an object of lists of names");
            return;
        }
        code[count++] = (struct instruction){OP_NEEDS, 0,
                                             builder_words(&w->c->builder, l.words, l.count), 0, 0};
    }
    emit_in_own_node(w, code, count);
}

void keywords_emit_object(struct work *w)
{
    emit_table(w);
    if (w->keywords[KEYWORD_MIN_PROPERTIES] != NULL || w->keywords[KEYWORD_MAX_PROPERTIES] != NULL)
        work_emit(w, OP_COUNT_MEMBERS, 0,
                  (const uint32_t[3]){keywords_count(w, KEYWORD_MIN_PROPERTIES, 0),
                                      keywords_count(w, KEYWORD_MAX_PROPERTIES, UINT32_MAX)});
    uint32_t names = work_keyword_child(w, KEYWORD_PROPERTY_NAMES);
    if (names != NONE)
        work_emit(w, OP_NAMES, 0, (const uint32_t[3]){names});
    emit_dependent(w, KEYWORD_DEPENDENT_REQUIRED);
    emit_dependent(w, KEYWORD_DEPENDENT_SCHEMAS);
}
