#include "lib/os/child.h"
#include "lib/base/clock.h"
#include "lib/os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct child {
    pid_t pid;
    int pidfd;           /* owned */
    struct watch *watch; /* owned */
    child_ended *ended;
    void *arg; /* borrowed */
};

static sp_error from_errno(int err)
{
    switch (err) {
    case ENOENT:
    case ENOTDIR:
        return SP_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case ENOEXEC:
        return SP_ERR_PERMISSION;
    case ENOMEM:
    case EAGAIN:
        return SP_ERR_NOMEM;
    default:
        return SP_ERR_IO;
    }
}

enum { SELECTABLE = 1024 }; /* descriptors that a program with select(2) may have, as usual */

/* Between fork and exec: async-signal-safe calls only. */
static void become(const struct child_spec *s, pid_t parent, int out_fd, int report_fd)
{
    struct rlimit files;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    if (s->die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        _exit(127);

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > SELECTABLE) {
        files.rlim_cur = SELECTABLE;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* it has more then, as from another parent */
    }

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (out_fd >= 0)
        dup2(out_fd, STDOUT_FILENO);
    else if (s->quiet && null >= 0)
        dup2(null, STDOUT_FILENO);
    if ((s->quiet || out_fd >= 0) && null >= 0)
        dup2(null, STDERR_FILENO);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (s->cwd == NULL || chdir(s->cwd) == 0) {
        char *const *argv = (char *const *)(uintptr_t)s->argv;
        char *const *env = s->env != NULL ? (char *const *)(uintptr_t)s->env : environ;
        if (s->search)
            execvpe(s->path, argv, env);
        else
            execve(s->path, argv, env);
    }
    int err = errno;
    while (write(report_fd, &err, sizeof err) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Forks; the report pipe closes at exec, or carries why there was none. */
static sp_error spawn(const struct child_spec *s, int out_fd, pid_t *out)
{
    int report[2], err = 0;
    pid_t parent = getpid();

    if (pipe2(report, O_CLOEXEC) != 0)
        return SP_ERR_IO;
    pid_t pid = fork();
    if (pid == 0)
        become(s, parent, out_fd, report[1]);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return from_errno(errno);
    }
    ssize_t n;
    while ((n = read(report[0], &err, sizeof err)) < 0 && errno == EINTR)
        ;
    close(report[0]);
    if (n > 0) {
        waitpid(pid, NULL, 0);
        return from_errno(err);
    }
    *out = pid;
    return SP_OK;
}

static void on_end(void *arg, unsigned events)
{
    struct child *c = arg;
    int status = 0;

    (void)events;
    if (waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    watch_stop(c->watch);
    c->watch = NULL;
    c->pid = 0; /* the number may belong to another process from here on */
    if (WIFEXITED(status))
        c->ended(c->arg, WEXITSTATUS(status), 0);
    else
        c->ended(c->arg, -1, WTERMSIG(status));
}

sp_error child_start(struct loop *l, const struct child_spec *spec, child_ended *ended, void *arg,
                     struct child **out)
{
    struct child *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    *c = (struct child){.pidfd = -1, .ended = ended, .arg = arg};
    if ((e = spawn(spec, -1, &c->pid)) != SP_OK) {
        free(c);
        return e;
    }
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (c->pidfd < 0 || (e = watch_start(l, c->pidfd, WATCH_READ, on_end, c, &c->watch)) != SP_OK) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
        c->pid = 0;
        child_free(c);
        return SP_ERR_IO;
    }
    fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
    *out = c;
    return SP_OK;
}

void child_signal(struct child *c, int signo)
{
    if (c->pid > 0)
        kill(c->pid, signo);
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

void child_free(struct child *c)
{
    if (c == NULL)
        return;
    watch_stop(c->watch);
    if (c->pidfd >= 0)
        close(c->pidfd);
    free(c);
}

static bool stopped(const atomic_bool *stop)
{
    return stop != NULL && atomic_load(stop);
}

/* Reads until end of file, the deadline, the limit or the stop. */
static sp_error collect(int fd, sp_boot_ms until, const atomic_bool *stop, struct buf *out)
{
    uint8_t room[4096];

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - clock_boot();
        int64_t turn = stop != NULL && left > CHILD_STOP_MS ? CHILD_STOP_MS : left;

        if (stopped(stop))
            return SP_ERR_CLOSED;
        int ready = left <= 0 ? 0 : poll(&p, 1, (int)turn);
        if ((ready < 0 && errno == EINTR) || (ready == 0 && turn < left))
            continue;
        if (ready <= 0)
            return ready == 0 ? SP_ERR_TIMEOUT : SP_ERR_IO;
        ssize_t n = read(fd, room, sizeof room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? SP_OK : SP_ERR_IO;
        sp_error e = buf_append(out, (struct view){room, (size_t)n});
        if (e != SP_OK)
            return e;
    }
}

static sp_error reap(pid_t pid, sp_boot_ms until, int *status)
{
    for (int raw;;) {
        pid_t got = waitpid(pid, &raw, WNOHANG);
        if (got == pid) {
            *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            return SP_OK;
        }
        if (got < 0 && errno != EINTR)
            return SP_ERR_IO;
        if (clock_boot() >= until)
            return SP_ERR_TIMEOUT;
        poll(NULL, 0, 5);
    }
}

sp_error child_output(const struct child_spec *spec, int64_t ms, struct buf *out, int *status)
{
    sp_boot_ms until = clock_boot() + ms;
    int pipe_fd[2];
    pid_t pid;
    sp_error e;

    if (stopped(spec->stop))
        return SP_ERR_CLOSED;
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return SP_ERR_IO;
    e = spawn(spec, pipe_fd[1], &pid);
    close(pipe_fd[1]);
    if (e != SP_OK) {
        close(pipe_fd[0]);
        return e;
    }
    if ((e = collect(pipe_fd[0], until, spec->stop, out)) == SP_OK)
        e = reap(pid, until, status);
    close(pipe_fd[0]);
    if (e != SP_OK) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return e;
}
