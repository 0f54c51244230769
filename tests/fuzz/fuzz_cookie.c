/* FUZ-13. A cookie that was found is one that cookie_set would send. */
#include "lib/http/cookie.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct response res;
    struct view v;

    if (cookie_find((struct view){data, size}, "__Host-sallyport", &v) != SP_OK)
        return 0;
    if (v.len > COOKIE_VALUE_MAX)
        abort();
    response_init(&res);
    cookie_set(&res, "__Host-sallyport", v, 1, COOKIE_LAX);
    if (response_error(&res) != SP_OK)
        abort();
    response_deinit(&res);
    return 0;
}
