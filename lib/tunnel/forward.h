#ifndef SP_TUNNEL_FORWARD_H
#define SP_TUNNEL_FORWARD_H

/*
 * forward: one direction of a session at the relay: payload of one leg's frames into frames of
 * the other, then the switch (DATAPATH F3), then bare bytes. Looks into nothing.
 *
 * relay/pair.c drives two of these with sockets and splices once a direction is bare; the tests
 * drive them in memory. One thread for both legs of a pair.
 */

#include "lib/tunnel/outer.h"

struct forward {
    struct outer *from, *to;          /* borrowed */
    struct wire *from_wire, *to_wire; /* borrowed */
    enum switch_state state;
    uint64_t bytes; /* of inner TLS, in frames and bare */
};

/* Both outers are OPEN; `bare` is the pair's mode. Call it for both directions. */
void forward_init(struct forward *f, struct outer *from, struct wire *from_wire, struct outer *to,
                  struct wire *to_wire, bool bare);

/*
 * Moves what is there, until `from` is empty or `to` has a batch unsent (forward_blocked).
 *   SP_OK          all is done that can be
 *   SP_ERR_CLOSED, SP_ERR_PROTOCOL, SP_ERR_TLS  the session is over: outer_end() of both says whose
 */
SP_MUST sp_error forward_run(struct forward *f);

/* `to` must be sent to before `from` is read again. */
bool forward_blocked(const struct forward *f);

/* Everything that was read ahead has left both wires: the sockets may be spliced. */
bool forward_bare(const struct forward *f);

#endif
