/* Failpoints as the header says them; only in debug builds. */
#include "lib/base/clock.h"
#include "lib/base/failpoint.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *armed; /* the file that this program was started with */

static void arm(const char *rules)
{
    int fd = open(armed, O_WRONLY | O_TRUNC);

    check(fd >= 0);
    assert_int_equal(write(fd, rules, strlen(rules)), (ssize_t)strlen(rules));
    close(fd);
}

static void nothing_armed_means_nothing(void **state)
{
    (void)state;
    arm("");
    FAILPOINT("test:one");
    assert_int_equal(FAILPOINT_ERRNO("test:one"), 0);
    assert_int_equal(FAILPOINT_SHORT("test:one", 17), 17);
}

static void an_errno_after_some_passes_and_for_some(void **state)
{
    static const int want[] = {0, 0, ENOSPC, ENOSPC, ENOSPC, 0, 0};

    (void)state;
    arm("test:one errno ENOSPC skip 2 times 3\n");
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_int_equal(FAILPOINT_ERRNO("test:two"), 0); /* another place's passes do not count */
        assert_int_equal(FAILPOINT_ERRNO("test:one"), want[i]);
    }
    arm("test:one errno EIO\n"); /* the file changed: passes count anew */
    assert_int_equal(FAILPOINT_ERRNO("test:one"), EIO);
    arm("");
    assert_int_equal(FAILPOINT_ERRNO("test:one"), 0);
}

static void a_short_write_and_a_delay(void **state)
{
    (void)state;
    arm("test:one short 5 times 1\ntest:two delay 30\n");
    assert_int_equal(FAILPOINT_SHORT("test:one", 17), 5);
    assert_int_equal(FAILPOINT_SHORT("test:one", 17), 17);
    sp_boot_ms before = clock_boot();
    FAILPOINT("test:two");
    check(clock_boot() - before >= 29);
}

static void exit_is_kill_9(void **state)
{
    int status = 0;

    (void)state;
    arm("test:one exit skip 1\n");
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        FAILPOINT("test:one");
        FAILPOINT("test:one");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_line_that_means_nothing_does_nothing(void **state)
{
    (void)state;
    arm("test:one\ntest:one explode\n\ntest:one errno EIO skip x\ntest:two errno ENOSPC"); /* no \n
                                                                                            */
    assert_int_equal(FAILPOINT_ERRNO("test:one"), EIO);
    assert_int_equal(FAILPOINT_ERRNO("test:two"), 0);
}

/* Starts itself again with a file of its own: it is opened before main(). */
int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_armed_means_nothing),
        cmocka_unit_test(an_errno_after_some_passes_and_for_some),
        cmocka_unit_test(a_short_write_and_a_delay),
        cmocka_unit_test(exit_is_kill_9),
        cmocka_unit_test(a_line_that_means_nothing_does_nothing),
    };
    char path[] = "/tmp/sp-failpoints-XXXXXX";

    (void)argc;
    if ((armed = getenv("SALLYPORT_FAILPOINTS")) != NULL) {
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        (void)unlink(armed);
        return failed;
    }
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0 || setenv("SALLYPORT_FAILPOINTS", path, 1) != 0)
        return 1;
    execv("/proc/self/exe", argv);
    return 1;
}
