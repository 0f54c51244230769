#ifndef SP_CLIENT_CMD_VISIT_H
#define SP_CLIENT_CMD_VISIT_H

/*
 * visit: each step of the way to the broker on its own, from name to relay; for `doctor` and
 * `bugreport`. Changes nothing, sends nothing but what the steps need. Blocks, up to a minute.
 */

#include "lib/base/json.h"
#include "lib/edge/checks.h"
#include "lib/http/proxy.h"
#include "lib/http/url.h"
#include "lib/os/sock.h"

enum { RELAYS_MAX = 4 };

/* One run. Before it: `status` is the agent's answer (borrowed), `url` and `known` its broker. */
struct visit {
    const struct json *status;
    struct url url;
    bool known; /* a broker is named */
    struct proxy_env proxy;
    struct proxy_choice way;
    struct address at;
    bool resolved, dialled, answered, dated;
    int64_t ahead_ms; /* dated: of the broker's web server */
    struct checks checks;
};

/* Fills `checks`. */
void visit_run(struct visit *v);

#endif
