#include "lib/tls/peek.h"

#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_AWAY_MS = 10, LOOK_AWAY_MAX_MS = 80 };

struct peek {
    struct loop *loop;      /* borrowed */
    struct watch *watch;    /* owned; NULL: over */
    struct timer *deadline; /* owned; NULL: not running */
    struct timer *away;     /* owned; NULL: we are looking */
    peek_admit *admit;      /* NULL: a hello is next, no PROXY header */
    peek_ended *ended;
    void *arg;
    int fd;      /* owned; -1: given away or closed */
    size_t need; /* bytes to wait for: the low-water mark that is set */
    int64_t away_ms;
};

/* The socket goes to the owner on SP_OK, and is closed else. */
static void end(struct peek *p, sp_error e, const struct hello *hello)
{
    int fd = p->fd;

    watch_stop(p->watch);
    p->watch = NULL;
    timer_cancel(p->deadline);
    p->deadline = NULL;
    timer_cancel(p->away);
    p->away = NULL;
    p->fd = -1;
    if (e == SP_OK)
        sock_lowat(fd, 1);
    else
        close(fd);
    p->ended(p->arg, e, e == SP_OK ? fd : -1, e == SP_OK ? hello : NULL); /* p may be gone */
}

static void on_deadline(void *arg)
{
    struct peek *p = arg;

    p->deadline = NULL;
    end(p, SP_ERR_EXPIRED, NULL);
}

static void on_looking_again(void *arg)
{
    struct peek *p = arg;

    p->away = NULL;
    watch_set(p->watch, WATCH_READ | WATCH_HANGUP);
}

/*
 * More is needed than is there. A new mark is set only when it changed, since each setting wakes
 * us again. When it did not, the kernel has told us early (many tiny segments fill the receive
 * buffer's overhead, and it then reports below the mark): look away for a moment.
 */
static void wait_for(struct peek *p, size_t need)
{
    if (p->away != NULL)
        return; /* we look soon anyway */
    if (need > p->need) {
        p->need = need;
        sock_lowat(p->fd, (int)need);
        return;
    }
    watch_set(p->watch, WATCH_HANGUP);
    if (timer_start(p->loop, clock_boot() + p->away_ms, on_looking_again, p, &p->away) != SP_OK)
        end(p, SP_ERR_NOMEM, NULL);
    else if (p->away_ms < LOOK_AWAY_MAX_MS)
        p->away_ms *= 2;
}

/* Exactly the header is taken from the socket; it is all there, as the look before has shown. */
static sp_error take_header(struct peek *p, const struct proxied *header)
{
    uint8_t bytes[PROXIED_BYTES_MAX];
    peek_admit *admit = p->admit;

    p->admit = NULL;
    if (recv(p->fd, bytes, header->len, 0) != (ssize_t)header->len)
        return SP_ERR_CLOSED;
    return admit(p->arg, header->local ? NULL : &header->from) ? SP_OK : SP_ERR_DENIED;
}

/* What begins a connection, read from its first `n` bytes: the PROXY header, if one is due, which
 * goes; then the hello, which stays. */
static sp_error read_start(struct peek *p, struct view in, struct hello *hello, size_t *need)
{
    struct proxied header;
    sp_error e;

    if (p->admit == NULL)
        return hello_parse(in, hello, need);
    if ((e = proxied_parse(in, &header, need)) != SP_OK || (e = take_header(p, &header)) != SP_OK)
        return e;
    p->need = 0; /* counted from the hello's first byte now */
    *need = HELLO_BYTES_MIN;
    in = view_slice(in, header.len, in.len);
    return in.len == 0 ? SP_ERR_AGAIN : hello_parse(in, hello, need);
}

static void on_event(void *arg, unsigned events)
{
    struct peek *p = arg;
    uint8_t bytes[HELLO_BYTES_MAX];
    struct hello hello;
    size_t need = 0;
    /* bytes that came before a reset can still be read */
    bool gone = (events & (WATCH_HANGUP | WATCH_FAILED)) != 0;

    ssize_t n = recv(p->fd, bytes, sizeof bytes, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && !gone)
        return;
    if (n <= 0) {
        end(p, SP_ERR_CLOSED, NULL);
        return;
    }
    sp_error e = read_start(p, (struct view){bytes, (size_t)n}, &hello, &need);
    if (e == SP_ERR_AGAIN && gone)
        end(p, SP_ERR_CLOSED, NULL); /* a FIN ignores the mark: level-triggered would spin */
    else if (e == SP_ERR_AGAIN)
        wait_for(p, need);
    else
        end(p, e, &hello);
}

static sp_error start(struct loop *loop, int fd, peek_admit *admit, peek_ended *ended, void *arg,
                      struct peek **out)
{
    size_t need = admit == NULL ? HELLO_BYTES_MIN : PROXIED_BYTES_MIN;
    struct peek *p = calloc(1, sizeof *p);
    sp_error e;

    if (p == NULL) {
        close(fd);
        return SP_ERR_NOMEM;
    }
    *p = (struct peek){.loop = loop,
                       .admit = admit,
                       .ended = ended,
                       .arg = arg,
                       .fd = fd,
                       .need = need,
                       .away_ms = LOOK_AWAY_MS};
    sock_lowat(fd, (int)need);
    if ((e = watch_start(loop, fd, WATCH_READ | WATCH_HANGUP, on_event, p, &p->watch)) != SP_OK ||
        (e = timer_start(loop, clock_boot() + PEEK_DEADLINE_MS, on_deadline, p, &p->deadline)) !=
            SP_OK) {
        peek_free(p);
        return e;
    }
    *out = p;
    return SP_OK;
}

sp_error peek_new(struct loop *loop, int fd, peek_ended *ended, void *arg, struct peek **out)
{
    return start(loop, fd, NULL, ended, arg, out);
}

sp_error peek_proxied_new(struct loop *loop, int fd, peek_admit *admit, peek_ended *ended,
                          void *arg, struct peek **out)
{
    return start(loop, fd, admit, ended, arg, out);
}

void peek_free(struct peek *p)
{
    if (p == NULL)
        return;
    watch_stop(p->watch);
    timer_cancel(p->deadline);
    timer_cancel(p->away);
    if (p->fd >= 0)
        close(p->fd);
    free(p);
}
