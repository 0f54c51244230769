#ifndef SP_STORE_STORE_H
#define SP_STORE_STORE_H

/*
 * store: the durable state of a broker, behind one struct of functions a service.
 *
 * Form      SCALE.md "Schema sketch"; SQL ends in this room. One box: SQLite, one connection
 *           owns all writes and checkpoints (DEP-3), readers are query_only.
 * Writing   happens in the lane: one thread that batches all that waits (at most 256) into one
 *           transaction. store_commit() hands it a function and waits until that function's
 *           writes are durable. What stands in one function is committed together or not at all:
 *           a change, its change row and its audit record.
 * Reading   is done by the calling thread on one of a few connections; it sees what was
 *           committed before the call.
 * Threads   store_open/close: main. Everything else: workers (it blocks), never the main loop.
 *           Functions that take a `struct store_tx *` run inside a store_work only.
 * Errors of every function, besides its own:
 *   SP_ERR_FULL     no space left: nothing was written (FLT-04)
 *   SP_ERR_TIMEOUT  not durable in time; the outcome is unknown: count a consume as spent. Also
 *                   when more than LANE_WAITERS_MAX wait or another program has locked the file:
 *                   then nothing was written (FLT-03)
 *   SP_ERR_IO       reading, writing or syncing failed; after a failed sync the store refuses
 *                   everything until the next start (FLT-06)
 *   SP_ERR_CORRUPT  stored data is damaged
 *   SP_ERR_NOMEM
 */

#include "broker/store/rows.h"
#include "lib/base/why.h"

struct store;
struct store_tx;

enum {
    LANE_BATCH_MAX = 256,
    LANE_WAITERS_MAX = 4096,
    STORE_READERS = 4,
    STORE_DEADLINE_MS = 10 * 1000,
    STORE_SCHEMA = 10
};

struct store_config {
    const char *path; /* database file; NULL: memory, for tests (one connection, no durability) */
    uint32_t audit_shard; /* this broker's shard of the audit chain */
    struct sp_id holder;  /* this broker's id: holds the shard while it runs */
};

/*
 * Opens, migrates to STORE_SCHEMA, checks the schema, takes the audit shard and starts the lane.
 *   SP_ERR_VERSION     a newer program wrote it
 *   SP_ERR_PERMISSION  file or folder belongs to someone else or is open to others
 *   SP_ERR_CORRUPT     damaged; `why` says what and offers the way back (FLT-07)
 */
SP_MUST sp_error store_open(const struct store_config *config, struct sp_why *why,
                            struct store **out);
/* Ends the lane after all that waits, closes readers, then the writer. NULL is fine. */
void store_close(struct store *st);

/*
 * One transaction. Runs on the lane's thread, perhaps more than once, so it starts from scratch
 * each time and touches nothing but its own arg and tx; it waits for nothing. An error undoes
 * what it wrote, and only that.
 */
typedef sp_error store_work(struct store_tx *tx, void *arg);

/*
 * Runs `work` in the lane and returns when its writes are durable. `arg` must stay valid until
 * then. Returns what `work` returned, or one of the errors above.
 */
SP_MUST sp_error store_commit(struct store *st, store_work *work, void *arg);

/* Broker's time of the transaction; the same for all of a batch. */
sp_unix_ms tx_now(const struct store_tx *tx);

