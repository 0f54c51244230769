/* Debug builds only: see the header. */
#include "lib/base/failpoint.h"

#include "lib/base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { TEXT_MAX = 4096, RULES_MAX = 64, DELAY_MAX_MS = 60 * 1000 };

enum act { ACT_NONE = 0, ACT_EXIT, ACT_ERRNO, ACT_DELAY, ACT_SHORT };

struct rule {
    struct view name; /* into text */
    enum act act;
    uint64_t value; /* errno, milliseconds or bytes */
    uint64_t skip, times, passed;
};

/* Of the whole process, as what it stands for: a machine that fails. */
static struct {
    pthread_mutex_t lock;
    const char *path; /* of the environment; NULL: nothing is armed, ever */
    int fd;
    dev_t dev; /* of the file, since a sandbox closes descriptors and others take their numbers */
    ino_t ino;
    char text[TEXT_MAX]; /* as last read */
    size_t len;
    struct rule rules[RULES_MAX];
    size_t count;
} points = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static void open_points(void)
{
    struct stat st;

    points.fd = open(points.path, O_RDONLY | O_CLOEXEC);
    if (points.fd >= 0 && fstat(points.fd, &st) == 0) {
        points.dev = st.st_dev;
        points.ino = st.st_ino;
    }
}

/* Before main, and so before any sandbox that would hide the file. */
__attribute__((constructor)) static void first_open(void)
{
    if ((points.path = getenv("SALLYPORT_FAILPOINTS")) != NULL)
        open_points();
}

static bool still_open(void)
{
    struct stat st;

    return points.fd >= 0 && fstat(points.fd, &st) == 0 && st.st_dev == points.dev &&
           st.st_ino == points.ino;
}

static struct view next_word(struct view *rest)
{
    while (rest->len > 0 && rest->at[0] == ' ')
        *rest = view_slice(*rest, 1, rest->len);
    size_t n = 0;
    while (n < rest->len && rest->at[n] != ' ')
        n++;
    struct view word = view_slice(*rest, 0, n);
    *rest = view_slice(*rest, n, rest->len);
    return word;
}

static uint64_t next_number(struct view *rest)
{
    uint64_t n = 0;

    if (num_uint(next_word(rest), UINT32_MAX, &n) != SP_OK)
        return 0;
    return n;
}

static uint64_t errno_of(struct view word)
{
    static const struct {
        const char *name;
        int number;
    } table[] = {
        {"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EROFS", EROFS},
        {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN}, {"ECONNRESET", ECONNRESET},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (view_is(word, table[i].name))
            return (uint64_t)table[i].number;
    return EIO;
}

static void read_rule(struct view line)
{
    struct rule r = {.times = UINT64_MAX};
    struct view act;

    r.name = next_word(&line);
    act = next_word(&line);
    if (view_is(act, "exit")) {
        r.act = ACT_EXIT;
    } else if (view_is(act, "errno")) {
        r.act = ACT_ERRNO;
        r.value = errno_of(next_word(&line));
    } else if (view_is(act, "delay") || view_is(act, "short")) {
        r.act = view_is(act, "delay") ? ACT_DELAY : ACT_SHORT;
        r.value = next_number(&line);
    }
    for (struct view word = next_word(&line); word.len > 0; word = next_word(&line)) {
        if (view_is(word, "skip"))
            r.skip = next_number(&line);
        else if (view_is(word, "times"))
            r.times = next_number(&line);
    }
    if (r.act != ACT_NONE && points.count < RULES_MAX)
        points.rules[points.count++] = r;
}

/* The file again, when it is another one than last time; the lock is held. */
static void read_points(void)
{
    char text[TEXT_MAX];

    if (!still_open())
        open_points();
    ssize_t n = pread(points.fd, text, sizeof text, 0);

    if (n < 0 || ((size_t)n == points.len && memcmp(text, points.text, points.len) == 0))
        return;
    memcpy(points.text, text, (size_t)n);
    points.len = (size_t)n;
    points.count = 0;
    struct view rest = {(const uint8_t *)points.text, points.len};
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.at, '\n', rest.len);
        if (end == NULL) /* still being written */
            return;
        size_t len = (size_t)(end - rest.at);
        read_rule(view_slice(rest, 0, len));
        rest = view_slice(rest, len + 1, rest.len);
    }
}

/* What the first rule that stands for this pass says. */
static enum act hit(const char *name, uint64_t *value)
{
    enum act act = ACT_NONE;

    if (points.path == NULL)
        return ACT_NONE;
    pthread_mutex_lock(&points.lock);
    read_points();
    for (size_t i = 0; i < points.count; i++) {
        struct rule *r = &points.rules[i];
        if (!view_is(r->name, name))
            continue;
        uint64_t pass = r->passed++;
        if (act == ACT_NONE && pass >= r->skip && pass - r->skip < r->times) {
            act = r->act;
            *value = r->value;
        }
    }
    pthread_mutex_unlock(&points.lock);
    return act;
}

static void act_on(const char *name, enum act act, uint64_t value)
{
    if (act == ACT_EXIT) {
        (void)dprintf(STDERR_FILENO, "failpoint: %s exit\n", name);
        (void)kill(getpid(), SIGKILL);
        for (;;)
            (void)pause();
    }
    if (act == ACT_DELAY) {
        if (value > DELAY_MAX_MS)
            value = DELAY_MAX_MS;
        struct timespec t = {(time_t)(value / 1000), (long)(value % 1000) * 1000000};
        (void)nanosleep(&t, NULL);
    }
}

void failpoint_pass(const char *name)
{
    uint64_t value = 0;
    enum act act = hit(name, &value);

    act_on(name, act, value);
}

int failpoint_errno(const char *name)
{
    uint64_t value = 0;
    enum act act = hit(name, &value);

    act_on(name, act, value);
    return act == ACT_ERRNO ? (int)value : 0;
}

size_t failpoint_short(const char *name, size_t len)
{
    uint64_t value = 0;
    enum act act = hit(name, &value);

    act_on(name, act, value);
    return act == ACT_SHORT && value < len ? (size_t)value : len;
}
