#include "lib/tunnel/drive.h"

#include "lib/base/failpoint.h"
#include "lib/os/sock.h"
#include "lib/tunnel/thread_internal.h"

#include <errno.h>
#include <unistd.h>

enum {
    READS_A_TURN = 4, /* then other sockets have their turn */
    BATCHES_A_TURN = 16
};

static void end(struct drive *d, sp_error e)
{
    if (d->over)
        return;
    d->over = true;
    watch_stop(d->watch);
    d->watch = NULL;
    deferred_cancel(d->loop, &d->turn_end);
    d->hooks->ended(d->arg, e);
}

static void set_watch(struct drive *d)
{
    if (d->watch != NULL)
        watch_set(d->watch, (d->reading ? WATCH_READ : 0u) | (d->want_write ? WATCH_WRITE : 0u));
}

static sp_error error_of(int err)
{
    return err == ECONNRESET || err == EPIPE ? SP_ERR_RESET
           : err == ETIMEDOUT                ? SP_ERR_TIMEOUT
                                             : SP_ERR_IO;
}

/* ---- in ----------------------------------------------------------------------------------- */

enum got { GOT_NOTHING, GOT_ALL, GOT_FULL }; /* FULL: there may be more */

static enum got read_once(struct drive *d)
{
    ssize_t n;

    do
        n = recv(d->fd, d->thread->read, sizeof d->thread->read, 0);
    while (n < 0 && errno == EINTR);

    if (n > 0) {
        wire_feed(&d->wire, (struct view){d->thread->read, (size_t)n});
        d->hooks->fed(d->arg);
        if (!d->over && wire_keep(&d->wire) != SP_OK)
            end(d, SP_ERR_NOMEM);
        return (size_t)n == sizeof d->thread->read ? GOT_FULL : GOT_ALL;
    }
    if (n == 0)
        end(d, SP_OK);
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
        end(d, error_of(errno));
    return GOT_NOTHING;
}

/* ---- out ---------------------------------------------------------------------------------- */

/* Sends what is in the wire. False: the socket takes no more now, or it is over. */
static bool send_wire(struct drive *d)
{
    while (wire_unsent(&d->wire) > 0) {
        struct view out = wire_out(&d->wire);
        ssize_t n = send(d->fd, out.at, FAILPOINT_SHORT("tunnel:send", out.len), MSG_NOSIGNAL);
        if (n >= 0) {
            wire_sent(&d->wire, (size_t)n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return false;
        } else if (errno != EINTR) {
            end(d, error_of(errno));
            return false;
        }
    }
    return true;
}

static void flush(void *arg)
{
    struct drive *d = arg;
    bool more = true;

    for (unsigned batches = 0; more && !d->over && batches < BATCHES_A_TURN; batches++) {
        if (!d->fin)
            d->hooks->fill(d->arg);
        more = !d->over && wire_unsent(&d->wire) > 0 && send_wire(d);
    }
    if (d->over)
        return;
    if (d->fin && wire_unsent(&d->wire) == 0)
        (void)shutdown(d->fd, SHUT_WR); /* fails where the peer is gone: nobody waits for it */
    /* Unsent bytes, or a producer that still had more after its share of this turn. */
    d->want_write = wire_unsent(&d->wire) > 0 || more;
    set_watch(d);
}

static void on_writable(struct drive *d)
{
    if (d->raw_out && wire_unsent(&d->wire) == 0)
        d->raw->writable(d->raw_arg);
    else
        flush(d);
}

static void on_event(void *arg, unsigned events)
{
    struct drive *d = arg;
    bool failed = (events & WATCH_FAILED) != 0;
    enum got got = GOT_FULL;

    if ((events & WATCH_WRITE) != 0 && d->want_write)
        on_writable(d);
    if (d->raw_in) {
        if (!d->over && d->reading && (events & WATCH_READ) != 0)
            d->raw->readable(d->raw_arg);
        events = 0;
    }
    for (unsigned reads = 0; !d->over && d->reading && (events & WATCH_READ) != 0; reads++) {
        got = read_once(d);
        /* The bytes that came before the error are read first. */
        if (failed ? got == GOT_NOTHING : got != GOT_FULL || reads + 1 == READS_A_TURN)
            break;
    }
    if (failed && !d->over)
        end(d, SP_ERR_RESET);
}

/* ---- life --------------------------------------------------------------------------------- */

sp_error drive_start(struct drive *d, struct loop *loop, struct tunnel_thread *thread, int fd,
                     const struct drive_hooks *hooks, void *arg)
{
    sp_error e;

    *d = (struct drive){
        .loop = loop, .thread = thread, .hooks = hooks, .arg = arg, .fd = fd, .reading = true};
    wire_init(&d->wire, thread);
    deferred_init(&d->turn_end, flush, d);
    sock_nodelay(fd);
    sock_user_timeout(fd, PEER_LOST_MS);
    if ((e = watch_start(loop, fd, WATCH_READ, on_event, d, &d->watch)) != SP_OK)
        drive_stop(d, false);
    return e;
}

void drive_reading(struct drive *d, bool wanted)
{
    if (d->reading == wanted || d->over)
        return;
    d->reading = wanted;
    set_watch(d);
}

void drive_output(struct drive *d)
{
    if (!d->over && !d->want_write)
        deferred_queue(d->loop, &d->turn_end);
}

void drive_send_now(struct drive *d)
{
    if (!d->over)
        (void)send_wire(d);
}

void drive_fin(struct drive *d)
{
    d->fin = true;
    drive_output(d);
}

void drive_raw(struct drive *d, const struct drive_raw *raw, void *arg, bool in, bool out)
{
    d->raw = raw;
    d->raw_arg = arg;
    d->raw_in = in;
    d->raw_out = out;
}

void drive_want_write(struct drive *d, bool wanted)
{
    if (d->want_write == wanted || d->over)
        return;
    d->want_write = wanted;
    set_watch(d);
}

void drive_stop(struct drive *d, bool reset)
{
    if (d->loop == NULL)
        return;
    watch_stop(d->watch);
    d->watch = NULL;
    deferred_cancel(d->loop, &d->turn_end);
    d->over = true;
    if (d->fd >= 0) {
        if (reset)
            sock_reset(d->fd);
        else
            close(d->fd);
    }
    d->fd = -1;
    wire_deinit(&d->wire);
}
