#ifndef SP_STORE_ROWS_H
#define SP_STORE_ROWS_H

/*
 * rows: what the store keeps, one struct a table, in the words of the services.
 *
 * Texts stand inside with their limits, so a row has no owner and is copied by assignment; long
 * texts (documents, records) are views that live as long as the call that gave them. `ver` is the
 * row's version: a put names the version that it replaces (0: a new row) and a stale one is
 * SP_ERR_CONFLICT. Times are ms since 1970. A zeroed row is nobody, nothing, no right.
 */

#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/crypto/key.h"

enum {
    ROW_NAME_MAX = 128,
    ROW_ISS_MAX = 512,
    ROW_SUB_MAX = 255, /* OIDC Core section 2 */
    ROW_EMAIL_MAX = 320,
    ROW_TEXT_MAX = 512,
    ROW_HASH_BYTES = 32
};

enum user_state { USER_NONE = 0, USER_ACTIVE, USER_LOCKED };
enum groups_state { GROUPS_UNREADABLE = 0, GROUPS_KNOWN };

/* The key of a person is (iss, sub) and nothing else (INC-3, C-009); name and e-mail are for
 * display. `name` is the registry name that policies use: unique, canonical (INC-8). */
struct user_row {
    struct sp_id id;
    char iss[ROW_ISS_MAX + 1], sub[ROW_SUB_MAX + 1];
    char name[ROW_NAME_MAX + 1], display[ROW_NAME_MAX + 1], email[ROW_EMAIL_MAX + 1];
    char idp[ROW_NAME_MAX + 1]; /* name of the provider in the configuration */
    enum user_state state;
    enum groups_state groups;
    char groups_detail[ROW_TEXT_MAX + 1]; /* why they could not be read; "" */
    sp_unix_ms created, seen;
    uint64_t ver;
};

struct group_row {
    struct sp_id id;
    char name[ROW_NAME_MAX + 1]; /* "idp/group" */
    uint64_t members;            /* counted at reading */
};

/* Numbers as in broker/policy/policy.h, which this room does not see; session/gather.c asserts
 * that they agree. */
enum device_row_state {
    ROW_DEVICE_NONE = 0,
    ROW_DEVICE_PENDING,
    ROW_DEVICE_APPROVED,
    ROW_DEVICE_BLOCKED,
    ROW_DEVICE_LOST
};
enum device_row_owner {
    ROW_OWNER_NONE = 0,
    ROW_OWNER_USER,
    ROW_OWNER_OTHER,
    ROW_OWNER_ORGANISATION
};
enum mfa_row_kind { ROW_MFA_NONE = 0, ROW_MFA_ANY, ROW_MFA_OTP, ROW_MFA_PHISHING_RESISTANT };

struct device_row {
    struct sp_id id, user;
    struct key_public key;
    char name[ROW_NAME_MAX + 1], os[ROW_NAME_MAX + 1], serials[ROW_TEXT_MAX + 1];
    char software[ROW_NAME_MAX + 1];
    enum device_row_state state;
    enum device_row_owner owner;
    bool hardware_key;
    sp_unix_ms created, seen;
    uint64_t ver;
};

/* Who is logged in on a device, and how it was proved (SCALE.md "device login"). */
struct login_row {
    struct sp_id device;               /* zero: a browser login */
    uint8_t hash[ROW_HASH_BYTES];      /* browser: SHA-256 of the ticket */
    uint8_t prev_hash[ROW_HASH_BYTES]; /* browser: the ticket before the last roll */
    struct sp_id user;
    sp_unix_ms auth_at;         /* IdP auth_time */
    sp_unix_ms mfa_at;          /* own TOTP; 0: none */
    enum mfa_row_kind mfa_kind; /* of the own proof */
    char amr[ROW_TEXT_MAX + 1]; /* blank-separated, of the IdP */
    char acr[ROW_NAME_MAX + 1];
    char idp_sid[ROW_SUB_MAX + 1];
    char address[64], agent[ROW_NAME_MAX + 1]; /* browser: where it began */
    sp_unix_ms created, rolled, expires;
    uint64_t ver;
};

struct site_row {
    struct sp_id id;
    char name[ROW_NAME_MAX + 1];
    uint64_t ver;
};

enum edge_state { EDGE_NONE = 0, EDGE_ACTIVE, EDGE_DRAIN, EDGE_REVOKED };

struct connector_row {
    struct sp_id id, site;
    char name[ROW_NAME_MAX + 1], software[ROW_NAME_MAX + 1];
    struct key_public key;
    enum edge_state state;
    sp_unix_ms created, seen;
    uint64_t ver;
};

struct relay_row {
    struct sp_id id;
    char name[ROW_NAME_MAX + 1], region[ROW_NAME_MAX + 1];
    char addresses[ROW_TEXT_MAX + 1];  /* blank-separated host:port */
    struct key_public key;             /* P-256: TLS and proofs */
    uint8_t spki_hash[ROW_HASH_BYTES]; /* SHA-256 of the SPKI: the pin in grants' answers */
    enum edge_state state;
    sp_unix_ms created, seen;
    uint64_t ver;
};

