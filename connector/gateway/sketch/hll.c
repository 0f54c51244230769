#include "connector/gateway/sketch/hll.h"

#include <math.h>

/* 32 bits of a hash are spread again, since a register and its rank need independent bits. */
static uint64_t spread(uint32_t item)
{
    uint64_t x = item + 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

bool hll_add(uint8_t *registers, size_t n, uint64_t hash)
{
    unsigned bits = (unsigned)__builtin_ctzl(n);
    uint64_t rest = hash << bits;
    uint8_t rank = (uint8_t)(rest == 0 ? 65 - bits : (unsigned)__builtin_clzl(rest) + 1);
    uint8_t *r = &registers[hash >> (64 - bits)];

    if (rank <= *r)
        return false;
    *r = rank;
    return true;
}

static double alpha(size_t n)
{
    switch (n) {
    case 16:
        return 0.673;
    case 32:
        return 0.697;
    case 64:
        return 0.709;
    default:
        return 0.7213 / (1.0 + 1.079 / (double)n);
    }
}

uint64_t hll_count(const uint8_t *registers, size_t n)
{
    double sum = 0, m = (double)n, estimate;
    size_t empty = 0;

    for (size_t i = 0; i < n; i++) {
        sum += 1.0 / (double)((uint64_t)1 << (registers[i] > 63 ? 63 : registers[i]));
        empty += registers[i] == 0;
    }
    estimate = alpha(n) * m * m / sum;
    if (estimate <= 2.5 * m && empty > 0)
        estimate = m * log(m / (double)empty);
    return estimate < 0x1p63 ? (uint64_t)(estimate + 0.5) : INT64_MAX; /* of registers that lie */
}

void hll_merge(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] > to[i] ? from[i] : to[i];
}

static void become_registers(struct distinct *d)
{
    uint8_t registers[HLL_SMALL] = {0};

    for (size_t i = 0; i < DISTINCT_EXACT; i++)
        hll_add(registers, HLL_SMALL, spread(d->as.items[i]));
    memset(&d->as, 0, sizeof d->as);
    memcpy(d->as.registers, registers, sizeof registers);
    d->exact = DISTINCT_EXACT + 1;
}

bool distinct_add(struct distinct *d, uint64_t hash)
{
    uint32_t item = (uint32_t)hash;

    if (d->exact <= DISTINCT_EXACT) {
        for (size_t i = 0; i < d->exact; i++)
            if (d->as.items[i] == item)
                return false;
        if (d->exact < DISTINCT_EXACT) {
            d->as.items[d->exact++] = item;
            return true;
        }
        become_registers(d);
    }
    return hll_add(d->as.registers, HLL_SMALL, spread(item));
}

uint64_t distinct_count(const struct distinct *d)
{
    return d->exact <= DISTINCT_EXACT ? d->exact : hll_count(d->as.registers, HLL_SMALL);
}
