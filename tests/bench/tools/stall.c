/* stall up|down ENTRY BACKEND STREAMS BASE_S STALL_S: one of several readers stops reading.
 *
 * Both ends of the path in one process: it listens on BACKEND (where the tunnel delivers) and
 * connects STREAMS times to ENTRY (where the tunnel accepts). "up": the entry side sends, the
 * backend side receives; "down": the other way round. For BASE_S seconds every receiver reads. Then
 * receiver 0 stops for STALL_S seconds while the others go on. Then it reads again, for 2 s.
 *
 * A line "phase NAME" on stderr marks each change, so that a caller can read the memory of the
 * tunnel's programs. The JSON object on stdout has the rates, and the bytes between the stalled
 * sender and its receiver (kernel socket buffers included: the same test over a plain forwarder
 * chain tells how much those hold).
 */
#include "tests/bench/tools/wire.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { STREAMS_MAX = 64, CHUNK = 65536 };

struct run;
struct stream {
    struct run *run;
    int tx, rx;
    _Atomic uint64_t sent, got;
    _Atomic bool broken;
};
struct run {
    struct stream streams[STREAMS_MAX];
    int count;
    _Atomic bool stalled, stop;
};
struct rates {
    double others, first,
        slowest; /* bytes a second: streams 1 and on together, stream 0, the slowest of 1 and on */
};

/* One step of a blocking transfer: false when the stream is broken. */
static bool moved(struct stream *s, ssize_t k, _Atomic uint64_t *total)
{
    if (k > 0) {
        *total += (uint64_t)k;
        return true;
    }
    if (k < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    s->broken = true;
    return false;
}

static void *sender(void *arg)
{
    static const char buf[CHUNK];
    struct stream *s = arg;

    while (!s->run->stop && moved(s, send(s->tx, buf, sizeof buf, MSG_NOSIGNAL), &s->sent))
        ;
    return NULL;
}

static void *receiver(void *arg)
{
    struct stream *s = arg;
    char *buf = malloc(CHUNK);
    bool go = buf != NULL;

    while (go && !s->run->stop) {
        if (s == &s->run->streams[0] && s->run->stalled)
            pause_ms(2);
        else
            go = moved(s, recv(s->rx, buf, CHUNK, 0), &s->got);
    }
    free(buf);
    return NULL;
}

static struct rates sample(struct run *r, unsigned ms)
{
    uint64_t before[STREAMS_MAX], t = now_ns();
    struct rates out = {.slowest = 1e18};
    double s;

    for (int i = 0; i < r->count; i++)
        before[i] = r->streams[i].got;
    pause_ms(ms);
    s = (double)(now_ns() - t) / 1e9;
    for (int i = 0; i < r->count; i++) {
        double rate = (double)(r->streams[i].got - before[i]) / s;

        if (i == 0) {
            out.first = rate;
            continue;
        }
        out.others += rate;
        if (rate < out.slowest)
            out.slowest = rate;
    }
    return out;
}

static void phase(const char *name)
{
    (void)fprintf(stderr, "phase %s\n", name);
    (void)fflush(stderr);
}

/* One stream at a time, so that both ends are known to belong together. */
static void open_stream(struct stream *s, const struct sockaddr_in *entry, int ls, bool down)
{
    struct pollfd p = {.fd = ls, .events = POLLIN};
    int c = dial(entry), a = -1;
    char b = 's';

    if (c < 0 || write_all(c, &b, 1) < 0)
        die("entry");
    if (poll(&p, 1, 10000) != 1 || (a = accept4(ls, NULL, NULL, SOCK_CLOEXEC)) < 0)
        die("backend");
    set_timeout(a, 10);
    if (read_all(a, &b, 1) < 0)
        die("first byte");
    set_timeout(a, 1);
    set_timeout(c, 1);
    s->tx = down ? a : c;
    s->rx = down ? c : a;
}

static void start_streams(struct run *r)
{
    for (int i = 0; i < r->count; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, sender, &r->streams[i]) != 0)
            die("thread");
        pthread_detach(thread);
        if (pthread_create(&thread, NULL, receiver, &r->streams[i]) != 0)
            die("thread");
        pthread_detach(thread);
    }
}

static void report(struct run *r, unsigned base_ms, unsigned stall_ms)
{
    struct rates base, early, late, after;
    uint64_t sent, piled;
    int broken = 0;

    pause_ms(1000);
    phase("base");
    base = sample(r, base_ms);
    sent = r->streams[0].sent;
    r->stalled = true;
    phase("stall");
    early = sample(r, stall_ms);
    /* a tunnel that piles up first and blocks the others later shows in the last part alone */
    piled = r->streams[0].sent - r->streams[0].got;
    sent = r->streams[0].sent - sent;
    late = sample(r, stall_ms > 3000 ? stall_ms / 3 : 1000);
    phase("stall-end");
    r->stalled = false;
    after = sample(r, 2000);
    phase("end");
    for (int i = 0; i < r->count; i++)
        broken += r->streams[i].broken;
    r->stop = true;
    printf("{\"others_base_MBs\": %.1f, \"others_stall_MBs\": %.1f, \"others_late_MBs\": %.1f, "
           "\"kept\": %.3f, "
           "\"kept_late\": %.3f, \"slowest_base_MBs\": %.2f, \"slowest_stall_MBs\": %.2f, "
           "\"piled_KiB\": %.0f, "
           "\"sent_in_stall_KiB\": %.0f, \"stalled_after_MBs\": %.2f, \"others_after_MBs\": %.1f, "
           "\"broken\": %d}\n",
           base.others / 1e6, early.others / 1e6, late.others / 1e6,
           base.others > 0 ? early.others / base.others : 0,
           base.others > 0 ? late.others / base.others : 0, base.slowest / 1e6, early.slowest / 1e6,
           (double)piled / 1024, (double)sent / 1024, after.first / 1e6, after.others / 1e6,
           broken);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct run r;
    struct sockaddr_in entry;
    bool down;
    int ls;

    if (argc != 7 || (strcmp(argv[1], "up") != 0 && strcmp(argv[1], "down") != 0)) {
        fputs("usage: stall up|down ENTRY BACKEND STREAMS BASE_S STALL_S\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    down = strcmp(argv[1], "down") == 0;
    entry = parse_addr(argv[2]);
    r.count = (int)parse_count(argv[4]);
    if (r.count < 2 || r.count > STREAMS_MAX)
        return 2;
    ls = serve_at(argv[3]);
    for (int i = 0; i < r.count; i++) {
        r.streams[i].run = &r;
        open_stream(&r.streams[i], &entry, ls, down);
    }
    start_streams(&r);
    report(&r, (unsigned)parse_count(argv[5]) * 1000, (unsigned)parse_count(argv[6]) * 1000);
    _exit(0);
}
