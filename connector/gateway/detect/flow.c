#include "connector/gateway/detect/usual_internal.h"

/*
 * Steps that are left out: a sensitive operation is reached without any of the requests that
 * usually come before it, or again and again faster than people are.
 */

enum {
    BEFORE = 8,
    LEARN_MIN = 100,   /* uses before anything is usual */
    USUAL_PERCENT = 5, /* a predecessor that often is a usual one */
    FAST_MIN = 20,
    FAST_WINDOW_MS = 10 * MINUTE_MS,
    GAPS = 128, /* times kept; the first percentile is the second smallest */
    BLOCK_MS = 10 * MINUTE_MS
};

struct usual_flow {
    uint32_t uses;
    struct {
        uint64_t endpoint;
        uint32_t count;
    } before[BEFORE];
    uint32_t gaps_ms[GAPS];
};

struct session {
    uint64_t last; /* endpoint */
    sp_unix_ms at, fast_since;
    uint64_t fast_on;
    uint32_t fast;
};

size_t flow_record(enum table t)
{
    return t == TABLE_FLOWS ? sizeof(struct usual_flow) : sizeof(struct session);
}

static bool is_usual(const struct usual_flow *u, uint64_t endpoint)
{
    for (size_t i = 0; i < BEFORE; i++)
        if (u->before[i].endpoint == endpoint)
            return 100 * (uint64_t)u->before[i].count >= USUAL_PERCENT * (uint64_t)u->uses;
    return false;
}

static uint32_t usual_least_gap(const struct usual_flow *u)
{
    uint32_t least = UINT32_MAX, second = UINT32_MAX;

    for (size_t i = 0; i < GAPS && i < u->uses; i++) {
        uint32_t g = u->gaps_ms[i];
        if (g < least) {
            second = least;
            least = g;
        } else if (g < second) {
            second = g;
        }
    }
    return second == UINT32_MAX ? 0 : second;
}

static void add_before(struct usual_flow *u, uint64_t endpoint, uint32_t count)
{
    size_t least = 0;

    for (size_t i = 0; i < BEFORE; i++) {
        if (u->before[i].endpoint == endpoint) {
            u->before[i].count = add_sat(u->before[i].count, count);
            return;
        }
        if (u->before[i].count < u->before[least].count)
            least = i;
    }
    u->before[least].endpoint = endpoint; /* the seldom one makes room (space-saving) */
    u->before[least].count = add_sat(u->before[least].count, count);
}

static void learn(struct usual_flow *u, uint64_t before, int64_t gap_ms)
{
    if (u == NULL)
        return;
    u->gaps_ms[u->uses % GAPS] = gap_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)gap_ms;
    u->uses = add_sat(u->uses, 1);
    add_before(u, before, 1);
}

static bool too_fast(struct session *s, const struct observation *o, uint32_t usual,
                     struct finding *f)
{
    if (s->fast_on != o->endpoint || since(o->at, s->fast_since) >= FAST_WINDOW_MS) {
        s->fast_on = o->endpoint;
        s->fast_since = o->at;
        s->fast = 0;
    }
    if (++s->fast < FAST_MIN)
        return false;
    f->score = s->fast;
    f->threshold = FAST_MIN;
    finding_say(f,
                "reached %u times in 10 min in less than %u ms after the request before; 99 %% "
                "of uses take longer",
                s->fast, usual);
    return true;
}

