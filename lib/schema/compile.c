#include "lib/schema/compile.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { CIRCLE_EDGES_MAX = 1 << 20 };

struct pending {
    yyjson_val *at;
    uint32_t resource, node;
    struct view pointer;
};

sp_error compiler_init(struct compiler *c, size_t memory_max)
{
    *c = (struct compiler){0};
    scratch_init(&c->memory, memory_max);
    c->sources.memory = &c->memory;
    return builder_init(&c->builder);
}

void compiler_deinit(struct compiler *c)
{
    builder_deinit(&c->builder);
    scratch_deinit(&c->memory);
}

void trail_write(const struct trail *at, struct buf *out)
{
    if (at == NULL)
        return;
    trail_write(at->up, out);
    if (at->up == NULL) {
        buf_add(out, at->name);
    } else if (at->name.at == NULL) {
        buf_addf(out, "/%zu", at->index);
    } else {
        buf_add_byte(out, '/');
        for (size_t i = 0; i < at->name.len; i++) {
            if (at->name.at[i] == '~' || at->name.at[i] == '/')
                buf_add_str(out, at->name.at[i] == '~' ? "~0" : "~1");
            else
                buf_add_byte(out, at->name.at[i]);
        }
    }
}

void compiler_say(struct compiler *c, bool error, const struct trail *at, const char *text,
                  struct view detail)
{
    struct buf out;
    const char *place = strstr(text, "%s");

    buf_init(&out, 1024);
    if (place == NULL) {
        buf_add_str(&out, text);
    } else {
        buf_add(&out, (struct view){(const uint8_t *)text, (size_t)(place - text)});
        buf_add(&out, view_slice(detail, 0, 200));
        buf_add_str(&out, place + 2);
    }
    c->errors += error;
    const char *whole = buf_cstr(&out);
    if (c->note != NULL && whole != NULL)
        c->note(c->arg, error, at, whole);
    buf_deinit(&out);
}

/* ---- one schema ---- */

void work_emit(struct work *w, enum op op, uint16_t flags, const uint32_t args[3])
{
    if (w->count == CODE_MAX) {
        if (w->c->builder.err == SP_OK)
            w->c->builder.err = SP_ERR_INTERNAL;
        return;
    }
    w->code[w->count++] = (struct instruction){(uint16_t)op, flags, args[0], args[1], args[2]};
}

void work_wrong(struct work *w, enum keyword k, const char *text)
{
    struct trail at = {.up = w->at, .name = view_str(keyword_word(k))};

    compiler_say(w->c, true, &at, text, (struct view){0});
}

void list_add(struct work *w, struct list *l, uint32_t word)
{
    if (l->count == l->room) {
        size_t room = l->room == 0 ? 16 : l->room * 2;
        uint32_t *words =
            scratch_resize(&w->c->memory, l->words, l->room * sizeof *words, room * sizeof *words);
        if (words == NULL) {
            if (w->c->builder.err == SP_OK)
                w->c->builder.err = SP_ERR_NOMEM;
            return;
        }
        l->words = words;
        l->room = room;
    }
    l->words[l->count++] = word;
}

static uint32_t compile_at(struct compiler *c, yyjson_val *v, uint32_t resource,
                           const struct trail *at, unsigned depth);

uint32_t work_child(struct work *w, yyjson_val *v, const struct trail *at)
{
    return compile_at(w->c, v, w->resource, at, w->depth + 1);
}

uint32_t work_keyword_child(struct work *w, enum keyword k)
{
    struct trail at = {.up = w->at, .name = view_str(keyword_word(k))};

    return w->keywords[k] == NULL ? NONE : work_child(w, w->keywords[k], &at);
}

/* Fills `keywords`; returns how many there are that mean something. */
static size_t gather(struct work *w)
{
    size_t count = 0;

    for (struct value_iter i = value_iter(value_of(w->schema)); value_next(&i);) {
        enum keyword k = keyword_find(value_string(i.name));
        if (k == KEYWORD_COUNT || (w->old && !keyword_in_openapi_30(k)))
            continue;
        w->keywords[k] = value_yy(i.value);
        count++;
    }
    return count;
}

/* Compiles the body of an object schema into w->code. Returns the node that it merely names, for a
 * lone $ref, else NONE. */
static uint32_t body(struct work *w)
{
    size_t count = gather(w);
    struct view ref = value_string(value_of(w->keywords[KEYWORD_REF]));

    if (w->keywords[KEYWORD_REF] != NULL && ref.at == NULL) {
        work_wrong(w, KEYWORD_REF, "a $ref is text");
        return NODE_FALSE;
    }
    if (ref.at != NULL && (w->old || count == 1)) {
        uint32_t node = compile_ref(w->c, ref, w->resource, w->at);
        /* A reference into another resource stays an instruction: the way there is part of the
         * dynamic scope. */
        if (w->old || node < NODES_FIXED || ref.len == 0 || ref.at[0] == '#')
            return node;
        work_emit(w, OP_REF, 0, (const uint32_t[3]){node});
        return NONE;
    }
    keywords_emit(w);
    return NONE;
}

