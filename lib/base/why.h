#ifndef SP_BASE_WHY_H
#define SP_BASE_WHY_H

/*
 * why: the reason of a refusal in words, for whoever has to mend it.
 *
 * Made by   parsers of what people write (configuration, policies, API bodies, command lines).
 * Read by   logs, RFC 9457 bodies, terminals.
 * A zeroed why says nothing. Functions that take one accept NULL.
 */

#include "lib/base/error.h"

enum { SP_WHY_TEXT_MAX = 512, SP_WHY_FIELD_MAX = 128 };

struct sp_why {
    char text[SP_WHY_TEXT_MAX];   /* what is wrong and what would be right; never a secret */
    char field[SP_WHY_FIELD_MAX]; /* "policies[2].allow[0].when.mfa"; empty: the whole */
    unsigned line, column;        /* from 1; 0: not known */
};

/*
 * Writes the sentence, keeps what fits, escapes control characters, and returns `e`, so that a
 * refusal is one line: return sp_why_say(why, SP_ERR_INVALID, "port %d is above 65535", port);
 */
SP_MUST sp_error sp_why_say(struct sp_why *why, sp_error e, const char *format, ...)
    SP_PRINTF(3, 4);

/* Names the field. The first call wins, so that the innermost parser is the most exact. */
void sp_why_field(struct sp_why *why, const char *format, ...) SP_PRINTF(2, 3);

/* Names the place. The first call wins. */
void sp_why_place(struct sp_why *why, unsigned line, unsigned column);

#endif
