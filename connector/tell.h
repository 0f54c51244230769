#ifndef SP_CONNECTOR_TELL_H
#define SP_CONNECTOR_TELL_H

/*
 * tell: what happened here and must be in the broker's audit log: sessions and streams that the
 * connector's own rules refused. While no broker listens the records wait, at most
 * TELL_WAITING_MAX of them; what does not fit, or comes faster than a broker takes
 * (TELL_A_MINUTE), is counted, and the next record says how many are missing. Loop thread.
 */

#include "lib/channel/call.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"

struct tell;

enum {
    TELL_WAITING_MAX = 64,
    TELL_A_MINUTE = EDGE_AUDIT_A_MINUTE / 2,
    TELL_INCIDENTS_A_MINUTE = EDGE_AUDIT_A_MINUTE / 4
};

SP_MUST sp_error tell_new(struct tell **out); /* SP_ERR_NOMEM */
void tell_free(struct tell *t);               /* NULL is allowed */

/* The broker's channel, which is open; what waits goes out. NULL: there is none now. */
void tell_channel(struct tell *t, struct channel *c);

/* Copies. A NULL `t` is nobody to tell. */
void tell_audit(struct tell *t, const struct edge_audit *a);
/* The same for what is told again until it is taken; a flood of refusals can't use up its room
 * (TELL_INCIDENTS_A_MINUTE). false: not taken now. */
bool tell_incident(struct tell *t, const struct edge_audit *a);

/* A message that is made anew when it is not sent: nothing waits. Takes `members`. false: no broker
 * listens now, or it does not read. */
bool tell_now(struct tell *t, const char *type, struct json *members);

/* What was refused. Members may be zero. */
struct tell_refusal {
    struct sp_id session, app;
    const char *why;  /* a word of admit.h, or "floor" */
    const char *text; /* for people */
    const char *host; /* of the target, and the address it had */
    const struct address *address;
    unsigned line; /* of the floor file; 0: none */
};
void tell_refused(struct tell *t, const struct tell_refusal *r);

#endif
