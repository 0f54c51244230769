#ifndef SP_CONNECTOR_TESTS_H
#define SP_CONNECTOR_TESTS_H

/*
 * tests: the broker's app.test: an administrator asks whether an app answers from here. Each asks
 * for one probe; its result goes back on the channel that asked. Loop thread.
 */

#include "connector/probe.h"

#include "lib/channel/call.h"

struct tests;

enum { TESTS_MAX = 8 }; /* at one time */

/* Borrows what `room` points to until tests_free.   SP_ERR_NOMEM */
SP_MUST sp_error tests_new(const struct probe_room *room, struct tests **out);
void tests_free(struct tests *t); /* NULL is allowed */

/*
 * Answers the call `re` of `channel` when the probe is over. `now` is broker time.
 *   SP_ERR_BUSY  TESTS_MAX are under way, or the workers have no room
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error tests_ask(struct tests *t, struct channel *channel, int64_t re, struct sp_id app,
                           sp_unix_ms now);
/* The channel is gone: nobody waits for what is under way. */
void tests_forget(struct tests *t);

/* One probe of each app, a few at a time; the results are in the records. A round under way goes
 * on. For `doctor`. */
void tests_round(struct tests *t, sp_unix_ms now);
bool tests_round_runs(const struct tests *t);

#endif
