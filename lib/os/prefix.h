#ifndef SP_OS_PREFIX_H
#define SP_OS_PREFIX_H

/*
 * prefix: ranges of addresses as a configuration lists them ("198.18.66.0/24", "2001:db8::7").
 * Pure. Any thread.
 */

#include "lib/base/why.h"
#include "lib/os/sock.h"

/* IPv4 stands mapped into IPv6, so 198.18.0.7 and ::ffff:198.18.0.7 are one address. */
struct prefix {
    uint8_t bytes[16];
    unsigned bits; /* 0 to 128; an IPv4 prefix is 96 longer */
};

enum { PREFIXES_MAX = 32 };

/* Zeroed: none, which holds nobody. */
struct prefixes {
    struct prefix at[PREFIXES_MAX];
    size_t count;
};

/* An address, or an address, '/' and a length; bits behind the length must be 0: "10.0.0.5/8" is a
 * slip of the pen.   SP_ERR_MALFORMED */
SP_MUST sp_error prefix_parse(struct view text, struct prefix *out);

/* The list of a configuration. More than PREFIXES_MAX, what is no range, and a range that is
 * everyone are refused; `why` names the item of `field`.   SP_ERR_INVALID */
SP_MUST sp_error prefixes_read(const char *field, char *const *items, size_t count,
                               struct prefixes *out, struct sp_why *why);

/* Whether one of them holds the address; the port does not matter. */
bool prefixes_hold(const struct prefixes *all, const struct address *a);

#endif
