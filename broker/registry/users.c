#include "broker/registry/users.h"

#include "broker/registry/change.h"
#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_TRIES = 1000, ADMIT_TRIES = 3, NAME_BASE_MAX = 63 };

/* ---- groups ------------------------------------------------------------------------------- */

struct group_reader {
    struct user_groups *out;
    size_t cap;
    sp_error error;
};

static bool take_group(void *arg, struct view name)
{
    struct group_reader *r = arg;

    if (r->out->count == r->cap) {
        size_t more = r->cap == 0 ? 16 : r->cap * 2;
        char **bigger = reallocarray(r->out->names, more, sizeof *bigger);
        if (bigger == NULL) {
            r->error = SP_ERR_NOMEM;
            return false;
        }
        r->out->names = bigger;
        r->cap = more;
    }
    char *copy = strndup((const char *)name.at, name.len);
    if (copy == NULL) {
        r->error = SP_ERR_NOMEM;
        return false;
    }
    r->out->names[r->out->count++] = copy;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

sp_error users_groups(struct registry *r, struct sp_id user, struct user_groups *out)
{
    struct store *st = registry_store(r);
    struct user_groups groups = {0};
    struct group_reader reader = {.out = &groups};
    sp_error e = store_services(st)->registry->user_groups(st, user, take_group, &reader);

    if (e == SP_OK)
        e = reader.error;
    if (e != SP_OK) {
        users_groups_free(&groups);
        return e;
    }
    if (groups.count > 1)
        qsort(groups.names, groups.count, sizeof *groups.names, by_name);
    *out = groups;
    return SP_OK;
}

void users_groups_free(struct user_groups *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->names[i]);
    free(g->names);
    *g = (struct user_groups){0};
}

static bool has_group(const struct user_groups *g, const char *name)
{
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->names[i], name) == 0)
            return true;
    return false;
}

/* A name that the provider gave twice counts once. */
static bool same_groups(const struct user_groups *now, const struct principal *p)
{
    for (size_t i = 0; i < p->group_count; i++)
        if (!has_group(now, p->groups[i]))
            return false;
    for (size_t i = 0; i < now->count; i++) {
        bool given = false;
        for (size_t k = 0; k < p->group_count && !given; k++)
            given = strcmp(now->names[i], p->groups[k]) == 0;
        if (!given)
            return false;
    }
    return true;
}

/* ---- names -------------------------------------------------------------------------------- */

/*
 * The part of a preferred name that may stand in a policy: before an '@', small letters, digits,
 * '.', '_', '-'. An '@' never comes from the provider: it would let one provider's user look like
 * another's (TM-19).
 */
static void name_base(const struct principal *p, char out[NAME_BASE_MAX + 1])
{
    const char *s = p->preferred != NULL && p->preferred[0] != '\0' ? p->preferred : "user";
    size_t n = 0;

    for (; *s != '\0' && *s != '@' && n < NAME_BASE_MAX; s++) {
        char c = *s >= 'A' && *s <= 'Z' ? (char)(*s | 32) : *s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || ((c == '.' || c == '_' || c == '-') && n > 0))
            out[n++] = c;
    }
    out[n] = '\0';
    if (n == 0)
        (void)snprintf(out, NAME_BASE_MAX + 1, "user");
}

/* The `n`th name that a principal may get: anna, anna2, anna3; of a further provider anna@idp. */
static void name_try(const struct principal *p, unsigned n, char out[ROW_NAME_MAX + 1])
{
    char base[NAME_BASE_MAX + 1], number[16] = "";

    name_base(p, base);
    if (n > 1)
        (void)snprintf(number, sizeof number, "%u", n);
    (void)snprintf(out, ROW_NAME_MAX + 1, "%s%s%s%.50s", base, number, p->plain_names ? "" : "@",
                   p->plain_names ? "" : p->idp);
}

/* ---- admission ---------------------------------------------------------------------------- */

struct user_job {
    const struct store_services *s;
    const struct principal *p; /* NULL: groups stay */
    struct user_row before, row;
    bool sign_out, silent;
    struct change_record record;
};

static sp_error put_user(struct store_tx *tx, void *arg)
{
    struct user_job *job = arg;
    const struct principal *p = job->p;
    sp_error e;

    job->row = job->before;
    if (p != NULL)
        job->row.seen = tx_now(tx);
    if (job->row.ver == 0)
        job->row.created = tx_now(tx);
    if ((e = job->s->registry->user_put(tx, &job->row)) != SP_OK)
        return e;
    if (p != NULL &&
        (e = job->s->registry->user_groups_set(tx, job->row.id, p->groups_state,
                                               p->groups_detail ? p->groups_detail : "", p->groups,
                                               p->group_count)) != SP_OK)
        return e;
    if (job->sign_out && (e = job->s->logins->remove_all(tx, job->row.id)) != SP_OK)
        return e;
    return job->silent ? SP_OK : audit_append(tx, job->s, &job->record.r);
}

static void set(char *out, size_t size, const char *s)
{
    (void)snprintf(out, size, "%s", s != NULL ? s : "");
}

