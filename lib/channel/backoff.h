#ifndef SP_CHANNEL_BACKOFF_H
#define SP_CHANNEL_BACKOFF_H

/*
 * backoff: how long an edge waits before it dials again. A part of dialer.c.
 *
 * Full jitter: random in LEAST..min(MAX, FIRST << failures). While somebody waits for the channel
 * no wait is over EAGER: that is so until `eager_until`, which a loss and a person's request move.
 * A zeroed struct has not failed yet and nobody waits. Any thread.
 */

#include "lib/base/clock.h"

enum {
    BACKOFF_LEAST_MS = 100,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MAX_MS = 60 * 1000,
    BACKOFF_EAGER_MS = 1000 /* the longest wait while somebody waits */
};

struct backoff {
    unsigned failures;      /* in a row */
    sp_boot_ms eager_until; /* 0: nobody waits */
};

/* The wait before the next try, in ms; counts one failure. */
int64_t backoff_next(struct backoff *b, sp_boot_ms now);
/* Somebody waits until then; an earlier time changes nothing. */
void backoff_hurry(struct backoff *b, sp_boot_ms until);

#endif
