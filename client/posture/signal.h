#ifndef SP_CLIENT_POSTURE_SIGNAL_H
#define SP_CLIENT_POSTURE_SIGNAL_H

/*
 * signal: one fact about this machine, or the honest statement that it is not known.
 *
 * Made by   the collectors of this room.
 * Read by   the agent, which puts signals into the signed report (lib/trust/report.h), and
 *           `sallyport posture`.
 * Not here  any judgement of policy: the broker evaluates, never the agent (TM-11).
 *
 * A zeroed signal is unknown. A default value of some program is not a fact, text that does not
 * parse is unknown, and unknown is never pass (C-017). Any thread; no allocation.
 */

#include "lib/base/clock.h"
#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum signal_state {
    SEEN_UNKNOWN = 0, /* `reason` says why, in words for people */
    SEEN_FAIL,        /* seen, and bad; `reason` says what was seen */
    SEEN_PASS,        /* seen, and good */
    SEEN_TEXT,        /* a value without a verdict: `text` */
    SEEN_NUMBER       /* a value without a verdict: `number`, unit in the signal's name */
};

enum { SIGNAL_TEXT_MAX = 128, SIGNAL_REASON_MAX = 192, SIGNAL_SOURCE_MAX = 96, SIGNALS_MAX = 32 };

struct signal {
    const char *name; /* static, from the table in collect.c: "disk_encryption" */
    enum signal_state state;
    int64_t number;
    char text[SIGNAL_TEXT_MAX];     /* the value, or what was seen: "LUKS2 (dm-0)"; may be "" */
    char reason[SIGNAL_REASON_MAX]; /* "" where there is nothing to explain */
    char source[SIGNAL_SOURCE_MAX]; /* the file or program: "/proc/self/mountinfo, sysfs" */
    sp_unix_ms observed;
};

/* What one run of all collectors saw. Each signal of the table once, in the table's order. */
struct signals {
    struct signal at[SIGNALS_MAX];
    size_t count;
};

/* The signal of that name, NULL when there is none. */
const struct signal *signals_find(const struct signals *all, const char *name);

/* Setters for collectors: they fill the signal `name`, which the table must hold; values that are
 * too long are cut at a character's border and control characters become '?'. Formats as printf. */
void signal_unknown(struct signals *all, const char *name, const char *source, const char *reason,
                    ...) SP_PRINTF(4, 5);
void signal_verdict(struct signals *all, const char *name, bool pass, const char *source,
                    const char *reason, ...) SP_PRINTF(5, 6);
void signal_text(struct signals *all, const char *name, const char *source, const char *text, ...)
    SP_PRINTF(4, 5);
void signal_number(struct signals *all, const char *name, const char *source, int64_t number);
/* What was seen beside a verdict; appended to one that is set. */
void signal_seen(struct signals *all, const char *name, const char *text, ...) SP_PRINTF(3, 4);

/* "unknown", "fail", "pass", or "value". Static storage. */
const char *signal_state_text(enum signal_state state);

#endif
