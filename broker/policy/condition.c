#include "broker/policy/decide.h"
#include "broker/policy/window.h"

#include <stdlib.h>

static enum tri truth(bool b)
{
    return b ? TRI_YES : TRI_NO;
}

static enum tri least(enum tri a, enum tri b)
{
    return a < b ? a : b;
}

static enum tri greatest(enum tri a, enum tri b)
{
    return a > b ? a : b;
}

static bool listed(const struct text_list *list, const char *text)
{
    for (size_t i = 0; text != NULL && i < list->count; i++)
        if (strcmp(list->at[i], text) == 0)
            return true;
    return false;
}

static int by_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static enum tri groups(const struct condition *c, const struct facts *f)
{
    if (!f->groups_known)
        return TRI_UNKNOWN;
    for (size_t i = 0; f->group_count > 0 && i < c->is.texts.count; i++)
        if (bsearch(c->is.texts.at[i], f->groups, f->group_count, sizeof *f->groups, by_text))
            return TRI_YES;
    return TRI_NO;
}

static enum tri users(const struct condition *c, const struct facts *f)
{
    return truth(listed(&c->is.texts, f->user));
}

static bool proof_amr(const struct mfa_proof *p, const struct text_list *asked)
{
    for (size_t i = 0; i < p->amr_count; i++)
        if (listed(asked, p->amr[i]))
            return true;
    return asked->count == 0;
}

static enum tri mfa(const struct condition *c, const struct facts *f)
{
    for (size_t i = 0; i < f->proof_count; i++) {
        const struct mfa_proof *p = &f->proofs[i];
        if (p->at == 0 || p->at > f->mfa_now) /* a proof from the future proves nothing */
            continue;
        if (p->kind >= c->is.mfa.kind && p->kind != MFA_NONE && proof_amr(p, &c->is.mfa.amr) &&
            (c->is.mfa.acr.count == 0 || listed(&c->is.mfa.acr, p->acr)) &&
            (c->is.mfa.max_age_ms == 0 || f->mfa_now - p->at <= c->is.mfa.max_age_ms))
            return TRI_YES;
    }
    return TRI_NO;
}

/* One field of the device; 0 is a fact that the registry does not have. */
static enum tri in_set(unsigned asked, unsigned fact)
{
    if (asked == 0)
        return TRI_YES;
    return fact == 0 ? TRI_UNKNOWN : truth((asked >> fact & 1) != 0);
}

static enum tri device(const struct condition *c, const struct facts *f)
{
    if (!f->device_known)
        return TRI_UNKNOWN;
    return least(in_set(c->is.device.states, f->device_state),
                 least(in_set(c->is.device.owners, f->device_owner),
                       in_set(c->is.device.keys, f->device_key)));
}

static enum tri posture(const struct condition *c, const struct facts *f)
{
    enum tri holds = TRI_YES;

    for (size_t i = 0; i < c->is.posture.count; i++)
        holds = least(holds, signal_test_value(&c->is.posture.at[i], f));
    return holds;
}

static enum tri score(const struct condition *c, const struct facts *f)
{
    return signal_test_value(&c->is.score, f);
}

static bool in_prefix(const struct cidr *list, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        size_t whole = list[i].bits / 8, rest = list[i].bits % 8;
        if (memcmp(list[i].bytes, address, whole) == 0 &&
            (rest == 0 || (list[i].bytes[whole] ^ address[whole]) >> (8 - rest) == 0))
            return true;
    }
    return false;
}

static enum tri network(const struct condition *c, const struct facts *f)
{
    if (!f->peer.known)
        return TRI_UNKNOWN;
    return truth((c->is.network.in_count == 0 ||
                  in_prefix(c->is.network.in, c->is.network.in_count, f->peer.bytes)) &&
                 !in_prefix(c->is.network.not_in, c->is.network.not_in_count, f->peer.bytes));
}

static enum tri country(const struct condition *c, const struct facts *f)
{
    if (f->country == NULL)
        return TRI_UNKNOWN;
    return truth((c->is.country.in.count == 0 || listed(&c->is.country.in, f->country)) &&
                 !listed(&c->is.country.not_in, f->country));
}

static enum tri time_of(const struct condition *c, const struct facts *f)
{
    if (f->clock_alarm)
        return TRI_UNKNOWN;
    return truth((c->is.time.until == 0 || f->now < c->is.time.until) &&
                 window_holds(&c->is.time, f->now));
}

