#ifndef SP_RELAY_ORPHAN_H
#define SP_RELAY_ORPHAN_H

/*
 * orphan: a leg that nobody wants any more and that still has to say so: it is refused or closed,
 * and freed when its last words are out. Loop thread.
 */

#include "relay/relay.h"

/* Both take `leg`. `code` as in leg_refuse, `reason` as in leg_close. */
void orphan_refuse(struct relay *relay, struct leg *leg, unsigned status, const char *code);
void orphan_close(struct relay *relay, struct leg *leg, unsigned code, const char *reason);
/* Whoever is not done yet closes without them. */
void orphans_free(struct relay *relay);

#endif
