#ifndef SP_CONNECTOR_REFUSALS_H
#define SP_CONNECTOR_REFUSALS_H

/*
 * refusals: which of a session's refused requests become records of their own: a burst of
 * REFUSALS_BURST, and REFUSALS_A_SECOND for good. Of what is refused beyond that, the last of each
 * second becomes one, which says how many had none (`left_out`).
 *
 * The broker takes so many records a minute of a connector (lib/proto/session.h). A person who is
 * refused faster would fill the spool, and a full one ends the new sessions of everybody. Every
 * refusal is counted in the ledger all the same. Loop thread.
 */

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/proto/session.h"

enum {
    REFUSALS_A_SECOND = 10,
    REFUSALS_BURST = 600,
    REFUSALS_SESSIONS_MAX = 16384 /* beyond it each one is a record */
};

struct refusals {
    struct map by_session; /* struct refused, owned */
};

/* A zeroed one is empty. Nothing is told any more. */
void refusals_deinit(struct refusals *r);

/* true: `a` is told now. Else a copy of it is kept; its `why` and `text` are borrowed for good, its
 * detail has one more owner. */
bool refusals_take(struct refusals *r, const struct edge_audit *a, sp_boot_ms now);

/* Once a second while it has something: tells what was kept, with `left_out` in its detail.
 * false: it is empty, and need not be asked until something is taken again. */
bool refusals_tell(struct refusals *r, sp_boot_ms now,
                   void (*tell)(void *arg, const struct edge_audit *a), void *arg);

#endif
