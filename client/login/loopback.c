#include "client/login/loopback.h"

#include "lib/base/buf.h"
#include "lib/os/sock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct visitor {
    int fd; /* owned; -1: free */
    sp_boot_ms until;
    struct buf head;
};

struct loopback {
    int fd; /* owned; -1 after the hit */
    uint16_t port;
    char path[64], state[64], url[LOOPBACK_URL_MAX];
    struct visitor visitors[LOOPBACK_AT_ONCE];
};

#define PAGE_HEAD                                                                                \
    "Content-Type: text/html; charset=utf-8\r\nConnection: close\r\nCache-Control: no-store\r\n" \
    "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n"         \
    "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n\r\n"          \
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sallyport</title>"

static const char done_page[] =
    "HTTP/1.1 200 OK\r\n" PAGE_HEAD
    "<h1>Signed in</h1><p>Sallyport has what it needs. You can close this page.</p></html>\n";
static const char refused_page[] =
    "HTTP/1.1 200 OK\r\n" PAGE_HEAD
    "<h1>Not signed in</h1><p>The sign-in was refused. The terminal says more. You can close this "
    "page.</p></html>\n";
static const char wrong_page[] =
    "HTTP/1.1 400 Bad Request\r\n" PAGE_HEAD
    "<h1>Not this</h1><p>This address waits for one sign-in only.</p></html>\n";

sp_error loopback_new(const char *path, const char *state, struct loopback **out)
{
    struct address any;
    struct loopback *l = calloc(1, sizeof *l);
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    l->fd = -1;
    for (size_t i = 0; i < LOOPBACK_AT_ONCE; i++) {
        l->visitors[i].fd = -1;
        buf_init(&l->visitors[i].head, LOOPBACK_HEAD_MAX);
    }
    /* SO_BINDTODEVICE lo where the kernel lets us; a plain 127.0.0.1 is not routed to anyhow. */
    if ((e = address_parse(view_str("127.0.0.1:0"), &any)) == SP_OK &&
        (e = sock_listen(&any, "lo", &l->fd)) == SP_ERR_PERMISSION)
        e = sock_listen(&any, NULL, &l->fd);
    if (e == SP_OK)
        e = sock_local(l->fd, &any);
    if (e != SP_OK) {
        loopback_free(l);
        return e;
    }
    l->port = address_port(&any);
    snprintf(l->path, sizeof l->path, "%s", path);
    snprintf(l->state, sizeof l->state, "%s", state);
    snprintf(l->url, sizeof l->url, "http://127.0.0.1:%u/%s", l->port, l->path);
    *out = l;
    return SP_OK;
}

static void leave(struct visitor *v)
{
    if (v->fd >= 0)
        close(v->fd);
    v->fd = -1;
    buf_wipe(&v->head);
}

void loopback_free(struct loopback *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < LOOPBACK_AT_ONCE; i++)
        leave(&l->visitors[i]);
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

const char *loopback_url(const struct loopback *l)
{
    return l->url;
}

size_t loopback_watch(const struct loopback *l, struct pollfd *fds)
{
    size_t n = 0;

    if (l->fd >= 0)
        fds[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
    for (size_t i = 0; i < LOOPBACK_AT_ONCE; i++)
        if (l->visitors[i].fd >= 0)
            fds[n++] = (struct pollfd){.fd = l->visitors[i].fd, .events = POLLIN};
    return n;
}

static void admit(struct loopback *l)
{
    int fd;

    while (l->fd >= 0 && sock_accept(l->fd, &fd, NULL) == SP_OK) {
        struct visitor *free_one = NULL;
        uid_t owner;

        for (size_t i = 0; i < LOOPBACK_AT_ONCE && free_one == NULL; i++)
            if (l->visitors[i].fd < 0)
                free_one = &l->visitors[i];
        /* Another local user's program is no browser of ours (TM-14). */
        if (free_one == NULL || sock_tcp_owner(fd, &owner) != SP_OK || owner != getuid()) {
            sock_reset(fd);
            continue;
        }
        free_one->fd = fd;
        free_one->until = clock_boot() + LOOPBACK_READ_MS;
    }
}

static void answer(struct visitor *v, const char *page)
{
    /* A fresh socket takes a page of this size at once; a browser that left is no matter. */
    ssize_t n = send(v->fd, page, strlen(page), MSG_NOSIGNAL);

    (void)n;
    shutdown(v->fd, SHUT_WR);
    leave(v);
}

/* SP_OK: the hit. SP_ERR_AGAIN: this visitor, or nobody, is it. */
static sp_error attend(struct loopback *l, struct visitor *v, struct loopback_hit *out)
{
    struct loopback_expect expect = {l->path, l->state, l->port};
    uint8_t chunk[2048];
    ssize_t n = recv(v->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    sp_error e;

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (clock_boot() >= v->until)
            leave(v);
        return SP_ERR_AGAIN;
    }
    if (n <= 0 || buf_append(&v->head, (struct view){chunk, (size_t)n}) != SP_OK) {
        leave(v);
        return SP_ERR_AGAIN;
    }
    e = loopback_judge(buf_view(&v->head), &expect, out);
    if (e == SP_OK)
        answer(v, out->code[0] != '\0' ? done_page : refused_page);
    else if (e != SP_ERR_AGAIN)
        answer(v, wrong_page);
    return e == SP_OK ? SP_OK : SP_ERR_AGAIN;
}

sp_error loopback_turn(struct loopback *l, struct loopback_hit *out)
{
    admit(l);
    for (size_t i = 0; i < LOOPBACK_AT_ONCE; i++)
        if (l->visitors[i].fd >= 0 && attend(l, &l->visitors[i], out) == SP_OK) {
            close(l->fd); /* one valid hit, then nobody listens here */
            l->fd = -1;
            return SP_OK;
        }
    return SP_ERR_AGAIN;
}
