#ifndef SP_BROKER_OPS_FEEDS_H
#define SP_BROKER_OPS_FEEDS_H

/*
 * ops_feeds: how the posture feeds stand, as a line of /readyz?verbose and as metrics. Any thread.
 */

#include "broker/feeds/feeds.h"

/* "ok", "none", or which fail: "crowdstrike fails since 2026-…". Cut where `size` ends. */
void ops_feeds_text(struct feeds *f, char *out, size_t size);
/* sallyport_feed_up, _joined, _not_joined, _age_seconds by feed. Appends. */
void ops_feeds(struct buf *out, struct feeds *f);

#endif
