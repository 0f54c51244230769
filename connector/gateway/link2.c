#include "connector/gateway/link2.h"

#include "lib/os/loop.h"

#include <stdlib.h>

enum { LINK_OUT = 64 * 1024, READS_A_TURN = 8, READ_MAX = 32 * 1024 };

struct link2 {
    struct link2_pool *pool; /* borrowed */
    struct upstream_to to;   /* its key; name and tls are not kept */
    struct tls_context *tls; /* held */
    struct upstream *up;     /* owned */
    struct http2 *h2;        /* owned */
    struct buf out;
    size_t out_at;
    struct deferred news;
    struct timer *idle; /* owned; NULL: not running */
    bool connected, full, over;
    sp_error error; /* SP_OK: it lives */
    const char *text;
    struct link2 *next, **from;
};

struct link2_pool {
    struct loop *loop;
    struct upstream_pool *upstreams;
    struct link2 *links; /* owned */
    uint8_t scratch[READ_MAX];
};

static const struct http2_limits limits = {128 * 1024, GW_HEADERS_MAX};

/* ---- whose stream it is -------------------------------------------------------------------- */

static bool no_begins(void *arg, struct http2_stream *s)
{
    (void)arg, (void)s;
    return false; /* nothing is pushed to us */
}

static const struct http2_events *events_of(void *user)
{
    return ((const struct link2_user *)user)->events;
}

static void to_head(void *arg, void *user, struct http2_stream *s, bool end)
{
    events_of(user)->head(arg, user, s, end);
}

static void to_data(void *arg, void *user, struct view data)
{
    events_of(user)->data(arg, user, data);
}

static void to_end(void *arg, void *user, struct http2_stream *s)
{
    events_of(user)->end(arg, user, s);
}

static void to_drained(void *arg, void *user)
{
    events_of(user)->drained(arg, user);
}

static void to_broken(void *arg, void *user)
{
    events_of(user)->broken(arg, user);
}

static void to_closed(void *arg, void *user, uint32_t code)
{
    events_of(user)->closed(arg, user, code);
}

static const struct http2_events of_streams = {.begins = no_begins,
                                               .head = to_head,
                                               .data = to_data,
                                               .end = to_end,
                                               .drained = to_drained,
                                               .broken = to_broken,
                                               .closed = to_closed};

/* ---- its end ------------------------------------------------------------------------------- */

static void leave_pool(struct link2 *l)
{
    if (l->from == NULL)
        return;
    *l->from = l->next;
    if (l->next != NULL)
        l->next->from = l->from;
    l->from = NULL;
}

/* Never from inside of http2_take() or http2_give(). */
static void end_link(struct link2 *l, sp_error e, const char *text)
{
    leave_pool(l); /* who tries again finds another */
    l->error = e;
    l->text = text;
    http2_free(l->h2);
    deferred_cancel(l->pool->loop, &l->news);
    timer_cancel(l->idle);
    upstream_free(l->up);
    tls_context_free(l->tls);
    buf_wipe(&l->out);
    free(l);
}

static void on_idle(void *arg)
{
    struct link2 *l = arg;

    l->idle = NULL;
    if (http2_live(l->h2) == 0)
        end_link(l, SP_ERR_CLOSED, "it was idle");
}

void link2_rest(struct link2 *l)
{
    if (l->error == SP_OK)
        deferred_queue(l->pool->loop, &l->news);
}

