#ifndef SP_API_NAMES_H
#define SP_API_NAMES_H

/*
 * names: the names that belong to ids, for answers that speak of several objects. Worker threads.
 *
 * Holds one snapshot for its life, so one answer shows one state of sites, connectors, relays and
 * apps; users and devices are read when asked for. An id that is known no more has the name "".
 */

#include "broker/api/api.h"

struct names {
    struct registry *registry;
    const struct snapshot *s;
};

struct names names_hold(struct api *api);
void names_release(struct names *n);

void set_site(struct json *o, const char *member, const struct names *n, struct sp_id id);
void set_app(struct json *o, const char *member, const struct names *n, struct sp_id id);
void set_connector(struct json *o, const char *member, const struct names *n, struct sp_id id);
void set_relay(struct json *o, const char *member, const struct names *n, struct sp_id id);
void set_user(struct json *o, const char *member, const struct names *n, struct sp_id id);
void set_device(struct json *o, const char *member, const struct names *n, struct sp_id id);

/* How many connectors of a site are enrolled and not revoked, and how many hang here now. */
void site_connectors(struct api *api, const struct names *n, struct sp_id site, size_t *enrolled,
                     size_t *online);

#endif
