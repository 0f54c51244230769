#include "lib/base/log.h"

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { RATE_SLOTS = 128, EVENT_MAX = 64, RATE_WINDOW_MS = 1000 };

/* Lines of one (level, event) in the running second. */
struct rate {
    char event[EVENT_MAX];
    enum log_level level;
    sp_boot_ms since;
    unsigned lines, suppressed;
};

/* The one place of the project whose state belongs to the whole process: standard error does. */
static struct {
    pthread_mutex_t lock;
    const char *program; /* borrowed */
    enum log_level least;
    bool journal;
    void (*line)(void *arg, const char *text);
    void *arg;
    struct rate rates[RATE_SLOTS];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .program = "sallyport", .least = LOG_INFO};

/* systemd.exec(5): JOURNAL_STREAM is device and inode of the journal's end of standard error. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return false;
    snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, mine) == 0;
}

void log_setup(const char *program, enum log_level least)
{
    pthread_mutex_lock(&logger.lock);
    logger.program = program;
    logger.least = least;
    logger.journal = stderr_is_journal();
    pthread_mutex_unlock(&logger.lock);
}

void log_capture(void (*line)(void *arg, const char *text), void *arg)
{
    pthread_mutex_lock(&logger.lock);
    logger.line = line;
    logger.arg = arg;
    pthread_mutex_unlock(&logger.lock);
}

static bool word_is(struct view word, const char *const list[])
{
    for (size_t i = 0; list[i] != NULL; i++) {
        if (word.len == strlen(list[i]) &&
            strncasecmp((const char *)word.at, list[i], word.len) == 0)
            return true;
    }
    return false;
}

/* Words are split at what is no letter and no digit: "x-api-token", "access_token". */
static bool name_is_secret(const char *name)
{
    static const char *const anywhere[] = {"password", "passwd",        "passphrase", "secret",
                                           "seed",     "authorization", "cookie",     "bearer",
                                           "verifier", "private",       NULL};
    static const char *const last[] = {"token", "code", "grant", "ticket", "otp", "totp", NULL};
    static const char *const harmless[] = {"exit", "error", "status", "close", NULL};
    struct view word = {0}, before = {0};

    for (const char *at = name; *at != '\0';) {
        size_t n = 0;
        while (isalnum((unsigned char)at[n]))
            n++;
        if (n > 0) {
            before = word;
            word = (struct view){(const uint8_t *)at, n};
            if (word_is(word, anywhere))
                return true;
        }
        at += n + (at[n] != '\0');
    }
    return word_is(word, last) && !word_is(before, harmless);
}

static bool value_is_secret(const char *value)
{
    static const char *const marks[] = {"v4.public.", "v4.local.", "spe_", "spt_",
                                        "sat_",       "sas_",      "eyJ"};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        for (const char *at = strstr(value, marks[i]); at != NULL; at = strstr(at + 1, marks[i])) {
            if (at == value || !isalnum((unsigned char)at[-1]))
                return true;
        }
    }
    return false;
}

/* A JSON string of `text`, cut after LOG_VALUE_MAX bytes; bytes that steer a terminal show. */
static void add_string(struct buf *line, const char *text)
{
    struct buf visible;

    buf_init(&visible, 8 * LOG_VALUE_MAX);
    size_t len = strnlen(text, LOG_VALUE_MAX + 1);
    encode_visible((struct view){(const uint8_t *)text, len > LOG_VALUE_MAX ? LOG_VALUE_MAX : len},
                   &visible);
    buf_add_byte(line, '"');
    for (size_t i = 0; i < visible.len; i++) {
        if (visible.at[i] == '"' || visible.at[i] == '\\')
            buf_add_byte(line, '\\');
        buf_add_byte(line, visible.at[i]);
    }
    if (len > LOG_VALUE_MAX)
        buf_add_str(line, "…");
    buf_add_byte(line, '"');
    buf_deinit(&visible);
}

