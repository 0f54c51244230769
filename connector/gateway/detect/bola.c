#include "connector/gateway/detect/usual_internal.h"
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

static void count(struct private_endpoint *e, const struct observation *o, bool fresh)
{
    hll_add(e->users, HLL_SMALL, o->user);
    e->objects = add_sat(e->objects, fresh);
}

bool bola_see(struct detect *d, const struct observation *o, struct finding *f)
{
    if (o->object == 0 || o->status / 100 != 2)
        return false;

    struct private_endpoint *e = slots_take(d->tables[TABLE_PRIVATE], o->endpoint, o->at, NULL);
    struct private_endpoint *note = usual_note(d, NOTE_PRIVATE, o->endpoint, o->at);
    uint64_t object = fresh_object(d, o->object);
    struct cuckoo_use before = cuckoo_look(d->objects, object);
    cuckoo_use(d->objects, object, tag_of(o->user));
    count(e, o, !before.known);
    if (note != NULL)
        count(note, o, !before.known);
    if (!before.known) {
        fresh_add(d, o->object, tag_of(o->user));
        return false;
    }
    if (before.first_user == tag_of(o->user) || before.shared)
        return false;
    bool private = is_private(e);
    e->shared = add_sat(e->shared, 1);
    if (note != NULL)
        note->shared = add_sat(note->shared, 1);
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

/* Told: objects (4), shared ones (4), registers of the users. An object that a sibling told of
 * (fresh.c) is none that was first used here, so the sums count each once. -------------------- */

static void write_private(const void *note, struct buf *out)
{
    const struct private_endpoint *e = note;

    buf_add_uint(out, e->objects, 4);
    buf_add_uint(out, e->shared, 4);
    buf_add(out, (struct view){e->users, sizeof e->users});
}

static void read_private(struct cursor *body, void *note)
{
    struct private_endpoint *e = note;

    e->objects = (uint32_t)cur_uint(body, 4);
    e->shared = (uint32_t)cur_uint(body, 4);
    struct view users = cur_take(body, sizeof e->users);
    if (users.len > 0)
        memcpy(e->users, users.at, users.len);
}

static void merge_private(struct detect *d, uint64_t key, const void *note, sp_unix_ms now)
{
    struct private_endpoint *e = slots_take(d->tables[TABLE_PRIVATE], key, now, NULL);
    const struct private_endpoint *told = note;

    e->objects = add_sat(e->objects, told->objects);
    e->shared = add_sat(e->shared, told->shared);
    hll_merge(e->users, told->users, HLL_SMALL);
}

const struct usual_kind usual_private = {1024, sizeof(struct private_endpoint), write_private,
                                         read_private, merge_private};
