#include "client/cmd/pipe.h"

#include "client/cmd/talk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

bool pipe_write(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

enum moved { MOVED_END = 0, MOVED_ON, MOVED_NOBODY_TAKES };

static enum moved move_some(int from, int to)
{
    uint8_t chunk[64 * 1024];
    ssize_t n = read(from, chunk, sizeof chunk);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return MOVED_ON;
    if (n <= 0)
        return MOVED_END;
    return pipe_write(to, chunk, (size_t)n) ? MOVED_ON : MOVED_NOBODY_TAKES;
}

/* true: it was this side that ended it (nobody reads our output any more). */
static bool join(int fd, int in, int out)
{
    enum moved down = MOVED_ON;
    bool up = true;

    while (down == MOVED_ON) {
        struct pollfd fds[3] = {{.fd = up ? in : -1, .events = POLLIN},
                                {.fd = fd, .events = POLLIN},
                                {.fd = out, .events = 0}};

        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            break;
        if (up && fds[0].revents != 0 && move_some(in, fd) != MOVED_ON) {
            up = false;
            shutdown(fd, SHUT_WR); /* end of input is FIN, not the end of the connection */
        }
        if (fds[1].revents != 0)
            down = move_some(fd, out);
        else if ((fds[2].revents & (POLLERR | POLLNVAL)) != 0)
            down = MOVED_NOBODY_TAKES;
    }
    return down == MOVED_NOBODY_TAKES;
}

/* EXIT_OK after a clean end; else why the bytes stopped, in words and as the exit code. */
static int ended(const struct command_call *call, const struct json *opened)
{
    struct json *q = talk_request("ended"), *a = NULL;
    int code;

    json_set(q, "session", json_copy(json_get(opened, "session")));
    json_set_int(q, "pipe", talk_int(opened, "pipe"));
    code = talk_ask(call, q, &a);
    json_free(a);
    return code;
}

int pipe_open(const struct command_call *call, const char *app, uint16_t port, struct pipe *out)
{
    struct json *q = talk_request("stdio");
    struct ipc_client *c = NULL;
    int code;

    *out = (struct pipe){.fd = -1};
    buf_init(&out->early, 2 * IPC_LINE_MAX);
    signal(SIGPIPE, SIG_IGN);
    json_set_cstr(q, "app", app);
    if (port != 0)
        json_set_int(q, "port", port);
    if ((code = talk_open(call, q, &c)) != EXIT_OK)
        return code;
    if ((code = talk_read(call, c, TALK_WAIT_MS, &out->opened)) == EXIT_OK &&
        ipc_client_take(c, &out->early, &out->fd) != SP_OK)
        code = EXIT_ERROR;
    ipc_client_free(c);
    return code;
}

int pipe_join(const struct command_call *call, struct pipe *p, int in, int out)
{
    if (!pipe_write(out, p->early.at, p->early.len))
        return EXIT_ERROR;
    return join(p->fd, in, out) ? EXIT_OK : ended(call, p->opened);
}

void pipe_close(struct pipe *p)
{
    if (p->fd >= 0)
        close(p->fd);
    json_free(p->opened);
    buf_deinit(&p->early);
}
