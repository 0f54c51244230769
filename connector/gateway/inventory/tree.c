#include "connector/gateway/inventory/inventory_internal.h"
#include "lib/crypto/hash.h"

#include <stdlib.h>

enum { BYTES_DEFAULT = 8 * 1024 * 1024 };

sp_error inventory_new(const struct inventory_options *o, struct inventory **out)
{
    struct inventory *v = calloc(1, sizeof *v);

    if (v == NULL)
        return SP_ERR_NOMEM;
    v->options = *o;
    if (v->options.bytes_max == 0)
        v->options.bytes_max = BYTES_DEFAULT;
    v->nodes = calloc(INVENTORY_NODES_MAX, sizeof *v->nodes);
    v->index = malloc(INDEX_SIZE * sizeof *v->index);
    v->endpoints = calloc(INVENTORY_ENDPOINTS_MAX, sizeof(struct endpoint *));
    if (v->nodes == NULL || v->index == NULL || v->endpoints == NULL ||
        names_init(&v->names, o->key) != SP_OK) {
        inventory_free(v);
        return SP_ERR_NOMEM;
    }
    memset(v->index, 0xff, INDEX_SIZE * sizeof *v->index);
    v->nodes[ROOT] = (struct node){NONE, NONE, NONE, NONE, NONE, .used = true};
    v->node_count = 1;
    v->bytes = INVENTORY_NODES_MAX * sizeof *v->nodes + INDEX_SIZE * sizeof *v->index +
               INVENTORY_ENDPOINTS_MAX * sizeof(struct endpoint *) +
               NAMES_MAX * sizeof(struct name) + INDEX_SIZE * sizeof(uint16_t);
    *out = v;
    return SP_OK;
}

void inventory_free(struct inventory *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; v->endpoints != NULL && i < INVENTORY_ENDPOINTS_MAX; i++)
        if (v->endpoints[i] != NULL)
            endpoint_drop(v, v->endpoints[i]);
    names_deinit(&v->names);
    splits_free(v);
    free(v->nodes);
    free(v->index);
    free(v->endpoints);
    free(v);
}

bool inventory_has_room(const struct inventory *v)
{
    return v->bytes < v->options.bytes_max;
}

/* (parent, name) to node ------------------------------------------------------------------ */

static size_t index_home(uint16_t parent, uint16_t name)
{
    uint64_t x = (uint64_t)parent << 16 | name;

    return (size_t)((x * 0x9e3779b97f4a7c15u) >> 48) % INDEX_SIZE;
}

static size_t index_place(const struct inventory *v, uint16_t parent, uint16_t name)
{
    size_t at = index_home(parent, name);

    while (v->index[at] != NONE) {
        const struct node *n = &v->nodes[v->index[at]];
        if (n->parent == parent && n->name == name)
            break;
        at = (at + 1) % INDEX_SIZE;
    }
    return at;
}

static void index_remove(struct inventory *v, uint16_t node)
{
    size_t hole = index_place(v, v->nodes[node].parent, v->nodes[node].name);

    if (v->index[hole] == NONE)
        return;
    for (size_t at = (hole + 1) % INDEX_SIZE; v->index[at] != NONE; at = (at + 1) % INDEX_SIZE) {
        const struct node *n = &v->nodes[v->index[at]];
        if ((at - index_home(n->parent, n->name)) % INDEX_SIZE >= (at - hole) % INDEX_SIZE) {
            v->index[hole] = v->index[at];
            hole = at;
        }
    }
    v->index[hole] = NONE;
}

uint16_t node_child_named(const struct inventory *v, uint16_t parent, uint16_t name)
{
    return name == 0 ? NONE : v->index[index_place(v, parent, name)];
}

uint16_t node_child(const struct inventory *v, uint16_t parent, struct view segment)
{
    return node_child_named(v, parent, name_find(&v->names, segment));
}

/* Nodes ----------------------------------------------------------------------------------- */

static uint16_t free_node(struct inventory *v)
{
    for (size_t i = 0; i < INVENTORY_NODES_MAX; i++) {
        uint16_t at = (uint16_t)((v->node_hint + i) % INVENTORY_NODES_MAX);
        if (!v->nodes[at].used) {
            v->node_hint = at;
            return at;
        }
    }
    return NONE;
}

