/* Members and items. See run_internal.h. */
#include "lib/schema/run_internal.h"

#include "lib/base/banned.h"

static bool is_array(yyjson_val *v)
{
    return unsafe_yyjson_get_type(v) == YYJSON_TYPE_ARR;
}

static bool is_object(yyjson_val *v)
{
    return unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ;
}

bool inside_items(struct run *r, const struct instruction *x, const struct spot *s)
{
    const uint32_t *prefix = r->p->words + x->a;
    bool ok = true;

    if (!is_array(s->v))
        return true;
    yyjson_val *at = unsafe_yyjson_get_first(s->v);
    size_t count = unsafe_yyjson_get_len(s->v);
    struct place here = {s->at, NULL, 0};
    struct spot in = {NULL, &here, NULL};
    for (size_t i = 0; i < count && run_going(r, ok); i++) {
        uint32_t node = i < prefix[0] ? prefix[1 + i] : x->b;
        if (node == NONE)
            break;
        here.index = i;
        in.v = at;
        if (!run_inner(r, node, &in, i < prefix[0] ? "prefixItems" : "items"))
            ok = false;
        marks_set(s->marks, i);
        at = unsafe_yyjson_get_next(at);
    }
    return ok;
}

bool inside_contains(struct run *r, const struct instruction *x, const struct spot *s)
{
    size_t found = 0;
    bool closed = r->closed;

    if (!is_array(s->v))
        return true;
    yyjson_val *at = unsafe_yyjson_get_first(s->v);
    size_t count = unsafe_yyjson_get_len(s->v);
    r->quiet++;
    r->closed = false; /* a question, no demand */
    for (size_t i = 0; i < count && r->stopped == SCHEMA_REFUSED; i++) {
        struct place here = {s->at, NULL, i};
        struct spot in = {at, &here, NULL};
        if (run_inner(r, x->a, &in, "contains")) {
            found++;
            marks_set(s->marks, i);
        }
        if (s->marks == NULL && found >= x->b && x->c == UINT32_MAX)
            break;
        at = unsafe_yyjson_get_next(at);
    }
    r->quiet--;
    r->closed = closed;
    if (r->stopped != SCHEMA_REFUSED)
        return false;
    if (found < x->b)
        return run_fault(r, s->at, x->b == 1 ? "contains" : "minContains");
    return found <= x->c || run_fault(r, s->at, "maxContains");
}

/* The member through the pattern properties; true in `*matched` when one speaks of it. */
static bool by_patterns(struct run *r, const struct table *t, const struct spot *in, bool *matched)
{
    const uint32_t *pairs = table_patterns(t);
    bool ok = true;

    for (uint32_t i = 0; i < t->patterns; i++) {
        switch (run_pattern(r, pairs[2 * i], value_text_of(in->at->name))) {
        case PATTERN_NO:
            break;
        case PATTERN_YES:
            *matched = true;
            if (!run_inner(r, pairs[2 * i + 1], in, "patternProperties"))
                ok = false;
            break;
        default:
            return run_stop(r, SCHEMA_COST);
        }
    }
    return ok;
}

/* One member, through all that may speak of it; `*matched` says whether something did. */
static inline bool member(struct run *r, const struct table *t, const struct entry *e,
                          const struct spot *in, bool *matched)
{
    bool ok = true;

    *matched = e != NULL && (e->bits & ENTRY_DECLARED) != 0;
    if (*matched)
        ok = run_inner(r, e->node, in, "properties");
    if (t->patterns > 0 && !by_patterns(r, t, in, matched))
        ok = false;
    if (!*matched && t->additional != NONE) {
        *matched = true;
        if (!run_inner(r, t->additional, in, "additionalProperties"))
            ok = false;
    }
    return ok;
}

