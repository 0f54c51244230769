#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct connecting {
    struct loop *loop;      /* borrowed */
    int fd;                 /* owned; -1: given away */
    struct watch *watch;    /* owned */
    struct timer *deadline; /* owned; NULL: not running */
    struct deferred soon;   /* what is known already is told from the loop like the rest */
    sp_error known;
    void (*fn)(void *arg, int fd, sp_error e);
    void *arg;
};

static sp_error from_errno(int err)
{
    switch (err) {
    case 0:
        return SP_OK;
    case ECONNREFUSED:
        return SP_ERR_REFUSED;
    case ETIMEDOUT:
        return SP_ERR_TIMEOUT;
    case EACCES:
    case EPERM:
        return SP_ERR_PERMISSION;
    default:
        return SP_ERR_UNREACHABLE;
    }
}

static void end(struct connecting *c, sp_error e)
{
    void (*fn)(void *, int, sp_error) = c->fn;
    void *arg = c->arg;
    int fd = -1;

    if (e == SP_OK) {
        fd = c->fd;
        c->fd = -1;
    }
    connect_cancel(c);
    fn(arg, fd, e);
}

static void on_ready(void *arg, unsigned events)
{
    struct connecting *c = arg;
    int err = 0;
    socklen_t len = sizeof err;

    (void)events;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    end(c, from_errno(err));
}

static void on_deadline(void *arg)
{
    struct connecting *c = arg;

    c->deadline = NULL;
    end(c, SP_ERR_TIMEOUT);
}

static void on_known(void *arg)
{
    struct connecting *c = arg;

    end(c, c->known);
}

/* What connect() says at once. A peer on this machine has answered by the time of the second call.
 * False: it is under way. */
static bool begin(struct connecting *c, const struct address *to)
{
    const struct sockaddr *at = (const struct sockaddr *)&to->at;
    int r = connect(c->fd, at, to->len);

    if (r != 0 && errno == EINPROGRESS)
        r = connect(c->fd, at, to->len);
    if (r != 0 && (errno == EALREADY || errno == EINPROGRESS || errno == EINTR))
        return false;
    c->known = from_errno(r == 0 || errno == EISCONN ? 0 : errno);
    return true;
}

sp_error connect_start(struct loop *l, const struct address *to, sp_boot_ms deadline,
                       void (*fn)(void *arg, int fd, sp_error e), void *arg,
                       struct connecting **out)
{
    struct connecting *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    *c = (struct connecting){.loop = l, .fn = fn, .arg = arg};
    c->fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        free(c);
        return errno == EMFILE || errno == ENFILE ? SP_ERR_LIMIT : SP_ERR_IO;
    }
    sock_nodelay(c->fd);
    deferred_init(&c->soon, on_known, c);
    if (begin(c, to)) {
        deferred_queue(l, &c->soon);
        *out = c;
        return SP_OK;
    }
    if ((e = watch_start(l, c->fd, WATCH_WRITE, on_ready, c, &c->watch)) == SP_OK)
        e = timer_start(l, deadline, on_deadline, c, &c->deadline);
    if (e != SP_OK) {
        connect_cancel(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void connect_cancel(struct connecting *c)
{
    if (c == NULL)
        return;
    watch_stop(c->watch);
    timer_cancel(c->deadline);
    deferred_cancel(c->loop, &c->soon);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}
