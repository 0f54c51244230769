#ifndef SP_CONFIG_TREE_H
#define SP_CONFIG_TREE_H

/*
 * tree: YAML text that people write, read strictly into lib/base/json values that know their line.
 *
 * One document of mappings, sequences and scalars. Refused, with line and column: anchors and
 * aliases, tags, directives, a second document, duplicate or empty keys, keys that are no scalar,
 * merge keys, depth over TREE_DEPTH_MAX, more than TREE_NODES_MAX nodes, NUL, invalid UTF-8.
 * Plain scalars follow the YAML 1.2 core schema: null ~, true/false, decimal integers (0o and 0x
 * too), floats; everything else is a string, so `no`, `12h`, `07:00` and `2026-11-25` are strings.
 * Quoted and block scalars are always strings. Infinity and NaN are refused.
 * Pure; any thread. Fuzzed by tests/fuzz/fuzz_tree.c.
 */

#include "lib/base/json.h"

enum { TREE_DEPTH_MAX = 32, TREE_NODES_MAX = 65536, TREE_BYTES_MAX = 1024 * 1024 };

struct tree;

/*
 *   SP_ERR_LIMIT      longer than `max` bytes, too deep, too many nodes
 *   SP_ERR_MALFORMED  `why` has line, column, what is wrong and what would be right
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error tree_parse(struct view text, size_t max, struct sp_why *why, struct tree **out);
void tree_free(struct tree *t); /* NULL is allowed */

/* Borrowed; JSON null for a text without content. Never NULL. Members in the text's order. */
struct json *tree_root(const struct tree *t);

/*
 * Where a value stands, from 1; 0 and 0 when it is not of this tree. `node` is any object, array,
 * string or number of the tree; true, false and null have no place of their own: ask for the
 * member or item. `name` NULL or missing gives the object's own place.
 */
void tree_place(const struct tree *t, const struct json *node, unsigned *line, unsigned *column);
void tree_place_member(const struct tree *t, const struct json *object, const char *name,
                       unsigned *line, unsigned *column); /* of the member's name */
void tree_place_item(const struct tree *t, const struct json *array, size_t index, unsigned *line,
                     unsigned *column);

#endif
