#include "lib/crypto/random.h"

#include <sodium.h>

void random_bytes(uint8_t *out, size_t len)
{
    randombytes_buf(out, len);
}

struct sp_id random_id(void)
{
    struct sp_id id;

    do
        randombytes_buf(id.bytes, sizeof id.bytes);
    while (id_is_zero(id));
    return id;
}

uint64_t random_below(uint64_t bound)
{
    uint64_t n;

    if (bound < 2)
        return 0;
    /* 2^64 mod bound: values below it would make the small results likelier. */
    uint64_t uneven = (UINT64_MAX - bound + 1) % bound;
    do
        randombytes_buf(&n, sizeof n);
    while (n < uneven);
    return n % bound;
}

const char *crypto_library(void)
{
    return sodium_version_string();
}
