#ifndef SP_SCHEMA_ECMA_H
#define SP_SCHEMA_ECMA_H

/*
 * ecma: a regular expression as ECMA-262 writes it, rewritten so that PCRE2 means the same.
 */

#include "lib/schema/pattern.h"

#include "lib/base/buf.h"

/*
 * Appends the rewritten pattern to `out`. `*portable` is false when the text uses what ECMA-262
 * (with the `u` flag, white space and escapes read leniently) does not have.
 *   PATTERN_INVALID  a callout, a (*VERB), a lone backslash at the end, invalid UTF-8
 *   PATTERN_NOMEM
 */
enum pattern_error ecma_translate(struct view text, struct buf *out, bool *portable);

#endif
