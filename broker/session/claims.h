#ifndef SP_SESSION_CLAIMS_H
#define SP_SESSION_CLAIMS_H

/*
 * claims: how often an edge's claims of sessions that nobody granted are a record: once in
 * CLAIMS_TOLD_MS and edge, with the number since its record before (TM-03). Each edge answers for
 * itself: what one claims neither silences nor adds to what is said of another. What an edge
 * claimed after its last record is told with the next. Pure; one thread at a time. A zeroed one is
 * empty.
 */

#include "lib/base/clock.h"
#include "lib/base/id.h"

enum {
    CLAIMS_TOLD_MS = 60 * 1000,
    CLAIMS_EDGES = 64 /* told within that time; beyond, the one that was told first is forgotten */
};

struct claims {
    struct claimant {
        struct sp_id edge;
        uint64_t count; /* since `told` */
        sp_boot_ms told;
        bool used;
    } at[CLAIMS_EDGES];
};

/* One more claim of `edge`. How many a record should name; 0: none is due. */
uint64_t claims_due(struct claims *c, struct sp_id edge, sp_boot_ms now);
/* That record is written. Without this the next claim is due again. */
void claims_told(struct claims *c, struct sp_id edge, sp_boot_ms now);

#endif
