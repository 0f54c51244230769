#include "connector/gateway/owner.h"

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
