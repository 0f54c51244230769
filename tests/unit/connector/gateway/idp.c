#include "tests/unit/connector/gateway/idp.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool held, const char *what)
{
    if (!held) {
        perror(what);
        abort();
    }
}

/* The head and as much body as Content-Length says. */
static size_t read_request(int fd, char *into, size_t room)
{
    size_t n = 0, want = 0;

    for (;;) {
        ssize_t got = read(fd, into + n, room - 1 - n);
        if (got <= 0)
            return n;
        n += (size_t)got;
        into[n] = '\0';
        const char *end = strstr(into, "\r\n\r\n"), *length = strstr(into, "Content-Length: ");
        if (end == NULL)
            continue;
        want = (size_t)(end - into) + 4 + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
        if (n >= want)
            return n;
    }
}

static void answer_one(struct idp *s, int fd)
{
    char request[sizeof s->request], answer[sizeof s->answer];
    unsigned wait_ms;

    request[0] = '\0';
    if (read_request(fd, request, sizeof request) == 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->asked++;
    memcpy(s->request, request, sizeof request);
    memcpy(answer, s->answer, sizeof answer);
    wait_ms = s->wait_ms;
    pthread_mutex_unlock(&s->lock);
    usleep(wait_ms * 1000);
    if (write(fd, answer, strlen(answer)) < 0)
        return; /* the caller had enough: that is what some tests are about */
}

static void *serve(void *arg)
{
    struct idp *s = arg;

    for (;;) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        pthread_mutex_lock(&s->lock);
        bool stop = s->stop;
        pthread_mutex_unlock(&s->lock);
        if (stop)
            return NULL;
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            continue;
        answer_one(s, fd);
        close(fd);
    }
}

void idp_start(struct idp *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    memset(s, 0, sizeof *s);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(s->fd >= 0, "socket");
    must(bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    must(listen(s->fd, 16) == 0, "listen");
    must(getsockname(s->fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
    s->port = ntohs(at.sin_port);
    must(pthread_mutex_init(&s->lock, NULL) == 0, "mutex");
    must(pthread_create(&s->thread, NULL, serve, s) == 0, "thread");
}

void idp_stop(struct idp *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    close(s->fd);
}

void idp_say(struct idp *s, const char *head, const char *body, unsigned wait_ms)
{
    pthread_mutex_lock(&s->lock);
    if (head[0] == '\0')
        s->answer[0] = '\0';
    else
        snprintf(s->answer, sizeof s->answer,
                 "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", head,
                 strlen(body), body);
    s->wait_ms = wait_ms;
    pthread_mutex_unlock(&s->lock);
}

unsigned idp_asked(struct idp *s)
{
    pthread_mutex_lock(&s->lock);
    unsigned n = s->asked;
    pthread_mutex_unlock(&s->lock);
    return n;
}