/* Readers of many rows: return false to stop. Rows and their views live during the call. */
typedef bool each_user(void *arg, const struct user_row *row);
typedef bool each_group(void *arg, const struct group_row *row);
typedef bool each_device(void *arg, const struct device_row *row);
typedef bool each_login(void *arg, const struct login_row *row);
typedef bool each_site(void *arg, const struct site_row *row);
typedef bool each_connector(void *arg, const struct connector_row *row);
typedef bool each_relay(void *arg, const struct relay_row *row);
typedef bool each_app(void *arg, const struct app_row *row);
typedef bool each_policy(void *arg, const struct policy_row *row);
typedef bool each_enrol(void *arg, const struct enrol_row *row);
typedef bool each_account(void *arg, const struct account_row *row);
typedef bool each_audit(void *arg, const struct audit_row *row);
typedef bool each_posting(void *arg, const struct posting_row *row);
typedef bool each_hour(void *arg, const struct hour_row *row);
typedef bool each_change(void *arg, const struct change_row *row);
typedef bool each_session(void *arg, const struct session_row *row);
typedef bool each_access(void *arg, const struct access_row *row);
typedef bool each_incident(void *arg, const struct incident_row *row);
typedef bool each_endpoint(void *arg, const struct endpoint_row *row);
typedef bool each_endpoint_sum(void *arg, const struct endpoint_sum_row *row);
typedef bool each_hit(void *arg, const struct hit_row *row);
typedef bool each_gateway_day(void *arg, const struct gateway_day_row *row);
typedef bool each_expectation(void *arg, const struct expectation_row *row);
typedef bool each_view(void *arg, const struct view_row *row);
typedef bool each_draft(void *arg, const struct draft_row *row);
typedef bool each_document(void *arg, const struct document_row *row);
typedef bool each_feed(void *arg, const struct feed_row *row);
typedef bool each_text(void *arg, struct view text);
typedef bool each_id(void *arg, struct sp_id id);

/* Keyset paging: rows after `after` in the order that the function names, at most `limit`. */
enum { STORE_PAGE_MAX = 500 };

/* What a list is narrowed to, and its order; zero members narrow nothing. `q`: part of a text, in
 * any case of ASCII letters. */
enum list_sort { SORT_NAME = 0, SORT_SEEN };
struct user_filter {
    const char *q; /* in name, display name or e-mail */
    const char *group;
    enum user_state state;
    enum list_sort sort;
    bool down;
};
struct device_filter {
    const char *q; /* in name, system or serials */
    enum device_row_state state;
    struct sp_id user;
    enum list_sort sort;
    bool down;
};
struct device_counts {
    size_t pending, approved, blocked; /* blocked: or lost */
};

/*
 * Registry: people, devices, edges, apps, policies. Every put and remove appends its change row.
 * Puts: SP_ERR_CONFLICT when `row->ver` is not the stored version (0: must be new),
 * SP_ERR_EXISTS when a unique name, key or principal is taken; the new version is written back
 * to row->ver. Gets: SP_ERR_NOT_FOUND. Single gets fill rows without views; texts of documents
 * come through the each_ functions or *_text().
 */
struct store_registry {
    sp_error (*user_put)(struct store_tx *tx, struct user_row *row);
    sp_error (*user_get)(struct store *st, struct sp_id id, struct user_row *out);
    sp_error (*user_by_principal)(struct store *st, const char *iss, const char *sub,
                                  struct user_row *out);
    sp_error (*user_by_name)(struct store *st, const char *name, struct user_row *out);
    /* `f` NULL: all, by name. After `edge` (its name, and seen where that is the order; NULL: from
     * the first). Counting stops at `max`. */
    sp_error (*user_list)(struct store *st, const struct user_filter *f,
                          const struct user_row *edge, size_t limit, each_user *each, void *arg);
    sp_error (*user_count)(struct store *st, const struct user_filter *f, size_t max, size_t *out);
    /* Replaces all groups of a user; unknown names become groups. GROUPS_UNREADABLE keeps none. */
    sp_error (*user_groups_set)(struct store_tx *tx, struct sp_id user, enum groups_state state,
                                const char *detail, const char *const *groups, size_t count);
    /* In no order. */
    sp_error (*user_groups)(struct store *st, struct sp_id user, each_text *each, void *arg);
    sp_error (*group_list)(struct store *st, const char *after_name, size_t limit, each_group *each,
                           void *arg);
    sp_error (*group_members)(struct store *st, const char *group, each_user *each, void *arg);

