#include "lib/config/value.h"

#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { STRING_BYTES_MAX = 4096 };

/* "a duration such as 15m" of each kind, where the table says nothing more exact. */
static const char *expected(const struct config_field *f)
{
    static const char *const of_kind[] = {
        [CONFIG_END] = "nothing",
        [CONFIG_STRING] = "a text",
        [CONFIG_INT] = "a whole number",
        [CONFIG_BOOL] = "true or false",
        [CONFIG_DURATION] = "a duration such as 90s, 15m, 12h or 7d",
        [CONFIG_SIZE] = "a size such as 65536, 64KiB or 16MiB",
        [CONFIG_WORD] = "one of the words",
        [CONFIG_STRINGS] = "a list of texts",
        [CONFIG_BLOCK] = "names and values",
        [CONFIG_BLOCKS] = "a list of names and values",
        [CONFIG_OWN] = "a value as the manual says",
    };
    return f->expected != NULL ? f->expected : of_kind[f->kind];
}

static sp_error refuse(const struct config_field *f, struct view found, struct sp_why *why)
{
    return sp_why_say(why, SP_ERR_INVALID, "\"%.*s\" is not right; expected %s",
                      (int)(found.len > 80 ? 80 : found.len), (const char *)found.at, expected(f));
}

static sp_error check(const struct config_field *f, struct view text, struct sp_why *why)
{
    return f->check == NULL ? SP_OK : f->check(text, why);
}

static sp_error copy_string(const struct config_field *f, struct view text, char **out,
                            struct sp_why *why)
{
    size_t max = f->max > 0 ? (size_t)f->max : STRING_BYTES_MAX;
    sp_error e;

    if (text.len < (size_t)(f->min > 0 ? f->min : 0) || text.len > max)
        return refuse(f, text, why);
    if ((e = check(f, text, why)) != SP_OK)
        return e;
    char *s = strndup((const char *)(text.len > 0 ? (const void *)text.at : ""), text.len);
    if (s == NULL)
        return SP_ERR_NOMEM;
    *out = s;
    return SP_OK;
}

/* 65536, 64KiB, 16MiB, 1GiB. */
static sp_error read_size(struct view v, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    size_t n = 0;
    int64_t count;

    while (n < v.len && v.at[n] >= '0' && v.at[n] <= '9')
        n++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!view_is(view_slice(v, n, v.len), units[i].unit))
            continue;
        sp_error e = num_int(view_slice(v, 0, n), 0, INT64_MAX, &count);
        if (e != SP_OK)
            return e;
        return __builtin_mul_overflow(count, units[i].bytes, out) ? SP_ERR_LIMIT : SP_OK;
    }
    return SP_ERR_MALFORMED;
}

/* INT, DURATION and SIZE from their text, within the table's bounds. */
static sp_error read_number(const struct config_field *f, struct view text, int64_t *out,
                            struct sp_why *why)
{
    int64_t n = 0;
    sp_error e;

    if (f->kind == CONFIG_DURATION)
        e = num_duration(text, &n);
    else if (f->kind == CONFIG_SIZE)
        e = read_size(text, &n);
    else
        e = num_int(text, INT64_MIN, INT64_MAX, &n);
    if (e != SP_OK)
        return refuse(f, text, why);
    if ((f->min != 0 || f->max != 0) && (n < f->min || n > f->max)) {
        const char *unit = f->kind == CONFIG_DURATION ? " ms"
                           : f->kind == CONFIG_SIZE   ? " bytes"
                                                      : "";
        return sp_why_say(why, SP_ERR_INVALID, "\"%.*s\" is outside %lld to %lld%s", VIEW_ARG(text),
                          (long long)f->min, (long long)f->max, unit);
    }
    if ((e = check(f, text, why)) != SP_OK)
        return e;
    *out = n;
    return SP_OK;
}

static sp_error read_word(const struct config_field *f, struct view text, int *out,
                          struct sp_why *why)
{
    struct buf words;
    sp_error e = SP_ERR_INVALID;

    for (int i = 0; f->words[i] != NULL; i++) {
        if (view_is(text, f->words[i])) {
            *out = i;
            return SP_OK;
        }
    }
    buf_init(&words, 512);
    for (size_t i = 0; f->words[i] != NULL; i++)
        buf_addf(&words, "%s%s", i > 0 ? ", " : "", f->words[i]);
    const char *list = buf_cstr(&words);
    e = sp_why_say(why, e, "\"%.*s\" is not right; expected one of %s", VIEW_ARG(text),
                   list != NULL ? list : "the words of the manual");
    buf_deinit(&words);
    return e;
}

static sp_error add_string(const struct config_field *f, struct view text,
                           struct config_strings *list, struct sp_why *why)
{
    char **items, *copy = NULL;
    sp_error e;

    if (list->count >= CONFIG_ITEMS_MAX)
        return sp_why_say(why, SP_ERR_INVALID, "at most %d items", CONFIG_ITEMS_MAX);
    if ((e = copy_string(f, text, &copy, why)) != SP_OK)
        return e;
    items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL) {
        free(copy);
        return SP_ERR_NOMEM;
    }
    list->items = items;
    list->items[list->count++] = copy;
    return SP_OK;
}

