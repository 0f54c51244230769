#include "broker/policy/explain.h"

#include "broker/policy/tell.h"
#include "lib/base/encode.h"

/* ---- deny rules ---- */

static bool has_kind(const struct rule *r, enum condition_kind kind)
{
    for (size_t i = 0; i < r->when.count; i++)
        if (r->when.at[i].kind == kind)
            return true;
    return false;
}

/* "Production apps", "Apps labelled env: staging", "Payroll". */
static void deny_subject(struct teller *t, const struct rule *r, struct buf *out)
{
    for (size_t i = 0; i < r->when.count; i++) {
        const struct condition *c = &r->when.at[i];
        if (c->kind != COND_APP)
            continue;
        bool prod = strcmp(c->is.app.labels[0].key, "env") == 0 &&
                    strncmp(c->is.app.labels[0].value, "prod", 4) == 0;
        if (prod)
            buf_add_str(out, "Production apps are closed");
        else
            buf_addf(out, "Apps labelled %s: %s are closed", c->is.app.labels[0].key,
                     c->is.app.labels[0].value);
        return;
    }
    tell_app(t, true, out);
    buf_add_str(out, " is closed");
}

static void tell_deny(struct teller *t, const struct rule *r)
{
    bool network = has_kind(r, COND_NETWORK), country = has_kind(r, COND_COUNTRY);
    struct buf reason, m;

    buf_init(&reason, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    if (r->message != NULL) {
        encode_visible(view_str(r->message), &reason);
    } else {
        deny_subject(t, r, &reason);
        buf_add_str(&reason, network   ? " from this network."
                             : country ? " from this country."
                             : has_kind(r, COND_RISK)
                                 ? " while your account shows unusual activity."
                             : has_kind(r, COND_TIME) ? " at this time."
                             : has_kind(r, COND_DEVICE) || has_kind(r, COND_POSTURE) ||
                                     has_kind(r, COND_SCORE)
                                 ? " from this device."
                                 : " for you.");
    }
    if (network && r->message == NULL)
        buf_add_str(&m, "Use another network.");
    else
        buf_addf(&m, "Ask the app's owner; quote request %s.", t->request);
    tell(t, &reason, &m);
}

static bool denies(const struct rule *r, const struct facts *f)
{
    enum tri holds = rule_value(r, f, READ_AS_IS);
    return holds == TRI_YES || (holds == TRI_UNKNOWN && r->or_unknown);
}

/* The decisive rule first, then the others. */
static void tell_denies(struct teller *t, const struct decision *d)
{
    tell_deny(t, d->rule);
    for (size_t i = 0; i < t->doc->count; i++) {
        const struct policy *p = &t->doc->policies[i];
        if (p->mode != POLICY_ENFORCE || !policy_covers(p, t->f))
            continue;
        for (size_t k = 0; k < p->deny_count; k++)
            if (denies(&p->deny[k], t->f) && &p->deny[k] != d->rule)
                tell_deny(t, &p->deny[k]);
    }
}

static void tell_requirements(struct teller *t, const struct decision *d)
{
    tell_rule(t, d->rule, false);
    for (size_t i = 0; i < t->doc->count; i++) {
        const struct policy *p = &t->doc->policies[i];
        if (p->mode != POLICY_ENFORCE || !policy_covers(p, t->f))
            continue;
        for (size_t k = 0; k < p->require_count; k++)
            if (rule_value(&p->require[k], t->f, READ_MFA_GIVEN) != TRI_YES)
                tell_rule(t, &p->require[k], false);
    }
}

/* ---- the whole ---- */

/* The strictest of the mfa conditions that a rule lacks. */
static void need_of_list(const struct condition_list *l, const struct facts *f, enum mfa_kind *kind,
                         int64_t *every)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct condition *c = &l->at[i];
        if (c->kind == COND_ANY) {
            for (size_t k = 0; k < c->is.any.count; k++)
                need_of_list(&c->is.any.at[k], f, kind, every);
        } else if (c->kind == COND_MFA && condition_value(c, f, READ_AS_IS) != TRI_YES) {
            bool by_provider = c->is.mfa.acr.count > 0 || c->is.mfa.amr.count > 0;
            enum mfa_kind k = by_provider ? MFA_PHISHING_RESISTANT : c->is.mfa.kind;
            *kind = k > *kind ? k : *kind;
            if (c->is.mfa.max_age_ms != 0 && c->is.mfa.max_age_ms < *every)
                *every = c->is.mfa.max_age_ms;
        }
    }
}

