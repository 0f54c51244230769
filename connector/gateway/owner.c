#include "connector/gateway/owner.h"

#include "connector/gateway/watch_internal.h"

enum { OWNER_DEPTH_MAX = 32 };

static struct view first_segment(struct view pointer)
{
    size_t end = 1;

    while (end < pointer.len && pointer.at[end] != '/')
        end++;
    return view_slice(pointer, 1, end - 1);
}

static bool is_index(struct view segment)
{
    for (size_t i = 0; i < segment.len; i++)
        if (segment.at[i] < '0' || segment.at[i] > '9')
            return false;
    return segment.len > 0;
}

static bool holds(const struct value *v, struct view pointer, struct view expected, int depth,
                  struct scratch *scratch)
{
    if (depth == 0 || v == NULL)
        return false;
    if (pointer.len == 0 && value_kind(v) != VALUE_ARRAY)
        return view_equal(value_text(v, scratch), expected);
    struct view segment = pointer.len == 0 ? pointer : first_segment(pointer);
    struct view rest = view_slice(pointer, segment.len + 1, pointer.len);
    if (value_kind(v) == VALUE_ARRAY && !is_index(segment)) {
        for (struct value_iter i = value_iter(v); value_next(&i);)
            if (!holds(i.value, pointer, expected, depth - 1, scratch))
                return false;
        return true;
    }
    return holds(value_at(v, view_slice(pointer, 0, segment.len + 1)), rest, expected, depth - 1,
                 scratch);
}

bool owner_holds(const struct value *v, struct view pointer, struct view expected,
                 struct scratch *scratch)
{
    return expected.len > 0 && holds(v, pointer, expected, OWNER_DEPTH_MAX, scratch);
}

/* The segment of the request that stands where the rule's match has "{name}". */
static struct view path_value(const struct gw_exchange *x, const struct gwmatch *m,
                              const char *name)
{
    for (size_t i = 0; i < m->segment_count && i < x->request.target.segment_count; i++)
        if (view_is(gwmatch_name(view_str(m->path), i), name))
            return x->request.target.segments[i];
    return (struct view){0};
}

static bool query_is(const struct gw_exchange *x, const char *name, struct view expected)
{
    size_t found = 0;

    for (size_t i = 0; i < x->request.target.query_count; i++) {
        const struct gw_pair *p = &x->request.target.pairs[i];
        if (!view_is(p->name, name))
            continue;
        found++;
        if (!view_equal(p->value, expected))
            return false; /* twice, once right: what would the application take? */
    }
    return found > 0;
}

static bool body_is(const struct gw_exchange *x, const char *pointer, struct view expected,
                    struct scratch *scratch)
{
    const struct value *root = NULL;

    return x->request.body.inspected == GW_INSPECTED && is_json(x->request.body.content_type) &&
           value_read(x->request.body.bytes, VALUE_DEPTH_MAX, scratch, NULL, &root) == SP_OK &&
           owner_holds(root, view_str(pointer), expected, scratch);
}

bool owner_in_request(const struct gw_exchange *x, const struct gwconf_owner *rule,
                      struct view expected, struct scratch *scratch)
{
    bool own = false;

    if (rule->from.source == GW_OWNER_PATH)
        own =
            expected.len > 0 && view_equal(path_value(x, &rule->match, rule->from.where), expected);
    else if (rule->from.source == GW_OWNER_QUERY)
        own = expected.len > 0 && query_is(x, rule->from.where, expected);
    else if (rule->from.source == GW_OWNER_BODY)
        own = body_is(x, rule->from.where, expected, scratch);
    scratch_reset(scratch, SCRATCH_FIRST_BYTES);
    return own;
}

static struct view attribute(const struct gw_caller *c, const char *name)
{
    for (size_t i = 0; i < c->attribute_count; i++)
        if (view_is(c->attributes[i].name, name))
            return c->attributes[i].value;
    return (struct view){0};
}

struct view owner_expected(const struct gw_exchange *x, const struct gwconf_equals *equals,
                           struct view subject)
{
    const struct gw_caller *c = x->caller;

    switch ((enum gw_value)equals->kind) {
    case GW_VALUE_USER_EMAIL:
        return c->email;
    case GW_VALUE_USER_NAME:
        return c->name;
    case GW_VALUE_USER_ID:
        return arena_copy(x->request.arena, view_str(id_text(c->user).s));
    case GW_VALUE_USER_ATTRIBUTE:
        return attribute(c, equals->name);
    case GW_VALUE_TOKEN_CLAIM:
        return json_str(json_get(x->token.claims, equals->name));
    case GW_VALUE_APP_SUBJECT:
        return subject;
    case GW_VALUE_NONE:
        break;
    }
    return (struct view){0};
}

bool owner_excepted(const struct gw_caller *caller, const struct gwconf_owner *rule)
{
    for (size_t i = 0; i < rule->except_groups.count; i++)
        for (size_t g = 0; g < caller->group_count; g++)
            if (view_is(caller->groups[g], rule->except_groups.items[i]))
                return true;
    return false;
}
