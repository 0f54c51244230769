#ifndef SP_TUNNEL_FRAME_H
#define SP_TUNNEL_FRAME_H

/*
 * frame: the header of an RFC 6455 frame, read and written; payloads are left where they are.
 *
 * SWITCH is the one reserved opcode that the extension `sallyport-cut-through` defines (RFC 6455
 * 5.8): final and empty. Whether it may come now is known to outer.c and switch.c.
 */

#include "lib/base/view.h"

#include "lib/tunnel/limits.h"

enum frame_op {
    FRAME_CONT = 0,
    FRAME_TEXT = 1,
    FRAME_BIN = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10,
    FRAME_SWITCH = 11
};
enum frame_from { FRAME_FROM_SERVER, FRAME_FROM_CLIENT }; /* only a client masks: RFC 6455 5.1 */

struct frame {
    enum frame_op op;
    bool fin;
    uint8_t mask[4];      /* of a client's frame; else zero */
    uint64_t payload_len; /* bytes */
    size_t header_len;    /* bytes; the payload begins here */
};

/*
 * Reads one frame header (RFC 6455 5.2) from the front of `in`.
 *   SP_ERR_AGAIN      `in` ends inside the header: call again with more bytes
 *   SP_ERR_MALFORMED  reserved bit or opcode (SWITCH too, unless `switch_defined`), wrong masking,
 *                     length not in its shortest form, control frame fragmented or over 125
 *                     bytes, SWITCH that is not empty
 *   SP_ERR_LIMIT      payload longer than `max_payload`
 * `out` is written on SP_OK only. Pure. Fuzzed by tests/fuzz/fuzz_frame.c.
 */
SP_MUST sp_error frame_parse(struct view in, enum frame_from from, bool switch_defined,
                             uint64_t max_payload, struct frame *out);

/* Writes the header of a final frame so that it ends at `end` (the payload's first byte), and
 * returns its length, 2 to FRAME_HEADER_MAX. Masked when `mask` is not NULL. */
size_t frame_write_before(uint8_t *end, enum frame_op op, size_t payload_len,
                          const uint8_t mask[4]);

/*
 * The payload of a close frame: nothing, or a code and its UTF-8 reason.
 *   SP_ERR_MALFORMED  one byte, a code that may not be on the wire (RFC 6455 7.4), bad UTF-8
 * `*code` is 1005 for an empty payload; `*reason` points into `payload`.
 */
SP_MUST sp_error frame_parse_close(struct view payload, unsigned *code, struct view *reason);

#endif
