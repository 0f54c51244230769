#ifndef SP_POLICY_TESTS_H
#define SP_POLICY_TESTS_H

/*
 * tests: the expectations that a document carries about itself, run on every save.
 *
 * A row names user, groups and app, may set any other fact, and says allow, deny or step_up:
 *   {user, groups, app, labels, mfa: {kind, age, amr, acr}, device: {state, owner, key} | none,
 *    posture: [{signal, value, source, assurance, age, ttl}], score: [{feed, field, value, age}],
 *    network, country, risk, at (RFC 3339), groups_known, access (what is left of an approved
 *    request's time), expect, reason}
 * What a row leaves out is unknown; labels come from the registry's app of that name, `at` is
 * the moment of the save. Simulation (API, sallyport-admin) reads facts in the same form.
 */

#include "broker/policy/decide.h"
#include "broker/policy/lint.h"
#include "lib/base/json.h"
#include "lib/base/why.h"

struct policy_test {
    unsigned line;
    const struct facts *facts; /* now = 0: the moment of the run; labels empty: the registry's */
    enum verdict expect;
    enum reason reason; /* REASON_ERROR: any */
};

/*
 * Runs every test. `why` names line, what was expected and what came out.
 *   SP_ERR_INVALID  one failed
 */
SP_MUST sp_error policy_tests_run(const struct policy_doc *doc, const struct lint_app *apps,
                                  size_t app_count, sp_unix_ms now, struct sp_why *why);

/*
 * Facts of one row of the form above, for simulations; `now` is used where the row has no `at`.
 * `*out` and all it points to is freed by facts_free().
 *   SP_ERR_MALFORMED, SP_ERR_INVALID, SP_ERR_NOMEM
 */
SP_MUST sp_error facts_from_json(const struct json *row, sp_unix_ms now, struct sp_why *why,
                                 struct facts **out);
/*
 * The facts of a decision that was written down (explain_trace_text, TRACE_RECORD): decide() over
 * them gives what it gave then. That the app existed is the caller's to know. Freed the same way.
 *   SP_ERR_MALFORMED  no trace with facts, or of another form
 */
SP_MUST sp_error facts_from_trace(const struct json *trace, struct facts **out);
void facts_free(struct facts *f);

#endif