/* Without streams it waits, or goes. false: it is gone. */
static bool rests(struct link2 *l)
{
    if (http2_live(l->h2) > 0 || !l->connected)
        return true;
    if (http2_leaving(l->h2) || l->to.idle_ms == 0) {
        end_link(l, SP_ERR_CLOSED, "the application closes");
        return false;
    }
    if (l->idle != NULL)
        timer_move(l->idle, clock_boot() + l->to.idle_ms);
    else if (timer_start(l->pool->loop, clock_boot() + l->to.idle_ms, on_idle, l, &l->idle) !=
             SP_OK) {
        end_link(l, SP_ERR_NOMEM, "out of memory");
        return false;
    }
    return true;
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* What is queued, as far as the socket takes it. */
SP_MUST static sp_error send_out(struct link2 *l)
{
    struct view some = {0};
    size_t took = 0;
    sp_error e;

    while (l->connected && !l->full) {
        while (l->out.len < LINK_OUT) {
            if ((e = http2_give(l->h2, &some)) != SP_OK)
                return e;
            if (some.len == 0)
                break;
            if ((e = buf_append(&l->out, some)) != SP_OK)
                return e;
        }
        if (l->out.len == 0)
            return SP_OK;
        struct view rest = view_slice(buf_view(&l->out), l->out_at, l->out.len);
        if ((e = upstream_write(l->up, rest, &took)) != SP_OK)
            return e;
        l->full = took < rest.len;
        l->out_at += took;
        if (!l->full) {
            buf_reset(&l->out);
            l->out_at = 0;
        }
    }
    return SP_OK;
}

static void on_news(void *arg)
{
    struct link2 *l = arg;
    sp_error e = send_out(l);

    if (e != SP_OK)
        end_link(l, e, sp_error_text(e));
    else
        sp_ignore(rests(l) ? SP_OK : SP_ERR_CLOSED);
}

void link2_flush(struct link2 *l)
{
    if (l->error == SP_OK)
        deferred_queue(l->pool->loop, &l->news);
}

static void on_connected(void *arg)
{
    struct link2 *l = arg;

    if (l->tls != NULL && strcmp(upstream_alpn(l->up), "h2") != 0) {
        end_link(l, SP_ERR_PROTOCOL, "its TLS did not agree on h2");
        return;
    }
    l->connected = true;
    upstream_want(l->up, true);
    on_news(l);
}

static void on_readable(void *arg)
{
    struct link2 *l = arg;
    sp_error e = SP_OK;
    size_t got = 0;

    for (unsigned reads = 0; e == SP_OK && reads < READS_A_TURN; reads++) {
        if ((e = upstream_read(l->up, l->pool->scratch, READ_MAX, &got)) == SP_OK &&
            (e = http2_take(l->h2, (struct view){l->pool->scratch, got})) != SP_OK) {
            sp_ignore(send_out(l)); /* GOAWAY says why */
            end_link(l, e, "it broke HTTP/2");
            return;
        }
    }
    if (e == SP_OK)
        upstream_want(l->up, true);
    if (e != SP_OK && e != SP_ERR_AGAIN)
        end_link(l, e, sp_error_text(e));
    else
        on_news(l);
}

static void on_writable(void *arg)
{
    struct link2 *l = arg;

    l->full = false;
    on_news(l);
}

static void on_failed(void *arg, sp_error e, enum tls_refusal refusal)
{
    end_link(arg, e, e == SP_ERR_TLS ? tls_refusal_text(refusal) : sp_error_text(e));
}

static void on_given(void *arg, struct upstream *u)
{
    ((struct link2 *)arg)->up = u;
}

static const struct upstream_events events = {.connected = on_connected,
                                              .readable = on_readable,
                                              .writable = on_writable,
                                              .failed = on_failed,
                                              .given = on_given};

/* ---- the pool ------------------------------------------------------------------------------ */

sp_error link2_pool_new(struct loop *loop, struct upstream_pool *upstreams, struct link2_pool **out)
{
    struct link2_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->loop = loop;
    p->upstreams = upstreams;
    *out = p;
    return SP_OK;
}

void link2_pool_free(struct link2_pool *p)
{
    if (p == NULL)
        return;
    while (p->links != NULL)
        end_link(p->links, SP_ERR_CLOSED, "the gateway ends");
    free(p);
}

void link2_pool_forget(struct link2_pool *p, struct sp_id app, struct sp_id user)
{
    for (struct link2 *l = p->links, *next; l != NULL; l = next) {
        next = l->next;
        if (id_equal(l->to.app, app) && id_equal(l->to.user, user) && http2_live(l->h2) == 0)
            end_link(l, SP_ERR_CLOSED, "its user has no session");
    }
}

static struct link2 *find(struct link2_pool *p, const struct upstream_to *to)
{
    for (struct link2 *l = p->links; l != NULL; l = l->next)
        if (id_equal(l->to.app, to->app) && id_equal(l->to.user, to->user) && l->tls == to->tls &&
            address_equal(&l->to.address, &to->address) && http2_accepts(l->h2))
            return l;
    return NULL;
}

/* One that waits was of HTTP/1, before the configuration said otherwise. */
SP_MUST static sp_error connect_new(struct link2 *l, const struct upstream_to *to)
{
    bool fresh = false;
    sp_error e;

    while ((e = upstream_get(l->pool->upstreams, to, &events, l, &fresh, &l->up)) == SP_OK &&
           !fresh)
        upstream_free(l->up);
    if (e != SP_OK)
        l->up = NULL;
    return e;
}

SP_MUST static sp_error make(struct link2_pool *p, const struct upstream_to *to, struct link2 **out)
{
    struct link2 *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    l->pool = p;
    l->to = *to;
    l->to.name = NULL;
    l->tls = to->tls == NULL ? NULL : tls_context_hold(to->tls);
    buf_init(&l->out, LINK_OUT + 32 * 1024);
    deferred_init(&l->news, on_news, l);
    if ((e = http2_new(HTTP2_CLIENT, &limits, &of_streams, l, &l->h2)) != SP_OK ||
        (e = connect_new(l, to)) != SP_OK) {
        end_link(l, e, sp_error_text(e));
        return e;
    }
    l->next = p->links;
    l->from = &p->links;
    if (l->next != NULL)
        l->next->from = &l->next;
    p->links = l;
    *out = l;
    return SP_OK;
}

sp_error link2_get(struct link2_pool *p, const struct upstream_to *to, bool *fresh,
                   struct link2 **out)
{
    struct link2 *l = find(p, to);

    *fresh = l == NULL;
    if (l == NULL)
        return make(p, to, out);
    *out = l;
    return SP_OK;
}

struct http2 *link2_http2(struct link2 *l)
{
    return l->h2;
}

sp_error link2_failed(const struct link2 *l, const char **text)
{
    *text = l->text;
    return l->error;
}
