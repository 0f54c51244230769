#ifndef SP_SKETCH_COUNTMIN_H
#define SP_SKETCH_COUNTMIN_H

/*
 * countmin: how often each of many things was seen, in 16 KiB.
 *
 * Count-min sketch (Cormode, Muthukrishnan 2005), 4 rows of 2,048 with conservative update. A count
 * is never too low; with N additions it is more than N / 753 too high for fewer than one in 54
 * things (e / width, e^-rows). Counts stop at UINT16_MAX. Zeroed: empty. Pure.
 */

#include "lib/base/view.h"

enum { COUNTMIN_ROWS = 4, COUNTMIN_WIDTH = 2048 };

struct countmin {
    uint16_t counts[COUNTMIN_ROWS][COUNTMIN_WIDTH];
};

/* Gives the count after the addition. */
uint32_t countmin_add(struct countmin *c, uint64_t hash);
uint32_t countmin_get(const struct countmin *c, uint64_t hash);

#endif
