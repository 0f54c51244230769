#include "connector/gateway/inventory/inventory_internal.h"
#include "lib/crypto/hash.h"

#include <stdlib.h>

/*
 * The snapshot: "SPI3", a length of 8 bytes, the body, SHA-256 of the body. The body is the tree in
 * pre-order; a node is followed by its endpoints and then by its children. Names stand as texts, so
 * the key of the hashes may differ from run to run (HyperLogLog registers then start anew).
 */

static const char magic[] = "SPI3";
enum { MAGIC = 4, HEAD = MAGIC + 8 };

static void put_text(struct buf *out, struct view text)
{
    buf_add_uint(out, text.len, 2);
    buf_add(out, text);
}

static void put_seen(const struct inventory *v, struct buf *out, const struct seen *all, size_t n)
{
    buf_add_uint(out, n, 1);
    for (size_t i = 0; i < n; i++) {
        put_text(out, name_text(&v->names, all[i].name));
        buf_add_uint(out, all[i].classes, 2);
        buf_add_uint(out, all[i].count, 4);
    }
}

static void put_histogram(struct buf *out, const struct loghist *h)
{
    size_t used = 0;

    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        used += h->counts[i] > 0;
    buf_add_uint(out, used, 2);
    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        if (h->counts[i] > 0) {
            buf_add_uint(out, i, 2);
            buf_add_uint(out, h->counts[i], 4);
        }
}

static void put_endpoint(const struct inventory *v, struct buf *out, const struct endpoint *e)
{
    const int64_t times[] = {e->first, e->last, e->last_ok, e->first_latency_us, e->drift_since};

    buf_add_uint(out, e->method, 1);
    buf_add_uint(out, e->shape, 1);
    buf_add_uint(out, e->sensitive, 4);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        buf_add_uint(out, (uint64_t)times[i], 8);
    buf_add_uint(out, e->calls, 8);
    buf_add_uint(out, e->first_user, 8);
    buf_add_uint(out, e->first_bytes, 8);
    for (size_t i = 0; i < 6; i++)
        buf_add_uint(out, e->statuses[i], 4);
    buf_add_uint(out, e->with_token, 4);
    buf_add_uint(out, e->ok_without_token, 4);
    buf_add_uint(out, e->tls, 4);
    buf_add_uint(out, e->violations, 4);
    buf_add_uint(out, e->refused, 4);
    for (size_t i = 0; i < GROUPS_KEPT; i++)
        put_text(out, name_text(&v->names, e->groups[i]));
    put_text(out, name_text(&v->names, e->drift));
    put_seen(v, out, e->properties, e->property_count);
    put_seen(v, out, e->query, e->query_count);
    buf_add_uint(out, e->figures != NULL, 1);
    if (e->figures != NULL) {
        buf_add(out, (struct view){e->figures->users, HLL_LARGE});
        put_histogram(out, &e->figures->latency_us);
        put_histogram(out, &e->figures->bytes);
        for (size_t i = 0; i < PACE_BUCKETS; i++)
            buf_add_uint(out, e->figures->pace.counts[i], 2);
    }
}

static void put_node(const struct inventory *v, struct buf *out, uint16_t at)
{
    const struct node *n = &v->nodes[at];
    size_t endpoints = 0, children = 0;

    for (uint16_t i = n->endpoint; i != NONE; i = v->endpoints[i]->next)
        endpoints++;
    for (uint16_t c = n->child; c != NONE; c = v->nodes[c].next)
        children++;
    buf_add_uint(out, n->flags & (uint8_t)~NODE_FIXED, 1);
    put_text(out, n->flags & NODE_PARAM ? (struct view){0} : name_text(&v->names, n->name));
    buf_add_uint(out, n->classes, 2);
    buf_add_uint(out, n->calls, 4);
    buf_add_uint(out, (uint64_t)n->last, 8);
    buf_add_uint(out, endpoints, 1);
    for (uint16_t i = n->endpoint; i != NONE; i = v->endpoints[i]->next)
        put_endpoint(v, out, v->endpoints[i]);
    buf_add_uint(out, children, 2);
    for (uint16_t c = n->child; c != NONE; c = v->nodes[c].next)
        put_node(v, out, c);
}