static void link_under(struct inventory *v, uint16_t at, uint16_t parent)
{
    struct node *n = &v->nodes[at], *p = &v->nodes[parent];

    n->parent = parent;
    n->next = p->child;
    n->depth = (uint8_t)(p->depth + 1);
    p->child = at;
    if (n->flags & NODE_PARAM)
        p->param = at;
    else
        v->index[index_place(v, parent, n->name)] = at;
}

static void unlink_node(struct inventory *v, uint16_t at)
{
    struct node *n = &v->nodes[at], *p = &v->nodes[n->parent];

    if (n->flags & NODE_PARAM)
        p->param = NONE;
    else
        index_remove(v, at);
    for (uint16_t *link = &p->child; *link != NONE; link = &v->nodes[*link].next)
        if (*link == at) {
            *link = n->next;
            break;
        }
}

uint16_t node_make(struct inventory *v, uint16_t parent, struct view segment, uint8_t flags)
{
    uint16_t at = NONE, name = 0;

    if (v->node_count == INVENTORY_NODES_MAX || !inventory_has_room(v) ||
        (at = free_node(v)) == NONE)
        return NONE;
    if (segment.len > 0 && (name = name_put(&v->names, segment, &v->bytes)) == 0)
        return NONE;
    if (name == 0 && !(flags & NODE_PARAM))
        return NONE;
    v->nodes[at] =
        (struct node){NONE, NONE, NONE, NONE, NONE, .name = name, .flags = flags, .used = true};
    v->node_count++;
    link_under(v, at, parent);
    return at;
}

void node_move(struct inventory *v, uint16_t at, uint16_t to)
{
    unlink_node(v, at);
    link_under(v, at, to);
}

void node_drop(struct inventory *v, uint16_t at)
{
    struct node *n = &v->nodes[at];

    while (n->child != NONE)
        node_drop(v, n->child);
    while (n->endpoint != NONE)
        endpoint_drop(v, v->endpoints[n->endpoint]);
    unlink_node(v, at);
    name_drop(&v->names, n->name, &v->bytes);
    v->splits -= (n->flags & NODE_SPLIT) != 0;
    *n = (struct node){0};
    v->node_count--;
}

/* Look-up ----------------------------------------------------------------------------------- */

/* A path of the document: a literal before a parameter, and the other one where that leads
 * nowhere. Depth is bounded by the segments, width by two, and both only where nodes exist. */
static uint16_t fixed_walk(const struct inventory *v, uint16_t at, const struct view *segments,
                           size_t count)
{
    const struct node *n = &v->nodes[at];

    if (count == 0) {
        for (uint16_t e = n->endpoint; e != NONE; e = v->endpoints[e]->next)
            if (v->endpoints[e]->flags & ENDPOINT_FIXED)
                return at;
        return NONE;
    }
    uint16_t word = node_child(v, at, segments[0]), found = NONE;
    if (word != NONE && (v->nodes[word].flags & NODE_FIXED))
        found = fixed_walk(v, word, segments + 1, count - 1);
    if (found == NONE && n->param != NONE && (v->nodes[n->param].flags & NODE_FIXED))
        found = fixed_walk(v, n->param, segments + 1, count - 1);
    return found;
}

/* The child that a segment leads to; NONE: there is none. `call` NULL: no answer is known yet. */
static uint16_t step(const struct inventory *v, uint16_t at, const struct inventory_call *call,
                     size_t i)
{
    uint16_t word = node_child(v, at, call->segments[i]), param = v->nodes[at].param;

    if (word != NONE)
        return word;
    if (param == NONE)
        return NONE;
    if ((v->nodes[param].flags & NODE_FIXED) || classify_segment(call->segments[i]) != VALUE_WORD ||
        group_takes(v, param, call, i + 1))
        return param;
    return NONE;
}

