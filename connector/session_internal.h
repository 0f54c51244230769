#ifndef SP_CONNECTOR_SESSION_INTERNAL_H
#define SP_CONNECTOR_SESSION_INTERNAL_H

/*
 * One session and its parts. session.c has its streams, sessions.c the set, its tunnels and ends.
 */

#include "connector/dial.h"
#include "connector/gateway/gateway.h"
#include "connector/session.h"
#include "connector/target.h"

struct lookup;

/* One tunnel: a spare, and from sessions_serve on a session's. */
struct session_tunnel {
    void (*waiting)(void *arg);                              /* while a spare */
    void (*ended)(void *arg, const struct tunnel_report *r); /* while a spare */
    void *arg;
    struct session *session;  /* NULL: a spare, or closing */
    struct sessions *closing; /* of a session that was cut, until its last word is out */
    struct tunnel_end *end;   /* owned once in a session */
    struct session_tunnel *next;
};

/* A stream that waits for the session's address. */
struct asked {
    struct stream *stream; /* owned */
    struct session_tunnel *tunnel;
    uint16_t port;
    struct asked *next;
};

/* A stream that is joined with the app, or on the way there. */
struct joined {
    struct session *session;
    struct session_tunnel *tunnel;
    struct dial *dial;    /* owned; or */
    struct gw_conn *conn; /* owned, where the app has a gateway */
    struct joined *next;
};

struct session {
    struct sessions *set;
    struct admitted admitted;
    sp_unix_ms opened;
    uint64_t up, down; /* of tunnels that have ended */
    sp_boot_ms last_byte;
    struct session_tunnel *tunnels; /* owned */
    struct asked *asked;            /* owned, in order */
    struct joined *joined;          /* owned */
    struct lookup *lookup;          /* the pool's; NULL: none under way */
    struct lookup *early;           /* owned; looked up before anyone asked; NULL: none, or used */
    bool resolved, address_own;
    bool paused;             /* no byte moves until a proof came */
    sp_boot_ms paused_until; /* the proof must come until then */
    struct address address;  /* port 0 */
    char host[APPREC_HOST_TEXT + 1];
    struct timer *deadline;   /* owned; NULL: not running */
    struct gw_person *person; /* owned; NULL: nobody, or an app without a gateway */
};

struct sessions {
    struct sessions_options o;
    struct map by_id;               /* struct session *; owned */
    struct map cut;                 /* struct cut_id *; owned */
    struct session_tunnel *closing; /* owned: told that they are cut, not yet ended */
    struct timer *tick;             /* owned: once a second, for what has no timer of its own */
    sp_boot_ms broker_lost;
    bool draining;
};

/* A new stream of `tunnel`, for the record's port `index`. Takes `stream`. */
void session_stream(struct session *s, struct session_tunnel *tunnel, struct stream *stream,
                    unsigned index);
/* A fresh session: its app's names are looked up while the handshake runs. */
void session_foresee(struct session *s);
/* Takes `j` out of the session and frees it; its dial is gone already. */
void session_unjoin(struct session *s, struct joined *j);
/* Resets the streams of one tunnel, or of all (NULL). */
void session_drop_streams(struct session *s, const struct session_tunnel *tunnel);
/* Stops and starts the bytes of all its streams; streams that open meanwhile are held too. */
void session_hold(struct session *s, bool held);
void session_forget_lookup(struct session *s);
/* The record may name other hosts now: what was looked up before anyone asked counts no more. */
void session_forget_early(struct session *s);
/* What the agent said of its person, in the bind of one of the session's tunnels. */
void session_person(struct session *s, const struct json *said);

#endif
