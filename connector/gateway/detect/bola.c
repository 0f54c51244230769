#include "connector/gateway/detect/detect_internal.h"
#include "connector/gateway/sketch/hll.h"

/*
 * The object access graph: on an endpoint where nearly every object has one user, a user who gets
 * other people's objects stands out. A first foreign object scores 1, a second within the hour 3.
 */

enum {
    OBJECTS_MIN = 500,
    USERS_MIN = 20,
    SHARED_PERCENT_MAX = 3,
    THRESHOLD = 3,
    BLOCK_MS = 15 * MINUTE_MS
};

struct private_endpoint {
    uint32_t objects, shared;
    uint8_t users[HLL_SMALL];
};

struct foreign {
    sp_unix_ms first;
    uint32_t count, score;
};

size_t bola_record(enum table t)
{
    return t == TABLE_PRIVATE ? sizeof(struct private_endpoint) : sizeof(struct foreign);
}

static bool is_private(const struct private_endpoint *e)
{
    return e->objects >= OBJECTS_MIN &&
           (uint64_t)100 * e->shared <= (uint64_t)SHARED_PERCENT_MAX * e->objects &&
           hll_count(e->users, HLL_SMALL) >= USERS_MIN;
}

static uint16_t tag_of(uint64_t user)
{
    return (uint16_t)(user >> 48);
}

bool bola_see(struct detect *d, const struct observation *o, struct finding *f)
{
    if (o->object == 0 || o->status / 100 != 2)
        return false;

    struct private_endpoint *e = slots_take(d->tables[TABLE_PRIVATE], o->endpoint, o->at, NULL);
    uint64_t object = fresh_object(d, o->object);
    struct cuckoo_use before = cuckoo_look(d->objects, object);
    cuckoo_use(d->objects, object, tag_of(o->user));
    hll_add(e->users, HLL_SMALL, o->user);
    if (!before.known) {
        fresh_add(d, o->object, tag_of(o->user));
        e->objects += e->objects < UINT32_MAX;
        return false;
    }
    if (before.first_user == tag_of(o->user) || before.shared)
        return false;
    bool private = is_private(e);
    e->shared += e->shared < UINT32_MAX;
    if (!private)
        return false;

    struct foreign *n =
        slots_take(d->tables[TABLE_FOREIGN], detect_mix(o->user, o->endpoint), o->at, NULL);
    if (since(o->at, n->first) >= HOUR_MS)
        *n = (struct foreign){.first = o->at};
    n->count++;
    n->score += n->count == 1 ? 1 : 3;
    if (n->score < THRESHOLD)
        return false;
    *f = (struct finding){.detector = DETECTOR_BOLA,
                          .statistic = true,
                          .score = n->score,
                          .threshold = THRESHOLD,
                          .block_ms = BLOCK_MS};
    finding_say(f, "got %u objects within an hour that another user had been the only one to use",
                n->count);
    finding_say(f, "%u of the %u objects seen on this endpoint have one user",
                e->objects - e->shared, e->objects);
    return true;
}
