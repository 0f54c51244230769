/* FUZ-7. The first message inside of a tunnel, from either end: the first byte says whose it is. */
#include "lib/tunnel/bind.h"
#include "lib/tunnel/limits.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t expected[TLS_EXPORT_BYTES] = {0}; /* 43 times 'A' */
    struct bind b = {0};
    size_t used = 0;

    if (size == 0)
        return 0;
    enum bind_from from = data[0] % 2 == 0 ? BIND_FROM_AGENT : BIND_FROM_CONNECTOR;
    if (bind_read((struct view){data + 1, size - 1}, from, expected, &b, &used) != SP_OK) {
        if (used != 0 || b.said != NULL)
            abort();
        return 0;
    }
    if (used > size - 1 || used > BIND_MAX + 4 || b.said == NULL || b.limits.deadline < 0 ||
        b.limits.idle_ms < 0 || b.limits.streams > STREAMS_MAX)
        abort();
    bind_deinit(&b);
    return 0;
}
