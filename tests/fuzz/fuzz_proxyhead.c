#include "client/cmd/proxyhead.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* The first byte says whether the greeting is over; the rest is what the program sent. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxyhead h = {0};

    if (size == 0)
        return 0;
    struct view in = {data + 1, size - 1};
    sp_error e = proxyhead_read(in, (data[0] & 1) != 0, &h);
    if (e != SP_OK)
        return h.kind == PROXYHEAD_NONE ? 0 : (abort(), 0);
    if (h.used == 0 || h.used > in.len)
        abort();
    if (h.kind == PROXYHEAD_GREETING)
        return 0;
    size_t len = strlen(h.host);
    if (len == 0 || len > PROXYHEAD_HOST_MAX ||
        strspn(h.host, "abcdefghijklmnopqrstuvwxyz0123456789-._") != len)
        abort();
    return 0;
}
