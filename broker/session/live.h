#ifndef SP_SESSION_LIVE_H
#define SP_SESSION_LIVE_H

/*
 * live: the sessions that run, as relays and connectors report them, found by any fact that they
 * depend on (SCALE.md 5, PROTOCOL.md section 8).
 *
 * A session enters when it is granted (state granted) and counts as running when an edge reports
 * it; the edges are the truth of what is live. Any thread; locks inside. Pointers never leave:
 * what is asked for is copied.
 */

#include "broker/policy/policy.h"
#include "broker/session/edges.h"

struct live;

enum session_state {
    SESSION_NONE = 0,
    SESSION_GRANTED,
    SESSION_RUNNING,
    SESSION_PAUSED,
    SESSION_CUTTING
};

enum { LIVE_PER_USER_AND_APP_MAX = 16, LIVE_OPEN_MS = 65 * 1000 };

/* By then a connector has noticed that its channel is lost. */
enum { LIVE_NOTICE_MS = 60 * 1000 };

struct session {
    struct sp_id id, user, device, app, relay, connector;
    enum session_state state;
    sp_unix_ms opened, deadline; /* broker's time; a live deadline only moves earlier */
    sp_boot_ms deadline_boot;
    int64_t idle_ms, reverify_ms;
    sp_unix_ms mfa_now; /* when the age of proofs was last measured */
    bool proof_is_for_session;
    uint64_t policy_version; /* of the last decision */
    struct net_address peer; /* of the agent, when opened */
    char user_name[129], app_name[129], device_name[129];
    char rule[260];   /* "payroll/hr" */
    char request[16]; /* id of the decision that opened it */
    char address[64];
    uint64_t bytes_up, bytes_down;
    /* Of this room: when to look again, when proofs are measured anew, the end of a pause. */
    sp_boot_ms look_at, reverify_at, paused_until;
    bool stale;                  /* a fact changed while it was being granted */
    bool at_relay, at_connector; /* who reports it */
    sp_boot_ms unheard_since;    /* its connector has no channel here; 0: it has one */
    sp_boot_ms granted_at;
    sp_boot_ms cut_at; /* decision of the cut; 0: none */
    enum cut_why cut_why;
    int64_t cut_relay_ms, cut_connector_ms; /* time to the last byte there; -1: not
                                               confirmed; -2: nobody to ask */
};

SP_MUST sp_error live_new(struct live **out);
void live_free(struct live *l);

/* SP_ERR_EXISTS; SP_ERR_LIMIT: LIVE_PER_USER_AND_APP_MAX of this user and app run already. */
SP_MUST sp_error live_add(struct live *l, const struct session *s);
/* A further grant of a session that is live: new relay, connector, mfa_now; the deadline stays.
 * SP_ERR_NOT_FOUND */
SP_MUST sp_error live_regrant(struct live *l, const struct session *s);
SP_MUST sp_error live_get(struct live *l, struct sp_id id, struct session *out);

/* ---- what edges report; `from` is the edge. It counts for sessions that were granted over that
 * edge; what it says of others changes nothing (TM-03) ---- */
struct live_report {
    struct sp_id session, app, device, connector, relay;
    struct key_public device_key;
    sp_unix_ms opened, deadline;
    uint64_t policy_version, bytes_up, bytes_down;
};
/* The edge attached, and its list comes: it is seen at none of its sessions until it names them. */
void live_list_begins(struct live *l, enum edge_kind kind, struct sp_id from);
/* One page of that list; `last` ends it: what a connector did not name has ended while nobody heard
 * it. A session that this broker does not know is taken in and decided at once. */
void live_list(struct live *l, enum edge_kind kind, struct sp_id from, const struct live_report *at,
               size_t count, bool last);
void live_opened(struct live *l, enum edge_kind kind, struct sp_id from,
                 const struct live_report *r);
/* `r`: which session, and its bytes; nothing else of it is read. */
void live_closed(struct live *l, enum edge_kind kind, struct sp_id from,
                 const struct live_report *r, const char *why);
void live_bytes(struct live *l, enum edge_kind kind, struct sp_id from, struct sp_id session,
                uint64_t bytes_up, uint64_t bytes_down);

/* ---- by fact ---- */
enum live_key {
    LIVE_ALL = 0,
    LIVE_USER,
    LIVE_DEVICE,
    LIVE_APP,
    LIVE_CONNECTOR,
    LIVE_RELAY,
    LIVE_SESSION
};
/* Copies up to `max` of the matching sessions and returns how many match. */
size_t live_find(struct live *l, enum live_key by, struct sp_id id, struct session *out,
                 size_t max);
size_t live_count(const struct live *l);

/*
 * One page of the matching sessions in an order of the caller, behind `edge`: the `max` first ones,
 * copied in that order; returns how many. `*total` is how many match, wherever the page begins.
 * Costs a look at each session that `by` leads to, and no copy of those beside the page.
 */
struct live_order {
    enum live_key by;
    struct sp_id id;
    bool (*fits)(const void *arg, const struct session *s); /* NULL: all */
    int (*compare)(const void *a, const void *b);           /* of two struct session; never equal */
    const struct session *edge;                             /* NULL: from the first */
    const void *arg;
};
size_t live_page(struct live *l, const struct live_order *o, struct session *out, size_t max,
                 size_t *total);

/* ---- listeners: pages, metrics, audit. Called without locks held; at most four. ---- */
enum live_event {
    LIVE_EVENT_ADDED = 0,
    LIVE_EVENT_RUNNING,
    LIVE_EVENT_CHANGED,
    LIVE_EVENT_CUTTING,
    LIVE_EVENT_CUT,
    LIVE_EVENT_ENDED,
    LIVE_EVENT_UNKNOWN
};
typedef void live_listener(void *arg, enum live_event event, const struct session *s,
                           const char *why);
SP_MUST sp_error live_listen(struct live *l, live_listener *listener, void *arg);

#endif
