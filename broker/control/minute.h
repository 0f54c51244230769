#ifndef SP_CONTROL_MINUTE_H
#define SP_CONTROL_MINUTE_H

/* minute: how much of something a peer may bring in a minute. Pure; the owner locks. */

#include "lib/base/clock.h"

#include <stddef.h>

struct minute {
    sp_boot_ms since; /* zero is a fresh one */
    unsigned taken;
};

/* Takes `more`; false, and nothing is taken: there would be more than `max` in this minute. */
bool minute_takes(struct minute *m, sp_boot_ms now, size_t more, unsigned max);

#endif
