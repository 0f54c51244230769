#include "connector/hits.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { SECOND_MS = 1000 };

struct hits_app {
    sp_boot_ms since; /* of this second */
    unsigned told;    /* in it */
    int64_t left_out;
};

void hits_init(struct hits *h)
{
    *h = (struct hits){0};
}

void hits_deinit(struct hits *h)
{
    struct hits_app *a;

    for (size_t at = 0; (a = map_next(&h->by_app, &at, NULL)) != NULL;)
        free(a);
    map_deinit(&h->by_app);
}

static struct hits_app *app_of(struct hits *h, struct sp_id app)
{
    struct hits_app *a = map_get(&h->by_app, app);

    if (a != NULL || map_len(&h->by_app) == HITS_APPS_MAX || (a = calloc(1, sizeof *a)) == NULL)
        return a;
    if (map_put(&h->by_app, app, a) == SP_OK)
        return a;
    free(a);
    return NULL;
}

bool hits_take(struct hits *h, struct sp_id app, sp_boot_ms now, int64_t *left_out)
{
    struct hits_app *a = app_of(h, app);

    if (a == NULL)
        return false; /* no memory: the ledger counts it */
    if (now - a->since >= SECOND_MS) {
        a->since = now;
        a->told = 0;
    }
    if (a->told == HITS_A_SECOND) {
        a->left_out++;
        return false;
    }
    a->told++;
    *left_out = a->left_out;
    a->left_out = 0;
    return true;
}
