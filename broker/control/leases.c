#include "broker/control/leases.h"

#include "lib/base/map.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { FLOOR = API_SHARE_WHOLE / 10, CHANGE_MIN = API_SHARE_WHOLE / 50 };

struct rule {
    char name[API_WORD_MAX + 1];
    int64_t demand; /* of a second, smoothed */
    int64_t told;   /* its part as we know it */
    int64_t next;   /* what it is to be */
    bool stale;     /* it said another part than it was told */
};

struct holder {
    struct sp_id connector;
    sp_boot_ms at; /* of its last word */
    size_t count;
    struct rule rules[API_RULES_MAX];
};

struct shared_app {
    struct holder *holders[LEASE_PEERS_MAX]; /* owned */
    size_t count;
};

struct leases {
    struct map apps; /* struct shared_app *; owned */
    sp_boot_ms began;
};

sp_error leases_new(sp_boot_ms now, struct leases **out)
{
    struct leases *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SP_ERR_NOMEM;
    l->began = now;
    *out = l;
    return SP_OK;
}

void leases_free(struct leases *l)
{
    size_t at = 0;

    if (l == NULL)
        return;
    for (struct shared_app *a; (a = map_next(&l->apps, &at, NULL)) != NULL; free(a))
        for (size_t i = 0; i < a->count; i++)
            free(a->holders[i]);
    map_deinit(&l->apps);
    free(l);
}

/* ---- who has one --------------------------------------------------------------------------- */

static struct rule *rule_of(struct holder *h, struct view name)
{
    for (size_t i = 0; i < h->count; i++)
        if (view_is(name, h->rules[i].name))
            return &h->rules[i];
    return NULL;
}

static void drop_gone(struct shared_app *a, sp_boot_ms now)
{
    for (size_t i = a->count; i-- > 0;) {
        if (now - a->holders[i]->at < LEASE_GONE_MS)
            continue;
        free(a->holders[i]);
        a->holders[i] = a->holders[--a->count];
    }
}

SP_MUST static sp_error app_of(struct leases *l, struct sp_id id, struct shared_app **out)
{
    struct shared_app *a = map_get(&l->apps, id);
    sp_error e = SP_ERR_NOMEM;

    if (a == NULL) {
        if (map_len(&l->apps) == LEASE_APPS_MAX)
            return SP_ERR_LIMIT;
        if ((a = calloc(1, sizeof *a)) == NULL || (e = map_put(&l->apps, id, a)) != SP_OK) {
            free(a);
            return e;
        }
    }
    *out = a;
    return SP_OK;
}

SP_MUST static sp_error holder_of(struct shared_app *a, struct sp_id connector, struct holder **out)
{
    for (size_t i = 0; i < a->count; i++)
        if (id_equal(a->holders[i]->connector, connector)) {
            *out = a->holders[i];
            return SP_OK;
        }
    if (a->count == LEASE_PEERS_MAX)
        return SP_ERR_LIMIT;
    struct holder *h = calloc(1, sizeof *h);
    if (h == NULL)
        return SP_ERR_NOMEM;
    h->connector = connector;
    a->holders[a->count++] = h;
    *out = h;
    return SP_OK;
}

/* Rules that it no longer has are forgotten; a new one has what it says. */
static void take_word(struct holder *h, const struct api_rules *m, sp_boot_ms now)
{
    struct holder old = *h;

    h->at = now;
    h->count = 0;
    for (size_t i = 0; i < m->count && h->count < API_RULES_MAX; i++) {
        const struct api_rule *r = &m->rules[i];
        struct rule *known = rule_of(&old, r->name);
        struct rule *now_is = &h->rules[h->count];
        if (rule_of(h, r->name) != NULL)
            continue; /* twice */
        *now_is = known != NULL ? *known : (struct rule){.told = r->share};
        view_copy(now_is->name, sizeof now_is->name, r->name);
        /* a rise counts at once; a pause is not the end yet */
        int64_t fading = r->demand == 0 ? now_is->demand / 4 : (now_is->demand + r->demand) / 2;
        now_is->demand = r->demand > fading ? r->demand : fading;
        now_is->stale = r->share != now_is->told;
        h->count++;
    }
}

/* ---- the parts ----------------------------------------------------------------------------- */

/* Sets `next` of this rule at each connector that has it. True: something is to be told. */
static bool divide(struct shared_app *a, const char *name, bool may_grow)
{
    int64_t demand = 0, n = 0, furthest = 0;
    bool stale = false;

    for (size_t i = 0; i < a->count; i++) {
        const struct rule *r = rule_of(a->holders[i], view_str(name));
        n += r != NULL;
        demand += r != NULL ? r->demand : 0;
    }
    for (size_t i = 0; i < a->count; i++) {
        struct rule *r = rule_of(a->holders[i], view_str(name));
        if (r == NULL)
            continue;
        r->next = demand == 0 ? API_SHARE_WHOLE / n
                              : FLOOR / n + (API_SHARE_WHOLE - FLOOR) * r->demand / demand;
        if (!may_grow && r->next > r->told)
            r->next = r->told;
        int64_t change = r->next > r->told ? r->next - r->told : r->told - r->next;
        furthest = change > furthest ? change : furthest;
        stale = stale || r->stale;
    }
    if (furthest >= CHANGE_MIN)
        return true;
    for (size_t i = 0; i < a->count; i++) { /* not worth a word */
        struct rule *r = rule_of(a->holders[i], view_str(name));
        if (r != NULL)
            r->next = r->told;
    }
    return stale;
}

/* The words to those of whom some part shrinks, or, in the second round, to the others. */
static size_t tell(struct shared_app *a, struct sp_id app, bool losers, struct lease_word *out)
{
    size_t n = 0;

    for (size_t i = 0; i < a->count; i++) {
        struct holder *h = a->holders[i];
        bool loses = false, changes = false;
        for (size_t k = 0; k < h->count; k++) {
            loses = loses || h->rules[k].next < h->rules[k].told;
            changes = changes || h->rules[k].next != h->rules[k].told || h->rules[k].stale;
        }
        if (!changes || loses != losers)
            continue;
        out[n] = (struct lease_word){.connector = h->connector, .shares = {.app = app}};
        for (size_t k = 0; k < h->count; k++) {
            struct rule *r = &h->rules[k];
            out[n].shares.rules[out[n].shares.count++] =
                (struct api_rule){.name = view_str(r->name), .share = r->next};
        }
        n++;
    }
    return n;
}

static void settle(struct shared_app *a)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < a->holders[i]->count; k++) {
            a->holders[i]->rules[k].told = a->holders[i]->rules[k].next;
            a->holders[i]->rules[k].stale = false;
        }
}

sp_error leases_report(struct leases *l, struct sp_id connector, const struct api_rules *demand,
                       sp_boot_ms now, struct lease_word *out, size_t *count)
{
    struct shared_app *a;
    struct holder *h;
    sp_error e;

    *count = 0;
    if ((e = app_of(l, demand->app, &a)) != SP_OK)
        return e;
    drop_gone(a, now);
    if ((e = holder_of(a, connector, &h)) != SP_OK)
        return e;
    take_word(h, demand, now);
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < a->holders[i]->count; k++)
            a->holders[i]->rules[k].next = a->holders[i]->rules[k].told;
    for (size_t k = 0; k < h->count; k++)
        (void)divide(a, h->rules[k].name, now - l->began >= LEASE_SETTLE_MS);
    *count = tell(a, demand->app, true, out);
    *count += tell(a, demand->app, false, out + *count);
    settle(a);
    return SP_OK;
}