    sp_error (*device_put)(struct store_tx *tx, struct device_row *row);
    sp_error (*device_get)(struct store *st, struct sp_id id, struct device_row *out);
    sp_error (*device_by_key)(struct store *st, const struct key_public *key,
                              struct device_row *out);
    /* As user_list; what is equal is ordered by id, so that `edge` has one too. */
    sp_error (*device_list)(struct store *st, const struct device_filter *f,
                            const struct device_row *edge, size_t limit, each_device *each,
                            void *arg);
    sp_error (*device_count)(struct store *st, const struct device_filter *f, size_t max,
                             size_t *out);
    /* The same rows in the same order, from an index alone: `id` is set and that by which they are
     * ordered, enough for the next `edge`. A hundred thousand of them are some ten milliseconds. */
    sp_error (*device_order)(struct store *st, const struct device_filter *f,
                             const struct device_row *edge, size_t limit, each_device *each,
                             void *arg);
    /* How many there are in each state; `oldest` (or NULL) is the pending one that waits longest.
     */
    sp_error (*device_tally)(struct store *st, struct device_counts *out,
                             struct device_row *oldest);
    /* Ids of devices in one state, in no order. */
    sp_error (*device_ids)(struct store *st, enum device_row_state state, each_id *each, void *arg);
    sp_error (*device_seen)(struct store_tx *tx, struct sp_id id,
                            sp_unix_ms at); /* no change row */

    sp_error (*posture_put)(struct store_tx *tx, struct posture_row *row);
    /* Devices with a stored verdict that is alive at `now`, in no order. */
    sp_error (*posture_alive)(struct store *st, sp_unix_ms now, each_id *each, void *arg);
    sp_error (*posture_text)(struct store *st, struct sp_id device, struct posture_row *out,
                             each_text *verdicts, void *arg);

    sp_error (*site_put)(struct store_tx *tx, struct site_row *row);
    sp_error (*site_remove)(struct store_tx *tx, struct sp_id id, uint64_t ver);
    sp_error (*site_list)(struct store *st, each_site *each, void *arg); /* by name */

    sp_error (*connector_put)(struct store_tx *tx, struct connector_row *row);
    sp_error (*connector_list)(struct store *st, each_connector *each, void *arg);
    sp_error (*relay_put)(struct store_tx *tx, struct relay_row *row);
    sp_error (*relay_list)(struct store *st, each_relay *each, void *arg);

    sp_error (*app_put)(struct store_tx *tx, struct app_row *row);
    sp_error (*app_remove)(struct store_tx *tx, struct sp_id id, uint64_t ver);
    sp_error (*app_list)(struct store *st, each_app *each, void *arg); /* by name */

    /* Becomes version `expect + 1`; SP_ERR_CONFLICT when another one came first. */
    sp_error (*policy_put)(struct store_tx *tx, struct policy_row *row, uint64_t expect);
    sp_error (*policy_newest)(struct store *st, each_policy *each, void *arg); /* one row or none */
    sp_error (*policy_get)(struct store *st, uint64_t ver, each_policy *each, void *arg);
    sp_error (*policy_list)(struct store *st, uint64_t before /* 0: newest */, size_t limit,
                            each_policy *each, void *arg); /* newest first; text empty */

    /* A change without a row of its own: a kill order, new keys. */
    sp_error (*announce)(struct store_tx *tx, enum change_kind kind, struct sp_id subject,
                         struct view body);
};

/* What works at most once, over crashes (ANC-5): one guarded statement, affected rows = 1 means
 * won. `won` is set to false first; an error is never a win. */
struct store_once {
    sp_error (*consume)(struct store_tx *tx, enum once_kind kind, struct view id,
                        sp_unix_ms expires, bool *won);
    /* Was it consumed? A question only: what must happen at most once asks `consume`. */
    sp_error (*consumed)(struct store *st, enum once_kind kind, struct view id, bool *out);
    sp_error (*forget)(struct store_tx *tx, sp_unix_ms before); /* drops expired ids */

    sp_error (*enrol_add)(struct store_tx *tx, const struct enrol_row *row);
    /* The one statement of INC-2: exists, unexpired, unused, and now used. `site` as stored. */
    sp_error (*enrol_consume)(struct store_tx *tx, const uint8_t hash[ROW_HASH_BYTES],
                              sp_unix_ms now, struct sp_id used_by, struct sp_id *site, bool *won);
    sp_error (*enrol_list)(struct store *st, struct sp_id site, each_enrol *each, void *arg);
    sp_error (*enrol_get)(struct store *st, const uint8_t hash[ROW_HASH_BYTES],
                          struct enrol_row *out);
    sp_error (*enrol_remove)(struct store_tx *tx, const uint8_t hash[ROW_HASH_BYTES]);

