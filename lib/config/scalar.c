#include "lib/config/scalar.h"

#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "lib/base/banned.h"

bool scalar_bytes_valid(struct view v)
{
    return (v.len == 0 || memchr(v.at, 0, v.len) == NULL) && utf8_valid(v);
}

const char *scalar_string(struct view text, struct json **out)
{
    if (!scalar_bytes_valid(text))
        return "a text may not contain NUL or half a character";
    *out = json_new_str(text);
    return NULL;
}

static bool one_of(struct view text, const char *const words[])
{
    size_t i = 0;

    while (words[i] != NULL && !view_is(text, words[i]))
        i++;
    return words[i] != NULL;
}

static size_t digits(struct view v)
{
    size_t n = 0;

    while (n < v.len && v.at[n] >= '0' && v.at[n] <= '9')
        n++;
    return n;
}

/* JSON's grammar with a fraction or an exponent: -? (0|[1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?
 */
static bool is_real(struct view v)
{
    bool fraction = false, exponent = false;
    size_t n;

    if (v.len > 0 && v.at[0] == '-')
        v = view_slice(v, 1, v.len);
    n = digits(v);
    if (n == 0 || (n > 1 && v.at[0] == '0'))
        return false;
    v = view_slice(v, n, v.len);
    if (v.len > 0 && v.at[0] == '.') {
        v = view_slice(v, 1, v.len);
        n = digits(v);
        fraction = n > 0;
        if (!fraction)
            return false;
        v = view_slice(v, n, v.len);
    }
    if (v.len > 0 && (v.at[0] == 'e' || v.at[0] == 'E')) {
        v = view_slice(v, 1, v.len);
        if (v.len > 0 && (v.at[0] == '+' || v.at[0] == '-'))
            v = view_slice(v, 1, v.len);
        exponent = digits(v) > 0;
        v = view_slice(v, digits(v), v.len);
    }
    return v.len == 0 && (fraction || exponent);
}

static const char *real(struct view text, struct json **out)
{
    char room[64];

    if (text.len >= sizeof room)
        return "a number has at most 63 characters";
    memcpy(room, text.at, text.len);
    room[text.len] = '\0';
    double n = strtod(room, NULL);
    if (!isfinite(n))
        return "a number is out of range";
    *out = json_new_real(n);
    return NULL;
}

/* 0o17 and 0x1f; false when the text is neither. */
static bool other_base(struct view text, int64_t *out, bool *over)
{
    unsigned shift = view_is(view_slice(text, 0, 2), "0x")   ? 4
                     : view_is(view_slice(text, 0, 2), "0o") ? 3
                                                             : 0;
    uint64_t n = 0;

    if (shift == 0 || text.len < 3)
        return false;
    for (size_t i = 2; i < text.len; i++) {
        uint8_t c = text.at[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit >> shift != 0)
            return false;
        *over = *over || n >> (63 - shift) != 0;
        n = n << shift | digit;
    }
    *out = (int64_t)(n & INT64_MAX);
    return true;
}

const char *scalar_plain(struct view text, struct json **out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    static const char *const never[] = {".inf",  ".Inf",  ".INF",  "-.inf", "-.Inf",
                                        "-.INF", "+.inf", "+.Inf", "+.INF", ".nan",
                                        ".NaN",  ".NAN",  NULL};
    bool over = false;
    int64_t n;

    if (one_of(text, nulls)) {
        *out = json_new_null();
        return NULL;
    }
    if (one_of(text, yes) || one_of(text, no)) {
        *out = json_new_bool(one_of(text, yes));
        return NULL;
    }
    if (one_of(text, never))
        return "infinity and NaN are no values here";
    if (is_real(text))
        return real(text, out);
    sp_error e = num_int(text, INT64_MIN, INT64_MAX, &n);
    if (e == SP_ERR_LIMIT)
        return "a number is out of range";
    if (e != SP_OK && !other_base(text, &n, &over))
        return scalar_string(text, out);
    if (over)
        return "a number is out of range";
    *out = json_new_int(n);
    return NULL;
}
