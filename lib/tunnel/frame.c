#include "lib/tunnel/frame.h"

#include "lib/base/encode.h"

/* 7, 16 or 64 bits, always in the shortest form: two readers must never see two lengths. */
static uint64_t read_length(struct cursor *c, uint64_t seven_bits)
{
    if (seven_bits < 126)
        return seven_bits;

    uint64_t n = cur_uint(c, seven_bits == 126 ? 2 : 8);
    if (n < 126 || (seven_bits == 127 && (n <= UINT16_MAX || n > INT64_MAX)))
        cur_fail(c, SP_ERR_MALFORMED);
    return n;
}

static bool op_known(enum frame_op op, bool switch_defined)
{
    switch (op) {
    case FRAME_CONT:
    case FRAME_TEXT:
    case FRAME_BIN:
    case FRAME_CLOSE:
    case FRAME_PING:
    case FRAME_PONG:
        return true;
    case FRAME_SWITCH:
        return switch_defined;
    }
    return false;
}

SP_MUST static sp_error check(const struct frame *f, uint64_t reserved, bool masked,
                              enum frame_from from)
{
    bool control = f->op >= FRAME_CLOSE;

    if (reserved != 0 || masked != (from == FRAME_FROM_CLIENT))
        return SP_ERR_MALFORMED;
    if (control && (!f->fin || f->payload_len > FRAME_CONTROL_MAX))
        return SP_ERR_MALFORMED;
    if (f->op == FRAME_SWITCH && f->payload_len != 0)
        return SP_ERR_MALFORMED;
    return SP_OK;
}

sp_error frame_parse(struct view in, enum frame_from from, bool switch_defined,
                     uint64_t max_payload, struct frame *out)
{
    struct cursor c = cur_over(in, SP_ERR_AGAIN);
    struct frame f = {0};
    sp_error e;

    uint64_t first = cur_uint(&c, 1);
    uint64_t second = cur_uint(&c, 1);
    bool masked = (second & 0x80) != 0;
    f.fin = (first & 0x80) != 0;
    f.op = (enum frame_op)(first & 0x0f);
    f.payload_len = read_length(&c, second & 0x7f);
    struct view mask = cur_take(&c, masked ? sizeof f.mask : 0);

    if ((e = c.err) != SP_OK)
        return e;
    if (!op_known(f.op, switch_defined))
        return SP_ERR_MALFORMED;
    if ((e = check(&f, first & 0x70, masked, from)) != SP_OK)
        return e;
    if (f.payload_len > max_payload)
        return SP_ERR_LIMIT;
    if (masked)
        memcpy(f.mask, mask.at, sizeof f.mask);
    f.header_len = in.len - c.rest.len;
    *out = f;
    return SP_OK;
}

size_t frame_write_before(uint8_t *end, enum frame_op op, size_t payload_len, const uint8_t mask[4])
{
    uint8_t *at = end;
    uint8_t masked = mask == NULL ? 0 : 0x80;
    size_t extended = payload_len < 126 ? 0 : payload_len <= UINT16_MAX ? 2 : 8;

    if (mask != NULL) {
        at -= 4;
        memcpy(at, mask, 4);
    }
    for (size_t i = 0; i < extended; i++)
        *--at = (uint8_t)(payload_len >> (8 * i));
    *--at = (uint8_t)(masked | (extended == 0 ? payload_len : extended == 2 ? 126 : 127));
    *--at = (uint8_t)(0x80 | op);
    return (size_t)(end - at);
}

/* RFC 6455 7.4: what an endpoint may send. 1004 to 1006 and 1015 are never on the wire. */
static bool code_allowed(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

sp_error frame_parse_close(struct view payload, unsigned *code, struct view *reason)
{
    struct cursor c = cur_over(payload, SP_ERR_MALFORMED);

    if (payload.len == 0) {
        *code = 1005;
        *reason = (struct view){0};
        return SP_OK;
    }
    unsigned n = (unsigned)cur_uint(&c, 2);
    if (c.err != SP_OK)
        return c.err;
    if (!code_allowed(n) || !utf8_valid(c.rest))
        return SP_ERR_MALFORMED;
    *code = n;
    *reason = c.rest;
    return SP_OK;
}
