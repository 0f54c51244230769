#include "client/agent/forward.h"

#include "client/agent/webanswer.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/os/file.h"
#include "lib/os/loop.h"
#include "lib/os/resolve.h"
#include "lib/tunnel/pump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A local connection: waiting for its stream, then pumped. */
struct joined {
    struct port *port;
    struct joined *next, **at; /* the forward's list */
    int fd;                    /* owned; -1: the pump's */
    struct opening *opening;   /* owned; NULL: not running */
    struct pump *pump;         /* owned; NULL: not running */
};

struct port {
    struct forward *forward;
    struct listener *listener; /* owned */
    unsigned index;            /* of the app's ports */
};

struct forward {
    struct forwards *owner;
    struct forward *next, **at; /* the owner's list */
    char app[PROTO_NAME_MAX + 1];
    unsigned holders; /* `kept` counts as one */
    bool kept;        /* by `up` */
    bool http;
    struct port ports[SESSION_PORTS_MAX];
    size_t port_count;
    struct joined *joined;
    size_t joined_count;
};

struct forwards {
    struct loop *loop; /* borrowed, as are the next two */
    struct sessions *sessions;
    struct state *state;
    forward_refused *refused;
    void *arg;
    struct forward *all;
    uint16_t first_port; /* that this process may bind */
};

/* ---- connections ------------------------------------------------------------------------- */

static void joined_free(struct joined *j)
{
    opening_cancel(j->opening);
    pump_free(j->pump);
    if (j->fd >= 0)
        sock_reset(j->fd);
    *j->at = j->next;
    if (j->next != NULL)
        j->next->at = j->at;
    j->port->forward->joined_count--;
    free(j);
}

/*
 * A browser that waits for an http app reads why it is not given; TLS and everything else that
 * can't be answered in HTTP/1 is reset. The head was looked at and not taken (listen.h).
 */
