#include "client/ipc/ipc.h"
#include "client/ipc/lines.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct ipc_client {
    int fd; /* owned; -1: taken */
    struct buf in;
};

sp_error ipc_client_new(const char *path, struct ipc_client **out)
{
    struct ipc_client *c = calloc(1, sizeof *c);
    uid_t uid;
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->fd = -1;
    buf_init(&c->in, 2 * IPC_LINE_MAX);
    e = sock_connect_unix(path, SOCK_STREAM, &c->fd);
    if (e == SP_OK && (sock_peer_uid(c->fd, &uid) != SP_OK || uid != getuid()))
        e = SP_ERR_PERMISSION;
    if (e != SP_OK) {
        ipc_client_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void ipc_client_free(struct ipc_client *c)
{
    if (c == NULL)
        return;
    if (c->fd >= 0)
        close(c->fd);
    buf_deinit(&c->in);
    free(c);
}

sp_error ipc_client_ask(struct ipc_client *c, struct json *request)
{
    struct buf line;
    sp_error e;

    buf_init(&line, IPC_LINE_MAX);
    json_set_int(request, "v", IPC_VERSION);
    e = lines_put(request, &line);
    while (e == SP_OK && line.len > 0) {
        ssize_t n = send(c->fd, line.at, line.len, MSG_NOSIGNAL);

        if (n > 0) {
            buf_consume(&line, (size_t)n);
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = c->fd, .events = POLLOUT};
            poll(&p, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            e = SP_ERR_CLOSED;
        }
    }
    buf_deinit(&line);
    return e;
}

sp_error ipc_client_read(struct ipc_client *c, int64_t wait_ms, struct json **out)
{
    sp_boot_ms until = clock_boot() + (wait_ms < 0 ? 0 : wait_ms);
    uint8_t chunk[16 * 1024];
    sp_error e;

    while ((e = lines_take(&c->in, out)) == SP_ERR_AGAIN) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        int64_t left = until - clock_boot();
        int ready = poll(&p, 1, wait_ms < 0 ? -1 : left > 0 ? (int)left : 0);
        ssize_t n;

        if (ready == 0 || (ready < 0 && errno == EINTR && wait_ms >= 0 && left <= 0))
            return SP_ERR_TIMEOUT;
        if (ready < 0)
            continue;
        n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return SP_ERR_CLOSED;
        if (n > 0 && (e = buf_append(&c->in, (struct view){chunk, (size_t)n})) != SP_OK)
            return e;
    }
    return e;
}

int ipc_client_fd(const struct ipc_client *c)
{
    return c->fd;
}

bool ipc_client_ready(const struct ipc_client *c)
{
    return lines_waiting(&c->in);
}

sp_error ipc_client_take(struct ipc_client *c, struct buf *early, int *fd)
{
    int flags = fcntl(c->fd, F_GETFL);
    sp_error e = buf_append(early, buf_view(&c->in));

    if (e == SP_OK && (flags < 0 || fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK) != 0))
        e = SP_ERR_IO;
    if (e != SP_OK)
        return e;
    *fd = c->fd;
    c->fd = -1;
    return SP_OK;
}
