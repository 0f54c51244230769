#ifndef SP_TEST_HTTP_HARNESS_H
#define SP_TEST_HTTP_HARNESS_H

/*
 * harness: a real server on a loopback port, its loop on a thread of its own, and plain sockets
 * to talk to it byte by byte.
 */

#include "lib/http/live.h"
#include "lib/http/server.h"

#include <pthread.h>

struct loop;

struct harness {
    /* set before harness_start */
    http_handler *handle;
    void *arg;
    const char *tls;  /* stem in tests/data/tls, or NULL: no TLS */
    size_t body_max;  /* 0: default */
    const char *peer; /* what server_adopt is told; NULL: nothing */
    const struct prefixes *proxies;
    live_admit *admit; /* NULL: no live feed */
    unsigned workers;  /* 0: 4 */
    /* from harness_start on */
    uint16_t port;
    struct loop *loop;
    struct live_feed *live;
    struct server *server;
    /* private */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t started;
    bool up;
};

void harness_start(struct harness *h);
void harness_stop(struct harness *h);

/* Path of a file in tests/data, in static storage. */
const char *data_path(const char *name);

/* A connected blocking socket to the harness. Reads time out after 5 s. */
int harness_connect(const struct harness *h);
void send_text(int fd, const char *text);
/* Reads until the peer closes, or `room` is full, or (when `until` is not NULL) just after `until`.
 * NUL-terminated. -1: timed out. */
int read_until(int fd, char *room, size_t size, const char *until);

/* Sends `request`, reads the whole answer until close; fails the test on a time-out. */
void exchange_text(const struct harness *h, const char *request, char *room, size_t size);

#endif
