#ifndef SP_API_POSTURE_H
#define SP_API_POSTURE_H

/*
 * posture: the signals of a device as the console shows them. Worker threads.
 *
 * A value past its expiry is shown with its age and counts as unknown: the page never shows a
 * pass that a decision would not take.
 */

#include "broker/api/api.h"
#include "broker/policy/policy.h"

/* A number or a text passes nothing by itself: a policy's bound judges it, another one otherwise.
 */
enum judged_verdict { JUDGED_UNKNOWN = 0, JUDGED_PASS, JUDGED_FAIL, JUDGED_VALUE };

/* Which source decides a signal now, and what it says (ECOSYSTEM 1.3 without a policy's limits: an
 * unexpired fail first, then the strongest, then the newest). Pure; `value` is one of the signal's.
 */
struct judged {
    const struct fact_value
        *value; /* NULL: never reported; VALUE_NONE: the source could not tell */
    enum judged_verdict verdict;
    bool stale;
};
struct judged posture_judge(const struct fact_signal *s, sp_unix_ms now);

/* {pass, fail, unknown, reported_at}: numbers and texts are in none of the three, unless stale.
 * All owned by the caller. */
struct json *posture_counts(struct api *api, struct sp_id device);
/* What openapi.yaml calls Signal, by name. */
struct json *posture_signals(struct api *api, struct sp_id device);
/* What its user may open with it now: app, result, reason. */
struct json *posture_apps(struct api *api, struct sp_id device);

#endif
