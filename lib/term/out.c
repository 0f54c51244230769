#include "lib/term/out_internal.h"

#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/base/num.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { LINE_BYTES_MAX = 64 * 1024, WIDTH_LEAST = 20, MEMBER_NAME = 12 };

struct out out_on(FILE *file)
{
    struct out o = {.file = file};
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM"),
               *columns = getenv("COLUMNS");
    struct winsize size = {0};
    uint64_t n;

    if (!isatty(fileno(file)))
        return o;
    o.width = 80;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        o.width = size.ws_col;
    if (columns != NULL && num_uint(view_str(columns), 10000, &n) == SP_OK && n > 0)
        o.width = (unsigned)n;
    if (o.width < WIDTH_LEAST)
        o.width = WIDTH_LEAST;
    o.colour =
        (no_colour == NULL || no_colour[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    return o;
}

bool out_escape(const char *text, struct buf *out)
{
    buf_reset(out);
    encode_visible(view_str(text != NULL ? text : "–"), out);
    return buf_error(out) == SP_OK;
}

void out_blanks(const struct out *o, size_t n)
{
    fprintf(o->file, "%*s", (int)n, "");
}

void out_tinted(const struct out *o, struct view text, enum out_tone tone)
{
    static const char *const colours[] = {"", "\033[32m", "\033[33m", "\033[31m"};
    bool colour = o->colour && tone != OUT_PLAIN && text.len > 0;

    if (colour)
        fputs(colours[tone], o->file);
    if (text.len > 0)
        fwrite(text.at, 1, text.len, o->file);
    if (colour)
        fputs("\033[0m", o->file);
}

/* Bytes from the front of `text` that fit into `room` columns: whole words if there is a blank, and
 * none of the blanks behind them (two stand between columns, and the line would be too long). */
static size_t fitting(struct view text, size_t room)
{
    size_t at = 0, width = 0, blank = 0;
    bool between = false;

    while (at < text.len) {
        uint32_t c;
        size_t n = out_character(view_slice(text, at, text.len), &c);
        width += out_width(view_slice(text, at, n));
        if (c == ' ' && !between)
            blank = at;
        else if (c != ' ' && width > room)
            return blank > 0 ? blank : at > 0 ? at : n;
        between = c == ' ';
        at += n;
    }
    return between ? blank : text.len;
}

void out_wrapped(const struct out *o, struct view text, size_t indent, enum out_tone tone)
{
    size_t room = o->width > indent + 8 ? o->width - indent : o->width;

    while (o->width > 0 && out_width(text) > room) {
        size_t n = fitting(text, room);
        out_tinted(o, view_slice(text, 0, n), tone);
        text = view_slice(text, n, text.len);
        while (text.len > 0 && text.at[0] == ' ')
            text = view_slice(text, 1, text.len);
        if (text.len == 0)
            break;
        fputc('\n', o->file);
        out_blanks(o, indent);
    }
    out_tinted(o, text, tone);
    fputc('\n', o->file);
}

void out_line(const struct out *o, const char *text, ...)
{
    struct buf visible;
    char *line = NULL;
    va_list args;

    buf_init(&visible, LINE_BYTES_MAX);
    va_start(args, text);
    int n = vasprintf(&line, text, args);
    va_end(args);
    if (n >= 0 && out_escape(line, &visible))
        out_wrapped(o, buf_view(&visible), 0, OUT_PLAIN);
    if (n >= 0)
        free(line);
    buf_deinit(&visible);
}

void out_raw(const struct out *o, struct view text)
{
    out_tinted(o, text, OUT_PLAIN);
}

struct out_age out_age(int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    struct out_age age = {"now"};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ms < units[i].ms)
            continue;
        int64_t n = ms / units[i].ms;
        snprintf(age.s, sizeof age.s, "%lld %s", (long long)(n > 99999 ? 99999 : n), units[i].unit);
        break;
    }
    return age;
}

struct out_age out_ago(int64_t ms)
{
    struct out_age age = ms < 1000 ? (struct out_age){"just now"} : out_age(ms);
    size_t len = strlen(age.s);

    if (ms >= 1000)
        snprintf(age.s + len, sizeof age.s - len, " ago");
    return age;
}

/* "relayId" as people write it, "relay id", into a column of MEMBER_NAME. */
static void print_member_name(const struct out *o, const char *name)
{
    char words[64];
    size_t n = 0;

    for (const char *c = name; *c != '\0' && n + 2 < sizeof words; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper)
            words[n++] = ' ';
        words[n++] = (char)(upper ? *c - 'A' + 'a' : *c);
    }
    words[n] = '\0';
    fprintf(o->file, "%-*s ", MEMBER_NAME, words);
}

void out_members(const struct out *o, const struct json *object)
{
    struct buf text, visible;

    buf_init(&text, LINE_BYTES_MAX);
    buf_init(&visible, LINE_BYTES_MAX);
    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i)) {
        const char *s = json_cstr(json_iter_value(i));
        buf_reset(&text);
        if (s == NULL)
            sp_ignore(json_write(json_iter_value(i), &text)); /* an odd value shows as nothing */
        if (!out_escape(s == NULL ? buf_cstr(&text) : s[0] == '\0' ? "none" : s, &visible))
            continue;
        print_member_name(o, json_iter_name(i));
        out_wrapped(o, buf_view(&visible), MEMBER_NAME + 1, OUT_PLAIN);
    }
    buf_deinit(&text);
    buf_deinit(&visible);
}
