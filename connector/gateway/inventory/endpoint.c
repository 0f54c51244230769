#include "connector/gateway/inventory/inventory_internal.h"
#include "lib/crypto/hash.h"

#include <stdlib.h>

struct endpoint *endpoint_of(const struct inventory *v, uint16_t node, enum gw_method method)
{
    for (uint16_t i = v->nodes[node].endpoint; i != NONE; i = v->endpoints[i]->next)
        if (v->endpoints[i]->method == method)
            return v->endpoints[i];
    return NULL;
}

struct endpoint *endpoint_make(struct inventory *v, uint16_t node, enum gw_method method)
{
    uint16_t id = v->endpoint_hint;

    if (v->endpoint_count == INVENTORY_ENDPOINTS_MAX || !inventory_has_room(v))
        return NULL;
    while (v->endpoints[id] != NULL)
        id = (uint16_t)((id + 1) % INVENTORY_ENDPOINTS_MAX);
    struct endpoint *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->id = id;
    e->node = node;
    e->method = (uint8_t)method;
    e->next = v->nodes[node].endpoint;
    v->nodes[node].endpoint = id;
    v->endpoints[id] = e;
    v->endpoint_hint = id;
    v->endpoint_count++;
    v->bytes += sizeof *e;
    return e;
}

void endpoint_forget_expected(struct inventory *v, struct endpoint *e)
{
    for (size_t i = 0; i < e->expected_count; i++)
        name_drop(&v->names, e->expected[i], &v->bytes);
    v->bytes -= e->expected_count * sizeof *e->expected;
    free(e->expected);
    e->expected = NULL;
    e->expected_count = 0;
    name_drop(&v->names, e->drift, &v->bytes);
    e->drift = 0;
    e->drift_since = 0;
}

void endpoint_drop(struct inventory *v, struct endpoint *e)
{
    for (uint16_t *link = &v->nodes[e->node].endpoint; *link != NONE;
         link = &v->endpoints[*link]->next)
        if (*link == e->id) {
            *link = e->next;
            break;
        }
    for (size_t i = 0; i < e->property_count; i++)
        name_drop(&v->names, e->properties[i].name, &v->bytes);
    for (size_t i = 0; i < e->query_count; i++)
        name_drop(&v->names, e->query[i].name, &v->bytes);
    for (size_t i = 0; i < GROUPS_KEPT; i++)
        name_drop(&v->names, e->groups[i], &v->bytes);
    endpoint_forget_expected(v, e);
    v->bytes -= sizeof *e + (e->figures != NULL ? sizeof *e->figures : 0);
    v->losses += e->told != 0;
    v->endpoints[e->id] = NULL;
    v->endpoint_hint = e->id;
    v->endpoint_count--;
    free(e->figures);
    free(e);
}

static uint32_t add_sat(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Seen names -------------------------------------------------------------------------------- */

static void see_name(struct inventory *v, struct seen *all, uint8_t *count, size_t max,
                     struct seen more)
{
    for (size_t i = 0; i < *count; i++)
        if (all[i].name == more.name) {
            all[i].classes |= more.classes;
            all[i].count = add_sat(all[i].count, more.count);
            name_drop(&v->names, more.name, &v->bytes);
            return;
        }
    if (*count == max) {
        name_drop(&v->names, more.name, &v->bytes);
        return;
    }
    all[(*count)++] = more;
}

static void see_all(struct inventory *v, struct seen *all, uint8_t *count, size_t max,
                    const struct inventory_name *names, size_t n)
{
    for (size_t i = 0; i < n && i < max; i++) {
        if (names[i].name.len > INVENTORY_NAME_BYTES_MAX)
            continue;
        uint16_t id = name_put(&v->names, names[i].name, &v->bytes);
        if (id != 0)
            see_name(v, all, count, max, (struct seen){id, (uint16_t)(1u << names[i].value), 1});
    }
}

static void see_group(struct inventory *v, struct endpoint *e, uint16_t id)
{
    for (size_t i = 0; i < GROUPS_KEPT; i++) {
        if (e->groups[i] == id)
            break;
        if (e->groups[i] == 0) {
            e->groups[i] = id;
            return;
        }
    }
    name_drop(&v->names, id, &v->bytes);
}

/* Figures ----------------------------------------------------------------------------------- */

static void count_in(struct figures *f, uint64_t user, int64_t latency_us, uint64_t bytes)
{
    hll_add(f->users, HLL_LARGE, user);
    loghist_add(&f->latency_us, latency_us < 0 ? 0 : (uint64_t)latency_us);
    loghist_add(&f->bytes, bytes);
}

bool endpoint_give_figures(struct inventory *v, struct endpoint *e)
{
    if (e->figures != NULL)
        return true;
    if (!inventory_has_room(v) || (e->figures = calloc(1, sizeof *e->figures)) == NULL)
        return false;
    v->bytes += sizeof *e->figures;
    if (e->calls > 0)
        count_in(e->figures, e->first_user, e->first_latency_us, e->first_bytes);
    return true;
}

static void see_drift(struct inventory *v, struct endpoint *e, const struct inventory_call *call)
{
    if (e->expected_count == 0 || e->drift != 0 || call->status / 100 != 2)
        return;
    for (size_t i = 0; i < call->property_count; i++) {
        uint16_t id = name_find(&v->names, call->properties[i].name);
        bool listed = false;
        for (size_t n = 0; n < e->expected_count && !listed; n++)
            listed = id != 0 && e->expected[n] == id;
        if (!listed) {
            e->drift = name_put(&v->names, call->properties[i].name, &v->bytes);
            e->drift_since = call->at;
            return;
        }
    }
}

static void see_shape(struct inventory *v, struct endpoint *e, const struct inventory_call *call)
{
    if (call->status / 100 != 2 || call->shape == SHAPE_NONE)
        return;
    e->shape = (uint8_t)call->shape;
    see_all(v, e->properties, &e->property_count, INVENTORY_NAMES_MAX, call->properties,
            call->property_count);
    see_drift(v, e, call);
}

void endpoint_count_call(struct inventory *v, struct endpoint *e, const struct inventory_call *call)
{
    bool ok = call->status / 100 == 2;

    if (e->calls == 0) {
        e->first = call->at;
        e->first_user = call->user;
        e->first_latency_us = call->latency_us;
        e->first_bytes = call->response_bytes;
    } else if (endpoint_give_figures(v, e)) {
        count_in(e->figures, call->user, call->latency_us, call->response_bytes);
    }
    e->calls++;
    e->last = call->at;
    if (ok)
        e->last_ok = call->at;
    if (call->status >= 100 && call->status < 600)
        e->statuses[call->status / 100] = add_sat(e->statuses[call->status / 100], 1);
    e->with_token = add_sat(e->with_token, call->token);
    e->ok_without_token = add_sat(e->ok_without_token, ok && !call->token);
    e->tls = add_sat(e->tls, call->tls);
    v->with_token += call->token;
    e->sensitive |= call->sensitive;
    for (size_t i = 0; i < call->group_count; i++)
        see_group(v, e, name_put(&v->names, call->groups[i], &v->bytes));
    see_all(v, e->query, &e->query_count, QUERY_MAX, call->query, call->query_count);
    see_shape(v, e, call);
}

void endpoint_refused(struct endpoint *e, bool refused, bool violation)
{
    e->refused = add_sat(e->refused, refused);
    e->violations = add_sat(e->violations, violation);
}

void endpoint_pace(struct endpoint *e, uint64_t calls)
{
    if (e->figures != NULL)
        pace_add(&e->figures->pace, calls);
}

static void merge_seen(struct inventory *v, struct seen *to, uint8_t *to_count, size_t max,
                       const struct seen *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        v->names.all[from[i].name].refs++;
        see_name(v, to, to_count, max, from[i]);
    }
}

