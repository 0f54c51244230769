#include "connector/gateway/detect/detect_internal.h"

/* A fixed sum a user and window, beside what the statistics think of it. */

struct spent {
    sp_unix_ms began;
    uint64_t bytes, records;
};

size_t budget_record(enum table t)
{
    (void)t;
    return sizeof(struct spent);
}

void detect_spend(struct detect *d, const struct observation *o, const struct detect_budget *b)
{
    struct finding f = {.detector = DETECTOR_BUDGET};
    struct spent *s =
        slots_take(d->tables[TABLE_BUDGETS], detect_mix(o->user, b->number + 1), o->at, NULL);

    if (s->began == 0 || since(o->at, s->began) >= b->window_ms)
        *s = (struct spent){.began = o->at};
    s->bytes += o->bytes;
    s->records += o->records;
    bool bytes = b->bytes > 0 && s->bytes > (uint64_t)b->bytes;
    if (!bytes && !(b->records > 0 && s->records > (uint64_t)b->records))
        return;
    f.score = (double)(bytes ? s->bytes : s->records);
    f.threshold = (double)(bytes ? b->bytes : b->records);
    f.block_ms = b->window_ms - since(o->at, s->began);
    finding_say(&f, "got %llu %s in %lld s; the budget is %lld",
                (unsigned long long)(bytes ? s->bytes : s->records), bytes ? "bytes" : "records",
                (long long)(b->window_ms / 1000), (long long)(bytes ? b->bytes : b->records));
    detect_report(d, o, &f);
}
