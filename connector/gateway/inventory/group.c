#include "connector/gateway/inventory/inventory_internal.h"

#include <stdlib.h>

/*
 * Words that behave alike are values of one parameter. The signature of a node is a sorted set of
 * 32-bit marks: one for each next segment and one for each top-level name of its answers.
 */

enum {
    MARKS_MAX = 192, /* of one node */
    UNION_MAX = 768, /* of a group */
    GROUPS_MAX = 32, /* below one parent; the rest waits for the next sweep */
    MEMBERS_MAX = 4096,
    ALIKE_PERCENT = 70,
    DEEP = 3 /* levels at which an unknown word is compared with the group's parameter */
};

struct marks {
    size_t count;
    uint32_t all[UNION_MAX];
};

struct group {
    struct marks marks;
    uint16_t param; /* of the busiest member that has one, or of the parameter itself */
    size_t members;
};

/* Kind of the mark, and whether it stands one level lower, behind a parameter. */
enum { MARK_SEGMENT = 1u << 30, MARK_PROPERTY = 1u << 29, MARK_LOWER = 1u << 28 };

static uint32_t segment_mark(uint16_t name)
{
    return MARK_SEGMENT | name;
}

static uint32_t property_mark(const struct endpoint *e, uint16_t name)
{
    return MARK_PROPERTY | (uint32_t)e->method << 20 | (uint32_t)e->shape << 18 | name;
}

/* Enters one mark; false: it was there, or there is no room. */
static bool enter(struct marks *m, uint32_t mark, size_t max)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (m->all[mid] < mark)
            low = mid + 1;
        else
            high = mid;
    }
    if ((low < m->count && m->all[low] == mark) || m->count == max)
        return false;
    memmove(&m->all[low + 1], &m->all[low], (m->count - low) * sizeof m->all[0]);
    m->all[low] = mark;
    m->count++;
    return true;
}

static bool has(const struct marks *m, uint32_t mark)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (m->all[mid] < mark)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->count && m->all[low] == mark;
}

static void enter_answers(const struct inventory *v, uint16_t at, uint32_t level, struct marks *m,
                          size_t max)
{
    for (uint16_t i = v->nodes[at].endpoint; i != NONE; i = v->endpoints[i]->next) {
        const struct endpoint *e = v->endpoints[i];
        if (e->property_count == 0) /* "answers without a name" is a shape too */
            enter(m, level | property_mark(e, 0), max);
        for (size_t p = 0; p < e->property_count; p++)
            enter(m, level | property_mark(e, e->properties[p].name), max);
    }
}

/* "A parameter follows" alone says little (half of an API's words are followed by one), so what
 * stands behind that parameter speaks for it. */
static void signature(const struct inventory *v, uint16_t at, struct marks *m, size_t max)
{
    uint16_t param = v->nodes[at].param;

    enter_answers(v, at, 0, m, max);
    for (uint16_t c = v->nodes[at].child; c != NONE; c = v->nodes[c].next)
        if (c != param)
            enter(m, segment_mark(v->nodes[c].name), max);
    if (param == NONE)
        return;
    enter_answers(v, param, MARK_LOWER, m, max);
    for (uint16_t c = v->nodes[param].child; c != NONE; c = v->nodes[c].next)
        enter(m, MARK_LOWER | segment_mark(v->nodes[c].name), max);
}

static bool alike(const struct inventory *v, uint16_t at, const struct marks *marks, uint16_t param,
                  int deep);

/* Would the word `at` be a value of the parameter `param`? */
static bool below(const struct inventory *v, uint16_t at, uint16_t param, int deep)
{
    struct marks m = {0};

    signature(v, param, &m, UNION_MAX);
    return alike(v, at, &m, v->nodes[param].param, deep);
}

/*
 * The overlap of the node's signature with `marks`. A next segment that is not among them counts
 * too when it would itself be a value of the group's next parameter: a seldom used value shows few
 * of the values below it.
 */
static bool alike(const struct inventory *v, uint16_t at, const struct marks *marks, uint16_t param,
                  int deep)
{
    struct marks own = {0};
    size_t common = 0, least;

    signature(v, at, &own, MARKS_MAX);
    for (size_t i = 0; i < own.count; i++)
        common += has(marks, own.all[i]);
    if (param != NONE && deep > 0)
        for (uint16_t c = v->nodes[at].child; c != NONE; c = v->nodes[c].next)
            common += !(v->nodes[c].flags & NODE_PARAM) &&
                      !has(marks, segment_mark(v->nodes[c].name)) && below(v, c, param, deep - 1);
    least = own.count < marks->count ? own.count : marks->count;
    return least > 0 && 100 * common >= ALIKE_PERCENT * least;
}

