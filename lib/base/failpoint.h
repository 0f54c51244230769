#ifndef SP_BASE_FAILPOINT_H
#define SP_BASE_FAILPOINT_H

/*
 * failpoint: named places where a test makes a program fail: it dies at once, a call fails, a write
 * comes short, time passes. Placed at each step of what works at most once, of what must be
 * durable and of what is sent (SECURITY.md section 8).
 *
 * Release   without --enable-failpoints (which --enable-sanitizers brings along) the macros are
 *           nothing: no name, no branch, no code. tests/lint/symbols.py looks for them.
 * Arming    a debug build opens the file that SALLYPORT_FAILPOINTS names before main(), and again
 *           when a sandbox has closed it: stand it where the program may read. Writing into the
 *           file arms and disarms while the program runs. One rule a line:
 *             NAME exit          the process is gone as with kill -9
 *             NAME errno ENOSPC  the call fails so (EIO EROFS ENOMEM EAGAIN ECONNRESET)
 *             NAME delay MS      a pause
 *             NAME short N       only the first N bytes of a write go
 *           and behind it, each or none: "skip N", it begins with pass N + 1; "times N", it ends
 *           after N passes. Passes count from when the file last changed. A rule that names no
 *           place is never met: tests/faults checks its names against the sources.
 * Writing   FAILPOINT("store:commit");                     exit, delay
 *           int number = FAILPOINT_ERRNO("file:sync");     and errno; 0: go on
 *           size_t n = FAILPOINT_SHORT("db:short", len);   exit, delay, short
 *           Names are literals, each in one place, of the form room:step.
 * Threads   any.
 */

#ifdef SP_FAILPOINTS

#include <stddef.h>

void failpoint_pass(const char *name);
int failpoint_errno(const char *name);
size_t failpoint_short(const char *name, size_t len);

#define FAILPOINT(name) failpoint_pass(name)
#define FAILPOINT_ERRNO(name) failpoint_errno(name)
#define FAILPOINT_SHORT(name, len) failpoint_short((name), (len))

#else

#define FAILPOINT(name) ((void)0)
#define FAILPOINT_ERRNO(name) 0
#define FAILPOINT_SHORT(name, len) (len)

#endif

#endif
