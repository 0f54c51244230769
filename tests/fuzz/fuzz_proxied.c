#include "lib/os/proxied.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxied p = {0};
    size_t need = 0;
    sp_error e = proxied_parse((struct view){data, size}, &p, &need);

    if (e == SP_ERR_AGAIN && (need <= size || need > PROXIED_BYTES_MAX))
        abort();
    if (e == SP_OK && (p.len > size || p.len < PROXIED_BYTES_MIN || p.len != need))
        abort();
    if (e == SP_OK && p.local != (address_bytes(&p.from).len == 0))
        abort();
    if (e != SP_OK)
        return 0;
    /* Every shorter beginning asks for more: no split makes another header of it. */
    for (size_t n = 0; n < p.len; n++) {
        struct proxied other;

        if (proxied_parse((struct view){data, n}, &other, &need) != SP_ERR_AGAIN)
            abort();
    }
    return 0;
}