void explain_need(const struct facts *facts, const struct decision *d, enum mfa_kind *kind,
                  int64_t *every_ms)
{
    enum mfa_kind k = MFA_NONE;
    int64_t every = INT64_MAX;

    if (d->verdict == VERDICT_STEP_UP && d->step_up_by_limit) {
        k = d->limits.step_up;
        every = d->limits.step_up_every_ms;
    }
    if (d->verdict == VERDICT_STEP_UP && d->step_up_by_rule && d->rule != NULL)
        need_of_list(&d->rule->when, facts, &k, &every);
    *kind = k;
    *every_ms = every;
}

static void tell_step_up(struct teller *t, const struct decision *d)
{
    enum mfa_kind kind = MFA_NONE;
    int64_t every = 0;

    explain_need(t->f, d, &kind, &every);
    tell_proof(t, kind, every);
}

static void tell_groups_unknown(struct teller *t)
{
    struct buf r, m;

    buf_init(&r, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    buf_add_str(&r, "Your groups could not be read from your sign-in provider.");
    if (t->f->groups_detail != NULL && *t->f->groups_detail != '\0') {
        r.len--; /* "provider (why)." */
        buf_add_str(&r, " (");
        encode_visible(view_str(t->f->groups_detail), &r);
        buf_add_str(&r, ").");
    }
    buf_addf(&m, "Try again in a minute; request %s.", t->request);
    tell(t, &r, &m);
}

void explain_sentences(const struct policy_doc *doc, const struct facts *facts,
                       const struct decision *d, const char *request, struct sentences *out)
{
    struct teller t = {.doc = doc, .f = facts, .request = request, .out = out};

    memset(out, 0, sizeof *out);
    buf_init(&t.app, 2 * POLICY_NAME_MAX);
    encode_visible(view_str(facts->app == NULL ? "" : facts->app), &t.app);
    switch (d->reason) {
    case REASON_NOT_VISIBLE:
        tell_text(&t, "There is no app of this name for you.", "`sallyport apps` lists yours.", "",
                  "");
        break;
    case REASON_GROUPS_UNKNOWN:
        tell_groups_unknown(&t);
        break;
    case REASON_DENY_RULE:
        tell_denies(&t, d);
        break;
    case REASON_REQUIREMENT:
        tell_requirements(&t, d);
        break;
    case REASON_NO_ALLOW:
        tell_rule(&t, d->rule, true);
        break;
    case REASON_STEP_UP:
        tell_step_up(&t, d);
        break;
    case REASON_NONE:
        break;
    case REASON_ERROR:
        tell_text(&t, "Something inside failed, so access is denied.",
                  "Try again in a minute; quote request ", request, ".");
        break;
    }
    buf_deinit(&t.app);
}

static void add_name(const struct policy *p, const struct rule *r, struct buf *out)
{
    buf_add_byte(out, ' ');
    encode_visible(view_str(p->name), out);
    buf_add_byte(out, '/');
    encode_visible(view_str(r->name), out);
}

void explain_line(const struct policy_doc *doc, const struct facts *facts, const struct decision *d,
                  struct buf *out)
{
    bool first = true;

    if (d->verdict != VERDICT_ALLOW) {
        buf_addf(out, "%s %s", verdict_word(d->verdict), reason_word(d->reason));
        if (d->rule != NULL)
            add_name(d->policy, d->rule, out);
        return;
    }
    buf_add_str(out, "allow via");
    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (p->mode != POLICY_ENFORCE || !policy_covers(p, facts))
            continue;
        for (size_t k = 0; k < p->allow_count; k++)
            if (rule_value(&p->allow[k], facts, READ_AS_IS) == TRI_YES) {
                buf_add_str(out, first ? "" : " and");
                add_name(p, &p->allow[k], out);
                first = false;
            }
    }
    if (facts->access_until > facts->now)
        buf_addf(out, "%s request %s", first ? "" : " and",
                 facts->access_ref == NULL ? "?" : facts->access_ref);
}

void explain_words(const struct policy_doc *doc, const struct facts *facts,
                   const struct decision *d, struct buf *out)
{
    struct sentences said;

    if (d->verdict == VERDICT_ALLOW) {
        explain_line(doc, facts, d, out);
        return;
    }
    if (d->reason == REASON_NOT_VISIBLE) {
        buf_add_str(out, "No allow rule names this person: the app does not exist for them.");
        return;
    }
    explain_sentences(doc, facts, d, "", &said);
    for (size_t i = 0; i < said.count; i++)
        buf_addf(out, "%s%s", i > 0 ? " " : "", said.at[i].reason);
}

int explain_exit_code(const struct decision *d)
{
    static const uint32_t own_device = 1u << COND_DEVICE | 1u << COND_POSTURE | 1u << COND_SCORE;

    if (d->verdict == VERDICT_ALLOW)
        return 0;
    if (d->verdict == VERDICT_STEP_UP)
        return 6;
    return d->lacking != 0 && (d->lacking & ~own_device) == 0 ? 7 : 5;
}
