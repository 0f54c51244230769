#include "connector/admit.h"

#include "lib/base/num.h"

#include "lib/base/banned.h"

/* False only when every host and port of the record is refused by name: an address may still be. */
static bool floor_may(const struct floor *f, const struct apprec *app)
{
    for (size_t h = 0; f != NULL && h < app->host_count; h++) {
        for (size_t p = 0; p < app->port_count; p++) {
            struct floor_verdict v = floor_judge_name(f, view_str(app->hosts[h]), app->ports[p]);
            if (v.why != FLOOR_DENIED)
                return true;
        }
    }
    return false;
}

static sp_error check_grant(struct view token, const struct admit_facts *f, struct grant *out)
{
    const struct grant_reader me = {.kind = GRANT_CONNECTOR, .key = f->own};
    const struct key_public *signer;
    sp_error e;

    if (f->now <= 0 || f->keys == NULL)
        return SP_ERR_EXPIRED;
    if ((e = keyset_signer(f->keys, token, KEYSET_GRANT, f->now, &signer)) != SP_OK ||
        (e = grant_verify(token, signer, &me, f->now, out)) != SP_OK)
        return e;
    return id_equal(out->relay, f->relay) ? SP_OK : SP_ERR_AUDIENCE;
}

static sp_unix_ms earliest(sp_unix_ms deadline, sp_unix_ms now, int64_t limit_ms)
{
    return limit_ms > 0 ? num_min(deadline, num_add_sat(now, limit_ms)) : deadline;
}

const char *admit(struct view token, const struct admit_facts *f, struct once *spent, sp_error *log,
                  struct admitted *out)
{
    struct admitted a;
    sp_error said;

    log = log == NULL ? &said : log;
    *log = SP_ERR_BUSY;
    if (f->draining)
        return "draining";
    if ((*log = check_grant(token, f, &a.grant)) != SP_OK)
        return "policy";
    a.session = a.grant.session;
    out->session = a.session;
    out->grant = a.grant;
    *log = SP_ERR_FULL;
    if (f->audit_tight)
        return "audit";
    *log = SP_ERR_DENIED;
    if (map_get(f->cut, a.session) != NULL)
        return "killed";
    const struct record *record = records_get(f->records, a.grant.app);
    *log = SP_ERR_NOT_FOUND;
    if (record == NULL)
        return "record";
    *log = SP_ERR_DENIED;
    if (!floor_may(f->floor, &record->app))
        return "floor";
    a.streams = (unsigned)record->app.streams_max;
    a.deadline = earliest(a.grant.deadline, f->now, record->app.session_ms_max);
    a.deadline = earliest(a.deadline, f->now, floor_deadline_ms(f->floor));
    if ((*log = once_spend(spent, a.grant.id, a.grant.open_until, f->now)) != SP_OK)
        return "replay";
    *out = a;
    return NULL;
}
