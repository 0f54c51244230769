/* The strings of a value that its schema leaves free; see schema_text in schema.h. */
#include "lib/schema/run_internal.h"

#include <stdio.h>

#include "lib/base/banned.h"

/* One of the bits of a yyjson tag that mean nothing to yyjson (types have 5 of the low 8). The
 * value is of this check alone, and a reader of types and lengths does not see it. */
#define NARROWED ((uint64_t)1 << (YYJSON_TYPE_BIT + YYJSON_SUBTYPE_BIT))

void text_narrow(yyjson_val *v)
{
    if (unsafe_yyjson_get_type(v) == YYJSON_TYPE_STR)
        v->tag |= NARROWED;
}

/* The pointer to where the walk stands; what does not fit is cut off. */
struct telling {
    const struct walk *w;
    char pointer[SCHEMA_POINTER_MAX];
    size_t len;
};

static void add(struct telling *t, const char *text, size_t len)
{
    for (size_t i = 0; i < len && t->len < sizeof t->pointer; i++)
        t->pointer[t->len++] = text[i];
}

static void add_name(struct telling *t, struct view name)
{
    add(t, "/", 1);
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            add(t, name.at[i] == '~' ? "~0" : "~1", 2);
        else
            add(t, (const char *)name.at + i, 1);
    }
}

/* The recursion is as deep as the value: VALUE_DEPTH_MAX. */
static void tell(struct telling *t, yyjson_val *v)
{
    size_t before = t->len;
    char index[24];

    if (unsafe_yyjson_get_type(v) == YYJSON_TYPE_STR && (v->tag & NARROWED) == 0)
        t->w->text(t->w->text_arg, t->w->in, (struct view){(const uint8_t *)t->pointer, t->len},
                   value_text_of(v));
    for (struct value_iter i = value_iter(value_of(v)); value_next(&i); t->len = before) {
        int len = i.name != NULL ? 0 : snprintf(index, sizeof index, "/%zu", i.index);
        if (i.name != NULL)
            add_name(t, value_string(i.name));
        else
            add(t, index, len < 0 ? 0 : (size_t)len);
        tell(t, value_yy(i.value));
    }
}

static void tell_all(const struct walk *w)
{
    struct telling t = {.w = w};

    if (w->name.at != NULL)
        add_name(&t, w->name);
    tell(&t, w->value);
}

void walk_tell(const struct walk *w)
{
    if (w->text != NULL && w->value != NULL)
        tell_all(w);
}