    /* SP_ERR_NOT_FOUND: the user has none. `seed` gets the sealed seed. */
    sp_error (*totp_get)(struct store *st, struct sp_id user, struct totp_row *out, each_text *seed,
                         void *arg);
    /* Replaces the seed; last_step, fails and lock start again. */
    sp_error (*totp_put)(struct store_tx *tx, const struct totp_row *row);
    sp_error (*totp_remove)(struct store_tx *tx, struct sp_id user);
    /* Wins when `step` is above the last one and the user is not locked at `now`; confirms the
     * enrolment and clears the failures in the same statement (OTP-4). */
    sp_error (*totp_advance)(struct store_tx *tx, struct sp_id user, int64_t step, sp_unix_ms now,
                             bool *won);
    /* Counts a failure and sets the lock that the caller computed for `fails` + 1. */
    sp_error (*totp_fail)(struct store_tx *tx, struct sp_id user, int64_t fails,
                          sp_unix_ms locked_until, bool *won);

    /* Replaces all recovery codes of a user by these hashes. */
    sp_error (*recovery_put)(struct store_tx *tx, struct sp_id user,
                             const uint8_t (*hashes)[ROW_HASH_BYTES], size_t count);
    sp_error (*recovery_consume)(struct store_tx *tx, struct sp_id user,
                                 const uint8_t hash[ROW_HASH_BYTES], bool *won);
    sp_error (*recovery_left)(struct store *st, struct sp_id user, size_t *out);
};

/* Logins of devices and browsers, sealed secrets, local accounts. */
struct store_logins {
    sp_error (*device_put)(struct store_tx *tx, struct login_row *row); /* upsert; change row */
    sp_error (*device_get)(struct store *st, struct sp_id device, struct login_row *out);
    sp_error (*device_remove)(struct store_tx *tx, struct sp_id device, bool *won);
    sp_error (*device_logins)(struct store *st, struct sp_id user, each_login *each, void *arg);
    sp_error (*browser_put)(struct store_tx *tx, struct login_row *row);
    sp_error (*browser_get)(struct store *st, const uint8_t hash[ROW_HASH_BYTES],
                            struct login_row *out); /* also by prev_hash */
    /* One winner: replaces `old` by `fresh`; the old one stays readable as prev_hash. */
    sp_error (*browser_roll)(struct store_tx *tx, const uint8_t old[ROW_HASH_BYTES],
                             const uint8_t fresh[ROW_HASH_BYTES], sp_unix_ms now, bool *won);
    sp_error (*browser_remove)(struct store_tx *tx, const uint8_t hash[ROW_HASH_BYTES], bool *won);
    sp_error (*browser_list)(struct store *st, struct sp_id user, each_login *each, void *arg);
    /* All of a user, browsers and devices; appends change rows. */
    sp_error (*remove_all)(struct store_tx *tx, struct sp_id user);
    sp_error (*forget)(struct store_tx *tx, sp_unix_ms before); /* expired browser logins */

    /* Sealed blobs by name: keys, the cookie key. */
    sp_error (*secret_put)(struct store_tx *tx, const char *name, struct view sealed);
    sp_error (*secret_get)(struct store *st, const char *name, each_text *each, void *arg);
    /* Wins when no such secret existed: two brokers that start at once keep one key. */
    sp_error (*secret_add)(struct store_tx *tx, const char *name, struct view sealed, bool *won);

    sp_error (*account_put)(struct store_tx *tx, struct account_row *row);
    sp_error (*account_by_name)(struct store *st, const char *name, struct account_row *out);
    sp_error (*account_get)(struct store *st, struct sp_id id, struct account_row *out);
    sp_error (*account_list)(struct store *st, each_account *each, void *arg);
    sp_error (*account_remove)(struct store_tx *tx, struct sp_id id, uint64_t ver);
};

enum audit_order { AUDIT_OLDEST_FIRST = 0, AUDIT_NEWEST_FIRST };

/* Which records are read, and in which order. A zeroed one reads nothing: its limit is 0. */
struct audit_span {
    enum audit_order order;
    struct audit_row edge;   /* goes on behind its (at, shard, seq); seq 0: from the begin */
    sp_unix_ms since, until; /* since <= at < until; until 0: without an end */
    size_t limit;            /* rows */
};

