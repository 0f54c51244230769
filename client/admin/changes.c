#include "client/admin/declare.h"
#include "lib/base/num.h"
#include "lib/config/tree.h"

#include <string.h>

/* Neither is there, or both are and the same. */
static bool same(const struct json *a, const struct json *b)
{
    return a == NULL || b == NULL ? a == b : json_equal(a, b);
}

static bool same_time(const struct json *a, const struct json *b)
{
    int64_t x, y;

    return json_kind(a) == JSON_STRING && json_kind(b) == JSON_STRING &&
           num_duration(json_str(a), &x) == SP_OK && num_duration(json_str(b), &y) == SP_OK &&
           x == y;
}

/* 90m and 5400s are one limit. */
static bool same_limits(const struct json *a, const struct json *b)
{
    if (json_len(a) != json_len(b))
        return false;
    for (void *i = json_iter(a); i != NULL; i = json_iter_next(a, i)) {
        const struct json *x = json_iter_value(i), *y = json_get(b, json_iter_name(i));

        if (json_kind(x) == JSON_OBJECT && json_kind(y) == JSON_OBJECT) {
            if (!same_limits(x, y))
                return false;
        } else if (!same(x, y) && !same_time(x, y)) {
            return false;
        }
    }
    return true;
}

static void add_change(struct json *to, const char *object, const char *name, const char *change,
                       struct json *fields)
{
    struct json *one = json_object();

    json_set_cstr(one, "object", object);
    json_set_cstr(one, "name", name);
    json_set_cstr(one, "change", change);
    json_set(one, "fields", fields == NULL ? json_array() : fields);
    json_push(to, one);
}

/* Both have all members of an app. */
static struct json *fields_that_differ(const struct json *a, const struct json *b)
{
    struct json *fields = json_array();

    for (void *i = json_iter(b); i != NULL; i = json_iter_next(b, i)) {
        const char *name = json_iter_name(i);
        const struct json *x = json_get(a, name), *y = json_iter_value(i);

        if (strcmp(name, "limits") == 0 ? !same_limits(x, y) : !same(x, y))
            json_push(fields, json_new_str(view_str(name)));
    }
    return fields;
}

static void add_wanted(struct json *to, const char *object, const struct json *now,
                       const struct json *wanted)
{
    for (size_t i = 0; i < json_len(wanted); i++) {
        const char *name = json_cstr(json_get(json_at(wanted, i), "name"));
        const struct json *is = declare_find(now, name);
        struct json *fields;

        if (is == NULL) {
            add_change(to, object, name, "add", NULL);
            continue;
        }
        fields = fields_that_differ(is, json_at(wanted, i));
        if (json_len(fields) > 0)
            add_change(to, object, name, "change", json_ref(fields));
        json_free(fields);
    }
}

static void add_removed(struct json *to, const char *object, const struct json *now,
                        const struct json *wanted)
{
    for (size_t i = 0; wanted != NULL && i < json_len(now); i++) {
        const char *name = json_cstr(json_get(json_at(now, i), "name"));

        if (declare_find(wanted, name) == NULL)
            add_change(to, object, name, "remove", NULL);
    }
}

struct json *declare_changes(const struct json *now, const struct json *wanted, bool prune)
{
    struct json *changes = json_array();
    const struct json *policy = json_get(wanted, "policy");

    add_wanted(changes, "site", json_get(now, "sites"), json_get(wanted, "sites"));
    add_wanted(changes, "app", json_get(now, "apps"), json_get(wanted, "apps"));
    if (policy != NULL && !view_equal(json_str(policy), json_str(json_get(now, "policy")))) {
        struct json *inner =
            declare_policy_changes(json_str(json_get(now, "policy")), json_str(policy));
        struct json *names = json_array();

        for (size_t i = 0; i < json_len(inner); i++)
            json_push(names, json_copy(json_get(json_at(inner, i), "name")));
        add_change(changes, "policy", "document",
                   json_str(json_get(now, "policy")).len > 0 ? "change" : "add", names);
        json_free(inner);
    }
    if (prune) {
        add_removed(changes, "app", json_get(now, "apps"), json_get(wanted, "apps"));
        add_removed(changes, "site", json_get(now, "sites"), json_get(wanted, "sites"));
    }
    return changes;
}

/* ---- policies ----------------------------------------------------------------------------- */

static struct json *differing_members(const struct json *a, const struct json *b)
{
    struct json *fields = json_array();

    for (void *i = json_iter(a); i != NULL; i = json_iter_next(a, i))
        if (!same(json_iter_value(i), json_get(b, json_iter_name(i))))
            json_push(fields, json_new_str(view_str(json_iter_name(i))));
    for (void *i = json_iter(b); i != NULL; i = json_iter_next(b, i))
        if (json_get(a, json_iter_name(i)) == NULL)
            json_push(fields, json_new_str(view_str(json_iter_name(i))));
    return fields;
}

static void compare_policies(struct json *to, const struct json *now, const struct json *wanted)
{
    for (size_t i = 0; i < json_len(wanted); i++) {
        const char *name = json_cstr(json_get(json_at(wanted, i), "name"));
        const struct json *is = name == NULL ? NULL : declare_find(now, name);
        struct json *fields;

        if (name == NULL)
            continue; /* the broker will say so */
        if (is == NULL) {
            add_change(to, "policy", name, "add", NULL);
            continue;
        }
        fields = differing_members(is, json_at(wanted, i));
        if (json_len(fields) > 0)
            add_change(to, "policy", name, "change", json_ref(fields));
        json_free(fields);
    }
    for (size_t i = 0; i < json_len(now); i++) {
        const char *name = json_cstr(json_get(json_at(now, i), "name"));

        if (name != NULL && declare_find(wanted, name) == NULL)
            add_change(to, "policy", name, "remove", NULL);
    }
}

struct json *declare_policy_changes(struct view now, struct view wanted)
{
    static const char *const whole[] = {"version", "limits", "tests"};
    struct tree *is = NULL, *becomes = NULL;
    struct json *changes = json_array();

    if (tree_parse(now, TREE_BYTES_MAX, NULL, &is) == SP_OK &&
        tree_parse(wanted, TREE_BYTES_MAX, NULL, &becomes) == SP_OK) {
        const struct json *a = tree_root(is), *b = tree_root(becomes);

        for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
            if (!same(json_get(a, whole[i]), json_get(b, whole[i])))
                add_change(changes, "document", whole[i], "change", NULL);
        compare_policies(changes, json_get(a, "policies"), json_get(b, "policies"));
    }
    tree_free(is);
    tree_free(becomes);
    return changes;
}
