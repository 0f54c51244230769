#ifndef SP_CONNECTOR_SESSION_H
#define SP_CONNECTOR_SESSION_H

/*
 * session: the live sessions of this connector. A session may have several tunnels (after a drain
 * or a loss), one resolved address while any of its streams lives, one deadline (PROTOCOL §9).
 *
 * Made by   stand.c, when a relay handed down a grant that admit() took and the spare is there.
 * Read by   control.c: reports, cuts. All of it on the loop thread; nothing is reported from
 *           inside a call of this header but sessions_cut's closings.
 */

#include "connector/admit.h"

#include "lib/tunnel/end.h"

struct loop;
struct pool;
struct tell;
struct gateway;
struct keyset;
struct sessions;
struct session;

enum { SESSION_TUNNELS_MAX = 4, SESSIONS_CUT_KEEP_MS = 60 * 1000 };

/* What a broker is told of one session. Borrowed for the call. */
struct session_facts {
    struct grant grant;
    sp_unix_ms opened, deadline; /* broker time */
    uint64_t up, down;           /* application bytes from the agent, to the agent */
    unsigned streams;
    sp_boot_ms last_byte; /* 0: none */
};

struct sessions_events {
    void (*opened)(void *arg, const struct session_facts *f);
    /* `why`: end lost idle deadline floor record policy killed revoked drain */
    void (*closed)(void *arg, const struct session_facts *f, const char *why);
};

struct sessions_options {
    struct loop *loop;                /* borrowed until sessions_free, as all pointers here */
    struct pool *pool;                /* names are resolved there */
    struct records *records;          /* their last dial is noted */
    const struct floor *const *floor; /* the one in force; may change between two turns */
    sp_unix_ms (*broker_time)(void *arg);
    struct tell *tell; /* refusals are told there; NULL: nobody hears of them */
    const struct sessions_events *events;
    void *arg;
    struct gateway *gateway;   /* for apps whose record has a gateway part; NULL: none is served */
    const struct keyset *keys; /* who may sign identity statements */
};

SP_MUST sp_error sessions_new(const struct sessions_options *o, struct sessions **out);
void sessions_free(struct sessions *s); /* resets everything, reports nothing; NULL is allowed */

/* For tunnel_end_config of a spare that may carry a session: its events and their argument. The
 * slot is the caller's until sessions_serve takes it. */
extern const struct tunnel_end_events session_tunnel_events;
struct session_tunnel;

/* A spare that waits, as its holder gives it away. */
struct session_spare {
    struct tunnel_end *end;      /* made with tunnel_end_spare */
    struct session_tunnel *slot; /* was the `arg` of its events */
    bool bare;                   /* how the order wants it served: as tunnel_end_serve has it */
};

/*
 * Serves the session of `a`, whose grant is `token`, on a waiting spare; `own` is this connector's
 * key. Takes the spare's end and slot in every case; a failure tells the relay "policy".
 *   SP_ERR_LIMIT  the session has SESSION_TUNNELS_MAX tunnels
 *   SP_ERR_NOMEM, SP_ERR_INVALID, SP_ERR_TLS
 */
SP_MUST sp_error sessions_serve(struct sessions *s, const struct admitted *a, struct view token,
                                const struct key_public *own, const struct session_spare *spare);

/*
 * A slot for a spare. `ended` hears of the spare's end as long as no session took it; `waiting`
 * that it stands. Owned by the spare's holder, or by the session after sessions_serve.
 */
struct session_tunnel *session_slot_new(void (*waiting)(void *arg),
                                        void (*ended)(void *arg, const struct tunnel_report *r),
                                        void *arg);
void session_slot_free(struct session_tunnel *slot); /* NULL is allowed */

/* Which sessions a cut means; exactly what is set counts, all zero means none. */
struct session_selector {
    struct sp_id session, app, user;
    struct key_public device;
    bool all;
};

/*
 * Cuts them: streams are reset and tunnels are over before this returns, `closed` is reported, the
 * relay is told `why` (static, a word of PROTOCOL section 10). An unknown
 * session's id is refused for SESSIONS_CUT_KEEP_MS. Returns how many there were; `*last_byte_ms` is
 * the time since the last byte of the latest of them, 0 when there was none.
 */
size_t sessions_cut(struct sessions *s, const struct session_selector *which, const char *why,
                    int64_t *last_byte_ms);

/* An earlier deadline; a later one is not taken (it would prolong by an unsigned word). */
void sessions_limit(struct sessions *s, struct sp_id session, sp_unix_ms until);

/* No byte of it moves any more until sessions_resume; at `until` (broker time) it ends. */
void sessions_pause(struct sessions *s, struct sp_id session, sp_unix_ms until);
void sessions_resume(struct sessions *s, struct sp_id session);

/* The word of a cut, of those that PROTOCOL section 10 has; static storage. Any other: "killed". */
const char *session_word(struct view word);

/* Floor or records changed: sessions whose target they no longer allow are cut. */
void sessions_rules_changed(struct sessions *s);

/* No broker since `since` (boot clock; 0: there is one): sessions end after their reverify. */
void sessions_broker_lost(struct sessions *s, sp_boot_ms since);

void sessions_drain(struct sessions *s); /* tunnels end when their streams have */
size_t sessions_count(const struct sessions *s);
const struct map *sessions_cut_ids(const struct sessions *s);

/* All sessions: for (size_t at = 0; sessions_next(s, &at, &facts);). Nothing may change meanwhile.
 */
bool sessions_next(const struct sessions *s, size_t *at, struct session_facts *out);

#endif