/* What a login says anew; true when a person would see a difference. */
static bool refresh(struct user_row *row, const struct principal *p)
{
    struct user_row was = *row;

    set(row->display, sizeof row->display, p->display);
    set(row->email, sizeof row->email, p->email);
    set(row->idp, sizeof row->idp, p->idp);
    set(row->groups_detail, sizeof row->groups_detail,
        p->groups_state == GROUPS_KNOWN ? "" : p->groups_detail);
    row->groups = p->groups_state;
    return strcmp(was.display, row->display) != 0 || strcmp(was.email, row->email) != 0 ||
           strcmp(was.idp, row->idp) != 0 || was.groups != row->groups;
}

static sp_error admit_new(struct registry *r, struct user_job *job, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct user_row *row = &job->before, other;
    sp_error e = SP_ERR_EXISTS;

    *row = (struct user_row){.id = random_id(), .state = USER_ACTIVE};
    set(row->iss, sizeof row->iss, job->p->iss);
    set(row->sub, sizeof row->sub, job->p->sub);
    (void)refresh(row, job->p); /* all of it is new */
    for (unsigned n = 1; n <= NAME_TRIES; n++) {
        name_try(job->p, n, row->name);
        e = job->s->registry->user_by_name(st, row->name, &other);
        if (e == SP_OK)
            continue;
        if (e != SP_ERR_NOT_FOUND)
            return e;
        change_record(&job->record, by, AUDIT_USER_ADD, "user", row->id, row->name,
                      "first sign-in");
        job->record.r.user = row->id;
        return store_commit(st, put_user, job); /* EXISTS: someone was faster; the caller looks */
    }
    return SP_ERR_EXISTS;
}

static sp_error admit_known(struct registry *r, struct user_job *job, const struct audit_record *by)
{
    struct user_groups now = {0};
    sp_error e;

    if (job->before.state != USER_ACTIVE)
        return SP_ERR_DENIED;
    if ((e = users_groups(r, job->before.id, &now)) != SP_OK)
        return e;
    bool changed = refresh(&job->before, job->p);
    changed = changed || (job->p->groups_state == GROUPS_KNOWN && !same_groups(&now, job->p));
    users_groups_free(&now);
    change_record(&job->record, by, AUDIT_USER_UPDATE, "user", job->before.id, job->before.name,
                  "groups or details changed at sign-in");
    job->record.r.user = job->before.id;
    job->silent = !changed;
    return store_commit(registry_store(r), put_user, job);
}

sp_error users_admit(struct registry *r, const struct principal *p, const struct audit_record *by,
                     struct user_row *out)
{
    struct store *st = registry_store(r);
    sp_error e = SP_ERR_CONFLICT;

    if (p->iss == NULL || p->sub == NULL || p->iss[0] == '\0' || p->sub[0] == '\0' ||
        strlen(p->iss) > ROW_ISS_MAX || strlen(p->sub) > ROW_SUB_MAX)
        return SP_ERR_INVALID;
    /* Two logins of one person at once: the slower one finds what the faster one made. */
    for (int i = 0; i < ADMIT_TRIES && (e == SP_ERR_CONFLICT || e == SP_ERR_EXISTS); i++) {
        struct user_job job = {.s = store_services(st), .p = p};
        e = job.s->registry->user_by_principal(st, p->iss, p->sub, &job.before);
        if (e == SP_OK)
            e = admit_known(r, &job, by);
        else if (e == SP_ERR_NOT_FOUND)
            e = admit_new(r, &job, by);
        if (e == SP_OK)
            *out = job.row;
    }
    return e;
}

/* ---- acts --------------------------------------------------------------------------------- */

sp_error users_set_state(struct registry *r, struct sp_id user, enum user_state state,
                         const struct audit_record *by, struct user_row *out)
{
    struct store *st = registry_store(r);
    struct user_job job = {.s = store_services(st), .sign_out = state == USER_LOCKED};
    sp_error e = job.s->registry->user_get(st, user, &job.before);

    if (e != SP_OK)
        return e;
    job.before.state = state;
    change_record(&job.record, by, state == USER_LOCKED ? AUDIT_USER_LOCK : AUDIT_USER_UNLOCK,
                  "user", user, job.before.name, state == USER_LOCKED ? "locked" : "unlocked");
    job.record.r.user = user;
    if ((e = store_commit(st, put_user, &job)) == SP_OK)
        *out = job.row;
    return e;
}

static sp_error end_logins(struct store_tx *tx, void *arg)
{
    struct user_job *job = arg;
    sp_error e = job->s->logins->remove_all(tx, job->before.id);

    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

sp_error users_sign_out(struct registry *r, struct sp_id user, const struct audit_record *by)
{
    struct store *st = registry_store(r);
    struct user_job job = {.s = store_services(st)};
    sp_error e = job.s->registry->user_get(st, user, &job.before);

    if (e != SP_OK)
        return e;
    change_record(&job.record, by, AUDIT_USER_SIGN_OUT, "user", user, job.before.name,
                  "signed out everywhere");
    job.record.r.user = user;
    return store_commit(st, end_logins, &job);
}
