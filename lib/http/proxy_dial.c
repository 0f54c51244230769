#include "lib/http/proxy_dial.h"

#include "lib/base/num.h"
#include "lib/http/proxy_answer.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/os/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { ADDRESS_MS_LEAST = 1000, KNOWN_MS = 2000 };

/* A look-up on a worker. It outlives a cancelled dial, so it is an object of its own. */
struct lookup {
    struct proxy_dial *dial; /* NULL: cancelled */
    char host[256];          /* as struct proxy_choice has it */
    uint16_t port;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    size_t count;
    sp_error error;
};

struct proxy_dial {
    struct loop *loop;
    struct pool *pool;
    proxy_dialed *fn;
    void *arg;
    char host[RESOLVE_NAME_MAX + 1]; /* the destination */
    uint16_t port;
    sp_boot_ms deadline;
    struct proxy_choice way;
    struct lookup *lookup; /* NULL: not running; the pool's job owns it */
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    size_t count, next;
    bool guess;                    /* what is tried was known before: a look-up may say more */
    struct connecting *connecting; /* owned; NULL: not running */
    struct timer *late;            /* owned; NULL: not running */
    struct watch *watch;           /* owned; NULL: not running */
    int fd;                        /* owned while the proxy is asked; -1 */
    struct buf request, answer;
};

static void free_dial(struct proxy_dial *d)
{
    watch_stop(d->watch);
    timer_cancel(d->late);
    connect_cancel(d->connecting);
    if (d->fd >= 0)
        close(d->fd);
    if (d->lookup != NULL)
        d->lookup->dial = NULL;
    proxy_choice_wipe(&d->way);
    buf_wipe(&d->request);
    buf_deinit(&d->answer);
    free(d);
}

/* The owner hears the end when nothing of the dial is left, so it may start the next one in it. */
static void finish(struct proxy_dial *d, int fd, sp_error e, const struct sp_why *why)
{
    proxy_dialed *fn = d->fn;
    void *arg = d->arg;

    free_dial(d);
    fn(arg, fd, e, why);
}

static void fail(struct proxy_dial *d, sp_error e, const char *text)
{
    struct sp_why why = {{0}, {0}, 0, 0};

    if (d->way.direct)
        sp_ignore(sp_why_say(&why, e, "%s port %u: %s", d->host, d->port, text));
    else
        sp_ignore(sp_why_say(&why, e, "%s port %u through the proxy %s port %u: %s", d->host,
                             d->port, d->way.host, d->way.port, text));
    finish(d, -1, e, &why);
}

/* Judges the proxy's answer; its words decide whether a person has to act. */
static void on_answer(struct proxy_dial *d, const struct proxy_answer *a, bool more)
{
    char text[256];
    int fd = d->fd;

    if (a->status >= 200 && a->status < 300 && !more) {
        d->fd = -1;
        finish(d, fd, SP_OK, NULL);
        return;
    }
    if (a->status >= 200 && a->status < 300) {
        fail(d, SP_ERR_PROTOCOL, "bytes came before anything was asked");
    } else if (a->status == 407 && a->basic && d->way.user[0] != '\0') {
        fail(d, SP_ERR_DENIED, "the proxy refused the user name or password");
    } else if (a->status == 407 && a->basic) {
        fail(d, SP_ERR_DENIED, "the proxy wants a user name and a password");
    } else if (a->status == 407) {
        snprintf(text, sizeof text,
                 "the proxy wants a way to log in that is not supported (it offers %s; Basic is)",
                 a->schemes[0] != '\0' ? a->schemes : "none");
        fail(d, SP_ERR_DENIED, text);
    } else {
        snprintf(text, sizeof text, "the proxy answered %d", a->status);
        fail(d, SP_ERR_REFUSED, text);
    }
}

static void read_answer(struct proxy_dial *d)
{
    uint8_t room[2048];
    struct proxy_answer answer;
    size_t head;
    ssize_t n = read(d->fd, room, sizeof room);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        fail(d, SP_ERR_REFUSED, "the proxy closed the connection");
        return;
    }
    buf_add(&d->answer, (struct view){room, (size_t)n});
    sp_error e = proxy_answer_parse(buf_view(&d->answer), &answer, &head);
    while (e == SP_OK && answer.status < 200) { /* interim answers come before the real one */
        buf_consume(&d->answer, head);
        e = proxy_answer_parse(buf_view(&d->answer), &answer, &head);
    }
    if (e == SP_OK)
        on_answer(d, &answer, head < d->answer.len);
    else if (e != SP_ERR_AGAIN || buf_error(&d->answer) != SP_OK)
        fail(d, SP_ERR_PROTOCOL, "the proxy does not answer as HTTP does");
}

static void on_proxy(void *arg, unsigned events)
{
    struct proxy_dial *d = arg;

    if ((events & WATCH_WRITE) != 0 && d->request.len > 0) {
        ssize_t n = write(d->fd, d->request.at, d->request.len);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            fail(d, SP_ERR_REFUSED, "the proxy closed the connection");
            return;
        }
        if (n > 0)
            buf_consume(&d->request, (size_t)n);
        watch_set(d->watch, WATCH_READ | (d->request.len > 0 ? WATCH_WRITE : 0u));
    }
    if ((events & (WATCH_READ | WATCH_HANGUP)) != 0)
        read_answer(d);
}

