#ifndef SP_CONNECTOR_COURIER_H
#define SP_CONNECTOR_COURIER_H

/*
 * courier: brings records to the broker's audit log, in order, each once (PROTOCOL section 5,
 * "audit.batch"). What it is given waits in memory until a worker has written it to the spool;
 * from there one batch at a time goes to the broker, the next when that one is durable there. What
 * the broker did not acknowledge is said again over the next channel, under the same numbers, so
 * that the broker knows it.
 *
 * Nothing here waits for the disk or the broker. Where the disk takes nothing, records go to the
 * broker from memory. Loop thread.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"
#include "lib/base/why.h"

struct channel;
struct courier;
struct loop;
struct pool;

enum {
    COURIER_WAITING_MAX = 1024,
    COURIER_WAITING_BYTES = 1024 * 1024,
    COURIER_AGAIN_MS = 1000, /* after a batch that the broker could not take, or a full disk */
    COURIER_TIGHT_PERCENT = 45
};

struct courier_options {
    struct loop *loop;  /* borrowed until courier_free, as all pointers here */
    struct pool *pool;  /* writes and reads the spool */
    const char *folder; /* of the spool */
    int64_t max;        /* bytes of it */
};

/*   what spool_open says; blocks: it reads what an earlier start left */
SP_MUST sp_error courier_new(const struct courier_options *o, struct sp_why *why,
                             struct courier **out);
/* After its channel; what waits in memory is written first, unless a worker is at it: then when
 * that one ends (pool_free). NULL is allowed. */
void courier_free(struct courier *c);

/* The broker's channel, which is open; what waits goes out. NULL: there is none now. */
void courier_channel(struct courier *c, struct channel *channel);

/*
 * The text of a record (edge_audit as JSON); copies it.
 *   SP_ERR_LIMIT  COURIER_WAITING_MAX or COURIER_WAITING_BYTES wait already
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error courier_put(struct courier *c, struct view text);

struct courier_facts {
    int64_t waiting; /* records that the broker has not acknowledged, as far as it is known */
    int64_t bytes, bytes_max; /* of the spool */
    sp_unix_ms oldest;        /* when the oldest was made; 0: none waits */
    int64_t unread;           /* bytes of the spool that were damaged */
    int64_t dropped;          /* records that found no room, since the start */
    sp_error disk;            /* of the last write: SP_OK, SP_ERR_FULL, … */
    /* COURIER_TIGHT_PERCENT of the spool or of the memory is used, or the disk takes nothing: no
     * new session may begin, so that those that run keep their room (GATEWAY section 13). */
    bool tight;
};
void courier_look(const struct courier *c, struct courier_facts *out);

#endif
