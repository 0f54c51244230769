#ifndef SP_CONNECTOR_GATE_H
#define SP_CONNECTOR_GATE_H

/*
 * gate: the gateway as this connector has it: its folder, its key, and whom it tells what it
 * refused. Loop thread.
 */

#include "connector/config.h"
#include "connector/floor.h"
#include "connector/gateway/gateway.h"
#include "connector/hits.h"
#include "connector/state.h"
#include "connector/tell.h"

struct gate {
    struct gateway *gateway; /* owned */
    struct tell *tell;       /* borrowed */
    struct hits hits;
    sp_unix_ms (*broker_time)(void *arg);
    void *arg;
    const struct floor *const *floor; /* borrowed; the one in force stands there */
    struct client *client;            /* borrowed; lives longer than the pool */
    struct documents *documents;      /* borrowed: who fetches them; */
    const char *folder;               /* and where to */
};

/* `loop`, `pool` and `gate` itself are borrowed until gate_end. Errors as gateway_new. */
SP_MUST sp_error gate_start(struct gate *gate, const struct connector_config *config,
                            const struct connector_state *state, struct loop *loop,
                            struct pool *pool, struct sp_why *why);
/* A channel to the broker is open: it hears the key and everything that it may have missed. */
void gate_broker_back(struct gate *gate);
void gate_end(struct gate *gate); /* a zeroed one may be ended */

#endif
