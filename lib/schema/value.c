#include "lib/schema/value_internal.h"

#include "lib/base/num.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { PAIRWISE_MAX = 16, RAW_DIGITS_SURE = 300, NUMBER_TEXT_MAX = 40 };

/* One text that is being read. */
struct reading {
    struct scratch *scratch;
    struct value_fault fault;
    sp_error err;
    uint64_t seed; /* 0: not drawn yet */
    size_t depth_max;
};

static void *take(void *scratch, size_t bytes)
{
    return scratch_take(scratch, bytes);
}

static void *resize(void *scratch, void *piece, size_t from, size_t to)
{
    return scratch_resize(scratch, piece, from, to);
}

static void leave(void *scratch, void *piece)
{
    (void)scratch, (void)piece; /* the scratch gives everything back at once */
}

static bool wrong(struct reading *r, sp_error e, const char *what)
{
    if (r->err == SP_OK) {
        r->err = e;
        r->fault.what = what;
    }
    return false;
}

static bool same_text(yyjson_val *a, yyjson_val *b)
{
    return view_equal(value_text_of(a), value_text_of(b));
}

static bool stands_before(yyjson_val *object, yyjson_val *name)
{
    yyjson_val *at = unsafe_yyjson_get_first(object);

    while (at != name && !same_text(at, name))
        at = unsafe_yyjson_get_next(at + 1);
    return at != name;
}

/* One of 64 bits. Names that differ mostly have different ones; all end with a NUL. */
static uint64_t bit_of_name(yyjson_val *name)
{
    struct view v = value_text_of(name);

    return UINT64_C(1) << ((v.at[0] + 3u * v.at[v.len / 2] + 7u * v.len) % 64);
}

/* Only those whose bit was met already are compared with each one before. */
static bool names_differ_pairwise(yyjson_val *object)
{
    yyjson_val *at = unsafe_yyjson_get_first(object);
    uint64_t met = 0;

    for (size_t i = unsafe_yyjson_get_len(object); i > 0; i--) {
        uint64_t bit = bit_of_name(at);
        if ((met & bit) != 0 && stands_before(object, at))
            return false;
        met |= bit;
        at = unsafe_yyjson_get_next(at + 1);
    }
    return true;
}

/* With a table; the seed is drawn per text, so nobody can choose names that collide. */
static bool names_differ_by_hash(struct reading *r, yyjson_val *object)
{
    struct scratch_mark mark = scratch_mark(r->scratch);
    size_t count = unsafe_yyjson_get_len(object), cells = 64;
    yyjson_val *at = unsafe_yyjson_get_first(object), **table;
    bool differ = true;

    while (cells < count * 2)
        cells *= 2;
    table = scratch_zeroed(r->scratch, cells, sizeof(yyjson_val *));
    if (table == NULL)
        return wrong(r, SP_ERR_NOMEM, "the memory of a message is used up");
    if (r->seed == 0 && getentropy(&r->seed, sizeof r->seed) != 0)
        r->seed = (uint64_t)(uintptr_t)table;
    for (size_t i = 0; i < count && differ; i++) {
        size_t cell = hash_bytes(value_text_of(at), r->seed) & (cells - 1);
        while (table[cell] != NULL && !same_text(table[cell], at))
            cell = (cell + 1) & (cells - 1);
        differ = table[cell] == NULL;
        table[cell] = at;
        at = unsafe_yyjson_get_next(at + 1);
    }
    scratch_release(r->scratch, mark);
    return differ;
}

static bool check_names(struct reading *r, yyjson_val *object)
{
    bool differ = unsafe_yyjson_get_len(object) <= PAIRWISE_MAX ? names_differ_pairwise(object)
                                                                : names_differ_by_hash(r, object);

    if (!differ && r->err == SP_OK) {
        r->fault.duplicate = true;
        return wrong(r, SP_ERR_MALFORMED, "a name stands twice in an object");
    }
    return r->err == SP_OK;
}

