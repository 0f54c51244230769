#ifndef SP_OS_POOL_H
#define SP_OS_POOL_H

/*
 * pool: a few threads that run plain blocking functions, and bring their end back to the loop.
 *
 * At most half of the workers run POOL_OUTBOUND jobs at a time: those that wait for another
 * server. The built-in identity provider answers from the same pool as the relying party that
 * calls it, so a pool full of waiting callers would wait for itself.
 */

#include "lib/base/error.h"

#include <stddef.h>

struct loop;
struct pool;

enum pool_kind { POOL_PLAIN, POOL_OUTBOUND };
enum { POOL_QUEUE_MAX = 1024 }; /* jobs that wait, of each kind */

/* `workers` 2 to 64. Borrows `loop` until pool_free.   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error pool_new(struct loop *loop, unsigned workers, struct pool **out);

/* Loop thread, while the loop does not run any more. Waits for the jobs under way; jobs that
 * still wait are not run, their `done` is. From here on pool_submit is SP_ERR_BUSY: whoever turns
 * the loop to its own end (lib/http/server) may still be asked for work. NULL is allowed. */
void pool_stop(struct pool *p);
/* The same where it was not stopped; then the memory. */
void pool_free(struct pool *p);

/*
 * Any thread. `work` runs on a worker, then `done` on the loop; `done` may be NULL.
 *   SP_ERR_BUSY  POOL_QUEUE_MAX jobs of this kind wait already, or the pool ends
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error pool_submit(struct pool *p, enum pool_kind kind, void (*work)(void *arg),
                             void (*done)(void *arg), void *arg);

size_t pool_waiting(struct pool *p); /* any thread; for metrics */

#endif
