#include "broker/audit/chain.h"

#include "lib/base/failpoint.h"

enum { SHARDS_MAX = 64, WALK_ROWS = 500 };

static void add_about(struct audit_facts *f, struct sp_id id, const char *name)
{
    if (id_is_zero(id) && (name == NULL || name[0] == '\0'))
        return;
    f->about[f->count].id = id;
    f->about[f->count++].name = name;
}

/* What lists find the record by (broker/audit/find.h). */
static sp_error append_text(struct store_tx *tx, const struct store_services *s,
                            const struct audit_record *r, struct view text)
{
    struct audit_facts f = {
        .code = audit_code_number(r->event, r->result), .request = r->request, .reason = r->reason};

    add_about(&f, r->actor, r->actor_name);
    add_about(&f, r->object, r->object_name);
    add_about(&f, r->user, NULL);
    add_about(&f, r->app, NULL);
    return s->audit->append(tx, text, &f, NULL);
}

sp_error audit_append(struct store_tx *tx, const struct store_services *s,
                      const struct audit_record *r)
{
    struct audit_record dated = *r;
    struct buf text;

    if (dated.at == 0)
        dated.at = tx_now(tx);
    buf_init(&text, AUDIT_RECORD_MAX);
    audit_write(&dated, &text);
    sp_error e = buf_error(&text);
    if (e == SP_OK)
        e = append_text(tx, s, r, buf_view(&text));
    buf_deinit(&text);
    return e;
}

struct one_record {
    const struct store_services *s;
    const struct audit_record *record;
};

static sp_error append_one(struct store_tx *tx, void *arg)
{
    const struct one_record *one = arg;

    return audit_append(tx, one->s, one->record);
}

sp_error audit_now(struct store *st, const struct audit_record *r)
{
    struct one_record one = {store_services(st), r};

    FAILPOINT("audit:asked");
    sp_error e = store_commit(st, append_one, &one);
    FAILPOINT("audit:done");
    return e;
}

/* ---- verifying ---------------------------------------------------------------------------- */

/* One shard on its way: what the next record must be. */
struct check {
    uint32_t shard;
    uint64_t next;    /* sequence */
    uint8_t hash[32]; /* of the record before */
    bool first;       /* `hash` is taken from the record before `from`, unchecked */
    size_t batch;
    const struct audit_witness *witnesses;
    size_t witness_count;
    struct audit_verdict *out;
    sp_error error;
};

static void fault(struct check *c, enum audit_fault what, uint64_t seq, const uint8_t expected[32],
                  const uint8_t found[32])
{
    static const uint8_t none[32];

    c->out->fault = what;
    c->out->shard = c->shard;
    c->out->last_seq = c->next - 1;
    c->out->bad_seq = seq;
    memcpy(c->out->expected, expected ? expected : none, 32);
    memcpy(c->out->found, found ? found : none, 32);
}

/* A head that was kept elsewhere must be this very record. */
static bool witness_agrees(struct check *c, const struct audit_row *row)
{
    for (size_t i = 0; i < c->witness_count; i++) {
        const struct audit_witness *w = &c->witnesses[i];
        if (w->shard == c->shard && w->seq == row->seq && memcmp(w->hash, row->hash, 32) != 0) {
            fault(c, AUDIT_EDITED, row->seq, w->hash, row->hash);
            return false;
        }
    }
    return true;
}

static bool check_row(void *arg, const struct audit_row *row)
{
    struct check *c = arg;
    uint8_t expected[32];

    c->batch++;
    if (c->first) { /* the anchor before the range */
        c->first = false;
        c->next = row->seq + 1;
        memcpy(c->hash, row->hash, 32);
        return true;
    }
    if (row->seq != c->next) {
        fault(c, row->seq > c->next ? AUDIT_GAP : AUDIT_REORDERED, c->next, NULL, NULL);
        return false;
    }
    c->error = audit_step_hash(c->hash, c->shard, row->seq, row->text, expected);
    if (c->error != SP_OK)
        return false;
    if (memcmp(expected, row->hash, 32) != 0) {
        fault(c, AUDIT_EDITED, row->seq, expected, row->hash);
        return false;
    }
    if (!witness_agrees(c, row))
        return false;
    memcpy(c->hash, row->hash, 32);
    if (c->out->checked == 0 || row->at < c->out->from)
        c->out->from = row->at;
    if (row->at > c->out->to)
        c->out->to = row->at;
    c->out->checked++;
    c->next++;
    return true;
}

