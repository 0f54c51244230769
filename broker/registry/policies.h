#ifndef SP_REGISTRY_POLICIES_H
#define SP_REGISTRY_POLICIES_H

/*
 * policies: the versions of the one policy document. Whether a text means anything is checked
 * by the caller (broker/session/rules.h), which sees the policy room.
 */

#include "broker/registry/registry.h"

/*
 * Puts a text in force as version `expect_ver` + 1.
 *   SP_ERR_CONFLICT  another version came first
 *   SP_ERR_LIMIT     longer than 1 MiB
 */
SP_MUST sp_error policies_put(struct registry *r, struct view text, uint64_t expect_ver,
                              struct sp_id author, const char *note, const struct audit_record *by,
                              uint64_t *ver);

#endif
