#include "broker/registry/devices.h"

#include "broker/registry/change.h"
#include "lib/base/failpoint.h"
#include "lib/crypto/random.h"

#include <stdio.h>

struct device_job {
    const struct store_services *s;
    struct device_row before, row;
    bool seen, sign_out, silent;
    struct change_record record;
};

static sp_error put_device(struct store_tx *tx, void *arg)
{
    struct device_job *job = arg;
    bool won;
    sp_error e;

    job->row = job->before;
    if (job->seen)
        job->row.seen = tx_now(tx);
    if (job->row.ver == 0)
        job->row.created = tx_now(tx);
    if ((e = job->s->registry->device_put(tx, &job->row)) != SP_OK)
        return e;
    if (job->sign_out && (e = job->s->logins->device_remove(tx, job->row.id, &won)) != SP_OK)
        return e;
    return job->silent ? SP_OK : audit_append(tx, job->s, &job->record.r);
}

static void set(char *out, size_t size, const char *s)
{
    (void)snprintf(out, size, "%s", s != NULL ? s : "");
}

/* What the agent says of its machine; true when a person would see a difference. */
static bool refresh(struct device_row *row, const struct device_claim *claim)
{
    struct device_row was = *row;

    set(row->name, sizeof row->name, claim->name);
    set(row->os, sizeof row->os, claim->os);
    set(row->serials, sizeof row->serials, claim->serials);
    set(row->software, sizeof row->software, claim->software);
    return strcmp(was.name, row->name) != 0 || strcmp(was.os, row->os) != 0 ||
           strcmp(was.serials, row->serials) != 0 || strcmp(was.software, row->software) != 0;
}

static sp_error admit_new(struct registry *r, struct device_job *job,
                          const struct device_claim *claim, const struct audit_record *by)
{
    struct device_row *row = &job->before;

    *row = (struct device_row){.id = random_id(),
                               .user = claim->user,
                               .key = claim->key,
                               .hardware_key = claim->hardware_key,
                               .owner = ROW_OWNER_USER,
                               .state = claim->approve ? ROW_DEVICE_APPROVED : ROW_DEVICE_PENDING};
    (void)refresh(row, claim); /* all of it is new */
    change_record(&job->record, by, AUDIT_DEVICE_ADD, "device", row->id, row->name,
                  claim->approve ? "new device, approved by the configuration"
                                 : "new device, waits for approval");
    job->record.r.device = row->id;
    job->record.r.user = claim->user;
    return store_commit(registry_store(r), put_device, job);
}

static sp_error admit_known(struct registry *r, struct device_job *job,
                            const struct device_claim *claim, const struct audit_record *by)
{
    struct device_row *row = &job->before;

    if (row->state == ROW_DEVICE_BLOCKED || row->state == ROW_DEVICE_LOST ||
        !id_equal(row->user, claim->user))
        return SP_ERR_DENIED;
    job->silent = !refresh(row, claim);
    change_record(&job->record, by, AUDIT_DEVICE_ADD, "device", row->id, row->name,
                  "says new things of itself");
    job->record.r.device = row->id;
    job->record.r.user = row->user;
    return store_commit(registry_store(r), put_device, job);
}

sp_error devices_admit(struct registry *r, const struct device_claim *claim,
                       const struct audit_record *by, struct device_row *out)
{
    struct store *st = registry_store(r);
    sp_error e = SP_ERR_CONFLICT;

    for (int i = 0; i < 3 && (e == SP_ERR_CONFLICT || e == SP_ERR_EXISTS); i++) {
        struct device_job job = {.s = store_services(st), .seen = true};
        e = job.s->registry->device_by_key(st, &claim->key, &job.before);
        if (e == SP_OK)
            e = admit_known(r, &job, claim, by);
        else if (e == SP_ERR_NOT_FOUND)
            e = admit_new(r, &job, claim, by);
        if (e == SP_OK)
            *out = job.row;
    }
    return e;
}

/* ---- acts --------------------------------------------------------------------------------- */

static const struct {
    enum audit_event event;
    const char *text;
    bool sign_out;
} states[] = {
    [ROW_DEVICE_PENDING] = {AUDIT_DEVICE_BLOCK, "waits for approval again", true},
    [ROW_DEVICE_APPROVED] = {AUDIT_DEVICE_APPROVE, "approved", false},
    [ROW_DEVICE_BLOCKED] = {AUDIT_DEVICE_BLOCK, "blocked", true},
    [ROW_DEVICE_LOST] = {AUDIT_DEVICE_REVOKE, "revoked", true},
};

sp_error devices_set_state(struct registry *r, struct sp_id device, enum device_row_state state,
                           const struct audit_record *by, struct device_row *out)
{
    struct store *st = registry_store(r);
    struct device_job job = {.s = store_services(st)};
    sp_error e;

    if (state == ROW_DEVICE_NONE || state > ROW_DEVICE_LOST)
        return SP_ERR_INVALID;
    if ((e = job.s->registry->device_get(st, device, &job.before)) != SP_OK)
        return e;
    job.before.state = state;
    job.sign_out = states[state].sign_out;
    change_record(&job.record, by, states[state].event, "device", device, job.before.name,
                  states[state].text);
    job.record.r.device = device;
    job.record.r.user = job.before.user;
    FAILPOINT("device:asked");
    e = store_commit(st, put_device, &job);
    FAILPOINT("device:done");
    if (e == SP_OK)
        *out = job.row;
    return e;
}

sp_error devices_set_owner(struct registry *r, struct sp_id device, enum device_row_owner owner,
                           const struct audit_record *by, struct device_row *out)
{
    static const char *const texts[] = {"owner unknown", "owned by its user",
                                        "owned by someone else", "owned by the organisation"};
    struct store *st = registry_store(r);
    struct device_job job = {.s = store_services(st)};
    sp_error e;

    if (owner > ROW_OWNER_ORGANISATION)
        return SP_ERR_INVALID;
    if ((e = job.s->registry->device_get(st, device, &job.before)) != SP_OK)
        return e;
    job.before.owner = owner;
    change_record(&job.record, by, AUDIT_DEVICE_APPROVE, "device", device, job.before.name,
                  texts[owner]);
    job.record.r.device = device;
    job.record.r.user = job.before.user;
    if ((e = store_commit(st, put_device, &job)) == SP_OK)
        *out = job.row;
    return e;
}

static sp_error end_login(struct store_tx *tx, void *arg)
{
    struct device_job *job = arg;
    bool won = false;
    sp_error e = job->s->logins->device_remove(tx, job->before.id, &won);

    /* Nobody was signed in: nothing happened, and no record says so. */
    return e == SP_OK && won ? audit_append(tx, job->s, &job->record.r) : e;
}

sp_error devices_sign_out(struct registry *r, struct sp_id device, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct device_job job = {.s = store_services(st)};
    sp_error e = job.s->registry->device_get(st, device, &job.before);

    if (e != SP_OK)
        return e;
    change_record(&job.record, by, AUDIT_LOGOUT, "device", device, job.before.name, "signed out");
    job.record.r.device = device;
    job.record.r.user = job.before.user;
    return store_commit(st, end_login, &job);
}
