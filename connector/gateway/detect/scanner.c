#include "connector/gateway/detect/detect_internal.h"
#include "connector/gateway/sketch/hll.h"

/* Somebody looks for paths that do not exist. */

enum { WINDOW_MS = 2 * MINUTE_MS, PATHS_MIN = 20, BAD_PERCENT = 80, BLOCK_MS = 10 * MINUTE_MS };

struct scan {
    sp_unix_ms began;
    uint32_t tries, bad;
    struct distinct unknown;
};

size_t scanner_record(enum table t)
{
    (void)t;
    return sizeof(struct scan);
}

bool scanner_see(struct detect *d, const struct observation *o, struct finding *f)
{
    bool bad = o->status == 404 || o->status == 405 || o->status == 400;
    struct scan *s = slots_take(d->tables[TABLE_SCANNERS], o->user, o->at, NULL);

    if (s->began == 0 || since(o->at, s->began) >= WINDOW_MS)
        *s = (struct scan){.began = o->at};
    s->tries++;
    s->bad += bad;
    if (bad && o->endpoint == 0)
        distinct_add(&s->unknown, o->path);

    uint64_t n = distinct_count(&s->unknown);
    if (n < PATHS_MIN || 100 * (uint64_t)s->bad < BAD_PERCENT * (uint64_t)s->tries)
        return false;
    *f = (struct finding){.detector = DETECTOR_SCANNER,
                          .score = (double)n,
                          .threshold = PATHS_MIN,
                          .whole_user = true,
                          .block_ms = BLOCK_MS};
    finding_say(f,
                "tried %llu different unknown paths in 2 min; %u of %u requests were answered 400, "
                "404 or 405",
                (unsigned long long)n, s->bad, s->tries);
    return true;
}
