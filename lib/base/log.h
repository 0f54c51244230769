#ifndef SP_BASE_LOG_H
#define SP_BASE_LOG_H

/*
 * log: one JSON object a line on standard error, with journald's <N> prefix when standard error
 * is the journal.
 *
 * log_event(LOG_WARN, "relay.refuse", "grant was spent before", "relay", LOG_ID(id), NULL)
 * Fields are name/value pairs of C strings, ended by NULL; values are escaped, a NULL value is
 * null, and a value is cut after LOG_VALUE_MAX bytes. A field whose name says that it holds a
 * secret (password, secret, seed, cookie, authorization anywhere in it; token, code, grant,
 * ticket as its last word) is written as "[redacted]", and so is any value in which a word begins
 * with v4.public., v4.local., spe_, spt_, sat_, sas_ or eyJ. Each (level, event) is limited to
 * LOG_BURST lines a second; what was left out is counted in the next line as "suppressed". Any
 * thread. Never blocks longer than a write to standard error. Not the audit log: that is durable
 * and lives in broker/audit.
 */

#include "lib/base/id.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum { LOG_BURST = 20, LOG_LINE_MAX = 4096, LOG_VALUE_MAX = 1024 };

/* Before the first line, from main; default is LOG_INFO and "sallyport". Borrows `program`. */
void log_setup(const char *program, enum log_level least);
/* Tests and `doctor` read lines instead of standard error; NULL gives it back. */
void log_capture(void (*line)(void *arg, const char *text), void *arg);

void log_event(enum log_level level, const char *event, const char *text, ...)
    __attribute__((sentinel));

/* For values in the field list, alive within the full expression. */
#define LOG_ID(id) id_text(id).s
struct log_number {
    char s[24];
};
struct log_number log_number(int64_t n);
#define LOG_INT(n) log_number(n).s

#endif
