/* Whatever url_parse takes is written as an origin that url_parse takes as the same one. */
#include "lib/http/url.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct url u, again;
    struct buf text;

    if (url_parse((struct view){data, size}, &u) == SP_OK) {
        buf_init(&text, URL_BYTES_MAX);
        url_write_origin(&u, &text);
        if (u.port == 0 || u.host.len == 0 || buf_error(&text) != SP_OK ||
            url_parse(buf_view(&text), &again) != SP_OK || !url_same_origin(&u, &again))
            abort();
        buf_deinit(&text);
    }
    buf_init(&text, size);
    if (url_decode((struct view){data, size}, true, &text) != SP_OK && text.len != 0)
        abort();
    buf_deinit(&text);
    return 0;
}