/* An enrolment token; only its SHA-256 is kept. */
struct enrol_row {
    uint8_t hash[ROW_HASH_BYTES];
    struct sp_id site; /* zero: a relay's token */
    char note[ROW_NAME_MAX + 1];
    sp_unix_ms created, expires, used_at; /* used_at 0: not yet */
    struct sp_id used_by;                 /* the connector or relay that it made */
};

enum app_type { APP_NONE = 0, APP_TCP, APP_HTTP, APP_SSH };
struct app_row {
    struct sp_id id, site;
    char name[ROW_NAME_MAX + 1];
    enum app_type type;
    char host[254]; /* DEP-4: at most 253 bytes */
    uint16_t port;
    struct view spec;   /* JSON: labels, limits, cut_through, description */
    struct view record; /* signed app record for the connector */
    sp_unix_ms updated;
    uint64_t ver;
};

/* The whole policy document, one row a version; the newest one is in force. */
struct policy_row {
    uint64_t ver;
    struct view text; /* YAML as it was written */
    struct sp_id author;
    char note[ROW_TEXT_MAX + 1];
    sp_unix_ms at;
};

/* The last verdicts of a device's posture; flips only (SCALE.md). */
struct posture_row {
    struct sp_id device;
    struct view verdicts; /* JSON: signal to value, source, assurance, observed_at */
    sp_unix_ms at, until; /* until: when the last of its values expires */
    uint64_t ver;
};

/* A posture feed of a vendor: its account there, and how the last calls ended. */
struct feed_row {
    char name[33];                                              /* of the vendor: "crowdstrike" */
    char base_url[ROW_SUB_MAX + 1], login_url[ROW_SUB_MAX + 1]; /* "https://host[:port]" */
    char tenant[ROW_NAME_MAX + 1], client_id[ROW_NAME_MAX + 1];
    struct view secret; /* sealed */
    int64_t interval_ms, ttl_ms;
    sp_unix_ms created, updated;
    uint64_t ver;
    sp_unix_ms tried_at, ok_at, failing_since, next_at; /* 0: never, or not now */
    int64_t failures;                                   /* in a row */
    int64_t records, joined;                            /* of the last good answer */
    char result[ROW_TEXT_MAX + 1];                      /* of the last call, in words */
};

/* Second factor. The seed is sealed (lib/crypto/aead) before it comes here. */
struct totp_row {
    struct sp_id user;
    struct view seed;  /* sealed */
    bool confirmed;    /* the first code was right */
    int64_t last_step; /* strictly rising */
    int64_t fails;
    sp_unix_ms locked_until, enrolled;
    uint64_t ver;
};

/* A local account of the built-in provider. */
struct account_row {
    struct sp_id id;
    char name[ROW_NAME_MAX + 1], display[ROW_NAME_MAX + 1], email[ROW_EMAIL_MAX + 1];
    char password[256];            /* Argon2id string */
    char groups[ROW_TEXT_MAX + 1]; /* blank-separated */
    bool disabled, admin, must_change;
    sp_unix_ms created;
    uint64_t ver;
};

enum access_state {
    ACCESS_NONE = 0,
    ACCESS_WAITING,
    ACCESS_APPROVED,
    ACCESS_REFUSED,
    ACCESS_WITHDRAWN, /* by who asked, before an answer */
    ACCESS_ENDED      /* approved, and ended before its time */
};

/* A person's request for access to an app. Approved and not over it is an allow rule for this user
 * and this app (ECOSYSTEM.md section 1.5). */
struct access_row {
    struct sp_id id, user, device, app;
    char ref[32];                  /* "R-7Q2M4K": of the request that filed it */
    char reason[ROW_TEXT_MAX + 1]; /* what the person said */
    char denied[ROW_TEXT_MAX + 1]; /* the decision that it answers, for who approves */
    int64_t for_ms;                /* how long was asked for */
    enum access_state state;
    sp_unix_ms created, decided, until; /* decided, until 0: not yet */
    struct sp_id decided_by;
    char answer[ROW_TEXT_MAX + 1]; /* of who decided */
    uint64_t ver;
};

/* What a connector's gateway found. Its own word, and shown as that. */
struct incident_row {
    struct sp_id id, app, connector, user; /* user: zero where no session told */
    char detector[32], endpoint[256];
    sp_unix_ms first, last;
    struct view body; /* JSON as the connector wrote it: evidence, counts, scores */
};

/* An endpoint of an http app, as one connector tells it or as all of them do. */
struct endpoint_row {
    struct sp_id id, app, connector; /* connector: of a part; zero in the sum of all */
    char method[8], path[512 + 1];
    uint32_t states; /* bits of PROTOCOL "api.report" */
    sp_unix_ms first, last;
    int64_t calls, users, errors, p95_us, violations, refused;
    sp_unix_ms round; /* of a part */
    struct view body; /* of a part: JSON as the connector wrote it */
    /* Somebody looked at it and found it right so; expected_at 0: nobody. */
    struct sp_id expected_by;
    sp_unix_ms expected_at, expected_until;
    char expected_why[256 + 1];
    uint64_t ver;
};