/*
 * What lists find a record by. `code` is the number of its event and its result, AUDIT_CODE(number,
 * result). `about` are whom and what it names: a name without an id (somebody unknown) is found by
 * the name alone. Texts are borrowed for the call.
 */
enum { AUDIT_ABOUT_MAX = 5 };
#define AUDIT_CODE(number, result) ((int64_t)(number)*4 + (int64_t)(result))
struct audit_facts {
    int64_t code;
    const char *request, *reason; /* "R-7Q2M4K"; of a denial. NULL: none */
    struct {
        struct sp_id id;
        const char *name; /* NULL: none */
    } about[AUDIT_ABOUT_MAX];
    size_t count;
};
/* Where records that name this id stand among the postings. */
int64_t audit_key(struct sp_id id);

/* The hash-chained log. broker/audit makes and reads the records. */
struct store_audit {
    /* Joins the chain at the end of the batch: sequence and hash are given when it commits, in
     * the order of the lane. `seq` (or NULL) is written before store_commit returns. Copies. */
    sp_error (*append)(struct store_tx *tx, struct view text, const struct audit_facts *facts,
                       uint64_t *seq);
    /* One shard, in order, from `seq` on. */
    sp_error (*walk)(struct store *st, uint32_t shard, uint64_t seq, size_t limit, each_audit *each,
                     void *arg);
    /* All shards by time. */
    sp_error (*page)(struct store *st, const struct audit_span *span, each_audit *each, void *arg);
    sp_error (*get)(struct store *st, uint32_t shard, uint64_t seq, each_audit *each, void *arg);
    /* The records of one key (a code, or audit_key() of an id) in the order of page(): their places
     * and codes, without their texts. */
    sp_error (*find)(struct store *st, int64_t key, const struct audit_span *span,
                     each_posting *each, void *arg);
    /* Keys of what was recorded under a name (or for a reason) that has `part` in it; at most
     * `max`. */
    sp_error (*names)(struct store *st, const char *part, int64_t *keys, size_t max, size_t *count);
    /* How many records of each code and reason there were, by hour. */
    sp_error (*hours)(struct store *st, sp_unix_ms since, each_hour *each, void *arg);
    /* The records of one request, oldest first; at most 16. */
    sp_error (*by_request)(struct store *st, const char *request, each_audit *each, void *arg);
    sp_error (*head)(struct store *st, uint32_t shard, struct audit_head *out);
    sp_error (*shards)(struct store *st, uint32_t *out, size_t max, size_t *count);
};

/* The change log (SCALE.md "Fan-out"). broker/store/changes.h follows it. */
struct store_changes {
    /* Versions of all scopes at one moment. */
    sp_error (*heads)(struct store *st, uint64_t out[CHANGE_SCOPES]);
    /* Rows of `scope` above `ver`, in order. */
    sp_error (*since)(struct store *st, uint32_t scope, uint64_t ver, each_change *each, void *arg);
    sp_error (*forget)(struct store_tx *tx, sp_unix_ms before);
};

/* Hints for the console and for placement; never a base of decisions. */
enum { SESSION_PAST_MS = 24 * 60 * 60 * 1000 };
struct store_presence {
    sp_error (*session_put)(struct store_tx *tx, const struct session_row *row);
    sp_error (*session_remove)(struct store_tx *tx, struct sp_id session);
    sp_error (*session_get)(struct store *st, struct sp_id session, struct session_row *out);
    /* One that was removed, for SESSION_PAST_MS; or one that was not. */
    sp_error (*session_was)(struct store *st, struct sp_id session, struct session_row *out);
    sp_error (*session_list)(struct store *st, struct sp_id after, size_t limit, each_session *each,
                             void *arg);
};

/* How far each connector's audit spool is in the log. Within the transaction of its records. */
struct store_spools {
    /* The last number of this numbering; 0: none yet, or another numbering was told last. */
    sp_error (*told)(struct store_tx *tx, struct sp_id connector, struct sp_id spool,
                     int64_t *number);
    sp_error (*tell)(struct store_tx *tx, struct sp_id connector, struct sp_id spool,
                     int64_t number);
};

