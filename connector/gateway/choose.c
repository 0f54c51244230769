#include "connector/gateway/conn_internal.h"

#include <stdlib.h>

/* Which HTTP a client speaks, where the app allows both: ALPN says it, and in the clear the
 * preface of HTTP/2 (RFC 9113 section 3.4), which no request of HTTP/1 looks like. */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum { PREFACE = sizeof preface - 1 };

struct choice {
    struct asker keeper; /* without exchanges: the time until the first bytes */
    size_t matched;      /* bytes of the preface */
};

static struct choice *choice_of(const struct gw_conn *c)
{
    return c->speaker;
}

static void late(struct asker *a, enum asker_wait what)
{
    (void)what;
    conn_end(a->conn);
}

static void abort_wait(struct asker *a, sp_error why)
{
    conn_abort(a->conn, why);
}

static const struct asker_io io = {.abort = abort_wait, .late = late};

static void close_speaker(struct gw_conn *c)
{
    struct choice *o = choice_of(c);

    asker_deinit(&o->keeper);
    free(o);
    c->speaker = NULL;
}

/* From here on `p` is spoken; it gets what was read to find out. false: no memory. */
static bool speak(struct gw_conn *c, const struct conn_protocol *p)
{
    struct view read = {(const uint8_t *)preface, choice_of(c)->matched};
    sp_error e;

    close_speaker(c);
    c->protocol = p;
    if ((e = p->open(c)) != SP_OK) {
        c->why = e;
        return false;
    }
    while (read.len > 0 && !c->ending) {
        size_t n = p->take(c, read);
        read = view_slice(read, n, read.len);
    }
    return true;
}

static size_t take(struct gw_conn *c, struct view in)
{
    struct choice *o = choice_of(c);
    size_t n = 0;

    if (c->front != NULL) {
        bool h2 = strcmp(front_alpn(c->front), "h2") == 0;
        return speak(c, h2 ? &ask2_protocol : &ask1_protocol) ? c->protocol->take(c, in) : in.len;
    }
    while (n < in.len && o->matched < PREFACE && in.at[n] == (uint8_t)preface[o->matched]) {
        n++;
        o->matched++;
    }
    if (o->matched == PREFACE)
        return speak(c, &ask2_protocol) ? n : in.len;
    if (n == in.len)
        return n;
    /* what is left of `in` is offered again */
    if (!speak(c, &ask1_protocol))
        return in.len;
    return n > 0 ? n : c->protocol->take(c, in);
}

static void took(struct gw_conn *c)
{
    (void)c;
}

static size_t room(const struct gw_conn *c)
{
    (void)c;
    return 0;
}

static bool idle(const struct gw_conn *c)
{
    (void)c;
    return true;
}

static sp_error open_speaker(struct gw_conn *c)
{
    struct choice *o = calloc(1, sizeof *o);

    if (o == NULL)
        return SP_ERR_NOMEM;
    c->speaker = o;
    asker_init(&o->keeper, &io, c);
    asker_wait_for(&o->keeper, ASKER_WAIT_NEXT, gw_app_conf(c->app)->limits.idle_ms);
    return SP_OK;
}

const struct conn_protocol choose_protocol = {.open = open_speaker,
                                              .take = take,
                                              .took = took,
                                              .finished = conn_end,
                                              .room = room,
                                              .idle = idle,
                                              .close = close_speaker};
