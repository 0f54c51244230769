/* FUZ-15. */
#include "fuzz.h"

#include "connector/floor.h"

#include <stdlib.h>

/* What a floor says of itself parses to a floor that says the same; loopback, metadata and
 * multicast are open only to a floor that lists them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct floor *f = NULL, *again = NULL;
    struct buf one, two;
    struct address never;

    sp_error e = floor_parse((struct view){data, size}, &why, &f);
    if (e != SP_OK) {
        if (f != NULL || (e == SP_ERR_MALFORMED && (why.line == 0 || why.text[0] == '\0')))
            abort();
        return 0;
    }
    buf_init(&one, 4 * FLOOR_BYTES_MAX);
    buf_init(&two, 4 * FLOOR_BYTES_MAX);
    floor_describe(f, &one);
    if (buf_error(&one) == SP_OK && one.len <= FLOOR_BYTES_MAX) {
        if (floor_parse(buf_view(&one), NULL, &again) != SP_OK)
            abort();
        floor_describe(again, &two);
        if (!view_equal(buf_view(&one), buf_view(&two)))
            abort();
    }
    if (address_parse(view_str("224.0.0.1:443"), &never) != SP_OK ||
        floor_judge(f, view_str("wiki.internal"), &never, false).why != FLOOR_NEVER)
        abort();
    buf_deinit(&two);
    buf_deinit(&one);
    floor_free(again);
    floor_free(f);
    return 0;
}
