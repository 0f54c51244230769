/* What the load programs share: loopback sockets, a clock, percentiles. Linux only.
 *
 * These are measuring tools, not parts of the product: they end with a message when something
 * fails, and they refuse every address outside 127.0.0.0/8. */
#ifndef TESTS_BENCH_TOOLS_WIRE_H
#define TESTS_BENCH_TOOLS_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Prints what failed and errno's text; exit 1. */
_Noreturn static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void pause_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* A whole number of an argument; exit 2 when it is none or below 1. */
static inline long parse_count(const char *s)
{
    char *end = NULL;
    long n = strtol(s, &end, 10);

    if (end == s || *end != '\0' || n < 1) {
        (void)fprintf(stderr, "not a number from 1 on: %s\n", s);
        exit(2);
    }
    return n;
}

/* "A.B.C.D:PORT"; loopback only, on purpose: no typing error sends load to somebody else. */
static inline struct sockaddr_in parse_addr(const char *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    const char *colon = strrchr(s, ':');
    char host[64] = "";

    if (colon != NULL && (size_t)(colon - s) < sizeof host)
        memcpy(host, s, (size_t)(colon - s));
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || (ntohl(a.sin_addr.s_addr) >> 24) != 127) {
        (void)fprintf(stderr, "not 127.x.x.x:PORT: %s\n", s);
        exit(2);
    }
    a.sin_port = htons((uint16_t)parse_count(colon + 1));
    return a;
}

/* A connected socket, or -1 with errno. */
static inline int dial(const struct sockaddr_in *a)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) < 0) {
        int e = errno;

        close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

/* A listening socket at "A.B.C.D:PORT"; does not return without one. */
static inline int serve_at(const char *where)
{
    struct sockaddr_in a = parse_addr(where);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0)
        die("listen");
    return fd;
}

/* Seconds after which a blocking read or write of fd fails. */
static inline void set_timeout(int fd, int seconds)
{
    struct timeval t = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* 0, or -1 with errno. */
static inline int write_all(int fd, const void *p, size_t n)
{
    const char *c = p;

    while (n > 0) {
        ssize_t k = send(fd, c, n, MSG_NOSIGNAL);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        c += k;
        n -= (size_t)k;
    }
    return 0;
}

/* 0, or -1 when the connection ended or failed first. */
static inline int read_all(int fd, void *p, size_t n)
{
    char *c = p;

    while (n > 0) {
        ssize_t k = recv(fd, c, n, 0);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        c += k;
        n -= (size_t)k;
    }
    return 0;
}

static inline int compare_u64(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* The p-th percentile of n sorted nanosecond values, in microseconds; 0 of none. */
static inline double percentile_us(const uint64_t *v, size_t n, double p)
{
    size_t i = (size_t)(p / 100.0 * (double)n);

    return n == 0 ? 0 : (double)v[i < n ? i : n - 1] / 1000.0;
}
#endif
