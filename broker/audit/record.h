#ifndef SP_AUDIT_RECORD_H
#define SP_AUDIT_RECORD_H

/*
 * record: what an audit record says (ECOSYSTEM.md section 8), before it is written.
 *
 * Dotted name, result and code come from one table; actor, object, address, request and session
 * are named members, so that every sink can be made from the same struct; `detail` holds the
 * rest as JSON (for a decision: the whole trace). Values are people's and attackers' text: they
 * are escaped when written (LOG-2) and never hold a secret (LOG-3).
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/base/json.h"

/* Event, dotted name, number of the code, OCSF class and activity. Append only. */
#define AUDIT_EVENTS(X)                                         \
    X(AUDIT_UNNAMED, "unnamed", 0, 0, 0)                        \
    X(AUDIT_LOGIN_OK, "login.ok", 1, 3002, 1)                   \
    X(AUDIT_LOGIN_FAIL, "login.fail", 2, 3002, 1)               \
    X(AUDIT_LOGOUT, "logout", 3, 3002, 2)                       \
    X(AUDIT_MFA_OK, "mfa.ok", 4, 3002, 1)                       \
    X(AUDIT_MFA_FAIL, "mfa.fail", 5, 3002, 1)                   \
    X(AUDIT_MFA_ENROL, "mfa.enrol", 6, 3004, 6)                 \
    X(AUDIT_MFA_RESET, "mfa.reset", 7, 3004, 7)                 \
    X(AUDIT_RECOVERY_USE, "recovery.use", 8, 3002, 1)           \
    X(AUDIT_SESSION_OPEN, "session.open", 10, 3003, 1)          \
    X(AUDIT_SESSION_DENY, "session.deny", 11, 3003, 1)          \
    X(AUDIT_SESSION_STEP_UP, "session.step_up", 12, 3003, 1)    \
    X(AUDIT_SESSION_UP, "session.up", 13, 4014, 1)              \
    X(AUDIT_SESSION_CLOSE, "session.close", 14, 4014, 3)        \
    X(AUDIT_SESSION_KILL, "session.kill", 15, 4014, 3)          \
    X(AUDIT_SESSION_CUT, "session.cut", 16, 4014, 3)            \
    X(AUDIT_SESSION_LIST, "session.list", 17, 6003, 2)          \
    X(AUDIT_SESSION_REFUSE, "session.refuse", 18, 3003, 1)      \
    X(AUDIT_POSTURE_CHANGE, "posture.change", 20, 5019, 1)      \
    X(AUDIT_POSTURE_REFUSE, "posture.refuse", 21, 5019, 1)      \
    X(AUDIT_DEVICE_ADD, "device.add", 30, 3004, 6)              \
    X(AUDIT_DEVICE_APPROVE, "device.approve", 31, 3004, 8)      \
    X(AUDIT_DEVICE_BLOCK, "device.block", 32, 3004, 12)         \
    X(AUDIT_DEVICE_REVOKE, "device.revoke", 33, 3004, 7)        \
    X(AUDIT_DEVICE_ASK, "device.ask", 34, 6003, 2)              \
    X(AUDIT_USER_ADD, "user.add", 40, 3004, 1)                  \
    X(AUDIT_USER_UPDATE, "user.update", 41, 3004, 3)            \
    X(AUDIT_USER_LOCK, "user.lock", 42, 3004, 12)               \
    X(AUDIT_USER_UNLOCK, "user.unlock", 43, 3004, 8)            \
    X(AUDIT_USER_SIGN_OUT, "user.sign_out", 44, 3002, 2)        \
    X(AUDIT_POLICY_UPDATE, "policy.update", 50, 3004, 3)        \
    X(AUDIT_POLICY_CHECK, "policy.check", 51, 6003, 2)          \
    X(AUDIT_POLICY_SIMULATE, "policy.simulate", 52, 6003, 2)    \
    X(AUDIT_APP_CREATE, "app.create", 60, 3004, 1)              \
    X(AUDIT_APP_UPDATE, "app.update", 61, 3004, 3)              \
    X(AUDIT_APP_REMOVE, "app.remove", 62, 3004, 4)              \
    X(AUDIT_APP_TEST, "app.test", 63, 6003, 2)                  \
    X(AUDIT_SITE_CREATE, "site.create", 70, 3004, 1)            \
    X(AUDIT_SITE_REMOVE, "site.remove", 71, 3004, 4)            \
    X(AUDIT_TOKEN_CREATE, "token.create", 72, 3004, 1)          \
    X(AUDIT_TOKEN_REVOKE, "token.revoke", 73, 3004, 4)          \
    X(AUDIT_TOKEN_REFUSE, "token.refuse", 74, 3004, 6)          \
    X(AUDIT_CONNECTOR_ENROL, "connector.enrol", 80, 3004, 6)    \
    X(AUDIT_CONNECTOR_REVOKE, "connector.revoke", 81, 3004, 7)  \
    X(AUDIT_CONNECTOR_DRAIN, "connector.drain", 82, 3004, 12)   \
    X(AUDIT_CONNECTOR_UP, "connector.up", 83, 3004, 8)          \
    X(AUDIT_CONNECTOR_LOST, "connector.lost", 84, 3004, 9)      \
    X(AUDIT_RELAY_ENROL, "relay.enrol", 90, 3004, 6)            \
    X(AUDIT_RELAY_REVOKE, "relay.revoke", 91, 3004, 7)          \
    X(AUDIT_RELAY_UP, "relay.up", 92, 3004, 8)                  \
    X(AUDIT_RELAY_LOST, "relay.lost", 93, 3004, 9)              \
    X(AUDIT_API_READ, "api.read", 100, 6003, 2)                 \
    X(AUDIT_API_REFUSE, "api.refuse", 101, 6003, 2)             \
    X(AUDIT_PROOF_REFUSE, "proof.refuse", 102, 3002, 1)         \
    X(AUDIT_EXPORT, "audit.export", 103, 6003, 2)               \
    X(AUDIT_VERIFY, "audit.verify", 104, 6003, 2)               \
    X(AUDIT_ACCOUNT_CHANGE, "account.change", 110, 3004, 3)     \
    X(AUDIT_BROKER_START, "broker.start", 120, 3004, 8)         \
    X(AUDIT_BROKER_STOP, "broker.stop", 121, 3004, 9)           \
    X(AUDIT_KEY_ROTATE, "key.rotate", 122, 3004, 3)             \
    X(AUDIT_STORE_RESTORE, "store.restore", 123, 3004, 3)       \
    X(AUDIT_BOOTSTRAP, "bootstrap", 124, 3004, 1)               \
    X(AUDIT_CLOCK_ALARM, "clock.alarm", 125, 5019, 1)           \
    X(AUDIT_ACCESS_ASK, "access.ask", 130, 6003, 1)             \
    X(AUDIT_ACCESS_APPROVE, "access.approve", 131, 3005, 1)     \
    X(AUDIT_ACCESS_REFUSE, "access.refuse", 132, 6003, 3)       \
    X(AUDIT_ACCESS_WITHDRAW, "access.withdraw", 133, 6003, 3)   \
    X(AUDIT_ACCESS_END, "access.end", 134, 3005, 2)             \
    X(AUDIT_VIEW_CHANGE, "view.change", 140, 6003, 3)           \
    X(AUDIT_POLICY_DRAFT, "policy.draft", 141, 6003, 3)         \
    X(AUDIT_GATEWAY_INCIDENT, "gateway.incident", 150, 2004, 1) \
    X(AUDIT_GATEWAY_REFUSE, "gateway.refuse", 151, 4002, 0)     \
    X(AUDIT_GATEWAY_EXPECT, "gateway.expect", 152, 6003, 3)     \
    X(AUDIT_FEED_CHANGE, "feed.change", 160, 6003, 3)           \
    X(AUDIT_FEED_REMOVE, "feed.remove", 161, 6003, 4)           \
    X(AUDIT_FEED_TEST, "feed.test", 162, 6003, 2)               \
    X(AUDIT_FEED_SYNC, "feed.sync", 163, 6003, 2)               \
    X(AUDIT_FEED_STATE, "feed.state", 164, 6003, 3)

