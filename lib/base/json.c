#include "lib/base/json_jansson.h"

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/base/json_wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* struct json is json_t under a name of ours; these two are the only crossings. */
static json_t *inner(const struct json *j)
{
    return (json_t *)(uintptr_t)j;
}

static struct json *outer(json_t *j)
{
    return (struct json *)j;
}

/*
 * Stands for a value that could not be made. jansson never counts nor frees a value with this
 * reference count, and it writes as null, which json_write does not let happen.
 */
static json_t unmade = {JANSSON_NULL, (size_t)-1};

/* A container that could not take a member can't be marked; the thread's next write fails. */
static _Thread_local bool builder_failed;

/*
 * jansson recurses once a level, so depth is bounded before it starts. Brackets in strings don't
 * count; whether the rest is JSON is not asked here.
 */
static bool too_deep(struct view text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']'))
            depth -= depth > 0;
        if (depth > JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

sp_error json_parse(struct view text, size_t max, struct sp_why *why, struct json **out)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t at;

    if (text.len > max)
        return sp_why_say(why, SP_ERR_LIMIT, "the JSON text is longer than %zu bytes", max);
    if (too_deep(text))
        return sp_why_say(why, SP_ERR_LIMIT, "the JSON text is nested deeper than %d",
                          JSON_DEPTH_MAX);
    json_t *j = json_loadb(text.len == 0 ? "" : (const char *)text.at, text.len, flags, &at);
    if (j != NULL) {
        *out = outer(j);
        return SP_OK;
    }
    if (json_error_code(&at) == json_error_out_of_memory)
        return SP_ERR_NOMEM;
    if (at.line > 0)
        sp_why_place(why, (unsigned)at.line, (unsigned)(at.column > 0 ? at.column : 0));
    return sp_why_say(why, SP_ERR_MALFORMED, "not valid JSON: %s", at.text);
}

void json_free(struct json *j)
{
    json_decref(inner(j));
}

