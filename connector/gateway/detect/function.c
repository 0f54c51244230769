#include "connector/gateway/detect/usual_internal.h"
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

/* The same of those since the last telling, with all groups that they have in common. */
struct callers {
    uint32_t calls;
    uint8_t count;
    uint64_t groups[DETECT_GROUPS_MAX];
    uint8_t users[HLL_SMALL];
};

size_t function_record(enum table t)
{
    return t == TABLE_FUNCTIONS ? sizeof(struct operation) : sizeof(struct outsider);
}

static bool is_among(uint64_t group, size_t n, const uint64_t *groups)
{
    for (size_t i = 0; i < n && i < DETECT_GROUPS_MAX; i++)
        if (groups[i] == group)
            return true;
    return false;
}

/* Those of `groups` that are also among the `n` of others, to `kept`. */
static size_t common(size_t count, const uint64_t *groups, size_t n, const uint64_t *others,
                     uint64_t *kept)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (is_among(groups[i], n, others))
            kept[found++] = groups[i];
    return found;
}

static size_t candidates(const struct operation *p)
{
    return p->count < CANDIDATES ? p->count : CANDIDATES;
}

static bool is_learned(const struct operation *p)
{
    return p->calls >= CALLS_MIN && hll_count(p->users, HLL_SMALL) >= USERS_MIN && p->count > 0;
}

static bool is_over(const struct operation *p, sp_unix_ms now)
{
    return p->began == 0 || (since(now, p->began) >= LEARN_MS && !is_learned(p));
}

static void begin(struct operation *p, size_t n, const uint64_t *groups, sp_unix_ms now)
{
    *p = (struct operation){.began = now};
    for (size_t i = 0; i < n && i < CANDIDATES; i++)
        p->groups[p->count++] = groups[i];
}

/* false: it was learned that all have a group which these have not. */
static bool narrow(struct operation *p, size_t n, const uint64_t *groups)
{
    uint64_t kept[CANDIDATES];
    size_t left = common(candidates(p), p->groups, n, groups, kept);

    if (left == 0 && is_learned(p))
        return false;
    memcpy(p->groups, kept, left * sizeof kept[0]);
    p->count = (uint8_t)left;
    return true;
}

static void note_call(struct detect *d, const struct observation *o)
{
    struct callers *c = usual_note(d, NOTE_FUNCTIONS, o->endpoint, o->at);
    size_t n = o->group_count < DETECT_GROUPS_MAX ? o->group_count : DETECT_GROUPS_MAX;

    if (c == NULL)
        return;
    if (c->count > DETECT_GROUPS_MAX) /* of a damaged snapshot */
        c->count = 0;
    for (; c->calls == 0 && c->count < n; c->count++)
        c->groups[c->count] = o->groups[c->count];
    c->count = (uint8_t)common(c->count, c->groups, n, o->groups, c->groups);
    c->calls = add_sat(c->calls, 1);
    hll_add(c->users, HLL_SMALL, o->user);
}

/* false: an outsider's. */
static bool learn(struct detect *d, struct operation *p, const struct observation *o)
{
    if (is_over(p, o->at))
        begin(p, o->group_count, o->groups, o->at);
    else if (!narrow(p, o->group_count, o->groups))
        return false;
    p->calls = add_sat(p->calls, 1);
    hll_add(p->users, HLL_SMALL, o->user);
    note_call(d, o);
    return true;
}

bool function_see(struct detect *d, const struct observation *o, struct finding *f)
{
    if (o->endpoint == 0 || o->status / 100 != 2)
        return false;
    struct operation *p = slots_take(d->tables[TABLE_FUNCTIONS], o->endpoint, o->at, NULL);
    if (learn(d, p, o))
        return false;
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
                out->calls, p->calls, (unsigned long long)hll_count(p->users, HLL_SMALL));
    return true;
}

/* Told: calls (4), number of groups (1), each (8), registers of the users. What another detector's
 * people called is one call of somebody with the groups that all of them have, made so often: it
 * begins, narrows or is left out as such a call here. Groups that nobody had here come in only
 * where an operation begins. --------------------------------------------------------------- */

_Static_assert(sizeof(struct callers) <= USUAL_NOTE_MAX, "a note");

static void write_functions(const void *note, struct buf *out)
{
    const struct callers *c = note;
    size_t n = c->count < DETECT_GROUPS_MAX ? c->count : DETECT_GROUPS_MAX;

    buf_add_uint(out, c->calls, 4);
    buf_add_uint(out, n, 1);
    for (size_t i = 0; i < n; i++)
        buf_add_uint(out, c->groups[i], 8);
    buf_add(out, (struct view){c->users, sizeof c->users});
}

static void read_functions(struct cursor *body, void *note)
{
    struct callers *c = note;

    c->calls = (uint32_t)cur_uint(body, 4);
    c->count = (uint8_t)cur_uint(body, 1);
    if (c->count > DETECT_GROUPS_MAX)
        cur_fail(body, SP_ERR_MALFORMED);
    for (size_t i = 0; i < c->count && body->err == SP_OK; i++)
        c->groups[i] = cur_uint(body, 8);
    struct view users = cur_take(body, sizeof c->users);
    if (users.len > 0)
        memcpy(c->users, users.at, users.len);
}

static void merge_functions(struct detect *d, uint64_t key, const void *note, sp_unix_ms now)
{
    struct operation *p = slots_take(d->tables[TABLE_FUNCTIONS], key, now, NULL);
    const struct callers *told = note;

    if (told->calls == 0)
        return;
    if (is_over(p, now))
        begin(p, told->count, told->groups, now);
    else if (!narrow(p, told->count, told->groups))
        return;
    p->calls = add_sat(p->calls, told->calls);
    hll_merge(p->users, told->users, HLL_SMALL);
}

const struct usual_kind usual_functions = {1024, sizeof(struct callers), write_functions,
                                           read_functions, merge_functions};
