#ifndef SP_GATEWAY_KEYRING_H
#define SP_GATEWAY_KEYRING_H

/*
 * keyring: the key sets of an app's issuers, fetched when they are needed and kept.
 *
 * A set is fresh for KEYRING_FRESH_MS. Then it is fetched anew beside the requests, which go on
 * with the old one; only the first fetch lets requests wait. An unknown kid fetches at once, at
 * most every KEYRING_AGAIN_MS. While the issuer can't be reached, the last good set serves on for
 * KEYRING_STALE_MS beyond its freshness; a set without a usable key replaces none. A failed fetch
 * is not repeated within KEYRING_RETRY_MS. The broker never supplies keys: `jwks_uri` only of
 * hosts that the floor lists, or `jwks_file` on this machine.
 * Loop thread; the fetches run on the pool.
 */

#include "connector/gateway/outside.h"
#include "lib/crypto/jwk.h"
#include "lib/gateway/config.h"

enum {
    KEYRING_FRESH_MS = 10 * 60 * 1000,
    KEYRING_STALE_MS = 60 * 60 * 1000,
    KEYRING_AGAIN_MS = 30 * 1000,
    KEYRING_RETRY_MS = 5 * 1000
};

struct keyring;

/* Borrows `conf` until keyring_free, copies `outside`.   SP_ERR_NOMEM */
SP_MUST sp_error keyring_new(const struct gwconf *conf, const struct outside *outside,
                             struct keyring **out);
/* Who still waits is woken. NULL is allowed. */
void keyring_free(struct keyring *k);

enum keyring_answer {
    KEYRING_DOWN = 0, /* no keys, and none to be had now; keyring_why says more */
    KEYRING_COMING,   /* wait: keyring_wait */
    KEYRING_HERE
};

/* The keys of issuer `i` of conf->oauth, borrowed until the loop turns. */
enum keyring_answer keyring_get(struct keyring *k, size_t i, sp_boot_ms now,
                                const struct jwks **keys);
/* A token's kid is not in them. KEYRING_COMING: wait, then verify again; KEYRING_HERE: they were
 * just fetched, so the token is not good. */
enum keyring_answer keyring_again(struct keyring *k, size_t i, sp_boot_ms now);

/* After KEYRING_COMING; `w` may be cancelled. */
void keyring_wait(struct keyring *k, size_t i, struct waiter *w);

/* How the last fetch failed; "" when it did not. Never names a secret. */
const char *keyring_why(const struct keyring *k, size_t i);

#endif
