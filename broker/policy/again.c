/* When a decision may come out differently though no fact changes. */
#include "broker/policy/decide.h"
#include "broker/policy/window.h"

struct soonest {
    sp_unix_ms now, at;
};

static void consider(struct soonest *s, sp_unix_ms t)
{
    if (t > s->now && (s->at == 0 || t < s->at))
        s->at = t;
}

static sp_unix_ms after(sp_unix_ms t, int64_t age)
{
    return t > INT64_MAX - age - 1 ? INT64_MAX : t + age + 1;
}

static void of_signal(struct soonest *s, const struct signal_test *t, const struct facts *f)
{
    for (size_t i = 0; i < f->signal_count; i++) {
        if (strcmp(f->signals[i].name, t->signal) != 0)
            continue;
        for (size_t k = 0; k < f->signals[i].count; k++) {
            const struct fact_value *v = &f->signals[i].values[k];
            if (v->kind == VALUE_NONE)
                continue; /* it is unknown before and after */
            consider(s, v->expires_at);
            consider(s, v->observed_at);
            if (t->max_age_ms > 0)
                consider(s, after(v->observed_at, t->max_age_ms));
        }
    }
}

static void of_list(struct soonest *s, const struct condition_list *l, const struct facts *f);

static void of_condition(struct soonest *s, const struct condition *c, const struct facts *f)
{
    switch (c->kind) {
    case COND_POSTURE:
        for (size_t i = 0; i < c->is.posture.count; i++)
            of_signal(s, &c->is.posture.at[i], f);
        break;
    case COND_SCORE:
        of_signal(s, &c->is.score, f);
        break;
    case COND_TIME:
        consider(s, c->is.time.until);
        consider(s, window_next_edge(&c->is.time, f->now));
        break;
    case COND_ANY:
        for (size_t i = 0; i < c->is.any.count; i++)
            of_list(s, &c->is.any.at[i], f);
        break;
    case COND_NOT:
        of_list(s, &c->is.not, f);
        break;
    default: /* no other condition looks at the time; mfa is measured at open and at reverify */
        break;
    }
}

static void of_list(struct soonest *s, const struct condition_list *l, const struct facts *f)
{
    for (size_t i = 0; i < l->count; i++)
        of_condition(s, &l->at[i], f);
}

static void of_rules(struct soonest *s, const struct rule *rules, size_t count,
                     const struct facts *f)
{
    for (size_t i = 0; i < count; i++)
        of_list(s, &rules[i].when, f);
}

sp_unix_ms decide_again_at(const struct policy_doc *doc, const struct facts *facts)
{
    struct soonest s = {.now = facts->now};

    consider(&s, facts->access_until);

    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (p->mode != POLICY_ENFORCE || !policy_covers(p, facts))
            continue;
        of_rules(&s, p->deny, p->deny_count, facts);
        of_rules(&s, p->require, p->require_count, facts);
        of_rules(&s, p->allow, p->allow_count, facts);
    }
    return s.at;
}
