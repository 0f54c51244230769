#include "lib/proto/fields.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"

enum { FIELD_DEPTH_MAX = 4 };

/* The members of an envelope around every message. */
static bool is_outer(const char *name)
{
    return strcmp(name, "t") == 0 || strcmp(name, "i") == 0 || strcmp(name, "re") == 0;
}

static const struct field *find(const struct field *table, const char *name)
{
    while (table->name != NULL && strcmp(table->name, name) != 0)
        table++;
    return table->name != NULL ? table : NULL;
}

static void *member(void *base, size_t at)
{
    return (uint8_t *)base + at;
}

static const void *member_const(const void *base, size_t at)
{
    return (const uint8_t *)base + at;
}

/* ---- reading ------------------------------------------------------------------------------ */

static sp_error refuse(struct sp_why *why, sp_error e, const struct field *f, const char *right)
{
    sp_why_field(why, "%s", f->name);
    return sp_why_say(why, e, "%s: %s", f->name, right);
}

static sp_error read_text(const struct json *j, const struct field *f, struct sp_why *why,
                          struct view *out)
{
    struct view v = json_str(j);

    if (json_kind(j) != JSON_STRING || (v.len == 0 && !(f->flags & FIELD_EMPTY)))
        return refuse(why, SP_ERR_MALFORMED, f, "a string is expected");
    if (v.len > (size_t)f->max)
        return refuse(why, SP_ERR_LIMIT, f, "too long");
    *out = v;
    return SP_OK;
}

static bool is_base64url(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i], low = (uint8_t)(c | 0x20);
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static sp_error read_blob(const struct json *j, const struct field *f, struct sp_why *why,
                          struct view *out)
{
    struct view v;
    sp_error e = read_text(j, f, why, &v);

    if (e == SP_OK && !is_base64url(v))
        e = refuse(why, SP_ERR_MALFORMED, f, "base64url is expected");
    if (e == SP_OK)
        *out = v;
    return e;
}

static sp_error read_int(const struct json *j, const struct field *f, struct sp_why *why,
                         int64_t *out)
{
    int64_t n;

    if (!json_integer(j, &n) || n < 0 || (f->max != 0 && n > f->max))
        return refuse(why, SP_ERR_MALFORMED, f, "an integer in its range is expected");
    *out = n;
    return SP_OK;
}

static sp_error read_id(const struct json *j, const struct field *f, struct sp_why *why,
                        struct sp_id *out)
{
    if (json_kind(j) != JSON_STRING || id_parse(json_str(j), out) != SP_OK)
        return refuse(why, SP_ERR_MALFORMED, f, "an id of 22 base64url characters is expected");
    return SP_OK;
}

static sp_error read_bytes(const struct json *j, const struct field *f, struct sp_why *why,
                           uint8_t *out)
{
    if (json_kind(j) != JSON_STRING ||
        decode_base64url_exact(json_str(j), out, (size_t)f->max) != SP_OK)
        return refuse(why, SP_ERR_MALFORMED, f, "bytes of a fixed length are expected");
    return SP_OK;
}

static sp_error read_enum(const struct json *j, const struct field *f, struct sp_why *why, int *out)
{
    for (int i = 1; json_kind(j) == JSON_STRING && f->names[i] != NULL; i++)
        if (view_is(json_str(j), f->names[i])) {
            *out = i;
            return SP_OK;
        }
    return refuse(why, SP_ERR_MALFORMED, f, "not one of its words");
}

static sp_error read_table(const struct json *object, const struct field *table, struct sp_why *why,
                           void *out, int depth);

static sp_error read_item(const struct json *j, const struct field *f, struct sp_why *why,
                          void *base, size_t i, int depth)
{
    switch (f->kind) {
    case FIELD_STRS:
        return read_text(j, f, why, (struct view *)member(base, f->at) + i);
    case FIELD_IDS:
        return read_id(j, f, why, (struct sp_id *)member(base, f->at) + i);
    case FIELD_INTS:
        return read_int(j, f, why, (int64_t *)member(base, f->at) + i);
    default:
        return read_table(j, f->table, why, member(base, f->at + i * f->size), depth + 1);
    }
}

