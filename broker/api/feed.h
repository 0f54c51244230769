#ifndef SP_API_FEED_H
#define SP_API_FEED_H

/*
 * feed: what changes, to open console pages (lib/http/live). Any thread.
 */

#include "broker/api/names.h"
#include "broker/session/live.h"

/* Tells pages of sessions that open, change and end. Borrows `api` for the live set's life. */
SP_MUST sp_error feed_follow(struct api *api);
/* Tells pages that objects changed; after registry_listener() in the list. */
struct changes_listener feed_listener(struct api *api);

/* What openapi.yaml calls Session; `state` NULL: the session's own. Owned by the caller. */
struct json *api_session_object(struct api *api, const struct names *n, const struct session *s,
                                const char *state);

#endif
