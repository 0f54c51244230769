#ifndef SP_TESTS_CRYPTO_VECTORS_H
#define SP_TESTS_CRYPTO_VECTORS_H

/* Reads tests/vectors/NAME and hex members, for the tests of this folder. A failure ends the test.
 */

#include "lib/base/json.h"

struct json *vectors_load(const char *name); /* the caller frees it */
/* Bytes of a hex member into a buf of the caller's, which is reset first. */
struct view vectors_hex(const struct json *object, const char *member, struct buf *out);

#endif