static bool fits(size_t count, const struct view *segments)
{
    if (count > INVENTORY_SEGMENTS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (segments[i].len == 0 || segments[i].len > INVENTORY_SEGMENT_BYTES_MAX)
            return false;
    return true;
}

static uint16_t walk(const struct inventory *v, const struct inventory_call *call)
{
    uint16_t at = fixed_walk(v, ROOT, call->segments, call->segment_count);

    if (at != NONE)
        return at;
    at = ROOT;
    for (size_t i = 0; i < call->segment_count && at != NONE; i++)
        at = step(v, at, call, i);
    return at;
}

struct endpoint *inventory_find(const struct inventory *v, enum gw_method method,
                                size_t segment_count, const struct view *segments)
{
    struct inventory_call call = {
        .method = method, .segment_count = segment_count, .segments = segments};

    if (!fits(segment_count, segments))
        return NULL;
    uint16_t at = walk(v, &call);
    return at == NONE ? NULL : endpoint_of(v, at, method);
}

uint32_t inventory_values(const struct inventory *v, size_t segment_count,
                          const struct view *segments)
{
    uint32_t bits = 0;
    uint16_t at = ROOT;

    for (size_t i = 0; i < segment_count && i < INVENTORY_SEGMENTS_MAX; i++) {
        uint16_t next = node_child(v, at, segments[i]);
        if (next == NONE && (next = v->nodes[at].param) != NONE)
            bits |= 1u << i;
        if (next == NONE)
            break;
        at = next;
    }
    return bits;
}

/* Learning ---------------------------------------------------------------------------------- */

static bool makes_nodes(int status)
{
    return status >= 200 && status != 400 && status != 404 && status != 405 && status != 429;
}

static uint16_t walk_and_make(struct inventory *v, const struct inventory_call *call)
{
    uint16_t at = fixed_walk(v, ROOT, call->segments, call->segment_count);

    if (at != NONE)
        return at;
    at = ROOT;
    for (size_t i = 0; i < call->segment_count && at != NONE; i++) {
        enum value_class c = classify_segment(call->segments[i]);
        uint16_t next = step(v, at, call, i);
        if (next == NONE && c != VALUE_WORD)
            next = node_make(v, at, (struct view){0}, NODE_PARAM);
        else if (next == NONE)
            next = node_make(v, at, call->segments[i], 0);
        at = next;
        if (at != NONE && (v->nodes[at].flags & NODE_PARAM))
            v->nodes[at].classes = (uint16_t)(v->nodes[at].classes | 1u << c);
    }
    return at;
}

static void touch(struct inventory *v, uint16_t at, sp_unix_ms now)
{
    for (; at != NONE && at != ROOT; at = v->nodes[at].parent) {
        if (v->nodes[at].calls < UINT32_MAX)
            v->nodes[at].calls++;
        v->nodes[at].last = now;
    }
}

struct endpoint *inventory_see(struct inventory *v, const struct inventory_call *call)
{
    struct endpoint *e;

    if (call->method == GW_METHOD_NONE || !fits(call->segment_count, call->segments))
        return NULL;
    uint16_t at = walk(v, call);
    if (at == NONE || (e = endpoint_of(v, at, call->method)) == NULL) {
        if (!makes_nodes(call->status))
            return NULL;
        at = walk_and_make(v, call);
        e = at == NONE ? NULL : endpoint_make(v, at, call->method);
        if (e == NULL) {
            v->not_kept++;
            v->full = true;
            return NULL;
        }
    }
    v->calls++;
    touch(v, e->node, call->at);
    endpoint_count_call(v, e, call);
    if (++v->since_sweep >= INVENTORY_SWEEP_CALLS) {
        uint16_t id = e->id;
        enum gw_method method = (enum gw_method)e->method;
        inventory_sweep(v, call->at);
        /* A merge may have joined it with another one. */
        at = walk(v, call);
        e = at == NONE ? NULL : endpoint_of(v, at, method);
        if (e == NULL && v->endpoints[id] != NULL && v->endpoints[id]->method == call->method)
            e = v->endpoints[id];
    }
    return e;
}

/* The document ------------------------------------------------------------------------------ */

/* Splits a template; false: not one. */
static bool split_path(struct view path, struct view *segments, size_t *count)
{
    *count = 0;
    if (path.len == 0 || path.at[0] != '/')
        return false;
    for (size_t from = 1; from < path.len;) {
        size_t to = from;
        while (to < path.len && path.at[to] != '/')
            to++;
        if (*count == INVENTORY_SEGMENTS_MAX)
            return false;
        segments[(*count)++] = view_slice(path, from, to - from);
        from = to + 1;
    }
    return fits(*count, segments);
}

static bool is_parameter(struct view s)
{
    return s.len > 2 && s.at[0] == '{' && s.at[s.len - 1] == '}';
}

static uint16_t make_fixed(struct inventory *v, uint16_t at, struct view segment)
{
    uint16_t next;

    if (!is_parameter(segment)) {
        next = node_child(v, at, segment);
        return next != NONE ? next : node_make(v, at, segment, NODE_FIXED);
    }
    segment = view_slice(segment, 1, segment.len - 2);
    if ((next = v->nodes[at].param) == NONE)
        return node_make(v, at, segment, NODE_FIXED | NODE_PARAM);
    if (v->nodes[next].name == 0)
        v->nodes[next].name = name_put(&v->names, segment, &v->bytes);
    return next;
}

sp_error inventory_document(struct inventory *v, enum gw_method method, struct view path,
                            bool deprecated)
{
    struct view segments[INVENTORY_SEGMENTS_MAX];
    uint16_t at = ROOT;
    size_t count;

    if (method == GW_METHOD_NONE || !split_path(path, segments, &count))
        return SP_ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        if ((at = make_fixed(v, at, segments[i])) == NONE)
            return SP_ERR_FULL;
        v->nodes[at].flags |= NODE_FIXED;
    }
    struct endpoint *e = endpoint_of(v, at, method);
    if (e == NULL && (e = endpoint_make(v, at, method)) == NULL)
        return SP_ERR_FULL;
    e->flags |= ENDPOINT_FIXED;
    if (deprecated)
        e->flags |= ENDPOINT_DEPRECATED;
    return SP_OK;
}

