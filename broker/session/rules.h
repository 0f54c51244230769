#ifndef SP_SESSION_RULES_H
#define SP_SESSION_RULES_H

/*
 * rules: the policy document in force in its compiled form, with the labels and limits of apps.
 *
 * Swapped when the policy or an app changes; readers hold a version, so a decision sees one
 * document from its first step to its last. Any thread.
 */

#include "broker/policy/decide.h"
#include "broker/policy/lint.h"
#include "broker/registry/policies.h"
#include "lib/base/json.h"

struct rules;

/* What policy needs of one app. */
struct rules_app {
    const struct app_row *row;
    const struct label *labels;
    size_t label_count;
    struct limits limits;
    struct view description; /* for people, by an admin; may be empty */
    bool cut_through_off;
};

struct rules_version {
    const struct policy_doc *doc; /* never NULL; without a policy in force it denies everything */
    const struct snapshot *objects;
    const struct rules_app *apps; /* by name, as objects->apps */
    size_t app_count;
};

SP_MUST sp_error rules_new(struct registry *r, struct rules **out);
void rules_free(struct rules *r);
/* After registry_listener() in the list of listeners. */
struct changes_listener rules_listener(struct rules *r);

/* Never NULL. Give each one back. */
const struct rules_version *rules_hold(struct rules *r);
void rules_release(struct rules *r, const struct rules_version *v);
const struct rules_app *rules_app(const struct rules_version *v, struct view name); /* NULL: none */
const struct rules_app *rules_app_by_id(const struct rules_version *v, struct sp_id id);

/* ---- what console and API need to edit ---- */

struct rules_check {
    sp_error error;    /* of parse or of a test; SP_OK: may be saved */
    struct sp_why why; /* text, field, line, column */
    size_t tests, tests_failed;
    size_t finding_count; /* may be above the array's size */
    struct lint_finding findings[64];
    struct policy_doc *doc; /* owned by the caller when not NULL: names, lines, rules */
};
/* Parses, runs the tests, lints. Nothing is stored. Only SP_ERR_NOMEM is returned. */
SP_MUST sp_error rules_check(struct rules *r, struct view text, struct rules_check *out);
void rules_check_free(struct rules_check *c);

/*
 * Checks and puts in force as version change->expect_ver + 1; live sessions are decided again.
 *   SP_ERR_MALFORMED, SP_ERR_INVALID  `why` says where
 *   SP_ERR_CONFLICT                   another version came first
 */
SP_MUST sp_error rules_put(struct rules *r, const struct policy_change *change,
                           const struct audit_record *by, struct sp_why *why, uint64_t *ver);

#endif
