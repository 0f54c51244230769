#ifndef SP_TUNNEL_PUMP_H
#define SP_TUNNEL_PUMP_H

/*
 * pump: joins a stream of a session with a local socket, both ways, until both sides have ended:
 * FIN as FIN, RST as RST, credit both ways, no copy beyond nghttp2's own.
 *
 * Loop thread. Works on TCP and unix stream sockets.
 */

#include "lib/tunnel/streams.h"

struct loop;
struct pump;

struct pump_report {
    sp_error why;                /* SP_OK: both sides ended cleanly; SP_ERR_RESET by either; … */
    bool local;                  /* the local socket broke, not the tunnel */
    int status;                  /* agent: the connector's answer; 0: none came; 200 */
    uint64_t to_peer, from_peer; /* bytes */
};

/* The one end, from the loop, never inside pump_start. Call pump_free in it. */
typedef void pump_ended(void *arg, const struct pump_report *r);

/*
 * Takes `stream` and `fd` (a connected stream socket; made non-blocking), also when it fails.
 * Borrows `loop` and `arg` until pump_free.   SP_ERR_NOMEM, SP_ERR_IO
 */
SP_MUST sp_error pump_start(struct loop *loop, struct stream *stream, int fd, pump_ended *ended,
                            void *arg, struct pump **out);

/* Held, it reads and writes nothing on the local socket; windows fill and both sides wait. What was
 * taken before goes on its way. A local socket that breaks meanwhile is noticed when released; the
 * peer's reset ends it at once. */
void pump_hold(struct pump *p, bool held);

/* Stops: the peer's side is reset, the local socket gets RST where it is TCP and not yet over. */
void pump_free(struct pump *p); /* NULL is allowed */

uint64_t pump_to_peer(const struct pump *p);
uint64_t pump_from_peer(const struct pump *p);

#endif
