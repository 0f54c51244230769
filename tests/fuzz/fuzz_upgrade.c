#include "lib/tunnel/upgrade.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* FUZ-5. The websocket upgrade, from either end: what is taken says the same when written. */
static void request(struct view in)
{
    struct upgrade_request r, back;
    struct buf again;
    size_t used;
    sp_error e = upgrade_parse_request(in, &r, &used);

    if (e == SP_ERR_AGAIN && in.len > UPGRADE_HEAD_MAX)
        abort();
    if (e != SP_OK)
        return;
    if (used > in.len || used < 4 || memcmp(in.at + used - 4, "\r\n\r\n", 4) != 0)
        abort();
    if ((r.grant.len > 0) + r.has_ticket + r.has_nonce != 1 || r.path == UPGRADE_NOWHERE)
        abort(); /* exactly one credential: WS-15 */
    /* Written again it means the same. */
    buf_init(&again, 2 * UPGRADE_HEAD_MAX);
    upgrade_write_request(&r, &again);
    if (buf_error(&again) == SP_OK && again.len <= UPGRADE_HEAD_MAX &&
        (upgrade_parse_request(buf_view(&again), &back, &used) != SP_OK || back.path != r.path ||
         back.cut_through != r.cut_through || back.has_ticket != r.has_ticket ||
         memcmp(back.key, r.key, sizeof r.key) != 0))
        abort();
    buf_deinit(&again);
}

/* First byte: request, or answer with and without the offer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[UPGRADE_KEY_BYTES] = {1, 2, 3};
    struct upgrade_answer a;
    size_t used;

    if (size == 0)
        return 0;
    struct view in = {data + 1, size - 1};
    bool offered = data[0] == 'o';
    if (data[0] != 'o' && data[0] != 'n') {
        request(in);
        return 0;
    }
    if (upgrade_parse_answer(in, key, offered, &a, &used) == SP_OK &&
        (used > in.len || (a.cut_through && (!offered || a.status != 101))))
        abort();
    return 0;
}
