/* All devices together, for the overview. */
#include "broker/posture/judge_internal.h"

#include <stdlib.h>

enum { AT_A_TIME = 1000 };

bool posture_outweighs(const struct posture_weight *a, const struct posture_weight *b)
{
    if (a->alive != b->alive)
        return a->alive;
    if (a->told != b->told)
        return a->told; /* one that could not tell outvotes nobody */
    if (a->alive && a->fails != b->fails)
        return a->fails;
    if (a->assurance != b->assurance)
        return a->assurance > b->assurance;
    return a->observed_at > b->observed_at;
}

static struct posture_weight weigh(const struct held_value *v, sp_unix_ms now)
{
    return (struct posture_weight){.alive = v->expires_at > now,
                                   .told = v->kind != VALUE_NONE,
                                   .fails = v->kind == VALUE_PASS_FAIL && !v->pass,
                                   .assurance = (int)v->assurance,
                                   .observed_at = v->observed_at};
}

enum posture_whole values_whole(const struct device_values *d, sp_unix_ms now)
{
    bool passes = false, unknown = false;

    for (size_t i = 0, best; i < d->count; i++) { /* one signal's sources stand together */
        best = i;
        while (i + 1 < d->count && strcmp(d->at[i + 1].name, d->at[best].name) == 0) {
            struct posture_weight a = weigh(&d->at[++i], now), b = weigh(&d->at[best], now);
            if (posture_outweighs(&a, &b))
                best = i;
        }
        struct posture_weight w = weigh(&d->at[best], now);
        if (!w.told || !w.alive)
            unknown = true;
        else if (w.fails)
            return WHOLE_FAILING;
        else if (d->at[best].kind == VALUE_PASS_FAIL)
            passes = true;
    }
    return passes && !unknown ? WHOLE_PASSING : WHOLE_UNKNOWN;
}

struct id_list {
    struct sp_id *at; /* owned */
    size_t count, cap;
    sp_error e;
};

static bool keep_id(void *arg, struct sp_id id)
{
    struct id_list *l = arg;

    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 1024 : 2 * l->cap;
        struct sp_id *more = reallocarray(l->at, cap, sizeof *more);
        if (more == NULL) {
            l->e = SP_ERR_NOMEM;
            return false;
        }
        l->at = more;
        l->cap = cap;
    }
    l->at[l->count++] = id;
    return true;
}

/* Verdicts of before the start that still live; most devices have reported since. */
static sp_error load_alive(struct judge *j, struct store *st, sp_unix_ms now)
{
    struct id_list ids = {.e = SP_OK};
    struct device_values *d;
    sp_error e = store_services(st)->registry->posture_alive(st, now, keep_id, &ids);

    if (e == SP_OK)
        e = ids.e;
    for (size_t i = 0; i < ids.count && e == SP_OK; i++) {
        (void)judge_lock(j);
        e = judge_find(j, ids.at[i], &d);
        judge_unlock(j);
    }
    free(ids.at);
    return e;
}

static void count(struct judge *j, const struct sp_id *ids, size_t n, sp_unix_ms now,
                  struct posture_tally *t)
{
    (void)judge_lock(j);
    for (size_t i = 0; i < n; i++) {
        const struct device_values *d = judge_held(j, ids[i]);
        enum posture_whole whole = d == NULL ? WHOLE_UNKNOWN : values_whole(d, now);
        t->passing += whole == WHOLE_PASSING;
        t->failing += whole == WHOLE_FAILING;
        t->unknown += whole == WHOLE_UNKNOWN;
    }
    judge_unlock(j);
}

sp_error judge_tally(struct judge *j, sp_unix_ms now, struct posture_tally *out)
{
    struct store *st = judge_lock(j);
    struct posture_tally t = {0};
    struct id_list ids = {.e = SP_OK};

    judge_unlock(j);
    sp_error e = load_alive(j, st, now);
    if (e == SP_OK)
        e = store_services(st)->registry->device_ids(st, ROW_DEVICE_APPROVED, keep_id, &ids);
    if (e == SP_OK)
        e = ids.e;
    /* Reports come in between: nobody waits for all of it. */
    for (size_t i = 0; i < ids.count && e == SP_OK; i += AT_A_TIME)
        count(j, ids.at + i, ids.count - i < AT_A_TIME ? ids.count - i : AT_A_TIME, now, &t);
    free(ids.at);
    if (e == SP_OK)
        *out = t;
    return e;
}
