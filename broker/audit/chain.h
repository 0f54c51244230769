#ifndef SP_AUDIT_CHAIN_H
#define SP_AUDIT_CHAIN_H

/*
 * chain: records join the log durably and in an order that shows every tampering (LOG-5).
 *
 * hash(seq) = BLAKE2b(hash(seq - 1), shard, seq, text), seq from 1, one chain a shard. The store
 * gives sequence and hash at the end of each lane batch; the head stands in the store too.
 * Worker threads.
 */

#include "broker/audit/record.h"
#include "broker/store/store.h"

/* Within a transaction: committed with all else in it or not at all. Errors of the store, and
 *   SP_ERR_LIMIT  longer than AUDIT_RECORD_MAX */
SP_MUST sp_error audit_append(struct store_tx *tx, const struct store_services *s,
                              const struct audit_record *r);
/* A transaction of its own: durable when it returns SP_OK (I2: before the effect). */
SP_MUST sp_error audit_now(struct store *st, const struct audit_record *r);

enum audit_fault {
    AUDIT_WHOLE = 0,
    AUDIT_EDITED,
    AUDIT_GAP,
    AUDIT_TRUNCATED,
    AUDIT_REORDERED,
    AUDIT_BEYOND_HEAD
};

struct audit_verdict {
    enum audit_fault fault;
    uint32_t shard;
    uint64_t checked;                /* records that are right, over all shards */
    uint64_t last_seq;               /* of `shard`: the last good record */
    uint64_t bad_seq;                /* the first bad or missing one; 0: none */
    uint8_t expected[32], found[32]; /* hashes at the first bad one */
    sp_unix_ms from, to;
};

/* A head that was kept elsewhere (SALLYPORT audit heads, one a line): "shard seq hash". */
struct audit_witness {
    uint32_t shard;
    uint64_t seq;
    uint8_t hash[32];
};

/*
 * Walks every shard from `from` (0: the beginning) and compares each hash, the order, the stored
 * head and the witnesses. SP_OK also when the chain is broken: `out->fault` says so.
 */
SP_MUST sp_error audit_verify(struct store *st, uint64_t from,
                              const struct audit_witness *witnesses, size_t witness_count,
                              struct audit_verdict *out);
const char *audit_fault_text(enum audit_fault f);

#endif