/* Times: from included, to excluded for `created`, included for `until`; 0: open. */
struct access_filter {
    enum access_state state;
    struct sp_id user, app;
    sp_unix_ms created_from, created_to, until_from, until_to;
};

struct incident_filter {
    struct sp_id app, user; /* zero: all */
    const char *detector;   /* "": all */
    sp_unix_ms since;       /* last found at or after */
};

/* What the gateways of connectors found. */
struct store_incidents {
    /* A new row, or newer figures of one that is there: `first`, app and person stay. */
    sp_error (*put)(struct store_tx *tx, const struct incident_row *row);
    sp_error (*get)(struct store *st, struct sp_id id, each_incident *each, void *arg);
    /* Newest first, after `edge` (its last and id; zero: from the newest). */
    sp_error (*list)(struct store *st, const struct incident_filter *f,
                     const struct incident_row *edge, size_t limit, each_incident *each, void *arg);
    sp_error (*count)(struct store *st, const struct incident_filter *f, size_t max, size_t *out);
};

enum endpoint_order {
    ENDPOINTS_BY_PATH = 0, /* rising; all others falling */
    ENDPOINTS_BY_CALLS,
    ENDPOINTS_BY_LAST,
    ENDPOINTS_BY_ERRORS,
    ENDPOINTS_BY_P95,
    ENDPOINTS_BY_VIOLATIONS,
    ENDPOINT_ORDERS
};
/* The column of an order; not of ENDPOINTS_BY_PATH, which is no number. */
int64_t endpoint_key(const struct endpoint_row *r, enum endpoint_order order);
struct endpoint_filter {
    struct sp_id app;         /* zero: all */
    uint32_t states;          /* one of these; 0: any */
    sp_unix_ms unexpected_at; /* not those that somebody expects then; 0: any */
    const char *method;       /* "": any */
    const char *q;            /* part of the path, in any case; "": any */
};

/* Which part of a list of endpoints is read. A zeroed one reads nothing: its limit is 0. */
struct endpoint_span {
    enum endpoint_order order;
    const struct endpoint_row *edge; /* goes on behind its column of the order and its id; NULL:
                                        from the first. Borrowed for the call */
    size_t limit;                    /* rows */
};

/* Inventories, refusals and coverage as the gateways of connectors tell them; their own word. */
struct store_inventory {
    /* What a connector says of one endpoint: replaces what it said before, and the sum follows.
     * The difference of calls counts for `day`. row->id is filled.
     *   SP_ERR_LIMIT  the connector has `max` endpoints of this app already */
    sp_error (*put)(struct store_tx *tx, struct endpoint_row *row, int64_t day, size_t max);
    /* The connector has told all that it knows of the app: parts of rounds before go. */
    sp_error (*sweep)(struct store_tx *tx, struct sp_id app, struct sp_id connector,
                      sp_unix_ms round);
    sp_error (*get)(struct store *st, struct sp_id id, each_endpoint *each, void *arg);
    /* The parts of an endpoint, or (zero id) of all of an app, by endpoint. */
    sp_error (*parts)(struct store *st, struct sp_id id, struct sp_id app, each_endpoint *each,
                      void *arg);
    sp_error (*list)(struct store *st, const struct endpoint_filter *f,
                     const struct endpoint_span *span, each_endpoint *each, void *arg);
    sp_error (*count)(struct store *st, const struct endpoint_filter *f, size_t max, size_t *out);
    /* By app. */
    sp_error (*sums)(struct store *st, sp_unix_ms now, each_endpoint_sum *each, void *arg);
    /* Calls of the seven days that end with `day`; out[6] is `day`. */
    sp_error (*week)(struct store *st, struct sp_id id, int64_t day, int64_t out[7]);
    /* SP_ERR_CONFLICT: row->ver is not the stored one. */
    sp_error (*mark)(struct store_tx *tx, struct endpoint_row *row);

    sp_error (*hit_add)(struct store_tx *tx, const struct hit_row *row);
    /* Sums over people and days from `day`, by app (zero: all), reason, rule: no endpoint. */
    sp_error (*hits)(struct store *st, struct sp_id app, int64_t day, each_hit *each, void *arg);
    /* The people of one of them, most touched first, with one endpoint each. */
    sp_error (*hit_people)(struct store *st, const struct hit_row *which, int64_t day, size_t limit,
                           each_hit *each, void *arg);