static uint32_t simple(struct compiler *c, yyjson_val *v, const struct trail *at)
{
    if (unsafe_yyjson_get_type(v) == YYJSON_TYPE_BOOL)
        return unsafe_yyjson_get_bool(v) ? NODE_TRUE : NODE_FALSE;
    compiler_say(c, true, at, "a schema is an object, true or false", (struct view){0});
    return NODE_FALSE;
}

static void keep(struct compiler *c, sp_error e, const struct trail *at)
{
    if (e == SP_ERR_LIMIT)
        compiler_say(c, true, at, "schemas are nested too deep here", (struct view){0});
    else if (e != SP_OK && c->builder.err == SP_OK)
        c->builder.err = e;
}

static uint32_t compile_at(struct compiler *c, yyjson_val *v, uint32_t resource,
                           const struct trail *at, unsigned depth)
{
    struct work w = {.c = c, .at = at, .depth = depth, .schema = v};
    struct draft d;
    uint32_t node;

    if (c->builder.err != SP_OK)
        return NODE_FALSE;
    if (unsafe_yyjson_get_type(v) != YYJSON_TYPE_OBJ)
        return simple(c, v, at);
    if (depth == COMPILE_DEPTH_MAX) {
        keep(c, SP_ERR_LIMIT, at);
        return NODE_FALSE;
    }
    struct known *k = sources_known(&c->sources, v);
    if (k == NULL) {
        keep(c, sources_walk(&c->sources, v, resource), at);
        if ((k = sources_known(&c->sources, v)) == NULL)
            return NODE_FALSE;
    }
    if (k->node != NONE)
        return k->node;
    w.resource = k->resource;
    w.old = c->sources.resources[w.resource].openapi_30;
    node = body(&w);
    if (node == NONE) {
        d = (struct draft){w.code, w.count, w.flags, w.resource};
        node = w.count == 0 ? NODE_TRUE : builder_node(&c->builder, &d);
    }
    k = sources_known(&c->sources, v); /* the table may have grown meanwhile */
    if (k->node == NONE)
        k->node = node;
    return node;
}

uint32_t compile_schema(struct compiler *c, yyjson_val *v, uint32_t resource,
                        const struct trail *at)
{
    return compile_at(c, v, resource, at, 0);
}

/* ---- references ---- */

static bool make_room(struct compiler *c, void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room == 0 ? 64 : *room * 2;
    void *grown = scratch_resize(&c->memory, *array, *room * size, more * size);
    if (grown == NULL) {
        keep(c, SP_ERR_NOMEM, NULL);
        return false;
    }
    *array = grown;
    *room = more;
    return true;
}

/* Text that stays: where a pending schema stands, for faults in it. */
static struct view kept_pointer(struct compiler *c, const struct target *t, struct view ref)
{
    struct view uri = c->sources.resources[t->resource].uri;
    const uint8_t *hash = ref.len == 0 ? NULL : memchr(ref.at, '#', ref.len);
    struct view fragment = hash == NULL
                               ? (struct view){0}
                               : view_slice(ref, (size_t)(hash - ref.at) + (uri.len == 0), ref.len);
    uint8_t *text = scratch_take(&c->memory, uri.len + fragment.len + 1);

    if (text == NULL)
        return (struct view){0};
    if (uri.len > 0)
        memcpy(text, uri.at, uri.len);
    if (fragment.len > 0)
        memcpy(text + uri.len, fragment.at, fragment.len);
    return (struct view){text, uri.len + fragment.len};
}

/* The node of a place that may be compiled already, or later. */
static uint32_t node_at(struct compiler *c, const struct target *t, struct view ref,
                        const struct trail *at)
{
    if (unsafe_yyjson_get_type(t->at) != YYJSON_TYPE_OBJ)
        return simple(c, t->at, at);
    if (sources_known(&c->sources, t->at) == NULL)
        keep(c, sources_walk(&c->sources, t->at, t->resource), at);
    struct known *k = sources_known(&c->sources, t->at);
    if (k == NULL || c->builder.err != SP_OK)
        return NODE_FALSE;
    if (k->node != NONE)
        return k->node;
    void *array = c->pending;
    if (!make_room(c, &array, &c->pending_room, c->pending_count, sizeof *c->pending))
        return NODE_FALSE;
    c->pending = array;
    k->node = builder_reserve(&c->builder);
    c->pending[c->pending_count++] =
        (struct pending){t->at, k->resource, k->node, kept_pointer(c, t, ref)};
    return k->node;
}

uint32_t compile_ref(struct compiler *c, struct view ref, uint32_t resource, const struct trail *at)
{
    struct trail here = {.up = at, .name = view_str("$ref")};
    struct target t;

    switch (sources_follow(&c->sources, resource, ref, &t)) {
    case SP_OK:
        return node_at(c, &t, ref, at);
    case SP_ERR_NOT_FOUND:
        compiler_say(c, true, &here, "\"%s\" leads nowhere", ref);
        break;
    case SP_ERR_MALFORMED:
        compiler_say(c, true, &here, "\"%s\" is not JSON", ref);
        break;
    case SP_ERR_LIMIT:
        compiler_say(c, true, &here, "\"%s\" is too large or too deep", ref);
        break;
    case SP_ERR_DENIED:
        compiler_say(c, true, &here, "\"%s\" is not a file beside the document", ref);
        break;
    default:
        keep(c, SP_ERR_NOMEM, at);
    }
    return NODE_FALSE;
}

