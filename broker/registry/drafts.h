#ifndef SP_REGISTRY_DRAFTS_H
#define SP_REGISTRY_DRAFTS_H

/*
 * drafts: texts of policies that somebody wrote and nobody put in force yet. A draft is its
 * author's to change; anyone else writes one of their own, so that whoever approves it did not
 * write it. Workers.
 */

#include "broker/registry/registry.h"

enum { DRAFTS_MAX = 100 };

/*
 * A new one (row->ver 0) or a changed one; author and policy stay. With its audit record.
 *   SP_ERR_CONFLICT  changed meanwhile, or another's
 *   SP_ERR_LIMIT     DRAFTS_MAX, of all people together
 */
SP_MUST sp_error drafts_put(struct registry *r, struct draft_row *row,
                            const struct audit_record *by);
/* `why`: "discarded", "put in force".   SP_ERR_NOT_FOUND */
SP_MUST sp_error drafts_remove(struct registry *r, const struct draft_row *row, const char *why,
                               const struct audit_record *by);

#endif