/* How many endpoints of an app are what. */
struct endpoint_sum_row {
    struct sp_id app;
    int64_t endpoints, documented, shadow, orphan, zombie, drift, unauthenticated;
    int64_t unexpected; /* of the odd ones, those that nobody expects */
    int64_t calls, violations, refused;
};

/* Whom a step refused, or would have, on one day (days since 1970, UTC). */
struct hit_row {
    struct sp_id app, user; /* user: zero where no session told */
    int64_t day;
    char reason[65], rule[65], endpoint[521];
    int64_t blocked, monitor;
    sp_unix_ms first, last;
    int64_t people; /* of a sum over people */
};

/* One day of an app at one connector. */
struct gateway_day_row {
    struct sp_id app, connector;
    int64_t day;
    bool documented, full;
    int64_t requests, known, token, owner; /* known: of the document */
    int64_t read, unasked, oversize, streaming, coding, media_type, broken; /* bodies */
    int64_t lost;
};

/* Incidents that are expected: told to the connectors of the app. */
struct expectation_row {
    struct sp_id id, app, incident, author;
    char detector[32], user[65], group[129], endpoint[521]; /* user: as the incident named it */
    char reason[256 + 1];
    sp_unix_ms until, created;
};

/* Filters of a list page that someone keeps under a name. */
struct view_row {
    struct sp_id id, owner;
    char page[32], name[ROW_NAME_MAX + 1];
    char query[1024 + 1]; /* the part of the page's URL behind '?' */
    bool shared;
    sp_unix_ms created;
    uint64_t ver;
};

/* A text that would change a policy, or with `policy` "" the whole document. */
struct draft_row {
    struct sp_id id, author;
    char policy[ROW_NAME_MAX + 1], note[ROW_TEXT_MAX + 1];
    uint64_t base;    /* version of the document that it was written against */
    struct view text; /* YAML; borrowed */
    sp_unix_ms created, updated;
    uint64_t ver;
};

/* A document that an app's version `ver` names first. */
struct document_row {
    struct sp_id app, author;
    uint64_t ver;
    uint8_t sha256[ROW_HASH_BYTES];
    char title[ROW_NAME_MAX + 1], version[ROW_NAME_MAX + 1], note[ROW_TEXT_MAX + 1];
    int64_t size, operations, warnings;
    sp_unix_ms at;
};

/* For the console; never for a decision (SCALE.md). */
struct session_row {
    struct sp_id id, user, device, app, relay, connector;
    sp_unix_ms opened, deadline;
};

struct audit_row {
    uint32_t shard;
    uint64_t seq; /* from 1 */
    sp_unix_ms at;
    uint8_t hash[ROW_HASH_BYTES]; /* over the hash before it, shard, seq and text */
    struct view text;             /* the record, JSON */
};

struct posting_row {
    uint32_t shard;
    uint64_t seq;
    sp_unix_ms at;
    int64_t code; /* AUDIT_CODE() of store.h */
};

struct hour_row {
    sp_unix_ms from; /* of the hour */
    int64_t code, count;
    char reason[48];
};

struct audit_head {
    uint32_t shard;
    uint64_t seq; /* 0: empty */
    uint8_t hash[ROW_HASH_BYTES];
    uint64_t fence;
    sp_unix_ms at;
};

/* What changed; `subject` is the id of the object, `body` says more where a reader needs it. */
enum change_kind {
    CHANGE_NONE = 0,
    CHANGE_POLICY,
    CHANGE_APP,
    CHANGE_SITE,
    CHANGE_CONNECTOR,
    CHANGE_RELAY,
    CHANGE_USER, /* state, name, groups */
    CHANGE_DEVICE,
    CHANGE_LOGIN,         /* subject is the device */
    CHANGE_POSTURE,       /* subject is the device */
    CHANGE_BROWSER_LOGIN, /* subject is the user */
    CHANGE_KILL,          /* body: what subject is (session, user, device, connector, app), a blank,
                             and the reason for people */
    CHANGE_KEYS,
    CHANGE_ACCESS, /* a request was answered or ended; subject is the user */
    CHANGE_KINDS
};

enum { CHANGE_SCOPES = 16 }; /* 0: admin objects; 1 to 15: by subject */

struct change_row {
    uint32_t scope;
    uint64_t ver;
    enum change_kind kind;
    struct sp_id subject;
    struct view body;
    sp_unix_ms at;
};

/* Kinds of ids that work at most once. */
enum once_kind {
    ONCE_NONE = 0,
    ONCE_LOGIN_STATE,
    ONCE_LOGIN_CODE, /* code of the loopback redirect */
    ONCE_IDP_CODE,   /* authorization code of the built-in provider */
    ONCE_CONSOLE_ACTION,
    ONCE_LOGOUT_TOKEN,
    ONCE_BOOTSTRAP,
    ONCE_POSTURE_NONCE,
    ONCE_IDP_TAKEN_BACK, /* what such a code gave, since it came again (OA-6) */
    ONCE_KINDS
};

#endif
