#ifndef SP_SCHEMA_SCRATCH_H
#define SP_SCHEMA_SCRATCH_H

/*
 * scratch: memory for one message or one load, taken piece by piece and given back at once.
 *
 * Owned by whoever checks; one thread at a time. Never takes more than `max` bytes from the heap.
 * Pieces are aligned to 16 bytes and not zeroed.
 */

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { SCRATCH_FIRST_BYTES = 16 * 1024 };

struct scratch_chunk;
struct pattern_block;

struct scratch {
    struct scratch_chunk *newest; /* owned; NULL while nothing was taken */
    size_t held;                  /* bytes of all chunks */
    size_t max;
    struct pattern_block *patterns; /* owned; what regular expressions need, once one was met */
};

/* A place to go back to. */
struct scratch_mark {
    struct scratch_chunk *chunk;
    size_t used;
};

/* Takes nothing yet. A zeroed scratch gives nothing. */
void scratch_init(struct scratch *s, size_t max);
void scratch_deinit(struct scratch *s);

/* Gives all pieces back; keeps one chunk of at most `keep` bytes for the next message. */
void scratch_reset(struct scratch *s, size_t keep);

/* NULL: `max` would be exceeded, or the heap is empty. */
void *scratch_take(struct scratch *s, size_t bytes);
void *scratch_zeroed(struct scratch *s, size_t count, size_t size); /* checked product */

/* The same piece with another size; moves it when it is not the newest. NULL as scratch_take; the
 * old piece is then as it was. */
void *scratch_resize(struct scratch *s, void *piece, size_t from, size_t to);

struct scratch_mark scratch_mark(const struct scratch *s);
/* Gives back what was taken after the mark. Marks are released in the order of a stack. */
void scratch_release(struct scratch *s, struct scratch_mark m);

#endif
