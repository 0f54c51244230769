#include "lib/term/ask.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* Asks in a child that has a pseudo terminal, types `keys` when the prompt stands there; `screen`
 * gets all that the terminal showed. The child's exit status is the error. */
static sp_error run(bool hidden, const char *keys, const char *expected, char *screen, size_t room,
                    bool *echo_after)
{
    struct winsize size = {24, 80, 0, 0};
    struct termios after;
    int master, status;
    size_t len = 0;
    bool typed = false;
    pid_t pid = forkpty(&master, NULL, NULL, &size);

    assert_true(pid >= 0);
    if (pid == 0) {
        struct buf answer;
        buf_init(&answer, 16);
        sp_error e = hidden ? ask_hidden("Code: ", &answer) : ask_line("Code: ", &answer);
        if (e == SP_OK && !view_is(buf_view(&answer), expected))
            e = SP_ERR_INTERNAL;
        if (e != SP_OK && answer.len != 0)
            e = SP_ERR_INTERNAL;
        tcgetattr(0, &after);
        _exit((int)e | ((after.c_lflag & ECHO) && (after.c_lflag & ISIG) ? 128 : 0));
    }
    for (;;) {
        ssize_t n = read(master, screen + len, room - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        screen[len] = '\0';
        if (!typed && strstr(screen, "Code: ") != NULL) {
            usleep(50000); /* the prompt comes before the echo goes */
            assert_int_equal(write(master, keys, strlen(keys)), (ssize_t)strlen(keys));
            typed = true;
        }
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(master);
    assert_true(WIFEXITED(status));
    *echo_after = (WEXITSTATUS(status) & 128) != 0;
    return (sp_error)(WEXITSTATUS(status) & 127);
}

static void test_a_hidden_answer_is_not_shown(void **state)
{
    char screen[256] = "";
    bool echo = false;

    (void)state;
    assert_int_equal(run(true,
                         "s\xc3\xa9"
                         "x\x7f\x7f"
                         "ecret\r",
                         "secret", screen, sizeof screen, &echo),
                     SP_OK);
    assert_null(strstr(screen, "ecret"));
    assert_true(echo);
}

static void test_ctrl_c_leaves_the_terminal_as_it_was(void **state)
{
    char screen[256] = "";
    bool echo = false;

    (void)state;
    assert_int_equal(run(true, "sec\x03", "", screen, sizeof screen, &echo), SP_ERR_CANCELLED);
    assert_true(echo);
}

static void test_too_long_is_refused(void **state)
{
    char screen[256] = "";
    bool echo = false;

    (void)state;
    assert_int_equal(run(true, "12345678901234567\r", "", screen, sizeof screen, &echo),
                     SP_ERR_LIMIT);
    assert_true(echo);
}

static void test_a_line_is_shown(void **state)
{
    char screen[256] = "";
    bool echo = false;

    (void)state;
    assert_int_equal(run(false, "name\n", "name", screen, sizeof screen, &echo), SP_OK);
    assert_non_null(strstr(screen, "name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hidden_answer_is_not_shown),
        cmocka_unit_test(test_ctrl_c_leaves_the_terminal_as_it_was),
        cmocka_unit_test(test_too_long_is_refused),
        cmocka_unit_test(test_a_line_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
