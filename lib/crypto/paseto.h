#ifndef SP_CRYPTO_PASETO_H
#define SP_CRYPTO_PASETO_H

/*
 * paseto: version 4 tokens (paseto-standard, docs/01-Protocol-Versions/Version4.md).
 *
 * v4.public  Ed25519 signature over PAE(header, message, footer, implicit assertion).
 * v4.local   XChaCha20 and keyed BLAKE2b, split keys from the nonce.
 * Version and purpose are constants of each function, never read from the token to choose
 * anything (JWT-1). Messages are bytes here; claims are lib/trust/claims.h. The reader is strict:
 * base64url without padding or spare bits, nothing around it.
 * Pure but for the nonce. Fuzzed by tests/fuzz/fuzz_paseto.c. Any thread.
 */

#include "lib/crypto/key.h"
#include "lib/crypto/secret.h"

enum { PASETO_TOKEN_MAX = 64 * 1024, PASETO_FOOTER_MAX = 256, PASETO_LOCAL_KEY_BYTES = 32 };

/*
 * Appends the token to `out`.
 *   SP_ERR_INVALID  `k` is no Ed25519 key
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  from `out`, which is then as it was
 */
SP_MUST sp_error paseto_sign(const struct key_secret *k, struct view message, struct view footer,
                             struct view implicit, struct buf *out);

/*
 * Appends the message, only after the signature was found right.
 *   SP_ERR_MALFORMED  not the form of v4.public, or over PASETO_TOKEN_MAX
 *   SP_ERR_SIGNATURE  other key, other implicit assertion, changed bytes; `k` no Ed25519 key
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error paseto_verify(const struct key_public *k, struct view token, struct view implicit,
                               struct buf *message);

/*
 * The footer of any v4 token, NOT yet verified: for choosing a key from a pinned set, nothing
 * else. Appends nothing when there is none.
 *   SP_ERR_MALFORMED
 *   SP_ERR_LIMIT      longer than PASETO_FOOTER_MAX
 */
SP_MUST sp_error paseto_footer(struct view token, struct buf *out);

/*
 * The message of a v4.public token, NOT verified: only for a first meeting, where the message names
 * the key that it is then verified with (lib/trust/keyset.h).
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error paseto_unverified(struct view token, struct buf *message);

/* Seals with a key of PASETO_LOCAL_KEY_BYTES. Errors as paseto_sign. */
SP_MUST sp_error paseto_seal(const struct secret *k, struct view message, struct view footer,
                             struct view implicit, struct buf *out);
/* The same with a given nonce: for the published vectors, not for the product. */
SP_MUST sp_error paseto_seal_with_nonce(const struct secret *k, const uint8_t nonce[32],
                                        struct view message, struct view footer,
                                        struct view implicit, struct buf *out);

/*
 * Appends the message.
 *   SP_ERR_MALFORMED  not the form of v4.local, or over PASETO_TOKEN_MAX
 *   SP_ERR_INTEGRITY  other key, other implicit assertion, changed bytes; key of another length
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error paseto_open(const struct secret *k, struct view token, struct view implicit,
                             struct buf *message);

/* The pre-authentication encoding, appended to `out`; what edges sign, too (lib/trust/proof.h). */
void paseto_pae(struct buf *out, const struct view parts[], size_t count);

#endif
