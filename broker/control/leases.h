#ifndef SP_CONTROL_LEASES_H
#define SP_CONTROL_LEASES_H

/*
 * leases: who has which part of a limit that the connectors of a site keep together. Only numbers:
 * the rule's name, what each connector was asked for and what it has; nothing is kept on disk.
 *
 * The parts of a rule add up to at most the whole. Each connector has at least a tenth divided by
 * their number, so that what begins there is not refused; the rest goes by demand. One that has not
 * reported for LEASE_GONE_MS is gone, and its part with it. For LEASE_SETTLE_MS after the start no
 * part grows: who else has one is not known yet. Any thread; one at a time.
 */

#include "lib/base/clock.h"
#include "lib/proto/gateway.h"

struct leases;

enum {
    LEASE_PEERS_MAX = 16, /* of one app; more keep what they have */
    LEASE_APPS_MAX = 4096,
    LEASE_GONE_MS = 30 * 1000,
    LEASE_SETTLE_MS = 10 * 1000
};

SP_MUST sp_error leases_new(sp_boot_ms now, struct leases **out); /* SP_ERR_NOMEM */
void leases_free(struct leases *l);                               /* NULL is allowed */

/* What a connector has to hear. Names are borrowed from the leases until the next call. */
struct lease_word {
    struct sp_id connector;
    struct api_rules shares;
};

/*
 * A connector's word. *count words are put into `out`, which has LEASE_PEERS_MAX: who loses comes
 * before who gains.   SP_ERR_LIMIT  LEASE_APPS_MAX, LEASE_PEERS_MAX; SP_ERR_NOMEM
 */
SP_MUST sp_error leases_report(struct leases *l, struct sp_id connector,
                               const struct api_rules *demand, sp_boot_ms now,
                               struct lease_word *out, size_t *count);

#endif
