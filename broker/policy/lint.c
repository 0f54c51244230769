#include "broker/policy/lint.h"
#include "broker/policy/zone.h"

#include <stdarg.h>
#include <stdio.h>

struct linter {
    const struct policy_doc *doc;
    struct lint_finding *out;
    size_t max, count;
};

static void SP_PRINTF(6, 7) found(struct linter *l, enum lint_kind kind, const struct policy *p,
                                  const struct rule *r, unsigned line, const char *format, ...)
{
    struct lint_finding *f = l->count < l->max ? &l->out[l->count] : NULL;
    va_list args;

    l->count++;
    if (f == NULL)
        return;
    *f = (struct lint_finding){.kind = kind, .line = line};
    (void)snprintf(f->policy, sizeof f->policy, "%s", p->name);
    (void)snprintf(f->rule, sizeof f->rule, "%s", r == NULL ? "" : r->name);
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

/* Bit set of the kinds anywhere in a list. */
static uint32_t kinds_in(const struct condition_list *l)
{
    uint32_t kinds = 0;

    for (size_t i = 0; i < l->count; i++) {
        const struct condition *c = &l->at[i];
        kinds |= 1u << c->kind;
        if (c->kind == COND_NOT)
            kinds |= kinds_in(&c->is.not );
        for (size_t k = 0; c->kind == COND_ANY && k < c->is.any.count; k++)
            kinds |= kinds_in(&c->is.any.at[k]);
    }
    return kinds;
}

static const uint32_t people = 1u << COND_GROUPS | 1u << COND_USERS;
static const uint32_t device = 1u << COND_DEVICE | 1u << COND_POSTURE | 1u << COND_SCORE;
static const uint32_t may_be_unknown = 1u << COND_DEVICE | 1u << COND_POSTURE | 1u << COND_SCORE |
                                       1u << COND_COUNTRY | 1u << COND_RISK;

static bool asks(const struct condition_list *l, uint32_t kinds)
{
    return (kinds_in(l) & kinds) != 0;
}

/* ---- the same condition twice ---- */

static bool same_list(const struct condition_list *a, const struct condition_list *b);

static bool same_texts(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->at[i], b->at[i]) != 0)
            return false;
    return true;
}

static bool same_test(const struct signal_test *a, const struct signal_test *b)
{
    if (strcmp(a->signal, b->signal) != 0 || a->op != b->op || a->count != b->count ||
        a->max_age_ms != b->max_age_ms || a->assurance != b->assurance)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct test_value *x = &a->values[i], *y = &b->values[i];
        if (x->kind != y->kind || x->pass != y->pass || (x->text == NULL) != (y->text == NULL) ||
            (x->text != NULL && strcmp(x->text, y->text) != 0))
            return false;
    }
    return true;
}

static bool same_cidrs(const struct cidr *a, size_t n, const struct cidr *b, size_t m)
{
    if (n != m)
        return false;
    for (size_t i = 0; i < n; i++)
        if (a[i].bits != b[i].bits || memcmp(a[i].bytes, b[i].bytes, sizeof a[i].bytes) != 0)
            return false;
    return true;
}

static bool same_labels(const struct condition *a, const struct condition *b)
{
    if (a->is.app.count != b->is.app.count)
        return false;
    for (size_t i = 0; i < a->is.app.count; i++)
        if (strcmp(a->is.app.labels[i].key, b->is.app.labels[i].key) != 0 ||
            strcmp(a->is.app.labels[i].value, b->is.app.labels[i].value) != 0)
            return false;
    return true;
}

static bool same_posture(const struct condition *a, const struct condition *b)
{
    if (a->is.posture.count != b->is.posture.count)
        return false;
    for (size_t i = 0; i < a->is.posture.count; i++)
        if (!same_test(&a->is.posture.at[i], &b->is.posture.at[i]))
            return false;
    return true;
}

static bool same_any(const struct condition *a, const struct condition *b)
{
    if (a->is.any.count != b->is.any.count)
        return false;
    for (size_t i = 0; i < a->is.any.count; i++)
        if (!same_list(&a->is.any.at[i], &b->is.any.at[i]))
            return false;
    return true;
}

