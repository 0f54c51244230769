/* FUZ-16: YAML rewritten as JSON text. */
#include "fuzz.h"

#include "lib/config/stream.h"

#include "lib/base/encode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf out;

    buf_init(&out, 64 * 1024);
    sp_error e = stream_to_json((struct view){data, size}, &why, &out);
    if (e == SP_OK && (out.len == 0 || !utf8_valid(buf_view(&out))))
        abort();
    if (e == SP_ERR_MALFORMED && why.text[0] == '\0')
        abort();
    buf_deinit(&out);
    return 0;
}
