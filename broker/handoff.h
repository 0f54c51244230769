#ifndef SP_BROKER_HANDOFF_H
#define SP_BROKER_HANDOFF_H

/*
 * handoff: gives accepted tunnel sockets, still unread, to the relay of this machine.
 *
 * Form   a SEQPACKET unix socket; the relay connects to it. Whose process may is judged by
 *        SO_PEERCRED: this user's, root's, or the configured user's; the file's mode is 0600, or
 *        0660 with the configured group, so that the relay can be a user of its own. Messages are
 * text, the first word says what it is: socket ADDRESS:PORT   with the descriptor; the address is
 * the peer's enrol LINE            an enrolment string (lib/trust/enrol.h), for a relay without one
 *        The relay answers nothing. One relay at a time: a new connection replaces the old.
 * A socket that nobody can take is closed; the agent tries again. Loop thread.
 */

#include "lib/base/why.h"
#include "lib/os/sock.h"

struct handoff;
struct loop;

/* The relay connected (again): hand_enrol may be called now or later. */
typedef void handoff_connected(void *arg);

struct handoff_options {
    const char *path;
    const char *relay_user;  /* as whom the relay runs; NULL: as this user */
    const char *relay_group; /* may open the socket's file; NULL: this user only */
    handoff_connected *connected;
    void *arg; /* borrowed */
};

/*   SP_ERR_INVALID (no such user or group), SP_ERR_EXISTS (another broker serves the path),
 * SP_ERR_PERMISSION, SP_ERR_IO, SP_ERR_LIMIT; SP_ERR_NOMEM */
SP_MUST sp_error handoff_new(struct loop *loop, const struct handoff_options *o, struct sp_why *why,
                             struct handoff **out);
void handoff_free(struct handoff *h); /* removes the socket file; NULL is fine */

/* Takes `fd`. */
void handoff_socket(struct handoff *h, int fd, const struct address *peer);
/* `line` is a secret: the caller wipes its copy.   SP_ERR_CLOSED  no relay is connected */
SP_MUST sp_error handoff_enrol(struct handoff *h, struct view line);

bool handoff_has_relay(const struct handoff *h);

#endif