static void answer_web(struct joined *j, const struct refusal *why)
{
    const struct forward *w = j->port->forward;
    const struct state *state = w->owner->state;
    const struct webanswer answer = {
        .app = w->app, .broker = state->broker, .device = state->device_id, .why = *why};
    uint8_t head[HOSTHEAD_MAX];
    ssize_t n = recv(j->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    struct hosthead_asks asks = {.http = false};
    struct buf out;

    if (n > 0)
        asks = hosthead_asks((struct view){head, (size_t)n});
    if (!asks.http)
        return;
    buf_init(&out, WEBANSWER_MAX);
    sp_error e = webanswer_write(&answer, asks, &out);
    /* Unread bytes would turn the close into RST and take the answer away. */
    while (recv(j->fd, head, sizeof head, MSG_DONTWAIT) > 0)
        ;
    if (e == SP_OK &&
        send(j->fd, out.at, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out.len) {
        close(j->fd); /* a fresh socket took it all */
        j->fd = -1;
    }
    buf_deinit(&out);
}

static void on_pumped(void *arg, const struct pump_report *r)
{
    struct joined *j = arg;
    struct forward *w = j->port->forward;
    /* 0: it ended before the connector answered, and the session says why */
    struct refusal why = r->status == 0 ? (struct refusal){0} : refusal_stream(r->status);

    joined_free(j);
    if (why.exit != EXIT_OK)
        w->owner->refused(w->owner->arg, w->app, &why);
}

static void on_opened(void *arg, struct stream *stream, const struct session_view *s,
                      const struct refusal *why)
{
    struct joined *j = arg;
    struct forward *w = j->port->forward;
    int fd = j->fd;

    (void)s;
    j->opening = NULL; /* no longer pending */
    if (stream == NULL) {
        struct refusal copy = *why;

        if (w->http)
            answer_web(j, why);
        joined_free(j);
        w->owner->refused(w->owner->arg, w->app, &copy);
        return;
    }
    j->fd = -1;
    if (pump_start(w->owner->loop, stream, fd, on_pumped, j, &j->pump) != SP_OK)
        joined_free(j);
}

static void on_accepted(void *arg, int fd)
{
    struct port *p = arg;
    struct forward *w = p->forward;
    struct joined *j = w->joined_count == FORWARD_CONNECTIONS_MAX ? NULL : calloc(1, sizeof *j);

    if (j == NULL) {
        sock_reset(fd);
        return;
    }
    *j = (struct joined){.port = p, .next = w->joined, .at = &w->joined, .fd = fd};
    if (w->joined != NULL)
        w->joined->at = &j->next;
    w->joined = j;
    w->joined_count++;
    if (opening_start(w->owner->sessions, w->app, p->index, on_opened, j, &j->opening) != SP_OK)
        joined_free(j);
}

/* ---- addresses --------------------------------------------------------------------------- */

static uint16_t first_port(void)
{
    struct buf text;
    uint64_t n = 1024;

    if (geteuid() == 0)
        return 0;
    buf_init(&text, 32);
    if (file_read("/proc/sys/net/ipv4/ip_unprivileged_port_start", 32, &text, NULL) == SP_OK) {
        struct view v = buf_view(&text);
        while (v.len > 0 && v.at[v.len - 1] == '\n')
            v.len--;
        if (num_uint(v, 65535, &n) != SP_OK)
            n = 1024;
    }
    buf_deinit(&text);
    return (uint16_t)n;
}

sp_error forward_address(struct forwards *f, const struct app *app, size_t port_index,
                         struct address *out)
{
    struct sp_why why = {0};
    uint16_t low;
    bool fresh;
    sp_error e;

    if (port_index >= app->port_count)
        return SP_ERR_NOT_FOUND;
    if ((e = address_take(&f->state->addresses, getuid(), app->id, &low, &fresh)) != SP_OK)
        return e;
    if (fresh && state_save(f->state, &why) != SP_OK)
        log_event(LOG_WARN, "agent.state", why.text, NULL);
    return address_parse(
        view_str(address_local(low, address_port_of(app->ports[port_index], f->first_port)).s),
        out);
}

static sp_error open_port(struct forward *w, const struct app *app, size_t index,
                          const struct address *at, struct sp_why *why)
{
    struct port *p = &w->ports[w->port_count];
    struct hosthead_expect host = {.count = 2, .port = address_port(at)};
    bool http = strcmp(app->type, "http") == 0;
    struct listener_options o = {.at = *at,
                                 .app = app->name,
                                 .host = http ? &host : NULL,
                                 .accepted = on_accepted,
                                 .arg = p};
    sp_error e;

    snprintf(host.names[0], sizeof host.names[0], "%s", address_host_text(at).s);
    snprintf(host.names[1], sizeof host.names[1], "%s.sallyport.internal", app->name);
    *p = (struct port){.forward = w, .index = (unsigned)index};
    if ((e = listener_new(w->owner->loop, &o, why, &p->listener)) == SP_OK)
        w->port_count++;
    return e;
}

static void close_forward(struct forward *w)
{
    while (w->joined != NULL)
        joined_free(w->joined);
    for (size_t i = 0; i < w->port_count; i++)
        listener_free(w->ports[i].listener);
    *w->at = w->next;
    if (w->next != NULL)
        w->next->at = w->at;
    free(w);
}

static sp_error open_all(struct forward *w, const struct app *app, const struct address *local,
                         struct sp_why *why)
{
    struct address at;
    sp_error e = SP_OK;

    if (local != NULL) {
        if (address_class(local) != ADDRESS_LOOPBACK)
            return sp_why_say(why, SP_ERR_INVALID,
                              "%s is no loopback address: only this machine's "
                              "programs may use a session",
                              address_text(local).s);
        if (app->port_count != 1)
            return sp_why_say(why, SP_ERR_INVALID, "%s has %zu ports; --local is for apps with one",
                              app->name, app->port_count);
        return open_port(w, app, 0, local, why);
    }
    for (size_t i = 0; i < app->port_count && e == SP_OK; i++)
        if ((e = forward_address(w->owner, app, i, &at)) == SP_OK)
            e = open_port(w, app, i, &at, why);
    return e;
}

/* ---- holders ----------------------------------------------------------------------------- */

struct forward *forward_find(struct forwards *f, const char *app)
{
    for (struct forward *w = f->all; w != NULL; w = w->next)
        if (strcmp(w->app, app) == 0)
            return w;
    return NULL;
}

static bool listens_at(const struct forward *w, const struct address *local)
{
    for (size_t i = 0; i < w->port_count; i++) {
        struct address at = listener_address(w->ports[i].listener);
        if (address_equal(&at, local))
            return true;
    }
    return false;
}

sp_error forward_hold(struct forwards *f, const struct app *app, const struct address *local,
                      struct sp_why *why, struct forward **out)
{
    struct forward *w = forward_find(f, app->name);
    sp_error e;

    if (w != NULL && local != NULL && !listens_at(w, local))
        return sp_why_say(why, SP_ERR_EXISTS, "%s is open already, at another address", app->name);
    if (w == NULL) {
        if ((w = calloc(1, sizeof *w)) == NULL)
            return SP_ERR_NOMEM;
        *w = (struct forward){.owner = f, .next = f->all, .at = &f->all};
        snprintf(w->app, sizeof w->app, "%s", app->name);
        w->http = strcmp(app->type, "http") == 0;
        if (f->all != NULL)
            f->all->at = &w->next;
        f->all = w;
        if ((e = open_all(w, app, local, why)) != SP_OK) {
            close_forward(w);
            return e;
        }
    }
    w->holders++;
    *out = w;
    return SP_OK;
}

void forward_release(struct forward *w)
{
    struct session_view s;

    if (w == NULL || --w->holders > 0)
        return;
    if (sessions_find(w->owner->sessions, w->app, &s))
        sessions_end(w->owner->sessions, s.id);
    close_forward(w);
}

void forward_keep(struct forward *w)
{
    if (w == NULL || w->kept)
        return;
    w->kept = true;
    w->holders++;
}

bool forward_is_kept(const struct forward *w)
{
    return w->kept;
}

bool forward_unkeep(struct forward *w)
{
    if (!w->kept)
        return false;
    w->kept = false;
    forward_release(w);
    return true;
}

const char *forward_app(const struct forward *w)
{
    return w->app;
}

size_t forward_addresses(const struct forward *w, struct address out[], size_t room)
{
    size_t n = 0;

    for (; n < w->port_count && n < room; n++)
        out[n] = listener_address(w->ports[n].listener);
    return n;
}

uint64_t forward_refusals(const struct forward *w)
{
    uint64_t n = 0;

    for (size_t i = 0; i < w->port_count; i++)
        n += listener_refused(w->ports[i].listener);
    return n;
}

sp_error forwards_new(struct loop *loop, struct sessions *sessions, struct state *state,
                      forward_refused *refused, void *arg, struct forwards **out)
{
    struct forwards *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SP_ERR_NOMEM;
    *f = (struct forwards){.loop = loop,
                           .sessions = sessions,
                           .state = state,
                           .refused = refused,
                           .arg = arg,
                           .first_port = first_port()};
    *out = f;
    return SP_OK;
}

void forwards_free(struct forwards *f)
{
    if (f == NULL)
        return;
    while (f->all != NULL)
        close_forward(f->all);
    free(f);
}