/* yyjson leaves as text what its integers and doubles cannot hold. */
static bool check_raw(struct reading *r, yyjson_val *v)
{
    struct view digits = value_text_of(v);

    if (digits.len <= RAW_DIGITS_SURE && memchr(digits.at, 'e', digits.len) == NULL &&
        memchr(digits.at, 'E', digits.len) == NULL && memchr(digits.at, '.', digits.len) == NULL)
        return true;
    double d = value_double(v);
    if (isinf(d))
        return wrong(r, SP_ERR_MALFORMED, "a number is outside the range of a double");
    return true;
}

/* Everything that two readers of JSON could see differently. The recursion ends at depth_max. */
static bool check_strictly(struct reading *r, yyjson_val *v, size_t depth)
{
    if (yyjson_is_raw(v))
        return check_raw(r, v);
    if (!unsafe_yyjson_is_ctn(v))
        return true;
    if (depth == r->depth_max)
        return wrong(r, SP_ERR_LIMIT, "nested too deep");

    bool object = unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ;
    yyjson_val *at = unsafe_yyjson_get_first(v);
    if (object && unsafe_yyjson_get_len(v) > 1 && !check_names(r, v))
        return false;
    for (size_t i = unsafe_yyjson_get_len(v); i > 0; i--) {
        at += object;
        if ((unsafe_yyjson_is_ctn(at) || yyjson_is_raw(at)) && !check_strictly(r, at, depth + 1))
            return false;
        at = unsafe_yyjson_get_next(at);
    }
    return true;
}

sp_error value_read(struct view text, size_t depth, struct scratch *scratch,
                    struct value_fault *fault, const struct value **out)
{
    const yyjson_alc alc = {take, resize, leave, scratch};
    struct reading r = {.scratch = scratch, .depth_max = depth};
    yyjson_read_err err = {0};
    char none = 0;
    char *bytes = text.len == 0 ? &none : (char *)(uintptr_t)text.at; /* copied, not written */
    yyjson_doc *doc = yyjson_read_opts(bytes, text.len, YYJSON_READ_BIGNUM_AS_RAW, &alc, &err);

    if (doc == NULL) {
        r.fault.at = err.pos;
        wrong(&r, err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? SP_ERR_NOMEM : SP_ERR_MALFORMED,
              err.msg);
    } else {
        check_strictly(&r, yyjson_doc_get_root(doc), 0);
    }
    if (r.err != SP_OK) {
        if (fault != NULL)
            *fault = r.fault;
        return r.err;
    }
    *out = value_of(yyjson_doc_get_root(doc));
    return SP_OK;
}

enum value_kind value_kind(const struct value *v)
{
    static const enum value_kind kinds[] = {
        [YYJSON_TYPE_RAW] = VALUE_NUMBER, [YYJSON_TYPE_NULL] = VALUE_NULL,
        [YYJSON_TYPE_BOOL] = VALUE_BOOL,  [YYJSON_TYPE_NUM] = VALUE_NUMBER,
        [YYJSON_TYPE_STR] = VALUE_STRING, [YYJSON_TYPE_ARR] = VALUE_ARRAY,
        [YYJSON_TYPE_OBJ] = VALUE_OBJECT,
    };
    return v == NULL ? VALUE_MISSING : kinds[unsafe_yyjson_get_type(value_yy(v))];
}

struct view value_string(const struct value *v)
{
    return value_kind(v) == VALUE_STRING ? value_text_of(value_yy(v)) : (struct view){0};
}

bool value_bool(const struct value *v, bool *out)
{
    if (value_kind(v) != VALUE_BOOL)
        return false;
    *out = unsafe_yyjson_get_bool(value_yy(v));
    return true;
}

bool value_number(const struct value *v, double *out)
{
    if (value_kind(v) != VALUE_NUMBER)
        return false;
    *out = value_double(value_yy(v));
    return true;
}

