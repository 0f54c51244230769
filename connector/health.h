#ifndef SP_CONNECTOR_HEALTH_H
#define SP_CONNECTOR_HEALTH_H

/*
 * health: what the running connector says of itself, over a unix socket, so that it listens on no
 * TCP port (ZT-6). HTTP/1.0: `curl --unix-socket SOCKET http://x/readyz` works too.
 *
 *   /livez   200 while the process runs
 *   /readyz  200 with a control channel, else 503; the same body as /status
 *   /status  one JSON object
 * Loop thread; health_ask blocks and is for commands.
 */

#include "lib/base/json.h"

struct health;
struct loop;

/* Fills the status; returns whether the connector is ready. */
typedef bool health_facts(void *arg, struct json *out);

/* As sock_listen_unix. */
SP_MUST sp_error health_new(struct loop *loop, const char *path, health_facts *facts, void *arg,
                            struct health **out);
void health_free(struct health *h); /* removes the socket; NULL is allowed */

/*
 * Asks a running connector for `what` ("/status"). `*out` is the caller's; `*ready` from the
 * answer's code.   SP_ERR_UNREACHABLE  none runs; SP_ERR_PERMISSION, SP_ERR_TIMEOUT,
 * SP_ERR_PROTOCOL
 */
SP_MUST sp_error health_ask(const char *path, const char *what, bool *ready, struct json **out);

#endif