/* jansson frees a block wherever it grows one, so this reaches every copy. */
static void wipe(void *block)
{
    if (block != NULL)
        explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

void json_wipe_freed(void)
{
    json_set_alloc_funcs(malloc, wipe);
}

struct json *json_ref(struct json *j)
{
    return outer(json_incref(inner(j)));
}

enum json_kind json_kind(const struct json *j)
{
    static const enum json_kind kinds[] = {
        [JANSSON_OBJECT] = JSON_OBJECT, [JANSSON_ARRAY] = JSON_ARRAY,
        [JANSSON_STRING] = JSON_STRING, [JANSSON_INTEGER] = JSON_INTEGER,
        [JANSSON_REAL] = JSON_REAL,     [JANSSON_TRUE] = JSON_BOOL,
        [JANSSON_FALSE] = JSON_BOOL,    [JANSSON_NULL] = JSON_NULL,
    };
    return j == NULL ? JSON_MISSING : kinds[json_typeof(inner(j))];
}

const char *json_kind_name(enum json_kind k)
{
    static const char *const names[] = {
        [JSON_MISSING] = "missing", [JSON_NULL] = "null",     [JSON_BOOL] = "boolean",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number",   [JSON_STRING] = "string",
        [JSON_ARRAY] = "array",     [JSON_OBJECT] = "object",
    };
    return names[k];
}

struct json *json_get(const struct json *object, const char *name)
{
    return json_kind(object) == JSON_OBJECT ? outer(json_object_get(inner(object), name)) : NULL;
}

struct json *json_at(const struct json *array, size_t index)
{
    return json_kind(array) == JSON_ARRAY ? outer(json_array_get(inner(array), index)) : NULL;
}

size_t json_len(const struct json *j)
{
    switch (json_kind(j)) {
    case JSON_ARRAY:
        return json_array_size(inner(j));
    case JSON_OBJECT:
        return json_object_size(inner(j));
    default:
        return 0;
    }
}

struct view json_str(const struct json *string)
{
    if (json_kind(string) != JSON_STRING)
        return (struct view){0};
    return (struct view){(const uint8_t *)json_string_value(inner(string)),
                         json_string_length(inner(string))};
}

const char *json_cstr(const struct json *string)
{
    return json_kind(string) == JSON_STRING ? json_string_value(inner(string)) : NULL;
}

/* The member if it has the kind. */
static sp_error member(const struct json *object, const char *name, enum json_kind kind,
                       const struct json **out)
{
    const struct json *j = json_get(object, name);

    if (j == NULL)
        return SP_ERR_NOT_FOUND;
    if (json_kind(j) != kind)
        return SP_ERR_MALFORMED;
    *out = j;
    return SP_OK;
}

sp_error json_get_str(const struct json *object, const char *name, size_t max, struct view *out)
{
    const struct json *j;
    sp_error e;

    if ((e = member(object, name, JSON_STRING, &j)) != SP_OK)
        return e;
    if (json_str(j).len > max)
        return SP_ERR_MALFORMED;
    *out = json_str(j);
    return SP_OK;
}

sp_error json_get_int(const struct json *object, const char *name, int64_t min, int64_t max,
                      int64_t *out)
{
    const struct json *j;
    int64_t n;
    sp_error e;

    if ((e = member(object, name, JSON_INTEGER, &j)) != SP_OK)
        return e;
    if (!json_integer(j, &n) || n < min || n > max)
        return SP_ERR_MALFORMED;
    *out = n;
    return SP_OK;
}

sp_error json_get_bool(const struct json *object, const char *name, bool *out)
{
    const struct json *j;
    sp_error e;

    if ((e = member(object, name, JSON_BOOL, &j)) != SP_OK)
        return e;
    *out = json_is_true(j);
    return SP_OK;
}

sp_error json_get_id(const struct json *object, const char *name, struct sp_id *out)
{
    const struct json *j;
    sp_error e;

    if ((e = member(object, name, JSON_STRING, &j)) != SP_OK)
        return e;
    return id_parse(json_str(j), out);
}

sp_error json_get_base64url(const struct json *object, const char *name, uint8_t *out, size_t len)
{
    const struct json *j;
    sp_error e;

    if ((e = member(object, name, JSON_STRING, &j)) != SP_OK)
        return e;
    return decode_base64url_exact(json_str(j), out, len);
}

bool json_number(const struct json *j, double *out)
{
    if (json_kind(j) != JSON_INTEGER && json_kind(j) != JSON_REAL)
        return false;
    *out = json_number_value(inner(j));
    return true;
}

bool json_integer(const struct json *j, int64_t *out)
{
    if (json_kind(j) != JSON_INTEGER)
        return false;
    *out = json_integer_value(inner(j));
    return true;
}

bool json_is_true(const struct json *j)
{
    return j != NULL && json_typeof(inner(j)) == JANSSON_TRUE;
}

sp_error json_only(const struct json *object, const char *const names[], struct sp_why *why)
{
    if (json_kind(object) != JSON_OBJECT)
        return sp_why_say(why, SP_ERR_MALFORMED, "an object was expected, not %s",
                          json_kind_name(json_kind(object)));
    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i)) {
        size_t n = 0;
        while (names[n] != NULL && strcmp(names[n], json_iter_name(i)) != 0)
            n++;
        if (names[n] == NULL)
            return sp_why_say(why, SP_ERR_MALFORMED, "unknown member \"%.100s\"",
                              json_iter_name(i));
    }
    return SP_OK;
}

void *json_iter(const struct json *object)
{
    return json_kind(object) == JSON_OBJECT ? json_object_iter(inner(object)) : NULL;
}

void *json_iter_next(const struct json *object, void *iter)
{
    return json_object_iter_next(inner(object), iter);
}

const char *json_iter_name(void *iter)
{
    return json_object_iter_key(iter);
}

struct json *json_iter_value(void *iter)
{
    return outer(json_object_iter_value(iter));
}

struct json *json_object(void)
{
    return outer(jansson_object());
}

struct json *json_array(void)
{
    return outer(jansson_array());
}

struct json *json_new_str(struct view v)
{
    return outer(json_stringn(v.len == 0 ? "" : (const char *)v.at, v.len));
}

struct json *json_new_int(int64_t n)
{
    return outer(jansson_integer(n));
}

struct json *json_new_real(double n)
{
    return outer(json_real(n));
}

struct json *json_new_bool(bool b)
{
    return outer(json_boolean(b));
}

