#ifndef SP_TUNNEL_MASK_H
#define SP_TUNNEL_MASK_H

/*
 * mask: RFC 6455 5.3, in place, as fast as memory. A 64-bit loop is not vectorised by gcc at -O2
 * and was a quarter of all CPU on the path; GCC vector extensions run at 80 GB/s.
 */

#include <stddef.h>
#include <stdint.h>

/* `at[i] ^= key[(phase + i) % 4]`. `phase` is the payload offset of at[0]. */
void mask_apply(uint8_t *at, size_t len, const uint8_t key[4], uint64_t phase);

#endif
