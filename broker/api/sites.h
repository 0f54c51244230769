#ifndef SP_API_SITES_H
#define SP_API_SITES_H

#include "broker/api/names.h"

/* What openapi.yaml calls Site. Owned by the caller. Worker threads. */
struct json *api_site_object(struct api *api, const struct names *n, const struct site_row *row);

#endif
