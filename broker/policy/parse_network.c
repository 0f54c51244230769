#include "broker/policy/parse_internal.h"

#include "lib/base/num.h"

#include <arpa/inet.h>

bool parse_cidr(struct view text, struct cidr *out)
{
    char address[INET6_ADDRSTRLEN + 1];
    const uint8_t *slash = text.len == 0 ? NULL : memchr(text.at, '/', text.len);
    size_t len = slash == NULL ? text.len : (size_t)(slash - text.at);
    struct cidr c = {{0}, 128};
    uint64_t bits = 0;

    if (len == 0 || len >= sizeof address || memchr(text.at, '\0', len) != NULL)
        return false;
    memcpy(address, text.at, len);
    address[len] = '\0';
    bool four = inet_pton(AF_INET, address, c.bytes + 12) == 1;
    if (four) {
        memset(c.bytes + 10, 0xff, 2);
    } else if (inet_pton(AF_INET6, address, c.bytes) != 1) {
        return false;
    }
    if (slash != NULL) {
        struct view tail = view_slice(text, len + 1, text.len);
        if (num_uint(tail, four ? 32 : 128, &bits) != SP_OK)
            return false;
        c.bits = (unsigned)bits + (four ? 96 : 0);
    }
    for (unsigned b = c.bits; b < 128; b++) /* "198.18.66.5/24" is a slip of the pen */
        if ((c.bytes[b / 8] >> (7 - b % 8) & 1) != 0)
            return false;
    *out = c;
    return true;
}
