#ifndef SP_CLIENT_AGENT_DESK_H
#define SP_CLIENT_AGENT_DESK_H

/*
 * desk: what the agent tells the person's desktop (client/desktop/notices.h), where there is one.
 *
 * Looks at sessions, login and posture every DESK_LOOK_MS; the rest is told as it happens. Loop
 * thread only.
 */

#include "client/agent/refusal.h"
#include "client/agent/sessions.h"

struct agent;
struct desk;

enum { DESK_LOOK_MS = 10 * 1000 };

/* Borrows `agent` until desk_free. SP_ERR_NOMEM. */
SP_MUST sp_error desk_new(struct agent *agent, struct desk **out);
void desk_free(struct desk *d); /* NULL is allowed */

/* As struct sessions_events has them. */
void desk_session(struct desk *d, const struct session_view *s, const struct refusal *why);
void desk_session_ended(struct desk *d, const struct session_view *s, const struct refusal *why);
/* A program's connection to the app's local address was refused. */
void desk_refused(struct desk *d, const char *app, const struct refusal *why);
void desk_channel(struct desk *d, bool open);

struct notify;
struct notify *desk_notify(struct desk *d);

#endif
