#include "fuzz.h"

#include "lib/base/json.h"

#include <stdlib.h>

/* What was read is written so that it reads as the same value; sorted text is stable. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *j = NULL, *again = NULL;
    struct buf one, two;

    if (json_parse((struct view){data, size}, 65536, NULL, &j) != SP_OK) {
        if (j != NULL)
            abort();
        return 0;
    }
    buf_init(&one, 1024 * 1024);
    buf_init(&two, 1024 * 1024);
    if (json_write_sorted(j, &one) != SP_OK ||
        json_parse(buf_view(&one), one.len, NULL, &again) != SP_OK || !json_equal(j, again) ||
        json_write_sorted(again, &two) != SP_OK || !view_equal(buf_view(&one), buf_view(&two)))
        abort();
    buf_deinit(&two);
    buf_deinit(&one);
    json_free(again);
    json_free(j);
    return 0;
}
