/* The smallest change of facts that turns a decision. */
#include "broker/policy/opposite.h"

#include <string.h>

struct set {
    struct opposite o;
    bool full; /* it would take more than fit: no candidate */
};

static void add(struct set *s, bool ends, const struct condition *c, const struct signal_test *t)
{
    if (s->o.count == OPPOSITE_MAX)
        s->full = true;
    else
        s->o.at[s->o.count++] = (struct opposite_fact){ends, c, t};
}

/* All of the rule's conditions that are not true would have to be. */
static void meet(struct set *s, const struct rule *r, const struct facts *f)
{
    for (size_t i = 0; i < r->when.count; i++) {
        const struct condition *c = &r->when.at[i];
        if (c->kind != COND_POSTURE) {
            if (condition_value(c, f, READ_AS_IS) != TRI_YES)
                add(s, false, c, NULL);
            continue;
        }
        for (size_t k = 0; k < c->is.posture.count; k++)
            if (signal_test_value(&c->is.posture.at[k], f) != TRI_YES)
                add(s, false, c, &c->is.posture.at[k]);
    }
}

/* One of its conditions would have to be false: the first will do. */
static void miss(struct set *s, const struct rule *r)
{
    if (r->when.count == 0) {
        s->full = true; /* always true */
        return;
    }
    const struct condition *c = &r->when.at[0];
    add(s, true, c, c->kind == COND_POSTURE ? &c->is.posture.at[0] : NULL);
}

static bool denies(const struct rule *r, const struct facts *f)
{
    enum tri holds = rule_value(r, f, READ_AS_IS);

    return holds == TRI_YES || (holds == TRI_UNKNOWN && r->or_unknown);
}

static void keep_smaller(struct set *best, const struct set *other)
{
    if (!other->full && other->o.count > 0 &&
        (best->full || best->o.count == 0 || other->o.count < best->o.count))
        *best = *other;
}

static bool concerns(const struct policy *p, const struct facts *f)
{
    return p->mode == POLICY_ENFORCE && policy_covers(p, f);
}

/* Every deny rule that holds has to go, every requirement and one allow rule to be met. */
static void to_allow(const struct policy_doc *doc, const struct facts *f, struct set *best)
{
    struct set always = {0}, all;

    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (!concerns(p, f))
            continue;
        for (size_t k = 0; k < p->deny_count; k++)
            if (denies(&p->deny[k], f))
                miss(&always, &p->deny[k]);
        for (size_t k = 0; k < p->require_count; k++)
            meet(&always, &p->require[k], f);
    }
    if (f->access_until > f->now) { /* a request lets in: no rule is needed */
        *best = always;
        return;
    }
    for (size_t i = 0; i < doc->count; i++)
        for (size_t k = 0; concerns(&doc->policies[i], f) && k < doc->policies[i].allow_count;
             k++) {
            all = always;
            meet(&all, &doc->policies[i].allow[k], f);
            keep_smaller(best, &all);
        }
}

/* One requirement missed, or no allow rule left, or one deny rule met. */
static void to_deny(const struct policy_doc *doc, const struct facts *f, struct set *best)
{
    struct set without = {0};

    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (!concerns(p, f))
            continue;
        for (size_t k = 0; k < p->require_count; k++) {
            struct set one = {0};
            miss(&one, &p->require[k]);
            keep_smaller(best, &one);
        }
        for (size_t k = 0; k < p->allow_count; k++)
            if (rule_value(&p->allow[k], f, READ_AS_IS) == TRI_YES)
                miss(&without, &p->allow[k]);
        for (size_t k = 0; k < p->deny_count; k++) {
            struct set one = {0};
            meet(&one, &p->deny[k], f);
            keep_smaller(best, &one);
        }
    }
    if (f->access_until <= f->now)
        keep_smaller(best, &without);
}

void opposite_of(const struct policy_doc *doc, const struct facts *facts, const struct decision *d,
                 struct opposite *out)
{
    struct set best = {0};

    memset(out, 0, sizeof *out);
    if (d->reason == REASON_GROUPS_UNKNOWN || d->reason == REASON_ERROR || !facts->app_exists)
        return;
    if (d->verdict == VERDICT_ALLOW)
        to_deny(doc, facts, &best);
    else
        to_allow(doc, facts, &best);
    if (!best.full)
        *out = best.o;
}
