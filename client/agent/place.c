#include "client/agent/place.h"

#include "lib/base/num.h"
#include "lib/os/loop.h"
#include "lib/os/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct place_spec spec;
    char known_host[PLACE_HOST_MAX]; /* empty: none */
    place_done *done;
    void *arg;
    struct {
        char host[PLACE_HOST_MAX];
        uint16_t port;
    } targets[SESSION_ADDRESSES_MAX];
    size_t target_count, target; /* target: the one being tried */
    struct proxy_dial *dial;     /* owned; NULL: not running */
    struct deferred turn;        /* from the loop, so that `done` never runs inside the start */
    sp_error last;
};

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

static void next_target(struct place *p);

static void on_dialled(void *arg, int fd, sp_error e, const struct sp_why *why)
{
    struct place *p = arg;

    (void)why;
    p->dial = NULL; /* no longer pending */
    if (e == SP_OK) {
        p->done(p->arg, fd, p->targets[p->target].host, SP_OK); /* p may be gone from here on */
        return;
    }
    p->last = e;
    p->target++;
    next_target(p);
}

/* The address that needs no look-up; NULL: none. */
static const struct address *known(struct place *p)
{
    if (strcmp(p->targets[p->target].host, p->known_host) != 0)
        return NULL;
    address_set_port(&p->spec.known, p->targets[p->target].port);
    return &p->spec.known;
}

static void next_target(struct place *p)
{
    for (; p->target < p->target_count; p->target++) {
        struct proxy_dial_spec spec = {.loop = p->spec.loop,
                                       .pool = p->spec.pool,
                                       .proxy = p->spec.proxy,
                                       .host = p->targets[p->target].host,
                                       .port = p->targets[p->target].port,
                                       .deadline = clock_boot() + PLACE_CONNECT_MS,
                                       .known = known(p)};
        sp_error e = proxy_dial_start(&spec, on_dialled, p, NULL, &p->dial);

        if (e == SP_OK)
            return;
        p->last = e;
    }
    p->done(p->arg, -1, "", p->last);
}

static void on_turn(void *arg)
{
    next_target(arg);
}

sp_error place_start(const struct place_spec *spec, const struct view addresses[], size_t count,
                     place_done *done, void *arg, struct place **out)
{
    struct place *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    *p = (struct place){.spec = *spec, .done = done, .arg = arg, .last = SP_ERR_UNREACHABLE};
    for (size_t i = 0; i < count && i < SESSION_ADDRESSES_MAX; i++)
        if (split(addresses[i], p->targets[p->target_count].host,
                  &p->targets[p->target_count].port) == SP_OK)
            p->target_count++;
    deferred_init(&p->turn, on_turn, p);
    if (p->target_count == 0) {
        place_free(p);
        return SP_ERR_INVALID;
    }
    if (spec->known_host != NULL)
        snprintf(p->known_host, sizeof p->known_host, "%s", spec->known_host);
    p->spec.known_host = NULL; /* borrowed for the call only */
    deferred_queue(spec->loop, &p->turn);
    *out = p;
    return SP_OK;
}

void place_free(struct place *p)
{
    if (p == NULL)
        return;
    proxy_dial_cancel(p->dial);
    deferred_cancel(p->spec.loop, &p->turn);
    free(p);
}
