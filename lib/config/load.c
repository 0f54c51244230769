#include "lib/config/load.h"

#include "lib/base/num.h"
#include "lib/config/value.h"
#include "lib/os/file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

/* What stays the same while a file is read. */
struct loading {
    const char *name; /* the file, for the sentence */
    const struct tree *tree;
    struct sp_why *why;
};

/* "lan.targets[2].port": the way to a value, as a chain of the callers' frames. */
struct trail {
    const struct trail *up;
    const char *name; /* NULL: an item */
    size_t index;
};

static void trail_text(const struct trail *t, struct buf *out)
{
    if (t == NULL)
        return;
    trail_text(t->up, out);
    if (t->name == NULL)
        buf_addf(out, "[%zu]", t->index);
    else
        buf_addf(out, "%s%s", out->len > 0 ? "." : "", t->name);
}

static void name_field(struct sp_why *why, const struct trail *t)
{
    struct buf text;

    buf_init(&text, SP_WHY_FIELD_MAX - 1);
    trail_text(t, &text);
    const char *s = buf_cstr(&text);
    if (s != NULL)
        sp_why_field(why, "%s", s);
    buf_deinit(&text);
}

/* Puts "FILE:LINE:COLUMN: field: " before what was said. */
static void place_before(const char *name, struct sp_why *why)
{
    struct sp_why said = *why;

    if (said.line > 0)
        sp_ignore(sp_why_say(why, SP_OK, "%s:%u:%u: %s%s%s", name, said.line, said.column,
                             said.field, said.field[0] != '\0' ? ": " : "", said.text));
    else
        sp_ignore(sp_why_say(why, SP_OK, "%s: %s%s%s", name, said.field,
                             said.field[0] != '\0' ? ": " : "", said.text));
}

static sp_error read_struct(const struct loading *l, const struct json *j,
                            const struct config_field *fields, void *out, const struct trail *t);

/* A block, or one of a list, and then whether its fields fit together. */
static sp_error read_block(const struct loading *l, const struct json *j,
                           const struct config_field *f, void *out, const struct trail *t)
{
    struct sp_why said = {{0}, {0}, 0, 0};
    sp_error e = read_struct(l, j, f->fields, out, t);

    if (e != SP_OK || f->done == NULL || (e = f->done(out, &said)) == SP_OK)
        return e;
    if (said.field[0] != '\0') {
        struct trail member = {.up = t, .name = said.field};
        name_field(l->why, &member);
        if (json_get(j, said.field) != NULL) {
            unsigned line, column;
            tree_place_member(l->tree, j, said.field, &line, &column);
            sp_why_place(l->why, line, column);
        }
    }
    return sp_why_say(l->why, e, "%s", said.text);
}

static sp_error read_blocks(const struct loading *l, const struct json *j,
                            const struct config_field *f, struct config_blocks *out,
                            const struct trail *t)
{
    size_t n = json_len(j), max = f->max > 0 ? (size_t)f->max : CONFIG_ITEMS_MAX;
    sp_error e = SP_OK;

    if (json_kind(j) != JSON_ARRAY)
        return sp_why_say(l->why, SP_ERR_INVALID, "a list was expected, not %s",
                          json_kind_name(json_kind(j)));
    if (n > max)
        return sp_why_say(l->why, SP_ERR_INVALID, "at most %zu items", max);
    out->items = calloc(n > 0 ? n : 1, f->size);
    if (out->items == NULL)
        return SP_ERR_NOMEM;
    for (size_t i = 0; i < n && e == SP_OK; i++) {
        struct trail item = {.up = t, .index = i};
        unsigned line, column;

        out->count = i + 1; /* so that config_free finds a half-read item */
        e = read_block(l, json_at(j, i), f, (char *)out->items + i * f->size, &item);
        if (e != SP_OK) {
            tree_place_item(l->tree, j, i, &line, &column);
            name_field(l->why, &item);
            sp_why_place(l->why, line, column);
        }
    }
    return e;
}

static sp_error read_field(const struct loading *l, const struct json *j,
                           const struct config_field *f, void *out, const struct trail *t)
{
    char *at = (char *)out + f->at;

    switch (f->kind) {
    case CONFIG_BLOCK:
        return read_block(l, j, f, at, t);
    case CONFIG_BLOCKS:
        return read_blocks(l, j, f, (struct config_blocks *)at, t);
    default:
        return value_from_json(f, j, at, l->why);
    }
}

static const struct config_field *find_field(const struct config_field *fields, struct view name)
{
    for (; fields->kind != CONFIG_END; fields++) {
        if (view_is(name, fields->name))
            return fields;
    }
    return NULL;
}

/* Gives absent fields their preset, and misses required ones. */
static sp_error fill_absent(const struct loading *l, const struct json *j,
                            const struct config_field *fields, void *out, const struct trail *t)
{
    sp_error e = SP_OK;

    for (const struct config_field *f = fields; f->kind != CONFIG_END; f++) {
        struct trail member = {.up = t, .name = f->name};
        char *at = (char *)out + f->at;

        if (json_get(j, f->name) != NULL)
            continue;
        if (f->required)
            e = sp_why_say(l->why, SP_ERR_INVALID, "it is missing%s%s",
                           f->expected != NULL ? "; expected " : "",
                           f->expected != NULL ? f->expected : "");
        else if (f->kind == CONFIG_BLOCK)
            e = read_block(l, NULL, f, at, &member);
        else if (f->preset != NULL)
            e = value_from_text(f, f->preset, at, l->why);
        if (e != SP_OK) {
            name_field(l->why, &member);
            return e;
        }
    }
    return SP_OK;
}

