#include "connector/dial.h"

#include "lib/os/loop.h"
#include "lib/tunnel/pump.h"

#include <stdlib.h>

struct dial {
    const struct dial_events *events; /* borrowed, as arg */
    void *arg;
    struct loop *loop;         /* borrowed */
    struct stream *stream;     /* owned until the pump takes it; NULL then */
    struct connecting *target; /* owned; NULL: not running */
    struct pump *pump;         /* owned; NULL: not running */
    bool held;
};

int dial_status(sp_error e)
{
    return e == SP_ERR_TIMEOUT ? 504 : 502;
}

const char *dial_word(sp_error e)
{
    return e == SP_ERR_TIMEOUT ? "timeout" : e == SP_ERR_REFUSED ? "refused" : "unreachable";
}

static void on_pumped(void *arg, const struct pump_report *r)
{
    struct dial *d = arg;
    sp_error why = r->why;

    pump_free(d->pump);
    d->pump = NULL;
    d->events->ended(d->arg, d, why, true); /* d is gone from here on */
}

static void on_connected(void *arg, int fd, sp_error e)
{
    struct dial *d = arg;
    struct stream *stream = d->stream;

    d->target = NULL; /* no longer pending */
    if (e != SP_OK) {
        stream_refuse(stream, dial_status(e));
        d->events->ended(d->arg, d, e, false);
        return;
    }
    sock_nodelay(fd);
    stream_accept(stream);
    d->stream = NULL; /* the pump takes it in every case */
    d->events->connected(d->arg);
    if ((e = pump_start(d->loop, stream, fd, on_pumped, d, &d->pump)) != SP_OK)
        d->events->ended(d->arg, d, e, true); /* d is gone from here on */
    else
        pump_hold(d->pump, d->held);
}

void dial_hold(struct dial *d, bool held)
{
    d->held = held;
    if (d->pump != NULL)
        pump_hold(d->pump, held);
}

sp_error dial_new(struct loop *loop, struct stream *stream, const struct address *to,
                  const struct dial_events *events, void *arg, struct dial **out)
{
    struct dial *d = calloc(1, sizeof *d);
    sp_error e;

    if (d == NULL) {
        stream_free(stream);
        return SP_ERR_NOMEM;
    }
    *d = (struct dial){.events = events, .arg = arg, .loop = loop, .stream = stream};
    if ((e = connect_start(loop, to, clock_boot() + DIAL_CONNECT_MS, on_connected, d,
                           &d->target)) != SP_OK) {
        stream_refuse(stream, 502);
        dial_free(d);
        return e;
    }
    *out = d;
    return SP_OK;
}

void dial_free(struct dial *d)
{
    if (d == NULL)
        return;
    pump_free(d->pump);
    connect_cancel(d->target);
    stream_free(d->stream);
    free(d);
}
