#include "broker/api/standing.h"

#include "broker/api/call.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 4096 };

const char *const standing_words[] = {
    [STANDING_ANY] = "",
    [STANDING_PASS] = "pass",
    [STANDING_FAIL] = "fail",
    [STANDING_UNKNOWN] = "unknown",
    NULL,
};
static const enum posture_whole wholes[] = {
    [STANDING_PASS] = POSTURE_PASSING,
    [STANDING_FAIL] = POSTURE_FAILING,
    [STANDING_UNKNOWN] = POSTURE_UNKNOWN,
};

struct standing_walk {
    struct store *st;
    struct judge *judge;
    const struct standing_ask *ask;
    sp_unix_ms now;
    struct sp_id page[PAGE_LIMIT_MAX + 1]; /* of those that stand so */
    size_t kept;
    struct sp_id piece[PIECE];
    enum posture_whole whole[PIECE];
    size_t count;
    struct device_row last; /* of the piece */
};

static bool keep_place(void *arg, const struct device_row *row)
{
    struct standing_walk *w = arg;

    w->piece[w->count++] = row->id;
    w->last.id = row->id;
    w->last.seen = row->seen;
    memcpy(w->last.name, row->name, sizeof row->name);
    return true;
}

/* From `edge` until `keep` are on the page and `most` were found, or to the end. */
static sp_error walk(struct standing_walk *w, const struct device_row *edge, size_t keep,
                     size_t most, size_t *found)
{
    const struct store_registry *registry = store_services(w->st)->registry;
    enum posture_whole wanted = wholes[w->ask->posture];
    sp_error e;

    struct device_row from; /* the walk writes the place that it came to while it reads this one */

    *found = 0;
    do {
        w->count = 0;
        if ((e = registry->device_order(w->st, &w->ask->filter, edge, PIECE, keep_place, w)) !=
                SP_OK ||
            (e = judge_stands(w->judge, w->piece, w->count, w->now, w->whole)) != SP_OK)
            return e;
        for (size_t i = 0; i < w->count; i++) {
            if (w->whole[i] != wanted)
                continue;
            if (w->kept < keep)
                w->page[w->kept++] = w->piece[i];
            *found += *found < most;
        }
        from = w->last;
        edge = &from;
    } while (w->count == PIECE && (w->kept < keep || *found < most));
    return SP_OK;
}

/* The page's own walk counts too, where it begins at the first. */
static sp_error find(struct standing_walk *w, size_t *total)
{
    const struct standing_ask *ask = w->ask;
    size_t most = COUNT_EXACT_MAX + 1;
    sp_error e = walk(w, ask->edge, ask->limit, ask->edge == NULL ? most : 0, total);

    return e != SP_OK || ask->edge == NULL ? e : walk(w, NULL, 0, most, total);
}

static sp_error give(const struct standing_walk *w, each_device *each, void *arg)
{
    struct device_row row;

    for (size_t i = 0; i < w->kept; i++) {
        sp_error e = store_services(w->st)->registry->device_get(w->st, w->page[i], &row);
        if (e != SP_OK && e != SP_ERR_NOT_FOUND)
            return e;
        if (e == SP_OK && !each(arg, &row))
            break;
    }
    return SP_OK;
}

sp_error standing_find(struct store *st, struct judge *judge, const struct standing_ask *ask,
                       each_device *each, void *arg, size_t *total)
{
    struct standing_walk *w = calloc(1, sizeof *w);

    if (w == NULL)
        return SP_ERR_NOMEM;
    w->st = st;
    w->judge = judge;
    w->ask = ask;
    w->now = clock_unix();
    sp_error e = find(w, total);
    if (e == SP_OK)
        e = give(w, each, arg);
    free(w);
    return e;
}