/* A scalar of kinds whose text decides: STRING, INT, BOOL, DURATION, SIZE, WORD. */
static sp_error scalar_from_text(const struct config_field *f, struct view text, void *at,
                                 struct sp_why *why)
{
    switch (f->kind) {
    case CONFIG_STRING:
        return copy_string(f, text, at, why);
    case CONFIG_WORD:
        return read_word(f, text, at, why);
    case CONFIG_BOOL:
        if (!view_is(text, "true") && !view_is(text, "false"))
            return refuse(f, text, why);
        *(bool *)at = view_is(text, "true");
        return SP_OK;
    default:
        return read_number(f, text, at, why);
    }
}

static sp_error own_from_text(const struct config_field *f, const char *text, void *at,
                              struct sp_why *why)
{
    struct json *j = json_new_str(view_str(text));
    sp_error e = j == NULL ? SP_ERR_INVALID : f->read(j, at, why);

    json_free(j);
    return e;
}

sp_error value_from_text(const struct config_field *f, const char *text, void *at,
                         struct sp_why *why)
{
    sp_error e = SP_OK;

    if (f->kind == CONFIG_OWN)
        return own_from_text(f, text, at, why);
    if (f->kind != CONFIG_STRINGS)
        return scalar_from_text(f, view_str(text), at, why);
    while (e == SP_OK && *text != '\0') {
        size_t n = strcspn(text, ",");
        e = add_string(f, view_slice(view_str(text), 0, n), at, why);
        text += n + (text[n] == ',');
    }
    return e;
}

static sp_error read_strings(const struct config_field *f, const struct json *j,
                             struct config_strings *out, struct sp_why *why)
{
    sp_error e = SP_OK;

    for (size_t i = 0; i < json_len(j) && e == SP_OK; i++) {
        const struct json *item = json_at(j, i);
        if (json_kind(item) == JSON_STRING)
            e = add_string(f, json_str(item), out, why);
        else
            e = sp_why_say(why, SP_ERR_INVALID, "item %zu is %s; expected %s", i + 1,
                           json_kind_name(json_kind(item)), expected(f));
    }
    return e;
}

sp_error value_from_json(const struct config_field *f, const struct json *j, void *at,
                         struct sp_why *why)
{
    enum json_kind kind = json_kind(j);
    int64_t n;

    if (f->kind == CONFIG_OWN)
        return f->read(j, at, why);
    if (f->kind == CONFIG_STRINGS && kind == JSON_ARRAY)
        return read_strings(f, j, at, why);
    if (f->kind == CONFIG_BOOL && kind == JSON_BOOL) {
        *(bool *)at = json_is_true(j);
        return SP_OK;
    }
    if ((f->kind == CONFIG_INT || f->kind == CONFIG_SIZE) && json_integer(j, &n)) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)n);
        return read_number(f, view_str(text), at, why);
    }
    if ((f->kind == CONFIG_STRING || f->kind == CONFIG_DURATION || f->kind == CONFIG_SIZE ||
         f->kind == CONFIG_WORD) &&
        kind == JSON_STRING)
        return scalar_from_text(f, json_str(j), at, why);
    return sp_why_say(why, SP_ERR_INVALID, "%s was found; expected %s", json_kind_name(kind),
                      expected(f));
}

void value_free(const struct config_field *f, void *at)
{
    if (f->kind == CONFIG_STRING) {
        char **s = at;
        free(*s);
        *s = NULL;
    }
    if (f->kind == CONFIG_STRINGS) {
        struct config_strings *list = at;
        for (size_t i = 0; i < list->count; i++)
            free(list->items[i]);
        free(list->items);
        *list = (struct config_strings){0};
    }
}

/* Edit distance of short names, two rows of the usual table. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);

    if (n >= sizeof row / sizeof *row)
        return SIZE_MAX;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 1; k <= n; k++) {
            size_t changed = diagonal + (a[i] != b[k - 1]);
            size_t moved = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            diagonal = row[k];
            row[k] = changed < moved ? changed : moved;
        }
    }
    return row[n];
}

sp_error value_unknown(const struct config_field *fields, const char *name, struct sp_why *why)
{
    const struct config_field *nearest = NULL;
    size_t best = 4; /* further away is no slip of the fingers */
    struct buf names;
    sp_error e;

    buf_init(&names, 400);
    for (const struct config_field *f = fields; f->kind != CONFIG_END; f++) {
        size_t d = distance(name, f->name);
        buf_addf(&names, "%s%s", f == fields ? "" : ", ", f->name);
        if (d < best) {
            best = d;
            nearest = f;
        }
    }
    const char *all = buf_cstr(&names);
    if (nearest != NULL)
        e = sp_why_say(why, SP_ERR_INVALID, "there is no such setting; did you mean \"%s\"?",
                       nearest->name);
    else
        e = sp_why_say(why, SP_ERR_INVALID, "there is no such setting; possible are %s",
                       all != NULL ? all : "those of the manual");
    buf_deinit(&names);
    return e;
}