/* `j` NULL or JSON null (an empty file): all fields are absent. */
static sp_error read_struct(const struct loading *l, const struct json *j,
                            const struct config_field *fields, void *out, const struct trail *t)
{
    unsigned line, column;

    if (j != NULL && json_kind(j) != JSON_NULL && json_kind(j) != JSON_OBJECT)
        return sp_why_say(l->why, SP_ERR_INVALID, "names and values were expected, not %s",
                          json_kind_name(json_kind(j)));
    for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i)) {
        struct trail member = {.up = t, .name = json_iter_name(i)};
        const struct config_field *f = find_field(fields, view_str(member.name));
        sp_error e;

        if (f == NULL)
            e = value_unknown(fields, member.name, l->why);
        else
            e = read_field(l, json_iter_value(i), f, out, &member);
        if (e != SP_OK) {
            tree_place_member(l->tree, j, member.name, &line, &column);
            name_field(l->why, &member);
            sp_why_place(l->why, line, column);
            return e;
        }
    }
    return fill_absent(l, j, fields, out, t);
}

sp_error config_read(struct view text, const char *name, const struct config_field *fields,
                     void *out, struct sp_why *why)
{
    const struct config_field root = {.kind = CONFIG_BLOCK, .fields = fields};

    return config_read_block(text, name, &root, out, why);
}

sp_error config_read_block(struct view text, const char *name, const struct config_field *root,
                           void *out, struct sp_why *why)
{
    struct sp_why unread = {{0}, {0}, 0, 0};
    struct loading l = {.name = name, .why = why != NULL ? why : &unread};
    struct tree *tree = NULL;
    sp_error e;

    if ((e = tree_parse(text, CONFIG_BYTES_MAX, l.why, &tree)) == SP_OK) {
        l.tree = tree;
        e = read_block(&l, tree_root(tree), root, out, NULL);
    }
    if (e != SP_OK && l.why->text[0] != '\0')
        place_before(name, l.why);
    tree_free(tree);
    return e;
}

sp_error config_load(const char *path, const struct config_field *fields, void *out,
                     struct sp_why *why)
{
    struct buf text;
    sp_error e;

    buf_init(&text, CONFIG_BYTES_MAX);
    if ((e = file_read(path, CONFIG_BYTES_MAX, &text, why)) == SP_OK)
        e = config_read(buf_view(&text), path, fields, out, why);
    buf_deinit(&text);
    return e;
}

sp_error config_set(const struct config_field *fields, void *out, const char *field,
                    const char *value, struct sp_why *why)
{
    const char *rest = field;
    const struct config_field *f = NULL;

    for (const struct config_field *in = fields; in != NULL; in = f->fields) {
        const char *dot = strchr(rest, '.');
        struct view name =
            view_slice(view_str(rest), 0, dot != NULL ? (size_t)(dot - rest) : strlen(rest));
        f = find_field(in, name);
        sp_why_field(why, "%s", field);
        if (f == NULL || f->kind == CONFIG_BLOCKS || (dot == NULL) != (f->kind != CONFIG_BLOCK))
            return sp_why_say(why, SP_ERR_INVALID, "there is no setting \"%s\"", field);
        out = (char *)out + f->at;
        rest = dot != NULL ? dot + 1 : "";
    }
    value_free(f, out);
    return value_from_text(f, value, out, why);
}

/* The variable's name: prefix, then the way to the field in capitals. */
static sp_error environment_in(const struct config_field *fields, void *out, const char *prefix,
                               struct sp_why *why)
{
    sp_error e = SP_OK;

    for (const struct config_field *f = fields; f->kind != CONFIG_END && e == SP_OK; f++) {
        char variable[128];
        int n = snprintf(variable, sizeof variable, "%s%s", prefix, f->name);

        if (n < 0 || (size_t)n >= sizeof variable || f->kind == CONFIG_BLOCKS)
            continue;
        for (char *c = variable; *c != '\0'; c++)
            *c = (char)toupper((unsigned char)*c);
        if (f->kind == CONFIG_BLOCK) {
            char inner[sizeof variable + 1];
            snprintf(inner, sizeof inner, "%s_", variable);
            e = environment_in(f->fields, (char *)out + f->at, inner, why);
            continue;
        }
        const char *value = getenv(variable);
        if (value == NULL)
            continue;
        value_free(f, (char *)out + f->at);
        if ((e = value_from_text(f, value, (char *)out + f->at, why)) != SP_OK)
            sp_why_field(why, "%s", variable);
    }
    return e;
}

sp_error config_environment(const struct config_field *fields, void *out, const char *prefix,
                            struct sp_why *why)
{
    struct sp_why said = {{0}, {0}, 0, 0};
    sp_error e = environment_in(fields, out, prefix, &said);

    if (e != SP_OK && why != NULL) {
        *why = said;
        place_before("environment", why);
    }
    return e;
}

void config_free(const struct config_field *fields, void *out)
{
    for (const struct config_field *f = fields; f->kind != CONFIG_END; f++) {
        char *at = (char *)out + f->at;

        if (f->kind == CONFIG_BLOCK) {
            config_free(f->fields, at);
        } else if (f->kind == CONFIG_BLOCKS) {
            struct config_blocks *blocks = (struct config_blocks *)at;
            for (size_t i = 0; i < blocks->count; i++)
                config_free(f->fields, (char *)blocks->items + i * f->size);
            free(blocks->items);
            *blocks = (struct config_blocks){0};
        } else {
            value_free(f, at);
        }
    }
}
