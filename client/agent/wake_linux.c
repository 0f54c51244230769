#include "client/agent/wake.h"

#include "lib/os/loop.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct wake {
    struct loop *loop; /* borrowed */
    const struct wake_events *events;
    void *arg;
    int fd;              /* owned; -1: no netlink */
    struct watch *watch; /* owned; NULL: not running */
    struct timer *look;  /* owned */
    struct timer *quiet; /* owned; NULL: no burst */
    int64_t boot, mono;
};

int64_t wake_slept(int64_t boot_before, int64_t mono_before, int64_t boot_now, int64_t mono_now)
{
    int64_t slept = (boot_now - boot_before) - (mono_now - mono_before);

    return slept >= WAKE_SLEPT_MS ? slept : 0;
}

static int64_t monotonic(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_look(void *arg)
{
    struct wake *w = arg;
    int64_t boot = clock_boot(), mono = monotonic();
    int64_t slept = wake_slept(w->boot, w->mono, boot, mono);

    w->look = NULL; /* no longer pending */
    w->boot = boot;
    w->mono = mono;
    if (timer_start(w->loop, boot + WAKE_LOOK_MS, on_look, w, &w->look) != SP_OK)
        w->look = NULL; /* no memory: pings notice dead connections later */
    if (slept > 0)
        w->events->slept(w->arg, slept);
}

static void on_quiet(void *arg)
{
    struct wake *w = arg;

    w->quiet = NULL; /* no longer pending */
    w->events->network(w->arg);
}

static void on_netlink(void *arg, unsigned events)
{
    struct wake *w = arg;
    char drop[8192];

    (void)events;
    /* Which route it was does not matter: the answer is to look whether the broker answers. */
    while (recv(w->fd, drop, sizeof drop, MSG_DONTWAIT) > 0)
        ;
    if (w->quiet != NULL)
        timer_move(w->quiet, clock_boot() + WAKE_QUIET_MS);
    else if (timer_start(w->loop, clock_boot() + WAKE_QUIET_MS, on_quiet, w, &w->quiet) != SP_OK)
        w->quiet = NULL;
}

static void listen_netlink(struct wake *w)
{
    struct sockaddr_nl at = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                          RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};

    w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (w->fd >= 0 &&
        (bind(w->fd, (struct sockaddr *)&at, sizeof at) != 0 ||
         watch_start(w->loop, w->fd, WATCH_READ, on_netlink, w, &w->watch) != SP_OK)) {
        close(w->fd);
        w->fd = -1;
    }
}

sp_error wake_new(struct loop *loop, const struct wake_events *events, void *arg, struct wake **out)
{
    struct wake *w = calloc(1, sizeof *w);
    sp_error e;

    if (w == NULL)
        return SP_ERR_NOMEM;
    *w = (struct wake){.loop = loop,
                       .events = events,
                       .arg = arg,
                       .fd = -1,
                       .boot = clock_boot(),
                       .mono = monotonic()};
    if ((e = timer_start(loop, w->boot + WAKE_LOOK_MS, on_look, w, &w->look)) != SP_OK) {
        wake_free(w);
        return e;
    }
    listen_netlink(w);
    *out = w;
    return SP_OK;
}

void wake_free(struct wake *w)
{
    if (w == NULL)
        return;
    watch_stop(w->watch);
    timer_cancel(w->look);
    timer_cancel(w->quiet);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}
