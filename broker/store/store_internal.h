#ifndef SP_STORE_INTERNAL_H
#define SP_STORE_INTERNAL_H

/*
 * store_internal: what the files of this room share.
 */

#include "broker/store/engine.h"
#include "lib/base/buf.h"

#include <pthread.h>

struct lane;

/* What a list finds a record by: where it stands among the postings. */
struct posting_keys {
    int64_t at[AUDIT_ABOUT_MAX + 2]; /* and the code's, and the reason's */
    size_t count;
};

/* A record that joins the chain when its batch commits. */
struct tx_audit {
    struct view text; /* owned by the transaction */
    char request[32];
    int64_t code;
    char reason[48];
    struct posting_keys keys;
    uint64_t *seq; /* the caller's, or NULL */
};

struct store_tx {
    struct store *store;
    struct conn *conn;
    sp_unix_ms now;
    struct tx_audit *audit; /* owned */
    size_t audit_count, audit_cap;
    bool changed; /* a change row was written */
};

struct store {
    char *path; /* owned; NULL: memory */
    int lock;   /* descriptor; -1: none */
    uint32_t shard;
    struct sp_id holder;
    uint64_t fence;
    struct conn *writer;
    struct read_conn {
        struct conn *conn; /* owned; memory: the writer */
        pthread_t owner;
        unsigned depth; /* 0: free */
    } readers[STORE_READERS];
    size_t reader_count;
    pthread_mutex_t lock_readers; /* recursive; memory: guards the writer, which reads too */
    pthread_cond_t reader_back;
    struct lane *lane;
    struct names_known *names; /* owned; the lane's thread */
    pthread_mutex_t
        lock_wake; /* held while wake runs: after store_on_change nobody is in the old one */
    void (*wake)(void *arg);
    void *wake_arg;
};

/* lane.c */
SP_MUST sp_error lane_new(struct store *st, struct lane **out);
void lane_free(struct lane *l); /* after all that waits; NULL is fine */
SP_MUST sp_error lane_commit(struct lane *l, store_work *work, void *arg);
void lane_health(const struct lane *l, struct store_health *out);

/* sql_audit.c: at the end of a batch, inside its transaction. */
SP_MUST sp_error audit_seal(struct store_tx *tx, uint64_t *last_seq);
void tx_audit_cut(struct store_tx *tx, size_t count); /* forget what a failed job appended */
void tx_deinit(struct store_tx *tx);

/*
 * sql_postings.c: what lists find audit records by; written in the lane's own transaction.
 *
 * postings_of() gives the keys of a record, and puts names into the dictionary that are not known
 * to be there. postings_add() writes its rows; hours count for postings_count(). After a
 * transaction that was undone, postings_forget(): the names that it wrote are not there.
 */
enum { NAMES_KNOWN = 1 << 14, HOURS_MAX = 64 };
struct names_known {
    uint64_t at[NAMES_KNOWN]; /* a hash of the name and its key, at its place; 0: none */
};
SP_MUST sp_error postings_of(struct store_tx *tx, const struct audit_facts *f,
                             struct posting_keys *out);
SP_MUST sp_error postings_add(struct store_tx *tx, const struct tx_audit *a, uint32_t shard,
                              uint64_t seq, sp_unix_ms at);
SP_MUST sp_error postings_count(struct store_tx *tx, uint32_t shard, sp_unix_ms at);
void postings_forget(struct store *st);
/* Of records that were written before there were postings; commits some at a time. Before the lane
 * runs. */
SP_MUST sp_error postings_of_old(struct store *st);
SP_MUST sp_error sql_audit_find(struct store *st, int64_t key, const struct audit_span *span,
                                each_posting *each, void *arg);
SP_MUST sp_error sql_audit_names(struct store *st, const char *part, int64_t *keys, size_t max,
                                 size_t *count);
SP_MUST sp_error sql_audit_hours(struct store *st, sp_unix_ms since, each_hour *each, void *arg);

