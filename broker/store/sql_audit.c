#include "broker/store/store_internal.h"

#include "lib/base/json.h"
#include "lib/crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

static const char get_head[] = "SELECT seq, hash, fence, ts FROM audit_head WHERE shard = $1";
/* The guard: another broker that took the shard has a higher fence; a fork needs the same seq. */
static const char move_head[] = "UPDATE audit_head SET seq = $1, hash = $2, ts = $3 "
                                "WHERE shard = $4 AND fence = $5 AND seq = $6";
static const char add[] = "INSERT INTO audit (shard, seq, ts, request, hash, rec) "
                          "VALUES ($1, $2, $3, $4, $5, $6)";
static const char one_shard[] = "SELECT shard, seq, ts, hash, rec FROM audit "
                                "WHERE shard = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
static const char newest[] = "SELECT shard, seq, ts, hash, rec FROM audit WHERE ts >= $4 AND "
                             "ts < $5 AND (ts, shard, seq) < ($1, $2, $3) "
                             "ORDER BY ts DESC, shard DESC, seq DESC LIMIT $6";
static const char oldest[] = "SELECT shard, seq, ts, hash, rec FROM audit WHERE ts >= $4 AND "
                             "ts < $5 AND (ts, shard, seq) > ($1, $2, $3) "
                             "ORDER BY ts, shard, seq LIMIT $6";
static const char one[] = "SELECT shard, seq, ts, hash, rec FROM audit "
                          "WHERE shard = $1 AND seq = $2";
static const char of_request[] = "SELECT shard, seq, ts, hash, rec FROM audit "
                                 "WHERE request = $1 ORDER BY ts, shard, seq LIMIT 16";
static const char all_shards[] = "SELECT shard FROM audit_head ORDER BY shard";

void tx_audit_cut(struct store_tx *tx, size_t count)
{
    while (tx->audit_count > count)
        free((void *)(uintptr_t)tx->audit[--tx->audit_count].text.at);
}

void tx_deinit(struct store_tx *tx)
{
    tx_audit_cut(tx, 0);
    free(tx->audit);
}

static sp_error append(struct store_tx *tx, struct view text, const struct audit_facts *facts,
                       uint64_t *seq)
{
    struct posting_keys keys;
    sp_error e = postings_of(tx, facts, &keys);

    if (e != SP_OK)
        return e;
    if (tx->audit_count == tx->audit_cap) {
        size_t cap = tx->audit_cap == 0 ? 64 : tx->audit_cap * 2;
        struct tx_audit *more = realloc(tx->audit, cap * sizeof *more);
        if (more == NULL)
            return SP_ERR_NOMEM;
        tx->audit = more;
        tx->audit_cap = cap;
    }
    uint8_t *copy = malloc(text.len + 1);
    if (copy == NULL)
        return SP_ERR_NOMEM;
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    struct tx_audit *a = &tx->audit[tx->audit_count++];
    *a = (struct tx_audit){.text = {copy, text.len}, .code = facts->code, .keys = keys, .seq = seq};
    (void)snprintf(a->request, sizeof a->request, "%s", facts->request ? facts->request : "");
    (void)snprintf(a->reason, sizeof a->reason, "%s", facts->reason ? facts->reason : "");
    return SP_OK;
}

static bool on_head(void *arg, const struct columns *c)
{
    struct audit_head *h = arg;

    h->seq = (uint64_t)column_int(c, 0);
    column_hash(c, 1, h->hash);
    h->fence = (uint64_t)column_int(c, 2);
    h->at = column_int(c, 3);
    return true;
}

sp_error audit_step_hash(const uint8_t previous[ROW_HASH_BYTES], uint32_t shard, uint64_t seq,
                         struct view text, uint8_t out[ROW_HASH_BYTES])
{
    struct hash before;
    struct buf step;

    buf_init(&step, text.len + 12);
    buf_add_uint(&step, shard, 4);
    buf_add_uint(&step, seq, 8);
    buf_add(&step, text);
    sp_error e = buf_error(&step);
    if (e == SP_OK) {
        memcpy(before.bytes, previous, ROW_HASH_BYTES);
        struct hash now = hash_chain(&before, buf_view(&step));
        memcpy(out, now.bytes, ROW_HASH_BYTES);
    }
    buf_deinit(&step);
    return e;
}

