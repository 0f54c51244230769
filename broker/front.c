#include "broker/front.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/tls/peek.h"

#include <stdlib.h>
#include <unistd.h>

enum { LISTENERS_MAX = 8 };

struct waiting {
    struct front *front; /* borrowed */
    struct peek *peek;   /* owned */
    struct address peer;
    bool named; /* `peer` is whose connection it is, not a proxy that has not said it yet */
    struct waiting *next, **at;
};

struct listener {
    struct front *front; /* borrowed */
    int fd;              /* owned; -1: none */
    struct watch *watch; /* owned */
};

struct front {
    struct loop *loop; /* borrowed */
    struct front_targets targets;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct waiting *waiting; /* owned list */
    struct timer *pause;     /* owned; NULL: accepting */
    struct front_counts counts;
};

static void resume(void *arg)
{
    struct front *f = arg;

    f->pause = NULL;
    for (size_t l = 0; l < f->listener_count; l++)
        watch_set(f->listeners[l].watch, WATCH_READ);
}

static void pause_accepting(struct front *f)
{
    if (f->pause != NULL)
        return;
    log_event(LOG_ERROR, "front.pause", "out of descriptors: accepting pauses", NULL);
    for (size_t l = 0; l < f->listener_count; l++)
        watch_set(f->listeners[l].watch, 0);
    if (timer_start(f->loop, clock_boot() + FRONT_PAUSE_MS, resume, f, &f->pause) != SP_OK)
        resume(f); /* no memory for a pause: go on and meet the limit again */
}

static void waiting_free(struct waiting *w)
{
    *w->at = w->next;
    if (w->next != NULL)
        w->next->at = w->at;
    w->front->counts.peeking--;
    peek_free(w->peek);
    free(w);
}

static void on_peeked(void *arg, sp_error e, int fd, const struct hello *hello)
{
    struct waiting *w = arg;
    struct front *f = w->front;
    struct address peer = w->peer;
    bool tunnel = e == SP_OK && hello->tunnel;

    waiting_free(w);
    if (e != SP_OK) {
        f->counts.refused++;
        log_event(LOG_DEBUG, "front.refuse", sp_error_text(e), "peer", address_text(&peer).s, NULL);
        return;
    }
    f->counts.tunnels += tunnel ? 1 : 0;
    if (tunnel)
        f->targets.tunnel(f->targets.arg, fd, &peer);
    else
        f->targets.http(f->targets.arg, fd, &peer);
}

/* One person or network: an IPv4 address, or the /64 of an IPv6 one. */
static bool same_source(const struct address *a, const struct address *b)
{
    struct view x = address_bytes(a), y = address_bytes(b);

    return view_equal(view_slice(x, 0, 8), view_slice(y, 0, 8)) && x.len == y.len;
}

static bool too_many_of(const struct front *f, const struct address *peer)
{
    size_t same = 0;

    for (const struct waiting *w = f->waiting; w != NULL; w = w->next)
        same += w->named && same_source(&w->peer, peer) ? 1 : 0;
    return same >= FRONT_PEEKS_A_SOURCE;
}

/* A proxy's own connections (LOCAL) are counted as its own. */
static bool on_proxied(void *arg, const struct address *from)
{
    struct waiting *w = arg;

    if (from != NULL)
        w->peer = *from;
    if (too_many_of(w->front, &w->peer))
        return false;
    w->named = true;
    return true;
}

static void begin(struct front *f, int fd, const struct address *peer)
{
    struct waiting *w;

    bool proxied = f->targets.proxies != NULL && prefixes_hold(f->targets.proxies, peer);

    f->counts.accepted++;
    if (f->counts.peeking >= FRONT_PEEKS_MAX || (!proxied && too_many_of(f, peer)) ||
        (w = calloc(1, sizeof *w)) == NULL) {
        f->counts.refused++;
        close(fd);
        return;
    }
    *w = (struct waiting){
        .front = f, .peer = *peer, .named = !proxied, .next = f->waiting, .at = &f->waiting};
    if (w->next != NULL)
        w->next->at = &w->next;
    f->waiting = w;
    f->counts.peeking++;
    if ((proxied ? peek_proxied_new(f->loop, fd, on_proxied, on_peeked, w, &w->peek)
                 : peek_new(f->loop, fd, on_peeked, w, &w->peek)) != SP_OK) {
        f->counts.refused++;
        waiting_free(w);
    }
}

/* At most this many a turn, so that a flood of connections leaves room for the rest. */
enum { ACCEPTS_A_TURN = 64 };

static void on_ready(void *arg, unsigned events)
{
    struct listener *l = arg;
    struct address peer;
    sp_error e = SP_OK;
    int fd;

    (void)events;
    for (int n = 0; n < ACCEPTS_A_TURN; n++) {
        if ((e = sock_accept(l->fd, &fd, &peer)) != SP_OK)
            break;
        begin(l->front, fd, &peer);
    }
    if (e == SP_ERR_LIMIT)
        pause_accepting(l->front);
}

static sp_error listen_on(struct front *f, const char *text, struct sp_why *why)
{
    struct listener *l = &f->listeners[f->listener_count];
    struct address a;
    sp_error e;

    if ((e = address_parse(view_str(text), &a)) != SP_OK)
        return sp_why_say(why, e, "%s is no address and port", text);
    if ((e = sock_listen(&a, NULL, &l->fd)) != SP_OK)
        return sp_why_say(why, e, "can't listen on %s: %s", text,
                          e == SP_ERR_EXISTS ? "the address is in use" : sp_error_text(e));
    l->front = f;
    f->listener_count++;
    return watch_start(f->loop, l->fd, WATCH_READ, on_ready, l, &l->watch);
}

sp_error front_new(struct loop *loop, const struct config_strings *listen,
                   const struct front_targets *targets, struct sp_why *why, struct front **out)
{
    struct front *f = calloc(1, sizeof *f);
    sp_error e = SP_OK;

    if (f == NULL)
        return SP_ERR_NOMEM;
    f->loop = loop;
    f->targets = *targets;
    if (listen->count == 0 || listen->count > LISTENERS_MAX)
        e = sp_why_say(why, SP_ERR_LIMIT, "listen: 1 to %d addresses", LISTENERS_MAX);
    for (size_t l = 0; e == SP_OK && l < listen->count; l++)
        e = listen_on(f, listen->items[l], why);
    if (e != SP_OK) {
        front_free(f);
        return e;
    }
    *out = f;
    return SP_OK;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    timer_cancel(f->pause);
    while (f->waiting != NULL)
        waiting_free(f->waiting);
    for (size_t l = 0; l < f->listener_count; l++) {
        watch_stop(f->listeners[l].watch);
        close(f->listeners[l].fd);
    }
    free(f);
}

struct address front_address(const struct front *f)
{
    struct address a = {0};

    sp_ignore(sock_local(f->listeners[0].fd, &a)); /* it listens: the kernel knows its name */
    return a;
}

struct front_counts front_counts(const struct front *f)
{
    return f->counts;
}