/* Each window has a zone of its own, and only a window has one. */
static bool same_time(const struct time_window *a, const struct time_window *b)
{
    return a->has_window == b->has_window && a->days == b->days && a->from_min == b->from_min &&
           a->to_min == b->to_min && a->until == b->until &&
           (a->zone == b->zone || (a->zone != NULL && b->zone != NULL &&
                                   strcmp(zone_name(a->zone), zone_name(b->zone)) == 0));
}

static bool same(const struct condition *a, const struct condition *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case COND_GROUPS:
    case COND_USERS:
        return same_texts(&a->is.texts, &b->is.texts);
    case COND_MFA:
        return a->is.mfa.max_age_ms == b->is.mfa.max_age_ms && a->is.mfa.kind == b->is.mfa.kind &&
               same_texts(&a->is.mfa.amr, &b->is.mfa.amr) &&
               same_texts(&a->is.mfa.acr, &b->is.mfa.acr);
    case COND_DEVICE:
        return a->is.device.states == b->is.device.states &&
               a->is.device.owners == b->is.device.owners && a->is.device.keys == b->is.device.keys;
    case COND_POSTURE:
        return same_posture(a, b);
    case COND_SCORE:
        return same_test(&a->is.score, &b->is.score);
    case COND_NETWORK:
        return same_cidrs(a->is.network.in, a->is.network.in_count, b->is.network.in,
                          b->is.network.in_count) &&
               same_cidrs(a->is.network.not_in, a->is.network.not_in_count, b->is.network.not_in,
                          b->is.network.not_in_count);
    case COND_COUNTRY:
        return same_texts(&a->is.country.in, &b->is.country.in) &&
               same_texts(&a->is.country.not_in, &b->is.country.not_in);
    case COND_TIME:
        return same_time(&a->is.time, &b->is.time);
    case COND_APP:
        return same_labels(a, b);
    case COND_RISK:
        return a->is.risk.at_least == b->is.risk.at_least &&
               a->is.risk.at_most == b->is.risk.at_most;
    case COND_ANY:
        return same_any(a, b);
    case COND_NOT:
        return same_list(&a->is.not, &b->is.not );
    case COND_NONE:
    case COND_KINDS:
        break;
    }
    return false;
}

/* Every condition of `a` stands in `b` too: whoever meets b meets a. */
static bool within(const struct condition_list *a, const struct condition_list *b)
{
    for (size_t i = 0; i < a->count; i++) {
        bool there = false;
        for (size_t k = 0; k < b->count; k++)
            there = there || same(&a->at[i], &b->at[k]);
        if (!there)
            return false;
    }
    return true;
}

static bool same_list(const struct condition_list *a, const struct condition_list *b)
{
    return a->count == b->count && within(a, b) && within(b, a);
}

static bool has_limits(const struct limits *l)
{
    return l->session_max_ms != 0 || l->idle_ms != 0 || l->reverify_ms != 0 ||
           l->step_up != MFA_NONE;
}

/* ---- the findings ---- */

static void allow_rules(struct linter *l, const struct policy *p, sp_unix_ms now)
{
    bool device_beside = false;

    for (size_t i = 0; i < p->allow_count; i++)
        device_beside = device_beside || asks(&p->allow[i].when, device);
    for (size_t i = 0; i < p->require_count; i++)
        if (asks(&p->require[i].when, device))
            device_beside = false; /* asked of every rule */
    for (size_t i = 0; i < p->allow_count; i++) {
        const struct rule *r = &p->allow[i];
        if (!asks(&r->when, people))
            found(l, LINT_ALLOW_ALL, p, r, r->line,
                  "%s/%s lets in everyone who can sign in: it names no group and no user", p->name,
                  r->name);
        if (device_beside && !asks(&r->when, device))
            found(l, LINT_ALLOW_BARE, p, r, r->line,
                  "%s/%s asks nothing of the device, though rules beside it do; a require would "
                  "hold for all of them",
                  p->name, r->name);
        for (size_t k = 0; k < p->allow_count; k++)
            if (k != i && within(&p->allow[k].when, &r->when) && !has_limits(&r->limits) &&
                (k < i || !same_list(&p->allow[k].when, &r->when)))
                found(l, LINT_SHADOWED, p, r, r->line,
                      "whoever %s/%s lets in is let in by %s/%s already", p->name, r->name, p->name,
                      p->allow[k].name);
        for (size_t k = 0; k < r->when.count; k++)
            if (r->when.at[k].kind == COND_TIME && r->when.at[k].is.time.until != 0 &&
                r->when.at[k].is.time.until <= now)
                found(l, LINT_NEVER, p, r, r->when.at[k].line,
                      "%s/%s ended on %.10s and lets nobody in any more", p->name, r->name,
                      clock_text(r->when.at[k].is.time.until).s);
    }
}

