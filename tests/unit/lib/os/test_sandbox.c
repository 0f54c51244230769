#include "lib/os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs `fn` in a child, since what a sandbox takes does not come back. */
static int in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int early(void)
{
    int inherited = open("/dev/null", O_RDWR); /* what a shell gives, as /dev/fd/63 */
    mode_t before = umask(022);

    close(STDIN_FILENO);
    if (sandbox_early() != SP_OK)
        return 1;
#if !defined(__SANITIZE_ADDRESS__)
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 2;
#endif
    if (fcntl(inherited, F_GETFD) == -1 || fcntl(STDIN_FILENO, F_GETFD) == -1)
        return 3;
    return umask(before) == 022 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? 0 : 4;
}

static int serve(unsigned rights, int gains_nothing)
{
    struct rlimit core;
    int inherited = open("/dev/null", O_RDWR); /* a descriptor that someone left open */

    if (sandbox_serve(rights) != SP_OK)
        return 1;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
        return 2;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != gains_nothing)
        return 3;
    if (fcntl(inherited, F_GETFD) != -1)
        return 4;
    return umask(0) == 077 ? 0 : 5;
}

static int serve_alone(void)
{
    return serve(0, 1);
}

static int serve_and_start_browsers(void)
{
    return serve(SANDBOX_MAY_EXEC | SANDBOX_MAY_GAIN, 0);
}

static void HRD_12_early_closes_memory_and_leaves_the_rest_to_the_command(void **state)
{
    (void)state;
    assert_int_equal(in_child(early), 0);
}

static void HRD_12_who_serves_gives_up_what_nobody_needs(void **state)
{
    (void)state;
    assert_int_equal(in_child(serve_alone), 0);
    assert_int_equal(in_child(serve_and_start_browsers), 0);
}

static int filtered(unsigned rights, bool exec_wanted)
{
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};

    if (sandbox_syscalls(rights, NULL) != SP_OK)
        return 1;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1 || errno != EPERM)
        return 2;
    if (mount("none", "/tmp", "tmpfs", 0, NULL) != -1 || errno != EPERM)
        return 3;
    if (getpid() <= 0 || close(dup(1)) != 0)
        return 4; /* what programs do every day still works */
    execv("/bin/true", argv);
    return exec_wanted ? 5 : errno == EPERM ? 0 : 6;
}

static int without_exec(void)
{
    return filtered(0, false);
}

static int with_exec(void)
{
    return filtered(SANDBOX_MAY_EXEC, true);
}

static void HRD_system_calls_are_refused(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_exec), 0);
    assert_int_equal(in_child(with_exec), 0); /* /bin/true's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_12_early_closes_memory_and_leaves_the_rest_to_the_command),
        cmocka_unit_test(HRD_12_who_serves_gives_up_what_nobody_needs),
        cmocka_unit_test(HRD_system_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