size_t value_count(const struct value *v)
{
    return v != NULL && unsafe_yyjson_is_ctn(value_yy(v)) ? unsafe_yyjson_get_len(value_yy(v)) : 0;
}

const struct value *value_member(const struct value *object, struct view name)
{
    for (struct value_iter i = value_iter(object); i.count > 0 && value_next(&i);) {
        if (i.name != NULL && view_equal(value_text_of(value_yy(i.name)), name))
            return i.value;
    }
    return NULL;
}

const struct value *value_item(const struct value *array, size_t index)
{
    if (value_kind(array) != VALUE_ARRAY || index >= value_count(array))
        return NULL;
    return value_of(yyjson_arr_get(value_yy(array), index));
}

struct view value_text(const struct value *v, struct scratch *scratch)
{
    yyjson_val *y = value_yy(v);
    char *text;
    int len;

    switch (value_kind(v)) {
    case VALUE_STRING:
        return value_text_of(y);
    case VALUE_BOOL:
        return view_str(unsafe_yyjson_get_bool(y) ? "true" : "false");
    case VALUE_NUMBER:
        if (yyjson_is_raw(y))
            return value_text_of(y);
        break;
    default:
        return (struct view){0};
    }
    if ((text = scratch_take(scratch, NUMBER_TEXT_MAX)) == NULL)
        return (struct view){0};
    if (yyjson_is_uint(y))
        len = snprintf(text, NUMBER_TEXT_MAX, "%llu", (unsigned long long)yyjson_get_uint(y));
    else if (yyjson_is_sint(y))
        len = snprintf(text, NUMBER_TEXT_MAX, "%lld", (long long)yyjson_get_sint(y));
    else
        len = snprintf(text, NUMBER_TEXT_MAX, "%.17g", unsafe_yyjson_get_real(y));
    return (struct view){(const uint8_t *)text, len < 0 ? 0 : (size_t)len};
}

struct value_iter value_iter(const struct value *container)
{
    return (struct value_iter){.container = container, .count = value_count(container)};
}

bool value_next(struct value_iter *i)
{
    yyjson_val *at;

    if (i->value != NULL ? ++i->index >= i->count : i->count == 0)
        return false;
    at = i->value == NULL ? unsafe_yyjson_get_first(value_yy(i->container))
                          : unsafe_yyjson_get_next(value_yy(i->value));
    i->name = NULL;
    if (value_kind(i->container) == VALUE_OBJECT)
        i->name = value_of(at++);
    i->value = value_of(at);
    return true;
}

/* One reference token, ~1 and ~0 undone, into `to`. False: too long, or a '~' that means nothing.
 */
static bool unescape(struct view token, char *to, size_t room, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = (char)token.at[i];
        if (c == '~') {
            if (++i == token.len || (token.at[i] != '0' && token.at[i] != '1'))
                return false;
            c = token.at[i] == '0' ? '~' : '/';
        }
        if (*len == room)
            return false;
        to[(*len)++] = c;
    }
    return true;
}

const struct value *value_at(const struct value *v, struct view pointer)
{
    char name[1024];
    size_t len;
    uint64_t index;

    while (v != NULL && pointer.len > 0) {
        if (pointer.at[0] != '/')
            return NULL;
        pointer = view_slice(pointer, 1, pointer.len);
        const uint8_t *slash = pointer.len == 0 ? NULL : memchr(pointer.at, '/', pointer.len);
        struct view token =
            view_slice(pointer, 0, slash == NULL ? pointer.len : (size_t)(slash - pointer.at));
        if (!unescape(token, name, sizeof name, &len))
            return NULL;
        if (value_kind(v) == VALUE_ARRAY)
            v = num_uint(token, SIZE_MAX, &index) == SP_OK ? value_item(v, index) : NULL;
        else
            v = value_member(v, (struct view){(const uint8_t *)name, len});
        pointer = view_slice(pointer, token.len, pointer.len);
    }
    return v;
}
