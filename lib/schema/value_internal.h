#ifndef SP_SCHEMA_VALUE_INTERNAL_H
#define SP_SCHEMA_VALUE_INTERNAL_H

/*
 * value_internal: what the other files of this folder may know of a value: that it is yyjson's, and
 * how numbers and whole values are compared.
 *
 * Numbers are 64-bit integers, doubles, or (integers of more than 64 bits) their digits; so all
 * comparisons of integers are exact, and all others see what every reader of JSON sees.
 */

#include "lib/schema/value.h"

#include <yyjson.h>

static inline yyjson_val *value_yy(const struct value *v)
{
    return (yyjson_val *)(uintptr_t)v; /* yyjson's readers take no const; none of them writes */
}

static inline const struct value *value_of(const yyjson_val *v)
{
    return (const struct value *)v;
}

static inline struct view value_text_of(yyjson_val *v) /* a string or the digits of a number */
{
    return (struct view){(const uint8_t *)unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
}

static inline bool value_is_number(yyjson_val *v)
{
    return yyjson_is_num(v) || yyjson_is_raw(v);
}

/* A number without a fraction, however it is written: 1.0 is one. */
bool value_is_integer(yyjson_val *v);
/* Below, at or above 0, as a is below, at or above b. Both are numbers. */
int value_compare(yyjson_val *a, yyjson_val *b);
/* Whether `v` is a whole multiple of `of`, which is above 0; in decimal, so that 0.3 is one of 0.1.
 */
bool value_is_multiple(yyjson_val *v, yyjson_val *of);
/* In lo..hi, an integer. */
bool value_in_range(yyjson_val *v, int64_t lo, int64_t hi);
double value_double(yyjson_val *v); /* of a number */

/*
 * Equal as JSON Schema means it: numbers by value, objects without order. `*steps` goes down by one
 * for each value looked at; at 0 the answer is false.
 */
bool value_same(yyjson_val *a, yyjson_val *b, uint32_t *steps);
/* Equal values have equal hashes. Same steps. */
uint64_t value_hash(yyjson_val *v, uint64_t seed, uint32_t *steps);
uint64_t hash_bytes(struct view v, uint64_t seed);

/* No two equal items: true. Same steps; the table comes from `scratch` and is given back.
 * `*nomem` is set when it is full. */
bool value_all_different(yyjson_val *array, struct scratch *scratch, uint32_t *steps, bool *nomem);

size_t value_characters(struct view utf8); /* code points of valid UTF-8 */

#endif
