#ifndef SP_SESSION_OPEN_H
#define SP_SESSION_OPEN_H

/*
 * open: the only place that grants. Gathers facts, decides, chooses connector and relay, writes
 * the decision down durably, mints, answers (PROTOCOL.md section 3.1).
 *
 * Worker threads. Whatever fails on the way is a denial.
 */

#include "broker/policy/explain.h"
#include "broker/session/sessions.h"

enum { OPEN_NOT_MAX = 8, OPEN_GRANT_MAX = 1024, REQUEST_TEXT = 16 };

struct open_request {
    struct sp_id device;            /* proven by the channel */
    struct key_public tunnel_key;   /* of this agent's start: what grants call the device key */
    struct view app;                /* name as the person wrote it */
    struct sp_id session;           /* zero: a new one; else one more grant of it */
    const struct sp_id *not_relays; /* that could not serve it */
    size_t not_count;               /* at most OPEN_NOT_MAX */
    struct net_address peer;
    char address[64]; /* of the agent, for the record */
};

struct open_answer {
    enum verdict verdict; /* zeroed: deny */
    enum reason reason;
    int exit_code;              /* of the command line */
    struct sp_id session;       /* also with step_up: ask again with it */
    char request[REQUEST_TEXT]; /* "R-7Q2M4K": the person may quote it */
    struct sentences sentences; /* deny, step_up */
    enum mfa_kind need_kind;    /* step_up: what would do, … */
    int64_t need_every_ms;      /* … and how new (0: one for this session) */
    /* allow only: */
    char grant[OPEN_GRANT_MAX + 1];
    struct buf identity; /* owned: open_answer_deinit; empty but for http apps with a gateway */
    struct sp_id app, relay, relay_boot, connector;
    enum app_type app_type;
    uint16_t app_port;
    char relay_name[ROW_NAME_MAX + 1];
    char relay_addresses[ROW_TEXT_MAX + 1];
    uint8_t relay_spki[ROW_HASH_BYTES];
    struct key_public connector_key;
    sp_unix_ms deadline;
    int64_t idle_ms, reverify_ms;
    bool cut_through;      /* neither the broker's configuration nor the app says off */
    char rule[260];        /* "payroll/hr" */
    char unreachable[160]; /* SP_ERR_UNREACHABLE: which part is missing, for people */
};

/*
 * SP_OK: `out->verdict` says what was decided; the decision is durable in the audit log.
 *   SP_ERR_UNAUTHENTICATED  nobody is logged in on this device, or the login is over
 *   SP_ERR_UNREACHABLE      allowed, but no connector or relay is there now (exit 8)
 *   SP_ERR_LIMIT            16 sessions of this user and app, or too many denials (TM-05)
 *   SP_ERR_BUSY             the facts changed each time that a decision about them was made
 *   SP_ERR_NOT_FOUND        `session` is not a live session of this device and app
 *   errors of the store     no grant leaves
 */
SP_MUST sp_error session_open(struct sessions *s, const struct open_request *q,
                              struct open_answer *out);
void open_answer_deinit(struct open_answer *a); /* a zeroed one may be ended */

/* `why APP` of a user, and simulations by an admin: decides without granting. `*trace` is owned
 * by the caller; it is NULL for a person to whom the app is not visible. */
struct why_answer {
    struct decision decision; /* its pointers are not valid any more: use the texts */
    enum verdict verdict;
    enum reason reason;
    int exit_code;
    struct sentences sentences;
    struct json *trace;
    char line[320]; /* "allow via payroll/hr" */
};
SP_MUST sp_error session_why(struct sessions *s, struct sp_id device,
                             const struct net_address *peer, struct view app,
                             struct why_answer *out);
/* An admin's question about any user and device. Borrowed for the call. */
struct simulation {
    const char *user;         /* name */
    struct sp_id device;      /* zero: none */
    struct view app;          /* name */
    const struct json *facts; /* of the admin's choice, over the gathered ones; form of
                                 policy/tests.h; NULL: none */
    struct view draft;        /* text that decides; empty: what is in force */
};
/*   SP_ERR_NOT_FOUND  no such user or device; SP_ERR_INVALID, SP_ERR_MALFORMED: `why` */
SP_MUST sp_error session_simulate(struct sessions *s, const struct simulation *q,
                                  struct sp_why *why, struct why_answer *out);
void why_answer_free(struct why_answer *a);

/* `reason`: the first sentence of its explanation; "" when there is none. Borrowed. */
typedef void would_cut(void *arg, const struct session *s, const char *reason);
/* Decides up to `max` live sessions again by a draft and tells of each that it would cut; changes
 * nothing. Returns how many it looked at. */
size_t session_would_cut(struct sessions *s, const struct policy_doc *doc, size_t max,
                         would_cut *told, void *arg);

/* Apps that the device's user may see, by name. */
struct visible_app {
    struct sp_id id;
    char name[ROW_NAME_MAX + 1];
    enum app_type type;
    uint16_t port;
    char description[ROW_TEXT_MAX + 1];
    enum verdict access;
    char why[EXPLAIN_TEXT_MAX]; /* "intranet/staff", or the first reason */
};
/* A page of them: `at`, with room for `max`, is the caller's; the rest is filled in. */
struct visible_apps {
    struct visible_app *at;
    size_t max, count;
    bool more; /* others follow */
};
/* The first ones whose names come after `after`. On failure there are none. */
SP_MUST sp_error session_apps(struct sessions *s, struct sp_id device,
                              const struct net_address *peer, struct view after,
                              struct visible_apps *out);

#endif
