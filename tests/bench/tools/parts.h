#ifndef SP_BENCH_PARTS_H
#define SP_BENCH_PARTS_H

/* parts: what of a part's rival can't stand in one file with our own names (jansson.h and
 * lib/base/json.h share some). */

#include <stdbool.h>
#include <stddef.h>

/* jansson parses `text` and frees what it made. */
bool parts_jansson(const char *text, size_t len);

#endif
