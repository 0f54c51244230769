#include "lib/schema/traits.h"

#include "lib/base/banned.h"

static uint32_t types(const struct schema_program *p, uint32_t node, unsigned hops);

static uint32_t types_of_list(const struct schema_program *p, const struct instruction *x,
                              unsigned hops)
{
    const uint32_t *list = p->words + x->a;
    uint32_t bits = x->op == OP_ALL ? TYPE_ANY : 0;

    for (uint32_t i = 0; i < list[0]; i++) {
        uint32_t one = types(p, list[1 + i], hops + 1);
        bits = x->op == OP_ALL ? bits & one : bits | one;
    }
    return bits;
}

static uint32_t types_of_enum(const struct schema_program *p, const struct instruction *x)
{
    const uint32_t *words = p->words + x->a;
    uint32_t bits = 0;

    for (uint32_t i = 0; i < words[0] && bits != TYPE_ANY; i++)
        bits |= program_type_of(p->constants[words[2 + i]]);
    return bits;
}

static uint32_t types(const struct schema_program *p, uint32_t node, unsigned hops)
{
    const struct node *n = &p->nodes[node];
    uint32_t bits = TYPE_ANY, null = 0;

    if (node == NODE_FALSE)
        return 0;
    if (hops == TRAITS_HOPS_MAX)
        return TYPE_ANY;
    for (uint32_t i = n->from; i < n->from + n->count; i++) {
        const struct instruction *x = &p->code[i];
        switch (x->op) {
        case OP_NULLABLE:
            null = TYPE_NULL;
            break;
        case OP_TYPE:
            bits &= x->a;
            break;
        case OP_CONST:
            bits &= program_type_of(p->constants[x->a]);
            break;
        case OP_ENUM:
            bits &= types_of_enum(p, x);
            break;
        case OP_REF:
            bits &= types(p, x->a, hops + 1);
            break;
        case OP_ALL:
        case OP_ANY:
        case OP_ONE:
            bits &= types_of_list(p, x, hops);
            break;
        default:
            break;
        }
    }
    return bits | null;
}

uint32_t traits_types(const struct schema_program *p, uint32_t node)
{
    return types(p, node, 0);
}

/* What is looked for in a schema and in those beside it. */
struct search {
    const struct schema_program *p;
    struct view name; /* .at NULL: an item */
    size_t index;
    bool declared; /* only what is listed by name */
};

static uint32_t in_instruction(const struct search *s, const struct instruction *x)
{
    if (x->op == OP_ITEMS && s->name.at == NULL) {
        const uint32_t *prefix = s->p->words + x->a;
        return s->index < prefix[0] ? prefix[1 + s->index] : x->b;
    }
    if (x->op == OP_OBJECT && s->name.at != NULL) {
        const struct table *t = program_table(s->p, x->a);
        const struct entry *e = table_find(s->p, t, s->name);
        if (e != NULL && (e->bits & ENTRY_DECLARED) != 0)
            return e->node;
        return s->declared ? NONE : t->additional;
    }
    return NONE;
}

/* The first schema that speaks of it, or NONE. */
static uint32_t find(const struct search *s, uint32_t node, unsigned hops)
{
    const struct node *n = &s->p->nodes[node];
    uint32_t found = NONE;

    if (hops == TRAITS_HOPS_MAX)
        return NONE;
    for (uint32_t i = n->from; i < n->from + n->count && found == NONE; i++)
        found = in_instruction(s, &s->p->code[i]);
    for (uint32_t i = n->from; i < n->from + n->count && found == NONE; i++) {
        const struct instruction *x = &s->p->code[i];
        if (x->op == OP_REF)
            found = find(s, x->a, hops + 1);
        if (x->op != OP_ALL && x->op != OP_ANY && x->op != OP_ONE)
            continue;
        const uint32_t *list = s->p->words + x->a;
        for (uint32_t k = 0; k < list[0] && found == NONE; k++)
            found = find(s, list[1 + k], hops + 1);
    }
    return found;
}