bool inside_object(struct run *r, const struct instruction *x, const struct spot *s)
{
    const struct table *t = program_table(r->p, x->a);
    bool response = r->w->direction == IN_RESPONSE, ok = true;
    uint32_t bit = response ? ENTRY_REQUIRED_IN_RESPONSE : ENTRY_REQUIRED_IN_REQUEST;
    uint32_t required = response ? t->required_in_response : t->required_in_request;
    uint32_t found = 0, hint = 0;

    if (!is_object(s->v))
        return true;
    yyjson_val *name = unsafe_yyjson_get_first(s->v);
    size_t count = unsafe_yyjson_get_len(s->v);
    struct place here = {s->at, NULL, 0};
    struct spot in = {NULL, &here, NULL};
    if (s->marks != NULL && (t->count > 0 || t->patterns > 0))
        s->marks->described = true;
    for (size_t i = 0; i < count && run_going(r, ok); i++) {
        const struct entry *e = table_find_next(r->p, t, value_text_of(name), &hint);
        found += e != NULL && (e->bits & bit) != 0;
        bool matched;
        if (!run_pay(r, 1))
            return false;
        here.name = name;
        in.v = name + 1;
        if (!member(r, t, e, &in, &matched))
            ok = false;
        if (matched)
            marks_set(s->marks, i);
        name = unsafe_yyjson_get_next(name + 1);
    }
    if (ok && run_going(r, ok) && found < required)
        return run_fault(r, s->at, "required");
    return ok;
}

bool inside_names(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool ok = true;

    if (!is_object(s->v))
        return true;
    yyjson_val *name = unsafe_yyjson_get_first(s->v);
    for (size_t i = unsafe_yyjson_get_len(s->v); i > 0 && run_going(r, ok); i--) {
        struct place here = {s->at, name, 0};
        struct spot in = {name, &here, NULL};
        if (!run_inner(r, x->a, &in, "propertyNames"))
            ok = false;
        name = unsafe_yyjson_get_next(name + 1);
    }
    return ok;
}

static bool has(yyjson_val *object, struct view name)
{
    return yyjson_obj_getn(object, (const char *)name.at, name.len) != NULL;
}

bool inside_needs(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool schema = x->op == OP_NEEDS_SCHEMA;
    const uint32_t *words = r->p->words + x->a; /* not read for OP_NEEDS_SCHEMA */

    if (!is_object(s->v) || !run_pay(r, unsafe_yyjson_get_len(s->v)) ||
        !has(s->v, program_text(r->p, schema ? x->a : words[0])))
        return r->stopped == SCHEMA_REFUSED;
    if (schema && x->b == NODE_FALSE)
        return run_fault(r, s->at, "dependentSchemas");
    if (schema)
        return run_node(r, x->b, s);
    for (uint32_t i = 0; i < words[1]; i++) {
        if (!run_pay(r, unsafe_yyjson_get_len(s->v)))
            return false;
        if (!has(s->v, program_text(r->p, words[2 + i])))
            return run_fault(r, s->at, "dependentRequired");
    }
    return true;
}

static bool is_marked(const struct marks *m, size_t i)
{
    return (m->bits[i / 64] >> (i % 64) & 1) != 0;
}

bool inside_unevaluated_items(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool ok = true;

    if (!is_array(s->v))
        return true;
    yyjson_val *at = unsafe_yyjson_get_first(s->v);
    size_t count = unsafe_yyjson_get_len(s->v);
    for (size_t i = 0; i < count && run_going(r, ok); i++) {
        struct place here = {s->at, NULL, i};
        struct spot in = {at, &here, NULL};
        if (!is_marked(s->marks, i) && !run_inner(r, x->a, &in, "unevaluatedItems"))
            ok = false;
        at = unsafe_yyjson_get_next(at);
    }
    marks_all(s->marks);
    return ok;
}

bool inside_unevaluated(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool ok = true;

    if (!is_object(s->v))
        return true;
    yyjson_val *name = unsafe_yyjson_get_first(s->v);
    size_t count = unsafe_yyjson_get_len(s->v);
    for (size_t i = 0; i < count && run_going(r, ok); i++) {
        struct place here = {s->at, name, 0};
        struct spot in = {name + 1, &here, NULL};
        if (!is_marked(s->marks, i) && !run_inner(r, x->a, &in, "unevaluatedProperties"))
            ok = false;
        name = unsafe_yyjson_get_next(name + 1);
    }
    marks_all(s->marks);
    return ok;
}
