#ifndef SP_OS_ACCEPTOR_H
#define SP_OS_ACCEPTOR_H

/*
 * acceptor: takes the connections of a listening socket, and rests for ACCEPTOR_REST_MS when no
 * descriptor is left: what can't be taken stays readable, and a level-triggered loop would spin on
 * it. Loop thread.
 */

#include "lib/os/sock.h"

struct acceptor;

enum { ACCEPTOR_A_TURN = 64, ACCEPTOR_REST_MS = 200 };

/* One connection, now its owner's. From the loop; must not stop the acceptor, may hold it. */
typedef void acceptor_took(void *arg, int fd, const struct address *peer);

/* Borrows loop, `listener` and arg until acceptor_stop.   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error acceptor_start(struct loop *loop, int listener, acceptor_took *took, void *arg,
                                struct acceptor **out);
/* Held, it takes nothing: what comes waits in the kernel. */
void acceptor_hold(struct acceptor *a, bool held);
void acceptor_stop(struct acceptor *a); /* the socket stays open; NULL is allowed */

#endif
