#include "lib/os/sandbox.h"

#include "lib/base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/banned.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#else
#define MACHINE 0
#endif

/* LeakSanitizer reads its own process by ptrace; a program built with it stays dumpable. */
#if defined(__SANITIZE_ADDRESS__)
enum { LEAVE_DUMPABLE = 1 };
#else
enum { LEAVE_DUMPABLE = 0 };
#endif

enum { FIRST_INHERITED = 3 };

/* A descriptor 0, 1 or 2 that is closed would be given to the next socket, and a message for
 * people would go to a peer. */
static sp_error open_standard(void)
{
    for (int fd = 0; fd < FIRST_INHERITED; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return SP_ERR_IO;
    }
    return SP_OK;
}

/* Sockets that systemd passes (sd_listen_fds(3)) stand right after the standard three. */
static unsigned first_to_close(void)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    uint64_t n, who;

    if (count == NULL || pid == NULL || num_uint(view_str(count), 64, &n) != SP_OK ||
        num_uint(view_str(pid), INT32_MAX, &who) != SP_OK || (pid_t)who != getpid())
        return FIRST_INHERITED;
    return FIRST_INHERITED + (unsigned)n;
}

sp_error sandbox_early(void)
{
    if (open_standard() != SP_OK || (!LEAVE_DUMPABLE && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0))
        return SP_ERR_IO;
    return SP_OK;
}

sp_error sandbox_serve(unsigned rights)
{
    const struct rlimit none = {0, 0};

    umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0 ||
        ((rights & SANDBOX_MAY_GAIN) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
        return SP_ERR_IO;
    /* before Linux 5.9 there is no such call; what was inherited then stays open */
    if (syscall(SYS_close_range, first_to_close(), ~0u, 0) != 0 && errno != ENOSYS)
        return SP_ERR_IO;
    return SP_OK;
}

/* System calls that no program of ours makes, and that a taken-over one would like to. */
static const long refused[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_unshare,
    SYS_setns,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_quotactl,
    SYS_personality,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_pidfd_getfd,
    SYS_fsopen,
    SYS_move_mount,
};

enum { FILTER_MAX = 16 + 2 * (sizeof refused / sizeof *refused + 2) };

static void add(struct sock_filter *code, unsigned short *n, struct sock_filter op)
{
    code[(*n)++] = op;
}

/* Each call has its own "if equal, answer EPERM", so that no jump has to be counted. */
static void refuse_call(struct sock_filter *code, unsigned short *n, long call)
{
    add(code, n, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1));
    add(code, n, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

sp_error sandbox_syscalls(unsigned rights, struct sp_why *why)
{
    struct sock_filter code[FILTER_MAX];
    struct sock_fprog program = {0, code};

    if (MACHINE == 0)
        return sp_why_say(why, SP_ERR_UNSUPPORTED, "no system call filter for this machine type");

    /* another machine's numbers (32-bit calls, x32) would name other calls: the process ends */
    add(code, &program.len,
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                     offsetof(struct seccomp_data, arch)));
    add(code, &program.len, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
    add(code, &program.len,
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    add(code, &program.len,
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    add(code, &program.len,
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1));
    add(code, &program.len,
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        refuse_call(code, &program.len, refused[i]);
    if ((rights & SANDBOX_MAY_EXEC) == 0) {
        refuse_call(code, &program.len, SYS_execve);
        refuse_call(code, &program.len, SYS_execveat);
    }
    add(code, &program.len, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
        return sp_why_say(why, SP_ERR_UNSUPPORTED, "the kernel takes no system call filter: %s",
                          strerrordesc_np(errno));
    return SP_OK;
}

struct sandbox_state sandbox_state(void)
{
    struct sandbox_state text;
    int dumpable = prctl(PR_GET_DUMPABLE), closed = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    int filter = prctl(PR_GET_SECCOMP); /* -1: a kernel without */

    snprintf(text.s, sizeof text.s, "memory %s, set-uid %s, system calls %s",
             dumpable == 0 ? "closed to others" : "open to this user",
             closed == 1 ? "gains nothing" : "as usual",
             filter > 0                    ? "filtered"
             : filter == 0 && MACHINE != 0 ? "can be filtered"
                                           : "can't be filtered here");
    return text;
}
