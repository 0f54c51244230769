/* echod LISTEN: an echo server, one thread, epoll. Ends on SIGTERM. */
#include "tests/bench/tools/wire.h"

#include <fcntl.h>
#include <sys/epoll.h>

int main(int argc, char **argv)
{
    struct epoll_event ev = {.events = EPOLLIN}, got[256];
    static char buf[65536];
    int ls, ep, one = 1;

    if (argc != 2) {
        fputs("usage: echod 127.0.0.1:PORT\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    ls = serve_at(argv[1]);
    ev.data.fd = ls;
    (void)fcntl(ls, F_SETFL, O_NONBLOCK);
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev) < 0)
        die("epoll");
    for (;;) {
        int n = epoll_wait(ep, got, 256, -1);

        for (int i = 0; i < n; i++) {
            int fd = got[i].data.fd, c;
            ssize_t k;

            if (fd == ls) {
                while ((c = accept4(ls, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
                    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    ev.data.fd = c;
                    if (epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev) < 0)
                        close(c);
                }
                continue;
            }
            /* messages are at most 64 KiB and the peer reads, so a blocking write is safe */
            k = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
            if (k < 0 && (errno == EAGAIN || errno == EINTR))
                continue;
            if (k <= 0 || write_all(fd, buf, (size_t)k) < 0)
                close(fd);
        }
    }
}
