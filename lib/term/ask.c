#include "lib/term/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

static void say(int tty, const char *text)
{
    struct view rest = view_str(text);

    while (rest.len > 0) {
        ssize_t n = write(tty, rest.at, rest.len);
        if (n <= 0 && errno != EINTR)
            return;
        if (n > 0)
            rest = view_slice(rest, (size_t)n, rest.len);
    }
}

/* One character less, not one byte: UTF-8's continuation bytes go with their first. */
static void rub_out(struct buf *out, size_t before)
{
    while (out->len > before) {
        uint8_t gone = out->at[--out->len];
        out->at[out->len] = 0;
        if ((gone & 0xc0) != 0x80)
            return;
    }
}

/*
 * The terminal gives every key at once and no signal, so that Ctrl-C comes to us as a byte and
 * can't leave the terminal without echo.
 */
static sp_error read_keys(int tty, struct buf *out)
{
    size_t before = out->len;
    sp_error e = SP_OK;
    uint8_t key;

    while (e == SP_OK) {
        ssize_t n = read(tty, &key, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || key == CTRL_C || (key == CTRL_D && out->len == before))
            e = n < 0 ? SP_ERR_IO : SP_ERR_CANCELLED;
        else if (key == '\n' || key == '\r')
            return SP_OK;
        else if (key == BACKSPACE || key == DELETE)
            rub_out(out, before);
        else if (key == CTRL_U)
            out->len = before;
        else if (key >= 0x20)
            e = buf_append(out, (struct view){&key, 1});
    }
    out->len = before;
    return e;
}

sp_error ask_hidden(const char *prompt, struct buf *out)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios was, hidden;
    sp_error e = SP_ERR_UNSUPPORTED;

    if (tty < 0)
        return e;
    if (tcgetattr(tty, &was) == 0) {
        hidden = was;
        hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
        hidden.c_cc[VMIN] = 1;
        hidden.c_cc[VTIME] = 0;
        say(tty, prompt);
        if (tcsetattr(tty, TCSAFLUSH, &hidden) == 0) {
            e = read_keys(tty, out);
            tcsetattr(tty, TCSAFLUSH, &was);
        }
        say(tty, "\n");
    }
    close(tty);
    return e;
}

sp_error ask_line(const char *prompt, struct buf *out)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    size_t before = out->len;
    sp_error e = SP_OK;
    uint8_t key = 0;

    if (tty < 0)
        return SP_ERR_UNSUPPORTED;
    say(tty, prompt);
    while (e == SP_OK) {
        ssize_t n = read(tty, &key, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            e = n < 0 ? SP_ERR_IO : SP_ERR_CANCELLED;
        else if (key == '\n')
            break;
        else
            e = buf_append(out, (struct view){&key, 1});
    }
    close(tty);
    if (e != SP_OK)
        out->len = before;
    return e;
}

sp_error ask_yes(const char *prompt, bool *out)
{
    struct buf answer;
    sp_error e;

    buf_init(&answer, 64);
    if ((e = ask_line(prompt, &answer)) == SP_OK)
        *out = answer.len > 0 && (answer.at[0] == 'y' || answer.at[0] == 'Y');
    buf_deinit(&answer);
    return e;
}
