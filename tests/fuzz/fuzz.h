/*
 * fuzz: the one function that a fuzz target defines.
 *
 * A target feeds `data` to one parser and asserts what the parser's header promises (abort() is a
 * finding). It keeps nothing between two calls. libFuzzer calls it, or replay.c with the corpus.
 */
#ifndef SP_FUZZ_FUZZ_H
#define SP_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always returns 0. `data` is borrowed for the call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
