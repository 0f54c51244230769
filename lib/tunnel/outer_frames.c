#include "lib/tunnel/mask.h"
#include "lib/tunnel/outer_internal.h"

#include "lib/crypto/random.h"

#include <stdlib.h>

/* ---- reading ------------------------------------------------------------------------------ */

/* RFC 6455 7.4.1: what is wrong goes back in a close frame, then the session is over. */
SP_MUST static sp_error refuse_frame(struct outer *o, unsigned code)
{
    outer_close(o, code, NULL);
    return outer_fail(o, SP_ERR_PROTOCOL);
}

/* Bytes that the header needs at least, by what is there of it. */
static size_t header_wants(const struct outer *o)
{
    if (o->header_len < 2)
        return 2;
    unsigned seven = o->header[1] & 0x7f;
    return 2 +
           (seven == 126   ? 2u
            : seven == 127 ? 8u
                           : 0u) +
           ((o->header[1] & 0x80) != 0 ? 4u : 0u);
}

/* Message order (RFC 6455 5.4), and what this websocket is for. */
SP_MUST static sp_error accept_frame(struct outer *o)
{
    const struct frame *f = &o->frame;

    switch (f->op) {
    case FRAME_TEXT:
        return refuse_frame(o, CLOSE_UNSUPPORTED);
    case FRAME_BIN:
        if (o->in_message)
            return refuse_frame(o, CLOSE_PROTOCOL);
        o->in_message = !f->fin;
        return SP_OK;
    case FRAME_CONT:
        if (!o->in_message)
            return refuse_frame(o, CLOSE_PROTOCOL);
        o->in_message = !f->fin;
        return SP_OK;
    default:
        return SP_OK;
    }
}

SP_MUST static sp_error read_header(struct outer *o)
{
    size_t got;
    sp_error e;

    for (;;) {
        size_t wants = header_wants(o);
        if (o->header_len >= 2) {
            struct view v = {o->header, o->header_len};
            e = frame_parse(v, o->client ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT, o->bare_mode,
                            FRAME_PAYLOAD_MAX, &o->frame);
            if (e == SP_OK)
                break;
            if (e != SP_ERR_AGAIN)
                return refuse_frame(o, e == SP_ERR_LIMIT ? CLOSE_TOO_BIG : CLOSE_PROTOCOL);
        }
        if ((e = outer_plain(o, o->header + o->header_len, wants - o->header_len, &got)) != SP_OK)
            return e;
        o->header_len = (uint8_t)(o->header_len + got);
    }
    o->header_len = 0;
    o->in_frame = true;
    o->left = o->frame.payload_len;
    o->control_len = 0;
    o->heard = clock_boot();
    return accept_frame(o);
}

/* A peer that pings all the time makes us write: WS-10. */
SP_MUST static sp_error answer_ping(struct outer *o)
{
    uint8_t room[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];

    if (o->heard - o->pings_since > 60 * 1000) {
        o->pings_since = o->heard;
        o->pings = 0;
    }
    if (++o->pings > PINGS_A_MINUTE_MAX)
        return refuse_frame(o, CLOSE_TOO_MUCH);
    /* A bare direction has no pongs; a full one has bytes, which say the same. */
    if (o->tx != SWITCH_FRAMES || o->close_sent ||
        wire_room(o->wire) < o->control_len + OUTER_FRAME_OVERHEAD(FRAME_CONTROL_MAX))
        return SP_OK;
    if (o->control_len > 0)
        memcpy(room + FRAME_HEADER_MAX, o->control, o->control_len);
    return outer_frame(o, FRAME_PONG, room + FRAME_HEADER_MAX, o->control_len);
}

SP_MUST static sp_error take_close(struct outer *o)
{
    struct view reason;
    unsigned code;

    if (frame_parse_close((struct view){o->control, o->control_len}, &code, &reason) != SP_OK)
        return refuse_frame(o, CLOSE_PROTOCOL);
    o->end.close = code;
    if (reason.len < sizeof o->end.code) {
        memcpy(o->end.code, reason.at == NULL ? (const uint8_t *)"" : reason.at, reason.len);
        o->end.code[reason.len] = '\0';
    }
    outer_close(o, code == 1005 ? CLOSE_NORMAL : code, NULL);
    return outer_fail(o, SP_ERR_CLOSED);
}

/* The SWITCH frame: nothing decrypted may be left behind it, or two readers would disagree about
 * where the bare bytes begin. */
SP_MUST static sp_error take_switch(struct outer *o, struct outer_bit *bit)
{
    struct switch_check check = {
        .agreed = o->bare_mode, .proved = o->proved, .record_ends = outer_plain_empty(o)};
    enum switch_state next = switch_over(SWITCH_END_RX, o->rx, check);

    if (next == SWITCH_BROKEN || o->in_message)
        return outer_fail(o, SP_ERR_PROTOCOL);
    o->rx = next;
    *bit = (struct outer_bit){.kind = OUTER_SWITCHED};
    return SP_OK;
}

SP_MUST static sp_error act_on_control(struct outer *o, struct outer_bit *bit)
{
    switch (o->frame.op) {
    case FRAME_CLOSE:
        return take_close(o);
    case FRAME_PING:
        return answer_ping(o);
    case FRAME_SWITCH:
        return take_switch(o, bit);
    default:
        return SP_OK; /* a pong: heard */
    }
}