/* One member, or nothing when the line has no room for it: a line is never cut in the middle. */
static void add_member(struct buf *line, const char *name, const char *value)
{
    size_t before = line->len;

    if (buf_error(line) != SP_OK)
        return;
    buf_add_byte(line, ',');
    add_string(line, name);
    buf_add_byte(line, ':');
    if (value == NULL)
        buf_add_str(line, "null");
    else
        add_string(line, name_is_secret(name) || value_is_secret(value) ? "[redacted]" : value);
    if (buf_error(line) != SP_OK)
        line->len = before; /* err stays: later members are left out too, and the line says so */
}

/*
 * The slot of (level, event), started anew when its second is over. `lost` gets the lines that
 * were left out before. A full table gives up the oldest slot.
 */
static struct rate *rate_of(enum log_level level, const char *event, sp_boot_ms now, unsigned *lost)
{
    struct rate *oldest = &logger.rates[0];

    for (size_t i = 0; i < RATE_SLOTS; i++) {
        struct rate *r = &logger.rates[i];
        if (r->event[0] != '\0' && r->level == level &&
            strncmp(r->event, event, EVENT_MAX - 1) == 0) {
            if (now - r->since < RATE_WINDOW_MS)
                return r;
            oldest = r;
            break;
        }
        if (r->since < oldest->since)
            oldest = r;
    }
    *lost = oldest->suppressed;
    *oldest = (struct rate){.level = level, .since = now};
    snprintf(oldest->event, EVENT_MAX, "%s", event);
    return oldest;
}

static void write_out(struct buf *line)
{
    struct view rest = buf_view(line);

    while (rest.len > 0) {
        ssize_t n = write(STDERR_FILENO, rest.at, rest.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere to say it */
        rest = view_slice(rest, (size_t)n, rest.len);
    }
}

/* Under the lock, so that lines of two threads never mix. */
static void emit(struct buf *line)
{
    if (logger.line == NULL) {
        buf_add_byte(line, '\n');
        write_out(line);
        return;
    }
    const char *text = buf_cstr(line);
    if (text != NULL)
        logger.line(logger.arg, text);
}

static void finish(struct buf *line, unsigned lost)
{
    bool cut = buf_error(line) != SP_OK;

    line->err = SP_OK;
    line->max += 64; /* kept free for the end of the line */
    if (lost > 0)
        buf_addf(line, ",\"suppressed\":%u", lost);
    if (cut)
        buf_add_str(line, ",\"truncated\":true");
    buf_add_byte(line, '}');
}

static void write_line(enum log_level level, const char *event, const char *text, va_list fields,
                       unsigned lost)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    static const int priorities[] = {3, 4, 6, 7}; /* sd-daemon(3) */
    struct buf line;

    buf_init(&line, LOG_LINE_MAX - 64);
    if (logger.journal && logger.line == NULL)
        buf_addf(&line, "<%d>", priorities[level]);
    buf_addf(&line, "{\"t\":\"%s\",\"level\":\"%s\"", clock_text(clock_unix()).s, names[level]);
    add_member(&line, "program", logger.program);
    add_member(&line, "event", event);
    add_member(&line, "text", text);
    for (const char *name = va_arg(fields, const char *); name != NULL;
         name = va_arg(fields, const char *))
        add_member(&line, name, va_arg(fields, const char *));
    finish(&line, lost);
    emit(&line);
    buf_deinit(&line);
}

void log_event(enum log_level level, const char *event, const char *text, ...)
{
    unsigned lost = 0;
    int saved = errno; /* a caller may still want its errno after it logged */

    pthread_mutex_lock(&logger.lock);
    if (level <= logger.least) {
        struct rate *r = rate_of(level, event, clock_boot(), &lost);
        if (r->lines < LOG_BURST) {
            va_list fields;
            r->lines++;
            va_start(fields, text);
            write_line(level, event, text, fields, lost);
            va_end(fields);
        } else {
            r->suppressed++;
        }
    }
    pthread_mutex_unlock(&logger.lock);
    errno = saved;
}

struct log_number log_number(int64_t n)
{
    struct log_number t;

    snprintf(t.s, sizeof t.s, "%lld", (long long)n);
    return t;
}
