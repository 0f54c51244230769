#ifndef SP_CLIENT_AGENT_ADDRESS_H
#define SP_CLIENT_AGENT_ADDRESS_H

/*
 * address: where an app lives on this machine: 127.77.a.b, the same at each start (PROTOCOL
 * section 12).
 *
 * a.b are 16 bits of a hash of (uid, app id); when another app of this agent has them, the next
 * free ones; then kept in the agent's state. A foreign program on an address is an error at
 * listen, never a reason to move: a moved address would be somebody else's app tomorrow.
 * Pure.
 */

#include "lib/base/id.h"

#include <sys/types.h>

enum { ADDRESS_APPS_MAX = 4096, ADDRESS_SHIFT_PORT = 10000 };

struct address_entry {
    struct sp_id app;
    uint16_t low; /* a << 8 | b */
};

struct address_table {
    struct address_entry *entries; /* owned; sorted by nothing */
    size_t count, cap;
};

void address_table_free(struct address_table *t);

/* The app's 16 bits: kept ones, or new ones, which `*fresh` tells so that they are saved.
 *   SP_ERR_LIMIT  ADDRESS_APPS_MAX apps, SP_ERR_NOMEM */
SP_MUST sp_error address_take(struct address_table *t, uid_t uid, struct sp_id app, uint16_t *low,
                              bool *fresh);

/* Puts back what was saved.   SP_ERR_EXISTS  app or bits are there already */
SP_MUST sp_error address_restore(struct address_table *t, struct sp_id app, uint16_t low);

/* The first choice, for tests: 0 and 65535 are never given. */
uint16_t address_hash(uid_t uid, struct sp_id app);

/* The port to listen on: the app's own, or +10,000 below the first port that this process may
 * bind (ip_unprivileged_port_start; 0 for root). */
uint16_t address_port_of(uint16_t port, uint16_t first_allowed);

/* "127.77.3.9:5432" for printf within the full expression. */
struct address_local_text {
    char s[32];
};
struct address_local_text address_local(uint16_t low, uint16_t port);

#endif
