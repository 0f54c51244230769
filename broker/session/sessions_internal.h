#ifndef SP_SESSION_SESSIONS_INTERNAL_H
#define SP_SESSION_SESSIONS_INTERNAL_H

/*
 * sessions_internal: what the files of this room share.
 */

#include "broker/audit/chain.h"
#include "broker/registry/users.h"
#include "broker/session/claims.h"
#include "broker/session/live_internal.h"
#include "broker/session/open.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    PENDING_MAX = 4096, /* sessions that wait for a proof */
    PENDING_MS = 5 * 60 * 1000,
    PAUSE_MS = 60 * 1000,      /* no proof by then: cut (ECOSYSTEM.md section 1.4) */
    CUT_FORGET_MS = 10 * 1000, /* an edge that never answers is given up */
    DENIALS_A_MINUTE_MAX = 50, /* TM-05 */
    DENIERS_MAX = 1024,
    TOUCHES_MAX = 1024,
    NOTES_MAX = 4096,
    GRANTED_MAX = 32,    /* approved requests of one user that count: the longest of them */
    STORE_LOST_MS = 1000 /* until the next look when the store could not be read */
};

/* A session that was asked for and needs a proof first. */
struct pending {
    struct sp_id session, device, app;
    sp_unix_ms asked;
};

struct denier {
    struct sp_id user;
    sp_boot_ms since;
    unsigned count;
    bool told;
};

/* Something to look at again. */
struct touch {
    enum live_key by;
    struct sp_id id;
};

/* An audit record or a store row about a session, written by the room's own thread. */
struct note {
    enum live_event event;
    struct session s;
    char why[32];
};

struct sessions {
    struct sessions_config c;
    struct store *st;
    const struct store_services *services;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t more;
    pthread_t thread;
    bool started, ending;
    struct pending pending[PENDING_MAX];
    size_t pending_next;
    struct denier deniers[DENIERS_MAX];
    struct touch touches[TOUCHES_MAX];
    size_t touch_count;
    bool touch_all;     /* more than fit */
    struct note *notes; /* owned ring */
    size_t note_first, note_count;
    uint64_t notes_lost;
    sp_boot_ms wake_at;
    struct sessions_stats stats;
    struct claims claims; /* the room's thread only */
};

/* ---- gather.c ---- */
struct gather_ask {
    struct sp_id device; /* zero: none (simulation) */
    struct sp_id user;   /* zero: whoever is logged in on the device */
    struct view app;
    const struct net_address *peer; /* NULL: unknown */
    sp_unix_ms mfa_now;             /* 0: now */
    bool proof_is_for_session;
};
/* Everything about one question, frozen. */
struct gathered {
    struct facts facts;
    const struct rules_version *rules; /* held */
    const struct rules_app *app;       /* NULL: no such app */
    struct user_row user;
    struct device_row device;
    struct login_row login;
    struct user_groups groups;
    struct judge_signals signals;
    const char *amr[16];
    char amr_text[ROW_TEXT_MAX + 1];
    char app_name[ROW_NAME_MAX + 1];
    /* Approved requests of this user, each app's longest first. */
    struct granted {
        struct sp_id app;
        sp_unix_ms until;
        char ref[32];
    } granted[GRANTED_MAX];
    size_t granted_count;
};
/*   SP_ERR_UNAUTHENTICATED  nobody is logged in there, or no longer
 *   SP_ERR_NOT_FOUND        no such user (simulation)
 *   errors of the store */
SP_MUST sp_error gather(struct sessions *s, const struct gather_ask *q, struct gathered *out);
void gathered_free(struct sessions *s, struct gathered *g);
/* The approved request of `g`'s user for this app into `f`. */
void gathered_access(const struct gathered *g, struct sp_id app, struct facts *f);

/* ---- place.c ---- */
struct placed {
    struct connector_row connector;
    struct relay_row relay;
    struct sp_id relay_boot;
    char missing[160];
};
/* The session that needs a place. Borrowed for the call. */
struct place_ask {
    const struct app_row *app;
    struct sp_id user, device;
    struct sp_id keep; /* the connector of a live session, which stays with it while it is there;
                          zero: a new session */
    const struct sp_id *not_relays; /* that could not serve it */
    size_t not_count;
};
/* SP_ERR_UNREACHABLE: `missing` says what. */
SP_MUST sp_error place(struct sessions *s, const struct rules_version *v, const struct place_ask *q,
                       struct placed *out);

/* ---- person.c ---- */
/* The identity statement of a session, for the connector of an http app that has a gateway; appends
 * nothing for other apps. */
SP_MUST sp_error person_state(struct sessions *s, const struct gathered *g,
                              const struct session *live, struct buf *out);

/* ---- revise.c ---- */
void *sessions_main(void *arg);
void sessions_look_at(struct sessions *s, sp_boot_ms at); /* wakes the thread by then */
/* When a session is cut whose connector is not heard of; 0: it is, or the session is being cut. */
sp_boot_ms session_unheard_until(const struct session *s);
/* When the decision of `g` has to be taken again: facts, reverify, deadline. */
void schedule(struct session *s, const struct gathered *g, const struct decision *d);

/* ---- why.c ---- */
struct request_id {
    char s[REQUEST_TEXT];
};
struct request_id request_id_new(void);
void count_decision(struct sessions *s, const struct decision *d, int64_t ns);
/* TM-05: true when this user was denied too often within the minute. */
bool denied_too_often(struct sessions *s, struct sp_id user, bool count, bool *first);

#endif
