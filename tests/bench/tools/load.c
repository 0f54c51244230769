/* load: a client of an echo server behind a tunnel. Each mode prints one JSON object.
 *
 *   load rtt     ADDR COUNT SIZE      round trips of SIZE bytes over one open connection
 *   load connect ADDR COUNT           fresh connections one after the other: connect() to first
 * echoed byte load rate    ADDR LOOPS SECONDS   the same in LOOPS parallel loops: connections per
 * second load hold    ADDR COUNT           opens COUNT, proves each with one byte, prints, waits
 * for the end of stdin
 */
#include "tests/bench/tools/wire.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LOOPS_MAX = 64, TIMEOUT_S = 20 };

struct rate {
    struct sockaddr_in to;
    _Atomic bool stop;
    _Atomic uint64_t done, failed;
};

static int rtt(const struct sockaddr_in *to, size_t count, size_t size)
{
    uint64_t *v = calloc(count, sizeof *v);
    char *out = malloc(size), *in = malloc(size);
    size_t warm = count / 10;
    int fd = dial(to);

    if (fd < 0 || v == NULL || out == NULL || in == NULL)
        die("connect");
    set_timeout(fd, TIMEOUT_S);
    memset(out, 'x', size);
    for (size_t i = 0; i < warm + count; i++) {
        uint64_t t = now_ns();

        if (write_all(fd, out, size) < 0 || read_all(fd, in, size) < 0 ||
            memcmp(in, out, size) != 0)
            die("round trip");
        if (i >= warm)
            v[i - warm] = now_ns() - t;
    }
    qsort(v, count, sizeof *v, compare_u64);
    printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n", percentile_us(v, count, 50),
           percentile_us(v, count, 99), percentile_us(v, count, 100));
    close(fd);
    free(v);
    free(out);
    free(in);
    return 0;
}

/* Connects and gets one byte back: the open socket, or -1. */
static int prove(const struct sockaddr_in *to)
{
    char b = 'c';
    int fd = dial(to);

    if (fd < 0)
        return -1;
    set_timeout(fd, TIMEOUT_S);
    if (write_all(fd, &b, 1) == 0 && read_all(fd, &b, 1) == 0 && b == 'c')
        return fd;
    close(fd);
    return -1;
}

/* Nanoseconds to the first echoed byte of a fresh connection; 0 on failure. */
static uint64_t once(const struct sockaddr_in *to)
{
    uint64_t t = now_ns();
    int fd = prove(to);

    t = now_ns() - t;
    if (fd < 0)
        return 0;
    close(fd);
    return t;
}

static int connects(const struct sockaddr_in *to, size_t count)
{
    uint64_t *v = calloc(count, sizeof *v);
    size_t ok = 0, bad = 0;

    if (v == NULL)
        die("calloc");
    for (size_t i = 0; i < count; i++) {
        uint64_t t = once(to);

        if (t != 0)
            v[ok++] = t;
        else
            bad++;
    }
    qsort(v, ok, sizeof *v, compare_u64);
    printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"failed\": %zu}\n", percentile_us(v, ok, 50),
           percentile_us(v, ok, 99), bad);
    free(v);
    return 0;
}

static void *loop(void *arg)
{
    struct rate *r = arg;

    while (!r->stop) {
        if (once(&r->to) != 0) {
            r->done++;
        } else {
            r->failed++;
            pause_ms(1);
        }
    }
    return NULL;
}

static int rate(const struct sockaddr_in *to, long loops, long seconds)
{
    static struct rate r;
    pthread_t threads[LOOPS_MAX];
    uint64_t t = now_ns(), done, failed;
    double s;

    r.to = *to;
    if (loops > LOOPS_MAX)
        loops = LOOPS_MAX;
    for (long i = 0; i < loops; i++)
        if (pthread_create(&threads[i], NULL, loop, &r) != 0)
            die("thread");
    pause_ms((unsigned)seconds * 1000);
    r.stop = true;
    s = (double)(now_ns() - t) / 1e9;
    done = r.done;
    failed = r.failed;
    for (long i = 0; i < loops; i++)
        pthread_join(threads[i], NULL);
    printf("{\"per_s\": %.1f, \"failed\": %llu}\n", (double)done / s, (unsigned long long)failed);
    return 0;
}

static int hold(const struct sockaddr_in *to, long count)
{
    long ok = 0, bad = 0;
    char c;

    for (long i = 0; i < count; i++) {
        if (prove(to) >= 0)
            ok++; /* stays open until exit */
        else
            bad++;
    }
    printf("{\"open\": %ld, \"failed\": %ld}\n", ok, bad);
    (void)fflush(stdout);
    while (read(0, &c, 1) > 0)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc >= 4) {
        struct sockaddr_in to = parse_addr(argv[2]);
        long n = parse_count(argv[3]);

        if (strcmp(argv[1], "rtt") == 0 && argc == 5)
            return rtt(&to, (size_t)n, (size_t)parse_count(argv[4]));
        if (strcmp(argv[1], "connect") == 0 && argc == 4)
            return connects(&to, (size_t)n);
        if (strcmp(argv[1], "rate") == 0 && argc == 5)
            return rate(&to, n, parse_count(argv[4]));
        if (strcmp(argv[1], "hold") == 0 && argc == 4)
            return hold(&to, n);
    }
    fputs("usage: load rtt ADDR COUNT SIZE | connect ADDR COUNT | rate ADDR LOOPS SECONDS | hold "
          "ADDR COUNT\n",
          stderr);
    return 2;
}
