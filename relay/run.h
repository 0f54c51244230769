#ifndef SP_RELAY_RUN_H
#define SP_RELAY_RUN_H

/*
 * run: the relay as a daemon: starts every part, runs the loop, takes all down again.
 */

#include "relay/config.h"

/* Returns when told to end. Errors as the parts say, with `why` for people. */
SP_MUST sp_error relay_run(const struct relay_config *config, struct sp_why *why);

#endif
