#ifndef SP_SKETCH_EWMA_H
#define SP_SKETCH_EWMA_H

/*
 * ewma: what is usual for one series, in 12 bytes: an exponentially weighted mean (alpha 0.1) and
 * the equally weighted mean absolute deviation from it, of log2(1 + value).
 *
 * The first ten values weigh 1/n each, so that a start does not pull for weeks. Zeroed: nothing
 * seen. Pure.
 */

#include "lib/base/view.h"

struct ewma {
    float mean, deviation;
    uint32_t count;
};

void ewma_add(struct ewma *e, uint64_t value);

/*
 * As if the values that `from` saw were added to `to` after its own: as many, of that mean and that
 * deviation, in no order among them. Where the two means lie apart, the deviation becomes wider by
 * how far the values are from where the mean ends, as it does when they come one by one.
 */
void ewma_merge(struct ewma *to, const struct ewma *from);

/*
 * By how many standard deviations `value` lies above the mean, the deviation taken as at least
 * `least` (a series that never moved would else find every change a wonder); 0 before the first
 * value and below the mean. ewma_mean is the mean as a value.
 */
double ewma_z(const struct ewma *e, uint64_t value, double least);
double ewma_mean(const struct ewma *e);

#endif
