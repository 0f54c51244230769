#include "connector/gateway/collected.h"

#include <string.h>

enum { FIRST_BYTES = 4096 };

bool collected_add(struct collected *c, struct arena *a, struct view data, size_t max)
{
    if (data.len == 0)
        return true;
    if (data.len > max || c->len > max - data.len)
        return false;
    if (c->len + data.len > c->cap) {
        size_t cap = c->cap == 0 ? FIRST_BYTES : 2 * c->cap;
        while (cap < c->len + data.len)
            cap *= 2;
        uint8_t *more = arena_take(a, cap);
        if (more == NULL)
            return false;
        if (c->len > 0)
            memcpy(more, c->at, c->len);
        c->at = more;
        c->cap = cap;
    }
    memcpy(c->at + c->len, data.at, data.len);
    c->len += data.len;
    return true;
}
