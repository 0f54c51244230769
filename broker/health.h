#ifndef SP_BROKER_HEALTH_H
#define SP_BROKER_HEALTH_H

/* health: what the running broker answers at its operations address. Blocks, for commands. */

#include "lib/http/client.h"

/*
 * GET /readyz of `operations` ("127.0.0.1:7480"; NULL: SP_ERR_INVALID). `out` is initialised by the
 * caller: 200 ready, 503 not; a line a check that fails, with `verbose` those that pass too.
 */
SP_MUST sp_error health_ask(const char *operations, bool verbose, struct client_response *out,
                            struct sp_why *why);

#endif
