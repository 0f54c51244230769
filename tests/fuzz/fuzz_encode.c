#include "fuzz.h"

#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <stdlib.h>

typedef sp_error reader(struct view text, struct buf *out);
typedef void writer(struct view bytes, struct buf *out);

/* One value has one spelling: what a reader takes, the writer gives back byte for byte. */
static void one_spelling(struct view text, reader *read, writer *write)
{
    struct buf bytes, again;

    buf_init(&bytes, 65536);
    buf_init(&again, 65536);
    if (read(text, &bytes) == SP_OK) {
        write(buf_view(&bytes), &again);
        if (!view_equal(text, buf_view(&again)))
            abort();
    } else if (bytes.len != 0) {
        abort();
    }
    buf_deinit(&again);
    buf_deinit(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view v = {data, size};
    struct buf visible;
    int64_t n;

    one_spelling(v, decode_base64url, encode_base64url);
    one_spelling(v, decode_base64, encode_base64);
    buf_init(&visible, 65536);
    encode_visible(v, &visible);
    if (buf_error(&visible) == SP_OK && !utf8_valid(buf_view(&visible)))
        abort();
    for (size_t i = 0; i < visible.len; i++) {
        if (visible.at[i] < 0x20 || visible.at[i] == 0x7f)
            abort();
    }
    buf_reset(&visible);
    if (decode_base32(v, &visible) != SP_OK && visible.len != 0)
        abort();
    if (num_duration(v, &n) == SP_OK && n < 0)
        abort();
    buf_deinit(&visible);
    return 0;
}
