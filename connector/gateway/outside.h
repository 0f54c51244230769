#ifndef SP_GATEWAY_OUTSIDE_H
#define SP_GATEWAY_OUTSIDE_H

/*
 * outside: what the sources of tokens (keyring.h, introspect.h) reach their servers with, and the
 * requests that wait for them meanwhile. The loop never waits: a worker asks, the request is
 * parked.
 */

#include "lib/http/client.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"

struct outside {
    struct loop *loop;
    struct pool *pool;
    struct client *client; /* outlives the pool's jobs */
    const char *folder;    /* of jwks_file and secret_file; borrowed while the user lives */
    /* Whether this machine's owner lists the host as an issuer (the floor file). NULL: none is. */
    bool (*issuer_allowed)(void *arg, struct view host, uint16_t port);
    void *arg;
};

/* The floor's word on a URL. false as well for what is no URL. */
bool outside_allows(const struct outside *o, const char *url);

enum { OUTSIDE_DEADLINE_MS = 5 * 1000, OUTSIDE_BODY_MAX = 256 * 1024, OUTSIDE_PATH_MAX = 4096 };

/* A parked request; lives in its arena. A zeroed one waits for nothing. */
struct waiter {
    void (*fn)(void *arg);
    void *arg;
    struct waiter *next, **at; /* at: NULL when it does not wait */
};

void waiter_add(struct waiter **list, struct waiter *w);
void waiter_cancel(struct waiter *w);
/* Each is taken off before its fn is called; fn may add itself to the same list again. */
void waiter_wake(struct waiter **list);

#endif
