#ifndef SP_CONNECTOR_ADMIT_H
#define SP_CONNECTOR_ADMIT_H

/*
 * admit: may this grant open a session here? The connector's own answer, from its own facts; the
 * relay's and the broker's word alone open nothing.
 *
 * Gather (control, records, floor), decide (here), act (session.c): admit() changes nothing but
 * the set of spent ids, and that last, so that a refused grant is not spent by its refusal.
 */

#include "connector/floor.h"
#include "connector/records.h"

#include "lib/trust/grant.h"
#include "lib/trust/once.h"

/* What the connector knows at the moment when `open` came. A zeroed one admits nothing. */
struct admit_facts {
    const struct keyset *keys;
    struct key_public own; /* this connector's key */
    struct sp_id relay;    /* that sent `open`: a grant for another relay is not its to hand on */
    sp_unix_ms now;        /* broker time; 0: not known, nothing is admitted */
    const struct records *records;
    const struct floor *floor;
    const struct map *cut; /* sessions that were cut a moment ago; any value: cut */
    bool draining;
    bool audit_tight; /* what a new session does might find no room to be recorded */
};

struct admitted {
    struct grant grant;
    struct sp_id session;
    unsigned streams;    /* at most, a tunnel */
    sp_unix_ms deadline; /* the earliest of grant, record and floor */
};

/*
 * Checks, in this order, and fills `out` on NULL:
 *   "draining"  the connector takes no new sessions
 *   "policy"    form, signature, connector, time, or relay of the grant
 *   "audit"     records wait on the disk, too many for a new session (GATEWAY section 13)
 *   "killed"    the session was cut within the last minute
 *   "record"    no app record for the grant's app
 *   "floor"     the floor can't allow any target of the record
 *   "replay"    the grant was spent before, or the set of spent ones is full
 * The word is static and goes to the relay. `log` (or NULL) gets the exact reason for our own log.
 * From "audit" on, session and grant in `out` say whose it was, since the grant itself holds.
 */
const char *admit(struct view token, const struct admit_facts *f, struct once *spent, sp_error *log,
                  struct admitted *out);

#endif
