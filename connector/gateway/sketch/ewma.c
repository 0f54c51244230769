#include "connector/gateway/sketch/ewma.h"

#include <math.h>

enum { WARM_UP = 10, WEIGHED = 128 /* values; what was before them weighs 0.9^128 */ };

/* A normal distribution's standard deviation over its mean absolute deviation. */
static const double sigma_of_deviation = 1.2533;

/* The weight of the value that is number `count`. */
static double alpha_of(uint32_t count)
{
    return count < WARM_UP ? 1.0 / count : 0.1;
}

void ewma_add(struct ewma *e, uint64_t value)
{
    double x = log2(1.0 + (double)value);

    if (e->count < UINT32_MAX)
        e->count++;
    double alpha = alpha_of(e->count);
    double off = x - (double)e->mean;
    e->mean = (float)((double)e->mean + alpha * off);
    if (e->count > 1)
        e->deviation = (float)((double)e->deviation + alpha * (fabs(off) - (double)e->deviation));
}

void ewma_merge(struct ewma *to, const struct ewma *from)
{
    double kept = 1; /* weight of what `to` saw before */
    uint32_t sum;

    if (from->count == 0)
        return;
    for (uint32_t i = 0; i < from->count && i < WEIGHED; i++)
        kept *= 1 - alpha_of(to->count > UINT32_MAX - WEIGHED ? WARM_UP : to->count + i + 1);
    double mean = kept * (double)to->mean + (1 - kept) * (double)from->mean;
    double around = (double)from->deviation + fabs((double)from->mean - mean);
    to->deviation = (float)(kept * (double)to->deviation + (1 - kept) * around);
    to->mean = (float)mean;
    to->count = __builtin_add_overflow(to->count, from->count, &sum) ? UINT32_MAX : sum;
}

double ewma_z(const struct ewma *e, uint64_t value, double least)
{
    double sigma = sigma_of_deviation * (double)e->deviation;
    double above = log2(1.0 + (double)value) - (double)e->mean;

    if (e->count == 0 || !(above > 0))
        return 0;
    if (!(sigma >= least)) /* also when a snapshot brought no number */
        sigma = least;
    return above / sigma;
}

double ewma_mean(const struct ewma *e)
{
    return e->count == 0 ? 0 : exp2((double)e->mean) - 1.0;
}
