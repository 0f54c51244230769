#ifndef SP_API_RECORDS_H
#define SP_API_RECORDS_H

/*
 * records: audit records as openapi.yaml calls them, and the state of the chain. Worker threads.
 */

#include "broker/api/api.h"

/* AuditRecord from a stored row. Owned by the caller; NULL: no memory, or no record. */
struct json *record_object(const struct audit_row *row);

/* Appends the newest records with this action to `list`, at most `max`. Errors of the store. */
SP_MUST sp_error records_newest(struct api *api, const char *action, sp_unix_ms since, size_t max,
                                struct json *list);

/* What the last check found: Verification. Owned by the caller. */
struct json *chain_object(struct api *api);

#endif
