#ifndef SP_BASE_JSON_JANSSON_H
#define SP_BASE_JSON_JANSSON_H

/*
 * json_jansson: lets json.c see jansson and json.h in one file. Private to json.c.
 *
 * jansson's json_type has the constants that json_kind has, so they get other names while its
 * header is read (its json_is_* macros are of no use afterwards). The five functions whose names
 * json.h takes are reached through the wrappers below.
 */

#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_is_true

static inline json_t *jansson_object(void)
{
    return json_object();
}

static inline json_t *jansson_array(void)
{
    return json_array();
}

static inline json_t *jansson_integer(json_int_t n)
{
    return json_integer(n);
}

static inline json_t *jansson_deep_copy(const json_t *j)
{
    return json_deep_copy(j);
}

static inline int jansson_equal(const json_t *a, const json_t *b)
{
    return json_equal(a, b);
}

#endif
