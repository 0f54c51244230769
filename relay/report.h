#ifndef SP_RELAY_REPORT_H
#define SP_RELAY_REPORT_H

/*
 * report: what the brokers hear of us: who stands here, which sessions live, what they moved, how
 * busy we are (PROTOCOL section 8). Sends through control.c; loop thread.
 */

#include "lib/channel/call.h"
#include "lib/proto/relay.h"
#include "relay/relay.h"

SP_MUST sp_error report_new(struct relay *relay, struct report **out);
void report_free(struct report *r);

/* A broker's channel is open: boot, the whole live list, who stands here; deltas from here on.
 * NULL: it is gone. */
void report_attach(struct report *r, struct channel *c);

/* Called by pair.c and stand.c. Batched for at most 100 ms. `e` is copied but for its views,
 * which are too. */
void report_opened(struct report *r, const struct live_entry *e);
void report_closed(struct report *r, const struct live_closed *e);
void report_stands_changed(struct report *r);

#endif