sp_error inventory_save(const struct inventory *v, struct buf *out)
{
    struct buf body;
    sp_error e;

    buf_init(&body, out->max);
    buf_add(&body, (struct view){v->options.key, sizeof v->options.key});
    buf_add_uint(&body, (uint64_t)v->options.began, 8);
    buf_add_uint(&body, v->calls, 8);
    buf_add_uint(&body, v->with_token, 8);
    put_node(v, &body, ROOT);
    if ((e = buf_error(&body)) == SP_OK) {
        struct hash h = hash_sha256(buf_view(&body));
        buf_add_str(out, magic);
        buf_add_uint(out, body.len, 8);
        buf_add(out, buf_view(&body));
        buf_add(out, hash_view(&h));
        e = buf_error(out);
    }
    buf_deinit(&body);
    return e;
}

/* Reading ----------------------------------------------------------------------------------- */

static struct view take_text(struct cursor *c, size_t max)
{
    struct view text = cur_take(c, (size_t)cur_uint(c, 2));

    if (text.len > max)
        cur_fail(c, SP_ERR_MALFORMED);
    return text;
}

static uint16_t take_name(struct inventory *v, struct cursor *c)
{
    struct view text = take_text(c, INVENTORY_SEGMENT_BYTES_MAX);

    return c->err == SP_OK ? name_put(&v->names, text, &v->bytes) : 0;
}

static void take_seen(struct inventory *v, struct cursor *c, struct seen *all, uint8_t *count,
                      size_t max)
{
    uint64_t n = cur_uint(c, 1);

    for (uint64_t i = 0; i < n && c->err == SP_OK; i++) {
        uint16_t name = take_name(v, c);
        uint16_t classes = (uint16_t)(cur_uint(c, 2) & ((1u << VALUE_CLASSES) - 1));
        uint32_t times = (uint32_t)cur_uint(c, 4);
        if (name != 0 && *count < max)
            all[(*count)++] = (struct seen){name, classes, times};
        else
            name_drop(&v->names, name, &v->bytes);
    }
}

static void take_histogram(struct cursor *c, struct loghist *h)
{
    uint64_t used = cur_uint(c, 2);

    for (uint64_t i = 0; i < used && c->err == SP_OK; i++) {
        uint64_t bucket = cur_uint(c, 2);
        uint32_t count = (uint32_t)cur_uint(c, 4);
        if (bucket < LOGHIST_BUCKETS)
            h->counts[bucket] = count;
        else
            cur_fail(c, SP_ERR_MALFORMED);
    }
}

static void take_figures(struct inventory *v, struct cursor *c, struct endpoint *e, bool same_key)
{
    struct view users;

    if (cur_uint(c, 1) == 0)
        return;
    users = cur_take(c, HLL_LARGE);
    if (c->err != SP_OK || !endpoint_give_figures(v, e)) {
        cur_fail(c, SP_ERR_MALFORMED);
        return;
    }
    memset(e->figures, 0, sizeof *e->figures);
    if (same_key)
        memcpy(e->figures->users, users.at, HLL_LARGE);
    take_histogram(c, &e->figures->latency_us);
    take_histogram(c, &e->figures->bytes);
    for (size_t i = 0; i < PACE_BUCKETS; i++)
        e->figures->pace.counts[i] = (uint16_t)cur_uint(c, 2);
}

static void take_endpoint(struct inventory *v, struct cursor *c, uint16_t node, bool same_key)
{
    uint64_t method = cur_uint(c, 1), shape = cur_uint(c, 1);
    struct endpoint *e = NULL;

    if (method == GW_METHOD_NONE || method >= GW_METHODS || shape > SHAPE_ARRAY)
        cur_fail(c, SP_ERR_MALFORMED);
    if (c->err == SP_OK && (e = endpoint_of(v, node, (enum gw_method)method)) == NULL)
        e = endpoint_make(v, node, (enum gw_method)method);
    if (c->err != SP_OK || e == NULL || e->calls > 0) {
        cur_fail(c, SP_ERR_MALFORMED);
        return;
    }
    e->shape = (uint8_t)shape;
    e->sensitive = (uint32_t)cur_uint(c, 4);
    e->first = (int64_t)cur_uint(c, 8);
    e->last = (int64_t)cur_uint(c, 8);
    e->last_ok = (int64_t)cur_uint(c, 8);
    e->first_latency_us = (int64_t)cur_uint(c, 8);
    e->drift_since = (int64_t)cur_uint(c, 8);
    e->calls = cur_uint(c, 8);
    e->first_user = cur_uint(c, 8);
    e->first_bytes = cur_uint(c, 8);
    for (size_t i = 0; i < 6; i++)
        e->statuses[i] = (uint32_t)cur_uint(c, 4);
    e->with_token = (uint32_t)cur_uint(c, 4);
    e->ok_without_token = (uint32_t)cur_uint(c, 4);
    e->tls = (uint32_t)cur_uint(c, 4);
    e->violations = (uint32_t)cur_uint(c, 4);
    e->refused = (uint32_t)cur_uint(c, 4);
    for (size_t i = 0, kept = 0; i < GROUPS_KEPT; i++)
        if ((e->groups[kept] = take_name(v, c)) != 0)
            kept++;
    e->drift = take_name(v, c);
    take_seen(v, c, e->properties, &e->property_count, INVENTORY_NAMES_MAX);
    take_seen(v, c, e->query, &e->query_count, QUERY_MAX);
    take_figures(v, c, e, same_key);
}

