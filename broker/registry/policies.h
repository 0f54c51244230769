#ifndef SP_REGISTRY_POLICIES_H
#define SP_REGISTRY_POLICIES_H

/*
 * policies: the versions of the one policy document. Whether a text means anything is checked
 * by the caller (broker/session/rules.h), which sees the policy room.
 */

#include "broker/registry/registry.h"

/* The whole document as somebody wants it in force. Borrowed for the call. */
struct policy_change {
    struct view text;
    uint64_t expect_ver; /* the version in force that they saw; 0: there is none */
    struct sp_id author; /* of the text; who puts it in force may be another */
    const char *note;    /* NULL: none */
};

/*
 * Puts its text in force as version expect_ver + 1.
 *   SP_ERR_CONFLICT  another version came first
 *   SP_ERR_LIMIT     longer than 1 MiB
 */
SP_MUST sp_error policies_put(struct registry *r, const struct policy_change *change,
                              const struct audit_record *by, uint64_t *ver);

#endif
