#ifndef SP_SKETCH_HLL_H
#define SP_SKETCH_HLL_H

/*
 * hll: how many different things were seen, in a fixed number of bytes.
 *
 * HyperLogLog (Flajolet and others, 2007) with one byte a register and linear counting for small
 * counts: standard error 1.04 / sqrt(registers), 13 % with 64 and 6.5 % with 256. `distinct` counts
 * up to 32 things exactly and only then becomes a HyperLogLog of 64 registers.
 *
 * Hashes are 64 bits of hash_short under a key of this process' own, so that nobody can choose
 * values that fall together. Any bytes are a valid sketch: a damaged one gives a wrong count and
 * nothing worse. Pure. One thread.
 */

#include "lib/base/view.h"

enum { HLL_SMALL = 64, HLL_LARGE = 256, DISTINCT_EXACT = 32 };

/* `registers` has `n` bytes, a power of two from 16 to 65536; all zero is an empty sketch.
 * true: the sketch changed, so `hash` was not there before. */
bool hll_add(uint8_t *registers, size_t n, uint64_t hash);
uint64_t hll_count(const uint8_t *registers, size_t n);
/* Exact: as if all that `from` saw had been added to `to`. */
void hll_merge(uint8_t *to, const uint8_t *from, size_t n);

/* A zeroed one is empty. */
struct distinct {
    uint16_t exact; /* filled items; above DISTINCT_EXACT: registers are in use */
    union {
        uint32_t items[DISTINCT_EXACT]; /* the low halves of the hashes */
        uint8_t registers[HLL_SMALL];
    } as;
};

/* Counts `hash`; true: it was not there before. Above 32 a new one may give false. */
bool distinct_add(struct distinct *d, uint64_t hash);
uint64_t distinct_count(const struct distinct *d);

#endif
