#ifndef SP_RELAY_RELAY_H
#define SP_RELAY_RELAY_H

/*
 * relay: the services that the rooms of this program share, filled once in run.c.
 *
 * Everything here lives on the one loop thread. The parts know each other only through the calls
 * below; each of them is in a file of its name.
 */

#include "lib/os/loop.h"
#include "lib/trust/keyset.h"
#include "lib/tunnel/leg.h"
#include "relay/config.h"
#include "relay/state.h"

struct accepts;
struct stands;
struct pairs;
struct control;
struct report;
struct engine;
struct pool;
struct orphan;

struct relay {
    struct loop *loop;
    struct tunnel_thread *thread;
    struct engine *engine;
    struct pool *pool;
    const struct relay_config *config; /* borrowed from run.c */
    struct relay_state *state;
    struct tls_context *tls; /* pinned server: the outer layer */
    struct keyset keys;      /* zeroed: no grant is good */
    struct accepts *accepts;
    struct stands *stands;
    struct pairs *pairs;
    struct control *control;
    struct report *report;
    struct orphan *orphans; /* owned: legs that say their last words */
    bool draining;
};

/* Broker time now; 0: no broker was seen since the start, so nothing is valid. */
sp_unix_ms relay_now(const struct relay *r);

#endif
