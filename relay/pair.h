#ifndef SP_RELAY_PAIR_H
#define SP_RELAY_PAIR_H

/*
 * pair: sessions: an agent's leg with its grant, a connector's spare, and the bytes between them.
 *
 * The grant is checked here, offline: form, signature, this relay and its start, time, not spent,
 * the connector stands here (PROTOCOL section 3). Frames go through forward.c, bare directions
 * through splice_linux.c. Looks into no byte. Loop thread.
 */

#include "lib/proto/relay.h"
#include "relay/relay.h"

SP_MUST sp_error pairs_new(struct relay *relay, struct pairs **out);
void pairs_free(struct pairs *p);

/* A leg that asked for /tunnel with a grant: takes it. */
void pairs_open(struct pairs *p, struct leg *leg, const struct upgrade_request *r);

/* Which sessions a cut means; unset members match all, but at least one is set. */
struct pair_selector {
    struct sp_id session, app, user, connector;
    struct key_public device;
};
/* Ends them with 4403 `why` in frames and RST when bare; a session that is not here is refused
 * for 60 s, so that a cut overtakes an opening. Returns how many were live; `*ms` is the time
 * since the last byte of the latest of them. */
int64_t pairs_cut(struct pairs *p, const struct pair_selector *which, const char *why, int64_t *ms);

/* The connector refused the session's `open`. */
void pairs_refused(struct pairs *p, struct sp_id session, const char *code);
/* A new deadline of a live session, in broker time. */
void pairs_limit(struct pairs *p, struct sp_id session, sp_unix_ms deadline);

size_t pairs_count(const struct pairs *p);
uint64_t pairs_bytes(const struct pairs *p); /* moved in all, ended pairs too */

/* Every live session, for live.list and live.delta; the entry is borrowed for the call. */
void pairs_each(const struct pairs *p, void (*fn)(void *arg, const struct live_entry *e),
                void *arg);

#endif
