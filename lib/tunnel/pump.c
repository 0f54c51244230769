#include "lib/tunnel/pump.h"

#include "lib/base/failpoint.h"
#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pump {
    struct loop *loop;      /* borrowed */
    struct stream *stream;  /* owned */
    struct watch *watch;    /* owned; NULL: over */
    struct deferred begin;  /* offers what came before pump_start */
    struct deferred report; /* the end is told at the end of the turn */
    pump_ended *ended;
    void *arg;       /* borrowed */
    int fd;          /* owned */
    unsigned events; /* watched */
    bool asked;      /* read() found nothing: the stream waits for stream_readable */
    bool held;       /* pump_hold */
    bool over, told;
    struct pump_report end;
};

static void set_events(struct pump *p, unsigned events)
{
    p->events = events;
    if (p->watch != NULL)
        watch_set(p->watch, events);
}

static sp_error error_of(int err)
{
    return err == ECONNRESET || err == EPIPE ? SP_ERR_RESET
           : err == ETIMEDOUT                ? SP_ERR_TIMEOUT
                                             : SP_ERR_IO;
}

static sp_error broke(struct pump *p, int err)
{
    p->end.local = true;
    return error_of(err);
}

/* ---- what the stream asks ----------------------------------------------------------------- */

/* Straight into nghttp2's frame buffer. */
static sp_error pump_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    struct pump *p = arg;
    ssize_t n;

    if (p->held) {
        p->asked = true;
        return SP_ERR_AGAIN;
    }
    do
        n = recv(p->fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        *got = (size_t)n;
        return SP_OK;
    }
    if (n == 0) {
        set_events(p, p->events & ~(unsigned)WATCH_READ);
        return SP_ERR_CLOSED;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return broke(p, errno);
    p->asked = true;
    set_events(p, p->events | WATCH_READ);
    return SP_ERR_AGAIN;
}

static sp_error pump_write(void *arg, struct view bytes, size_t *took)
{
    struct pump *p = arg;
    ssize_t n;

    if (p->held) {
        *took = 0;
        return SP_OK;
    }
    do
        n = send(p->fd, bytes.at, FAILPOINT_SHORT("pump:send", bytes.len), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return broke(p, errno);
    *took = n < 0 ? 0 : (size_t)n;
    if (*took < bytes.len)
        set_events(p, p->events | WATCH_WRITE);
    return SP_OK;
}

/* Half of the send buffer's size is payload even when segments are small; what is in it and not
 * acknowledged has not been read. */
static size_t pump_room(void *arg)
{
    struct pump *p = arg;
    int size = 0, queued = 0;
    socklen_t len = sizeof size;

    if (getsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0 ||
        ioctl(p->fd, SIOCOUTQ, &queued) != 0)
        return 0;
    return size / 2 > queued ? (size_t)(size / 2 - queued) : 0;
}

static void pump_finished(void *arg)
{
    struct pump *p = arg;

    (void)shutdown(p->fd, SHUT_WR);
}

static void pump_answered(void *arg, int status)
{
    ((struct pump *)arg)->end.status = status;
}

static void pump_over(void *arg, sp_error why)
{
    struct pump *p = arg;

    p->over = true;
    p->end.why = why;
    set_events(p, 0);
    deferred_queue(p->loop, &p->report);
}

static const struct stream_io pump_io = {
    .read = pump_read,
    .write = pump_write,
    .room = pump_room,
    .finished = pump_finished,
    .answered = pump_answered,
    .ended = pump_over,
};

/* ---- what the socket says ----------------------------------------------------------------- */

static void on_event(void *arg, unsigned events)
{
    struct pump *p = arg;
    bool failed = (events & WATCH_FAILED) != 0;

    if (p->over || p->held)
        return;
    if (failed && !p->asked) { /* nobody would read it: the stream is blocked by its window */
        p->end.local = true;
        stream_abort(p->stream, SP_ERR_RESET);
        return;
    }
    if ((events & WATCH_READ) != 0) {
        /* Still readable since the last time, because the window is used up: look away until the
         * stream asks again, or a level-triggered loop spins. */
        if (p->asked) {
            p->asked = false;
            stream_readable(p->stream);
        } else {
            set_events(p, p->events & ~(unsigned)WATCH_READ);
        }
    }
    if ((events & WATCH_WRITE) != 0) {
        set_events(p, p->events & ~(unsigned)WATCH_WRITE);
        stream_writable(p->stream);
    }
}

static void begin(void *arg)
{
    struct pump *p = arg;

    if (!p->over && !p->held)
        stream_writable(p->stream);
}

static void report(void *arg)
{
    struct pump *p = arg;

    if (p->told)
        return;
    p->told = true;
    p->end.to_peer = stream_sent(p->stream);
    p->end.from_peer = stream_received(p->stream);
    p->ended(p->arg, &p->end); /* p may be gone from here on */
}

/* ---- life --------------------------------------------------------------------------------- */

sp_error pump_start(struct loop *loop, struct stream *stream, int fd, pump_ended *ended, void *arg,
                    struct pump **out)
{
    struct pump *p = calloc(1, sizeof *p);
    sp_error e = SP_ERR_NOMEM;

    if (p == NULL) {
        stream_free(stream);
        close(fd);
        return e;
    }
    *p = (struct pump){.loop = loop, .stream = stream, .ended = ended, .arg = arg, .fd = fd};
    deferred_init(&p->begin, begin, p);
    deferred_init(&p->report, report, p);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        e = SP_ERR_IO;
    else
        e = watch_start(loop, fd, 0, on_event, p, &p->watch);
    if (e != SP_OK) {
        pump_free(p);
        return e;
    }
    sock_nodelay(fd);
    stream_attach(stream, &pump_io, p);
    deferred_queue(loop, &p->begin);
    *out = p;
    return SP_OK;
}

void pump_free(struct pump *p)
{
    bool clean;

    if (p == NULL)
        return;
    clean = p->over && p->end.why == SP_OK;
    deferred_cancel(p->loop, &p->begin);
    deferred_cancel(p->loop, &p->report);
    watch_stop(p->watch);
    stream_free(p->stream);
    if (clean)
        close(p->fd);
    else
        sock_reset(p->fd);
    free(p);
}

void pump_hold(struct pump *p, bool held)
{
    if (p->held == held || p->over)
        return;
    p->held = held;
    /* released: both ways are looked at anew, READ only where the stream waits for it */
    set_events(p, held ? 0 : WATCH_WRITE | (p->asked ? WATCH_READ : 0u));
}

uint64_t pump_to_peer(const struct pump *p)
{
    return stream_sent(p->stream);
}

uint64_t pump_from_peer(const struct pump *p)
{
    return stream_received(p->stream);
}
