#include "client/agent/hosthead.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hosthead_expect expect = {.names = {"a.b"}, .count = 1, .port = 80};
    sp_error e = hosthead_check((struct view){data, size}, &expect);

    /* Let through means: the name stands in the head, whole. */
    if (e == SP_OK && data[0] == 0x16 && data[1] == 3)
        return 0; /* TLS */
    if (e == SP_OK && memmem(data, size, "\r\n\r\n", 4) == NULL)
        abort();
    if (e == SP_ERR_AGAIN && size >= HOSTHEAD_MAX)
        abort();
    if (hosthead_answer(e).len == 0)
        abort();
    return 0;
}
