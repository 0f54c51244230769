#ifndef SP_INVENTORY_PACE_H
#define SP_INVENTORY_PACE_H

/*
 * pace: how often one person calls one endpoint within a minute in which they do, and which limit
 * follows from it: 99 of 100 such minutes, and three median deviations above them.
 *
 * The buckets are the first of loghist's, up to 16,384 calls a minute; counts are halved when one
 * is full, so old weeks weigh less. Zeroed: nothing is known. Pure.
 */

#include "connector/gateway/sketch/loghist.h"
#include "lib/base/json.h"

enum { PACE_BUCKETS = 104, PACE_MINUTES_MIN = 30 /* fewer say nothing */ };

struct pace {
    uint16_t counts[PACE_BUCKETS];
};

void pace_add(struct pace *p, uint64_t calls);
void pace_merge(struct pace *to, const struct pace *from);

/* {minutes, p99, mad, suggested}; suggested, calls a minute of one person, is left out while
 * PACE_MINUTES_MIN minutes were not seen. NULL: none was seen. */
struct json *pace_json(const struct pace *p);

#endif