    sp_error (*day_add)(struct store_tx *tx, const struct gateway_day_row *row);
    /* Sums over connectors and days from `day`, by app; an app that told nothing is not there. */
    sp_error (*days)(struct store *st, int64_t day, each_gateway_day *each, void *arg);

    sp_error (*keys_put)(struct store_tx *tx, struct sp_id connector, struct view body);
    sp_error (*keys_get)(struct store *st, struct sp_id connector, each_text *each, void *arg);

    sp_error (*expect)(struct store_tx *tx, const struct expectation_row *row);
    /* Those in force at `now`, of one app or (zero) all, newest first. */
    sp_error (*expected)(struct store *st, struct sp_id app, sp_unix_ms now, each_expectation *each,
                         void *arg);
    /* Drops days before `day`, and what belongs to apps that are gone. */
    sp_error (*forget)(struct store_tx *tx, int64_t day, sp_unix_ms now);
};

/* Requests for access, and views of lists. */
struct store_access {
    /* As the registry's puts; the change row's subject is the user. */
    sp_error (*put)(struct store_tx *tx, struct access_row *row);
    sp_error (*get)(struct store *st, struct sp_id id, struct access_row *out);
    /* Newest first, after the key (created, id) of `edge`; a zeroed edge is the newest. */
    sp_error (*list)(struct store *st, const struct access_filter *f, const struct access_row *edge,
                     size_t limit, each_access *each, void *arg);
    sp_error (*count)(struct store *st, const struct access_filter *f, size_t max, size_t *out);
    /* Those that wait since `since` or later, oldest first. */
    sp_error (*waiting)(struct store *st, sp_unix_ms since, each_access *each, void *arg);
    /* The approved ones of a user that have not ended at `now`, the longest first. */
    sp_error (*live)(struct store *st, struct sp_id user, sp_unix_ms now, each_access *each,
                     void *arg);

    /* Puts: as the registry's, without a change row; SP_ERR_EXISTS: the owner has one of this name
     * on this page. */
    sp_error (*view_put)(struct store_tx *tx, struct view_row *row);
    sp_error (*view_remove)(struct store_tx *tx, struct sp_id id, struct sp_id owner);
    sp_error (*view_get)(struct store *st, struct sp_id id, struct view_row *out);
    /* The owner's own and those that others share, of one page ("": of all), by page and name. */
    sp_error (*view_list)(struct store *st, struct sp_id owner, const char *page, each_view *each,
                          void *arg);
};

/* Drafts of policies. */
struct store_drafts {
    /* ver 0: a new one. SP_ERR_CONFLICT: changed meanwhile, or another's. */
    sp_error (*put)(struct store_tx *tx, struct draft_row *row);
    sp_error (*remove)(struct store_tx *tx, struct sp_id id);
    sp_error (*get)(struct store *st, struct sp_id id, each_draft *each, void *arg);
    sp_error (*list)(struct store *st, each_draft *each, void *arg); /* newest first; text empty */
};

/* OpenAPI documents of apps, by the SHA-256 of their bytes. */
enum {
    DOCUMENT_USES_MAX = 20,
    DOCUMENT_USES_BYTES = 64 * 1024 * 1024, /* of them together, the newest not counted */
    DOCUMENT_PIECE = 32 * 1024,
    DOCUMENT_PART_MS = 60 * 60 * 1000 /* parts of an upload that was left: forgotten */
};
struct store_documents {
    /* `text` empty: it is stored already. Of an app the newest DOCUMENT_USES_MAX are kept, as far
     * as DOCUMENT_USES_BYTES reach, and of documents those that an app keeps. The author's parts
     * are forgotten. */
    sp_error (*put)(struct store_tx *tx, const struct document_row *row, struct view text);
    sp_error (*forget)(struct store_tx *tx, struct sp_id app);
    sp_error (*list)(struct store *st, struct sp_id app, each_document *each,
                     void *arg); /* newest first */
    sp_error (*get)(struct store *st, const uint8_t sha256[ROW_HASH_BYTES], struct buf *out);
    /* DOCUMENT_PIECE bytes from `at`, less at the end; only of what an app of the site keeps. */
    sp_error (*piece)(struct store *st, const uint8_t sha256[ROW_HASH_BYTES], struct sp_id site,
                      int64_t at, struct buf *out, int64_t *size);
    /* A part of what `author` uploads for `app`, which begins at byte `at`; 0: anew.
     *   SP_ERR_CONFLICT  the parts before do not end there */
    sp_error (*part)(struct store_tx *tx, struct sp_id app, struct sp_id author, int64_t at,
                     struct view text);
    sp_error (*parts)(struct store *st, struct sp_id app, struct sp_id author, struct buf *out);
};

