#include "client/agent/listen.h"

#include "lib/base/log.h"
#include "lib/os/acceptor.h"
#include "lib/os/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A connection of an http app whose first head is not whole yet. */
struct head {
    struct listener *listener;
    struct head *next, **at; /* the listener's list */
    int fd;                  /* owned */
    struct watch *watch;     /* owned; NULL: not running */
    struct timer *deadline;  /* owned; NULL: not running */
};

struct listener {
    struct loop *loop;         /* borrowed */
    int fd;                    /* owned */
    int diag;                  /* owned; -1: to be opened */
    struct acceptor *acceptor; /* owned */
    struct address at;
    char app[129];
    bool http;
    struct hosthead_expect host;
    listener_accepted *accepted;
    void *arg;
    struct head *heads;
    size_t head_count;
    uint64_t refused;
};

static void head_free(struct head *h, bool close_it)
{
    watch_stop(h->watch);
    timer_cancel(h->deadline);
    if (close_it)
        close(h->fd);
    *h->at = h->next;
    if (h->next != NULL)
        h->next->at = h->at;
    h->listener->head_count--;
    free(h);
}

static void on_late(void *arg)
{
    struct head *h = arg;

    h->deadline = NULL; /* no longer pending */
    head_free(h, true);
}

/* Looks without taking: what was read here would be missing in the tunnel. The next wake-up is
 * asked for beyond what is there, or a level-triggered loop would spin. */
static void on_head(void *arg, unsigned events)
{
    struct head *h = arg;
    struct listener *l = h->listener;
    uint8_t peeked[HOSTHEAD_MAX];
    ssize_t n = recv(h->fd, peeked, sizeof peeked, MSG_PEEK | MSG_DONTWAIT);
    int fd = h->fd;
    sp_error e;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        head_free(h, true);
        return;
    }
    e = hosthead_check((struct view){peeked, (size_t)n}, &l->host);
    if (e == SP_ERR_AGAIN && (events & (WATCH_HANGUP | WATCH_FAILED)) == 0) {
        sock_lowat(fd, (int)n + 1);
        return;
    }
    if (e == SP_OK) {
        sock_lowat(fd, 1);
        head_free(h, false);
        l->accepted(l->arg, fd);
        return;
    }
    log_event(LOG_WARN, "listen.host", "a request for another host was not forwarded", "app",
              l->app, "error", sp_error_code(e), NULL);
    struct view answer = hosthead_answer(e);
    ssize_t sent = send(fd, answer.at, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a fresh socket takes it; whoever asked wrongly needs no more */
    /* Unread bytes would turn our close into RST and take the answer away. */
    while (recv(fd, peeked, sizeof peeked, MSG_DONTWAIT) > 0)
        ;
    head_free(h, true);
}

static void read_head(struct listener *l, int fd)
{
    struct head *h = l->head_count == LISTEN_HEADS_MAX ? NULL : calloc(1, sizeof *h);

    if (h == NULL) {
        sock_reset(fd);
        return;
    }
    *h = (struct head){.listener = l, .next = l->heads, .at = &l->heads, .fd = fd};
    if (l->heads != NULL)
        l->heads->at = &h->next;
    l->heads = h;
    l->head_count++;
    if (watch_start(l->loop, fd, WATCH_READ | WATCH_HANGUP, on_head, h, &h->watch) != SP_OK ||
        timer_start(l->loop, clock_boot() + LISTEN_HEAD_MS, on_late, h, &h->deadline) != SP_OK)
        head_free(h, true);
}

static sp_error ask_owner(struct listener *l, int fd, uid_t *owner)
{
    sp_error e = l->diag < 0 ? sock_diag_open(&l->diag) : SP_OK;

    if (e == SP_OK)
        e = sock_diag_owner(l->diag, fd, owner);
    if (e == SP_ERR_IO && l->diag >= 0) { /* its next answer may be to this question */
        close(l->diag);
        l->diag = -1;
    }
    return e;
}

/* The owner of the other end, from the kernel's own table; an unknown one is nobody's. */
static bool admitted(struct listener *l, int fd, const struct address *peer)
{
    uid_t owner;
    sp_error e = ask_owner(l, fd, &owner);

    if (e == SP_OK && owner == getuid())
        return true;
    if (e == SP_OK && owner == 0) {
        log_event(LOG_WARN, "listen.root", "root uses this user's session", "app", l->app, NULL);
        return true;
    }
    l->refused++;
    log_event(LOG_WARN, "listen.owner", "a connection of another user was refused", "app", l->app,
              "peer", address_text(peer).s, "uid", e == SP_OK ? LOG_INT(owner) : "unknown", NULL);
    return false;
}

static void on_accept(void *arg, int fd, const struct address *peer)
{
    struct listener *l = arg;

    if (!admitted(l, fd, peer))
        sock_reset(fd);
    else if (l->http)
        read_head(l, fd);
    else
        l->accepted(l->arg, fd);
}

sp_error listener_new(struct loop *loop, const struct listener_options *o, struct sp_why *why,
                      struct listener **out)
{
    struct listener *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    *l = (struct listener){.loop = loop,
                           .fd = -1,
                           .diag = -1,
                           .at = o->at,
                           .http = o->host != NULL,
                           .accepted = o->accepted,
                           .arg = o->arg};
    snprintf(l->app, sizeof l->app, "%s", o->app);
    if (o->host != NULL)
        l->host = *o->host;
    if ((e = sock_listen(&o->at, "lo", &l->fd)) != SP_OK)
        e = sp_why_say(why, e, "%s can't be opened: %s", address_text(&o->at).s,
                       e == SP_ERR_EXISTS ? "another program listens there" : sp_error_text(e));
    else if ((e = sock_local(l->fd, &l->at)) == SP_OK)
        e = acceptor_start(loop, l->fd, on_accept, l, &l->acceptor);
    if (e != SP_OK) {
        listener_free(l);
        return e;
    }
    l->host.port = address_port(&l->at);
    *out = l;
    return SP_OK;
}

void listener_free(struct listener *l)
{
    if (l == NULL)
        return;
    while (l->heads != NULL)
        head_free(l->heads, true);
    acceptor_stop(l->acceptor);
    if (l->fd >= 0)
        close(l->fd);
    if (l->diag >= 0)
        close(l->diag);
    free(l);
}

struct address listener_address(const struct listener *l)
{
    return l->at;
}

uint64_t listener_refused(const struct listener *l)
{
    return l->refused;
}
