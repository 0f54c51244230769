#ifndef SP_GATEWAY_OWNER_H
#define SP_GATEWAY_OWNER_H

/*
 * owner: whose is it? The value at a place of a message against what the app calls this person
 * (GATEWAY section 9.1). Exact: no learning, no doubt. Pure.
 */

#include "connector/gateway/pipeline.h"
#include "lib/base/json.h"
#include "lib/schema/value.h"

/*
 * Every value at `pointer` (RFC 6901) is `expected`. A segment that meets an array and is no index
 * goes on in each of its elements; an empty array has nobody's object in it. A missing value, null,
 * an object or a list at the end is not anybody's. `expected` empty: false.
 */
bool owner_holds(const struct value *v, struct view pointer, struct view expected,
                 struct scratch *scratch);

/* The same of what the request itself says: the place in path, query or JSON body that the rule
 * reads. Any other source: false. Resets `scratch`. */
bool owner_in_request(const struct gw_exchange *x, const struct gwconf_owner *rule,
                      struct view expected, struct scratch *scratch);

/* What `equals` means for this request; empty: not known. `subject` is the app's own id of this
 * person, empty while it has not said one. Takes room from the request's arena. */
struct view owner_expected(const struct gw_exchange *x, const struct gwconf_equals *equals,
                           struct view subject);

/* The rule does not speak of this person. */
bool owner_excepted(const struct gw_caller *caller, const struct gwconf_owner *rule);

#endif
