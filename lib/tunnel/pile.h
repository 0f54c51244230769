#ifndef SP_TUNNEL_PILE_H
#define SP_TUNNEL_PILE_H

/*
 * pile: bytes of a stream that its local socket has not taken yet, in order. Holds no memory
 * while empty. Bounded by the stream's window, which nghttp2 enforces.
 */

#include "lib/base/view.h"

struct pile {
    uint8_t *bytes; /* owned; NULL while empty */
    size_t at, end, cap;
};

/*   SP_ERR_LIMIT  would hold more than STREAM_WINDOW_MAX;  SP_ERR_NOMEM */
SP_MUST sp_error pile_add(struct pile *p, struct view v);
struct view pile_front(const struct pile *p);
void pile_drop(struct pile *p, size_t n); /* at most pile_len */
void pile_deinit(struct pile *p);

static inline size_t pile_len(const struct pile *p)
{
    return p->end - p->at;
}

#endif
