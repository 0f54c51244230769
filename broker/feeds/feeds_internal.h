#ifndef SP_FEEDS_FEEDS_INTERNAL_H
#define SP_FEEDS_FEEDS_INTERNAL_H

/*
 * feeds_internal: what feeds.c (life, thread, views), account.c (what an administrator changes)
 * and sync.c (an answer becomes values) share. Only they include it.
 */

#include "broker/audit/chain.h"
#include "broker/feeds/feeds.h"
#include "lib/crypto/aead.h"

#include <pthread.h>

/* One vendor. Its secret is replaced by whoever holds its turn only, who therefore may use it
 * without the lock. */
struct slot {
    bool there, busy, again;        /* again: asked for while a call was under way */
    struct feed_row row;            /* without its secret */
    struct secret *secret;          /* owned */
    sp_unix_ms not_before;          /* the vendor asked for this wait */
    size_t not_joined;              /* of the last good answer */
    struct feed_unjoined *unjoined; /* owned; the first of them */
    size_t unjoined_count;
};

struct feeds {
    struct store *store; /* borrowed */
    const struct store_services *services;
    struct judge *judge;   /* borrowed */
    struct aead_key *key;  /* owned */
    struct client *client; /* owned */
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a turn ended, something is due, the end */
    pthread_t thread;
    bool started, ending;
    struct slot slots[FEED_VENDORS];
};

/* Under the lock, which is let go while it waits. The turn is the caller's until turn_end().
 *   SP_ERR_BUSY  not within FEED_TURN_MS, or the broker ends */
SP_MUST sp_error turn_begin(struct feeds *f, enum feed_vendor v);
void turn_end(struct feeds *f, enum feed_vendor v);

bool feeds_ending(void *feeds); /* feed_pull.stop */
void slot_account(const struct slot *s, enum feed_vendor v, struct feed_account *out);
void slot_view(const struct slot *s, enum feed_vendor v, struct feed_view *out);

/* account.c: opens the secret of a stored row.   SP_ERR_INTEGRITY, SP_ERR_NOMEM */
SP_MUST sp_error account_open(struct feeds *f, const struct feed_row *row, struct secret **out);

/* sync.c: asks the vendor whose turn the caller has and keeps what came of it. */
void sync_run(struct feeds *f, enum feed_vendor v);

#endif
