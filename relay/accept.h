#ifndef SP_RELAY_ACCEPT_H
#define SP_RELAY_ACCEPT_H

/*
 * accept: where connections come from: a port of our own, or sockets that the broker's front
 * passes over a unix socket, unread (PROTOCOL section 9). Each becomes a leg; when its upgrade
 * request is there, it goes to stand.c or pair.c. At a port of our own, `proxies` may stand before
 * it: a load balancer begins with a PROXY header (lib/os/proxied.h), an HTTP proxy (`front: l7`)
 * speaks TLS for itself, so its hello has no ALPN of ours.
 *
 * Holds the limits for those who have not proved anything: ACCEPT_UNPROVEN_A_SOURCE of one
 * address, ACCEPT_UNPROVEN_MAX in all; beyond them a socket is closed at once.
 */

#include "relay/relay.h"

struct arrival;

enum { ACCEPT_UNPROVEN_A_SOURCE = 64, ACCEPT_UNPROVEN_MAX = 4096 };

/*
 * `enrol` is called with the enrolment line that a front hands over.
 *   SP_ERR_EXISTS, SP_ERR_PERMISSION  the address to listen on;  SP_ERR_MALFORMED  no address
 *   SP_ERR_NOMEM, SP_ERR_IO
 */
SP_MUST sp_error accepts_new(struct relay *relay, void (*enrol)(struct relay *r, struct view line),
                             struct sp_why *why, struct accepts **out);
bool accepts_open(const struct accepts *a); /* a listener, or the broker's front, is there */
void accepts_free(struct accepts *a);

/* No new connections from here on. */
void accepts_stop(struct accepts *a);
/*
 * Whose proof comes after its request goes on being counted: `v` is kept in `*by` until
 * accepts_proved, which takes it. When the accepts go first, `*by` is NULL.
 */
void accepts_keep(struct arrival *v, struct arrival **by);
void accepts_proved(struct arrival *v); /* NULL is allowed */
size_t accepts_unproven(const struct accepts *a);
bool accepts_front_up(const struct accepts *a);

#endif
