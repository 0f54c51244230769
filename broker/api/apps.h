#ifndef SP_API_APPS_H
#define SP_API_APPS_H

/*
 * apps: which policies open an app, for the list of apps and for what waits for an admin. Worker
 * threads; a policy opens an app that it covers with an allow rule while it is enforced.
 */

#include "broker/session/rules.h"

/* Is there one? Without, nobody may ask for the app. */
bool app_may_be_asked_for(const struct rules_version *v, const struct app_row *row);

/* The names of all of them, a list of texts. Owned by the caller. */
struct json *app_policies(const struct rules_version *v, const struct app_row *row);

#endif
