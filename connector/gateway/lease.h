#ifndef SP_GATEWAY_LEASE_H
#define SP_GATEWAY_LEASE_H

/*
 * lease: the limits of an app that all connectors of its site keep together. A rule whose key has
 * neither user nor device can be met at any of them; the broker gives each a share of it by what is
 * asked for where. Until it has said a word a connector has LEASE_FIRST; when it is gone the last
 * shares stay. Loop thread.
 */

#include "connector/gateway/app.h"
#include "lib/proto/gateway.h"

enum { LEASE_FIRST = 250000, LEASE_QUIET_SECONDS = 5 };

struct lease {
    bool asked;     /* something was asked for when it was told last */
    unsigned quiet; /* seconds since it was told */
};

/* The shares of the version before, by name, else LEASE_FIRST. `before` NULL: there was none. */
void lease_begin(struct gw_app *a, const struct gw_app *before);
/* Once a second: what the broker has to hear now; NULL: nothing. */
struct json *lease_demand(struct lease *l, struct gw_app *a);
void lease_take(struct gw_app *a, const struct api_rules *shares);

#endif