/* Posture feeds of vendors. */
struct store_feeds {
    /* ver 0: a new one. SP_ERR_CONFLICT: changed meanwhile; SP_ERR_EXISTS. How it went stays. */
    sp_error (*put)(struct store_tx *tx, struct feed_row *row);
    sp_error (*remove)(struct store_tx *tx, const char *name); /* SP_ERR_NOT_FOUND */
    /* How its last call went; one that was removed meanwhile is left alone. */
    sp_error (*mark)(struct store_tx *tx, const struct feed_row *row);
    sp_error (*list)(struct store *st, each_feed *each, void *arg); /* by name */
};

/* Filled by store_open. */
struct store_services {
    const struct store_registry *registry;
    const struct store_once *once;
    const struct store_logins *logins;
    const struct store_audit *audit;
    const struct store_changes *changes;
    const struct store_presence *presence;
    const struct store_spools *spools;
    const struct store_access *access;
    const struct store_incidents *incidents;
    const struct store_inventory *inventory;
    const struct store_drafts *drafts;
    const struct store_documents *documents;
    const struct store_feeds *feeds;
};
const struct store_services *store_services(const struct store *st);

/* Called on the lane's thread after each batch that holds change rows: wakes the follower. When
 * this returns, the function set before is not running and never runs again. */
void store_on_change(struct store *st, void (*wake)(void *arg), void *arg);

/* One step of the audit chain: the hash of (shard, seq, text) after `previous`. */
SP_MUST sp_error audit_step_hash(const uint8_t previous[ROW_HASH_BYTES], uint32_t shard,
                                 uint64_t seq, struct view text, uint8_t out[ROW_HASH_BYTES]);

/* For health and metrics. Any thread. */
struct store_health {
    bool broken;    /* refuses everything until the next start */
    bool full;      /* the last write found no space */
    size_t waiting; /* in the lane */
    uint64_t batches, commits, refused;
};
struct store_health store_health(const struct store *st);

/*
 * A consistent copy of the running store into a new 0600 file `path`, which must not exist.
 * `why` names what failed. Also from another process than the broker's.
 */
SP_MUST sp_error store_backup(const char *from, const char *path, struct sp_why *why);
/*
 * Puts a backup in place of the store of a stopped broker: checks it whole, gives it a new epoch
 * and moves the old file aside (never deletes it). `why` also says what a restore cannot bring
 * back (FLT-07).
 *   SP_ERR_BUSY     a broker runs on it
 *   SP_ERR_CORRUPT  the backup is damaged
 */
SP_MUST sp_error store_restore(const char *backup, const char *path, struct sp_why *why);
/*
 * What a store or a backup of one is, without changing a byte of it: whole, of which schema, how
 * far its audit goes. Also from another process than the broker's.
 *   SP_ERR_NOT_FOUND  there is none at `path`
 *   SP_ERR_CORRUPT    damaged, or no store of Sallyport; SP_ERR_VERSION  a newer program's
 */
struct store_look {
    int64_t schema;
    uint64_t bytes, users, devices, audit_records;
};
SP_MUST sp_error store_look_at(const char *path, struct sp_why *why, struct store_look *out);
/* PRAGMA integrity_check and the foreign sides of our own rows. SP_ERR_CORRUPT: `why` says what. */
SP_MUST sp_error store_check(struct store *st, struct sp_why *why);

/* Bumped by a restore: a changed epoch means that the past may have changed. */
SP_MUST sp_error store_epoch(struct store *st, struct sp_id *out);

#endif
