#ifndef SP_STORE_SEALED_H
#define SP_STORE_SEALED_H

/*
 * sealed: the broker's own secrets in the store: made once, kept sealed under a subkey of the
 * master key, with the secret's name as associated data (HRD-15).
 *
 * Of two brokers that start at once on one store both end with the same secret. Worker threads,
 * and main before there are any. Errors besides those listed: the store's, SP_ERR_NOMEM.
 */

#include "broker/store/store.h"
#include "lib/base/buf.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/key.h"
#include "lib/crypto/secret.h"

enum { SEALED_BYTES_MAX = 1024 };

/*
 * Appends the secret called `name` to `out`, which the caller wipes; where none is stored,
 * `fresh` becomes it.
 *   SP_ERR_INTEGRITY  sealed under another master key, or under another name
 */
SP_MUST sp_error sealed_load(struct store *store, const struct aead_key *key, const char *name,
                             struct view fresh, struct buf *out);

/* Appends it; what is not there is not made.   SP_ERR_NOT_FOUND, SP_ERR_INTEGRITY */
SP_MUST sp_error sealed_read(struct store *store, const struct aead_key *key, const char *name,
                             struct buf *out);

/* A signing key of `kind`, and `len` random bytes (at most 64), the same way. */
SP_MUST sp_error sealed_key(struct store *store, const struct aead_key *key, const char *name,
                            enum key_kind kind, struct key_secret **out);
SP_MUST sp_error sealed_random(struct store *store, const struct aead_key *key, const char *name,
                               size_t len, struct secret **out);

#endif
