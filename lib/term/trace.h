#ifndef SP_TERM_TRACE_H
#define SP_TERM_TRACE_H

/*
 * trace: a decision with all that it was made from, as `why` prints it: the result, the reasons
 * and remedies, then each rule and requirement with its conditions and the fact that each saw.
 *
 * The form is that of the REST API (broker/api/openapi.yaml, Trace); members that are missing are
 * left out. Foreign text is escaped by out.h.
 */

#include "lib/base/json.h"
#include "lib/term/out.h"

/* Rules and requirements only. NULL prints nothing. */
void trace_rules(const struct out *out, const struct json *trace);

/* Each text of a list on a line of its own behind `head`. */
void trace_lines(const struct out *out, const char *head, const struct json *texts);

#endif
