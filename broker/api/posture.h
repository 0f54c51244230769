#ifndef SP_API_POSTURE_H
#define SP_API_POSTURE_H

/*
 * posture: the signals of a device as the console shows them. Worker threads.
 *
 * A value past its expiry is shown with its age and counts as unknown: the page never shows a
 * pass that a decision would not take.
 */

#include "broker/api/api.h"

/* {pass, fail, unknown, reported_at}. All owned by the caller. */
struct json *posture_counts(struct api *api, struct sp_id device);
/* What openapi.yaml calls Signal, by name. */
struct json *posture_signals(struct api *api, struct sp_id device);
/* What its user may open with it now: app, result, reason. */
struct json *posture_apps(struct api *api, struct sp_id device);

#endif