static sp_error read_list(const struct json *j, const struct field *f, struct sp_why *why,
                          void *base, int depth)
{
    size_t n = json_len(j);
    sp_error e = SP_OK;

    if (json_kind(j) != JSON_ARRAY)
        return refuse(why, SP_ERR_MALFORMED, f, "a list is expected");
    if (n > f->many)
        return refuse(why, SP_ERR_LIMIT, f, "too many entries");
    for (size_t i = 0; e == SP_OK && i < n; i++)
        e = read_item(json_at(j, i), f, why, base, i, depth);
    if (e == SP_OK)
        *(size_t *)member(base, f->count) = n;
    return e;
}

static sp_error read_field(struct json *j, const struct field *f, struct sp_why *why, void *base,
                           int depth)
{
    void *to = member(base, f->at);

    switch (f->kind) {
    case FIELD_STR:
        return read_text(j, f, why, to);
    case FIELD_BLOB:
        return read_blob(j, f, why, to);
    case FIELD_ID:
        return read_id(j, f, why, to);
    case FIELD_INT:
        return read_int(j, f, why, to);
    case FIELD_BYTES:
        return read_bytes(j, f, why, to);
    case FIELD_ENUM:
        return read_enum(j, f, why, to);
    case FIELD_BOOL:
        if (json_kind(j) != JSON_BOOL)
            return refuse(why, SP_ERR_MALFORMED, f, "true or false is expected");
        *(bool *)to = json_is_true(j);
        return SP_OK;
    case FIELD_JSON:
        if (json_kind(j) != JSON_OBJECT && json_kind(j) != JSON_ARRAY)
            return refuse(why, SP_ERR_MALFORMED, f, "an object or a list is expected");
        *(struct json **)to = j;
        return SP_OK;
    default:
        return read_list(j, f, why, base, depth);
    }
}

/* Zeroes what the table covers, so that an absent optional member is its zero value. */
static void clear(const struct field *f, void *base)
{
    void *to = member(base, f->at);

    switch (f->kind) {
    case FIELD_STR:
    case FIELD_BLOB:
        *(struct view *)to = (struct view){0};
        break;
    case FIELD_ID:
        *(struct sp_id *)to = (struct sp_id){0};
        break;
    case FIELD_INT:
        *(int64_t *)to = 0;
        break;
    case FIELD_BYTES:
        memset(to, 0, (size_t)f->max);
        break;
    case FIELD_ENUM:
        *(int *)to = 0;
        break;
    case FIELD_BOOL:
        *(bool *)to = false;
        break;
    case FIELD_JSON:
        *(struct json **)to = NULL;
        break;
    default:
        *(size_t *)member(base, f->count) = 0;
    }
}

static sp_error read_table(const struct json *object, const struct field *table, struct sp_why *why,
                           void *out, int depth)
{
    sp_error e = SP_OK;

    if (json_kind(object) != JSON_OBJECT || depth > FIELD_DEPTH_MAX)
        return sp_why_say(why, SP_ERR_MALFORMED, "an object is expected");
    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i)) {
        const char *name = json_iter_name(i);
        if (find(table, name) == NULL && !(depth == 0 && is_outer(name))) {
            sp_why_field(why, "%s", name);
            return sp_why_say(why, SP_ERR_MALFORMED, "%s: there is no such member", name);
        }
    }
    for (const struct field *f = table; e == SP_OK && f->name != NULL; f++) {
        struct json *j = json_get(object, f->name);
        clear(f, out);
        if (j != NULL)
            e = read_field(j, f, why, out, depth);
        else if (!(f->flags & FIELD_OPTIONAL))
            e = refuse(why, SP_ERR_MALFORMED, f, "it is missing");
    }
    return e;
}

sp_error fields_read(const struct json *object, const struct field *table, struct sp_why *why,
                     void *out)
{
    return read_table(object, table, why, out, 0);
}

/* ---- writing ------------------------------------------------------------------------------ */

static struct json *write_table(const struct field *table, const void *in, bool *bad);

