#include "lib/os/service.h"

#include "lib/base/num.h"
#include "lib/os/loop.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/banned.h"

struct service {
    struct loop *loop; /* borrowed */
    struct service_spec spec;
    struct signal_watch *term, *interrupt, *hangup; /* owned */
    struct timer *drain_end;                        /* owned; NULL: not running */
    struct timer *alive;                            /* owned; NULL: not running */
    int64_t alive_ms;                               /* 0: nobody watches */
    bool draining;
};

/* The manager's queue may be full: what it must hear waits a moment for it, the rest does not,
 * since this is the loop's thread. */
enum { TELL_WAIT_US = 100 * 1000 };

static void tell(const char *state, int flags)
{
    const struct timeval wait = {.tv_usec = TELL_WAIT_US};
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path != NULL ? strlen(path) : 0;

    if (len == 0 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract name space, unix(7) */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* nobody can be told that nobody could be told */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | flags, (struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void service_notify(const char *state)
{
    tell(state, 0);
}

/* ---- the manager's watchdog ---------------------------------------------------------------- */

/* How often it wants to hear from us (sd_watchdog_enabled(3)): thrice in its time, since one word
 * may be lost. 0: never, or it is another process that it means. */
static int64_t watchdog_ms(void)
{
    const char *every = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
    uint64_t usec, pid;

    if (every == NULL || num_uint(view_str(every), INT64_MAX, &usec) != SP_OK)
        return 0;
    if (whom != NULL &&
        (num_uint(view_str(whom), INT32_MAX, &pid) != SP_OK || (pid_t)pid != getpid()))
        return 0;
    return (int64_t)usec / 1000 / 3;
}

/* From the loop, so that it says what the manager asks: that the loop turns. */
static void on_alive(void *arg)
{
    struct service *s = arg;

    s->alive = NULL; /* no longer pending */
    tell("WATCHDOG=1", MSG_DONTWAIT);
    if (timer_start(s->loop, clock_boot() + s->alive_ms, on_alive, s, &s->alive) != SP_OK)
        s->alive = NULL; /* no memory: being started anew is right then */
}

/* ---- signals ------------------------------------------------------------------------------- */

static void on_drain_end(void *arg)
{
    struct service *s = arg;

    s->drain_end = NULL;
    loop_stop(s->loop);
}

static void on_stop(void *arg, int signo)
{
    struct service *s = arg;

    (void)signo;
    if (s->draining || s->spec.drain_ms <= 0 ||
        timer_start(s->loop, clock_boot() + s->spec.drain_ms, on_drain_end, s, &s->drain_end) !=
            SP_OK)
        loop_stop(s->loop);
    if (s->draining)
        return;
    s->draining = true;
    service_notify("STOPPING=1");
    s->spec.drain(s->spec.arg);
}

/* Type=notify-reload wants the time of the reload's begin (systemd 253), READY=1 at its end. */
static void on_reload(void *arg, int signo)
{
    struct service *s = arg;
    char state[64];

    (void)signo;
    if (s->spec.reload == NULL || s->draining)
        return;
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    service_notify(state);
    s->spec.reload(s->spec.arg);
    service_notify("READY=1");
}

sp_error service_start(struct loop *loop, const struct service_spec *spec, struct service **out)
{
    struct service *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->loop = loop;
    s->spec = *spec;
    signal(SIGPIPE, SIG_IGN);
    if ((e = signal_start(loop, SIGTERM, on_stop, s, &s->term)) != SP_OK ||
        (e = signal_start(loop, SIGINT, on_stop, s, &s->interrupt)) != SP_OK ||
        (e = signal_start(loop, SIGHUP, on_reload, s, &s->hangup)) != SP_OK) {
        service_free(s);
        return e;
    }
    if ((s->alive_ms = watchdog_ms()) > 0)
        on_alive(s);
    *out = s;
    return SP_OK;
}

void service_free(struct service *s)
{
    if (s == NULL)
        return;
    timer_cancel(s->drain_end);
    timer_cancel(s->alive);
    signal_stop(s->hangup);
    signal_stop(s->interrupt);
    signal_stop(s->term);
    free(s);
}

void service_ready(struct service *s, const char *status)
{
    service_notify("READY=1");
    service_status(s, status);
}

void service_status(struct service *s, const char *status)
{
    char state[256];

    (void)s;
    snprintf(state, sizeof state, "STATUS=%s", status);
    state[strcspn(state, "\n")] =
        '\0'; /* a line of its own would be another word of the protocol */
    tell(state, MSG_DONTWAIT);
}

void service_done(struct service *s)
{
    loop_stop(s->loop);
}
