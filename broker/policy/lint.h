#ifndef SP_POLICY_LINT_H
#define SP_POLICY_LINT_H

/*
 * lint: what a document probably does not mean. Warnings only; nothing here refuses a save.
 */

#include "broker/policy/policy.h"

enum lint_kind {
    LINT_NONE = 0,
    LINT_ALLOW_ALL,        /* an allow rule without any condition on people */
    LINT_ALLOW_BARE,       /* without device or posture, beside rules that ask for them */
    LINT_SHADOWED,         /* all of it is allowed by another rule of the same policy already */
    LINT_UNUSED,           /* its apps match no app */
    LINT_NEVER,            /* can never be true: until has passed */
    LINT_DENY_OVER_UNKNOWN /* deny over a fact that may be unknown: no or_unknown, no require */
};

struct lint_finding {
    enum lint_kind kind;
    unsigned line;
    char policy[POLICY_NAME_MAX + 1], rule[POLICY_NAME_MAX + 1]; /* rule "": the policy */
    char text[POLICY_TEXT_MAX]; /* what, and what would be better */
};

struct lint_app {
    const char *name;
    const struct label *labels;
    size_t label_count;
};

/* Writes up to `max` findings and returns how many there are. `apps` are all of the registry. */
size_t policy_lint(const struct policy_doc *doc, const struct lint_app *apps, size_t app_count,
                   sp_unix_ms now, struct lint_finding *out, size_t max);

const char *lint_word(enum lint_kind k); /* "allow_all", … */

#endif
