#ifndef SP_GATEWAY_TARGET_H
#define SP_GATEWAY_TARGET_H

/*
 * target: the target of a request in its one form, so that rules and application read the same
 * path (RFC 9112 section 3.2, RFC 3986).
 *
 * The path is split at '/' before one percent-decode. Refused: "." and ".." and empty segments in
 * any spelling, an encoded slash or backslash, a raw ';' (path parameters, which some frameworks
 * cut off), controls, and what is not UTF-8 after the decode; in the query broken escapes, NUL, CR
 * and LF. The path goes on re-encoded from its decoded segments; "%252e" stays text.
 * Pure. Fuzzed by tests/fuzz/fuzz_target.c.
 */

#include "connector/gateway/request.h"

struct target_options {
    bool allow_encoded_slash; /* "%2F" stays inside of its segment */
};

/*
 * `text` as sent: "/path?query", "http://host/path" whose authority must be `host`, or "*" with
 * OPTIONS, which has no segments. Everything in `a`.
 *   SP_ERR_MALFORMED
 *   SP_ERR_LIMIT      more than GW_SEGMENTS_MAX or GW_QUERY_MAX, or the arena is spent
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error target_parse(struct view text, struct view host, enum gw_method method,
                              const struct target_options *options, struct arena *a,
                              struct gw_target *out);

/* "a=1&b=2" of a query or a form into decoded pairs; '+' is a space. Errors as above. */
SP_MUST sp_error target_pairs(struct view text, struct arena *a, size_t max, struct gw_pair **pairs,
                              size_t *count);

#endif
