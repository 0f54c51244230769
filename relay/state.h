#ifndef SP_RELAY_STATE_H
#define SP_RELAY_STATE_H

/*
 * state: what a relay keeps between starts, in its state folder.
 *
 *   key          its TLS key (P-256), made here at the first start, 0600
 *   broker.json  where its broker is, the pinned identity key, the highest key set epoch, its id
 *   lock         held while it runs
 * The boot id is random at each start and kept nowhere: a grant names it.
 */

#include "lib/trust/enrol.h"

struct relay_state {
    char dir[256];
    struct key_secret *key; /* owned */
    struct sp_id id;        /* zero: not enrolled */
    struct sp_id boot;
    struct key_public identity;  /* the broker's; KEY_NONE: not seen yet */
    int64_t epoch;               /* highest key set seen */
    struct enrol_address broker; /* its token only while it is unspent */
    int lock;                    /* descriptor; -1: none */
};

/*
 * Opens the folder (made when missing), takes the lock when `run`, reads or makes the key.
 *   SP_ERR_BUSY      another relay runs with it
 *   SP_ERR_CORRUPT   a file in it is damaged; `why` names it
 *   as file.h
 */
SP_MUST sp_error relay_state_open(const char *dir, bool run, struct relay_state *out,
                                  struct sp_why *why);
void relay_state_close(struct relay_state *s);

bool relay_state_has_broker(const struct relay_state *s);
/* Durable before it returns. */
SP_MUST sp_error relay_state_save(const struct relay_state *s, struct sp_why *why);

#endif