/* The last segment: the answer's names decide, where both are known. */
static bool answers_alike(const struct inventory *v, uint16_t param,
                          const struct inventory_call *call)
{
    const struct endpoint *e = endpoint_of(v, param, call->method);
    size_t common = 0, n = call->property_count;

    if (e == NULL)
        return false;
    if (call->shape == SHAPE_NONE || e->property_count == 0)
        return true;
    if (e->shape != call->shape)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint16_t id = name_find(&v->names, call->properties[i].name);
        for (size_t p = 0; id != 0 && p < e->property_count; p++)
            common += e->properties[p].name == id;
    }
    size_t least = n < e->property_count ? n : e->property_count;
    return 100 * common >= ALIKE_PERCENT * least;
}

bool group_takes(const struct inventory *v, uint16_t param, const struct inventory_call *call,
                 size_t at)
{
    if (!(v->nodes[param].flags & NODE_GROUP))
        return false;
    for (; at < call->segment_count; at++) {
        uint16_t next = v->nodes[param].param;
        if (node_child(v, param, call->segments[at]) != NONE)
            return true;
        if (next == NONE)
            return false;
        if (!(v->nodes[next].flags & NODE_GROUP))
            return (v->nodes[next].flags & NODE_FIXED) ||
                   classify_segment(call->segments[at]) != VALUE_WORD;
        param = next; /* a word that may be a value too: what follows it decides */
    }
    return answers_alike(v, param, call);
}

/* Merging ----------------------------------------------------------------------------------- */

/* The broker knows it by a path that it has no longer. */
static void tell_anew(struct inventory *v, struct endpoint *e)
{
    v->losses += e->told != 0;
    e->told = 0;
}

static void tell_anew_below(struct inventory *v, uint16_t at)
{
    for (uint16_t id = v->nodes[at].endpoint; id != NONE; id = v->endpoints[id]->next)
        tell_anew(v, v->endpoints[id]);
    for (uint16_t c = v->nodes[at].child; c != NONE; c = v->nodes[c].next)
        tell_anew_below(v, c);
}

static void merge_into(struct inventory *v, uint16_t to, uint16_t from)
{
    struct node *t = &v->nodes[to], *f = &v->nodes[from];

    t->calls = f->calls > UINT32_MAX - t->calls ? UINT32_MAX : t->calls + f->calls;
    t->last = f->last > t->last ? f->last : t->last;
    t->classes = (uint16_t)(t->classes | f->classes);
    t->flags |= f->flags & NODE_GROUP;
    while (f->endpoint != NONE) {
        struct endpoint *e = v->endpoints[f->endpoint];
        struct endpoint *same = endpoint_of(v, to, (enum gw_method)e->method);
        if (same != NULL) {
            endpoint_merge(v, same, e);
            endpoint_drop(v, e);
        } else {
            f->endpoint = e->next;
            e->node = to;
            e->next = t->endpoint;
            t->endpoint = e->id;
            tell_anew(v, e);
        }
    }
    while (f->child != NONE) {
        uint16_t c = f->child;
        bool param = (v->nodes[c].flags & NODE_PARAM) != 0;
        uint16_t same = param ? t->param : node_child_named(v, to, v->nodes[c].name);
        if (same != NONE) {
            merge_into(v, same, c);
        } else {
            node_move(v, c, to);
            tell_anew_below(v, c);
        }
    }
    node_drop(v, from);
}

static int busiest_first(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;

    return ((*x)->calls < (*y)->calls) - ((*x)->calls > (*y)->calls);
}

/* Gives each word below `parent` its group; the words' count. */
static size_t form_groups(const struct inventory *v, const struct node **words, size_t count,
                          uint8_t *group_of, struct group *groups, size_t *group_count)
{
    size_t n = *group_count;

    qsort(words, count, sizeof *words, busiest_first);
    for (size_t i = 0; i < count; i++) {
        uint16_t at = (uint16_t)(words[i] - v->nodes);
        size_t g = 0;
        while (g < n && !alike(v, at, &groups[g].marks, groups[g].param, DEEP))
            g++;
        group_of[i] = GROUPS_MAX;
        if (g == n) {
            if (n == GROUPS_MAX)
                continue;
            groups[n++] = (struct group){.param = NONE};
        }
        signature(v, at, &groups[g].marks, UNION_MAX);
        if (groups[g].param == NONE)
            groups[g].param = v->nodes[at].param;
        groups[g].members++;
        group_of[i] = (uint8_t)g;
    }
    *group_count = n;
    return count;
}

