#include "broker/registry/drafts.h"

#include "broker/registry/change.h"
#include "lib/crypto/random.h"

struct job {
    const struct store_services *s;
    struct draft_row before, row;
    struct change_record record;
};

static sp_error put(struct store_tx *tx, void *arg)
{
    struct job *job = arg;
    sp_error e;

    job->row = job->before;
    job->row.updated = tx_now(tx);
    if (job->row.ver == 0)
        job->row.created = job->row.updated;
    e = job->s->drafts->put(tx, &job->row);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

static sp_error drop(struct store_tx *tx, void *arg)
{
    struct job *job = arg;
    sp_error e = job->s->drafts->remove(tx, job->before.id);

    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

static bool count_one(void *arg, const struct draft_row *row)
{
    (void)row;
    ++*(size_t *)arg;
    return true;
}

static const char *name_of(const struct draft_row *row)
{
    return row->policy[0] != '\0' ? row->policy : "policies";
}

sp_error drafts_put(struct registry *r, struct draft_row *row, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct job job = {.s = store_services(st), .before = *row};
    size_t count = 0;
    sp_error e = SP_OK;

    if (row->ver == 0) {
        job.before.id = random_id();
        e = job.s->drafts->list(st, count_one, &count);
        if (e == SP_OK && count >= DRAFTS_MAX)
            e = SP_ERR_LIMIT;
    }
    if (e != SP_OK)
        return e;
    change_record(&job.record, by, AUDIT_POLICY_DRAFT, "draft", job.before.id, name_of(row),
                  row->ver == 0 ? "saved a draft" : "changed a draft");
    if ((e = store_commit(st, put, &job)) == SP_OK)
        *row = job.row;
    return e;
}

sp_error drafts_remove(struct registry *r, const struct draft_row *row, const char *why,
                       const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct job job = {.s = store_services(st), .before = *row};

    change_record(&job.record, by, AUDIT_POLICY_DRAFT, "draft", row->id, name_of(row), why);
    return store_commit(st, drop, &job);
}
