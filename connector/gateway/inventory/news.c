#include "connector/gateway/inventory/inventory_internal.h"

/* What of an endpoint has to be told again. */

struct endpoint_line endpoint_line(const struct inventory *v, const struct endpoint *e,
                                   sp_unix_ms now)
{
    struct endpoint_line l = {.states = endpoint_states(v, e, now),
                              .first = e->first,
                              .last = e->last,
                              .calls = e->calls,
                              .users = e->calls > 0,
                              .errors = (uint64_t)e->statuses[4] + e->statuses[5],
                              .violations = e->violations,
                              .refused = e->refused};

    if (e->figures != NULL) {
        l.users = hll_count(e->figures->users, HLL_LARGE);
        l.p95_us = loghist_quantile(&e->figures->latency_us, 0.95);
    } else if (e->calls > 0 && e->first_latency_us > 0) {
        l.p95_us = (uint64_t)e->first_latency_us;
    }
    return l;
}

/* States that follow from calls alone; those that follow from the calendar or from other endpoints
 * are told with the next whole round. */
static uint32_t kind_of(const struct endpoint *e)
{
    return (uint32_t)(e->calls > 0) | (uint32_t)(e->flags & ENDPOINT_FIXED) << 1 |
           (uint32_t)(e->drift != 0) << 2 | (uint32_t)(e->ok_without_token > 0) << 3 |
           (uint32_t)(e->last_ok > 0) << 4 | (uint32_t)(e->violations > 0) << 5 |
           (uint32_t)(e->refused > 0) << 6 | (uint32_t)(e->deprecated != 0 || e->sunset != 0) << 7;
}

static uint64_t counts_of(const struct endpoint *e)
{
    return e->calls + e->violations + e->refused;
}

bool endpoint_is_news(const struct endpoint *e, sp_unix_ms now)
{
    if (e->told == 0 || e->told_kind != kind_of(e))
        return true;
    return e->told_counts != counts_of(e) && now - e->told >= INVENTORY_TELL_MS;
}

void endpoint_told(struct endpoint *e, sp_unix_ms now)
{
    e->told = now;
    e->told_kind = kind_of(e);
    e->told_counts = counts_of(e);
}

uint64_t inventory_losses(const struct inventory *v)
{
    return v->losses;
}
