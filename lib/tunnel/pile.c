#include "lib/tunnel/pile.h"
#include "lib/tunnel/limits.h"

#include <stdlib.h>

enum { PILE_FIRST_BYTES = 16 * 1024 };

sp_error pile_add(struct pile *p, struct view v)
{
    size_t held = pile_len(p);

    if (v.len == 0)
        return SP_OK;
    if (v.len > STREAM_WINDOW_MAX - held)
        return SP_ERR_LIMIT;
    if (v.len > p->cap - p->end && p->at > 0) {
        memmove(p->bytes, p->bytes + p->at, held);
        p->at = 0;
        p->end = held;
    }
    if (v.len > p->cap - p->end) {
        size_t cap = p->cap == 0 ? PILE_FIRST_BYTES : p->cap;
        while (cap < held + v.len)
            cap *= 2;
        uint8_t *bytes = realloc(p->bytes, cap);
        if (bytes == NULL)
            return SP_ERR_NOMEM;
        p->bytes = bytes;
        p->cap = cap;
    }
    memcpy(p->bytes + p->end, v.at, v.len);
    p->end += v.len;
    return SP_OK;
}

struct view pile_front(const struct pile *p)
{
    return (struct view){p->bytes == NULL ? NULL : p->bytes + p->at, pile_len(p)};
}

void pile_drop(struct pile *p, size_t n)
{
    p->at += n;
    if (p->at == p->end)
        pile_deinit(p);
}

void pile_deinit(struct pile *p)
{
    free(p->bytes);
    *p = (struct pile){0};
}
