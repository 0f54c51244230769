#ifndef SP_REGISTRY_GATEWAYS_H
#define SP_REGISTRY_GATEWAYS_H

/*
 * gateways: changes of an app's gateway part that are one act of an admin: switching what decides
 * about a refusal, retiring an endpoint. The text stays as its author wrote it but for that; the
 * record is signed anew. Workers.
 */

#include "broker/registry/apps.h"

/* What decides about refusals of this reason and rule in the app as it is now. */
struct gateway_decider {
    char part[64];    /* "detectors.bola", "rate.per-user", "owner" */
    const char *mode; /* "off", "monitor", "block"; static */
};
/* false: nothing that has a mode, or the app has no gateway. */
bool gateways_decider(const struct app_row *row, const char *reason, const char *rule,
                      struct gateway_decider *out);

/*
 * Sets that mode. `row` is of a snapshot; expect_ver as in apps_put.
 *   SP_ERR_NOT_FOUND  nothing of that reason and rule has a mode
 *   SP_ERR_INVALID    the text would not be usable, or can't be changed so: `why`
 *   and those of apps_put
 */
SP_MUST sp_error gateways_switch(struct registry *r, const struct app_row *row, const char *reason,
                                 const char *rule, const char *mode, uint64_t expect_ver,
                                 const struct key_secret *record_key, const struct audit_record *by,
                                 struct sp_why *why);

/* Adds a rule to `retire`. Dates "2026-12-31" or ""; successor "" for none. Errors as above. */
struct gateway_retire {
    const char *match, *deprecated, *sunset, *successor;
    bool block; /* 410 from sunset on */
};
SP_MUST sp_error gateways_retire(struct registry *r, const struct app_row *row,
                                 const struct gateway_retire *retire, uint64_t expect_ver,
                                 const struct key_secret *record_key, const struct audit_record *by,
                                 struct sp_why *why);

/* Name of the document that the gateway part names; "" for none. */
void gateways_document(const struct app_row *row, char *out, size_t room);

#endif
