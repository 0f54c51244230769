/* Whole values: equal, hashed, all different. See value_internal.h. */
#include "lib/schema/value_internal.h"

#include <unistd.h>

#include "lib/base/banned.h"

enum { PAIRWISE_MAX = 8 };

static bool step(uint32_t *steps)
{
    if (*steps == 0)
        return false;
    --*steps;
    return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(struct view v, uint64_t seed)
{
    uint64_t h = seed ^ 0x9E3779B97F4A7C15u, word;
    size_t i = 0;

    for (; i + 8 <= v.len; i += 8) {
        memcpy(&word, v.at + i, 8);
        h = mix(h ^ word, 0xA0761D6478BD642Fu);
    }
    word = 0;
    if (i < v.len)
        memcpy(&word, v.at + i, v.len - i);
    return mix(h ^ word ^ 0xE7037ED1A0B428DBu, (uint64_t)v.len ^ 0x8EBC6AF09C88C6E3u);
}

static bool same_arrays(yyjson_val *a, yyjson_val *b, uint32_t *steps)
{
    yyjson_val *x = unsafe_yyjson_get_first(a), *y = unsafe_yyjson_get_first(b);

    for (size_t i = unsafe_yyjson_get_len(a); i > 0; i--) {
        if (!value_same(x, y, steps))
            return false;
        x = unsafe_yyjson_get_next(x);
        y = unsafe_yyjson_get_next(y);
    }
    return true;
}

/* Names of one object are all different, so equal counts and each name found is equality. */
static bool same_objects(yyjson_val *a, yyjson_val *b, uint32_t *steps)
{
    yyjson_obj_iter other = yyjson_obj_iter_with(b);
    yyjson_val *name = unsafe_yyjson_get_first(a);

    for (size_t i = unsafe_yyjson_get_len(a); i > 0; i--) {
        /* The iterator goes on from the last hit: equal order costs one comparison a member. */
        size_t before = other.idx;
        yyjson_val *y =
            yyjson_obj_iter_getn(&other, unsafe_yyjson_get_str(name), unsafe_yyjson_get_len(name));
        size_t looked = other.idx > before ? other.idx - before : unsafe_yyjson_get_len(b);
        if (y == NULL || looked > *steps)
            return false;
        *steps -= (uint32_t)looked - 1;
        if (!value_same(name + 1, y, steps))
            return false;
        name = unsafe_yyjson_get_next(name + 1);
    }
    return true;
}

bool value_same(yyjson_val *a, yyjson_val *b, uint32_t *steps)
{
    if (!step(steps))
        return false;
    if (value_is_number(a) && value_is_number(b))
        return value_compare(a, b) == 0;
    if (unsafe_yyjson_get_type(a) != unsafe_yyjson_get_type(b))
        return false;
    switch (unsafe_yyjson_get_type(a)) {
    case YYJSON_TYPE_NULL:
        return true;
    case YYJSON_TYPE_BOOL:
        return unsafe_yyjson_get_bool(a) == unsafe_yyjson_get_bool(b);
    case YYJSON_TYPE_STR:
        return view_equal(value_text_of(a), value_text_of(b));
    case YYJSON_TYPE_ARR:
        return unsafe_yyjson_get_len(a) == unsafe_yyjson_get_len(b) && same_arrays(a, b, steps);
    case YYJSON_TYPE_OBJ:
        return unsafe_yyjson_get_len(a) == unsafe_yyjson_get_len(b) && same_objects(a, b, steps);
    default:
        return false;
    }
}

uint64_t value_hash(yyjson_val *v, uint64_t seed, uint32_t *steps)
{
    uint64_t h = seed + unsafe_yyjson_get_type(v);
    double d;

    if (!step(steps))
        return 0;
    if (value_is_number(v)) {
        d = value_double(v) + 0.0; /* -0 and 0 are one number */
        return hash_bytes((struct view){(const uint8_t *)&d, sizeof d}, seed + YYJSON_TYPE_NUM);
    }
    switch (unsafe_yyjson_get_type(v)) {
    case YYJSON_TYPE_BOOL:
        return mix(h + unsafe_yyjson_get_bool(v), 0xA0761D6478BD642Fu);
    case YYJSON_TYPE_STR:
        return hash_bytes(value_text_of(v), h);
    case YYJSON_TYPE_ARR:
    case YYJSON_TYPE_OBJ:
        break;
    default:
        return mix(h, 0xE7037ED1A0B428DBu);
    }
    bool object = unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ;
    yyjson_val *at = unsafe_yyjson_get_first(v);
    for (size_t i = unsafe_yyjson_get_len(v); i > 0; i--) {
        if (object) { /* a sum: order does not matter */
            uint64_t name = hash_bytes(value_text_of(at++), seed);
            h += mix(name ^ 0x8EBC6AF09C88C6E3u, value_hash(at, seed, steps) | 1);
        } else {
            h = mix(h ^ value_hash(at, seed, steps), 0x589965CC75374CC3u);
        }
        at = unsafe_yyjson_get_next(at);
    }
    return h;
}

static bool different_pairwise(yyjson_val *array, uint32_t *steps)
{
    yyjson_val *items[PAIRWISE_MAX], *at = unsafe_yyjson_get_first(array);
    size_t count = unsafe_yyjson_get_len(array);

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (value_same(items[k], at, steps))
                return false;
        }
        items[i] = at;
        at = unsafe_yyjson_get_next(at);
    }
    return true;
}

bool value_all_different(yyjson_val *array, struct scratch *scratch, uint32_t *steps, bool *nomem)
{
    struct scratch_mark mark = scratch_mark(scratch);
    size_t count = unsafe_yyjson_get_len(array), cells = 32;
    yyjson_val *at = unsafe_yyjson_get_first(array), **table;
    uint64_t seed = 0;
    bool different = true;

    if (count <= PAIRWISE_MAX)
        return different_pairwise(array, steps);
    while (cells < count * 2)
        cells *= 2;
    if ((table = scratch_zeroed(scratch, cells, sizeof(yyjson_val *))) == NULL) {
        *nomem = true;
        return false;
    }
    if (getentropy(&seed, sizeof seed) != 0)
        seed = (uint64_t)(uintptr_t)table;
    for (size_t i = 0; i < count && different && *steps > 0; i++) {
        size_t cell = value_hash(at, seed, steps) & (cells - 1);
        while (table[cell] != NULL && !value_same(table[cell], at, steps))
            cell = (cell + 1) & (cells - 1);
        different = table[cell] == NULL;
        table[cell] = at;
        at = unsafe_yyjson_get_next(at);
    }
    scratch_release(scratch, mark);
    return different;
}

size_t value_characters(struct view utf8)
{
    size_t n = 0;

    for (size_t i = 0; i < utf8.len; i++)
        n += (utf8.at[i] & 0xC0) != 0x80;
    return n;
}
