#include "connector/health.h"

#include "lib/os/acceptor.h"
#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { REQUEST_MAX = 1024, ANSWER_MAX = 256 * 1024, ASK_MS = 5000, CLIENT_MS = 2000 };

struct health {
    struct loop *loop;
    health_facts *facts;
    void *arg;
    char *path;
    int fd;
    struct acceptor *acceptor; /* owned */
    int client;                /* one at a time; -1: none */
    struct watch *asking;
    struct timer *late;
    struct buf request;
};

static void end_client(struct health *h)
{
    watch_stop(h->asking);
    timer_cancel(h->late);
    h->asking = NULL;
    h->late = NULL;
    if (h->client >= 0)
        close(h->client);
    h->client = -1;
    buf_reset(&h->request);
    acceptor_hold(h->acceptor, false);
}

static bool asks(const struct health *h, const char *path)
{
    struct view v = buf_view(&h->request);
    size_t n = strlen(path);

    return v.len > 4 + n && memcmp(v.at, "GET ", 4) == 0 && memcmp(v.at + 4, path, n) == 0 &&
           (v.at[4 + n] == ' ' || v.at[4 + n] == '?');
}

static void answer(struct health *h)
{
    struct json *j = json_object();
    struct buf out, body;
    bool ready = h->facts(h->arg, j), known = asks(h, "/status") || asks(h, "/readyz");

    buf_init(&body, ANSWER_MAX);
    buf_init(&out, ANSWER_MAX);
    if (json_write(j, &body) != SP_OK)
        buf_reset(&body);
    if (asks(h, "/livez"))
        buf_add_str(&out, "HTTP/1.0 200 OK\r\n\r\nok\n");
    else if (!known)
        buf_add_str(&out, "HTTP/1.0 404 Not Found\r\n\r\n");
    else
        buf_addf(&out, "HTTP/1.0 %s\r\nContent-Type: application/json\r\n\r\n%.*s\n",
                 ready ? "200 OK" : "503 Service Unavailable", VIEW_ARG(buf_view(&body)));
    /* a unix socket takes this at once; a peer that reads nothing gets less */
    (void)!write(h->client, out.at, out.len);
    buf_deinit(&out);
    buf_deinit(&body);
    json_free(j);
}

static void on_request(void *arg, unsigned events)
{
    struct health *h = arg;
    uint8_t room[REQUEST_MAX];
    ssize_t n = read(h->client, room, sizeof room);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        buf_add(&h->request, (struct view){room, (size_t)n});
    if (n > 0 && buf_error(&h->request) == SP_OK &&
        memmem(h->request.at, h->request.len, "\r\n\r\n", 4) == NULL)
        return;
    if (n > 0 && buf_error(&h->request) == SP_OK)
        answer(h);
    end_client(h);
}

static void on_late(void *arg)
{
    struct health *h = arg;

    h->late = NULL;
    end_client(h);
}

static void on_connection(void *arg, int fd, const struct address *peer)
{
    struct health *h = arg;

    (void)peer;
    h->client = fd;
    acceptor_hold(h->acceptor, true); /* the next one waits in the kernel */
    if (watch_start(h->loop, h->client, WATCH_READ, on_request, h, &h->asking) != SP_OK ||
        timer_start(h->loop, clock_boot() + CLIENT_MS, on_late, h, &h->late) != SP_OK)
        end_client(h);
}

sp_error health_new(struct loop *loop, const char *path, health_facts *facts, void *arg,
                    struct health **out)
{
    struct health *h = calloc(1, sizeof *h);
    sp_error e = SP_ERR_NOMEM;

    if (h == NULL)
        return e;
    *h = (struct health){.loop = loop, .facts = facts, .arg = arg, .fd = -1, .client = -1};
    buf_init(&h->request, REQUEST_MAX);
    h->path = strdup(path);
    if (h->path != NULL && (e = sock_listen_unix(path, SOCK_STREAM, &h->fd)) == SP_OK)
        e = acceptor_start(loop, h->fd, on_connection, h, &h->acceptor);
    if (e != SP_OK) {
        health_free(h);
        return e;
    }
    *out = h;
    return SP_OK;
}

void health_free(struct health *h)
{
    if (h == NULL)
        return;
    if (h->client >= 0)
        end_client(h);
    acceptor_stop(h->acceptor);
    if (h->fd >= 0) {
        close(h->fd);
        unlink(h->path);
    }
    buf_deinit(&h->request);
    free(h->path);
    free(h);
}

static sp_error read_answer(int fd, struct buf *out)
{
    struct pollfd p = {fd, POLLIN, 0};
    uint8_t room[4096];

    while (poll(&p, 1, ASK_MS) == 1) {
        ssize_t n = read(fd, room, sizeof room);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return n == 0 ? SP_OK : SP_ERR_PROTOCOL;
        sp_error e = buf_append(out, (struct view){room, (size_t)n});
        if (e != SP_OK)
            return e;
    }
    return SP_ERR_TIMEOUT;
}

sp_error health_ask(const char *path, const char *what, bool *ready, struct json **out)
{
    struct buf request, text;
    int fd = -1;
    sp_error e;

    if ((e = sock_connect_unix(path, SOCK_STREAM, &fd)) != SP_OK)
        return e;
    buf_init(&request, 256);
    buf_init(&text, ANSWER_MAX);
    buf_addf(&request, "GET %s HTTP/1.0\r\n\r\n", what);
    if (write(fd, request.at, request.len) != (ssize_t)request.len)
        e = SP_ERR_UNREACHABLE;
    if (e == SP_OK && (e = read_answer(fd, &text)) == SP_OK) {
        const uint8_t *body = memmem(text.at, text.len, "\r\n\r\n", 4);
        e = SP_ERR_PROTOCOL;
        if (body != NULL && text.len > 12)
            e = json_parse(view_slice(buf_view(&text), (size_t)(body - text.at) + 4, text.len),
                           ANSWER_MAX, NULL, out);
        *ready = e == SP_OK && memcmp(text.at + 9, "200", 3) == 0;
    }
    close(fd);
    buf_deinit(&text);
    buf_deinit(&request);
    return e;
}
