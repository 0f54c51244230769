#ifndef SP_CONNECTOR_TELL_H
#define SP_CONNECTOR_TELL_H

/*
 * tell: what happened here and must be in the broker's audit log: sessions and streams that the
 * connector's own rules refused, requests that a gateway refused, incidents. The records wait for
 * the broker (courier.h); one that could not be kept is counted, and the next one says how many are
 * missing. Loop thread.
 */

#include "connector/courier.h"

#include "lib/channel/call.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"

struct tell;

/*   what courier_new says */
SP_MUST sp_error tell_new(const struct courier_options *o, struct sp_why *why, struct tell **out);
void tell_free(struct tell *t); /* after the channel, as courier_free; NULL is allowed */

/* The broker's channel, which is open; what waits goes out. NULL: there is none now. */
void tell_channel(struct tell *t, struct channel *c);

/* Copies. A NULL `t` is nobody to tell. */
void tell_audit(struct tell *t, const struct edge_audit *a);
/* The same for what the person of a session brought about: bounded, as refusals.h says. `why` and
 * `text` of `a` are borrowed for good. */
void tell_bounded(struct tell *t, const struct edge_audit *a);
/* The same for what is told again until it is taken. false: not taken now. */
bool tell_incident(struct tell *t, const struct edge_audit *a);

/* A message that is made anew when it is not sent: nothing waits. Takes `members`. false: no broker
 * listens now, or it does not read. */
bool tell_now(struct tell *t, const char *type, struct json *members);

void tell_look(const struct tell *t, struct courier_facts *out);
/* Records find little room: no new session may begin. A NULL `t` has nobody to tell. */
bool tell_is_tight(const struct tell *t);

/* What was refused. Members may be zero. */
struct tell_refusal {
    struct sp_id session, app;
    const char *why;  /* a word of admit.h, "floor", or "protocol": the other end lied */
    const char *text; /* for people */
    const char *host; /* of the target, and the address it had */
    const struct address *address;
    unsigned line; /* of the floor file; 0: none */
};
void tell_refused(struct tell *t, const struct tell_refusal *r);

#endif
