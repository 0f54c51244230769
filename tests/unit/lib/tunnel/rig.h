#ifndef SP_TEST_RIG_H
#define SP_TEST_RIG_H

/*
 * rig: agent, relay and connector in one process, without sockets:
 *
 *   agent core ══ link A ══ relay outer │forward│ relay outer ══ link B ══ connector core
 *
 * Each of the four byte streams (two a link) is moved by rig_turn in pieces that the test chooses
 * and may spoil on the way.
 */

#include "lib/tunnel/core.h"
#include "lib/tunnel/forward.h"
#include "lib/tunnel/thread_internal.h"
#include "tests/unit/lib/tunnel/app.h"

enum { LINK_A_UP, LINK_A_DOWN, LINK_B_DOWN, LINK_B_UP, LINKS }; /* B_DOWN: relay to connector */

struct rig {
    struct tunnel_thread *thread;
    struct key_secret *device, *connector_key, *relay_key, *stranger;
    struct tls_context *outer_client, *outer_server, *agent_tls, *connector_tls;
    uint8_t pin[32];
    struct tunnel_session session, connector_session;
    struct wire agent_wire, ra_wire, rb_wire, connector_wire;
    struct core *agent, *connector;
    struct outer *ra, *rb;
    struct forward up, down; /* up: agent to connector */
    bool offer, accept_cut, paired, spare_waits, relay_broken;
    bool agent_up, connector_up;
    struct app at_agent, at_connector;
    int refuse_with; /* connector: 0: accept */
    struct tunnel_limits said;

    size_t piece;         /* bytes moved a turn and link; 0: all */
    size_t moved[LINKS];  /* bytes that went over each */
    size_t cut_at[LINKS]; /* deliver up to here first; SIZE_MAX: no cut */
    bool cut_done[LINKS];
    /* Called with every piece before it is delivered; may change, shorten or lengthen it. */
    void (*spoil)(struct rig *r, int link, uint8_t *bytes, size_t *len, size_t at);
    void *spoil_arg;
};

void rig_init(struct rig *r, bool offer, bool accept_cut);
void rig_open(struct rig *r); /* makes both ends, a spare and the agent's tunnel; moves nothing */
/* The two halves of it: the agent's end without a session, and its session. */
void rig_open_ahead(struct rig *r);
void rig_begin(struct rig *r);
/* Moves one piece on each link. False: nothing moved and nothing is to be moved. */
bool rig_turn(struct rig *r);
void rig_settle(struct rig *r); /* turns until nothing moves */
void rig_deinit(struct rig *r);

/* A stream from the agent; both apps send as many bytes as said and then end. */
void rig_stream(struct rig *r, size_t up, size_t down);
bool rig_bare(const struct rig *r);

#endif
