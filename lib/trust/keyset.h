#ifndef SP_TRUST_KEYSET_H
#define SP_TRUST_KEYSET_H

/*
 * keyset: the `keys` statement: which broker keys are good for what, and until when.
 *
 * Form      one v4.public token signed by the installation's identity key; while the identity
 *           key changes, two tokens over the same claims, joined by one space: signed by the old
 *           key and by the new one (PROTOCOL section 1).
 * Made by   a broker.                                       keyset_mint(), mint.h
 * Read by   every edge, against the identity key in its state; it keeps `identity` and `epoch`
 *           of the result there, durably, before it uses the set.
 * Epochs only rise: a lower one is a replay of an old set. The same epoch is taken again.
 * Pure. Any thread. A zeroed keyset knows no key.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/crypto/key.h"

enum { KEYSET_MAX = 16 * 1024, KEYSET_KEYS_MAX = 32 };

enum keyset_purpose { KEYSET_NOTHING = 0, KEYSET_IDENTITY, KEYSET_GRANT, KEYSET_RECORD };

struct keyset_key {
    enum keyset_purpose purpose;
    struct key_public key;  /* Ed25519 */
    sp_unix_ms from, until; /* valid in from..until */
};

struct keyset {
    int64_t epoch; /* from 1 */
    sp_unix_ms issued;
    struct key_public identity; /* the key to pin from now on */
    size_t count;
    struct keyset_key keys[KEYSET_KEYS_MAX];
};

/*
 * `pinned` is the identity key that the edge knows, `epoch` the highest it has seen (0: none).
 *   SP_ERR_LIMIT      longer than KEYSET_MAX, more than KEYSET_KEYS_MAX keys
 *   SP_ERR_MALFORMED  form, claims; not exactly one identity key; two tokens that differ
 *   SP_ERR_SIGNATURE  no token is signed by `pinned`, or the new identity key has not signed
 *   SP_ERR_REPLAY     epoch lower than `epoch`
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error keyset_read(struct view text, const struct key_public *pinned, int64_t epoch,
                             struct keyset *out);

/*
 * First meeting: the identity key that the statement itself names, signature checked. The caller
 * compares its fingerprint with what came out of band (enrol.h), or says that it trusts on first
 * use. Errors as keyset_read.
 */
SP_MUST sp_error keyset_read_first(struct view text, struct keyset *out);

/*
 * The key that a statement's footer names, if the set has it for this purpose at `now`.
 * Borrowed from `s`.
 *   SP_ERR_MALFORMED  no kid in the token
 *   SP_ERR_SIGNATURE  no such key for this purpose
 *   SP_ERR_EXPIRED    the key's time is over, or has not begun
 */
SP_MUST sp_error keyset_signer(const struct keyset *s, struct view token,
                               enum keyset_purpose purpose, sp_unix_ms now,
                               const struct key_public **out);

#endif
