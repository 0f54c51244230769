#ifndef SP_BASE_BUF_H
#define SP_BASE_BUF_H

/*
 * buf: bytes that grow up to a limit that was set when they began.
 *
 * The one growing byte string of the project: text, wire messages, JSON, HTML. All arithmetic is
 * checked; a refused append leaves the buffer as it was and marks it, so that a writer can
 * append many times and ask once (buf_error), as a cursor does for reading.
 * Owned by whoever holds it; not shared between threads. A zeroed buf is empty with a limit of 0:
 * it takes nothing until buf_init.
 */

#include "lib/base/view.h"

struct buf {
    uint8_t *at;  /* owned; NULL while empty */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
    size_t max;   /* len never exceeds it */
    sp_error err; /* the first failed append; sticky until buf_reset */
};

/* Starts empty, allocates nothing. `max` in bytes. */
void buf_init(struct buf *b, size_t max);
/* Frees. buf_wipe zeroes all of cap first: for what held a secret. Both leave an empty buf with
 * the same limit. */
void buf_deinit(struct buf *b);
void buf_wipe(struct buf *b);
/* Empties, forgets the error, keeps the memory. */
void buf_reset(struct buf *b);

/*
 *   SP_ERR_LIMIT  would exceed max
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error buf_append(struct buf *b, struct view v);
SP_MUST sp_error buf_reserve(struct buf *b, size_t more); /* room for `more` bytes at at+len */

/* The forms for writers that ask once: they set err and return nothing. */
void buf_add(struct buf *b, struct view v);
void buf_add_str(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, uint8_t byte);
void buf_add_uint(struct buf *b, uint64_t n, size_t bytes); /* big-endian, 1 to 8 bytes */
void buf_addf(struct buf *b, const char *format, ...) SP_PRINTF(2, 3);
SP_MUST sp_error buf_error(const struct buf *b);

/* Drops `n` bytes (at most len) from the front and moves the rest down. */
void buf_consume(struct buf *b, size_t n);

/* Valid until the next append. */
static inline struct view buf_view(const struct buf *b)
{
    return (struct view){b->at, b->len};
}

/*
 * NUL-terminated text of the content, valid until the next append; "" when empty. The NUL is not
 * counted in len and may stand one byte beyond max.
 *   NULL: out of memory
 */
const char *buf_cstr(struct buf *b);

/* Moves the content out as a NUL-terminated string that the caller frees; the buf is empty
 * afterwards. NULL: out of memory or the buf carries an error. */
char *buf_take_str(struct buf *b);

#endif
