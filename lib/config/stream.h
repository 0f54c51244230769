#ifndef SP_CONFIG_STREAM_H
#define SP_CONFIG_STREAM_H

/*
 * stream: YAML text rewritten as JSON text, without a tree between: for API descriptions of many
 * megabytes, which another reader takes from there.
 *
 * What is refused and what scalars mean is as in tree.h, but deeper and longer texts are taken, and
 * a name that stands twice is left to the reader of the JSON. Names that look like numbers (200:)
 * are names. Pure; any thread. Fuzzed by tests/fuzz/fuzz_stream.c.
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"

enum { STREAM_DEPTH_MAX = 256 };

/*
 * Appends one JSON value to `out`, `null` for a text without content. `why` (or NULL) gets line and
 * column.
 *   SP_ERR_LIMIT      nested too deep, or the buf is full
 *   SP_ERR_MALFORMED  not YAML as tree.h wants it
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error stream_to_json(struct view yaml, struct sp_why *why, struct buf *out);

#endif
