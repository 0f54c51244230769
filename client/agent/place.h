#ifndef SP_CLIENT_AGENT_PLACE_H
#define SP_CLIENT_AGENT_PLACE_H

/*
 * place: a TCP connection to a relay, by the first of its addresses that answers.
 *
 * "host:port", host a name or a literal; each tried by lib/http/proxy_dial, so through the
 * proxy (client/settings/way.h) where one is set. Loop thread.
 */

#include "lib/http/proxy_dial.h"
#include "lib/os/pool.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"

struct place;

enum { PLACE_CONNECT_MS = 8 * 1000, PLACE_HOST_MAX = 256 };

/* Once, from the loop: a connected non-blocking socket (now the caller's) and the host it was
 * asked for (borrowed for the call), or -1 and the last reason. place_free in it. */
typedef void place_done(void *arg, int fd, const char *host, sp_error e);

struct place_spec {
    struct loop *loop; /* borrowed until place_free, as are the others */
    struct pool *pool;
    const struct proxy_env *proxy; /* NULL: always direct */
    const char *known_host;        /* what it led to a moment ago is `known`; NULL: nothing known */
    struct address known;
};

/* Copies `addresses`.   SP_ERR_INVALID  none of them can be read;  SP_ERR_NOMEM */
SP_MUST sp_error place_start(const struct place_spec *spec, const struct view addresses[],
                             size_t count, place_done *done, void *arg, struct place **out);
void place_free(struct place *p); /* NULL is allowed */

#endif
