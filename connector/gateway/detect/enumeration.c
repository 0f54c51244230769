#include "connector/gateway/detect/usual_internal.h"
#include "connector/gateway/sketch/hll.h"
#include "connector/gateway/sketch/loghist.h"

#include <math.h>

/*
 * Walking through objects: many different ones in ten minutes against what is usual on the
 * endpoint, ids in arithmetic order, or guesses that mostly miss.
 */

enum {
    WINDOW_MS = 10 * MINUTE_MS,
    USUAL_MS = 7 * DAY_MS,
    USUAL_MIN = 30, /* windows before "usual" means anything */
    OBJECTS_MIN = 50,
    RUN_MIN = 12,
    RUN_STEP_MAX = 1000,
    MISSES_MIN = 30,
    MISS_PERCENT = 60
};
/* A deviation below half a doubling is taken as that: usual counts are small numbers. */
static const double least_deviation = 0.5, sigma_of_mad = 1.4826, z_min = 6;

struct walk {
    sp_unix_ms began;
    uint32_t tries, misses;
    int64_t last, step; /* numbered objects */
    uint16_t run;       /* ids in arithmetic order, the last one counted */
    uint8_t numbered;
    struct distinct objects;
};

struct usual {
    sp_unix_ms began;
    struct loghist now, before; /* this week's windows and last week's */
};

size_t enumeration_record(enum table t)
{
    return t == TABLE_ENUMERATION ? sizeof(struct walk) : sizeof(struct usual);
}

/* What is usual on an endpoint, in the week that runs. */
static struct usual *usual_on(struct detect *d, uint64_t endpoint, sp_unix_ms now)
{
    struct usual *u = slots_take(d->tables[TABLE_ENUMERATION_USUAL], endpoint, now, NULL);

    if (u->began == 0)
        u->began = now;
    if (since(now, u->began) >= USUAL_MS) {
        u->before = u->now;
        u->now = (struct loghist){0};
        u->began = now;
    }
    return u;
}

static void end_window(struct detect *d, const struct observation *o, const struct walk *w)
{
    struct loghist *note = usual_note(d, NOTE_WINDOWS, o->endpoint, o->at);
    uint64_t n = distinct_count(&w->objects);

    loghist_add(&usual_on(d, o->endpoint, o->at)->now, n);
    if (note != NULL)
        loghist_add(note, n);
}

static void see_number(struct walk *w, const struct observation *o)
{
    int64_t step = 0;

    if (!o->numbered)
        return;
    if (w->numbered && __builtin_sub_overflow(o->number, w->last, &step))
        step = 0;
    if (!w->numbered || step == 0 || step > RUN_STEP_MAX || step < -RUN_STEP_MAX) {
        if (step != 0 || !w->numbered)
            w->run = 1;
        w->step = 0;
    } else if (step == w->step) {
        if (w->run < UINT16_MAX)
            w->run++;
    } else {
        w->run = 2;
        w->step = step;
    }
    w->last = o->number;
    w->numbered = 1;
}

static bool unusual(struct detect *d, const struct observation *o, uint64_t n, struct finding *f)
{
    const struct usual *u = slots_find(d->tables[TABLE_ENUMERATION_USUAL], o->endpoint);
    struct loghist all;

    if (u == NULL || n < OBJECTS_MIN)
        return false;
    all = u->now;
    loghist_merge(&all, &u->before);
    if (loghist_total(&all) < USUAL_MIN)
        return false;
    struct loghist_spread s = loghist_spread(&all);
    double sigma = s.mad * sigma_of_mad > least_deviation ? s.mad * sigma_of_mad : least_deviation;
    double z = (log2(1.0 + (double)n) - s.median) / sigma;
    if (z < z_min)
        return false;
    f->statistic = true;
    f->score = z;
    f->threshold = z_min;
    finding_say(f,
                "opened %llu different objects in 10 min; half of all users open at most %llu, "
                "95 %% at most %llu",
                (unsigned long long)n, (unsigned long long)loghist_quantile(&all, 0.5),
                (unsigned long long)loghist_quantile(&all, 0.95));
    return true;
}

static bool in_order(const struct walk *w, struct finding *f)
{
    if (w->run < RUN_MIN)
        return false;
    f->score = w->run;
    f->threshold = RUN_MIN;
    finding_say(f,
                "asked for %u ids in arithmetic order, each %lld from the one before, up to %lld",
                w->run, (long long)w->step, (long long)w->last);
    return true;
}

static bool misses(const struct walk *w, uint64_t n, struct finding *f)
{
    if (n < MISSES_MIN || 100 * (uint64_t)w->misses < MISS_PERCENT * (uint64_t)w->tries)
        return false;
    f->score = w->misses;
    f->threshold = (double)(MISS_PERCENT * (uint64_t)w->tries) / 100;
    finding_say(f, "%u of %u tries in 10 min were answered 403 or 404, for %llu different objects",
                w->misses, w->tries, (unsigned long long)n);
    return true;
}

bool enumeration_see(struct detect *d, const struct observation *o, struct finding *f)
{
    if (o->object == 0)
        return false;

    struct walk *w =
        slots_take(d->tables[TABLE_ENUMERATION], detect_mix(o->user, o->endpoint), o->at, NULL);
    if (w->began == 0 || since(o->at, w->began) >= WINDOW_MS) {
        if (w->began != 0)
            end_window(d, o, w);
        *w = (struct walk){.began = o->at};
    }
    distinct_add(&w->objects, o->object);
    w->tries++;
    w->misses += o->status == 403 || o->status == 404;
    see_number(w, o);

    uint64_t n = distinct_count(&w->objects);
    /* Exact signs first: they need no learning time. */
    *f = (struct finding){.detector = DETECTOR_ENUMERATION, .block_ms = MINUTE_MS};
    return in_order(w, f) || misses(w, n, f) || unusual(d, o, n, f);
}

/* Told: number of buckets (2), then each that counts, in order: bucket (2), count (4). -------- */

_Static_assert(sizeof(struct loghist) <= USUAL_NOTE_MAX, "a note is a histogram");

static void write_windows(const void *note, struct buf *out)
{
    const struct loghist *h = note;
    size_t n = 0;

    for (size_t b = 0; b < LOGHIST_BUCKETS; b++)
        n += h->counts[b] > 0;
    buf_add_uint(out, n, 2);
    for (size_t b = 0; b < LOGHIST_BUCKETS; b++)
        if (h->counts[b] > 0) {
            buf_add_uint(out, b, 2);
            buf_add_uint(out, h->counts[b], 4);
        }
}

static void read_windows(struct cursor *body, void *note)
{
    struct loghist *h = note;
    uint64_t n = cur_uint(body, 2), least = 0;

    for (uint64_t i = 0; i < n && body->err == SP_OK; i++) {
        uint64_t b = cur_uint(body, 2);
        if (b < least || b >= LOGHIST_BUCKETS) {
            cur_fail(body, SP_ERR_MALFORMED);
            return;
        }
        h->counts[b] = (uint32_t)cur_uint(body, 4);
        least = b + 1;
    }
}

static void merge_windows(struct detect *d, uint64_t key, const void *note, sp_unix_ms now)
{
    loghist_merge(&usual_on(d, key, now)->now, note);
}

const struct usual_kind usual_windows = {256, sizeof(struct loghist), write_windows, read_windows,
                                         merge_windows};
