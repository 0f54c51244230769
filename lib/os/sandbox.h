#ifndef SP_OS_SANDBOX_H
#define SP_OS_SANDBOX_H

/*
 * sandbox: what a program gives up before it reads a foreign byte (SECURITY HRD).
 *
 * The units in packaging/systemd do more; this holds without them, in containers and `dev` too.
 */

#include "lib/base/error.h"
#include "lib/base/why.h"

#include <stdbool.h>

/*
 * First line of every program's main: its memory is closed to other processes of this user (no
 * ptrace, no /proc/PID/mem) and in no core file, and descriptors 0-2 are open. Programs that it
 * starts are as usual. One thread so far.
 *   SP_ERR_IO
 */
SP_MUST sp_error sandbox_early(void);

enum sandbox_rights {
    SANDBOX_MAY_EXEC = 1, /* starts other programs (`broker dev`, the agent's collectors) */
    SANDBOX_MAY_GAIN = 2, /* starts programs that may be set-uid (the agent: a browser's sandbox) */
};

/*
 * First thing of a command that serves until it is told to stop: no core files of what it starts
 * either, umask 077, all descriptors closed but 0-2 and those of systemd's socket activation
 * (LISTEN_FDS), no new privileges by set-uid programs unless SANDBOX_MAY_GAIN. Commands that end by
 * themselves keep what their shell gave them, such as /dev/fd/63. One thread so far.
 *   SP_ERR_IO
 */
SP_MUST sp_error sandbox_serve(unsigned rights);

/*
 * Before the first loop is made, since libuv (1.45 and newer) makes an io_uring ring for it where
 * it may and ends the program when the ring is refused later; and before other threads start:
 * system calls that none of our programs needs answer EPERM from here on (ptrace, process_vm_*,
 * mount, bpf, kexec, module loading, keyctl, userfaultfd, perf_event_open, io_uring, …; execve
 * unless SANDBOX_MAY_EXEC). A kernel without seccomp, or an unknown machine type, is told in `why`
 * and is no failure of the caller's: SP_ERR_UNSUPPORTED
 */
SP_MUST sp_error sandbox_syscalls(unsigned rights, struct sp_why *why);

/* What holds for this process right now, in words, for `version`: whether others may look into it,
 * set-uid programs gain nothing, and system calls are filtered, or can be. Borrowed. */
struct sandbox_state {
    char s[160];
};
struct sandbox_state sandbox_state(void);

#endif
