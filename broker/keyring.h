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
 *
 * Rotation (PROTOCOL.md section 1) is done on the store of a stopped broker. The key before a new
 * one goes on for a while: an old identity key signs the `keys` statement along for 90 days, so
 * that edges move their pin; old grant and record keys stay in the statement, and an old cookie
 * key reads, for 10 minutes. A key that somebody else may have ends at once. The statement's epoch
 * rises with each rotation: no edge takes an older one.
 */

#include "broker/store/store.h"
#include "lib/base/buf.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"
#include "lib/crypto/secret.h"

enum keyring_key {
    KEYRING_IDENTITY = 0,
    KEYRING_GRANT,
    KEYRING_RECORD,
    KEYRING_COOKIE,
    KEYRING_KEYS
};

/* When each was made (0: with the installation), and until when the one before it goes on (0: there
 * is none, or it is over). */
struct keyring_times {
    int64_t epoch;
    sp_unix_ms since[KEYRING_KEYS], old_until[KEYRING_KEYS];
    bool sign_records; /* app records still carry the signature of the record key before */
};

struct keyring {
    struct secret *master; /* owned, as all below */
    struct key_secret *identity, *grant, *record;
    struct key_secret *identity_old, *grant_old, *record_old; /* NULL: none */
    struct secret *cookie, *cookie_old;                       /* cookie_old NULL: none */
    struct keyring_times times;
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

const char *keyring_word(enum keyring_key k); /* "identity", "grant", "record", "cookie" */
/* SP_ERR_NOT_FOUND: no such key, or one that is not rotated (pairwise, master) */
SP_MUST sp_error keyring_parse(struct view word, enum keyring_key *out);

/*
 * Makes a new key of the kind in one transaction with its audit record. `compromised`: the old one
 * is worth nothing from now on; of an identity key that means that every edge has to be enrolled,
 * or sign in, anew. Borrows `master`. Only where no broker runs on the store. errors of
 * keyring_load
 */
SP_MUST sp_error keyring_rotate(struct store *store, const struct secret *master,
                                enum keyring_key which, bool compromised);

/* The app records are signed with the new record key: nothing is due any more. */
SP_MUST sp_error keyring_signed(struct store *store, struct keyring *k);

#endif
