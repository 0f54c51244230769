#ifndef SP_TUNNEL_LIMITS_H
#define SP_TUNNEL_LIMITS_H

/*
 * limits: every bound of the byte path in one place, with its unit (PROTOCOL section 10).
 *
 * Memory that a peer can make us hold, a tunnel: what one read left over (TUNNEL_READ_BYTES), one
 * output block (TUNNEL_OUT_BYTES), and at an end STREAM_PILE_BYTES a stream but never more than
 * SESSION_PILE_BYTES. All of it is given back as soon as it is empty.
 *
 * However many readers stand still, those that read go on: what may pile up is at most
 * STREAM_FIRST_BYTES a stream and SESSION_LENT_BYTES beyond that for all of a session together,
 * and the rest of SESSION_PILE_BYTES, a quarter, is for what is under way. A kernel whose memory
 * for TCP is used up takes less than it said: beyond SESSION_PILED_MAX the stream with the largest
 * pile is reset at both ends, since otherwise all of the session would stand still with it.
 */

enum {
    TUNNEL_BATCH_BYTES = 64 * 1024, /* a leg with this much unsent stops its producer */
    TUNNEL_READ_BYTES = 128 * 1024, /* one recv() */
    TUNNEL_OUT_BYTES = 192 * 1024,  /* a batch, what its last producer adds, and overhead */
    FRAME_HEADER_MAX = 14,          /* bytes */
    FRAME_CONTROL_MAX = 125,        /* payload of a control frame */
    FRAME_PAYLOAD_MAX = 256 * 1024, /* a data frame that we take */
    FRAME_SEND_MAX = TUNNEL_BATCH_BYTES + 4096, /* a data frame that we send */
    MESSAGE_MAX = 64 * 1024,                    /* a message on a standing channel */
    MESSAGE_UNPROVEN_MAX = 4096, /* the same before its peer has proved itself, in all */
    UPGRADE_HEAD_MAX = 8 * 1024, /* request or answer head */
    PINGS_A_MINUTE_MAX = 60,     /* from the peer, else 4429: WS-10 */
    BIND_MAX = 32 * 1024,        /* bind message */

    OUTER_TLS_MS = 10 * 1000,
    OUTER_UPGRADE_MS = 5 * 1000,
    INNER_BIND_MS = 10 * 1000,   /* inner handshake and bind together */
    PING_LIVE_MS = 15 * 1000,    /* with a live session */
    PING_WAITING_MS = 25 * 1000, /* without: C-021 */
    PING_AGAIN_MS = 7 * 1000,    /* after one that was not answered: two of them and it is lost */
    PINGS_MISSED_MAX = 2,        /* 15 + 7 + 7 s: within PEER_LOST_MS (CT-9) */
    PEER_LOST_MS = 30 * 1000,    /* TCP_USER_TIMEOUT of every leg */
    GOODBYE_MS = 2000,           /* for the peer's close or FIN, once our last words are out */

    STREAMS_MAX = 256,              /* a tunnel */
    STREAM_FIRST_BYTES = 32 * 1024, /* what a peer may send on a new stream before our word */
    STREAM_PILE_BYTES = 256 * 1024, /* delivered, not taken by the local socket */
    STREAM_WINDOW_BYTES = 1024 * 1024,
    STREAM_WINDOW_MAX = 4 * 1024 * 1024,
    SESSION_LENT_BYTES = 4 * 1024 * 1024,  /* piles beyond the first windows, all streams */
    SESSION_PILE_BYTES = 16 * 1024 * 1024, /* the session's window */
    /* Piles are larger where the kernel took less than it had room for; the largest goes then. */
    SESSION_PILED_MAX = SESSION_PILE_BYTES / 4 * 3
};

/* Close codes of our websockets. */
enum tunnel_close {
    CLOSE_NORMAL = 1000,
    CLOSE_GONE = 1001, /* the other side of a pair is gone */
    CLOSE_PROTOCOL = 1002,
    CLOSE_UNSUPPORTED = 1003, /* text */
    CLOSE_TOO_BIG = 1009,
    CLOSE_PROOF = 4401,
    CLOSE_CUT = 4403, /* reason text: floor record audit deadline idle policy killed revoked */
    CLOSE_TIME = 4408,
    CLOSE_REPLACED = 4409,
    CLOSE_DRAINING = 4410,
    CLOSE_VERSION = 4426,
    CLOSE_TOO_MUCH = 4429
};

#endif