/* Signals that a list asks about, in posture and score conditions at any depth. */
static bool asks_signal(const struct condition_list *l, const char *signal)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct condition *c = &l->at[i];
        if (c->kind == COND_NOT && asks_signal(&c->is.not, signal))
            return true;
        if (c->kind == COND_SCORE && strcmp(c->is.score.signal, signal) == 0)
            return true;
        for (size_t k = 0; c->kind == COND_ANY && k < c->is.any.count; k++)
            if (asks_signal(&c->is.any.at[k], signal))
                return true;
        for (size_t k = 0; c->kind == COND_POSTURE && k < c->is.posture.count; k++)
            if (strcmp(c->is.posture.at[k].signal, signal) == 0)
                return true;
    }
    return false;
}

/* Whether some requirement speaks of the fact that `c` denies over. */
static bool required(const struct policy_doc *doc, const struct policy *p,
                     const struct condition *c)
{
    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *other = &doc->policies[i];
        if (other->mode != POLICY_ENFORCE || (other != p && !other->all_apps))
            continue;
        for (size_t k = 0; k < other->require_count; k++) {
            const struct condition_list *when = &other->require[k].when;
            if (c->kind == COND_POSTURE ? asks_signal(when, c->is.posture.at[0].signal)
                : c->kind == COND_SCORE ? asks_signal(when, c->is.score.signal)
                                        : asks(when, 1u << c->kind))
                return true;
        }
    }
    return false;
}

static void deny_rules(struct linter *l, const struct policy *p)
{
    for (size_t i = 0; i < p->deny_count; i++) {
        const struct rule *r = &p->deny[i];
        for (size_t k = 0; !r->or_unknown && k < r->when.count; k++) {
            const struct condition *c = &r->when.at[k];
            if ((may_be_unknown >> c->kind & 1) != 0 && !required(l->doc, p, c)) {
                found(l, LINT_DENY_OVER_UNKNOWN, p, r, c->line,
                      "%s/%s does not deny while its %s is unknown; say or_unknown: true, or "
                      "require the same fact",
                      p->name, r->name, condition_word(c->kind));
                break;
            }
        }
    }
}

static void unused(struct linter *l, const struct policy *p, const struct lint_app *apps,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct facts f = {.app_exists = true,
                                .app = apps[i].name,
                                .labels = apps[i].labels,
                                .label_count = apps[i].label_count};
        if (policy_covers(p, &f))
            return;
    }
    if (!p->all_apps)
        found(l, LINT_UNUSED, p, NULL, p->line, "%s covers no app that exists", p->name);
}

size_t policy_lint(const struct policy_doc *doc, const struct lint_app *apps, size_t app_count,
                   sp_unix_ms now, struct lint_finding *out, size_t max)
{
    struct linter l = {.doc = doc, .out = out, .max = max};

    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (p->mode == POLICY_OFF)
            continue;
        allow_rules(&l, p, now);
        deny_rules(&l, p);
        unused(&l, p, apps, app_count);
    }
    return l.count;
}

const char *lint_word(enum lint_kind k)
{
    static const char *const words[] = {"none",   "allow_all", "allow_bare",       "shadowed",
                                        "unused", "never",     "deny_over_unknown"};
    return (size_t)k < sizeof words / sizeof *words ? words[k] : "?";
}
