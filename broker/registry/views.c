#include "broker/registry/views.h"

#include "broker/registry/change.h"
#include "lib/crypto/random.h"

struct job {
    const struct store_services *s;
    struct view_row before, row;
    struct change_record record;
};

static sp_error put(struct store_tx *tx, void *arg)
{
    struct job *job = arg;
    sp_error e;

    job->row = job->before;
    if (job->row.ver == 0)
        job->row.created = tx_now(tx);
    e = job->s->access->view_put(tx, &job->row);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

static sp_error drop(struct store_tx *tx, void *arg)
{
    struct job *job = arg;
    sp_error e = job->s->access->view_remove(tx, job->before.id, job->before.owner);

    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

struct owned {
    struct sp_id owner;
    size_t count;
};

static bool count_own(void *arg, const struct view_row *row)
{
    struct owned *o = arg;

    o->count += id_equal(row->owner, o->owner);
    return true;
}

sp_error views_put(struct registry *r, struct view_row *row, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct job job = {.s = store_services(st), .before = *row};
    struct owned own = {.owner = row->owner};
    sp_error e = SP_OK;

    if (row->ver == 0) {
        job.before.id = random_id();
        e = job.s->access->view_list(st, row->owner, "", count_own, &own);
        if (e == SP_OK && own.count >= VIEWS_A_PERSON_MAX)
            e = SP_ERR_LIMIT;
    }
    if (e != SP_OK)
        return e;
    change_record(&job.record, by, AUDIT_VIEW_CHANGE, "view", job.before.id, row->name,
                  row->ver == 0 ? "kept a view" : "changed a view");
    if ((e = store_commit(st, put, &job)) == SP_OK)
        *row = job.row;
    return e;
}

sp_error views_remove(struct registry *r, const struct view_row *row, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct job job = {.s = store_services(st), .before = *row};

    change_record(&job.record, by, AUDIT_VIEW_CHANGE, "view", row->id, row->name, "removed a view");
    return store_commit(st, drop, &job);
}
