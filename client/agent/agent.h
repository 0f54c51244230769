#ifndef SP_CLIENT_AGENT_AGENT_H
#define SP_CLIENT_AGENT_AGENT_H

/*
 * agent: the daemon of one user: holds the login, posture, sessions and local addresses, and
 * answers the command line over its socket. Foreground, no privilege.
 */

#include "lib/base/why.h"

#include <stdbool.h>

struct agent_options {
    bool idle_exit; /* started by the command line: ends when nobody needed it for a while */
};

enum { AGENT_IDLE_MS = 15 * 60 * 1000, AGENT_WORKERS = 4 };

/* Runs until SIGTERM, SIGINT or idleness. The exit code; `why` says what kept it from starting. */
int agent_run(const struct agent_options *o, struct sp_why *why);

#endif
