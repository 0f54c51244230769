#include "relay/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct splice_pipe {
    struct splice_pipe *next; /* in the free list */
    int read, write;
    size_t held;
};

struct splices {
    struct splice_pipe *free; /* owned */
    unsigned made;
    struct splice *waiting, **last; /* directions that found no pipe */
};

/* Behind little there is rarely more: looking again would cost a message a system call. */
enum { MOVES_A_TURN = 8, LITTLE_BYTES = 16 * 1024 };

sp_error splices_new(struct splices **out)
{
    struct splices *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->last = &s->waiting;
    *out = s;
    return SP_OK;
}

static void pipe_close(struct splice_pipe *p)
{
    close(p->read);
    close(p->write);
    free(p);
}

void splices_free(struct splices *s)
{
    if (s == NULL)
        return;
    while (s->free != NULL) {
        struct splice_pipe *p = s->free;
        s->free = p->next;
        pipe_close(p);
    }
    free(s);
}

/* A larger pipe is better, but an unprivileged user may have no more pages for it: any will do. */
static struct splice_pipe *pipe_make(void)
{
    struct splice_pipe *p = calloc(1, sizeof *p);
    int ends[2];

    if (p == NULL || pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
        free(p);
        return NULL;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, SPLICE_PIPE_BYTES);
    p->read = ends[0];
    p->write = ends[1];
    return p;
}

static struct splice_pipe *pipe_get(struct splices *s)
{
    struct splice_pipe *p = s->free;

    if (p != NULL) {
        s->free = p->next;
        return p;
    }
    if (s->made == SPLICE_PIPES_MAX || (p = pipe_make()) == NULL)
        return NULL;
    s->made++;
    return p;
}

static void pipe_back(struct splices *s, struct splice_pipe *p)
{
    if (p->held > 0) { /* of a pair that was cut: nobody else may see these bytes */
        pipe_close(p);
        s->made--;
    } else {
        p->next = s->free;
        s->free = p;
    }
    struct splice *w = s->waiting;
    if (w != NULL) {
        s->waiting = w->next_waiting;
        if (s->waiting == NULL)
            s->last = &s->waiting;
        else
            s->waiting->waiting_at = &s->waiting;
        w->waiting_at = NULL;
        drive_reading(w->from, true);
    }
}

static void wait_for_pipe(struct splice *d)
{
    struct splices *s = d->pool;

    if (d->waiting_at != NULL)
        return;
    d->next_waiting = NULL;
    d->waiting_at = s->last;
    *s->last = d;
    s->last = &d->next_waiting;
    drive_reading(d->from, false);
}

static void stop_waiting(struct splice *d)
{
    if (d->waiting_at == NULL)
        return;
    *d->waiting_at = d->next_waiting;
    if (d->next_waiting == NULL)
        d->pool->last = d->waiting_at;
    else
        d->next_waiting->waiting_at = d->waiting_at;
    d->waiting_at = NULL;
}

void splice_begin(struct splice *s, struct splices *pool, struct drive *from, struct drive *to)
{
    *s = (struct splice){.pool = pool, .from = from, .to = to};
}

void splice_end(struct splice *s)
{
    if (s->pool == NULL)
        return;
    stop_waiting(s);
    if (s->pipe != NULL)
        pipe_back(s->pool, s->pipe);
    s->pipe = NULL;
}

size_t splice_held(const struct splice *s)
{
    return s->pipe == NULL ? 0 : s->pipe->held;
}

static sp_error error_of(int err)
{
    return err == ECONNRESET || err == EPIPE ? SP_ERR_RESET
           : err == ETIMEDOUT                ? SP_ERR_TIMEOUT
                                             : SP_ERR_IO;
}

/* Socket to pipe. SP_ERR_AGAIN: nothing there, or the pipe is full. */
SP_MUST static sp_error pull(struct splice *s)
{
    ssize_t n;

    do
        n = splice(s->from->fd, NULL, s->pipe->write, NULL, SPLICE_PIPE_BYTES,
                   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return SP_ERR_CLOSED;
    if (n < 0)
        return errno == EAGAIN ? SP_ERR_AGAIN : error_of(errno);
    s->pipe->held += (size_t)n;
    return SP_OK;
}

/* Pipe to socket. SP_ERR_AGAIN: the socket takes no more. */
SP_MUST static sp_error push(struct splice *s)
{
    while (s->pipe->held > 0) {
        ssize_t n = splice(s->pipe->read, NULL, s->to->fd, NULL, s->pipe->held,
                           SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? SP_ERR_AGAIN : n == 0 ? SP_ERR_IO : error_of(errno);
        s->pipe->held -= (size_t)n;
        s->bytes += (uint64_t)n;
    }
    return SP_OK;
}

/* The reader's FIN, once all before it has left. */
static sp_error pass_fin(struct splice *s)
{
    s->eof = true;
    drive_reading(s->from, false);
    drive_want_write(s->to, false);
    return shutdown(s->to->fd, SHUT_WR) == 0 ? SP_ERR_CLOSED : error_of(errno);
}

static void give_pipe_back(struct splice *s)
{
    struct splice_pipe *p = s->pipe;

    s->pipe = NULL;
    pipe_back(s->pool, p);
}

sp_error splice_move(struct splice *s)
{
    sp_error pulled = SP_OK, pushed = SP_OK;
    size_t got = LITTLE_BYTES;

    if (s->eof)
        return SP_OK;
    if (s->pipe == NULL && (s->pipe = pipe_get(s->pool)) == NULL) {
        wait_for_pipe(s);
        return SP_OK;
    }
    pushed = push(s); /* what waited for the writer */
    for (int moves = 0; moves < MOVES_A_TURN && got >= LITTLE_BYTES && pushed == SP_OK; moves++) {
        if ((pulled = pull(s)) != SP_OK)
            break;
        got = s->pipe->held;
        pushed = push(s);
    }

    if (pushed != SP_OK && pushed != SP_ERR_AGAIN)
        return pushed;
    if (pulled != SP_OK && pulled != SP_ERR_AGAIN && pulled != SP_ERR_CLOSED)
        return pulled;
    bool blocked = s->pipe->held > 0;
    drive_want_write(s->to, blocked);
    drive_reading(s->from, !blocked);
    if (!blocked)
        give_pipe_back(s);
    return pulled == SP_ERR_CLOSED ? pass_fin(s) : SP_OK;
}
