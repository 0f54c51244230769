#ifndef SP_BASE_NUM_H
#define SP_BASE_NUM_H

/*
 * num: arithmetic that says when it overflows, and strict decimal reading.
 */

#include "lib/base/view.h"

/* false: would overflow; *out untouched. */
SP_MUST static inline bool num_add(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

SP_MUST static inline bool num_mul(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

/* a + b of times and durations; stops at INT64_MAX and INT64_MIN instead of wrapping. */
static inline int64_t num_add_sat(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static inline int64_t num_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*
 * All of `v` as a decimal number: digits only (num_int also takes one leading '-'), no sign, no
 * blank, no leading zero but "0" itself.
 *   SP_ERR_MALFORMED  anything else
 *   SP_ERR_LIMIT      above `max` (below `min`)
 */
SP_MUST sp_error num_uint(struct view v, uint64_t max, uint64_t *out);
SP_MUST sp_error num_int(struct view v, int64_t min, int64_t max, int64_t *out);

/*
 * A duration as people write it: "90s", "15m", "12h", "7d", "250ms", "0s", to milliseconds. One
 * number, one unit. Errors as num_uint.
 */
SP_MUST sp_error num_duration(struct view v, int64_t *out_ms);

#endif