sp_error audit_seal(struct store_tx *tx, uint64_t *last_seq)
{
    struct audit_head head = {.shard = tx->store->shard};
    uint64_t from;
    sp_error e;

    if (tx->audit_count == 0)
        return SP_OK;
    if ((e = conn_run(tx->conn, get_head, PARAMS(P_INT(head.shard)), on_head, &head, NULL)) !=
        SP_OK)
        return e;
    from = head.seq;
    for (size_t i = 0; i < tx->audit_count && e == SP_OK; i++) {
        const struct tx_audit *a = &tx->audit[i];
        head.seq++;
        e = audit_step_hash(head.hash, head.shard, head.seq, a->text, head.hash);
        if (e == SP_OK)
            e = tx_run(tx, add,
                       PARAMS(P_INT(head.shard), P_INT(head.seq), P_INT(tx->now),
                              P_TEXT(a->request), P_HASH(head.hash), P_STR(a->text)),
                       NULL);
        if (e == SP_OK)
            e = postings_add(tx, a, head.shard, head.seq, tx->now);
    }
    if (e == SP_OK)
        e = postings_count(tx, head.shard, tx->now);
    if (e == SP_OK)
        e = tx_run_one(tx, move_head,
                       PARAMS(P_INT(head.seq), P_HASH(head.hash), P_INT(tx->now), P_INT(head.shard),
                              P_INT(tx->store->fence), P_INT(from)),
                       SP_ERR_CONFLICT); /* another broker holds the shard: nothing is written */
    *last_seq = head.seq;
    return e;
}

/* ---- reading ---- */

struct each {
    each_audit *each;
    void *arg;
};

static bool on_audit(void *arg, const struct columns *c)
{
    struct each *x = arg;
    struct audit_row row = {.shard = (uint32_t)column_int(c, 0),
                            .seq = (uint64_t)column_int(c, 1),
                            .at = column_int(c, 2),
                            .text = column_text(c, 4)};

    column_hash(c, 3, row.hash);
    return x->each(x->arg, &row);
}

static sp_error walk(struct store *st, uint32_t shard, uint64_t seq, size_t limit, each_audit *each,
                     void *arg)
{
    struct each x = {each, arg};
    return store_read(st, one_shard, PARAMS(P_INT(shard), P_INT(seq), P_INT(limit)), on_audit, &x);
}

static sp_error page(struct store *st, const struct audit_span *span, each_audit *each, void *arg)
{
    struct each x = {each, arg};
    const struct audit_row *edge = &span->edge;
    bool at_end = edge->seq == 0;
    bool down = span->order == AUDIT_NEWEST_FIRST;
    int64_t ts = at_end ? (down ? INT64_MAX : -1) : edge->at;
    int64_t shard = at_end ? (down ? INT64_MAX : -1) : (int64_t)edge->shard;
    int64_t seq = at_end ? (down ? INT64_MAX : -1) : (int64_t)edge->seq;

    return store_read(st, down ? newest : oldest,
                      PARAMS(P_INT(ts), P_INT(shard), P_INT(seq), P_INT(span->since),
                             P_INT(span->until == 0 ? INT64_MAX : span->until), P_INT(span->limit)),
                      on_audit, &x);
}

static sp_error get(struct store *st, uint32_t shard, uint64_t seq, each_audit *each, void *arg)
{
    struct each x = {each, arg};
    return store_read_one(st, one, PARAMS(P_INT(shard), P_INT(seq)), on_audit, &x);
}

static sp_error by_request(struct store *st, const char *request, each_audit *each, void *arg)
{
    struct each x = {each, arg};
    return store_read(st, of_request, PARAMS(P_TEXT(request)), on_audit, &x);
}

static sp_error head(struct store *st, uint32_t shard, struct audit_head *out)
{
    struct audit_head h = {.shard = shard};
    sp_error e = store_read_one(st, get_head, PARAMS(P_INT(shard)), on_head, &h);

    if (e == SP_OK)
        *out = h;
    return e;
}

struct shard_list {
    uint32_t *at;
    size_t max, count;
};

static bool on_shard(void *arg, const struct columns *c)
{
    struct shard_list *l = arg;

    if (l->count < l->max)
        l->at[l->count++] = (uint32_t)column_int(c, 0);
    return l->count < l->max;
}

static sp_error shards(struct store *st, uint32_t *out, size_t max, size_t *count)
{
    struct shard_list l = {out, max, 0};
    sp_error e = store_read(st, all_shards, NULL, 0, on_shard, &l);

    if (e == SP_OK)
        *count = l.count;
    return e;
}

const struct store_audit sql_audit = {
    .append = append,
    .walk = walk,
    .page = page,
    .get = get,
    .find = sql_audit_find,
    .names = sql_audit_names,
    .hours = sql_audit_hours,
    .by_request = by_request,
    .head = head,
    .shards = shards,
};
