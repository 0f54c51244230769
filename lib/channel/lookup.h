#ifndef SP_CHANNEL_LOOKUP_H
#define SP_CHANNEL_LOOKUP_H

/*
 * lookup: a name to addresses on a worker, so that the loop does not wait for the resolver. A part
 * of dialer.c. Loop thread.
 */

#include "lib/os/resolve.h"

struct lookup;
struct pool;

/* The one end, from the loop; `found` is borrowed for the call. */
typedef void lookup_ended(void *arg, sp_error e, const struct address *found, size_t count);

/* Borrows `arg`. SP_ERR_INVALID (host too long), SP_ERR_BUSY, SP_ERR_NOMEM */
SP_MUST sp_error lookup_start(struct pool *pool, const char *host, uint16_t port,
                              lookup_ended *ended, void *arg, struct lookup **out);
/* `ended` will not run. NULL is allowed. */
void lookup_cancel(struct lookup *k);

#endif
