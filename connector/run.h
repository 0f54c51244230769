#ifndef SP_CONNECTOR_RUN_H
#define SP_CONNECTOR_RUN_H

/* run: the running connector: starts its services on one loop and ends them in reverse. */

#include "connector/config.h"

/* Until SIGTERM and its drain are over. `why` when it could not begin.
 *   what state_load, engine_new, control_new and status_new say */
SP_MUST sp_error connector_run(const struct connector_config *config, struct sp_why *why);

#endif
