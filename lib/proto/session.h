#ifndef SP_PROTO_SESSION_H
#define SP_PROTO_SESSION_H

/*
 * session: what an agent asks about apps and sessions, and cuts, for all edges (PROTOCOL §5, §8).
 * Times in Unix ms (broker time), durations in ms.
 */

#include "lib/proto/fields.h"

enum {
    SESSION_APPS_MAX = 100, /* a page of app.list */
    SESSION_PORTS_MAX = 32,
    SESSION_REASONS_MAX = 16,
    SESSION_NOT_MAX = 3,
    SESSION_ADDRESSES_MAX = 8,
    SESSION_TEXT_MAX = 512
};

/* → "app.list" */
struct app_list {
    struct view cursor; /* of the last page's answer; absent: from the start */
};
struct app_entry {
    struct sp_id id;
    struct view name, type; /* type: tcp http ssh postgres … */
    int64_t ports[SESSION_PORTS_MAX];
    size_t port_count;
    struct view access; /* yes, step-up, no */
    struct view why;    /* "intranet/staff" or what is missing */
};
struct app_list_answer {
    struct app_entry apps[SESSION_APPS_MAX];
    size_t app_count;
    struct view next; /* absent: this was the last page */
};

/* → "session.open" */
struct session_open {
    struct view app;      /* name, or id as text */
    struct sp_id session; /* zero: a new one; else a further tunnel of this session */
    struct sp_id not_relays[SESSION_NOT_MAX]; /* "not": relays that refused just now */
    size_t not_count;
};
enum session_decision { SESSION_UNDECIDED = 0, SESSION_DENY, SESSION_STEP_UP, SESSION_ALLOW };
struct session_reason {
    struct view code, text;
};
struct session_open_answer {
    int decision; /* enum session_decision */
    /* allow */
    struct sp_id session, app;
    struct view name, type;
    int64_t ports[SESSION_PORTS_MAX];
    size_t port_count;
    struct view grant;    /* PASETO text */
    struct view identity; /* statement, http apps only; absent else */
    struct sp_id relay;
    struct view relay_name;
    struct view addresses[SESSION_ADDRESSES_MAX]; /* "host:port" of the relay */
    size_t address_count;
    struct view relay_key; /* base64url SHA-256 of its SPKI */
    struct view connector; /* its key as text */
    int64_t deadline, idle, reverify;
    bool cut_through; /* the agent may offer it for this session's tunnels; absent: frames only */
    /* deny, step_up; also filled for the log */
    struct view
        code; /* not_visible deny_rule requirement no_allow groups_unknown step_up error … */
    struct session_reason reasons[SESSION_REASONS_MAX];
    size_t reason_count;
    struct view remedies[SESSION_REASONS_MAX];
    size_t remedy_count;
    struct view step_up; /* the kind of proof asked for: any otp phishing_resistant */
    bool posture_only;   /* only device, posture and score conditions are untrue: exit code 7 */
    struct view request; /* request id for the service desk */
};

/*
 * "session.cut": broker → agent ↠, broker → connector and relay → [session_cut_answer];
 * "cut" relay ↔ connector ↠ uses session and why only.
 * One selector is set: a session, or all sessions of a device key, connector, app or user.
 */
struct session_cut {
    struct sp_id session;
    struct view device;                /* device key as grants name it */
    struct sp_id connector, app, user; /* user: pairwise, as grants name it */
    struct view why;                   /* floor record deadline idle policy killed revoked */
    struct view text;                  /* for people; to agents only */
    int64_t version;
};
struct session_cut_answer {
    int64_t count; /* live ones that it ended */
    int64_t ms;    /* since the last byte of the latest of them, when answering */
};
/* ↠ "session.pause", "session.limit" broker → agent, connector, relay. pause: until when a proof
 * must come; limit: the new deadline. */
struct session_limit {
    struct sp_id session;
    int64_t until;
    struct view why;
    struct view step_up; /* pause: kind of proof asked for */
};
/* ↠ "session.resume" ends a pause. → "session.end" [no members] */
struct session_name {
    struct sp_id session;
};
/*
 * What happened at a connector and must be in the audit log. The broker adds user, device and app
 * of the session, and only of one that runs, or ran, over this connector. `action`: refuse (a
 * session or stream that the connector's own rules do not allow), gateway, incident.
 *
 * ↠ "audit" is one of them without a number, from connectors of an earlier version: the broker
 * takes EDGE_AUDIT_A_MINUTE a connector.
 */
enum { EDGE_AUDIT_A_MINUTE = 180, EDGE_AUDIT_TEXT_MAX = 512 };
struct edge_audit {
    struct view action;
    struct sp_id session, app; /* zero: not known */
    struct view why;           /* a word: floor record audit policy replay killed draining … */
    struct view text;          /* one sentence for people */
    struct json *detail;       /* an object, or NULL */
    int64_t lost;              /* records before this one that could not be kept */
    int64_t at;                /* Unix ms when it happened, by the connector; 0: now */
};
/*
 * → "audit.batch" connector → broker: records of the connector's spool, in the order of their
 * numbers from `first`; none: a question how far the broker is. The answer comes when they are
 * durable and says the last number that is: at or below it nothing is recorded again. `spool`
 * names the numbering; under another name it begins anew. Numbers may be left out, never go back.
 *   busy  more than AUDIT_BATCH_A_MINUTE records: again later
 */
enum { AUDIT_BATCH_MAX = 32, AUDIT_BATCH_BYTES = 48 * 1024, AUDIT_BATCH_A_MINUTE = 6000 };
struct audit_batch {
    struct sp_id spool;
    int64_t first;
    struct edge_audit records[AUDIT_BATCH_MAX];
    size_t record_count;
    int64_t waiting; /* records in the spool, these included */
    int64_t oldest;  /* of them, Unix ms; 0: none waits */
    int64_t dropped; /* that the spool could not keep, since the connector started */
};
struct audit_batch_answer {
    int64_t told;
};
/* → "why" */
struct why_ask {
    struct view app;
};
struct why_said {
    int decision; /* enum session_decision */
    struct view code;
    struct session_reason reasons[SESSION_REASONS_MAX];
    size_t reason_count;
    struct view remedies[SESSION_REASONS_MAX];
    size_t remedy_count;
    struct json *trace; /* as broker/policy/explain writes it; visible apps only */
    struct view request;
};

extern const struct field app_list_fields[], app_list_answer_fields[], session_open_fields[],
    session_open_answer_fields[], session_cut_fields[], session_cut_answer_fields[],
    session_limit_fields[], session_name_fields[], edge_audit_fields[], audit_batch_fields[],
    audit_batch_answer_fields[], why_ask_fields[], why_said_fields[];
extern const char *const session_decision_names[]; /* "deny", "step_up", "allow" from index 1 */

#endif
