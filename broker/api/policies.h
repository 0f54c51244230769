#ifndef SP_API_POLICIES_H
#define SP_API_POLICIES_H

/*
 * policies: how a text comes into force, for the handlers of policies, versions and drafts.
 * Worker threads.
 */

#include "broker/api/call.h"
#include "broker/policy/policy.h"

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

/* Each rule of `doc` (NULL: none) as openapi.yaml's RuleWords; of the policy `only`, NULL: of all.
 * Lines count from `first`, where the text that was asked about begins. Owned by the caller. */
struct json *rules_in_words(const struct policy_doc *doc, const char *only, unsigned first);

#endif
