#ifndef SP_OS_CHILD_H
#define SP_OS_CHILD_H

/*
 * child: another program, started without a shell and watched until its end. It has the usual soft
 * limit of 1,024 descriptors, also where ours is higher (loop.h): it may call select(2).
 */

#include "lib/base/buf.h"

#include <stdatomic.h>
#include <sys/types.h>

struct loop;
struct child;

struct child_spec {
    const char *path;        /* absolute, or with `search` a name for PATH */
    const char *const *argv; /* NULL-ended; argv[0] included */
    const char *const *env;  /* NULL: the caller's */
    const char *cwd;         /* NULL: the caller's */
    bool search;             /* look in PATH */
    bool die_with_parent;    /* SIGTERM when the starting thread's process ends */
    bool quiet;              /* standard output and error go to /dev/null */
    const atomic_bool *stop; /* child_output: once true, it ends within CHILD_STOP_MS; or NULL */
};

enum { CHILD_STOP_MS = 100 };

/* The end, from the loop: exit status 0 to 255, or -1 and the signal. Call child_free in it. */
typedef void child_ended(void *arg, int status, int signo);

/*
 * Loop thread. `spec` is borrowed for the call.
 *   SP_ERR_NOT_FOUND  no such program
 *   SP_ERR_PERMISSION, SP_ERR_NOMEM, SP_ERR_IO
 */
SP_MUST sp_error child_start(struct loop *l, const struct child_spec *spec, child_ended *ended,
                             void *arg, struct child **out);
void child_signal(struct child *c, int signo);
pid_t child_pid(const struct child *c);
/* Does not end it: signal first. Its end is not told any more. NULL is allowed. */
void child_free(struct child *c);

/*
 * Any thread: runs to the end, at most `ms`, and appends what it writes to standard output, up to
 * the buf's limit; standard error is dropped. The environment is exactly `env`.
 *   SP_ERR_NOT_FOUND, SP_ERR_PERMISSION
 *   SP_ERR_TIMEOUT  killed at the deadline
 *   SP_ERR_CLOSED   killed, or not even started, since `stop` was set
 *   SP_ERR_LIMIT    wrote more than fits; killed
 *   SP_ERR_IO
 */
SP_MUST sp_error child_output(const struct child_spec *spec, int64_t ms, struct buf *out,
                              int *status);

#endif
