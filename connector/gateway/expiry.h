#ifndef SP_GATEWAY_EXPIRY_H
#define SP_GATEWAY_EXPIRY_H

/*
 * expiry: certificates that an app shows, to its application or to clients, and that end soon: a
 * line in the log when they are loaded and once a day, EXPIRY_AHEAD_MS before. When they end,
 * renew.h has found out.
 */

#include "connector/gateway/app.h"

#define EXPIRY_AHEAD_MS ((int64_t)30 * 24 * 60 * 60 * 1000)
#define EXPIRY_EACH_MS ((int64_t)24 * 60 * 60 * 1000)

/* How many of the app's certificates end before `now` + EXPIRY_AHEAD_MS, or have ended. */
unsigned expiry_warn(const struct gw_app *a, sp_unix_ms now);

#endif