/* The payload of a control frame, then what it means. */
SP_MUST static sp_error take_control(struct outer *o, struct outer_bit *bit)
{
    size_t got;
    sp_error e;

    if (o->left > 0 && o->control == NULL && (o->control = malloc(FRAME_CONTROL_MAX)) == NULL)
        return outer_fail(o, SP_ERR_NOMEM);
    while (o->left > 0) {
        if ((e = outer_plain(o, o->control + o->control_len, (size_t)o->left, &got)) != SP_OK)
            return e;
        mask_apply(o->control + o->control_len, got, o->frame.mask, o->control_len);
        o->control_len = (uint8_t)(o->control_len + got);
        o->left -= got;
    }
    o->in_frame = false;
    e = act_on_control(o, bit);
    free(o->control);
    o->control = NULL;
    return e;
}

SP_MUST static sp_error take_data(struct outer *o, uint8_t *to, size_t room, struct outer_bit *bit)
{
    uint64_t phase = o->frame.payload_len - o->left;
    size_t got = 0;
    sp_error e;

    if (o->left > 0) {
        if ((e = outer_plain(o, to, o->left < room ? (size_t)o->left : room, &got)) != SP_OK)
            return e;
        if (!o->client)
            mask_apply(to, got, o->frame.mask, phase);
        o->left -= got;
    }
    o->in_frame = o->left > 0;
    *bit = (struct outer_bit){.kind = OUTER_DATA, .len = got, .last = o->left == 0 && o->frame.fin};
    return SP_OK;
}

static bool is_data(const struct outer *o)
{
    return o->frame.op < FRAME_CLOSE;
}

/* One step; SP_OK with OUTER_NOTHING: go on. */
SP_MUST static sp_error read_step(struct outer *o, bool first_only, uint8_t *to, size_t room,
                                  struct outer_bit *bit)
{
    sp_error e;

    if (!o->in_frame && (e = read_header(o)) != SP_OK)
        return e;
    if (!is_data(o))
        return take_control(o, bit);
    if (first_only || room == 0)
        return SP_ERR_AGAIN;
    return take_data(o, to, room, bit);
}

sp_error outer_read(struct outer *o, bool first_only, uint8_t *to, size_t room,
                    struct outer_bit *bit)
{
    sp_error e = SP_OK;

    *bit = (struct outer_bit){0};
    if (o->rx != SWITCH_FRAMES)
        return outer_fail(o, SP_ERR_PROTOCOL);
    while (e == SP_OK && bit->kind == OUTER_NOTHING) {
        if (o->state != OUTER_OPEN && o->state != OUTER_CLOSING)
            return o->end.error != SP_OK ? o->end.error : SP_ERR_CLOSED;
        e = read_step(o, first_only, to, room, bit);
    }
    if (e == SP_OK || e == SP_ERR_AGAIN)
        return e;
    /* close_notify without a close frame is the end of a connection, not of a session */
    return outer_fail(o, e);
}

/* ---- writing ------------------------------------------------------------------------------ */

sp_error outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len)
{
    uint8_t key[4];

    if ((o->state != OUTER_OPEN && o->state != OUTER_CLOSING) || o->close_sent ||
        switch_next(SWITCH_END_TX, o->tx, SWITCH_EV_FRAME) != SWITCH_FRAMES)
        return SP_ERR_CLOSED;
    if (o->client) {
        random_bytes(key, sizeof key);
        mask_apply(payload, len, key, 0);
    }
    size_t header = frame_write_before(payload, op, len, o->client ? key : NULL);
    if (tls_conn_write(o->tls, (struct view){payload - header, header + len}) != SP_OK)
        return outer_fail(o, SP_ERR_TLS);
    return SP_OK;
}

sp_error outer_switch(struct outer *o, bool proved)
{
    uint8_t room[FRAME_HEADER_MAX];
    struct switch_check check = {.agreed = o->bare_mode, .proved = proved, .record_ends = true};
    enum switch_state next = switch_over(SWITCH_END_TX, o->tx, check);
    sp_error e;

    if (next == SWITCH_BROKEN)
        return outer_fail(o, SP_ERR_PROTOCOL);
    if ((e = outer_frame(o, FRAME_SWITCH, room + FRAME_HEADER_MAX, 0)) != SP_OK)
        return e;
    o->tx = next;
    return SP_OK;
}

sp_error outer_ping(struct outer *o)
{
    uint8_t room[FRAME_HEADER_MAX];

    if (wire_room(o->wire) < OUTER_FRAME_OVERHEAD(0))
        return SP_OK; /* unsent bytes already ask for an answer */
    return outer_frame(o, FRAME_PING, room + FRAME_HEADER_MAX, 0);
}

void outer_close(struct outer *o, unsigned code, const char *reason)
{
    uint8_t room[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
    uint8_t *payload = room + FRAME_HEADER_MAX;
    size_t len = reason == NULL ? 0 : strlen(reason);

    if (o->state != OUTER_OPEN || o->close_sent || o->tx != SWITCH_FRAMES ||
        wire_room(o->wire) < FRAME_CONTROL_MAX + OUTER_FRAME_OVERHEAD(FRAME_CONTROL_MAX))
        return;
    if (len > FRAME_CONTROL_MAX - 2)
        len = FRAME_CONTROL_MAX - 2;
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    if (len > 0)
        memcpy(payload + 2, reason, len);
    if (outer_frame(o, FRAME_CLOSE, payload, 2 + len) == SP_OK) {
        o->close_sent = true;
        o->state = outer_next(o->state, OUTER_EV_CLOSE);
    }
}
