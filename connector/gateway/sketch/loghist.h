#ifndef SP_SKETCH_LOGHIST_H
#define SP_SKETCH_LOGHIST_H

/*
 * loghist: how values are distributed, over 40 octaves in 1.3 KB.
 *
 * Eight buckets an octave; values below 8 are exact, others are given back as the middle of their
 * bucket, at most 6.25 % off. Values of 2^42 and more fall into the last bucket. Merging is exact.
 * Counts stop at UINT32_MAX. A zeroed one is empty; any bytes are a valid histogram. Pure.
 */

#include "lib/base/view.h"

enum { LOGHIST_BUCKETS = 320 };

struct loghist {
    uint32_t counts[LOGHIST_BUCKETS];
};

void loghist_add(struct loghist *h, uint64_t value);
void loghist_merge(struct loghist *to, const struct loghist *from);
uint64_t loghist_total(const struct loghist *h);

size_t loghist_bucket(uint64_t value); /* which one counts it */

/* The smallest value that at least `q` (0..1) of all are at or below; 0 when empty. */
uint64_t loghist_quantile(const struct loghist *h, double q);

/* Median and median absolute deviation of log2(1 + value); both 0 when empty. */
struct loghist_spread {
    double median, mad;
};
struct loghist_spread loghist_spread(const struct loghist *h);

/* Median absolute deviation of the values themselves; 0 when empty. */
uint64_t loghist_mad(const struct loghist *h);

/* Halves every count: old days weigh less than new ones. */
void loghist_decay(struct loghist *h);

#endif
