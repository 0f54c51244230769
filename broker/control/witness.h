#ifndef SP_CONTROL_WITNESS_H
#define SP_CONTROL_WITNESS_H

/*
 * witness: what a connector saw and the audit log must hold. Its word counts for itself only
 * (TM-03, INC-14): the record names the connector as the actor, and a person only where the session
 * runs, or ran a while ago, over it. Worker threads.
 */

#include "broker/audit/chain.h"
#include "broker/control/control_internal.h"
#include "broker/session/live.h"
#include "lib/proto/session.h"

/* One record, ready for a transaction. A zeroed one says nothing. */
struct testimony {
    struct audit_record record; /* borrows from here and from the snapshot */
    struct session session;     /* zero: it is not the connector's, or not known */
    char text[EDGE_AUDIT_TEXT_MAX + 1];
    struct buf detail; /* owned */
    bool is_incident;
    struct incident_row incident; /* borrows body */
    struct buf body;              /* owned */
};

/* false: an action that this broker does not know. `snapshot` is borrowed until witness_end. */
bool witness_hear(struct turn *t, const struct snapshot *snapshot, const struct edge_audit *m,
                  struct testimony *out);
/* Into the log, and an incident to the others. Errors of the store. */
SP_MUST sp_error witness_keep(struct store_tx *tx, const struct store_services *s,
                              const struct testimony *w);
void witness_end(struct testimony *w); /* a zeroed one may be ended */

#endif
