#ifndef SP_CRYPTO_AEAD_H
#define SP_CRYPTO_AEAD_H

/*
 * aead: sealing at rest (HRD-15, OTP-8): XChaCha20-Poly1305 with a version and associated data.
 *
 * Form   version 0x01 || 24 random bytes || ciphertext || 16-byte tag. The version byte is part
 *        of the associated data.
 * Keys   one master secret of 32 bytes (file, systemd credential); a subkey for each table, by
 *        keyed BLAKE2b over the table's name, so that no row of one table opens in another.
 * AAD    says where the row belongs: `user | row | version` as aead_aad() joins it, so that
 *        swapped rows fail to open.
 * Any thread.
 */

#include "lib/crypto/secret.h"

enum { AEAD_MASTER_BYTES = 32, AEAD_OVERHEAD = 1 + 24 + 16 };

struct aead_key;

/*
 * Derives the subkey of `table`. Borrows `master` for the call.
 *   SP_ERR_INVALID  master has not AEAD_MASTER_BYTES, or the name is empty
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error aead_key_derive(const struct secret *master, const char *table,
                                 struct aead_key **out);
void aead_key_free(struct aead_key *k); /* NULL is fine */

/* Appends len(part) as 8 bytes, then the part, for each: no two lists of parts give one AAD. */
void aead_aad(struct buf *out, const struct view parts[], size_t count);

/*   SP_ERR_LIMIT, SP_ERR_NOMEM  from `out`, which is then as it was */
SP_MUST sp_error aead_seal(const struct aead_key *k, struct view aad, struct view plain,
                           struct buf *out);

/*
 * Appends the plaintext; the caller wipes it when it was a secret.
 *   SP_ERR_MALFORMED  shorter than AEAD_OVERHEAD
 *   SP_ERR_VERSION    another version byte
 *   SP_ERR_INTEGRITY  other key, other AAD, or changed bytes
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error aead_open(const struct aead_key *k, struct view aad, struct view sealed,
                           struct buf *out);

#endif
