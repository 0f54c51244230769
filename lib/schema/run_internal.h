#ifndef SP_SCHEMA_RUN_INTERNAL_H
#define SP_SCHEMA_RUN_INTERNAL_H

/*
 * run_internal: one walk, between run.c (the walk, branches) and check.c (single values).
 */

#include "lib/schema/run.h"

/* The way from the root of the value to a place, as links on the stack. */
struct place {
    const struct place *up;
    yyjson_val *name; /* NULL: an item */
    size_t index;
};

/* Which members or items some schema has described: what unevaluated* asks. */
struct marks {
    uint64_t *bits;
    size_t count;
    bool described; /* some schema speaks of members at all */
};

struct scope {
    const struct scope *outer;
    uint32_t resource;
};

struct run {
    const struct schema_program *p;
    const struct walk *w;
    struct scratch *scratch;
    struct schema_report *report;
    const struct scope *scope;
    uint32_t steps;         /* left */
    unsigned frames, quiet; /* quiet: faults are not told */
    bool closed;
    int64_t pattern_began, pattern_cpu; /* since when patterns take time; 0: not yet */
    enum schema_verdict stopped;        /* COST or NOMEM; REFUSED: going on */
};

/* Where an instruction works. */
struct spot {
    yyjson_val *v;
    const struct place *at;
    struct marks *marks; /* NULL: nobody asks */
};

typedef bool checker(struct run *r, const struct instruction *x, const struct spot *s);

/* Ends the walk. Always false. */
static inline bool run_stop(struct run *r, enum schema_verdict why)
{
    if (r->stopped == SCHEMA_REFUSED)
        r->stopped = why;
    return false;
}

/* Takes steps; false when there are none left. */
static inline bool run_pay(struct run *r, size_t steps)
{
    if (steps >= r->steps)
        return run_stop(r, SCHEMA_COST);
    r->steps -= (uint32_t)steps;
    return true;
}

/* Tells a fault, unless the branch is silent. Always false. */
bool run_fault(struct run *r, const struct place *at, const char *keyword);
/* The node on the same value. */
bool run_node(struct run *r, uint32_t node, const struct spot *s);
/* The same, and every member must be described by some part of the schema. For objects. */
bool run_closed(struct run *r, uint32_t node, const struct spot *s);

/* The node on another value, further in: `s` is its spot, without marks. `keyword` is told for a
 * schema that is `false`. Inline: this is done for each member and item. */
static inline bool run_inner(struct run *r, uint32_t node, const struct spot *s,
                             const char *keyword)
{
    if (node < NODES_FIXED)
        return run_pay(r, 1) && (node == NODE_TRUE || run_fault(r, s->at, keyword));
    if (r->closed && unsafe_yyjson_get_type(s->v) == YYJSON_TYPE_OBJ)
        return run_closed(r, node, s);
    return run_node(r, node, s);
}

/* false: stopped, all faults told, or a silent branch that failed already (`ok` false). */
static inline bool run_going(const struct run *r, bool ok)
{
    if (r->quiet > 0)
        return ok && r->stopped == SCHEMA_REFUSED;
    return r->stopped == SCHEMA_REFUSED && r->report->count < SCHEMA_FAULTS_MAX;
}

static inline void marks_set(struct marks *m, size_t index)
{
    if (m != NULL)
        m->bits[index / 64] |= UINT64_C(1) << (index % 64);
}

void marks_all(struct marks *m);
enum pattern_answer run_pattern(struct run *r, uint32_t pattern, struct view text);

/* texts.c: remembers that a string is not free. */
void text_narrow(yyjson_val *v);

/* check.c: single values. */
checker check_const, check_enum, check_limit, check_multiple, check_length, check_pattern,
    check_format, check_unique, check_count, check_nothing, check_read_only, check_write_only;
/* inside.c: members and items. */
checker inside_items, inside_contains, inside_object, inside_names, inside_needs,
    inside_unevaluated_items, inside_unevaluated;

#endif