/* The node of a template: "{…}" is the parameter there. */
static uint16_t node_at(const struct inventory *v, struct view path)
{
    struct view segments[INVENTORY_SEGMENTS_MAX];
    uint16_t at = ROOT;
    size_t count;

    if (!split_path(path, segments, &count))
        return NONE;
    for (size_t i = 0; i < count && at != NONE; i++)
        at = is_parameter(segments[i]) ? v->nodes[at].param : node_child(v, at, segments[i]);
    return at;
}

sp_error inventory_expect(struct inventory *v, enum gw_method method, struct view path,
                          size_t count, const struct view *names)
{
    uint16_t at = node_at(v, path);
    struct endpoint *e = at == NONE ? NULL : endpoint_of(v, at, method);

    if (e == NULL)
        return SP_ERR_NOT_FOUND;
    if (count > INVENTORY_NAMES_MAX)
        return SP_ERR_INVALID;
    endpoint_forget_expected(v, e);
    if (count == 0)
        return SP_OK;
    if ((e->expected = calloc(count, sizeof *e->expected)) == NULL)
        return SP_ERR_NOMEM;
    v->bytes += count * sizeof *e->expected;
    e->expected_count = (uint16_t)count;
    for (size_t i = 0; i < count; i++)
        if ((e->expected[i] = name_put(&v->names, names[i], &v->bytes)) == 0) {
            endpoint_forget_expected(v, e); /* half a list would make drift of the rest */
            return SP_ERR_FULL;
        }
    return SP_OK;
}

/* Words below `at` stay words from now on. */
static void take_apart(struct inventory *v, uint16_t at)
{
    uint16_t param = v->nodes[at].param;

    if (param != NONE && (v->nodes[param].flags & (NODE_GROUP | NODE_FIXED)) == NODE_GROUP)
        node_drop(v, param);
    v->splits += (v->nodes[at].flags & NODE_SPLIT) == 0;
    v->nodes[at].flags |= NODE_SPLIT;
}

void inventory_take_apart(struct inventory *v)
{
    for (size_t i = 0; i < v->split_count; i++) {
        uint16_t at = node_at(v, view_str(v->split[i]));
        if (at != NONE)
            take_apart(v, at);
    }
}

void splits_free(struct inventory *v)
{
    for (size_t i = 0; i < v->split_count; i++)
        free(v->split[i]);
    free((void *)v->split);
    v->split = NULL;
    v->split_count = 0;
}

sp_error inventory_split(struct inventory *v, size_t count, const char *const *paths)
{
    sp_error e = SP_OK;

    splits_free(v);
    for (uint16_t i = 0; i < INVENTORY_NODES_MAX; i++)
        v->nodes[i].flags &= (uint8_t)~NODE_SPLIT;
    v->splits = 0;
    if (count > INVENTORY_SPLITS_MAX)
        count = INVENTORY_SPLITS_MAX;
    v->split = calloc(count + 1, sizeof *v->split);
    for (size_t i = 0; v->split != NULL && i < count; i++)
        if ((v->split[v->split_count] = strdup(paths[i])) != NULL)
            v->split_count++;
    if (v->split == NULL || v->split_count < count) {
        splits_free(v);
        e = SP_ERR_NOMEM;
    }
    inventory_take_apart(v);
    return e;
}

struct inventory_figures inventory_figures(const struct inventory *v)
{
    return (struct inventory_figures){v->node_count, v->endpoint_count, v->bytes, v->merged,
                                      v->calls,      v->not_kept,       v->full};
}
