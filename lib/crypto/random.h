#ifndef SP_CRYPTO_RANDOM_H
#define SP_CRYPTO_RANDOM_H

/*
 * random: unpredictable bytes from the kernel's generator (libsodium over getrandom).
 *
 * No call can fail: a kernel without randomness ends the process. Any thread; no set-up needed.
 */

#include "lib/base/id.h"

void random_bytes(uint8_t *out, size_t len);

/* The version of the library behind this room: "1.0.18". For `version`. Any thread. */
const char *crypto_library(void);

/* A fresh name. Never zero. */
struct sp_id random_id(void);

/* Even over 0 .. bound - 1, for jitter and choices; 0 for a bound of 0. */
uint64_t random_below(uint64_t bound);

#endif