/* The stored head and the witnesses name records that must be there. */
static void check_end(struct check *c, const struct audit_head *head)
{
    uint64_t last = c->next - 1;

    if (head->seq > last)
        fault(c, AUDIT_TRUNCATED, last + 1, head->hash, NULL);
    else if (last > 0 && !c->first && memcmp(head->hash, c->hash, 32) != 0)
        fault(c, AUDIT_EDITED, last, head->hash, c->hash);
    for (size_t i = 0; i < c->witness_count && c->out->fault == AUDIT_WHOLE; i++)
        if (c->witnesses[i].shard == c->shard && c->witnesses[i].seq > last)
            fault(c, AUDIT_TRUNCATED, last + 1, c->witnesses[i].hash, NULL);
}

static bool found_row(void *arg, const struct audit_row *row)
{
    struct audit_row *out = arg;

    *out = *row;
    return false;
}

/* A record behind the head is one that no lane wrote, unless the head has moved on meanwhile. */
static sp_error check_beyond(struct store *st, struct check *c, const struct audit_head *head)
{
    const struct store_audit *audit = store_services(st)->audit;
    struct audit_row row = {0};
    struct audit_head now;
    sp_error e;

    if ((e = audit->walk(st, c->shard, head->seq + 1, 1, found_row, &row)) != SP_OK ||
        row.seq == 0 || (e = audit->head(st, c->shard, &now)) != SP_OK)
        return e;
    if (now.seq == head->seq)
        fault(c, AUDIT_BEYOND_HEAD, row.seq, head->hash, row.hash);
    return SP_OK;
}

static sp_error check_shard(struct store *st, struct check *c, uint64_t from)
{
    const struct store_audit *audit = store_services(st)->audit;
    struct audit_head head;
    /* Read before the records: what is appended meanwhile stands behind it and is not asked for. */
    sp_error e = audit->head(st, c->shard, &head);

    if (e != SP_OK)
        return e;
    c->first = from > 1;
    c->next = c->first ? from - 1 : 1;
    do {
        size_t want = head.seq >= c->next ? (size_t)(head.seq - c->next) + 1 : 1;
        c->batch = 0;
        e = audit->walk(st, c->shard, c->next, want < WALK_ROWS ? want : WALK_ROWS, check_row, c);
        if (e == SP_OK)
            e = c->error;
    } while (e == SP_OK && c->out->fault == AUDIT_WHOLE && c->batch > 0 && c->next <= head.seq);
    if (e != SP_OK || c->out->fault != AUDIT_WHOLE)
        return e;
    if (c->first) /* the range begins behind the end */
        c->next = head.seq + 1;
    check_end(c, &head);
    return c->out->fault == AUDIT_WHOLE ? check_beyond(st, c, &head) : SP_OK;
}

sp_error audit_verify(struct store *st, uint64_t from, const struct audit_witness *witnesses,
                      size_t witness_count, struct audit_verdict *out)
{
    uint32_t shards[SHARDS_MAX];
    struct audit_verdict verdict = {.fault = AUDIT_WHOLE};
    size_t count = 0;
    sp_error e = store_services(st)->audit->shards(st, shards, SHARDS_MAX, &count);

    for (size_t i = 0; e == SP_OK && i < count && verdict.fault == AUDIT_WHOLE; i++) {
        struct check c = {.shard = shards[i],
                          .witnesses = witnesses,
                          .witness_count = witness_count,
                          .out = &verdict};
        e = check_shard(st, &c, from);
    }
    if (e == SP_OK)
        *out = verdict;
    return e;
}

const char *audit_fault_text(enum audit_fault f)
{
    switch (f) {
    case AUDIT_WHOLE:
        return "the chain is whole";
    case AUDIT_EDITED:
        return "a record was edited: its hash does not follow from the one before";
    case AUDIT_GAP:
        return "a record is missing";
    case AUDIT_TRUNCATED:
        return "the end was cut off: the head names a later record";
    case AUDIT_REORDERED:
        return "records are out of order";
    case AUDIT_BEYOND_HEAD:
        return "there are records behind the head";
    }
    return "an unknown fault";
}
