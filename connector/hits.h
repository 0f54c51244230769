#ifndef SP_CONNECTOR_HITS_H
#define SP_CONNECTOR_HITS_H

/*
 * hits: how many of an app's monitor hits become records of their own: HITS_A_SECOND, then they are
 * counted, and the next one that is told says how many came between. A rule that is tried out on a
 * busy app must not fill the audit log. All of them are counted in the ledger too. Loop thread.
 */

#include "lib/base/clock.h"
#include "lib/base/map.h"

enum { HITS_A_SECOND = 10, HITS_APPS_MAX = 4096 };

struct hits {
    struct map by_app; /* struct hits_app, owned */
};

void hits_init(struct hits *h);
void hits_deinit(struct hits *h);
/* true: this one is told, and `*left_out` were not since the last one. */
bool hits_take(struct hits *h, struct sp_id app, sp_boot_ms now, int64_t *left_out);

#endif
