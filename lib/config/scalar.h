#ifndef SP_CONFIG_SCALAR_H
#define SP_CONFIG_SCALAR_H

/*
 * scalar: what one YAML scalar means (YAML 1.2, section 10.3, core schema, made strict: a number
 * has one spelling, so 007, +1 and 1. are strings). Private to tree.c.
 */

#include "lib/base/json.h"

/*
 * Both return NULL, or a sentence that says what is wrong. `*out` is the caller's then; NULL in it
 * is out of memory.
 */
const char *scalar_plain(struct view text, struct json **out);
const char *scalar_string(struct view text, struct json **out); /* quoted or block */

/* UTF-8 without NUL. */
bool scalar_bytes_valid(struct view v);

#endif
