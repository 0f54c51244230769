#include "lib/tunnel/mask.h"

#include <string.h>

/* 32 bytes: one AVX2 register, two SSE2 ones; gcc lowers it to whatever the clone has. */
typedef uint8_t vec __attribute__((vector_size(32), aligned(1), may_alias));

/* The dynamic loader asks which clone it should be before ThreadSanitizer is up: one only there. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(SP_SANITIZE_THREAD)
#define MASK_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define MASK_CLONES
#endif

/* `len` is a multiple of 128. Four registers a turn keep the loads ahead of the stores. */
MASK_CLONES static void mask_blocks(uint8_t *at, size_t len, const uint8_t pattern[32])
{
    vec k;

    memcpy(&k, pattern, sizeof k);
    for (size_t i = 0; i < len; i += 4 * sizeof k) {
        vec *v = (vec *)(void *)(at + i);
        v[0] ^= k;
        v[1] ^= k;
        v[2] ^= k;
        v[3] ^= k;
    }
}

void mask_apply(uint8_t *at, size_t len, const uint8_t key[4], uint64_t phase)
{
    uint8_t pattern[32];
    size_t blocks = len & ~(size_t)127;

    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = key[(phase + i) & 3];
    mask_blocks(at, blocks, pattern);
    for (size_t i = blocks; i < len; i++)
        at[i] ^= pattern[i & 31];
}
