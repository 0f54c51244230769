#ifndef SP_CONNECTOR_TARGET_H
#define SP_CONNECTOR_TARGET_H

/*
 * target: from the hosts of an app record to the one address that may be dialled.
 *
 *   targets_of(record) → targets_resolve, on a worker → targets_choose by floor and port
 *
 * Names are resolved once: what was judged is what is dialled, so that an answer that changes
 * between two look-ups (DNS rebinding) changes nothing.
 */

#include "connector/floor.h"

#include "lib/trust/apprec.h"

struct target {
    size_t host; /* index into targets.hosts */
    struct address address;
    bool own; /* of this machine */
};

struct targets {
    char hosts[APPREC_HOSTS_MAX][APPREC_HOST_TEXT + 1];
    size_t host_count;
    struct target found[RESOLVE_ADDRESSES_MAX]; /* in the record's order */
    size_t count;
};

void targets_of(const struct apprec *app, struct targets *out);

/* Worker: blocks, unless targets_known. A host without an address adds none. */
void targets_resolve(struct targets *t);
/* Every host is an address already. */
bool targets_known(const struct targets *t);

/*
 * The first address that the floor allows with `port`; NULL: none. `first` (or NULL) is the
 * verdict on the first address, for people. Pure; borrowed from `t`.
 */
const struct target *targets_choose(const struct targets *t, const struct floor *floor,
                                    uint16_t port, struct floor_verdict *first);

#endif
