#ifndef SP_GATEWAY_ARENA_H
#define SP_GATEWAY_ARENA_H

/*
 * arena: the memory of one request, freed at once when its answer has left.
 *
 * Steps 1-12 of a request allocate here and nowhere else; a request that asks for more than
 * `max` gets SP_ERR_LIMIT, which is 413 or 431 for its client and costs nobody else anything.
 * All arenas of a process share a cap (arena_pool); beyond it new requests are 503. One thread.
 */

#include "lib/base/view.h"

enum { ARENA_BLOCK = 8 * 1024, ARENA_ALIGN = 16 };

struct arena_pool {
    size_t in_use, max; /* bytes of all arenas; max 0: none may be made */
};

struct arena;

/*   SP_ERR_LIMIT  the pool is spent;  SP_ERR_NOMEM */
SP_MUST sp_error arena_new(struct arena_pool *pool, size_t max, struct arena **out);
void arena_free(struct arena *a); /* NULL is allowed */

/* Zeroed, aligned to ARENA_ALIGN. NULL: over `max`, over the pool's, or no memory; then
 * arena_error says which. `n` 0 gives a valid pointer. */
void *arena_take(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size); /* checked product */
/* A copy with a NUL behind it (not counted). .at NULL as above. */
struct view arena_copy(struct arena *a, struct view bytes);
size_t arena_used(const struct arena *a);
sp_error arena_error(const struct arena *a);

#endif