static bool has_label(const struct facts *f, const struct label *asked)
{
    for (size_t i = 0; i < f->label_count; i++)
        if (strcmp(f->labels[i].key, asked->key) == 0)
            return strcmp(f->labels[i].value, asked->value) == 0;
    return false;
}

static bool has_labels(const struct facts *f, const struct label *asked, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!has_label(f, &asked[i]))
            return false;
    return true;
}

static enum tri app(const struct condition *c, const struct facts *f)
{
    return truth(f->app_exists && has_labels(f, c->is.app.labels, c->is.app.count));
}

static enum tri risk(const struct condition *c, const struct facts *f)
{
    if (f->risk == RISK_NONE)
        return TRI_UNKNOWN;
    return truth(f->risk >= c->is.risk.at_least &&
                 (c->is.risk.at_most == RISK_NONE || f->risk <= c->is.risk.at_most));
}

static enum tri (*const leaves[COND_KINDS])(const struct condition *, const struct facts *) = {
    [COND_GROUPS] = groups,   [COND_USERS] = users,     [COND_MFA] = mfa,
    [COND_DEVICE] = device,   [COND_POSTURE] = posture, [COND_SCORE] = score,
    [COND_NETWORK] = network, [COND_COUNTRY] = country, [COND_TIME] = time_of,
    [COND_APP] = app,         [COND_RISK] = risk,
};

static enum tri list_value(const struct condition_list *l, const struct facts *f, enum reading as)
{
    enum tri holds = TRI_YES;

    for (size_t i = 0; i < l->count && holds != TRI_NO; i++)
        holds = least(holds, condition_value(&l->at[i], f, as));
    return holds;
}

static enum tri any_value(const struct condition *c, const struct facts *f, enum reading as)
{
    enum tri holds = TRI_NO;

    for (size_t i = 0; i < c->is.any.count && holds != TRI_YES; i++)
        holds = greatest(holds, list_value(&c->is.any.at[i], f, as));
    return holds;
}

enum tri condition_value(const struct condition *c, const struct facts *f, enum reading as)
{
    bool about_people = c->kind == COND_GROUPS || c->kind == COND_USERS;

    if (c->kind == COND_ANY)
        return any_value(c, f, as);
    if (as == READ_VISIBLE && !about_people)
        return TRI_YES;
    if (as == READ_MFA_GIVEN && c->kind == COND_MFA)
        return TRI_YES;
    if (c->kind == COND_NOT) /* holds no mfa: the parser refuses it */
        return (enum tri)(-list_value(&c->is.not, f, READ_AS_IS));
    if (c->kind <= COND_NONE || c->kind >= COND_KINDS)
        return TRI_UNKNOWN;
    return leaves[c->kind](c, f);
}

enum tri rule_value(const struct rule *r, const struct facts *f, enum reading as)
{
    return list_value(&r->when, f, as);
}

/* Kinds of the leaves that are not true as they stand; of a `not`, all of its leaves. */
static uint32_t kinds_lacking(const struct condition *c, const struct facts *f, bool all)
{
    uint32_t kinds = 0;

    if (!all && condition_value(c, f, READ_AS_IS) == TRI_YES)
        return 0;
    if (c->kind == COND_NOT)
        for (size_t i = 0; i < c->is.not .count; i++)
            kinds |= kinds_lacking(&c->is.not .at[i], f, true);
    else if (c->kind == COND_ANY)
        for (size_t i = 0; i < c->is.any.count; i++)
            for (size_t k = 0; k < c->is.any.at[i].count; k++)
                kinds |= kinds_lacking(&c->is.any.at[i].at[k], f, all);
    else
        kinds = 1u << c->kind;
    return kinds;
}

size_t rule_lacks(const struct rule *r, const struct facts *f, uint32_t *kinds)
{
    size_t count = 0;
    uint32_t lacking = 0;

    for (size_t i = 0; i < r->when.count; i++)
        if (condition_value(&r->when.at[i], f, READ_AS_IS) != TRI_YES) {
            count++;
            lacking |= kinds_lacking(&r->when.at[i], f, false);
        }
    if (kinds != NULL)
        *kinds = lacking;
    return count;
}

bool policy_covers(const struct policy *p, const struct facts *f)
{
    if (p->all_apps)
        return true;
    if (!f->app_exists)
        return false;
    return listed(&p->app_names, f->app) ||
           (p->app_label_count > 0 && has_labels(f, p->app_labels, p->app_label_count));
}
