#ifndef SP_CRYPTO_P256_H
#define SP_CRYPTO_P256_H

/*
 * p256: NIST P-256 on wolfCrypt, for key.c, jwk.c and jwt.c. Keys in fixed-length forms, signatures
 * as r || s; nothing of wolfCrypt shows. Any thread.
 */

#include "lib/base/view.h"

enum { P256_BYTES = 32, P256_POINT_BYTES = 33, P256_SIGNATURE_BYTES = 64 };

/* A pair: the scalar, and the compressed point. SP_ERR_INTERNAL */
SP_MUST sp_error p256_new(uint8_t scalar[P256_BYTES], uint8_t point[P256_POINT_BYTES]);
/* SP_ERR_MALFORMED: 0 or not below the group's order. */
SP_MUST sp_error p256_public(const uint8_t scalar[P256_BYTES], uint8_t point[P256_POINT_BYTES]);

/* SP_ERR_MALFORMED: not on the curve, or a coordinate not below p. */
SP_MUST sp_error p256_expand(const uint8_t point[P256_POINT_BYTES], uint8_t x[P256_BYTES],
                             uint8_t y[P256_BYTES]);
SP_MUST sp_error p256_compress(const uint8_t x[P256_BYTES], const uint8_t y[P256_BYTES],
                               uint8_t point[P256_POINT_BYTES]);

SP_MUST sp_error p256_sign(const uint8_t scalar[P256_BYTES], const uint8_t sha256[32],
                           uint8_t signature[P256_SIGNATURE_BYTES]);
/* SP_ERR_SIGNATURE, also for r or s of 0 or beyond the order. */
SP_MUST sp_error p256_verify(const uint8_t point[P256_POINT_BYTES], const uint8_t sha256[32],
                             const uint8_t signature[P256_SIGNATURE_BYTES]);

#endif
