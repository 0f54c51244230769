#include "lib/edge/status.h"

#include "lib/os/acceptor.h"
#include "lib/os/loop.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { REQUEST_MAX = 1024, ANSWER_MAX = 256 * 1024, ASK_MS = 5000, CLIENT_MS = 2000 };

struct status {
    struct loop *loop;
    status_facts *facts;
    status_order *order; /* NULL: none is taken */
    void *arg;
    char *path;
    int fd;
    struct acceptor *acceptor; /* owned */
    int client;                /* one at a time; -1: none */
    struct watch *asking;
    struct timer *late;
    struct buf request;
};

static void end_client(struct status *h)
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

/* The request's path when it has this method; empty else. */
static struct view path_of(const struct status *h, const char *method)
{
    struct view v = buf_view(&h->request);
    size_t n = strlen(method);
    const uint8_t *end;

    if (v.len <= n + 1 || memcmp(v.at, method, n) != 0 || v.at[n] != ' ')
        return (struct view){0};
    v = view_slice(v, n + 1, v.len);
    end = memchr(v.at, ' ', v.len);
    return view_slice(v, 0, end == NULL ? 0 : (size_t)(end - v.at));
}

/* What the answer says and with which status. */
static const char *judge(struct status *h, struct json *body)
{
    struct view get = path_of(h, "GET"), post = path_of(h, "POST");
    char order[64];

    if (view_is(get, "/livez")) {
        json_set_cstr(body, "status", "live");
        return "200 OK";
    }
    if (view_is(get, "/status") || view_is(get, "/readyz") || view_is(get, "/readyz?verbose"))
        return h->facts(h->arg, body) ? "200 OK" : "503 Service Unavailable";
    if (h->order == NULL || post.len < 2 || post.len >= sizeof order)
        return "404 Not Found";
    snprintf(order, sizeof order, "%.*s", VIEW_ARG(view_slice(post, 1, post.len)));
    return h->order(h->arg, order, body) ? "200 OK" : "404 Not Found";
}

static void answer(struct status *h)
{
    struct json *j = json_object();
    struct buf out, body;
    const char *said = judge(h, j);

    buf_init(&body, ANSWER_MAX);
    buf_init(&out, ANSWER_MAX + 256);
    if (json_write(j, &body) != SP_OK) {
        buf_reset(&body);
        buf_add_str(&body, "{}");
    }
    buf_addf(&out, "HTTP/1.0 %s\r\nContent-Type: application/json\r\n\r\n%.*s\n", said,
             VIEW_ARG(buf_view(&body)));
    /* a unix socket takes this at once; a peer that reads nothing gets less */
    (void)!write(h->client, out.at, out.len);
    buf_deinit(&out);
    buf_deinit(&body);
    json_free(j);
}

static void on_request(void *arg, unsigned events)
{
    struct status *h = arg;
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
    struct status *h = arg;

    h->late = NULL;
    end_client(h);
}

static void on_connection(void *arg, int fd, const struct address *peer)
{
    struct status *h = arg;

    (void)peer;
    h->client = fd;
    acceptor_hold(h->acceptor, true); /* the next one waits in the kernel */
    if (watch_start(h->loop, h->client, WATCH_READ, on_request, h, &h->asking) != SP_OK ||
        timer_start(h->loop, clock_boot() + CLIENT_MS, on_late, h, &h->late) != SP_OK)
        end_client(h);
}

sp_error status_new(struct loop *loop, const char *path, const struct status_spec *spec,
                    struct status **out)
{
    struct status *h = calloc(1, sizeof *h);
    sp_error e = SP_ERR_NOMEM;

    if (h == NULL)
        return e;
    *h = (struct status){.loop = loop,
                         .facts = spec->facts,
                         .order = spec->order,
                         .arg = spec->arg,
                         .fd = -1,
                         .client = -1};
    buf_init(&h->request, REQUEST_MAX);
    h->path = strdup(path);
    if (h->path != NULL && (e = sock_listen_unix(path, SOCK_STREAM, &h->fd)) == SP_OK)
        e = acceptor_start(loop, h->fd, on_connection, h, &h->acceptor);
    if (e != SP_OK) {
        status_free(h);
        return e;
    }
    *out = h;
    return SP_OK;
}

void status_free(struct status *h)
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

sp_error status_ask(const char *path, const char *what, bool *ok, struct json **out)
{
    struct buf request, text;
    int fd = -1;
    sp_error e;

    if ((e = sock_connect_unix(path, SOCK_STREAM, &fd)) != SP_OK)
        return e;
    buf_init(&request, 256);
    buf_init(&text, ANSWER_MAX);
    buf_addf(&request, "%s HTTP/1.0\r\n\r\n", what);
    if (write(fd, request.at, request.len) != (ssize_t)request.len)
        e = SP_ERR_UNREACHABLE;
    if (e == SP_OK && (e = read_answer(fd, &text)) == SP_OK) {
        const uint8_t *body = memmem(text.at, text.len, "\r\n\r\n", 4);
        e = SP_ERR_PROTOCOL;
        if (body != NULL && text.len > 12)
            e = json_parse(view_slice(buf_view(&text), (size_t)(body - text.at) + 4, text.len),
                           ANSWER_MAX, NULL, out);
        *ok = e == SP_OK && memcmp(text.at + 9, "200", 3) == 0;
    }
    close(fd);
    buf_deinit(&text);
    buf_deinit(&request);
    return e;
}
