#include "broker/registry/policies.h"

#include "broker/registry/change.h"

#include "lib/base/failpoint.h"

#include <stdio.h>

enum { POLICY_TEXT_BYTES_MAX = 1 << 20 };

struct policy_job {
    const struct store_services *s;
    struct policy_row before, row;
    uint64_t expect;
    struct change_record record;
};

static sp_error put_policy(struct store_tx *tx, void *arg)
{
    struct policy_job *job = arg;
    sp_error e;

    job->row = job->before;
    job->row.at = tx_now(tx);
    if ((e = job->s->registry->policy_put(tx, &job->row, job->expect)) != SP_OK)
        return e;
    return audit_append(tx, job->s, &job->record.r);
}

sp_error policies_put(struct registry *r, const struct policy_change *change,
                      const struct audit_record *by, uint64_t *ver)
{
    struct policy_job job = {
        .s = store_services(registry_store(r)),
        .before = {.text = change->text, .author = change->author, .ver = change->expect_ver + 1},
        .expect = change->expect_ver};
    char what[ROW_TEXT_MAX + 64];

    if (change->text.len > POLICY_TEXT_BYTES_MAX)
        return SP_ERR_LIMIT;
    (void)snprintf(job.before.note, sizeof job.before.note, "%s",
                   change->note != NULL ? change->note : "");
    (void)snprintf(what, sizeof what, "version %llu put in force%s%s",
                   (unsigned long long)job.before.ver, job.before.note[0] != '\0' ? ": " : "",
                   job.before.note);
    change_record(&job.record, by, AUDIT_POLICY_UPDATE, "policy", (struct sp_id){0}, "policies",
                  what);
    FAILPOINT("policy:asked");
    sp_error e = store_commit(registry_store(r), put_policy, &job);
    FAILPOINT("policy:done");
    if (e == SP_OK)
        *ver = job.row.ver;
    return e;
}
