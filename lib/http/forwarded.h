#ifndef SP_HTTP_FORWARDED_H
#define SP_HTTP_FORWARDED_H

/*
 * forwarded: who is behind an HTTP proxy that ends TLS (front: l7), from X-Forwarded-For.
 *
 * Each proxy appends the address that it saw, so the list is read from its end, and only as far as
 * those who wrote it are ours: what a client put at its beginning is never looked at (INC-9).
 * Pure. Fuzzed by tests/fuzz/fuzz_forwarded.c.
 */

#include "lib/os/prefix.h"

/*
 * `header` is the value, several joined by commas; `proxies` are ours. `out` is the last address
 * that is none of them, or the first of the list when all are.
 *   SP_ERR_NOT_FOUND  the list is empty
 *   SP_ERR_MALFORMED  what one of ours wrote is no address ("unknown", a name)
 */
SP_MUST sp_error forwarded_parse(struct view header, const struct prefixes *proxies,
                                 struct address *out);

#endif