bool flow_see(struct detect *d, const struct observation *o, struct finding *f)
{
    bool found = false;

    if (o->endpoint == 0 || o->status / 100 != 2)
        return false;
    struct session *s = slots_take(d->tables[TABLE_SESSIONS], o->user, o->at, NULL);
    struct session before = *s;
    if (o->sensitive && before.last != o->endpoint) {
        struct usual_flow *u = slots_take(d->tables[TABLE_FLOWS], o->endpoint, o->at, NULL);
        int64_t gap = before.at == 0 || o->at < before.at ? 0 : o->at - before.at;
        bool learned = u->uses >= LEARN_MIN;
        *f = (struct finding){.detector = DETECTOR_FLOW, .statistic = true, .block_ms = BLOCK_MS};
        if (learned && !is_usual(u, before.last)) {
            f->score = 1;
            f->threshold = 1;
            finding_say(f, "reached without any of the requests that come before it in %u uses",
                        u->uses);
            found = true;
        } else if (learned && gap < usual_least_gap(u)) {
            found = too_fast(s, o, usual_least_gap(u), f); /* a program's pace is not learned */
        } else {
            learn(u, before.last, gap);
            learn(usual_note(d, NOTE_FLOWS, o->endpoint, o->at), before.last, gap);
        }
    }
    s->last = o->endpoint;
    s->at = o->at;
    return found;
}

/*
 * Told: uses (4), number of predecessors (1), each with its count (8, 4), then the newest gaps (4),
 * as many as uses and at most GAPS. A flow that is usual here stays as it is: only what comes
 * before it here counts, and a gap is taken as no shorter than the shortest that is usual.
 */

_Static_assert(sizeof(struct usual_flow) <= USUAL_NOTE_MAX, "a note is a flow");

static size_t gaps_of(const struct usual_flow *u)
{
    return u->uses < GAPS ? u->uses : GAPS;
}

static void write_flows(const void *note, struct buf *out)
{
    const struct usual_flow *u = note;
    size_t n = 0;

    for (size_t i = 0; i < BEFORE; i++)
        n += u->before[i].count > 0;
    buf_add_uint(out, u->uses, 4);
    buf_add_uint(out, n, 1);
    for (size_t i = 0; i < BEFORE; i++)
        if (u->before[i].count > 0) {
            buf_add_uint(out, u->before[i].endpoint, 8);
            buf_add_uint(out, u->before[i].count, 4);
        }
    for (size_t i = 0; i < gaps_of(u); i++)
        buf_add_uint(out, u->gaps_ms[i], 4);
}

static void read_flows(struct cursor *body, void *note)
{
    struct usual_flow *u = note;

    u->uses = (uint32_t)cur_uint(body, 4);
    uint64_t n = cur_uint(body, 1);
    if (n > BEFORE)
        cur_fail(body, SP_ERR_MALFORMED);
    for (size_t i = 0; i < n && body->err == SP_OK; i++) {
        u->before[i].endpoint = cur_uint(body, 8);
        u->before[i].count = (uint32_t)cur_uint(body, 4);
    }
    for (size_t i = 0; i < gaps_of(u); i++)
        u->gaps_ms[i] = (uint32_t)cur_uint(body, 4);
}

/* Gives the uses that count. */
static uint32_t merge_before(struct usual_flow *u, const struct usual_flow *told, bool learned)
{
    uint32_t uses = 0;

    for (size_t i = 0; i < BEFORE; i++) {
        uint64_t endpoint = told->before[i].endpoint;
        if (told->before[i].count == 0 || (learned && !is_usual(u, endpoint)))
            continue;
        add_before(u, endpoint, told->before[i].count);
        uses = add_sat(uses, told->before[i].count);
    }
    return !learned || uses > told->uses ? told->uses : uses;
}

static void merge_flows(struct detect *d, uint64_t key, const void *note, sp_unix_ms now)
{
    struct usual_flow *u = slots_take(d->tables[TABLE_FLOWS], key, now, NULL);
    const struct usual_flow *told = note;
    bool learned = u->uses >= LEARN_MIN;
    uint32_t least = learned ? usual_least_gap(u) : 0;
    uint32_t uses = merge_before(u, told, learned);

    for (size_t i = 0; i < gaps_of(told) && i < uses; i++)
        u->gaps_ms[(u->uses + i) % GAPS] = told->gaps_ms[i] < least ? least : told->gaps_ms[i];
    u->uses = add_sat(u->uses, uses);
}

const struct usual_kind usual_flows = {64, sizeof(struct usual_flow), write_flows, read_flows,
                                       merge_flows};
