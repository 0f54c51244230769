#ifndef SP_API_POLICIES_H
#define SP_API_POLICIES_H

/*
 * policies: how a text comes into force, for the handlers of policies, versions and drafts.
 * Worker threads.
 */

#include "broker/api/call.h"

/*
 * Refuses a change that no second admin saw, where the configuration asks for one
 * (`second_approval: true`); fills c->problem.
 *   SP_ERR_DENIED
 */
SP_MUST sp_error policy_direct(struct api *api, struct api_call *c);

/* Checks the whole document and puts it in force as version `expected` + 1; a text that may not be
 * saved is answered with what the check found. Errors of rules_put. */
SP_MUST sp_error policy_put_whole(struct api *api, struct api_call *c, struct view text,
                                  uint64_t expected, struct sp_id author, const char *note);

#endif
