#include "broker/registry/access.h"

#include "broker/registry/change.h"
#include "lib/base/failpoint.h"
#include "lib/crypto/random.h"

#include <stdio.h>

bool access_lapsed(const struct access_row *row, sp_unix_ms now)
{
    return row->state == ACCESS_WAITING && now - row->created >= ACCESS_WAIT_MS;
}

bool access_lives(const struct access_row *row, sp_unix_ms now)
{
    return row->state == ACCESS_APPROVED && row->until > now;
}

struct job {
    const struct store_services *s;
    struct access_row before, row;
    struct change_record record;
};

static sp_error put(struct store_tx *tx, void *arg)
{
    struct job *job = arg;
    sp_error e;

    job->row = job->before;
    if (job->row.ver == 0)
        job->row.created = tx_now(tx);
    else
        job->row.decided = tx_now(tx);
    if ((e = job->s->access->put(tx, &job->row)) != SP_OK)
        return e;
    return audit_append(tx, job->s, &job->record.r);
}

static sp_error commit(struct registry *r, struct job *job, struct access_row *out)
{
    sp_error e;

    job->record.r.user = job->before.user;
    job->record.r.device = job->before.device;
    job->record.r.app = job->before.app;
    FAILPOINT("access:asked");
    e = store_commit(registry_store(r), put, job);
    FAILPOINT("access:done");
    if (e == SP_OK)
        *out = job->row;
    return e;
}

/* ---- asking ------------------------------------------------------------------------------- */

struct waiting {
    struct sp_id app;
    size_t count;
    bool found;
    struct access_row same;
    sp_unix_ms now;
};

static bool on_waiting(void *arg, const struct access_row *row)
{
    struct waiting *w = arg;

    if (access_lapsed(row, w->now))
        return false; /* newest first: all that follow are, too */
    w->count++;
    if (!w->found && id_equal(row->app, w->app)) {
        w->found = true;
        w->same = *row;
    }
    return true;
}

sp_error access_ask(struct registry *r, struct access_row *row, const char *app_name,
                    const struct audit_record *by)
{
    const struct store_services *s = store_services(registry_store(r));
    const struct access_filter mine = {.state = ACCESS_WAITING, .user = row->user};
    static const struct access_row newest;
    struct waiting w = {.app = row->app, .now = clock_unix()};
    struct job job = {.s = s, .before = *row};
    char what[128];
    sp_error e =
        s->access->list(registry_store(r), &mine, &newest, ACCESS_WAITING_MAX + 1, on_waiting, &w);

    if (e != SP_OK)
        return e;
    if (w.found) {
        *row = w.same;
        return SP_ERR_EXISTS;
    }
    if (w.count >= ACCESS_WAITING_MAX)
        return SP_ERR_LIMIT;
    job.before.id = random_id();
    job.before.state = ACCESS_WAITING;
    job.before.ver = 0;
    (void)snprintf(what, sizeof what, "asks for access, %lld min",
                   (long long)(row->for_ms / 60000));
    change_record(&job.record, by, AUDIT_ACCESS_ASK, "app", row->app, app_name, what);
    return commit(r, &job, row);
}

/* ---- answering ---------------------------------------------------------------------------- */

static const struct {
    enum access_state from;
    enum audit_event event;
    const char *what;
    bool own; /* done by who asked; else by anyone but them */
    bool any; /* by anyone */
} steps[] = {
    [ACCESS_APPROVED] = {ACCESS_WAITING, AUDIT_ACCESS_APPROVE, "approved", false, false},
    [ACCESS_REFUSED] = {ACCESS_WAITING, AUDIT_ACCESS_REFUSE, "refused", false, false},
    [ACCESS_WITHDRAWN] = {ACCESS_WAITING, AUDIT_ACCESS_WITHDRAW, "withdrawn", true, false},
    [ACCESS_ENDED] = {ACCESS_APPROVED, AUDIT_ACCESS_END, "ended before its time", false, true},
};

sp_error access_answer(struct registry *r, struct access_row *row, const struct access_answer *a,
                       const char *app_name, const struct audit_record *by)
{
    sp_unix_ms now = clock_unix();
    bool own = id_equal(a->by, row->user);
    struct job job = {.s = store_services(registry_store(r)), .before = *row};

    if (a->state <= ACCESS_WAITING || (size_t)a->state >= sizeof steps / sizeof *steps)
        return SP_ERR_INVALID;
    if (!steps[a->state].any && own != steps[a->state].own)
        return SP_ERR_DENIED;
    if (row->state != steps[a->state].from || access_lapsed(row, now) ||
        (row->state == ACCESS_APPROVED && !access_lives(row, now)))
        return SP_ERR_CONFLICT;
    job.before.state = a->state;
    job.before.decided_by = a->by;
    if (a->state == ACCESS_APPROVED)
        job.before.until = a->until;
    (void)snprintf(job.before.answer, sizeof job.before.answer, "%s", a->text);
    struct audit_record said = *by;
    said.text = a->text;
    change_record(&job.record, &said, steps[a->state].event, "app", row->app, app_name,
                  steps[a->state].what);
    return commit(r, &job, row);
}
