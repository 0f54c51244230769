#include "connector/gateway/sketch/ewma.h"

#include <math.h>

enum { WARM_UP = 10 };

/* A normal distribution's standard deviation over its mean absolute deviation. */
static const double sigma_of_deviation = 1.2533;

void ewma_add(struct ewma *e, uint64_t value)
{
    double x = log2(1.0 + (double)value);

    if (e->count < UINT32_MAX)
        e->count++;
    double alpha = e->count < WARM_UP ? 1.0 / e->count : 0.1;
    double off = x - (double)e->mean;
    e->mean = (float)((double)e->mean + alpha * off);
    if (e->count > 1)
        e->deviation = (float)((double)e->deviation + alpha * (fabs(off) - (double)e->deviation));
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
