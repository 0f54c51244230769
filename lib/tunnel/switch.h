#ifndef SP_TUNNEL_SWITCH_H
#define SP_TUNNEL_SWITCH_H

/*
 * switch: when a direction of a tunnel goes over from websocket frames to bare inner records
 * (PROTOCOL section 7, DATAPATH F3). One table for all four places that keep such a state.
 *
 *   an end's tx    FRAMES → BARE        when its SWITCH frame is written
 *   an end's rx    FRAMES → BARE        when the peer's SWITCH was read
 *   a relay's direction A→B (A.rx and B.tx together)
 *                  FRAMES → DRAIN       SWITCH read from A and written to B
 *                  DRAIN  → BARE        what was read ahead from A has left for B
 *
 * Whatever is not in the table breaks the session: SWITCH where the extension was not agreed,
 * too early, twice, not at the end of its TLS record; a frame, pong, close or outer record after
 * it. The other direction is not touched. Pure.
 */

#include <stdbool.h>

enum switch_state { SWITCH_BROKEN = 0, SWITCH_FRAMES, SWITCH_DRAIN, SWITCH_BARE, SWITCH_STATES };

enum switch_who { SWITCH_END_TX, SWITCH_END_RX, SWITCH_RELAY, SWITCH_WHOS };

enum switch_event {
    SWITCH_EV_FRAME,  /* a frame or outer TLS record read or to be written */
    SWITCH_EV_SWITCH, /* SWITCH written (tx) or read (rx, relay) with all checks good */
    SWITCH_EV_EMPTY,  /* relay: nothing read ahead is left */
    SWITCH_EV_BYTES,  /* bare bytes read or to be written */
    SWITCH_EVENTS
};

/* What must hold for SWITCH_EV_SWITCH; all false in a zeroed one: refused. */
struct switch_check {
    bool agreed;      /* the extension was accepted, and the pair's mode is bare */
    bool proved;      /* this side has seen both binds (ends only; a relay can't know: true) */
    bool record_ends; /* rx: nothing decrypted is left behind the SWITCH frame; tx: true */
};

/* The state after the event; SWITCH_BROKEN when it must not happen. BROKEN stays. */
enum switch_state switch_next(enum switch_who who, enum switch_state s, enum switch_event ev);

/* switch_next for SWITCH_EV_SWITCH, with its conditions. */
enum switch_state switch_over(enum switch_who who, enum switch_state s, struct switch_check c);

#endif
