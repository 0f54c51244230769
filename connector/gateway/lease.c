#include "connector/gateway/lease.h"

#include "connector/gateway/guard.h"

#include <string.h>

static struct rate *rate_of(const struct gw_app *a)
{
    return guard_rate(gw_app_guard(a));
}

/* The rule's number in `a`; its count of rules: it has none of that name. */
static size_t find(const struct gw_app *a, struct view name)
{
    const struct gwconf *c = gw_app_conf(a);
    size_t i = 0;

    while (i < c->rates.count && !view_is(name, gwconf_rate_at(c, i)->name))
        i++;
    return i;
}

void lease_begin(struct gw_app *a, const struct gw_app *before)
{
    const struct gwconf *c = gw_app_conf(a);

    for (size_t i = 0; i < c->rates.count; i++) {
        const struct gwconf_rate *rule = gwconf_rate_at(c, i);
        size_t old = before == NULL ? 0 : find(before, view_str(rule->name));
        bool known = before != NULL && old < gw_app_conf(before)->rates.count &&
                     rate_is_shared(gwconf_rate_at(gw_app_conf(before), old));
        if (rate_is_shared(rule))
            rate_set_share(rate_of(a), i, known ? rate_share(rate_of(before), old) : LEASE_FIRST);
    }
}

struct json *lease_demand(struct lease *l, struct gw_app *a)
{
    const struct gwconf *c = gw_app_conf(a);
    struct api_rules m = {.app = app_id(a)};
    bool asked = false;

    for (size_t i = 0; i < c->rates.count && m.count < API_RULES_MAX; i++) {
        const struct gwconf_rate *rule = gwconf_rate_at(c, i);
        if (!rate_is_shared(rule))
            continue;
        int64_t demand = rate_take_demand(rate_of(a), i);
        asked = asked || demand > 0;
        m.rules[m.count++] = (struct api_rule){
            .name = view_str(rule->name), .demand = demand, .share = rate_share(rate_of(a), i)};
    }
    bool due = asked || l->asked || ++l->quiet >= LEASE_QUIET_SECONDS;
    l->asked = asked;
    if (m.count == 0 || !due)
        return NULL;
    l->quiet = 0;
    return fields_write(api_rules_fields, &m);
}

void lease_take(struct gw_app *a, const struct api_rules *shares)
{
    for (size_t k = 0; k < shares->count; k++) {
        size_t i = find(a, shares->rules[k].name);
        if (i < gw_app_conf(a)->rates.count && rate_is_shared(gwconf_rate_at(gw_app_conf(a), i)))
            rate_set_share(rate_of(a), i, shares->rules[k].share);
    }
}