static void on_late(void *arg)
{
    struct proxy_dial *d = arg;

    d->late = NULL;
    fail(d, SP_ERR_TIMEOUT, "no answer in time");
}

static void ask_proxy(struct proxy_dial *d, int fd)
{
    sp_error e;

    d->fd = fd;
    proxy_connect_write(d->host, d->port, d->way.user, d->way.password, &d->request);
    if ((e = buf_error(&d->request)) != SP_OK ||
        (e = watch_start(d->loop, fd, WATCH_READ | WATCH_WRITE, on_proxy, d, &d->watch)) != SP_OK)
        fail(d, e, sp_error_text(e));
}

static void try_next(struct proxy_dial *d, sp_error last);
static sp_error start_lookup(struct proxy_dial *d);

static void on_connected(void *arg, int fd, sp_error e)
{
    struct proxy_dial *d = arg;

    d->connecting = NULL;
    if (e != SP_OK && d->guess && start_lookup(d) == SP_OK)
        d->guess = false;
    else if (e != SP_OK)
        try_next(d, e);
    else if (d->way.direct)
        finish(d, fd, SP_OK, NULL);
    else
        ask_proxy(d, fd);
}

/* Each address gets its share of the time that is left, so that a dead one costs not all. */
static void try_next(struct proxy_dial *d, sp_error last)
{
    sp_boot_ms now = clock_boot(), share;
    sp_error e;

    while (d->next < d->count) {
        int64_t left = d->deadline - now;
        share = left / (int64_t)(d->count - d->next);
        if (share < ADDRESS_MS_LEAST)
            share = ADDRESS_MS_LEAST;
        e = connect_start(d->loop, &d->addresses[d->next++], num_min(now + share, d->deadline),
                          on_connected, d, &d->connecting);
        if (e == SP_OK)
            return;
        last = e;
    }
    fail(d, last, sp_error_text(last));
}

static void look_up(void *arg)
{
    struct lookup *l = arg;

    l->error = resolve_blocking(view_str(l->host), l->port, l->addresses, &l->count);
}

static void on_looked_up(void *arg)
{
    struct lookup *l = arg;
    struct proxy_dial *d = l->dial;
    sp_error e = l->error;

    if (d == NULL) {
        free(l);
        return;
    }
    d->lookup = NULL;
    d->next = 0;
    d->count = e == SP_OK ? l->count : 0;
    memcpy(d->addresses, l->addresses, sizeof d->addresses);
    free(l);
    if (e != SP_OK)
        fail(d, e == SP_ERR_INVALID ? SP_ERR_NOT_FOUND : e,
             e == SP_ERR_TIMEOUT ? "the name server does not answer" : "the name has no address");
    else
        try_next(d, SP_ERR_UNREACHABLE);
}

static sp_error start_lookup(struct proxy_dial *d)
{
    struct lookup *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    snprintf(l->host, sizeof l->host, "%s", d->way.direct ? d->host : d->way.host);
    l->port = d->way.direct ? d->port : d->way.port;
    if ((e = pool_submit(d->pool, POOL_OUTBOUND, look_up, on_looked_up, l)) != SP_OK) {
        free(l);
        return e;
    }
    l->dial = d;
    d->lookup = l;
    return SP_OK;
}

/* The address that needs no look-up, if there is one. */
SP_MUST static sp_error begin(struct proxy_dial *d, const struct address *known)
{
    struct address literal;
    sp_boot_ms until = d->deadline;
    const char *host = d->way.direct ? d->host : d->way.host;

    if (address_from_host(view_str(host), d->way.direct ? d->port : d->way.port, &literal) ==
        SP_OK) {
        known = &literal;
    } else if (known != NULL && d->way.direct) {
        d->guess = true;
        until = num_min(until, clock_boot() + KNOWN_MS);
    } else {
        return start_lookup(d);
    }
    d->addresses[0] = *known;
    d->count = d->next = 1;
    return connect_start(d->loop, known, until, on_connected, d, &d->connecting);
}

sp_error proxy_dial_start(const struct proxy_dial_spec *spec, proxy_dialed *fn, void *arg,
                          struct sp_why *why, struct proxy_dial **out)
{
    struct proxy_dial *d;
    sp_error e = SP_OK;

    if (!resolve_name_valid(view_str(spec->host)))
        return sp_why_say(why, SP_ERR_INVALID, "\"%.80s\" is no host name or address", spec->host);
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return SP_ERR_NOMEM;
    d->loop = spec->loop;
    d->pool = spec->pool;
    d->fn = fn;
    d->arg = arg;
    d->port = spec->port;
    d->deadline = spec->deadline;
    d->way.direct = true;
    d->fd = -1;
    snprintf(d->host, sizeof d->host, "%s", spec->host);
    buf_init(&d->request, 4096);
    buf_init(&d->answer, PROXY_ANSWER_MAX);
    if (spec->proxy != NULL)
        e = proxy_choose(spec->proxy, spec->host, spec->port, why, &d->way);
    if (e != SP_OK || (e = timer_start(d->loop, d->deadline, on_late, d, &d->late)) != SP_OK ||
        (e = begin(d, spec->known)) != SP_OK) {
        free_dial(d);
        return e;
    }
    *out = d;
    return SP_OK;
}

void proxy_dial_cancel(struct proxy_dial *d)
{
    if (d != NULL)
        free_dial(d);
}
