#ifndef SP_CLIENT_AGENT_LISTEN_H
#define SP_CLIENT_AGENT_LISTEN_H

/*
 * listen: one local address and port of an app, for this user's programs only.
 *
 * Bound to the device lo (TM-23), never with reuse of somebody's address: another program on it is
 * an error. Each accepted connection's owner is asked of the kernel (sock_diag): this uid, or root,
 * which is logged; everybody else gets RST and a line in the log (TM-14). For http apps the first
 * request head must name the app's own host, else 421 (TM-13). Loop thread.
 */

#include "client/agent/hosthead.h"
#include "lib/base/why.h"
#include "lib/os/sock.h"

struct loop;
struct listener;

enum { LISTEN_HEADS_MAX = 64, LISTEN_HEAD_MS = 15 * 1000 };

/* An admitted connection, unread, now the callee's. */
typedef void listener_accepted(void *arg, int fd);

struct listener_options {
    struct address at;
    const char *app;                    /* for the log; copied */
    const struct hosthead_expect *host; /* NULL: not http; copied */
    listener_accepted *accepted;
    void *arg;
};

/*
 * Borrows `loop` and arg until listener_free. `why` names the address.
 *   SP_ERR_EXISTS      another program has the address and port
 *   SP_ERR_PERMISSION  the port or SO_BINDTODEVICE is not allowed
 *   SP_ERR_NOMEM, SP_ERR_IO
 */
SP_MUST sp_error listener_new(struct loop *loop, const struct listener_options *o,
                              struct sp_why *why, struct listener **out);
void listener_free(struct listener *l); /* connections handed over stay. NULL is allowed */

/* What the kernel says: the port that it chose for 0. */
struct address listener_address(const struct listener *l);

/* Connections that were refused because they were another user's. */
uint64_t listener_refused(const struct listener *l);

#endif
