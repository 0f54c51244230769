#ifndef SP_BROKER_OPS_H
#define SP_BROKER_OPS_H

/*
 * ops: the operations endpoint on loopback: /livez, /readyz[?verbose], /metrics (ECOSYSTEM 6 and
 * 8).
 *
 * Plain HTTP, GET only, no secrets, no names of people. A server and an engine of its own, so that
 * nothing of it can be reached through the public port. Loop thread, but the handler.
 */

#include "lib/base/error.h"
#include "lib/base/why.h"

struct loop;
struct ops;
struct pool;

/* Whose numbers are shown; all borrowed until ops_free; any may be NULL: its lines are left out. */
struct ops_sources {
    struct store *store;
    struct sessions *sessions;
    struct live *live;
    struct edges *edges;
    struct judge *judge;
    struct feeds *feeds;
    struct server *server;
    struct front *front;
    struct control *control;
};

/* `listen` is a literal loopback address with port.
 *   SP_ERR_INVALID  it is not loopback; errors of sock_listen, server_new */
SP_MUST sp_error ops_new(struct loop *loop, struct pool *pool, const char *listen,
                         const struct ops_sources *sources, struct sp_why *why, struct ops **out);
/* After pool_free, while the loop does not run. NULL is allowed. */
void ops_free(struct ops *o);

#endif
