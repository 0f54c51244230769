#ifndef SP_CLIENT_AGENT_FORWARD_H
#define SP_CLIENT_AGENT_FORWARD_H

/*
 * forward: one app opened on this machine: a listener for each of its ports, and the connections
 * that came in.
 *
 * Kept open by those who hold it: each `connect` that stands in a terminal, and `up`, which holds
 * an app once however often it is said. The last one to let go closes listeners and connections,
 * and ends the session. Loop thread.
 */

#include "client/agent/apps.h"
#include "client/agent/listen.h"
#include "client/agent/sessions.h"

struct forward;
struct forwards;

enum { FORWARD_CONNECTIONS_MAX = 512 };

/* Tells its holders what the person should know: a connection that was refused, and why. */
typedef void forward_refused(void *arg, const char *app, const struct refusal *why);

SP_MUST sp_error forwards_new(struct loop *loop, struct sessions *sessions, struct state *state,
                              forward_refused *refused, void *arg, struct forwards **out);
void forwards_free(struct forwards *f); /* closes all. NULL is allowed */

/*
 * One more holder. Opens the app's addresses if nobody holds it yet: its own of 127.77, or `local`
 * (one port; loopback only).
 *   SP_ERR_INVALID     `local` is no loopback address; `local` for an app with several ports
 *   SP_ERR_EXISTS      an address is taken by another program, or the app is open elsewhere
 *   SP_ERR_PERMISSION, SP_ERR_LIMIT, SP_ERR_NOMEM, SP_ERR_IO
 */
SP_MUST sp_error forward_hold(struct forwards *f, const struct app *app,
                              const struct address *local, struct sp_why *why,
                              struct forward **out);
/* Lets go once. NULL is allowed. */
void forward_release(struct forward *w);

/* `up`'s hold, beside those of forward_hold(), NULL is allowed; and `down`'s end of it, which
 * leaves others' holds alone. forward_unkeep is false when `up` does not hold it. */
void forward_keep(struct forward *w);
bool forward_is_kept(const struct forward *w);
bool forward_unkeep(struct forward *w);

/* An app that is open already; NULL: it is not. */
struct forward *forward_find(struct forwards *f, const char *app);
const char *forward_app(const struct forward *w);
/* "127.77.3.9:5432", one a port; NULL past the end. For the full expression's string: static size.
 */
size_t forward_addresses(const struct forward *w, struct address out[], size_t room);
uint64_t forward_refusals(const struct forward *w);

/* Where the app would be, for `apps`: takes an address from the state (and saves it). */
SP_MUST sp_error forward_address(struct forwards *f, const struct app *app, size_t port_index,
                                 struct address *out);

#endif
