#include "lib/http/forwarded.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prefixes ours = {.count = 1};
    struct address a;
    struct view v = {data, size};

    if (prefix_parse(view_str("198.18.0.0/16"), &ours.at[0]) != SP_OK)
        abort();
    /* The last entry is not one of ours: nothing before it changes who asks. */
    if (forwarded_parse(v, &ours, &a) == SP_OK && address_bytes(&a).len == 0)
        abort();
    uint8_t room[4096];
    static const char end[] = ", 203.0.113.9";
    if (size > sizeof room - sizeof end)
        return 0;
    if (size > 0)
        memcpy(room, data, size);
    memcpy(room + size, end, sizeof end - 1);
    if (forwarded_parse((struct view){room, size + sizeof end - 1}, &ours, &a) != SP_OK ||
        !view_equal(address_bytes(&a), (struct view){(const uint8_t *)"\xcb\x00\x71\x09", 4}))
        abort();
    return 0;
}
