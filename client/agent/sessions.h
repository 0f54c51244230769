#ifndef SP_CLIENT_AGENT_SESSIONS_H
#define SP_CLIENT_AGENT_SESSIONS_H

/*
 * sessions: one session for each app that is in use: asks the broker, checks the grant, opens the
 * tunnel, hands out streams.
 *
 * Many openings of one app wait on one session.open. A wrong or old placement is asked for again
 * with `not`, at most SESSIONS_TRIES times (PROTOCOL section 3). A tunnel that was lost leaves its
 * session: the next stream asks with the session's id, the deadline stays. A cut, idle time or
 * deadline ends the session; the next stream opens a new one. While a session is paused, who asks
 * for the session alone is told at once which proof is missing; streams wait for it, at most until
 * the broker cuts. An edge that is missing at the broker (it just started) is waited for up to
 * SESSIONS_PATIENCE_MS. Loop thread only; nothing is called back from inside a call of this header.
 */

#include "client/agent/control.h"
#include "lib/os/pool.h"
#include "lib/tunnel/end.h"

struct sessions;
struct opening;

enum {
    SESSIONS_MAX = 256,
    SESSIONS_TRIES = 2,
    SESSIONS_OPEN_MS = 15 * 1000,
    SESSIONS_PATIENCE_MS = 3 * 1000,
    SESSIONS_RESUME_MS = 2 * 1000
};

enum session_stage {
    SESSION_STAGE_NONE = 0, /* no tunnel; a lost one may be opened again */
    SESSION_STAGE_ASKING,   /* the broker decides */
    SESSION_STAGE_PLACING,  /* connecting to the relay, inner handshake */
    SESSION_STAGE_UP,
    SESSION_STAGE_PAUSED /* a proof is asked for; no new streams */
};

/* What people see of a session. Borrowed text, until the next turn of the loop. */
struct session_view {
    const char *app, *type, *relay;
    const char *step_up;     /* while paused: which proof is asked for */
    bool proving;            /* a proof was just given */
    struct sp_id app_id, id; /* id zero: not decided yet */
    enum session_stage stage;
    int64_t ports[SESSION_PORTS_MAX];
    size_t port_count;
    int64_t opened, deadline;       /* broker time, Unix ms; 0: none */
    int64_t idle_ms, idle_since_ms; /* the limit; and since the last byte, -1: none yet */
    uint64_t up, down;
    unsigned streams;
    bool cut_through;
};

struct sessions_events {
    /* A session changed its stage or deadline, or was paused (`why` says which proof). */
    void (*changed)(void *arg, const struct session_view *s, const struct refusal *why);
    /* It ended; `why` has exit 9 and the reason, or 8 when it may come back. */
    void (*ended)(void *arg, const struct session_view *s, const struct refusal *why);
};

/* What the sessions of an agent stand on. Copied; the pointers are borrowed until
 * sessions_free(). */
struct sessions_options {
    struct loop *loop;
    struct pool *pool; /* names of relays are resolved there */
    struct tunnel_thread *thread;
    struct control *control; /* the broker is asked through it */
    struct state *state;     /* its tunnel key is the one that grants name */
    const struct sessions_events *events;
    void *arg;
};

/*
 *   SP_ERR_TLS  the TLS contexts of this start can't be made;  SP_ERR_NOMEM
 */
SP_MUST sp_error sessions_new(const struct sessions_options *o, struct sessions **out);
void sessions_free(struct sessions *s); /* openings are gone before; NULL is allowed */

/*
 * The one end of an opening. `stream` (the caller's from now on) when it was given; NULL with
 * `why` NULL when only the session was asked for and is up; else why not.
 */
typedef void opening_done(void *arg, struct stream *stream, const struct session_view *s,
                          const struct refusal *why);

/*
 * Asks for a stream to the app's port index `port`; OPENING_SESSION_ONLY for the session alone.
 *   SP_ERR_LIMIT  SESSIONS_MAX apps in use;  SP_ERR_NOMEM
 */
enum { OPENING_SESSION_ONLY = 65535 };
SP_MUST sp_error opening_start(struct sessions *s, const char *app, unsigned port,
                               opening_done *done, void *arg, struct opening **out);
void opening_cancel(struct opening *o); /* NULL is allowed */

/* From the broker. */
void sessions_cut(struct sessions *s, const struct session_cut *cut,
                  struct session_cut_answer *answer);
void sessions_pause(struct sessions *s, const struct session_limit *pause);
void sessions_limit(struct sessions *s, const struct session_limit *limit);
void sessions_resume(struct sessions *s, struct sp_id session);

/* The person gave a proof: what asks for a paused session waits SESSIONS_RESUME_MS for its resume.
 */
void sessions_proved(struct sessions *s);

/* The person ends one (told to the broker), or all. Returns how many. */
size_t sessions_end(struct sessions *s, struct sp_id session);
size_t sessions_end_all(struct sessions *s, const char *code);
/* The person closed everything for now: no session is opened until it is undone. */
void sessions_hold(struct sessions *s, bool on);
bool sessions_held(const struct sessions *s);
/* The machine slept, or (sessions_network) its addresses changed: tunnels that can't be alive are
 * dropped, their sessions stay. */
void sessions_network(struct sessions *s);
void sessions_drop_tunnels(struct sessions *s);

/* Walks: for (size_t at = 0; sessions_next(s, &at, &view);). Those with an id only. */
bool sessions_next(const struct sessions *s, size_t *at, struct session_view *out);
/* NULL-safe: false when the app has no live session. */
bool sessions_find(const struct sessions *s, const char *app, struct session_view *out);

/* Where the relay of the last session is dialled: "HOST:PORT", borrowed until the next turn. */
size_t sessions_relay(const struct sessions *s, const char *out[], size_t room);

/* "S-19C4": the id as people see it. */
struct session_short {
    char s[12];
};
struct session_short session_short(struct sp_id id);

#endif
