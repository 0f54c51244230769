#ifndef SP_CLIENT_AGENT_PLACE_H
#define SP_CLIENT_AGENT_PLACE_H

/*
 * place: a TCP connection to a relay, by the first of its addresses that answers.
 *
 * "host:port", host a name or a literal; names are looked up on a worker. Loop thread.
 */

#include "lib/os/pool.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"

struct place;

enum { PLACE_CONNECT_MS = 5 * 1000, PLACE_HOST_MAX = 256 };

/* Once, from the loop: a connected non-blocking socket (now the caller's) and the host it was
 * asked for (borrowed for the call), or -1 and the last reason. place_free in it. */
typedef void place_done(void *arg, int fd, const char *host, sp_error e);

/* Copies `addresses`.   SP_ERR_INVALID  none of them can be read;  SP_ERR_NOMEM */
SP_MUST sp_error place_start(struct loop *loop, struct pool *pool, const struct view addresses[],
                             size_t count, place_done *done, void *arg, struct place **out);
void place_free(struct place *p); /* NULL is allowed */

#endif
