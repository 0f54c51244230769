/* Tables of any content: a snapshot's body is filled with the input, over and over, and hashed;
 * what is loaded must still take observations, keep its limits and save itself. */
#include "connector/gateway/detect/detect.h"
#include "lib/crypto/hash.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void use(struct detect *d, const uint8_t *data, size_t size)
{
    const uint64_t group = 3;
    struct detect_block block;
    struct json *o;

    for (size_t i = 0; i < 16; i++) {
        uint64_t pick = i < size ? data[i] : i;
        struct observation seen = {.at = 1764000000000 + (sp_unix_ms)(i << (pick % 32)),
                                   .user = pick % 3 + 1,
                                   .group_count = pick % 2,
                                   .groups = &group,
                                   .method = GW_GET,
                                   .endpoint = pick % 5,
                                   .object = pick,
                                   .numbered = true,
                                   .number = (int64_t)pick,
                                   .sensitive = true,
                                   .login = pick % 4 == 0,
                                   .password = true,
                                   .account = pick,
                                   .bytes = pick << 20,
                                   .status = pick % 2 ? 200 : 404};
        detect_see(d, &seen);
        seen.status = 0;
        detect_blocked(d, &seen, &block);
    }
    while ((o = detect_next_incident(d, 1)) != NULL) {
        detect_told(d, 1);
        json_free(o);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct detect_options o = {.key = "fuzz"};
    struct detect *d = NULL;
    struct buf state;

    for (size_t i = 0; i < DETECTORS; i++)
        o.modes[i] = GW_BLOCK;
    if (size == 0 || detect_new(&o, &d) != SP_OK)
        return 0;
    buf_init(&state, 16 << 20);
    if (detect_save(d, &state) != SP_OK)
        abort();
    size_t body = state.len - HASH_BYTES;
    for (size_t i = 4; i < body; i++) /* behind the magic; no exceptions are said to follow */
        if (i < 28 || i > 29)
            state.at[i] = data[i % size];
    struct hash h = hash_sha256(view_slice(buf_view(&state), 0, body));
    memcpy(state.at + body, h.bytes, sizeof h.bytes);
    if (detect_load(d, buf_view(&state)) != SP_OK)
        abort();
    use(d, data, size);
    buf_reset(&state);
    if (detect_save(d, &state) != SP_OK || detect_load(d, buf_view(&state)) != SP_OK)
        abort();
    buf_deinit(&state);
    detect_free(d);
    return 0;
}
