#include "broker/policy/decide.h"

/* What steps 1 to 8 of section 1.5 find out. All zero: nothing holds. */
struct findings {
    bool mentions_groups, visible;
    bool allowed, allowed_with_mfa; /* M, Mm are not empty */
    bool lacks_proof;               /* Rm is not empty */
    bool by_access;                 /* M holds an approved request and nothing else */
    const struct policy *deny_in, *require_in, *allow_in, *mfa_in, *nearest_in, *proof_in;
    const struct rule *deny, *require, *allow, *mfa, *nearest, *proof; /* the first by name */
    uint32_t require_lacks, nearest_lacks;
    size_t nearest_count;
    struct limits common, of_allowed, of_allowed_with_mfa;
};

static int64_t strictest(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

struct limits limits_strictest(struct limits a, struct limits b)
{
    struct limits l = {
        .session_max_ms = strictest(a.session_max_ms, b.session_max_ms),
        .idle_ms = strictest(a.idle_ms, b.idle_ms),
        .reverify_ms = strictest(a.reverify_ms, b.reverify_ms),
        .step_up = a.step_up > b.step_up ? a.step_up : b.step_up,
    };
    if (a.step_up == MFA_NONE || b.step_up == MFA_NONE) /* every 0 is a limit here */
        l.step_up_every_ms = a.step_up == MFA_NONE ? b.step_up_every_ms : a.step_up_every_ms;
    else
        l.step_up_every_ms =
            a.step_up_every_ms < b.step_up_every_ms ? a.step_up_every_ms : b.step_up_every_ms;
    return l;
}

/* Whether (p, r) comes before (q, s) by name: what is shown must not depend on order. */
static bool before(const struct policy *p, const struct rule *r, const struct policy *q,
                   const struct rule *s)
{
    if (s == NULL)
        return true;
    int by_policy = strcmp(p->name, q->name);
    return by_policy != 0 ? by_policy < 0 : strcmp(r->name, s->name) < 0;
}

static void keep_first(const struct policy *p, const struct rule *r, const struct policy **in,
                       const struct rule **rule)
{
    if (before(p, r, *in, *rule)) {
        *in = p;
        *rule = r;
    }
}

static void see_deny(struct findings *x, const struct policy *p, const struct facts *f)
{
    for (size_t i = 0; i < p->deny_count; i++) {
        enum tri holds = rule_value(&p->deny[i], f, READ_AS_IS);
        if (holds == TRI_YES || (holds == TRI_UNKNOWN && p->deny[i].or_unknown))
            keep_first(p, &p->deny[i], &x->deny_in, &x->deny);
    }
}

static void see_require(struct findings *x, const struct policy *p, const struct facts *f)
{
    for (size_t i = 0; i < p->require_count; i++) {
        const struct rule *r = &p->require[i];
        uint32_t kinds = 0;

        if (rule_value(r, f, READ_AS_IS) == TRI_YES)
            continue;
        if (rule_value(r, f, READ_MFA_GIVEN) == TRI_YES) {
            x->lacks_proof = true;
            keep_first(p, r, &x->proof_in, &x->proof);
            continue;
        }
        (void)rule_lacks(r, f, &kinds); /* the count means nothing here */
        x->require_lacks |= kinds;
        keep_first(p, r, &x->require_in, &x->require);
    }
}

static void see_nearest(struct findings *x, const struct policy *p, const struct rule *r,
                        const struct facts *f)
{
    uint32_t kinds = 0;
    size_t count = rule_lacks(r, f, &kinds);

    if (x->nearest != NULL && count >= x->nearest_count &&
        (count > x->nearest_count || !before(p, r, x->nearest_in, x->nearest)))
        return;
    x->nearest_in = p;
    x->nearest = r;
    x->nearest_count = count;
    x->nearest_lacks = kinds;
}

static void see_allow(struct findings *x, const struct policy *p, const struct facts *f)
{
    for (size_t i = 0; i < p->allow_count; i++) {
        const struct rule *r = &p->allow[i];

        if (rule_value(r, f, READ_VISIBLE) != TRI_YES)
            continue; /* what is true as it is, is visible */
        x->visible = true;
        see_nearest(x, p, r, f);
        if (rule_value(r, f, READ_MFA_GIVEN) != TRI_YES)
            continue;
        x->allowed_with_mfa = true;
        x->of_allowed_with_mfa = limits_strictest(x->of_allowed_with_mfa, r->limits);
        keep_first(p, r, &x->mfa_in, &x->mfa);
        if (rule_value(r, f, READ_AS_IS) != TRI_YES)
            continue;
        x->allowed = true;
        x->of_allowed = limits_strictest(x->of_allowed, r->limits);
        keep_first(p, r, &x->allow_in, &x->allow);
    }
}

/* An approved request stands in M: for its user, its app and its time, and with no limit of its
 * own. What denies and what is required was seen already, and is not touched. */
static void see_access(struct findings *x, const struct facts *f)
{
    if (f->access_until <= f->now)
        return;
    x->by_access = !x->allowed;
    x->visible = x->allowed = x->allowed_with_mfa = true;
}

static bool step_up_met(const struct limits *l, const struct facts *f)
{
    if (l->step_up == MFA_NONE)
        return true;
    for (size_t i = 0; i < f->proof_count; i++) {
        const struct mfa_proof *p = &f->proofs[i];
        if (p->at == 0 || p->at > f->mfa_now || p->kind < l->step_up)
            continue;
        if (l->step_up_every_ms == 0 ? f->proof_is_for_session
                                     : f->mfa_now - p->at <= l->step_up_every_ms)
            return true;
    }
    return false;
}

static void deny(struct decision *d, enum reason why, const struct policy *p, const struct rule *r,
                 uint32_t lacking)
{
    d->verdict = VERDICT_DENY;
    d->reason = why;
    d->policy = p;
    d->rule = r;
    d->lacking = lacking;
}

/* Steps 9 and 10. */
static void allow_or_step_up(struct decision *d, const struct findings *x, const struct facts *f)
{
    d->limits = limits_strictest(x->common, x->allowed ? x->of_allowed : x->of_allowed_with_mfa);
    if (d->limits.session_max_ms == 0)
        d->limits.session_max_ms = DEFAULT_SESSION_MAX_MS;
    if (d->limits.idle_ms == 0)
        d->limits.idle_ms = DEFAULT_IDLE_MS;

    d->by_access = x->by_access;
    d->step_up_by_rule = !x->allowed || x->lacks_proof;
    d->step_up_by_limit = !step_up_met(&d->limits, f);
    if (d->step_up_by_rule || d->step_up_by_limit) {
        bool by_requirement = x->allowed && x->lacks_proof;
        d->verdict = VERDICT_STEP_UP;
        d->reason = REASON_STEP_UP;
        d->policy = by_requirement ? x->proof_in : x->allowed ? x->allow_in : x->mfa_in;
        d->rule = by_requirement ? x->proof : x->allowed ? x->allow : x->mfa;
        d->lacking = 1u << COND_MFA;
        return;
    }
    d->verdict = VERDICT_ALLOW;
    d->reason = REASON_NONE;
    d->policy = x->allow_in;
    d->rule = x->allow;
    d->deadline = f->now > INT64_MAX - d->limits.session_max_ms ? INT64_MAX
                                                                : f->now + d->limits.session_max_ms;
    if (x->by_access && f->access_until < d->deadline)
        d->deadline = f->access_until;
}

static struct decision decide_from(const struct policy_doc *doc, enum policy_mode least,
                                   const struct limits *app_limits, const struct facts *f)
{
    struct decision d = {.policy_version = doc->version};
    struct findings x = {.common = doc->limits};

    if (app_limits != NULL)
        x.common = limits_strictest(x.common, *app_limits);
    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (p->mode < least || !policy_covers(p, f))
            continue;
        x.mentions_groups = x.mentions_groups || p->mentions_groups;
        x.common = limits_strictest(x.common, p->limits);
        see_deny(&x, p, f);
        see_require(&x, p, f);
        see_allow(&x, p, f);
    }
    d.no_allow = x.visible && !x.allowed_with_mfa;
    see_access(&x, f);
    if (!f->groups_known && x.mentions_groups)
        deny(&d, REASON_GROUPS_UNKNOWN, NULL, NULL, 1u << COND_GROUPS);
    else if (!x.visible || !f->app_exists)
        deny(&d, REASON_NOT_VISIBLE, NULL, NULL, 0);
    else if (x.deny != NULL)
        deny(&d, REASON_DENY_RULE, x.deny_in, x.deny, 0);
    else if (x.require != NULL)
        deny(&d, REASON_REQUIREMENT, x.require_in, x.require, x.require_lacks);
    else if (!x.allowed_with_mfa)
        deny(&d, REASON_NO_ALLOW, x.nearest_in, x.nearest, x.nearest_lacks);
    else
        allow_or_step_up(&d, &x, f);
    return d;
}

struct decision decide(const struct policy_doc *doc, const struct limits *app_limits,
                       const struct facts *facts)
{
    return decide_from(doc, POLICY_ENFORCE, app_limits, facts);
}

struct decision decide_with_shadow(const struct policy_doc *doc, const struct limits *app_limits,
                                   const struct facts *facts)
{
    return decide_from(doc, POLICY_SHADOW, app_limits, facts);
}
