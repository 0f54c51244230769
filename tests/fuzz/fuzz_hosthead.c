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
    if (e == SP_OK && size < HOSTHEAD_MAX && memmem(data, size, "\r\n\r\n", 4) == NULL)
        abort();
    if (e == SP_ERR_AGAIN && size >= HOSTHEAD_MAX)
        abort();
    if (hosthead_answer(e).len == 0)
        abort();
    struct hosthead_asks asks = hosthead_asks((struct view){data, size});
    if ((asks.page || asks.head) && !asks.http)
        abort();
    if (asks.http && (data[0] == 0x16 || memmem(data, size, "HTTP/1.", 7) == NULL))
        abort();
    return 0;
}
