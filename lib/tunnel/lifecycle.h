#ifndef SP_TUNNEL_LIFECYCLE_H
#define SP_TUNNEL_LIFECYCLE_H

/*
 * lifecycle: the states of one websocket of the tunnel engine, both sides (outer.c), as a table.
 *
 *   TLS      the outer handshake
 *   UPGRADE  client: asked, no answer yet; server: no whole request yet
 *   ASKED    server: the owner decides about the request
 *   OPEN     frames, and after the switch bare bytes
 *   CLOSING  our close frame is out, the peer's is awaited
 *   CLOSED   over; the zero value
 */

enum outer_state {
    OUTER_CLOSED = 0,
    OUTER_TLS,
    OUTER_UPGRADE,
    OUTER_ASKED,
    OUTER_OPEN,
    OUTER_CLOSING,
    OUTER_STATES
};

enum outer_event {
    OUTER_EV_TLS_DONE,
    OUTER_EV_REQUEST,  /* server: a whole, well-formed request was read */
    OUTER_EV_ADMITTED, /* client: 101 read; server: 101 written */
    OUTER_EV_CLOSE,    /* we sent a close frame */
    OUTER_EV_CLOSED,   /* the peer's close frame */
    OUTER_EV_REFUSED,
    OUTER_EV_FAULT,
    OUTER_EVENTS
};

/* An event that the table does not name in this state closes. Pure. */
enum outer_state outer_next(enum outer_state s, enum outer_event ev);

#endif
