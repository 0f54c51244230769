/* Single values: types, constants, numbers, strings. See run_internal.h. */
#include "lib/schema/format.h"
#include "lib/schema/run_internal.h"

#include <float.h>

#include "lib/base/banned.h"

enum { BYTES_A_STEP = 256, REGEX_STEPS = 200 };

static bool is_string(yyjson_val *v)
{
    return unsafe_yyjson_get_type(v) == YYJSON_TYPE_STR;
}

static bool same(struct run *r, yyjson_val *a, yyjson_val *b)
{
    bool equal = value_same(a, b, &r->steps);

    if (r->steps == 0)
        return run_stop(r, SCHEMA_COST);
    return equal;
}

bool check_const(struct run *r, const struct instruction *x, const struct spot *s)
{
    return same(r, s->v, r->p->constants[x->a]) || run_fault(r, s->at, "const");
}

bool check_enum(struct run *r, const struct instruction *x, const struct spot *s)
{
    const uint32_t *words = r->p->words + x->a;
    uint32_t count = words[0], mask = words[1];
    const uint32_t *constants = words + 2, *cells = constants + count;

    if (mask == 0) {
        for (uint32_t i = 0; i < count; i++) {
            if (same(r, s->v, r->p->constants[constants[i]]))
                return true;
        }
        return run_fault(r, s->at, "enum");
    }
    uint64_t hash = value_hash(s->v, 0, &r->steps);
    for (uint32_t c = (uint32_t)hash & mask; cells[c] != 0 && r->steps > 0; c = (c + 1) & mask) {
        if (same(r, s->v, r->p->constants[constants[cells[c] - 1]]))
            return true;
    }
    return r->steps == 0 ? run_stop(r, SCHEMA_COST) : run_fault(r, s->at, "enum");
}

bool check_limit(struct run *r, const struct instruction *x, const struct spot *s)
{
    static const char *const words[2][2] = {{"minimum", "exclusiveMinimum"},
                                            {"maximum", "exclusiveMaximum"}};
    bool upper = x->op == OP_MAXIMUM;

    if (!value_is_number(s->v))
        return true;
    int c = value_compare(s->v, r->p->constants[x->a]);
    if (upper)
        c = -c;
    return c > 0 || (c == 0 && x->flags == 0) || run_fault(r, s->at, words[upper][x->flags & 1]);
}

bool check_multiple(struct run *r, const struct instruction *x, const struct spot *s)
{
    if (!value_is_number(s->v))
        return true;
    return value_is_multiple(s->v, r->p->constants[x->a]) || run_fault(r, s->at, "multipleOf");
}

bool check_length(struct run *r, const struct instruction *x, const struct spot *s)
{
    if (!is_string(s->v))
        return true;
    struct view text = value_text_of(s->v);
    size_t count = text.len;
    /* A character is one to four bytes: most lengths are decided without counting. */
    if (count > x->b || count / 4 < x->a) {
        if (!run_pay(r, count / BYTES_A_STEP))
            return false;
        count = value_characters(text);
    } else {
        return true;
    }
    if (count < x->a)
        return run_fault(r, s->at, "minLength");
    return count <= x->b || run_fault(r, s->at, "maxLength");
}

bool check_pattern(struct run *r, const struct instruction *x, const struct spot *s)
{
    if (!is_string(s->v))
        return true;
    switch (run_pattern(r, x->a, value_text_of(s->v))) {
    case PATTERN_YES:
        return true;
    case PATTERN_NO:
        return run_fault(r, s->at, "pattern");
    default:
        return run_stop(r, SCHEMA_COST);
    }
}

static bool number_format(enum format f, yyjson_val *v)
{
    double d = value_double(v);

    switch (f) {
    case FORMAT_INT32:
        return value_in_range(v, INT32_MIN, INT32_MAX);
    case FORMAT_INT64:
        return value_in_range(v, INT64_MIN, INT64_MAX);
    case FORMAT_FLOAT:
        return d >= -(double)FLT_MAX && d <= (double)FLT_MAX;
    default:
        return true;
    }
}

bool check_format(struct run *r, const struct instruction *x, const struct spot *s)
{
    enum format f = (enum format)x->a;

    if (f >= FORMAT_NUMBERS)
        return !value_is_number(s->v) || number_format(f, s->v) || run_fault(r, s->at, "format");
    if (!is_string(s->v))
        return true;
    struct view text = value_text_of(s->v);
    if (!run_pay(r, text.len / BYTES_A_STEP + (f == FORMAT_REGEX ? REGEX_STEPS + text.len : 0)))
        return false;
    return format_holds(f, text) || run_fault(r, s->at, "format");
}

bool check_unique(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool nomem = false;

    (void)x;
    if (unsafe_yyjson_get_type(s->v) != YYJSON_TYPE_ARR)
        return true;
    bool different = value_all_different(s->v, r->scratch, &r->steps, &nomem);
    if (nomem)
        return run_stop(r, SCHEMA_NOMEM);
    if (r->steps == 0)
        return run_stop(r, SCHEMA_COST);
    return different || run_fault(r, s->at, "uniqueItems");
}

bool check_count(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool members = x->op == OP_COUNT_MEMBERS;

    if (unsafe_yyjson_get_type(s->v) != (members ? YYJSON_TYPE_OBJ : YYJSON_TYPE_ARR))
        return true;
    size_t count = unsafe_yyjson_get_len(s->v);
    if (count < x->a)
        return run_fault(r, s->at, members ? "minProperties" : "minItems");
    return count <= x->b || run_fault(r, s->at, members ? "maxProperties" : "maxItems");
}

bool check_nothing(struct run *r, const struct instruction *x, const struct spot *s)
{
    (void)r;
    (void)x;
    (void)s;
    return true;
}

bool check_read_only(struct run *r, const struct instruction *x, const struct spot *s)
{
    (void)x;
    return r->w->direction != IN_REQUEST || s->at == NULL || run_fault(r, s->at, "readOnly");
}

bool check_write_only(struct run *r, const struct instruction *x, const struct spot *s)
{
    (void)x;
    return r->w->direction != IN_RESPONSE || s->at == NULL || run_fault(r, s->at, "writeOnly");
}
