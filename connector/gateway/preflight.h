#ifndef SP_GATEWAY_PREFLIGHT_H
#define SP_GATEWAY_PREFLIGHT_H

/*
 * preflight: what the application shows this very person of an object, asked before a request that
 * would change it (docs/gateway.md, owner rules). One GET a request at a time, with the caller's
 * own credentials and identity, over a connection of the caller's own; the request is parked
 * meanwhile and none of its body is read. Loop thread.
 *
 * Bounded   the application's head limits, limits.inspect of body, connect_time and response_time
 *           together; one more try where a connection that had waited was given up.
 * Not sent  what speaks of the request's own body, of parts and conditions (Content-*, Accept*,
 *           If-*, Range, Prefer, Idempotency-Key), its DPoP proof, which is of another method, and
 *           fields by which some applications take another method than the request line's.
 */

#include "connector/gateway/pipeline.h"

struct preflight_answer {
    /* GW_PASS: a 2xx, and what it says is below. Else why there is none: the application's own
     * status where it refused, 502 or 504 where it failed. */
    struct gw_verdict refusal;
    struct view body; /* whole, decoded; empty when it can't be read or is over limits.inspect */
    struct view content_type;
};

/* The answer, borrowed for the call, from the loop; the parked step is asked again after it. */
typedef void preflight_said(struct gw_exchange *x, const struct preflight_answer *a);

/*
 * The path that `rule` asks for `x`, in its one form, in x's arena: the names of
 * rule->from.preflight stand for the segments at the names of rule->match, else for the
 * parameters of the route. `encoded_slash` as target_options.   SP_ERR_NOT_FOUND a name that the
 * request does not have; SP_ERR_LIMIT, SP_ERR_MALFORMED, SP_ERR_NOMEM
 */
SP_MUST sp_error preflight_path(const struct gw_exchange *x, const struct gwconf_owner *rule,
                                bool encoded_slash, struct view *path);

/*
 * From inside of a step: asks for `path`, parks x and returns GW_PARK; or refuses (503, 502) when
 * it could not even begin, and `said` is not called.
 */
struct gw_verdict preflight_ask(struct gw_exchange *x, struct view path, preflight_said *said);

#endif