#define AUDIT_EVENTS_ENUM(event, name, number, ocsf, activity) event,
enum audit_event { AUDIT_EVENTS(AUDIT_EVENTS_ENUM) AUDIT_EVENT_COUNT };

enum audit_result { AUDIT_OK = 0, AUDIT_DENIED, AUDIT_ERROR }; /* I, W, E in the code */
enum audit_actor {
    AUDIT_ACTOR_SYSTEM = 0,
    AUDIT_ACTOR_USER,
    AUDIT_ACTOR_ADMIN,
    AUDIT_ACTOR_DEVICE,
    AUDIT_ACTOR_CONNECTOR,
    AUDIT_ACTOR_RELAY,
    AUDIT_ACTOR_NOBODY
};

struct store;
struct user_row;

/* Borrowed for the call that appends it. A zero id or NULL text is left out. */
struct audit_record {
    enum audit_event event;
    enum audit_result result;
    sp_unix_ms at; /* 0: now */
    enum audit_actor actor_kind;
    struct sp_id actor; /* user, connector, … by actor_kind */
    const char *actor_name;
    struct sp_id user, device, app, connector, relay, session, site;
    const char *object_kind, *object_name; /* what was acted on: "app", "wiki" */
    struct sp_id object;
    const char *address; /* the peer's */
    const char *request; /* "R-7Q2M4K" */
    const char *text;    /* one sentence for people */
    const char *reason;  /* of a denied decision, as in its detail: lists count by it; NULL: none */
    struct view detail;  /* JSON text of an object; empty: none */
};

const char *audit_event_name(enum audit_event e); /* "session.open" */
/* "SP-A010I": number of the event and the result's letter. */
struct audit_code {
    char s[16];
};
struct audit_code audit_event_code(enum audit_event e, enum audit_result r);
/* The same as the store's number, AUDIT_CODE() of store.h. */
int64_t audit_code_number(enum audit_event e, enum audit_result r);
/* SP_ERR_NOT_FOUND */
SP_MUST sp_error audit_event_parse(struct view name, enum audit_event *out);

enum { AUDIT_RECORD_MAX = 64 * 1024 };

/* Appends the record's own text, one JSON object, fit for the chain. Errors are sticky in out.
 * A detail that is too long is replaced by {"cut":true}. */
void audit_write(const struct audit_record *r, struct buf *out);

/*
 * The actor's name for people who read a record: its own, or, where it is a sign-in's and holds the
 * person's id alone, what the person is called today. "": neither is known. Borrowed from `record`
 * or from `row`, the caller's room.
 */
const char *audit_actor_name(struct store *st, const struct json *record, struct user_row *row);

/* A stored record as OCSF 1.9 (with record_integrity), or as a CSV row (C-035); `actor` is its
 * actor's name. OCSF's `unmapped` has the record as it was hashed. Owned by the caller; NULL: out
 * of memory or no record. */
struct json *audit_ocsf(const struct json *record, const char *actor, uint32_t shard, uint64_t seq,
                        const uint8_t hash[32]);
void audit_csv_header(struct buf *out);
void audit_csv(const struct json *record, const char *actor, uint32_t shard, uint64_t seq,
               struct buf *out);

#endif
