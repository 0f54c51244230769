#include "client/ipc/ipc.h"
#include "client/ipc/lines.h"
#include "lib/os/acceptor.h"
#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct ipc_peer {
    struct ipc_server *server;   /* borrowed */
    struct ipc_peer *next, **at; /* the server's list */
    int fd;                      /* owned; -1: handed over */
    struct watch *watch;         /* owned; NULL: not running */
    struct buf in, out;
    bool asked, ending; /* ending: closes once `out` is written */
    void *data;
};

struct ipc_server {
    struct loop *loop; /* borrowed */
    const struct ipc_handlers *handlers;
    void *arg;
    char path[IPC_PATH_MAX];
    int fd;                    /* owned */
    struct acceptor *acceptor; /* owned */
    struct ipc_peer *peers;
    size_t count;
};

static void peer_free(struct ipc_peer *p)
{
    watch_stop(p->watch);
    if (p->fd >= 0)
        close(p->fd);
    *p->at = p->next;
    if (p->next != NULL)
        p->next->at = p->at;
    p->server->count--;
    buf_deinit(&p->in);
    buf_deinit(&p->out);
    free(p);
}

static void peer_gone(struct ipc_peer *p)
{
    if (p->asked)
        p->server->handlers->gone(p->server->arg, p);
    peer_free(p);
}

