#include "lib/trust/once.h"

#include "lib/base/failpoint.h"
#include "lib/base/map.h"
#include "lib/base/num.h"

#include <stdlib.h>

struct spent {
    struct sp_id id;
    sp_unix_ms forget; /* until + ONCE_KEEP_MS */
};

struct once {
    struct map known;   /* the ids; every value is the set itself */
    struct spent *heap; /* owned; a binary heap, the first to be forgotten at 0 */
    size_t len, max;
    sp_unix_ms newest;
};

sp_error once_new(size_t max, struct once **out)
{
    struct once *o;

    if (max == 0 || max > ONCE_MAX)
        return SP_ERR_INVALID;
    if ((o = calloc(1, sizeof *o)) == NULL)
        return SP_ERR_NOMEM;
    o->max = max;
    if ((o->heap = calloc(max, sizeof *o->heap)) == NULL) {
        once_free(o);
        return SP_ERR_NOMEM;
    }
    *out = o;
    return SP_OK;
}

void once_free(struct once *o)
{
    if (o == NULL)
        return;
    map_deinit(&o->known);
    free(o->heap);
    free(o);
}

size_t once_len(const struct once *o)
{
    return o->len;
}

static void swap(struct spent *a, struct spent *b)
{
    struct spent t = *a;
    *a = *b;
    *b = t;
}

static void push(struct once *o, struct spent s)
{
    size_t i = o->len++;

    o->heap[i] = s;
    for (; i > 0 && o->heap[i].forget < o->heap[(i - 1) / 2].forget; i = (i - 1) / 2)
        swap(&o->heap[i], &o->heap[(i - 1) / 2]);
}

static void pop(struct once *o)
{
    size_t i = 0, child;

    map_remove(&o->known, o->heap[0].id);
    o->heap[0] = o->heap[--o->len];
    while ((child = 2 * i + 1) < o->len) {
        if (child + 1 < o->len && o->heap[child + 1].forget < o->heap[child].forget)
            child++;
        if (o->heap[i].forget <= o->heap[child].forget)
            return;
        swap(&o->heap[i], &o->heap[child]);
        i = child;
    }
}

sp_error once_spend(struct once *o, struct sp_id id, sp_unix_ms until, sp_unix_ms now)
{
    sp_error e;

    if (now < o->newest)
        now = o->newest;
    o->newest = now;
    while (o->len > 0 && o->heap[0].forget < now)
        pop(o);
    if (map_get(&o->known, id) != NULL)
        return SP_ERR_REPLAY;
    if (o->len == o->max)
        return SP_ERR_FULL;
    if ((e = map_put(&o->known, id, o)) != SP_OK)
        return e;
    push(o, (struct spent){id, num_add_sat(until, ONCE_KEEP_MS)});
    FAILPOINT("grant:spent");
    return SP_OK;
}
