#ifndef SP_HTTP_PROXY_DIAL_H
#define SP_HTTP_PROXY_DIAL_H

/*
 * proxy_dial: a TCP connection to host:port, direct or through an HTTP CONNECT proxy, without
 * blocking the loop: the name is resolved on a worker, its addresses are tried in order.
 *
 * For connections that become TLS to a relay. Never for application dials: those have resolved
 * and judged their one address before (TM-12), and no proxy stands between (C-027).
 * A direct dial needs no look-up when the host is an address, or while the address that it had a
 * moment ago still answers.
 * Basic credentials of the proxy are sent with the first request and never a second time (C-025).
 */

#include "lib/base/clock.h"
#include "lib/http/proxy.h"

struct address;
struct loop;
struct pool;
struct proxy_dial;

struct proxy_dial_spec {
    struct loop *loop; /* borrowed until the end, as is pool */
    struct pool *pool;
    const struct proxy_env *proxy; /* borrowed for the call; NULL: always direct */
    const char *host;              /* a name or an address without brackets; copied */
    uint16_t port;
    sp_boot_ms deadline;         /* for all of it */
    const struct address *known; /* of the host, tried first; NULL: none. Copied */
};

/*
 * The one end, from the loop: the connected socket, now its owner's, with SP_OK and `why` NULL; or
 * -1, the error, and why in words:
 *   SP_ERR_NOT_FOUND    the name has no address
 *   SP_ERR_REFUSED      connection refused, or the proxy's answer was not 2xx
 *   SP_ERR_DENIED       the proxy wants credentials that we lack, or refused ours: wait long
 *   SP_ERR_UNREACHABLE, SP_ERR_TIMEOUT
 *   SP_ERR_PROTOCOL     the proxy speaks no HTTP
 */
typedef void proxy_dialed(void *arg, int fd, sp_error e, const struct sp_why *why);

/*
 * Loop thread.
 *   SP_ERR_INVALID, SP_ERR_UNSUPPORTED, SP_ERR_MALFORMED  the host, or the proxy's address; `why`
 *   SP_ERR_BUSY  the pool's queue is full
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error proxy_dial_start(const struct proxy_dial_spec *spec, proxy_dialed *fn, void *arg,
                                  struct sp_why *why, struct proxy_dial **out);
void proxy_dial_cancel(struct proxy_dial *d); /* fn does not run; NULL is allowed */

#endif
