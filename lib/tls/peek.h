#ifndef SP_TLS_PEEK_H
#define SP_TLS_PEEK_H

/*
 * peek: waits on a fresh socket until its ClientHello is complete, without taking it and without
 * spinning (DATAPATH F2: low-water mark, back-off, deadline).
 *
 * A connection of a load balancer begins with a PROXY header (lib/os/proxied.h): peek_proxied_new
 * takes that first, and nothing else. Loop thread. One peek a socket; the owner caps how many live
 * at once.
 */

#include "lib/os/proxied.h"
#include "lib/tls/hello.h"

struct loop;
struct peek;

enum { PEEK_DEADLINE_MS = 5000 };

/*
 * The one end, from the loop, never inside peek_new. On SP_OK `hello` is filled and `fd` is the
 * owner's: unread, out of the loop, low-water mark 1, O_NONBLOCK. On any other result the socket
 * is closed already and `fd` is -1:
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT  not a ClientHello that we take
 *   SP_ERR_EXPIRED                  the deadline
 *   SP_ERR_CLOSED                   the peer left
 *   SP_ERR_DENIED                   `admit` said no
 *   errors of proxied_parse         not a PROXY header that we take
 * Call peek_free in it.
 */
typedef void peek_ended(void *arg, sp_error e, int fd, const struct hello *hello);

/* Takes `fd` (non-blocking), also when it fails. Borrows `loop` and `arg`.
 *   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error peek_new(struct loop *loop, int fd, peek_ended *ended, void *arg,
                          struct peek **out);

/* The PROXY header is read: is the connection of `from` wanted? NULL: the balancer's own. From the
 * loop; must not free the peek. */
typedef bool peek_admit(void *arg, const struct address *from);
/* The same for a socket that a trusted load balancer opened. `admit` is asked once, before any byte
 * behind the header is looked at. */
SP_MUST sp_error peek_proxied_new(struct loop *loop, int fd, peek_admit *admit, peek_ended *ended,
                                  void *arg, struct peek **out);

void peek_free(struct peek *p); /* closes the socket when it is still here; NULL is allowed */

#endif