/* migrate.c */
SP_MUST sp_error store_migrate(struct conn *c, struct sp_why *why);
SP_MUST sp_error meta_get(struct conn *c, const char *key, int64_t *out); /* SP_ERR_NOT_FOUND */
SP_MUST sp_error meta_put(struct conn *c, const char *key, int64_t value);

/* A read on one of the readers. */
SP_MUST sp_error store_read(struct store *st, const char *sql, const struct param *params,
                            size_t count, on_row *row, void *arg);
/* One row at most: SP_ERR_NOT_FOUND when none came. */
SP_MUST sp_error store_read_one(struct store *st, const char *sql, const struct param *params,
                                size_t count, on_row *row, void *arg);
/* A write in a transaction. */
SP_MUST sp_error tx_run(struct store_tx *tx, const char *sql, const struct param *params,
                        size_t count, int64_t *changed);
/* The same where exactly one row must be written: else `none`. */
SP_MUST sp_error tx_run_one(struct store_tx *tx, const char *sql, const struct param *params,
                            size_t count, sp_error none);
/* Whether one row was written: the guarded statement of ANC-5. */
SP_MUST sp_error tx_won(struct store_tx *tx, const char *sql, const struct param *params,
                        size_t count, bool *won);

/* sql_changes.c */
SP_MUST sp_error tx_change(struct store_tx *tx, enum change_kind kind, struct sp_id subject,
                           struct view body);

/* A text as searches see it: ASCII letters small. Appends. */
void add_folded(struct buf *out, const char *s);
/* "%part%", folded, for LIKE … ESCAPE '\\'; empty for no part. The caller's to deinit. */
void like_part(const char *part, struct buf *out);

/* Columns into rows; what does not fit is cut, which our own writes never need. */
void column_str(const struct columns *c, int i, char *out, size_t size);
struct sp_id column_id(const struct columns *c, int i);
void column_hash(const struct columns *c, int i, uint8_t out[ROW_HASH_BYTES]);
struct key_public column_key(const struct columns *c, int i);
/* A key as it is stored: its kind, then its bytes. */
struct stored_key {
    uint8_t bytes[1 + KEY_BYTES_MAX];
    size_t len;
};
struct stored_key stored_key(const struct key_public *k);
#define P_KEY(k)                                        \
    {                                                   \
        .kind = PARAM_BYTES, .v = {(k).bytes, (k).len } \
    }

/* sql_gateway.c: the parts of store_inventory that are not endpoints. */
SP_MUST sp_error gateway_hit_add(struct store_tx *tx, const struct hit_row *row);
SP_MUST sp_error gateway_hits(struct store *st, struct sp_id app, int64_t day, each_hit *each,
                              void *arg);
SP_MUST sp_error gateway_hit_people(struct store *st, const struct hit_row *which, int64_t day,
                                    size_t limit, each_hit *each, void *arg);
SP_MUST sp_error gateway_day_add(struct store_tx *tx, const struct gateway_day_row *row);
SP_MUST sp_error gateway_days(struct store *st, int64_t day, each_gateway_day *each, void *arg);
SP_MUST sp_error gateway_keys_put(struct store_tx *tx, struct sp_id connector, struct view body);
SP_MUST sp_error gateway_keys_get(struct store *st, struct sp_id connector, each_text *each,
                                  void *arg);
SP_MUST sp_error gateway_expect(struct store_tx *tx, const struct expectation_row *row);
SP_MUST sp_error gateway_expected(struct store *st, struct sp_id app, sp_unix_ms now,
                                  each_expectation *each, void *arg);
SP_MUST sp_error gateway_forget(struct store_tx *tx, int64_t day, sp_unix_ms now);

extern const struct store_registry sql_registry;
extern const struct store_once sql_once;
extern const struct store_logins sql_logins;
extern const struct store_audit sql_audit;
extern const struct store_changes sql_changes;
extern const struct store_presence sql_presence;
extern const struct store_spools sql_spools;
extern const struct store_access sql_access;
extern const struct store_incidents sql_incidents;
extern const struct store_inventory sql_inventory;
extern const struct store_drafts sql_drafts;
extern const struct store_documents sql_documents;
extern const struct store_feeds sql_feeds;

#endif
