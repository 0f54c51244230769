#ifndef SP_API_TRACE_H
#define SP_API_TRACE_H

/*
 * trace: what openapi.yaml calls Trace: the trace of a decision, as explain_trace() and the audit
 * log give it, with names and sentences around it. Worker threads.
 */

#include "broker/api/api.h"
#include "broker/api/names.h"
#include "broker/policy/explain.h"

/* Whom the decision was about. A zero id is null in the answer. */
struct trace_about {
    const char *request; /* NULL: nothing was decided for real */
    sp_unix_ms at;
    struct sp_id user, device, app;
    const char *user_name, *app_name;
};

/* `trace` is copied; `sentences` may be NULL. Owned by the caller. */
struct json *trace_object(const struct names *n, const struct trace_about *about,
                          const struct json *trace, const struct sentences *sentences);

/*
 * The decision of an audit record in words, as it was made: the text of its policy version decides
 * again over the facts that the record keeps; what each condition saw is the record's own. NULL:
 * the version is gone, the record keeps no facts, or the outcome is not the recorded one; its own
 * trace, without words, is what there is then. Owned by the caller.
 */
struct json *trace_again(struct api *api, const struct json *record);

#endif
