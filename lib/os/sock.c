#include "lib/os/sock.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static sp_error from_errno(void)
{
    switch (errno) {
    case EADDRINUSE:
        return SP_ERR_EXISTS;
    case EACCES:
    case EPERM:
        return SP_ERR_PERMISSION;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return SP_ERR_LIMIT;
    case ENOMEM:
        return SP_ERR_NOMEM;
    default:
        return SP_ERR_IO;
    }
}

static sp_error close_with(int fd, sp_error e)
{
    close(fd);
    return e;
}

static void set_int(int fd, int level, int name, int value)
{
    /* A refused tuning option costs speed or patience, never correctness. */
    if (setsockopt(fd, level, name, &value, sizeof value) != 0)
        errno = 0;
}

sp_error sock_listen(const struct address *a, const char *device, int *out_fd)
{
    int fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return from_errno();
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (a->at.ss_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (device != NULL &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) != 0)
        return close_with(fd, from_errno());
    if (bind(fd, (const struct sockaddr *)&a->at, a->len) != 0 || listen(fd, SOMAXCONN) != 0)
        return close_with(fd, from_errno());
    *out_fd = fd;
    return SP_OK;
}

sp_error sock_local(int fd, struct address *out)
{
    struct address a = {.len = sizeof a.at};

    if (getsockname(fd, (struct sockaddr *)&a.at, &a.len) != 0)
        return SP_ERR_IO;
    *out = a;
    return SP_OK;
}

bool sock_address_gone(const struct address *local)
{
    struct address a = *local;
    bool gone;
    int fd;

    address_set_port(&a, 0);
    fd = socket(a.at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    gone = bind(fd, (const struct sockaddr *)&a.at, a.len) != 0 && errno == EADDRNOTAVAIL;
    close(fd);
    return gone;
}

sp_error sock_peer(int fd, struct address *out)
{
    struct address a = {.len = sizeof a.at};

    if (getpeername(fd, (struct sockaddr *)&a.at, &a.len) != 0)
        return SP_ERR_IO;
    *out = a;
    return SP_OK;
}

static sp_error unix_address(const char *path, struct sockaddr_un *out)
{
    size_t len = strlen(path);

    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len == 0 || len >= sizeof out->sun_path)
        return SP_ERR_LIMIT;
    memcpy(out->sun_path, path, len);
    return SP_OK;
}

sp_error sock_connect_unix(const char *path, int type, int *out_fd)
{
    struct sockaddr_un to;
    sp_error e = unix_address(path, &to);

    if (e != SP_OK)
        return e;
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return from_errno();
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        return close_with(fd, errno == EACCES || errno == EPERM ? SP_ERR_PERMISSION
                                                                : SP_ERR_UNREACHABLE);
    *out_fd = fd;
    return SP_OK;
}

/* The file is ours to replace only when it is a socket that nobody serves. */
static sp_error clear_dead_socket(const char *path, int type)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0)
        return SP_OK;
    if (!S_ISSOCK(st.st_mode))
        return SP_ERR_EXISTS;
    if (sock_connect_unix(path, type, &fd) == SP_OK)
        return close_with(fd, SP_ERR_EXISTS);
    return unlink(path) == 0 ? SP_OK : from_errno();
}

sp_error sock_listen_unix(const char *path, int type, int *out_fd)
{
    struct sockaddr_un at;
    sp_error e;

    if ((e = unix_address(path, &at)) != SP_OK || (e = clear_dead_socket(path, type)) != SP_OK)
        return e;
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return from_errno();
    /* fchmod before bind gives the file its mode from the first moment. */
    if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        chmod(path, 0600) != 0 || listen(fd, SOMAXCONN) != 0)
        return close_with(fd, from_errno());
    *out_fd = fd;
    return SP_OK;
}

sp_error sock_accept(int listener, int *out_fd, struct address *peer)
{
    struct address a = {.len = sizeof a.at};
    int fd;

    do
        fd = accept4(listener, (struct sockaddr *)&a.at, &a.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? SP_ERR_AGAIN : from_errno();
    if (a.at.ss_family == AF_INET || a.at.ss_family == AF_INET6)
        sock_nodelay(fd);
    if (peer != NULL)
        *peer = a;
    *out_fd = fd;
    return SP_OK;
}

void sock_nodelay(int fd)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void sock_user_timeout(int fd, int64_t ms)
{
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)ms);
}

void sock_keepalive(int fd, int idle_s, int interval_s, int count)
{
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
}

void sock_lowat(int fd, int bytes)
{
    set_int(fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
}

void sock_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0)
        errno = 0; /* not TCP: closing is all there is */
    close(fd);
}

sp_error sock_peer_uid(int fd, uid_t *out)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || len != sizeof cred)
        return SP_ERR_IO;
    *out = cred.uid;
    return SP_OK;
}
