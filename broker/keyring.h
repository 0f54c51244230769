#ifndef SP_BROKER_KEYRING_H
#define SP_BROKER_KEYRING_H

/*
 * keyring: the broker's own keys. The master key is a file of mode 0600 in the state folder (or a
 * systemd credential); everything else is sealed under it in the store.
 *
 *   identity  Ed25519, one an installation; its fingerprint is what people compare
 *   grant     Ed25519, signs grants
 *   record    Ed25519, signs app records, stands, identity statements
 *   cookie    32 bytes, seals logins in progress (v4.local)
 *   pairwise  32 bytes, makes a user's id at one site
 * Made at the first start. Main thread; afterwards read by any.
 */

#include "broker/store/store.h"
#include "lib/base/buf.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"
#include "lib/crypto/secret.h"

struct keyring {
    struct secret *master; /* owned, as all below */
    struct key_secret *identity, *grant, *record;
    struct secret *cookie;
    uint8_t pairwise[32];
    struct buf keys; /* the `keys` statement that every edge gets */
};

enum { KEYRING_MASTER_BYTES = 32 };

/* Reads the master key, or makes it where `make` is true and there is none.
 *   SP_ERR_NOT_FOUND, SP_ERR_PERMISSION, SP_ERR_MALFORMED; `why` says which file */
SP_MUST sp_error keyring_master(const char *state, bool make, struct secret **out,
                                struct sp_why *why);

/*
 * Takes `master`, also when it fails. Free with keyring_deinit in every case.
 *   SP_ERR_INTEGRITY  the store's keys are sealed under another master key
 *   the store's errors, SP_ERR_NOMEM
 */
SP_MUST sp_error keyring_load(struct store *store, struct secret *master, struct keyring *out);
void keyring_deinit(struct keyring *k);

#endif
