#ifndef SP_POLICY_ZONE_RULE_H
#define SP_POLICY_ZONE_RULE_H

/*
 * zone_rule: the footer of a TZif file (RFC 8536 section 3.3): a POSIX TZ string, which says how
 * offsets go on after the last listed transition. Pure.
 */

#include "lib/base/view.h"

enum { DAY_SECONDS = 24 * 3600 };

/* A day of a year: "Mm.w.d", "Jn" or "n", and seconds after its midnight (may be negative). */
struct zone_day {
    enum { ZONE_DAY_NONE = 0, ZONE_DAY_MONTH, ZONE_DAY_JULIAN, ZONE_DAY_ZERO } kind;
    int month, week, weekday; /* weekday: 0 is Sunday, as POSIX has it */
    int day;
    int64_t at;
};

struct zone_rule {
    bool known;
    bool has_dst;
    int64_t std, dst; /* seconds east of UTC */
    struct zone_day begin, end;
};

/* An empty text is a rule that is not known.
 *   SP_ERR_MALFORMED */
SP_MUST sp_error zone_rule_parse(struct view text, struct zone_rule *out);

/* Seconds east of UTC at `t` (seconds since 1970). */
int64_t zone_rule_offset(const struct zone_rule *r, int64_t t);
/* The first change after `t`, within the next two years; 0: none. */
int64_t zone_rule_next(const struct zone_rule *r, int64_t t);

/* Days since 1970-01-01 of a civil date of the proleptic Gregorian calendar. */
int64_t civil_day(int64_t year, int month, int day);
int64_t civil_year(int64_t day);

#endif
