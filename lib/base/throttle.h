#ifndef SP_BASE_THROTTLE_H
#define SP_BASE_THROTTLE_H

/*
 * throttle: failures by name, in a table of fixed size. A full table forgets the entry whose lock
 * ends first: an attacker with many names spends memory of nobody.
 *
 * Pure but for its own memory; the owner locks. Times on the boot clock.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"

enum {
    THROTTLE_SLOTS = 1024,
    THROTTLE_FREE = 5, /* failures without a wait */
    THROTTLE_FIRST_MS = 30 * 1000,
    THROTTLE_MOST_MS = 60 * 60 * 1000,
    THROTTLE_FORGET_MS = 60 * 60 * 1000 /* after the last failure */
};

struct throttle {
    struct {
        uint64_t name; /* hash; 0: empty */
        unsigned fails;
        sp_boot_ms last, until;
    } slots[THROTTLE_SLOTS];
};

/* `name` is hashed by the caller with a key of the process (no one can aim at a slot). */
bool throttle_locked(const struct throttle *t, uint64_t name, sp_boot_ms now);
void throttle_failed(struct throttle *t, uint64_t name, sp_boot_ms now);
void throttle_passed(struct throttle *t, uint64_t name);

/* How long the n-th failure in a row locks; 0 within the free ones. */
int64_t throttle_wait(unsigned fails);

#endif
