#ifndef SP_POLICY_ZONE_H
#define SP_POLICY_ZONE_H

/*
 * zone: one IANA time zone, read once from its TZif file (RFC 8536), then pure.
 *
 * Only the 64-bit block and the footer (a POSIX TZ string for the time after the last
 * transition) are used. Unchangeable after loading; any thread.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"
#include "lib/base/why.h"

struct zone;

/* Minutes since local midnight and the weekday of one moment. */
struct local_time {
    int64_t day; /* days since 1970-01-01 of the local calendar */
    int weekday; /* 0 is Monday */
    int64_t ms;  /* since local midnight by the wall clock: 0 to 86,399,999 */
};

/*
 * `name` is an IANA name of letters, digits, '_', '-', '+' and '/', without "..", at most 64
 * bytes; UTC is always known. `*out` is owned by the caller: zone_free().
 *   SP_ERR_INVALID    not such a name
 *   SP_ERR_NOT_FOUND  no file
 *   SP_ERR_CORRUPT    no TZif of version 2 or later
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error zone_load(const char *folder, const char *name, struct zone **out);
/* The same from bytes. Fuzzed by tests/fuzz/fuzz_zone.c. */
SP_MUST sp_error zone_parse(const char *name, struct view tzif, struct zone **out);
void zone_free(struct zone *z);

const char *zone_name(const struct zone *z);
struct local_time zone_local(const struct zone *z, sp_unix_ms t);

/*
 * The moment at which the wall clock shows `ms` on local `day`. In a repeated hour the first of
 * both; a time that does not exist (spring) gives the end of the gap. `ms` may be 86,400,000: the
 * next midnight.
 */
sp_unix_ms zone_moment(const struct zone *z, int64_t day, int64_t ms);
/* The same, but in a repeated hour the second of both. */
sp_unix_ms zone_moment_last(const struct zone *z, int64_t day, int64_t ms);

/* The first change of the zone's offset after `t`; 0: none is known within two years. */
sp_unix_ms zone_next_change(const struct zone *z, sp_unix_ms t);

#endif
