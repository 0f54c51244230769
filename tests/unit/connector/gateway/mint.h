#ifndef SP_TEST_GATEWAY_MINT_H
#define SP_TEST_GATEWAY_MINT_H

/* Signs tokens of any header and claims, also wrong ones, for tests. */

#include "lib/base/buf.h"
#include "lib/crypto/key.h"

/* "header.claims.signature" with the texts as they are; out is emptied before. */
void mint_jws(const struct key_secret *k, const char *header, const char *claims, struct buf *out);

/* The public key as a JWK, {"kty":…}. */
void mint_jwk(const struct key_secret *k, const char *kid, struct buf *out);

#endif