uint32_t traits_item(const struct schema_program *p, uint32_t node, size_t index)
{
    struct search s = {.p = p, .index = index};
    uint32_t found = find(&s, node, 0);

    return found == NONE ? NODE_TRUE : found;
}

static struct view named(struct view name)
{
    return name.at != NULL ? name : view_str("");
}

uint32_t traits_member(const struct schema_program *p, uint32_t node, struct view name)
{
    struct search s = {.p = p, .name = named(name)};
    uint32_t found = find(&s, node, 0);

    return found == NONE ? NODE_TRUE : found;
}

bool traits_declares(const struct schema_program *p, uint32_t node, struct view name)
{
    struct search s = {.p = p, .name = named(name), .declared = true};

    return find(&s, node, 0) != NONE;
}

static bool sensitive(const struct schema_program *p, uint32_t node, unsigned hops)
{
    const struct node *n = &p->nodes[node];
    bool found = false;

    for (uint32_t i = n->from; i < n->from + n->count && !found && hops < TRAITS_HOPS_MAX; i++) {
        const struct instruction *x = &p->code[i];
        if (x->op == OP_SENSITIVE)
            found = true;
        if (x->op == OP_REF)
            found = sensitive(p, x->a, hops + 1);
        if (x->op != OP_ALL && x->op != OP_ANY && x->op != OP_ONE)
            continue;
        const uint32_t *list = p->words + x->a;
        for (uint32_t k = 0; k < list[0] && !found; k++)
            found = sensitive(p, list[1 + k], hops + 1);
    }
    return found;
}

bool traits_sensitive(const struct schema_program *p, uint32_t node)
{
    return sensitive(p, node, 0);
}

/* Names ------------------------------------------------------------------------------------- */

struct listing {
    const struct schema_program *p;
    struct view *out;
    size_t count, max;
    bool open; /* others may be there */
};

static void list_name(struct listing *l, struct view name)
{
    for (size_t i = 0; i < l->count; i++)
        if (view_equal(l->out[i], name))
            return;
    if (l->count == l->max)
        l->open = true;
    else
        l->out[l->count++] = name;
}

static void list_table(struct listing *l, const struct table *t)
{
    const struct entry *e = table_entries(t);

    l->open = l->open || t->patterns > 0 || (t->additional != NONE && t->additional != NODE_FALSE);
    for (uint32_t i = 0; i < t->count; i++)
        if (e[i].bits & ENTRY_DECLARED)
            list_name(l,
                      (struct view){(const uint8_t *)l->p->bytes + e[i].name.from, e[i].name.len});
}

static void list_names(struct listing *l, uint32_t node, unsigned hops)
{
    const struct node *n = &l->p->nodes[node];

    if (hops == TRAITS_HOPS_MAX) {
        l->open = true;
        return;
    }
    for (uint32_t i = n->from; i < n->from + n->count && !l->open; i++) {
        const struct instruction *x = &l->p->code[i];
        if (x->op == OP_OBJECT)
            list_table(l, program_table(l->p, x->a));
        if (x->op == OP_REF)
            list_names(l, x->a, hops + 1);
        if (x->op != OP_ALL && x->op != OP_ANY && x->op != OP_ONE)
            continue;
        const uint32_t *list = l->p->words + x->a;
        for (uint32_t k = 0; k < list[0] && !l->open; k++)
            list_names(l, list[1 + k], hops + 1);
    }
}

size_t traits_names(const struct schema_program *p, uint32_t node, struct view *out, size_t max)
{
    struct listing l = {.p = p, .out = out, .max = max};
    uint32_t types = traits_types(p, node);

    if ((types & TYPE_OBJECT) == 0 && (types & TYPE_ARRAY) != 0)
        node = traits_item(p, node, 0);
    list_names(&l, node, 0);
    return l.open ? 0 : l.count;
}