void endpoint_merge(struct inventory *v, struct endpoint *to, struct endpoint *from)
{
    if (to->calls == 0 || (from->calls > 0 && from->first < to->first))
        to->first = from->first;
    to->last = from->last > to->last ? from->last : to->last;
    to->last_ok = from->last_ok > to->last_ok ? from->last_ok : to->last_ok;
    if (endpoint_give_figures(v, to) && endpoint_give_figures(v, from)) {
        hll_merge(to->figures->users, from->figures->users, HLL_LARGE);
        loghist_merge(&to->figures->latency_us, &from->figures->latency_us);
        loghist_merge(&to->figures->bytes, &from->figures->bytes);
        pace_merge(&to->figures->pace, &from->figures->pace);
    }
    to->calls += from->calls;
    for (size_t i = 0; i < 6; i++)
        to->statuses[i] = add_sat(to->statuses[i], from->statuses[i]);
    to->with_token = add_sat(to->with_token, from->with_token);
    to->ok_without_token = add_sat(to->ok_without_token, from->ok_without_token);
    to->tls = add_sat(to->tls, from->tls);
    to->violations = add_sat(to->violations, from->violations);
    to->refused = add_sat(to->refused, from->refused);
    to->sensitive |= from->sensitive;
    if (to->shape == SHAPE_NONE)
        to->shape = from->shape;
    for (size_t i = 0; i < GROUPS_KEPT && from->groups[i] != 0; i++) {
        v->names.all[from->groups[i]].refs++;
        see_group(v, to, from->groups[i]);
    }
    merge_seen(v, to->properties, &to->property_count, INVENTORY_NAMES_MAX, from->properties,
               from->property_count);
    merge_seen(v, to->query, &to->query_count, QUERY_MAX, from->query, from->query_count);
}

/* What it is called ------------------------------------------------------------------------- */

uint32_t endpoint_id(const struct endpoint *e)
{
    return e->id;
}

enum gw_method endpoint_method(const struct endpoint *e)
{
    return (enum gw_method)e->method;
}

uint64_t endpoint_calls(const struct endpoint *e)
{
    return e->calls;
}

bool endpoint_documented(const struct endpoint *e)
{
    return (e->flags & ENDPOINT_FIXED) != 0;
}

size_t endpoint_parameters(const struct inventory *v, const struct endpoint *e, size_t *parameters,
                           size_t max)
{
    size_t n = 0, depth = v->nodes[e->node].depth;

    for (uint16_t at = e->node; at != ROOT && at != NONE; at = v->nodes[at].parent)
        n += (v->nodes[at].flags & NODE_PARAM) != 0;
    size_t count = n < max ? n : max;
    for (uint16_t at = e->node; at != ROOT && at != NONE; at = v->nodes[at].parent, depth--)
        if ((v->nodes[at].flags & NODE_PARAM) && --n < count)
            parameters[n] = depth - 1;
    return count;
}

struct endpoint *inventory_next(const struct inventory *v, size_t *at)
{
    for (; *at < INVENTORY_ENDPOINTS_MAX; ++*at)
        if (v->endpoints[*at] != NULL)
            return v->endpoints[(*at)++];
    return NULL;
}
