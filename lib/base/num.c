#include "lib/base/num.h"

sp_error num_uint(struct view v, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    bool over = false;

    if (v.len == 0 || (v.len > 1 && v.at[0] == '0'))
        return SP_ERR_MALFORMED;
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] < '0' || v.at[i] > '9')
            return SP_ERR_MALFORMED;
        over = over || __builtin_mul_overflow(n, 10u, &n) ||
               __builtin_add_overflow(n, (uint64_t)(v.at[i] - '0'), &n);
    }
    if (over || n > max)
        return SP_ERR_LIMIT;
    *out = n;
    return SP_OK;
}

sp_error num_int(struct view v, int64_t min, int64_t max, int64_t *out)
{
    bool negative = v.len > 0 && v.at[0] == '-';
    uint64_t size = 0;
    sp_error e;

    if ((e = num_uint(view_slice(v, negative ? 1 : 0, v.len), (uint64_t)INT64_MAX + 1, &size)) !=
        SP_OK)
        return e;
    if (negative && size == 0)
        return SP_ERR_MALFORMED; /* a second spelling of zero */
    if (!negative && size > INT64_MAX)
        return SP_ERR_LIMIT;
    int64_t n = negative ? -(int64_t)(size - 1) - 1 : (int64_t)size;
    if (n < min || n > max)
        return SP_ERR_LIMIT;
    *out = n;
    return SP_OK;
}

sp_error num_duration(struct view v, int64_t *out_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t digits = 0;
    int64_t n, ms;
    sp_error e;

    while (digits < v.len && v.at[digits] >= '0' && v.at[digits] <= '9')
        digits++;
    struct view unit = view_slice(v, digits, v.len);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!view_is(unit, units[i].unit))
            continue;
        if ((e = num_int(view_slice(v, 0, digits), 0, INT64_MAX, &n)) != SP_OK)
            return e;
        if (__builtin_mul_overflow(n, units[i].ms, &ms))
            return SP_ERR_LIMIT;
        *out_ms = ms;
        return SP_OK;
    }
    return SP_ERR_MALFORMED;
}
