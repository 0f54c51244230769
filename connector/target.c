#include "connector/target.h"

#include <string.h>

#include "lib/base/banned.h"

void targets_of(const struct apprec *app, struct targets *out)
{
    *out = (struct targets){.host_count = app->host_count};
    memcpy(out->hosts, app->hosts, sizeof out->hosts);
}

void targets_resolve(struct targets *t)
{
    struct address addresses[RESOLVE_ADDRESSES_MAX];

    for (size_t h = 0; h < t->host_count; h++) {
        size_t n = 0;
        if (resolve_blocking(view_str(t->hosts[h]), 0, addresses, &n) != SP_OK)
            continue;
        for (size_t i = 0; i < n && t->count < RESOLVE_ADDRESSES_MAX; i++)
            t->found[t->count++] = (struct target){h, addresses[i], address_is_own(&addresses[i])};
    }
}

bool targets_known(const struct targets *t)
{
    struct address literal;

    for (size_t h = 0; h < t->host_count; h++)
        if (address_from_host(view_str(t->hosts[h]), 0, &literal) != SP_OK)
            return false;
    return true;
}

const struct target *targets_choose(const struct targets *t, const struct floor *floor,
                                    uint16_t port, struct floor_verdict *first)
{
    const struct target *chosen = NULL;

    for (size_t i = 0; i < t->count && chosen == NULL; i++) {
        const struct target *at = &t->found[i];
        struct address to = at->address;

        address_set_port(&to, port);
        struct floor_verdict v = floor_judge(floor, view_str(t->hosts[at->host]), &to, at->own);
        if (i == 0 && first != NULL)
            *first = v;
        if (v.why == FLOOR_ALLOWED)
            chosen = at;
    }
    return chosen;
}
