#ifndef SP_CLIENT_AGENT_INTERNAL_H
#define SP_CLIENT_AGENT_INTERNAL_H

/* agent: what agent.c (start, stop, events) and local*.c (the socket's verbs) share. */

#include "client/agent/apps.h"
#include "client/agent/control.h"
#include "client/agent/desk.h"
#include "client/agent/ends.h"
#include "client/agent/forward.h"
#include "client/agent/reporter.h"
#include "client/agent/sessions.h"
#include "client/agent/state.h"
#include "client/agent/wake.h"
#include "client/ipc/ipc.h"
#include "lib/os/loop.h"

struct service;
struct ask;

struct agent {
    struct loop *loop; /* owned, as are all here */
    struct pool *pool;
    struct engine *engine;
    struct tunnel_thread *thread;
    struct state *state;
    struct control *control;
    struct reporter *reporter;
    struct sessions *sessions;
    struct apps *apps;
    struct forwards *forwards;
    struct wake *wake;
    struct desk *desk;
    struct ipc_server *ipc;
    struct service *service;
    struct timer *idle; /* NULL: not running */
    bool idle_exit;
    sp_boot_ms started, needed; /* needed: last time somebody asked */
    sp_boot_ms lost_at;         /* of the channel; 0: open, or never was */
    struct ask *asks;           /* requests of the command line under way */
    struct ends ends;           /* why sessions and pipes ended */
};

/*
 * One request of the command line. Lives from `asked` to `gone`; whatever it started is undone
 * when the program hangs up.
 */
struct ask {
    struct agent *agent;
    struct ipc_peer *peer;
    struct ask *next, **at;
    struct json *request;      /* owned */
    struct question *question; /* owned; NULL: not running */
    struct opening *opening;
    struct forward *forward; /* held */
    struct timer *timer;
    bool watches; /* wants session events of `app` */
    bool logs_in; /* wants login events */
    bool stands;  /* connect: stays until the program hangs up */
    char app[PROTO_NAME_MAX + 1];
    unsigned port;
    struct stream *stream; /* stdio: owned until the pump takes it */
    struct sp_id session;  /* stdio: whose stream it is; ended: of which */
    bool waits_end;        /* ended: wants to know why `session` ended */
    bool tries_desktop;    /* notify: wants to know whether the desktop showed it */
    bool answered;         /* stdio: the connector said yes or no */
    struct deferred after; /* stdio: takes the connection over */
};

extern const struct ipc_handlers local_handlers;

/* ---- local.c ---- */
void ask_ok(struct ask *a, struct json *members); /* takes members; ends the request */
void ask_fail(struct ask *a, const struct refusal *why);
void ask_event(struct ask *a, const char *event, struct json *members); /* takes members */
struct view ask_text(const struct ask *a, const char *name);            /* "" when missing */
/* Times of the broker as Unix ms of this machine's clock. */
int64_t local_time(const struct agent *a, int64_t broker_ms);
struct json *login_json(const struct agent *a);
struct json *session_json(const struct agent *a, const struct session_view *v);
/* The same with the local addresses that this request holds. */
struct json *ask_session_json(const struct ask *a, const struct session_view *v);

/* Undoes what it started; its peer is gone or taken over. */
void ask_free(struct ask *a);

/* ---- the verbs ---- */
void do_status(struct ask *a);
void do_posture(struct ask *a);
void do_key(struct ask *a);
void do_login_begin(struct ask *a);
void do_login_poll(struct ask *a);
void do_login_finish(struct ask *a);
void do_logout(struct ask *a);
void do_factor(struct ask *a);
void do_ticket(struct ask *a);
void do_apps(struct ask *a);
void do_why(struct ask *a);
void do_sessions(struct ask *a);
void do_sessions_end(struct ask *a);
void do_connect(struct ask *a);
void do_up(struct ask *a);
void do_down(struct ask *a);
void do_stdio(struct ask *a);
void do_ended(struct ask *a);
void do_notify(struct ask *a);
void do_pause(struct ask *a);

/* ---- told to the requests that wait ---- */
void local_login_state(struct agent *a, const struct login_state *s);
void local_session(struct agent *a, const char *event, const struct session_view *v,
                   const struct refusal *why);
/* A session ended: whoever asks why is answered. */
void local_ended(struct agent *a, struct sp_id session);
void local_refused(struct agent *a, const char *app, const struct refusal *why);

#endif
