#include "broker/registry/inventory.h"

#include "broker/registry/change.h"
#include "lib/crypto/random.h"

#include <stdio.h>

struct marking {
    const struct store_services *s;
    struct endpoint_row before, row;
    struct change_record record;
};

static sp_error mark(struct store_tx *tx, void *arg)
{
    struct marking *job = arg;
    sp_error e;

    job->row = job->before;
    if (job->row.expected_at != 0)
        job->row.expected_at = tx_now(tx);
    e = job->s->inventory->mark(tx, &job->row);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

sp_error inventory_mark(struct registry *r, struct endpoint_row *row, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct marking job = {.s = store_services(st), .before = *row};
    char name[sizeof row->method + sizeof row->path];
    sp_error e;

    snprintf(name, sizeof name, "%s %s", row->method, row->path);
    change_record(&job.record, by, AUDIT_GATEWAY_EXPECT, "endpoint", row->id, name,
                  row->expected_at != 0 ? "expects the endpoint" : "expects the endpoint no more");
    job.record.r.app = row->app;
    if ((e = store_commit(st, mark, &job)) == SP_OK)
        *row = job.row;
    return e;
}

struct expecting {
    const struct store_services *s;
    struct expectation_row before, row;
    struct change_record record;
};

static sp_error expect(struct store_tx *tx, void *arg)
{
    struct expecting *job = arg;
    sp_error e;

    job->row = job->before;
    job->row.created = tx_now(tx);
    e = job->s->inventory->expect(tx, &job->row);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

sp_error inventory_expect(struct registry *r, struct expectation_row *row,
                          const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct expecting job = {.s = store_services(st), .before = *row};
    char name[128];
    sp_error e;

    job.before.id = random_id();
    snprintf(name, sizeof name, "%s %.80s", row->detector, row->endpoint);
    change_record(&job.record, by, AUDIT_GATEWAY_EXPECT, "incident", row->incident, name,
                  "expects such incidents");
    job.record.r.app = row->app;
    if ((e = store_commit(st, expect, &job)) == SP_OK)
        *row = job.row;
    return e;
}