static uint16_t take_place(struct inventory *v, struct cursor *c, uint16_t parent, uint8_t flags)
{
    struct view text = take_text(c, INVENTORY_SEGMENT_BYTES_MAX);
    uint16_t at;

    if (c->err != SP_OK || parent == NONE)
        return ROOT; /* the root's own line: its text is empty */
    at = flags & NODE_PARAM ? v->nodes[parent].param : node_child(v, parent, text);
    if (at == NONE)
        at = node_make(v, parent, flags & NODE_PARAM ? (struct view){0} : text, flags);
    return at;
}

static void take_node(struct inventory *v, struct cursor *c, uint16_t parent, size_t depth,
                      bool same_key)
{
    uint8_t flags = (uint8_t)(cur_uint(c, 1) & (NODE_PARAM | NODE_GROUP | NODE_SPLIT));
    uint16_t at = take_place(v, c, parent, flags);

    if (depth > INVENTORY_SEGMENTS_MAX || at == NONE)
        cur_fail(c, SP_ERR_MALFORMED);
    if (c->err != SP_OK)
        return;
    struct node *n = &v->nodes[at];
    if ((flags & NODE_SPLIT) && !(n->flags & NODE_SPLIT) && v->splits < INVENTORY_SPLITS_MAX) {
        n->flags |= NODE_SPLIT;
        v->splits++;
    }
    n->flags |= flags & NODE_GROUP;
    n->classes = (uint16_t)(cur_uint(c, 2) & ((1u << VALUE_CLASSES) - 1));
    n->calls = (uint32_t)cur_uint(c, 4);
    n->last = (int64_t)cur_uint(c, 8);
    uint64_t endpoints = cur_uint(c, 1);
    for (uint64_t i = 0; i < endpoints && c->err == SP_OK; i++)
        take_endpoint(v, c, at, same_key);
    uint64_t children = cur_uint(c, 2);
    for (uint64_t i = 0; i < children && c->err == SP_OK; i++)
        take_node(v, c, at, depth + 1, same_key);
}

/* Everything learned goes; the document stays. */
static void forget(struct inventory *v, uint16_t at)
{
    for (uint16_t c = v->nodes[at].child, next; c != NONE; c = next) {
        next = v->nodes[c].next;
        if (v->nodes[c].flags & NODE_FIXED)
            forget(v, c);
        else
            node_drop(v, c);
    }
    for (uint16_t i = v->nodes[at].endpoint, next; i != NONE; i = next) {
        struct endpoint *e = v->endpoints[i];
        next = e->next;
        if (!(e->flags & ENDPOINT_FIXED))
            endpoint_drop(v, e);
        else
            e->calls = 0;
    }
    v->nodes[at].calls = 0;
}

sp_error inventory_load(struct inventory *v, struct view state)
{
    struct cursor c = cur_over(state, SP_ERR_MALFORMED);
    bool right = view_is(cur_take(&c, MAGIC), magic);
    uint64_t len = cur_uint(&c, 8);
    struct view body = cur_take(&c, (size_t)len);
    struct view sum = cur_take(&c, HASH_BYTES);
    struct hash h = hash_sha256(body);

    if (c.err != SP_OK || !right || c.rest.len != 0 || !view_equal(sum, hash_view(&h)))
        return SP_ERR_MALFORMED;
    c = cur_over(body, SP_ERR_MALFORMED);
    struct view key = cur_take(&c, sizeof v->options.key);
    bool same_key = view_equal(key, (struct view){v->options.key, sizeof v->options.key});
    v->options.began = (int64_t)cur_uint(&c, 8);
    v->calls = cur_uint(&c, 8);
    v->with_token = cur_uint(&c, 8);
    take_node(v, &c, NONE, 0, same_key);
    if (c.err == SP_OK && c.rest.len == 0)
        return SP_OK;
    forget(v, ROOT);
    v->calls = v->with_token = 0;
    return SP_ERR_MALFORMED;
}
