#include "connector/gateway/inventory/pace.h"

static void halve(struct pace *p)
{
    for (size_t i = 0; i < PACE_BUCKETS; i++)
        p->counts[i] /= 2;
}

void pace_add(struct pace *p, uint64_t calls)
{
    size_t at = loghist_bucket(calls);

    if (at >= PACE_BUCKETS)
        at = PACE_BUCKETS - 1;
    if (p->counts[at] == UINT16_MAX)
        halve(p);
    p->counts[at]++;
}

void pace_merge(struct pace *to, const struct pace *from)
{
    bool full = false;

    for (size_t i = 0; i < PACE_BUCKETS; i++)
        full = full || to->counts[i] > UINT16_MAX - from->counts[i];
    if (full)
        halve(to);
    for (size_t i = 0; i < PACE_BUCKETS; i++)
        to->counts[i] = (uint16_t)(to->counts[i] + (full ? from->counts[i] / 2 : from->counts[i]));
}

struct json *pace_json(const struct pace *p)
{
    struct loghist h = {{0}};
    struct json *o;

    for (size_t i = 0; i < PACE_BUCKETS; i++)
        h.counts[i] = p->counts[i];
    uint64_t minutes = loghist_total(&h);
    if (minutes == 0)
        return NULL;
    int64_t p99 = (int64_t)loghist_quantile(&h, 0.99), mad = (int64_t)loghist_mad(&h);
    o = json_object();
    json_set_int(o, "minutes", (int64_t)minutes);
    json_set_int(o, "p99", p99);
    json_set_int(o, "mad", mad);
    if (minutes >= PACE_MINUTES_MIN)
        json_set_int(o, "suggested", p99 + 3 * mad);
    return o;
}
