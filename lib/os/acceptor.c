#include "lib/os/acceptor.h"

#include "lib/os/loop.h"

#include <stdlib.h>

#include "lib/base/banned.h"

struct acceptor {
    struct loop *loop; /* borrowed */
    int listener;      /* borrowed */
    acceptor_took *took;
    void *arg;
    struct watch *watch; /* owned */
    struct timer *rest;  /* owned; NULL: not resting */
    bool held;
};

static void look(struct acceptor *a)
{
    watch_set(a->watch, a->held || a->rest != NULL ? 0 : WATCH_READ);
}

static void on_rested(void *arg)
{
    struct acceptor *a = arg;

    a->rest = NULL;
    look(a);
}

static void on_ready(void *arg, unsigned events)
{
    struct acceptor *a = arg;
    struct address peer;
    sp_error e = SP_OK;
    int fd;

    (void)events;
    for (int i = 0; i < ACCEPTOR_A_TURN && !a->held; i++) {
        if ((e = sock_accept(a->listener, &fd, &peer)) != SP_OK)
            break;
        a->took(a->arg, fd, &peer);
    }
    if (e != SP_OK && e != SP_ERR_AGAIN && a->rest == NULL)
        sp_ignore(timer_start(a->loop, clock_boot() + ACCEPTOR_REST_MS, on_rested, a,
                              &a->rest)); /* without memory even for that: spin, and live */
    look(a);
}

sp_error acceptor_start(struct loop *loop, int listener, acceptor_took *took, void *arg,
                        struct acceptor **out)
{
    struct acceptor *a = calloc(1, sizeof *a);
    sp_error e;

    if (a == NULL)
        return SP_ERR_NOMEM;
    *a = (struct acceptor){.loop = loop, .listener = listener, .took = took, .arg = arg};
    if ((e = watch_start(loop, listener, WATCH_READ, on_ready, a, &a->watch)) != SP_OK) {
        free(a);
        return e;
    }
    *out = a;
    return SP_OK;
}

void acceptor_hold(struct acceptor *a, bool held)
{
    a->held = held;
    look(a);
}

void acceptor_stop(struct acceptor *a)
{
    if (a == NULL)
        return;
    watch_stop(a->watch);
    timer_cancel(a->rest);
    free(a);
}
