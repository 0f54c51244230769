#include "connector/gateway/sketch/loghist.h"

#include <math.h>
#include <stdlib.h>

size_t loghist_bucket(uint64_t value)
{
    if (value < 8)
        return (size_t)value;
    unsigned octave = 63 - (unsigned)__builtin_clzl(value);
    size_t at = (size_t)(octave - 2) * 8 + ((value >> (octave - 3)) & 7);
    return at < LOGHIST_BUCKETS ? at : LOGHIST_BUCKETS - 1;
}

static uint64_t middle_of(size_t bucket)
{
    if (bucket < 8)
        return bucket;
    unsigned octave = (unsigned)(bucket / 8) + 2;
    uint64_t width = (uint64_t)1 << (octave - 3);
    return ((8 + bucket % 8) * width) + width / 2;
}

static uint32_t add_sat(uint32_t a, uint32_t b)
{
    uint32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

void loghist_add(struct loghist *h, uint64_t value)
{
    uint32_t *count = &h->counts[loghist_bucket(value)];
    *count = add_sat(*count, 1);
}

void loghist_merge(struct loghist *to, const struct loghist *from)
{
    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        to->counts[i] = add_sat(to->counts[i], from->counts[i]);
}

uint64_t loghist_total(const struct loghist *h)
{
    uint64_t total = 0;

    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        total += h->counts[i];
    return total;
}

static size_t quantile_bucket(const struct loghist *h, double q)
{
    double wanted = q * (double)loghist_total(h);
    uint64_t seen = 0;
    size_t last = 0;

    for (size_t i = 0; i < LOGHIST_BUCKETS; i++) {
        if (h->counts[i] == 0)
            continue;
        seen += h->counts[i];
        last = i;
        if ((double)seen >= wanted)
            break;
    }
    return last;
}

uint64_t loghist_quantile(const struct loghist *h, double q)
{
    return middle_of(quantile_bucket(h, q));
}

struct deviation {
    double by;
    uint32_t count;
};

static int nearer_first(const void *a, const void *b)
{
    const struct deviation *x = a, *y = b;
    return (x->by > y->by) - (x->by < y->by);
}

static double middle_deviation(struct deviation *all, size_t n, uint64_t total)
{
    uint64_t seen = 0;
    size_t i = 0;

    qsort(all, n, sizeof all[0], nearer_first);
    while (i < n && 2 * (seen += all[i].count) < total)
        i++;
    return all[i < n ? i : n - 1].by;
}

struct loghist_spread loghist_spread(const struct loghist *h)
{
    struct deviation all[LOGHIST_BUCKETS];
    struct loghist_spread s = {0};
    uint64_t total = loghist_total(h);
    size_t n = 0;

    if (total == 0)
        return s;
    s.median = log2(1.0 + (double)loghist_quantile(h, 0.5));
    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        if (h->counts[i] > 0)
            all[n++] =
                (struct deviation){fabs(log2(1.0 + (double)middle_of(i)) - s.median), h->counts[i]};
    s.mad = middle_deviation(all, n, total);
    return s;
}

uint64_t loghist_mad(const struct loghist *h)
{
    struct deviation all[LOGHIST_BUCKETS];
    uint64_t total = loghist_total(h);
    double median = (double)loghist_quantile(h, 0.5);
    size_t n = 0;

    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        if (h->counts[i] > 0)
            all[n++] = (struct deviation){fabs((double)middle_of(i) - median), h->counts[i]};
    return total == 0 ? 0 : (uint64_t)middle_deviation(all, n, total);
}

void loghist_decay(struct loghist *h)
{
    for (size_t i = 0; i < LOGHIST_BUCKETS; i++)
        h->counts[i] /= 2;
}
