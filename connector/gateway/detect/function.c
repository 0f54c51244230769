#include "connector/gateway/detect/detect_internal.h"
#include "connector/gateway/sketch/hll.h"

/*
 * Functions above one's station: an operation that only one group used so far answers somebody
 * outside of it.
 */

enum {
    CALLS_MIN = 200,
    USERS_MIN = 5,
    LEARN_MS = 7 * DAY_MS,
    CANDIDATES = 8,
    THRESHOLD = 2,
    BLOCK_MS = 15 * MINUTE_MS
};

/* Groups that every caller so far belongs to. */
struct operation {
    sp_unix_ms began;
    uint32_t calls;
    uint8_t count;
    uint64_t groups[CANDIDATES];
    uint8_t users[HLL_SMALL];
};

struct outsider {
    sp_unix_ms first;
    uint32_t calls, score;
};

size_t function_record(enum table t)
{
    return t == TABLE_FUNCTIONS ? sizeof(struct operation) : sizeof(struct outsider);
}

static bool in_group(const struct observation *o, uint64_t group)
{
    for (size_t i = 0; i < o->group_count && i < DETECT_GROUPS_MAX; i++)
        if (o->groups[i] == group)
            return true;
    return false;
}

static size_t common(const struct operation *p, const struct observation *o, uint64_t *kept)
{
    size_t n = 0, count = p->count < CANDIDATES ? p->count : CANDIDATES;

    for (size_t i = 0; i < count; i++)
        if (in_group(o, p->groups[i]))
            kept[n++] = p->groups[i];
    return n;
}

static bool start_over(struct operation *p, const struct observation *o)
{
    *p = (struct operation){.began = o->at, .calls = 1};
    for (size_t i = 0; i < o->group_count && i < CANDIDATES; i++)
        p->groups[p->count++] = o->groups[i];
    hll_add(p->users, HLL_SMALL, o->user);
    return false;
}

bool function_see(struct detect *d, const struct observation *o, struct finding *f)
{
    uint64_t kept[CANDIDATES];

    if (o->endpoint == 0 || o->status / 100 != 2)
        return false;
    struct operation *p = slots_take(d->tables[TABLE_FUNCTIONS], o->endpoint, o->at, NULL);
    uint64_t users = hll_count(p->users, HLL_SMALL);
    bool learned = p->calls >= CALLS_MIN && users >= USERS_MIN && p->count > 0;
    if (p->began == 0 || (!learned && since(o->at, p->began) >= LEARN_MS))
        return start_over(p, o);

    size_t n = common(p, o, kept);
    if (!learned || n > 0) {
        memcpy(p->groups, kept, n * sizeof kept[0]);
        p->count = (uint8_t)n;
        p->calls += p->calls < UINT32_MAX;
        hll_add(p->users, HLL_SMALL, o->user);
        return false;
    }
    bool heavy = o->admin || (o->method != GW_GET && o->method != GW_HEAD);
    struct outsider *out =
        slots_take(d->tables[TABLE_OUTSIDERS], detect_mix(o->user, o->endpoint), o->at, NULL);
    if (since(o->at, out->first) >= DAY_MS)
        *out = (struct outsider){.first = o->at};
    out->calls++;
    out->score += heavy ? 2 : 1;
    if (out->score < THRESHOLD)
        return false;
    *f = (struct finding){.detector = DETECTOR_FUNCTION,
                          .statistic = true,
                          .score = out->score,
                          .threshold = THRESHOLD,
                          .block_ms = BLOCK_MS};
    finding_say(f,
                "used %u times; all %u calls before came from one group (%llu users), which this "
                "user is not in",
                out->calls, p->calls, (unsigned long long)users);
    return true;
}
