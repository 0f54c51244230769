#include "broker/session/claims.h"

/* The edge's own place; else a free one, else that of the edge that was told first. */
static struct claimant *place_of(struct claims *c, struct sp_id edge)
{
    struct claimant *best = &c->at[0];

    for (size_t i = 0; i < CLAIMS_EDGES; i++) {
        struct claimant *k = &c->at[i];
        if (k->used && id_equal(k->edge, edge))
            return k;
        if (best->used && (!k->used || k->told < best->told))
            best = k;
    }
    *best = (struct claimant){.edge = edge, .told = -CLAIMS_TOLD_MS, .used = true};
    return best;
}

uint64_t claims_due(struct claims *c, struct sp_id edge, sp_boot_ms now)
{
    struct claimant *k = place_of(c, edge);

    k->count++;
    return now - k->told < CLAIMS_TOLD_MS ? 0 : k->count;
}

void claims_told(struct claims *c, struct sp_id edge, sp_boot_ms now)
{
    struct claimant *k = place_of(c, edge);

    k->count = 0;
    k->told = now;
}
