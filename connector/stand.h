#ifndef SP_CONNECTOR_STAND_H
#define SP_CONNECTOR_STAND_H

/*
 * stand: where this connector stands: for each relay that a broker named, a standing channel,
 * the spare tunnels that the relay's tickets allow, and the grants that come down (PROTOCOL §6).
 *
 * A lost channel is dialled again with full jitter; its waiting spares end with it, sessions go
 * on. Loop thread.
 */

#include "connector/session.h"

#include "lib/http/proxy.h"
#include "lib/proto/registry.h"
#include "lib/proto/relay.h"

struct stands;

enum { STANDS_LIMIT = 3, STAND_SPARES_MAX = TICKETS_MAX, STAND_DIAL_MS = 10 * 1000 };

struct stands_options {
    struct loop *loop; /* borrowed until stands_free, as all pointers here */
    struct pool *pool;
    const struct proxy_env *proxy; /* NULL: direct */
    const struct key_secret *key;
    const struct sp_id *id; /* of this connector */
    bool cut_through;       /* offer it */
    struct sessions *sessions;
    struct tell *tell; /* as sessions_options.tell */
    const struct records *records;
    const struct keyset *keys;
    const struct floor *const *floor;
    sp_unix_ms (*broker_time)(void *arg);
    void (*changed)(void *arg); /* stands_report has something new */
    void *arg;
};

/*   SP_ERR_NOMEM, SP_ERR_TLS */
SP_MUST sp_error stands_new(const struct stands_options *o, struct stands **out);
void stands_free(struct stands *s); /* NULL is allowed */

/*
 * Stands at the relay of `p`, or renews the statement there.
 *   SP_ERR_INVALID  no address, or no key hash
 *   SP_ERR_FULL     STANDS_LIMIT relays
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error stands_put(struct stands *s, const struct stand_put *p);
/* Tells the relays that a session was cut here, and why: a bare tunnel can't say it. */
void stands_cut(struct stands *s, struct sp_id session, const char *why);
void stands_drop(struct stands *s, struct sp_id relay);

/* No new sessions: `open` is refused, waiting spares go. */
void stands_drain(struct stands *s);

/* Spares that are dialled from now on offer cut-through, or don't. */
void stands_offer(struct stands *s, bool cut_through);

/* Relays stood at, for stand.at. */
void stands_report(const struct stands *s, struct stand_at *out);

#endif
