#ifndef SP_POLICY_SAY_H
#define SP_POLICY_SAY_H

/*
 * say: the words of conditions and facts, for sentences (explain.c) and the trace (trace.c).
 * Pure; appends to a buf, whose errors are sticky.
 */

#include "broker/policy/decide.h"
#include "lib/base/buf.h"

/* "20 min", "4 h", "25 h", "3 d"; long: "25 minutes". Rounded down. */
void say_age(int64_t ms, struct buf *out);
void say_long_age(int64_t ms, struct buf *out);

/* "Disk encryption", "CrowdStrike score". */
void say_signal(const char *name, struct buf *out);
/* "off", "on", "1.2"; "unknown". */
void say_value(const char *signal, const struct fact_value *v, struct buf *out);
/* "the agent", "the device management", "CrowdStrike". */
const char *say_source(const char *source);
/* What to do about a failing signal: "Turn encryption on". */
const char *say_remedy(const char *signal);

/* "Monday to Friday, 07:00–20:00 (Europe/Berlin)". */
void say_window(const struct time_window *w, struct buf *out);

/* What a condition asks for, and what is known about it, for admins. */
void say_asked(const struct condition *c, struct buf *out);
void say_asked_test(const struct signal_test *t, struct buf *out);
void say_fact(const struct condition *c, const struct facts *f, struct buf *out);
void say_fact_test(const struct signal_test *t, const struct facts *f, struct buf *out);

#endif
