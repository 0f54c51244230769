#include "lib/tunnel/frame.h"
#include "lib/tunnel/mask.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* FUZ-5. First byte: who sends, whether SWITCH is defined. The rest: a header and its payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
    struct frame f, back;
    struct view reason;
    unsigned code;

    if (size == 0)
        return 0;
    enum frame_from from = (data[0] & 1) != 0 ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER;
    struct view in = {data + 1, size - 1};
    sp_error e = frame_parse(in, from, (data[0] & 2) != 0, FRAME_PAYLOAD_MAX, &f);
    if (e == SP_ERR_AGAIN && in.len >= FRAME_HEADER_MAX)
        abort();
    if (e != SP_OK)
        return 0;
    if (f.header_len > in.len || f.payload_len > FRAME_PAYLOAD_MAX)
        abort();
    if (f.op >= FRAME_CLOSE && (!f.fin || f.payload_len > FRAME_CONTROL_MAX))
        abort();
    if (f.op == FRAME_SWITCH && ((data[0] & 2) == 0 || f.payload_len != 0))
        abort();
    /* What was read is what we would write. */
    if (f.fin && f.op != FRAME_CONT) {
        size_t n = frame_write_before(room + FRAME_HEADER_MAX, f.op, (size_t)f.payload_len,
                                      from == FRAME_FROM_CLIENT ? f.mask : NULL);
        if (n != f.header_len || memcmp(room + FRAME_HEADER_MAX - n, in.at, n) != 0)
            abort();
        if (frame_parse((struct view){room + FRAME_HEADER_MAX - n, n}, from, true,
                        FRAME_PAYLOAD_MAX, &back) != SP_OK)
            abort();
    }
    if (f.op == FRAME_CLOSE && in.len - f.header_len >= f.payload_len) {
        uint8_t *payload = room + FRAME_HEADER_MAX;
        memcpy(payload, in.at + f.header_len, (size_t)f.payload_len);
        mask_apply(payload, (size_t)f.payload_len, f.mask, 0);
        struct view v = {payload, (size_t)f.payload_len};
        if (frame_parse_close(v, &code, &reason) == SP_OK &&
            (code < 1000 || code > 4999 || reason.len + 2 > v.len) && v.len > 0)
            abort();
    }
    return 0;
}
