#ifndef SP_IDP_KEYS_H
#define SP_IDP_KEYS_H

/*
 * keys: the built-in provider's own secrets, made at its first start and kept sealed in the store.
 *
 *   signing  P-256, signs ID tokens as ES256
 *   seal     32 bytes, seals what the provider gives out to get back: form state, code, access
 *            token (PASETO v4.local, each kind with its own implicit assertion)
 *   client   the secret of its one client, the broker's relying party
 */

#include "broker/store/store.h"
#include "lib/crypto/key.h"
#include "lib/crypto/secret.h"

struct idp_keys {
    struct key_secret *signing; /* owned */
    struct secret *seal;        /* owned */
    struct secret *client;      /* owned: text of 43 base64url characters */
};

/*
 * Loads them, or makes and keeps them; of two brokers that start at once both end with the same.
 * Borrows for the call. On SP_OK free `out` with idp_keys_deinit.
 *   SP_ERR_INTEGRITY  sealed under another master key
 *   the store's errors, SP_ERR_NOMEM
 */
SP_MUST sp_error idp_keys_load(struct store *store, const struct secret *master,
                               struct idp_keys *out);
void idp_keys_deinit(struct idp_keys *k);

#endif
