/* Numbers and whole values, compared as JSON Schema means it. See value_internal.h. */
#include "lib/schema/value_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { DOUBLE_DIGITS_MAX = 400, EXPONENT_SURE = 1100 };

double value_double(yyjson_val *v)
{
    if (yyjson_is_uint(v))
        return (double)yyjson_get_uint(v);
    if (yyjson_is_sint(v))
        return (double)yyjson_get_sint(v);
    if (yyjson_is_raw(v))
        return strtod(unsafe_yyjson_get_raw(v), NULL); /* yyjson ends it with NUL */
    return unsafe_yyjson_get_real(v);
}

bool value_is_integer(yyjson_val *v)
{
    if (!yyjson_is_real(v))
        return yyjson_is_int(v) || yyjson_is_raw(v);
    double d = unsafe_yyjson_get_real(v);
    return floor(d) == d;
}

static int order(bool below, bool above)
{
    return above - below;
}

static bool is_negative(yyjson_val *v)
{
    return yyjson_is_sint(v) && yyjson_get_sint(v) < 0;
}

static int compare_small(yyjson_val *a, yyjson_val *b)
{
    bool na = is_negative(a), nb = is_negative(b);

    if (na != nb)
        return na ? -1 : 1;
    if (na)
        return order(yyjson_get_sint(a) < yyjson_get_sint(b),
                     yyjson_get_sint(a) > yyjson_get_sint(b));
    return order(yyjson_get_uint(a) < yyjson_get_uint(b), yyjson_get_uint(a) > yyjson_get_uint(b));
}

/* A 64-bit integer with a double. Beyond 2^64 the double decides; below it is split at the point.
 */
static int compare_small_real(yyjson_val *a, double d)
{
    if (d >= 18446744073709551616.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    double whole = floor(d);
    int c;
    if (is_negative(a))
        c = whole >= 0
                ? -1
                : order(yyjson_get_sint(a) < (int64_t)whole, yyjson_get_sint(a) > (int64_t)whole);
    else
        c = whole < 0
                ? 1
                : order(yyjson_get_uint(a) < (uint64_t)whole, yyjson_get_uint(a) > (uint64_t)whole);
    return c == 0 && d > whole ? -1 : c;
}

/* Two integers as text, neither with a leading zero. */
static int compare_digits(struct view a, struct view b)
{
    bool na = a.len > 0 && a.at[0] == '-', nb = b.len > 0 && b.at[0] == '-';

    if (na != nb)
        return na ? -1 : 1;
    int c = a.len != b.len ? order(a.len<b.len, a.len> b.len) : view_compare(a, b);
    return na ? -c : c;
}

static struct view integer_text(yyjson_val *v, char *room, size_t size)
{
    int len;

    if (yyjson_is_raw(v))
        return value_text_of(v);
    if (yyjson_is_real(v))
        len = snprintf(room, size, "%.0f", floor(unsafe_yyjson_get_real(v)));
    else if (is_negative(v))
        len = snprintf(room, size, "%lld", (long long)yyjson_get_sint(v));
    else
        len = snprintf(room, size, "%llu", (unsigned long long)yyjson_get_uint(v));
    return (struct view){(const uint8_t *)room, len < 0 ? 0 : (size_t)len};
}

/* One is an integer of more than 64 bits: a fraction can't matter beside it. */
static int compare_long(yyjson_val *a, yyjson_val *b)
{
    char left[DOUBLE_DIGITS_MAX], right[DOUBLE_DIGITS_MAX];

    return compare_digits(integer_text(a, left, sizeof left), integer_text(b, right, sizeof right));
}

int value_compare(yyjson_val *a, yyjson_val *b)
{
    if (yyjson_is_int(a) && yyjson_is_int(b))
        return compare_small(a, b);
    if (yyjson_is_int(a) && yyjson_is_real(b))
        return compare_small_real(a, unsafe_yyjson_get_real(b));
    if (yyjson_is_real(a) && yyjson_is_int(b))
        return -compare_small_real(b, unsafe_yyjson_get_real(a));
    if (yyjson_is_real(a) && yyjson_is_real(b))
        return order(unsafe_yyjson_get_real(a) < unsafe_yyjson_get_real(b),
                     unsafe_yyjson_get_real(a) > unsafe_yyjson_get_real(b));
    return compare_long(a, b);
}

bool value_in_range(yyjson_val *v, int64_t lo, int64_t hi)
{
    if (!value_is_integer(v) || yyjson_is_raw(v))
        return false;
    if (yyjson_is_real(v))
        return unsafe_yyjson_get_real(v) >= (double)lo &&
               (unsafe_yyjson_get_real(v) < (double)hi ||
                (hi < (INT64_C(1) << 53) && unsafe_yyjson_get_real(v) <= (double)hi));
    if (is_negative(v))
        return yyjson_get_sint(v) >= lo;
    return yyjson_get_uint(v) <= (uint64_t)hi;
}

/* digits * 10^exponent, without zeros at the end. */
struct decimal {
    const char *digits;
    size_t count;
    int exponent;
    char own[DOUBLE_DIGITS_MAX];
};

static void trim(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0') {
        d->count--;
        d->exponent++;
    }
}

/* The shortest decimal that reads as the same double: what was written, for every usual number. */
static void decimal_of_real(struct decimal *d, double value)
{
    char text[40], *end;
    int len = 0;

    value = fabs(value);
    for (int precision = 15; precision <= 17; precision++) {
        len = snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (precision == 17 || strtod(text, &end) == value)
            break;
    }
    const char *e = memchr(text, 'e', (size_t)len);
    int exponent = (e[1] == '-' ? -1 : 1) * ((int)strtod(e + 2, &end));
    for (const char *c = text; c < e; c++) {
        if (*c != '.')
            d->own[d->count++] = *c;
    }
    d->digits = d->own;
    d->exponent = exponent - (int)d->count + 1;
}

static void decimal_of(struct decimal *d, yyjson_val *v)
{
    d->count = 0;
    d->exponent = 0;
    if (yyjson_is_real(v)) {
        decimal_of_real(d, unsafe_yyjson_get_real(v));
    } else {
        struct view text = integer_text(v, d->own, sizeof d->own);
        if (text.len > 0 && text.at[0] == '-')
            text = view_slice(text, 1, text.len);
        d->digits = (const char *)text.at;
        d->count = text.len;
    }
    trim(d);
}

static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t mod)
{
    return (uint64_t)((unsigned __int128)a * b % mod);
}

bool value_is_multiple(yyjson_val *v, yyjson_val *of)
{
    struct decimal n, m;
    uint64_t divisor = 0, rest = 0, ten = 10;

    if (yyjson_is_uint(v) && yyjson_is_uint(of))
        return yyjson_get_uint(v) % yyjson_get_uint(of) == 0;
    decimal_of(&n, v);
    decimal_of(&m, of);
    if (n.count == 1 && n.digits[0] == '0')
        return true;
    if (n.exponent < m.exponent || m.count > 18)
        return false; /* n has a digit that no multiple of m has; the compiler refuses longer m */
    for (size_t i = 0; i < m.count; i++)
        divisor = divisor * 10 + (uint64_t)(m.digits[i] - '0');
    for (size_t i = 0; i < n.count; i++)
        rest = (mul_mod(rest, 10, divisor) + (uint64_t)(n.digits[i] - '0')) % divisor;
    for (unsigned e = (unsigned)(n.exponent - m.exponent); e > 0; e >>= 1) {
        if (e & 1)
            rest = mul_mod(rest, ten % divisor, divisor);
        ten = mul_mod(ten % divisor, ten % divisor, divisor);
    }
    return rest == 0;
}
