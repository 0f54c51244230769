#include "lib/os/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr align;
    uint8_t room[CMSG_SPACE(8 * sizeof(int))]; /* room to see and close what should not be there */
};

sp_error fdpass_send(int sock, struct view message, int fd)
{
    union control control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)message.at, .iov_len = message.len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (message.len == 0 || message.len > FDPASS_MESSAGE_MAX)
        return SP_ERR_LIMIT;
    if (fd >= 0) {
        m.msg_control = control.room;
        m.msg_controllen = CMSG_SPACE(sizeof fd);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    if (sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)message.len)
        return SP_OK;
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ETOOMANYREFS: /* descriptors in flight that the peer has not taken */
        return SP_ERR_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return SP_ERR_CLOSED;
    default:
        return SP_ERR_IO;
    }
}

/* Takes the first descriptor of a message and closes all others; returns how many there were. */
static size_t take_descriptors(struct msghdr *m, int *first)
{
    size_t count = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (count++ == 0)
                *first = fd;
            else
                close(fd);
        }
    }
    return count;
}

sp_error fdpass_receive(int sock, uint8_t *room, size_t *len, int *fd)
{
    union control control = {0};
    struct iovec iov = {.iov_base = room, .iov_len = FDPASS_MESSAGE_MAX};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    int got = -1;

    if (n < 0)
        return errno == EAGAIN ? SP_ERR_AGAIN : errno == ECONNRESET ? SP_ERR_CLOSED : SP_ERR_IO;
    size_t count = take_descriptors(&m, &got);
    if (n == 0 && count == 0)
        return SP_ERR_CLOSED;
    if (n == 0 || count > 1 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        if (got >= 0)
            close(got);
        return SP_ERR_MALFORMED;
    }
    *len = (size_t)n;
    *fd = got;
    return SP_OK;
}
