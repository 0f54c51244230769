#ifndef SP_POLICY_ARENA_H
#define SP_POLICY_ARENA_H

/*
 * arena: memory that is given back all at once, when the document that it holds goes.
 *
 * After a failed allocation the arena is spent: every further call gives NULL, so that a builder
 * asks once at its end (arena_error). One owner, one thread.
 */

#include "lib/base/view.h"

struct arena;

struct arena *arena_new(void);    /* NULL: out of memory */
void arena_free(struct arena *a); /* NULL is fine */
SP_MUST sp_error arena_error(const struct arena *a);

/* Zeroed, aligned for any type. NULL: out of memory. */
void *arena_take(struct arena *a, size_t size);
/* `count` items; overflow counts as out of memory. */
void *arena_array(struct arena *a, size_t count, size_t size);
const char *arena_text(struct arena *a, struct view v);

/* Calls `undo(arg)` when the arena is freed: for what is not memory of it. */
SP_MUST sp_error arena_owns(struct arena *a, void (*undo)(void *arg), void *arg);

#endif
