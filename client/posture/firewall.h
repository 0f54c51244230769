#ifndef SP_CLIENT_POSTURE_FIREWALL_H
#define SP_CLIENT_POSTURE_FIREWALL_H

/*
 * firewall: what rule listings say about inbound traffic. Pure readers of program output, apart
 * from the collector so that recorded outputs are its tests.
 */

#include "client/posture/host.h"

struct firewall_rules {
    bool drops4, drops6; /* what no rule of the input hook names is dropped */
};

/* `nft -j list ruleset`. An empty ruleset is SP_OK and drops nothing.
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT */
SP_MUST sp_error firewall_nft(struct view text, struct firewall_rules *out);

/* `iptables-save`: policy of INPUT, or a last rule that drops all.
 *   SP_ERR_MALFORMED  no INPUT chain in it */
SP_MUST sp_error firewall_iptables(struct view text, bool *drops);

#endif