struct json *json_new_null(void)
{
    return outer(json_null());
}

void json_set(struct json *object, const char *name, struct json *value)
{
    json_t *v = value == NULL ? &unmade : inner(value);

    if (json_object_set_new(inner(object), name, v) != 0)
        builder_failed = true;
}

void json_push(struct json *array, struct json *value)
{
    json_t *v = value == NULL ? &unmade : inner(value);

    if (json_array_append_new(inner(array), v) != 0)
        builder_failed = true;
}

void json_set_str(struct json *object, const char *name, struct view v)
{
    json_set(object, name, json_new_str(v));
}

void json_set_cstr(struct json *object, const char *name, const char *s)
{
    json_set(object, name, s == NULL ? json_new_null() : json_new_str(view_str(s)));
}

void json_set_int(struct json *object, const char *name, int64_t n)
{
    json_set(object, name, json_new_int(n));
}

void json_set_bool(struct json *object, const char *name, bool b)
{
    json_set(object, name, json_new_bool(b));
}

void json_set_id(struct json *object, const char *name, struct sp_id id)
{
    json_set_cstr(object, name, id_text(id).s);
}

void json_set_base64url(struct json *object, const char *name, struct view bytes)
{
    struct buf text;

    buf_init(&text, bytes.len / 3 * 4 + 4);
    encode_base64url(bytes, &text);
    json_set(object, name, buf_error(&text) == SP_OK ? json_new_str(buf_view(&text)) : NULL);
    buf_wipe(&text);
}

void json_set_time(struct json *object, const char *name, int64_t unix_ms)
{
    json_set_cstr(object, name, clock_text(unix_ms).s);
}

void json_remove(struct json *object, const char *name)
{
    if (json_kind(object) == JSON_OBJECT)
        json_object_del(inner(object), name);
}

struct json *json_copy(const struct json *j)
{
    return outer(jansson_deep_copy(inner(j)));
}

bool json_equal(const struct json *a, const struct json *b)
{
    return jansson_equal(inner(a), inner(b)) == 1;
}

/* Looks for what could not be made, and bounds jansson's recursion. */
static sp_error whole(const json_t *j, size_t depth)
{
    json_t *value;
    size_t i;
    sp_error e;

    if (j == &unmade)
        return SP_ERR_INVALID;
    if (depth > 2 * JSON_DEPTH_MAX)
        return SP_ERR_LIMIT;
    if (json_typeof(j) == JANSSON_OBJECT) {
        json_t *object = inner((const struct json *)j);
        for (void *it = json_object_iter(object); it != NULL;
             it = json_object_iter_next(object, it)) {
            if ((e = whole(json_object_iter_value(it), depth + 1)) != SP_OK)
                return e;
        }
    }
    if (json_typeof(j) == JANSSON_ARRAY) {
        json_array_foreach(j, i, value)
        {
            if ((e = whole(value, depth + 1)) != SP_OK)
                return e;
        }
    }
    return SP_OK;
}

static int append_dumped(const char *text, size_t len, void *arg)
{
    struct view v = {(const uint8_t *)text, len};
    return buf_append(arg, v) == SP_OK ? 0 : -1;
}

/* Nothing is left of a text that could not be written to its end. */
static sp_error write_as(const struct json *j, size_t flags, struct buf *out)
{
    size_t before = out->len;
    bool failed = builder_failed;
    sp_error e;

    builder_failed = false;
    if (j == NULL || failed)
        return SP_ERR_NOMEM;
    if ((e = whole(inner(j), 0)) != SP_OK)
        return e;
    if (json_dump_callback(inner(j), append_dumped, out, flags | JSON_ENCODE_ANY) != 0) {
        out->len = before;
        return buf_error(out) != SP_OK ? buf_error(out) : SP_ERR_NOMEM;
    }
    return SP_OK;
}

sp_error json_write(const struct json *j, struct buf *out)
{
    return write_as(j, JSON_COMPACT, out);
}

sp_error json_write_sorted(const struct json *j, struct buf *out)
{
    return write_as(j, JSON_COMPACT | JSON_SORT_KEYS, out);
}

sp_error json_write_pretty(const struct json *j, struct buf *out)
{
    return write_as(j, JSON_INDENT(2), out);
}
