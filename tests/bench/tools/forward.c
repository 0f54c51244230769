/* forward LISTEN TARGET [copy]: a plain TCP forwarder, the floor that the byte path is measured
 * against.
 *
 * One thread, level-triggered epoll, each direction through a pipe with splice(2); with `copy` by
 * recv and send through one buffer instead. Half-close passes through. Ends on SIGTERM.
 */
#include "tests/bench/tools/wire.h"

#include <fcntl.h>
#include <sys/epoll.h>

enum { PIPE_BYTES = 256 * 1024, COPY_BYTES = 256 * 1024, TURN = 256 };

struct flow {
    int from, to;
    int pipe[2];
    size_t held;  /* bytes in the pipe, or in rest */
    size_t start; /* copy mode: where the held bytes begin */
    char *rest;
    bool eof, done;
};

struct pair;
struct end {
    struct pair *pair;
    int fd;
    uint32_t asked;
};

struct pair {
    struct end ends[2]; /* 0: who came, 1: the target */
    struct flow flows[2];
    bool connected, dead;
    struct pair *next_dead;
};

static bool copy_mode;
static char copy_buffer[COPY_BYTES];

static void flow_open(struct flow *f, int from, int to)
{
    *f = (struct flow){.from = from, .to = to, .pipe = {-1, -1}};
    if (copy_mode)
        return;
    if (pipe2(f->pipe, O_NONBLOCK | O_CLOEXEC) < 0)
        die("pipe");
    (void)fcntl(f->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
}

static void flow_close(struct flow *f)
{
    if (f->pipe[0] >= 0)
        close(f->pipe[0]);
    if (f->pipe[1] >= 0)
        close(f->pipe[1]);
    free(f->rest);
}

static ssize_t flow_fill(struct flow *f)
{
    if (!copy_mode)
        return splice(f->from, NULL, f->pipe[1], NULL, PIPE_BYTES,
                      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    return recv(f->from, copy_buffer, sizeof copy_buffer, 0);
}

/* Sends what is held; in copy mode `fresh` bytes lie in the shared buffer and only their rest is
 * kept. */
static ssize_t flow_drain(struct flow *f)
{
    if (!copy_mode)
        return splice(f->pipe[0], NULL, f->to, NULL, f->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    return send(f->to, (f->rest != NULL ? f->rest : copy_buffer) + f->start, f->held, MSG_NOSIGNAL);
}

static bool flow_keep(struct flow *f)
{
    if (!copy_mode || f->rest != NULL || f->held == 0)
        return true;
    f->rest = malloc(f->held);
    if (f->rest == NULL)
        return false;
    memcpy(f->rest, copy_buffer + f->start, f->held);
    f->start = 0;
    return true;
}

/* Moves until one side would block. False when the pair is broken. */
static bool flow_move(struct flow *f)
{
    for (int turn = 0; turn < 16 && !f->done; turn++) {
        ssize_t n;

        if (f->held == 0 && !f->eof) {
            n = flow_fill(f);
            if (n < 0)
                return errno == EAGAIN || errno == EINTR;
            f->eof = n == 0;
            f->held = (size_t)n;
            f->start = 0;
        }
        while (f->held > 0) {
            n = flow_drain(f);
            if (n < 0)
                return (errno == EAGAIN || errno == EINTR) && flow_keep(f);
            f->held -= (size_t)n;
            f->start += (size_t)n;
        }
        free(f->rest);
        f->rest = NULL;
        if (f->eof) {
            (void)shutdown(f->to, SHUT_WR);
            f->done = true;
        }
    }
    return true;
}

static void ask(int ep, struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        struct flow *in = &p->flows[i], *out = &p->flows[1 - i];
        uint32_t want = 0;
        struct epoll_event ev = {.data.ptr = &p->ends[i]};

        if (!p->connected)
            want = i == 1 ? EPOLLOUT : 0;
        else
            want = (in->held == 0 && !in->eof ? EPOLLIN : 0u) | (out->held > 0 ? EPOLLOUT : 0u);
        if (want == p->ends[i].asked)
            continue;
        p->ends[i].asked = want;
        ev.events = want;
        if (epoll_ctl(ep, EPOLL_CTL_MOD, p->ends[i].fd, &ev) < 0)
            die("epoll_ctl");
    }
}

static void pair_new(int ep, int came, const struct sockaddr_in *target)
{
    struct pair *p = calloc(1, sizeof *p);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (p == NULL || fd < 0)
        die("pair");
    setsockopt(came, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->ends[0] = (struct end){.pair = p, .fd = came};
    p->ends[1] = (struct end){.pair = p, .fd = fd};
    flow_open(&p->flows[0], came, fd);
    flow_open(&p->flows[1], fd, came);
    p->connected = connect(fd, (const struct sockaddr *)target, sizeof *target) == 0;
    for (int i = 0; i < 2; i++) {
        struct epoll_event ev = {.data.ptr = &p->ends[i]};

        if (epoll_ctl(ep, EPOLL_CTL_ADD, p->ends[i].fd, &ev) < 0)
            die("epoll_ctl");
    }
    ask(ep, p);
}

static void pair_ready(int ep, struct pair *p, uint32_t events, struct pair **dead)
{
    bool well = true;

    if (!p->connected) {
        int error = 0;
        socklen_t size = sizeof error;

        well = getsockopt(p->ends[1].fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
        p->connected = well;
    } else if ((events & (EPOLLERR)) != 0) {
        well = false;
    }
    well = well && flow_move(&p->flows[0]) && flow_move(&p->flows[1]);
    if (well && !(p->flows[0].done && p->flows[1].done)) {
        ask(ep, p);
        return;
    }
    p->dead = true;
    p->next_dead = *dead;
    *dead = p;
}

static void bury(struct pair *p)
{
    while (p != NULL) {
        struct pair *next = p->next_dead;

        for (int i = 0; i < 2; i++) {
            close(p->ends[i].fd);
            flow_close(&p->flows[i]);
        }
        free(p);
        p = next;
    }
}

int main(int argc, char **argv)
{
    struct epoll_event got[TURN], ev = {.events = EPOLLIN, .data.ptr = NULL};
    struct sockaddr_in target;
    int ls, ep;

    if (argc != 3 && !(argc == 4 && strcmp(argv[3], "copy") == 0)) {
        fputs("usage: forward LISTEN TARGET [copy]\n", stderr);
        return 2;
    }
    copy_mode = argc == 4;
    (void)signal(SIGPIPE, SIG_IGN);
    target = parse_addr(argv[2]);
    ls = serve_at(argv[1]);
    (void)fcntl(ls, F_SETFL, O_NONBLOCK);
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev) < 0)
        die("epoll");
    for (;;) {
        struct pair *dead = NULL;
        int n = epoll_wait(ep, got, TURN, -1), came;

        for (int i = 0; i < n; i++) {
            struct end *e = got[i].data.ptr;

            if (e != NULL && !e->pair->dead)
                pair_ready(ep, e->pair, got[i].events, &dead);
            while (e == NULL && (came = accept4(ls, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
                pair_new(ep, came, &target);
        }
        bury(dead);
    }
}