/* true: words became a parameter, or joined it. */
static bool merge_groups(struct inventory *v, uint16_t parent, const struct node **words,
                         size_t count, struct group *groups)
{
    uint8_t group_of[MEMBERS_MAX];
    size_t group_count = 0;
    uint16_t param = v->nodes[parent].param;
    bool joins = param != NONE && (v->nodes[param].flags & NODE_GROUP), merged = false;

    if (joins) { /* group 0 is the parameter that is there */
        groups[0] = (struct group){.param = v->nodes[param].param};
        signature(v, param, &groups[0].marks, UNION_MAX);
        group_count = 1;
    }
    form_groups(v, words, count, group_of, groups, &group_count);
    for (size_t i = 0; i < count; i++) {
        uint8_t g = group_of[i];
        if (g == GROUPS_MAX || !((joins && g == 0) || groups[g].members > INVENTORY_GROUP))
            continue;
        if (param == NONE)
            param = node_make(v, parent, (struct view){0}, NODE_PARAM);
        if (param == NONE)
            return merged;
        v->nodes[param].flags |= NODE_GROUP;
        v->nodes[param].classes |= 1u << VALUE_WORD;
        merge_into(v, param, (uint16_t)(words[i] - v->nodes));
        v->merged++;
        merged = true;
    }
    return merged;
}

struct sweep {
    const struct node **words; /* room for MEMBERS_MAX */
    struct group *groups;      /* room for GROUPS_MAX */
};

static bool group_children(struct inventory *v, uint16_t parent, struct sweep *s)
{
    size_t count = 0;
    const struct node *p = &v->nodes[parent];

    if ((p->flags & NODE_SPLIT) || (p->param != NONE && (v->nodes[p->param].flags & NODE_FIXED)))
        return false;
    for (uint16_t c = p->child; c != NONE && count < MEMBERS_MAX; c = v->nodes[c].next)
        if (!(v->nodes[c].flags & (NODE_PARAM | NODE_FIXED)))
            s->words[count++] = &v->nodes[c];
    return count > 0 && merge_groups(v, parent, s->words, count, s->groups);
}

/* Lower levels first: what is alike below makes what stands above alike. */
static void sweep_below(struct inventory *v, uint16_t at, struct sweep *s)
{
    for (uint16_t c = v->nodes[at].child; c != NONE; c = v->nodes[c].next)
        sweep_below(v, c, s);
    if (group_children(v, at, s))
        sweep_below(v, v->nodes[at].param, s);
}

/* Forgetting -------------------------------------------------------------------------------- */

static bool single(const struct inventory *v, uint16_t at, sp_unix_ms before)
{
    const struct node *n = &v->nodes[at];

    return n->used && at != ROOT && n->child == NONE && n->calls <= 1 && n->last < before &&
           !(n->flags & (NODE_FIXED | NODE_PARAM | NODE_SPLIT));
}

static void drop_singles(struct inventory *v, sp_unix_ms before)
{
    for (uint16_t i = 1; i < INVENTORY_NODES_MAX; i++)
        for (uint16_t at = i; single(v, at, before);) {
            uint16_t parent = v->nodes[at].parent;
            node_drop(v, at);
            at = parent; /* which may have stood for this call alone */
        }
}

static bool nearly_full(const struct inventory *v)
{
    return v->node_count > INVENTORY_NODES_MAX - INVENTORY_NODES_MAX / 32 ||
           v->endpoint_count > INVENTORY_ENDPOINTS_MAX - INVENTORY_ENDPOINTS_MAX / 32 ||
           v->bytes > v->options.bytes_max - v->options.bytes_max / 32;
}

void inventory_sweep(struct inventory *v, sp_unix_ms now)
{
    struct sweep s = {calloc(MEMBERS_MAX, sizeof *s.words), calloc(GROUPS_MAX, sizeof *s.groups)};

    v->since_sweep = 0;
    v->swept = now;
    inventory_take_apart(v); /* paths that were not known when they were put on the list */
    if (s.words != NULL && s.groups != NULL)
        sweep_below(v, ROOT, &s);
    free((void *)s.words);
    free(s.groups);
    drop_singles(v, now - (sp_unix_ms)SINGLE_DAYS * DAY_MS);
    if (nearly_full(v))
        drop_singles(v, now);
    v->full = nearly_full(v);
}
