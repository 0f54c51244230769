#ifndef SP_GATEWAY_COLLECTED_H
#define SP_GATEWAY_COLLECTED_H

/* collected: bytes of a body that come in pieces and are read in one, in an arena that they live as
 * long as. A zeroed one is empty. */

#include "connector/gateway/arena.h"

struct collected {
    uint8_t *at;
    size_t len, cap;
};

/* false: they would be more than `max`, or the arena is spent; what was there is still there. */
SP_MUST bool collected_add(struct collected *c, struct arena *a, struct view data, size_t max);

static inline struct view collected_view(const struct collected *c)
{
    return (struct view){c->at, c->len};
}

#endif
