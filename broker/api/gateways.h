#ifndef SP_API_GATEWAYS_H
#define SP_API_GATEWAYS_H

/*
 * gateways: what the handlers of endpoints, coverage and refusals share. Worker threads.
 */

#include "broker/api/call.h"
#include "broker/api/names.h"

/* shadow, orphan, zombie, drift, unauthenticated */
enum { ENDPOINT_BITS_ODD = 2 | 4 | 8 | 16 | 32 };

/* The states of a sum over connectors: documented at one is not shadow at another. */
uint32_t endpoint_bits(uint32_t states);

/* "until" of a body: a time within 90 days. SP_ERR_INVALID */
SP_MUST sp_error member_until(struct api_call *c, const struct json *body, sp_unix_ms *out);

/* Answers {app, version}: what the app is now. */
SP_MUST sp_error answer_app_version(struct api *api, struct api_call *c, struct sp_id app);

/* An OpenAPI 3.1 draft of what was seen of an app (draft.c). Owned by the caller.
 * Errors of the store. */
SP_MUST sp_error draft_make(struct store *st, struct sp_id app, const char *title,
                            struct json **out);

#endif
