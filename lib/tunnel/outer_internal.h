#ifndef SP_TUNNEL_OUTER_INTERNAL_H
#define SP_TUNNEL_OUTER_INTERNAL_H

#include "lib/tunnel/frame.h"
#include "lib/tunnel/outer.h"

struct outer {
    struct wire *wire;    /* borrowed */
    struct tls_conn *tls; /* owned; NULL: shed */
    enum outer_state state;
    bool client, asked; /* asked: client: the request is written down, or sent */
    bool cut_through;   /* agreed in the upgrade */
    bool bare_mode;     /* SWITCH may come and go */
    bool proved;
    bool close_sent;
    enum switch_state rx, tx;
    struct outer_end end;
    sp_boot_ms heard;

    struct buf head;  /* while upgrading: plaintext read so far, then what follows the head */
    size_t head_used; /* bytes of `head` that the frame reader has taken */
    struct upgrade_request request; /* server: as read; client: what was asked */

    /* The frame being read. */
    uint8_t header[FRAME_HEADER_MAX];
    uint8_t header_len;
    bool in_frame;   /* header complete, `left` payload bytes to come */
    bool in_message; /* a data message is unfinished */
    struct frame frame;
    uint64_t left;
    uint8_t *control; /* owned; FRAME_CONTROL_MAX, while one with a payload is read; else NULL */
    uint8_t control_len;

    unsigned pings; /* of the peer, in the minute that began at */
    sp_boot_ms pings_since;
};

/* Reads plaintext: what came behind the upgrade head first, then TLS.
 *   SP_ERR_AGAIN, SP_ERR_CLOSED, SP_ERR_TLS */
SP_MUST sp_error outer_plain(struct outer *o, uint8_t *to, size_t room, size_t *got);
/* Nothing decrypted is left. */
bool outer_plain_empty(const struct outer *o);
/* Ends it with `e`, and returns `e`. */
sp_error outer_fail(struct outer *o, sp_error e);

#endif
