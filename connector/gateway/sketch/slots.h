#ifndef SP_SKETCH_SLOTS_H
#define SP_SKETCH_SLOTS_H

/*
 * slots: a table of fixed size from 64-bit keys to small records, which forgets what was not used
 * for the longest time.
 *
 * Sets of eight neighbours: a key lives in one set; a new key takes an empty place there, else the
 * place of the record whose last use is the oldest. It never grows and never refuses; what is
 * pushed out is counted. Records are plain bytes that are valid when zeroed. One thread.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"

struct slots;

/* `entries` is rounded up to a power of two, at least 8; at most 65,536 records of at most 4,096
 * bytes.   SP_ERR_LIMIT, SP_ERR_NOMEM */
SP_MUST sp_error slots_new(size_t entries, size_t record_bytes, struct slots **out);
void slots_free(struct slots *s); /* NULL is allowed */

/* The record of `key`, zeroed and entered when it was not there (`fresh`, or NULL, says which).
 * Never NULL; valid until the next slots_take. `key` 0 is taken as 1. */
void *slots_take(struct slots *s, uint64_t key, sp_unix_ms now, bool *fresh);
void *slots_find(const struct slots *s, uint64_t key); /* NULL: not there */
void slots_drop(struct slots *s, uint64_t key);

/* All records in no order: for (size_t at = 0; (r = slots_next(s, &at, &key)) != NULL;). */
void *slots_next(const struct slots *s, size_t *at, uint64_t *key);

size_t slots_len(const struct slots *s);
uint64_t slots_pushed_out(const struct slots *s);
size_t slots_bytes(const struct slots *s); /* memory of the table */

/* Keys, last uses and records as they lie in memory. Loading needs the same shape; records are
 * taken as they are, so whoever reads them trusts no field; one that lies where its key does not
 * belong is left out.
 *   SP_ERR_MALFORMED  another length */
struct view slots_state(const struct slots *s);
SP_MUST sp_error slots_load(struct slots *s, struct view state);

#endif