static void compile_pending(struct compiler *c)
{
    while (c->pending_count > 0 && c->builder.err == SP_OK) {
        struct pending p = c->pending[--c->pending_count];
        struct trail at = {.name = p.pointer};
        struct work w = {.c = c, .at = &at, .resource = p.resource, .schema = p.at};
        w.old = c->sources.resources[w.resource].openapi_30;
        uint32_t node = body(&w);
        if (node != NONE)
            work_emit(&w, OP_REF, 0, (const uint32_t[3]){node});
        struct draft d = {w.code, w.count, w.flags, w.resource};
        builder_fill(&c->builder, p.node, &d);
    }
}

/* Every $dynamicAnchor that some $dynamicRef may be led to. True: there were new ones. */
static bool compile_dynamic(struct compiler *c)
{
    bool any = false;

    for (size_t n = 0; n < c->dynamic_count; n++) {
        struct view name = program_text(c->builder.p, c->dynamic_names[n]);
        for (size_t i = 0; i < c->sources.anchor_count && c->builder.err == SP_OK; i++) {
            struct anchor *a = &c->sources.anchors[i];
            if (!a->dynamic || a->registered || !view_equal(a->name, name))
                continue;
            a->registered = true;
            struct target t = {a->at, a->resource};
            uint32_t node = node_at(c, &t, (struct view){0}, NULL);
            builder_dynamic(&c->builder, (struct dynamic){c->dynamic_names[n], t.resource, node});
            any = true;
            name = program_text(c->builder.p, c->dynamic_names[n]);
        }
    }
    return any;
}

/* ---- schemas that contain themselves in the same place ---- */

/* Calls `visit` for each node that sees the same value as `n`. */
static void same_place(const struct schema_program *p, const struct node *n,
                       void (*visit)(void *, uint32_t), void *arg)
{
    for (uint32_t i = n->from; i < n->from + n->count; i++) {
        const struct instruction *x = &p->code[i];
        switch (x->op) {
        case OP_ALL:
        case OP_ANY:
        case OP_ONE:
            for (uint32_t k = 0; k < p->words[x->a]; k++)
                visit(arg, p->words[x->a + 1 + k]);
            break;
        case OP_IF:
            visit(arg, x->a);
            visit(arg, x->b);
            visit(arg, x->c);
            break;
        case OP_NEEDS_SCHEMA:
            visit(arg, x->b);
            break;
        case OP_REF:
        case OP_DYNAMIC_REF:
        case OP_NOT:
            visit(arg, x->a);
            break;
        default:
            break;
        }
    }
}

/* Kahn's way: a node without an open way into it is taken out; what cannot be is on a circle. */
struct circles {
    const struct schema_program *p;
    uint32_t *into, *ready;
    size_t ready_count;
};

static void count_way(void *arg, uint32_t node)
{
    ((struct circles *)arg)->into[node]++;
}

static void take_way(void *arg, uint32_t node)
{
    struct circles *s = arg;

    if (--s->into[node] == 0)
        s->ready[s->ready_count++] = node;
}

static sp_error find_circles(struct compiler *c)
{
    const struct schema_program *p = c->builder.p;
    struct circles s = {.p = p,
                        .into = calloc(p->node_count, sizeof *s.into),
                        .ready = calloc(p->node_count, sizeof *s.ready)};
    size_t taken = 0;
    sp_error e = s.into == NULL || s.ready == NULL ? SP_ERR_NOMEM : SP_OK;

    for (uint32_t n = 0; e == SP_OK && n < p->node_count; n++)
        same_place(p, &p->nodes[n], count_way, &s);
    for (uint32_t n = 0; e == SP_OK && n < p->node_count; n++) {
        if (s.into[n] == 0)
            s.ready[s.ready_count++] = n;
    }
    for (; e == SP_OK && taken < s.ready_count; taken++)
        same_place(p, &p->nodes[s.ready[taken]], take_way, &s);
    for (size_t i = 0; e == SP_OK && taken < p->node_count && i < c->sources.known_room; i++) {
        const struct known *k = &c->sources.cells[i];
        if (k->at == NULL || k->node == NONE || s.into[k->node] == 0)
            continue;
        struct view ref = value_string(value_of(yyjson_obj_get(k->at, "$ref")));
        compiler_say(c, true, NULL, "\"%s\" leads back to itself without going into the value",
                     ref);
        taken = p->node_count; /* one is enough */
    }
    if (e == SP_OK && taken < p->node_count)
        compiler_say(c, true, NULL, "a schema leads back to itself without going into the value",
                     (struct view){0});
    free(s.into);
    free(s.ready);
    return e;
}

sp_error compile_finish(struct compiler *c)
{
    do {
        compile_pending(c);
    } while (c->builder.err == SP_OK && compile_dynamic(c));
    if (c->builder.err != SP_OK)
        return c->builder.err;
    return find_circles(c);
}
