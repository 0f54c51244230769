#include "lib/channel/lookup.h"

#include "lib/os/pool.h"

#include <stdlib.h>

/* Freed by the pool's `done`: it may outlive whoever asked. */
struct lookup {
    lookup_ended *ended; /* NULL: cancelled */
    void *arg;           /* borrowed */
    char host[RESOLVE_NAME_MAX + 1];
    uint16_t port;
    struct address found[RESOLVE_ADDRESSES_MAX];
    size_t count;
    sp_error error;
};

static void work(void *arg)
{
    struct lookup *k = arg;

    k->error = resolve_blocking(view_str(k->host), k->port, k->found, &k->count);
}

static void done(void *arg)
{
    struct lookup *k = arg;

    if (k->ended != NULL)
        k->ended(k->arg, k->error, k->found, k->count);
    free(k);
}

sp_error lookup_start(struct pool *pool, const char *host, uint16_t port, lookup_ended *ended,
                      void *arg, struct lookup **out)
{
    struct lookup *k;
    sp_error e;

    if (strlen(host) > RESOLVE_NAME_MAX)
        return SP_ERR_INVALID;
    if ((k = calloc(1, sizeof *k)) == NULL)
        return SP_ERR_NOMEM;
    *k = (struct lookup){.ended = ended, .arg = arg, .port = port, .error = SP_ERR_CANCELLED};
    memcpy(k->host, host, strlen(host) + 1);
    if ((e = pool_submit(pool, POOL_PLAIN, work, done, k)) != SP_OK) {
        free(k);
        return e;
    }
    *out = k;
    return SP_OK;
}

void lookup_cancel(struct lookup *k)
{
    if (k != NULL)
        k->ended = NULL;
}