/* Writes what it can. false: the peer is broken. */
static bool peer_flush(struct ipc_peer *p)
{
    while (p->out.len > 0) {
        ssize_t n = send(p->fd, p->out.at, p->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        buf_consume(&p->out, (size_t)n);
    }
    return true;
}

/* One request a connection; what comes after it belongs to the verb (ipc_peer_take). */
static bool peer_read(struct ipc_peer *p)
{
    uint8_t chunk[16 * 1024];
    ssize_t n = recv(p->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    struct json *request;
    int64_t version;
    sp_error e;

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    if (buf_append(&p->in, (struct view){chunk, (size_t)n}) != SP_OK)
        return false;
    if (p->asked)
        return true;
    e = lines_take(&p->in, &request);
    if (e != SP_OK)
        return e == SP_ERR_AGAIN;
    p->asked = true;
    if (json_get_int(request, "v", IPC_VERSION, IPC_VERSION, &version) != SP_OK) {
        json_free(request);
        return false;
    }
    p->server->handlers->asked(p->server->arg, p, request);
    json_free(request);
    return true;
}

static void on_peer(void *arg, unsigned events)
{
    struct ipc_peer *p = arg;

    /* peer_read may hand the peer over and free it; then nothing of it is touched any more. */
    if ((events & WATCH_WRITE) != 0) {
        if (!peer_flush(p) || (p->ending && p->out.len == 0)) {
            peer_gone(p);
            return;
        }
        watch_set(p->watch, p->out.len > 0 ? WATCH_READ | WATCH_WRITE : WATCH_READ);
    }
    if ((events & (WATCH_READ | WATCH_HANGUP)) != 0) {
        struct ipc_server *s = p->server;
        size_t before = s->count;

        if (!peer_read(p) && s->count == before)
            peer_gone(p);
    }
}

/* What stands in for a line that could not be written: a program must not have to guess. */
static const char not_written[] =
    "{\"error\":{\"exit\":1,\"code\":\"internal\",\"what\":\"The agent's answer could not be "
    "written.\",\"why\":\"\",\"next\":\"\",\"request\":\"\"}}\n";

static void queue(struct ipc_peer *p, struct json *line)
{
    sp_error e = lines_put(line, &p->out);

    if (e != SP_OK)
        p->ending = true; /* also when it does not read: what waits is all it gets */
    if (e != SP_OK && e != SP_ERR_LIMIT)
        buf_add_str(&p->out, not_written);
    watch_set(p->watch, WATCH_READ | WATCH_WRITE);
}

void ipc_peer_event(struct ipc_peer *p, struct json *line)
{
    queue(p, line);
}

void ipc_peer_end(struct ipc_peer *p, struct json *line)
{
    queue(p, line);
    p->ending = true;
}

void ipc_peer_set(struct ipc_peer *p, void *data)
{
    p->data = data;
}

void *ipc_peer_data(const struct ipc_peer *p)
{
    return p->data;
}

sp_error ipc_peer_take(struct ipc_peer *p, struct json *line, struct buf *early, int *fd)
{
    sp_error e = lines_put(line, &p->out);

    if (e == SP_OK && (!peer_flush(p) || p->out.len > 0))
        e = SP_ERR_IO;
    if (e == SP_OK)
        e = buf_append(early, buf_view(&p->in));
    if (e != SP_OK) {
        p->ending = true;
        watch_set(p->watch, WATCH_READ | WATCH_WRITE);
        return e;
    }
    *fd = p->fd;
    p->fd = -1;
    peer_free(p);
    return SP_OK;
}

/* Same uid or nothing: root too has no business here (TM-14). */
static bool peer_is_owner(int fd)
{
    uid_t uid;

    return sock_peer_uid(fd, &uid) == SP_OK && uid == getuid();
}

static void on_accept(void *arg, int fd, const struct address *peer)
{
    struct ipc_server *s = arg;
    struct ipc_peer *p;

    (void)peer;
    if (s->count == IPC_PEERS_MAX || !peer_is_owner(fd) || (p = calloc(1, sizeof *p)) == NULL) {
        close(fd);
        return;
    }
    *p = (struct ipc_peer){.server = s, .fd = fd, .next = s->peers, .at = &s->peers};
    buf_init(&p->in, IPC_LINE_MAX);
    buf_init(&p->out, 2 * IPC_LINE_MAX);
    if (s->peers != NULL)
        s->peers->at = &p->next;
    s->peers = p;
    s->count++;
    if (watch_start(s->loop, fd, WATCH_READ, on_peer, p, &p->watch) != SP_OK)
        peer_free(p);
}

/* The folder must be ours alone, and no symlink: else another user could put a socket there. */
static sp_error folder_ready(const char *path, struct sp_why *why)
{
    char folder[IPC_PATH_MAX];
    struct stat st;
    char *slash;

    memcpy(folder, path, strlen(path) + 1);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return sp_why_say(why, SP_ERR_PERMISSION, "%s: the socket needs a folder of its own", path);
    *slash = '\0';
    for (char *p = strchr(folder + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return sp_why_say(why, SP_ERR_PERMISSION, "%s can't be made: %s", folder,
                              strerror(errno));
        *p = '/';
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return sp_why_say(why, SP_ERR_PERMISSION, "%s can't be made: %s", folder, strerror(errno));
    if (lstat(folder, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid())
        return sp_why_say(why, SP_ERR_PERMISSION, "%s is not a folder of this user", folder);
    if ((st.st_mode & 022) != 0)
        return sp_why_say(why, SP_ERR_PERMISSION, "%s can be written by others; chmod 700 it",
                          folder);
    return SP_OK;
}

sp_error ipc_server_new(struct loop *loop, const char *path, const struct ipc_handlers *handlers,
                        void *arg, struct sp_why *why, struct ipc_server **out)
{
    struct ipc_server *s;
    sp_error e = folder_ready(path, why);

    if (e != SP_OK)
        return e;
    if ((s = calloc(1, sizeof *s)) == NULL)
        return SP_ERR_NOMEM;
    *s = (struct ipc_server){.loop = loop, .handlers = handlers, .arg = arg, .fd = -1};
    if ((e = sock_listen_unix(path, SOCK_STREAM, &s->fd)) != SP_OK) {
        e = sp_why_say(why, e, "%s: %s", path,
                       e == SP_ERR_EXISTS ? "an agent of this user runs already"
                                          : sp_error_text(e));
    } else {
        memcpy(s->path, path, strlen(path) + 1);
        e = acceptor_start(loop, s->fd, on_accept, s, &s->acceptor);
    }
    if (e != SP_OK) {
        ipc_server_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

void ipc_server_free(struct ipc_server *s)
{
    if (s == NULL)
        return;
    while (s->peers != NULL) {
        peer_flush(s->peers);
        peer_gone(s->peers);
    }
    acceptor_stop(s->acceptor);
    if (s->fd >= 0)
        close(s->fd);
    if (s->path[0] != '\0')
        unlink(s->path);
    free(s);
}
