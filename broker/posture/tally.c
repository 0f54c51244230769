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

/* One signal's sources stand together: the place behind them, and which of them decides. */
static size_t decides(const struct device_values *d, size_t from, sp_unix_ms now, size_t *best)
{
    size_t i = from;

    for (*best = from; i < d->count && strcmp(d->at[i].name, d->at[from].name) == 0; i++) {
        struct posture_weight a = weigh(&d->at[i], now), b = weigh(&d->at[*best], now);
        if (posture_outweighs(&a, &b))
            *best = i;
    }
    return i;
}

static enum posture_whole look(const struct device_values *d, sp_unix_ms now)
{
    bool passes = false, unknown = false;

    for (size_t i = 0, best = 0; i < d->count;) {
        i = decides(d, i, now, &best);
        struct posture_weight w = weigh(&d->at[best], now);
        if (!w.told || !w.alive)
            unknown = true;
        else if (w.fails)
            return POSTURE_FAILING;
        else if (d->at[best].kind == VALUE_PASS_FAIL)
            passes = true;
    }
    return passes && !unknown ? POSTURE_PASSING : POSTURE_UNKNOWN;
}

/* Nothing but an expiry changes it while no value comes. */
enum posture_whole values_whole(struct device_values *d, sp_unix_ms now)
{
    if (now >= d->whole_since && now < d->whole_until)
        return d->whole;
    d->whole = look(d, now);
    d->whole_since = now;
    d->whole_until = INT64_MAX;
    for (size_t i = 0; i < d->count; i++)
        if (d->at[i].expires_at > now && d->at[i].expires_at < d->whole_until)
            d->whole_until = d->at[i].expires_at;
    return d->whole;
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

/* Verdicts of before the start that still live; what came since is in memory. */
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
        *judge_holds_all(j) = e == SP_OK && i + 1 == ids.count;
        judge_unlock(j);
    }
    free(ids.at);
    return e;
}

sp_error judge_stands(struct judge *j, const struct sp_id *devices, size_t n, sp_unix_ms now,
                      enum posture_whole out[])
{
    struct store *st = judge_lock(j);
    sp_error e = SP_OK;

    if (!*judge_holds_all(j)) {
        judge_unlock(j);
        e = load_alive(j, st, now);
        (void)judge_lock(j);
    }
    for (size_t i = 0; i < n && e == SP_OK; i++) {
        struct device_values *d = judge_held(j, devices[i]);
        out[i] = d == NULL ? POSTURE_UNKNOWN : values_whole(d, now);
    }
    judge_unlock(j);
    return e;
}

/* Reports come in between: nobody waits for all of it. */
static sp_error tally(struct judge *j, const struct id_list *ids, sp_unix_ms now,
                      struct posture_tally *t)
{
    enum posture_whole whole[AT_A_TIME];
    sp_error e = SP_OK;

    for (size_t i = 0, n; i < ids->count && e == SP_OK; i += n) {
        n = ids->count - i < AT_A_TIME ? ids->count - i : AT_A_TIME;
        e = judge_stands(j, ids->at + i, n, now, whole);
        for (size_t k = 0; k < n && e == SP_OK; k++) {
            t->passing += whole[k] == POSTURE_PASSING;
            t->failing += whole[k] == POSTURE_FAILING;
            t->unknown += whole[k] == POSTURE_UNKNOWN;
        }
    }
    return e;
}

sp_error judge_tally(struct judge *j, sp_unix_ms now, struct posture_tally *out)
{
    struct store *st = judge_lock(j);
    struct posture_tally t = {0};
    struct id_list ids = {.e = SP_OK};

    judge_unlock(j);
    sp_error e = store_services(st)->registry->device_ids(st, ROW_DEVICE_APPROVED, keep_id, &ids);
    if (e == SP_OK && (e = ids.e) == SP_OK && (e = tally(j, &ids, now, &t)) == SP_OK)
        *out = t;
    free(ids.at);
    return e;
}
