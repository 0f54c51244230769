#ifndef SP_REGISTRY_VIEWS_H
#define SP_REGISTRY_VIEWS_H

/*
 * views: filters of a list that somebody keeps under a name, for themselves or for all who may see
 * the list. Only the owner changes one. Workers.
 */

#include "broker/registry/registry.h"

enum { VIEWS_A_PERSON_MAX = 100 };

/*
 * A new one (row->ver 0) or a changed one; page and owner stay. With its audit record.
 *   SP_ERR_EXISTS    the owner has one of this name on this page
 *   SP_ERR_CONFLICT  changed meanwhile
 *   SP_ERR_LIMIT     VIEWS_A_PERSON_MAX
 */
SP_MUST sp_error views_put(struct registry *r, struct view_row *row, const struct audit_record *by);
/*   SP_ERR_NOT_FOUND  `owner` has no such view */
SP_MUST sp_error views_remove(struct registry *r, const struct view_row *row,
                              const struct audit_record *by);

#endif
