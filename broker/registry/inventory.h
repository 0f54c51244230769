#ifndef SP_REGISTRY_INVENTORY_H
#define SP_REGISTRY_INVENTORY_H

/*
 * inventory: what admins say of what the gateways found: endpoints and incidents that are right as
 * they are. Each with its audit record in the same transaction. Workers.
 */

#include "broker/registry/registry.h"

enum { EXPECTED_DAYS_MAX = 90 };

/*
 * Marks an endpoint as expected until row->expected_until, or (expected_at 0) no longer.
 *   SP_ERR_CONFLICT  row->ver is not the stored version
 */
SP_MUST sp_error inventory_mark(struct registry *r, struct endpoint_row *row,
                                const struct audit_record *by);

/*
 * Incidents of a kind are expected: no more of them are raised for this user, or this group, until
 * the row's time. row->id and created are filled.
 *   SP_ERR_LIMIT  64 are in force for the app
 */
SP_MUST sp_error inventory_expect(struct registry *r, struct expectation_row *row,
                                  const struct audit_record *by);

#endif
