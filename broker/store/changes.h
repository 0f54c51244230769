#ifndef SP_STORE_CHANGES_H
#define SP_STORE_CHANGES_H

/*
 * changes: follows the change log for whoever must know (SCALE.md "Fan-out", 2).
 *
 * One thread of its own: woken by the lane after a commit of this broker (SQLite: nothing polls),
 * by a 250 ms tick where several brokers share the store. Each scope's rows come in order, each row
 * once. Listeners take turns in the order in which they were added: each has all rows of a look,
 * and has settled, before the next one sees the first. So whoever acts on a change finds the
 * snapshots of those before it renewed.
 */

#include "broker/store/store.h"

struct changes;

/* A NULL function is not called. */
struct changes_listener {
    /* A batch of rows came: called for each row, then `settled` once. Follower's thread. */
    void (*row)(void *arg, const struct change_row *row);
    void (*settled)(void *arg);
    /* Rows were lost (log pruned, epoch changed, heads went back): load everything anew. */
    void (*reload)(void *arg);
    void *arg;
};

enum { CHANGES_LISTENERS_MAX = 8, CHANGES_TICK_MS = 250 };

/* Stands at the log's present end. `ticking`: several brokers share the store. */
SP_MUST sp_error changes_new(struct store *st, bool ticking, struct changes **out);
/* Before changes_start. Copies `l`. SP_ERR_LIMIT */
SP_MUST sp_error changes_listen(struct changes *c, const struct changes_listener *l);
SP_MUST sp_error changes_start(struct changes *c);
/* Ends the thread. Before store_close. NULL is fine. */
void changes_free(struct changes *c);

/* Waits until everything that was committed before the call has been given to all listeners.
 * Workers and tests. SP_ERR_TIMEOUT after `ms`. */
SP_MUST sp_error changes_wait(struct changes *c, int64_t ms);

#endif
