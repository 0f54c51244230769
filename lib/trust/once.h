#ifndef SP_TRUST_ONCE_H
#define SP_TRUST_ONCE_H

/*
 * once: a bounded set of spent ids, in memory: each is taken once and remembered as long as it
 * could be valid. When the set is full, the answer is no: nothing is forgotten early
 * (PROTOCOL sections 3 and 10).
 *
 * Used by relay and connector for grants, so that no store stands in the path. Survives no
 * restart; a grant's `boot` covers that. One thread.
 */

#include "lib/base/clock.h"
#include "lib/base/id.h"

enum { ONCE_MAX = 65536, ONCE_KEEP_MS = 60 * 1000 /* beyond the id's own end */ };

struct once;

/*   SP_ERR_INVALID  max is 0 or above ONCE_MAX
 *   SP_ERR_NOMEM */
SP_MUST sp_error once_new(size_t max, struct once **out);
void once_free(struct once *o); /* NULL is fine */

/*
 * Spends `id`, which is valid until `until`. `now` never goes backwards between calls; an older
 * one is taken as the newest seen.
 *   SP_ERR_REPLAY  spent before
 *   SP_ERR_FULL    max ids are remembered and none of them is over
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error once_spend(struct once *o, struct sp_id id, sp_unix_ms until, sp_unix_ms now);

size_t once_len(const struct once *o);

#endif
