#include "client/agent/place.h"

#include "lib/base/num.h"
#include "lib/os/loop.h"
#include "lib/os/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A lookup outlives its place: the worker can't be stopped. */
struct lookup {
    struct place *place; /* NULL: nobody waits any more */
    char host[PLACE_HOST_MAX];
    uint16_t port;
    struct address found[RESOLVE_ADDRESSES_MAX];
    size_t count;
    sp_error error;
};

struct place {
    struct loop *loop; /* borrowed */
    struct pool *pool; /* borrowed */
    place_done *done;
    void *arg;
    struct {
        char host[PLACE_HOST_MAX];
        uint16_t port;
    } targets[SESSION_ADDRESSES_MAX];
    size_t target_count, target;   /* target: the one being tried */
    struct lookup *lookup;         /* the pool's; NULL: not running */
    struct connecting *connecting; /* owned; NULL: not running */
    struct timer *turn;            /* owned; NULL: not running */
    struct address found[RESOLVE_ADDRESSES_MAX];
    size_t count, at;
    sp_error last;
};

static void next_target(struct place *p);

/* "[::1]:443", "relay.example.org:443" */
static sp_error split(struct view text, char host[PLACE_HOST_MAX], uint16_t *port)
{
    size_t colon = text.len;
    struct view name;
    uint64_t number;

    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (colon < 2 || num_uint(view_slice(text, colon, text.len), 65535, &number) != SP_OK ||
        number == 0)
        return SP_ERR_INVALID;
    name = view_slice(text, 0, colon - 1);
    if (name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
        name = view_slice(name, 1, name.len - 2);
    if (name.len == 0 || name.len >= PLACE_HOST_MAX || !resolve_name_valid(name))
        return SP_ERR_INVALID;
    snprintf(host, PLACE_HOST_MAX, "%.*s", VIEW_ARG(name));
    *port = (uint16_t)number;
    return SP_OK;
}

static void on_connected(void *arg, int fd, sp_error e);

static void next_address(struct place *p)
{
    while (p->at < p->count) {
        sp_error e = connect_start(p->loop, &p->found[p->at++], clock_boot() + PLACE_CONNECT_MS,
                                   on_connected, p, &p->connecting);
        if (e == SP_OK)
            return;
        p->last = e;
    }
    p->target++;
    next_target(p);
}

static void on_connected(void *arg, int fd, sp_error e)
{
    struct place *p = arg;

    p->connecting = NULL; /* no longer pending */
    if (e != SP_OK) {
        p->last = e;
        next_address(p);
        return;
    }
    p->done(p->arg, fd, p->targets[p->target].host, SP_OK); /* p may be gone from here on */
}

static void look_up(void *arg)
{
    struct lookup *l = arg;

    l->error = resolve_blocking(view_str(l->host), l->port, l->found, &l->count);
}

static void on_looked_up(void *arg)
{
    struct lookup *l = arg;
    struct place *p = l->place;

    if (p != NULL) {
        p->lookup = NULL; /* no longer pending */
        p->count = l->error == SP_OK ? l->count : 0;
        p->at = 0;
        p->last = l->error == SP_OK ? p->last : SP_ERR_UNREACHABLE;
        memcpy(p->found, l->found, sizeof p->found);
    }
    free(l);
    if (p != NULL)
        next_address(p);
}

static void on_turn(void *arg)
{
    struct place *p = arg;

    p->turn = NULL; /* no longer pending */
    next_target(p);
}

static void next_target(struct place *p)
{
    struct lookup *l;

    if (p->target == p->target_count) {
        p->done(p->arg, -1, "", p->last == SP_OK ? SP_ERR_UNREACHABLE : p->last);
        return;
    }
    if (address_from_host(view_str(p->targets[p->target].host), p->targets[p->target].port,
                          &p->found[0]) == SP_OK) {
        p->count = 1;
        p->at = 0;
        next_address(p);
        return;
    }
    if ((l = calloc(1, sizeof *l)) != NULL) {
        snprintf(l->host, sizeof l->host, "%s", p->targets[p->target].host);
        l->port = p->targets[p->target].port;
        l->place = p;
        p->lookup = l;
        if (pool_submit(p->pool, POOL_OUTBOUND, look_up, on_looked_up, l) == SP_OK)
            return;
        p->lookup = NULL;
        free(l);
    }
    p->done(p->arg, -1, "", SP_ERR_BUSY);
}

sp_error place_start(struct loop *loop, struct pool *pool, const struct view addresses[],
                     size_t count, place_done *done, void *arg, struct place **out)
{
    struct place *p = calloc(1, sizeof *p);
    sp_error e = SP_OK;

    if (p == NULL)
        return SP_ERR_NOMEM;
    *p = (struct place){.loop = loop, .pool = pool, .done = done, .arg = arg};
    for (size_t i = 0; i < count && i < SESSION_ADDRESSES_MAX; i++)
        if (split(addresses[i], p->targets[p->target_count].host,
                  &p->targets[p->target_count].port) == SP_OK)
            p->target_count++;
    if (p->target_count == 0)
        e = SP_ERR_INVALID;
    else /* from the loop, so that `done` never runs inside this call */
        e = timer_start(loop, 0, on_turn, p, &p->turn);
    if (e != SP_OK) {
        place_free(p);
        return e;
    }
    *out = p;
    return SP_OK;
}

void place_free(struct place *p)
{
    if (p == NULL)
        return;
    if (p->lookup != NULL)
        p->lookup->place = NULL;
    connect_cancel(p->connecting);
    timer_cancel(p->turn);
    free(p);
}