static bool text_fits(const struct view *v, const struct field *f)
{
    return v->len <= (size_t)f->max && (v->len > 0 || (f->flags & FIELD_EMPTY));
}

static struct json *write_list(const struct field *f, const void *in, bool *bad)
{
    size_t n = *(const size_t *)member_const(in, f->count);
    struct json *list = json_array();
    const void *from = member_const(in, f->at);

    *bad = *bad || n > f->many;
    for (size_t i = 0; !*bad && i < n; i++) {
        switch (f->kind) {
        case FIELD_STRS:
            *bad = !text_fits((const struct view *)from + i, f);
            json_push(list, json_new_str(((const struct view *)from)[i]));
            break;
        case FIELD_IDS:
            json_push(list, json_new_str(view_str(id_text(((const struct sp_id *)from)[i]).s)));
            break;
        case FIELD_INTS:
            json_push(list, json_new_int(((const int64_t *)from)[i]));
            break;
        default:
            json_push(list, write_table(f->table, (const uint8_t *)from + i * f->size, bad));
        }
    }
    return list;
}

/* Whether the member holds its zero value: an optional one is then left out. */
static bool is_zero(const struct field *f, const void *in)
{
    const void *from = member_const(in, f->at);

    switch (f->kind) {
    case FIELD_STR:
    case FIELD_BLOB:
        return ((const struct view *)from)->at == NULL || ((const struct view *)from)->len == 0;
    case FIELD_ID:
        return id_is_zero(*(const struct sp_id *)from);
    case FIELD_INT:
        return *(const int64_t *)from == 0;
    case FIELD_BOOL:
        return !*(const bool *)from;
    case FIELD_ENUM:
        return *(const int *)from == 0;
    case FIELD_JSON:
        return *(struct json *const *)from == NULL;
    case FIELD_BYTES:
        for (int64_t i = 0; i < f->max; i++)
            if (((const uint8_t *)from)[i] != 0)
                return false;
        return true;
    default:
        return *(const size_t *)member_const(in, f->count) == 0;
    }
}

static void write_enum(struct json *object, const struct field *f, int value, bool *bad)
{
    int count = 1;

    while (f->names[count] != NULL)
        count++;
    if (value < 1 || value >= count)
        *bad = true;
    else
        json_set_cstr(object, f->name, f->names[value]);
}

static void write_field(struct json *object, const struct field *f, const void *in, bool *bad)
{
    const void *from = member_const(in, f->at);

    switch (f->kind) {
    case FIELD_STR:
    case FIELD_BLOB:
        *bad = *bad || !text_fits(from, f);
        json_set_str(object, f->name, *(const struct view *)from);
        break;
    case FIELD_ID:
        json_set_id(object, f->name, *(const struct sp_id *)from);
        break;
    case FIELD_INT:
        *bad = *bad || *(const int64_t *)from < 0 || (f->max && *(const int64_t *)from > f->max);
        json_set_int(object, f->name, *(const int64_t *)from);
        break;
    case FIELD_BOOL:
        json_set_bool(object, f->name, *(const bool *)from);
        break;
    case FIELD_BYTES:
        json_set_base64url(object, f->name, (struct view){from, (size_t)f->max});
        break;
    case FIELD_ENUM:
        write_enum(object, f, *(const int *)from, bad);
        break;
    case FIELD_JSON:
        json_set(object, f->name, json_ref(*(struct json *const *)from));
        break;
    default:
        json_set(object, f->name, write_list(f, in, bad));
    }
}

static struct json *write_table(const struct field *table, const void *in, bool *bad)
{
    struct json *object = json_object();

    for (const struct field *f = table; !*bad && f->name != NULL; f++) {
        if ((f->flags & FIELD_OPTIONAL) && is_zero(f, in))
            continue;
        write_field(object, f, in, bad);
        if (*bad)
            log_event(LOG_ERROR, "proto.write", "a message of ours breaks its own table", "member",
                      f->name, NULL);
    }
    return object;
}

struct json *fields_write(const struct field *table, const void *in)
{
    bool bad = false;
    struct json *object = write_table(table, in, &bad);

    if (bad) {
        json_free(object);
        return NULL;
    }
    return object;
}
